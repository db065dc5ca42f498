import { isJsonObject, type Json } from '../model/json.js';

/** More differences than this are counted, not shown. */
const MAX_SHOWN = 5;

/** Characters of one value in a message. */
const MAX_VALUE_CHARACTERS = 60;

/** The answer as a check sees it; `undefined`: no JSON, or empty. */
export function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/**
 * What `expect.body` is compared with, the likeliest first: beside a `statusCode` (API Gateway, function URLs, load balancers) the
 * `body`, decoded and parsed where it is JSON, and the text that it is; otherwise the whole answer. Empty: there is no body.
 */
export function bodiesOf(payload: string): readonly Json[] {
  const answer = parseJson(payload);
  if (answer === undefined) return payload === '' ? [] : [payload];
  if (!isJsonObject(answer) || typeof answer['statusCode'] !== 'number') return [answer];
  const { body, isBase64Encoded } = answer;
  if (body === undefined) return [];
  if (typeof body !== 'string') return [body];
  const text = isBase64Encoded === true ? Buffer.from(body, 'base64').toString('utf8') : body;
  const parsed = parseJson(text);
  return parsed === undefined ? [text] : [parsed, text];
}

/**
 * Where a body is not what is expected, a phrase each; empty: it matches. A map must have the expected keys, each matching, and may
 * have more; a list must have exactly the expected entries, each matching; anything else must be equal.
 *
 * @param redact takes known secrets out of what is quoted; of the body only values at paths that are expected are quoted
 */
export function bodyProblems(expected: Json, payload: string, redact: (text: string) => string): readonly string[] {
  const [first, ...others] = bodiesOf(payload).map((body) => differences(expected, body, 'body', redact));
  if (first === undefined) return ['there is no body'];
  if (others.some((found) => found.length === 0)) return [];
  const more = first.length - MAX_SHOWN;
  return more > 0 ? [...first.slice(0, MAX_SHOWN), `${more} more`] : first;
}

function differences(
  expected: Json,
  found: Json | undefined,
  path: string,
  redact: (text: string) => string,
): readonly string[] {
  const quote = (value: Json): string => cut(redact(JSON.stringify(value)));
  if (found === undefined) return [`${path} is missing, expected ${quote(expected)}`];
  if (isJsonObject(expected)) {
    if (!isJsonObject(found)) return [`${path} is ${describe(found, quote)}, expected a map`];
    return Object.entries(expected).flatMap(([key, value]) =>
      differences(value, Object.hasOwn(found, key) ? found[key] : undefined, member(path, key), redact),
    );
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(found)) return [`${path} is ${describe(found, quote)}, expected a list`];
    if (found.length !== expected.length)
      return [`${path} has ${entries(found.length)}, expected ${entries(expected.length)}`];
    const list = found as readonly Json[];
    return (expected as readonly Json[]).flatMap((value, index) =>
      differences(value, list[index], `${path}[${index}]`, redact),
    );
  }
  return expected === found ? [] : [`${path} is ${describe(found, quote)}, expected ${quote(expected)}`];
}

/** Maps and lists may hold what nobody asked for. */
function describe(value: Json, quote: (value: Json) => string): string {
  if (Array.isArray(value)) return `a list of ${entries(value.length)}`;
  return isJsonObject(value) ? 'a map' : quote(value);
}

function entries(count: number): string {
  return count === 1 ? '1 entry' : `${count} entries`;
}

function member(path: string, key: string): string {
  return /^[\w$-]+$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}

function cut(text: string): string {
  return text.length > MAX_VALUE_CHARACTERS ? `${text.slice(0, MAX_VALUE_CHARACTERS - 1)}…` : text;
}
