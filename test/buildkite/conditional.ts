/** What conditions ask about, by name; a name that is not here is an error, as Buildkite has it. */
export type Facts = Readonly<Record<string, string | boolean | null>>;

/**
 * Whether a step's `if` holds: comparisons with `==` and `!=`, `&&`, `||`, and parentheses, which is all that is used here.
 *
 * @see https://buildkite.com/docs/pipelines/configure/conditionals
 */
export function holds(condition: string, facts: Facts): boolean {
  const tokens = condition.match(/"[^"]*"|'[^']*'|==|!=|&&|\|\||[()]|[\w.]+/g) ?? [];
  if (tokens.join('').length !== condition.replace(/\s+(?=(?:[^"]*"[^"]*")*[^"]*$)/g, '').length)
    throw new Error(`not understood: ${condition}`);
  let at = 0;
  const next = (): string => tokens[at++] ?? '';
  const value = (): string | boolean | null => {
    const token = next();
    if (/^["']/.test(token)) return token.slice(1, -1);
    if (token === 'null') return null;
    if (token === 'true' || token === 'false') return token === 'true';
    if (!Object.hasOwn(facts, token)) throw new Error(`Buildkite knows no ${token}`);
    return facts[token] ?? null;
  };
  const comparison = (): boolean => {
    if (tokens[at] === '(') {
      next();
      const inner = either();
      if (next() !== ')') throw new Error(`a parenthesis is open: ${condition}`);
      return inner;
    }
    const left = value();
    const operator = next();
    if (operator !== '==' && operator !== '!=') throw new Error(`no comparison: ${condition}`);
    return (left === value()) === (operator === '==');
  };
  const both = (): boolean => {
    let result = comparison();
    while (tokens[at] === '&&' && next()) result = comparison() && result;
    return result;
  };
  const either = (): boolean => {
    let result = both();
    while (tokens[at] === '||' && next()) result = both() || result;
    return result;
  };
  const result = either();
  if (at !== tokens.length) throw new Error(`more than a condition: ${condition}`);
  return result;
}
