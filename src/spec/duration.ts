const SECONDS: Readonly<Record<string, number>> = { '': 1, ms: 0.001, s: 1, m: 60, h: 3600 };

/** Seconds of `60`, `"60"`, `"90s"`, `"500ms"`, `"5m"` or `"2h"`; `undefined` for anything else. */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  const match = typeof value === 'string' ? /^(\d+)(ms|[smh]|)$/.exec(value) : null;
  return match === null ? undefined : Number(match[1]) * (SECONDS[match[2] ?? ''] ?? 1);
}
