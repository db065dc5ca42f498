/** Seconds of `60`, `"60"`, `"90s"` or `"5m"`; `undefined` for anything else. */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  const match = typeof value === 'string' ? /^(\d+)([sm]?)$/.exec(value) : null;
  return match === null ? undefined : Number(match[1]) * (match[2] === 'm' ? 60 : 1);
}
