/**
 * What buildkite-agent makes of one text of a pipeline while it uploads it: variables filled in, `$$` and `\$` for a `$`, `$(` as it is.
 * Of the operators only the default, `${NAME:-text}`.
 *
 * @see https://github.com/buildkite/interpolate
 */
export function interpolate(text: string, env: Readonly<Record<string, string | undefined>>): string {
  let out = '';
  for (let at = 0; at < text.length;) {
    const rest = text.slice(at);
    const [token, value] = read(rest, env);
    out += value;
    at += token.length;
  }
  return out;
}

function read(
  rest: string,
  env: Readonly<Record<string, string | undefined>>,
): readonly [token: string, value: string] {
  if (rest.startsWith('\\\\')) return ['\\\\', '\\\\'];
  if (rest.startsWith('\\$') || rest.startsWith('$$')) return [rest.slice(0, 2), '$'];
  if (rest.startsWith('$(') || !rest.startsWith('$') || rest.length === 1) {
    const [token = ''] = rest.startsWith('$(') ? ['$('] : [[...rest][0]];
    return [token, token];
  }
  const match = /^\$(?:([A-Za-z]\w*)|\{([A-Za-z]\w*)(?::-([^}]*))?\})/.exec(rest);
  if (match === null) throw new Error(`buildkite-agent refuses ${rest}`);
  const [token, bare, braced, fallback = ''] = match;
  return [token, env[bare ?? braced ?? ''] || fallback];
}

/** Every text in a value, as {@link interpolate} has it. */
export function interpolateAll<T>(value: T, env: Readonly<Record<string, string | undefined>>): T {
  const each = (one: unknown): unknown => {
    if (typeof one === 'string') return interpolate(one, env);
    if (Array.isArray(one)) return one.map(each);
    if (typeof one !== 'object' || one === null) return one;
    return Object.fromEntries(Object.entries(one).map(([key, member]) => [key, each(member)]));
  };
  return each(value) as T;
}
