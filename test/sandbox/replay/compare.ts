import { isJsonObject, type Json, type JsonObject } from '../../../src/model/json.js';
import type { RawAnswer } from '../support.js';

/**
 * The tokens of the recordings' README and what a real value looks like. Nothing else is ever ignored: every other leaf
 * has to be equal.
 */
const TOKENS: Readonly<Record<string, RegExp>> = {
  uuid: /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/,
  // Of an archive in base64, of an image in hex.
  'code-sha256': /[A-Za-z0-9+/]{43}=|[0-9a-f]{64}/,
  // An image has none.
  'code-size': /\d+/,
  'function-name': /[A-Za-z0-9-_]+/,
  'alias-name': /[A-Za-z0-9-_]+/,
  'fn-name': /[A-Za-z0-9-_]+/,
  'nonexisting-fn-name': /[A-Za-z0-9-_]+/,
  resource: /[A-Za-z0-9-_]+/,
  region: /us-east-1/,
  partition: /aws/,
  location: /http:\/\/127\.0\.0\.1:\d+\/_code\/[0-9a-f]{32}/,
  subnet_id_1: /subnet-1/,
  subnet_id_2: /subnet-2/,
  security_group_id_1: /sg-1/,
  security_group_id_2: /sg-2/,
  repo_uri: /111111111111\.dkr\.ecr\.us-east-1\.amazonaws\.com\/[a-z-]+/,
  repo_uri_2: /111111111111\.dkr\.ecr\.us-east-1\.amazonaws\.com\/[a-z-]+/,
  vpc_id: /vpc-[0-9a-f]{17}/,
};
/** One token for many values: a link is new each time, and sizes were replaced without a number. */
const UNBOUND = new Set(['location', 'code-size']);
/** Tokens without brackets: the SDK makes a date of `datetime`, which is a number of seconds on the wire. */
const WORDS: Readonly<Record<string, RegExp>> = {
  date: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000/,
  datetime: /\d{10}(?:\.\d{1,3})?/,
  'lambda-url': /https:\/\/[a-z0-9]{32}\.lambda-url\.us-east-1\.on\.aws\//,
};

/** One value for each token, one token for each value. */
class Bindings {
  private readonly values = new Map<string, string>();
  private readonly tokens = new Map<string, string>();

  bind(token: string, value: string): boolean {
    if (UNBOUND.has(token)) return true;
    const [kind] = token.split(':');
    const before = this.values.get(token);
    const owner = this.tokens.get(`${kind}=${value}`);
    this.values.set(token, value);
    this.tokens.set(`${kind}=${value}`, token);
    return (before ?? value) === value && (owner ?? token) === token;
  }
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

function matchText(expected: string, actual: string, bindings: Bindings): boolean {
  const tokens: string[] = [];
  const pattern = expected
    .split(/(<[a-z0-9_-]+(?::\d+)?>)/)
    .map((piece) => {
      const token = /^<(.+)>$/.exec(piece)?.[1];
      const shape = token === undefined ? undefined : TOKENS[token.split(':')[0] ?? ''];
      if (token === undefined || shape === undefined) return WORDS[piece]?.source ?? escape(piece);
      tokens.push(token);
      return `(${shape.source})`;
    })
    .join('');
  const found = new RegExp(`^${pattern}$`).exec(actual);
  return found !== null && tokens.every((token, index) => bindings.bind(token, found[index + 1] ?? ''));
}

function differences(expected: Json | undefined, actual: Json | undefined, at: string, bindings: Bindings): string[] {
  if (isJsonObject(expected) && isJsonObject(actual)) {
    const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
    return [...keys].flatMap((key) => differences(expected[key], actual[key], `${at}.${key}`, bindings));
  }
  // Policies are JSON in a string; whoever recorded them has read it.
  if (isJsonObject(expected) && typeof actual === 'string' && actual.startsWith('{'))
    return differences(expected, JSON.parse(actual) as Json, at, bindings);
  if (Array.isArray(expected) && Array.isArray(actual)) {
    const length = Math.max(expected.length, actual.length);
    return Array.from({ length }).flatMap((_, index) =>
      differences(expected[index] as Json, actual[index] as Json, `${at}[${index}]`, bindings),
    );
  }
  const same =
    typeof expected === 'string' && (typeof actual === 'string' || typeof actual === 'number')
      ? matchText(expected, String(actual), bindings)
      : expected === actual;
  return same ? [] : [`${at}: recorded ${JSON.stringify(expected)}, answered ${JSON.stringify(actual)}`];
}

/** A recorded response (the SDK's view) as it went over the wire: status, error code, body. */
function wireOf(recorded: JsonObject): { status: Json; code: Json; body: JsonObject } {
  const inner = recorded.CreateFunctionResponse;
  if (isJsonObject(inner)) return wireOf(inner);
  const { ResponseMetadata: metadata, Error: error, StatusCode: statusCode, ...body } = recorded;
  const status = isJsonObject(metadata) ? (metadata.HTTPStatusCode ?? null) : 200;
  // DeleteFunction's StatusCode is the HTTP status, not a member of the body.
  if (statusCode !== undefined && statusCode !== status) return { status: statusCode, code: 'inconsistent', body };
  if (!isJsonObject(error)) return { status, code: null, body };
  const text = error.Message ?? null;
  const carried = body.message ?? body.Message ?? text;
  if (carried !== text) return { status, code: 'inconsistent', body };
  return {
    status,
    code: error.Code ?? null,
    body: { message: text, ...body, ...(body.Message ? { message: null } : {}) },
  };
}

/** Members that a recording lacks because it is older than they are. */
export type Absent = readonly string[];

function withoutMembers(value: JsonObject, absent: Absent): JsonObject {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !absent.includes(key))
      .map(([key, inner]) => [key, isJsonObject(inner) ? withoutMembers(inner, absent) : inner]),
  );
}

function withoutNull(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== null));
}

/** Every difference between a recording and what was answered, by response and path; empty: equal. */
export function compareRecording(
  recorded: JsonObject,
  answers: ReadonlyMap<string, RawAnswer>,
  absent: Absent,
): readonly string[] {
  const bindings = new Bindings();
  const names = new Set([...Object.keys(recorded), ...answers.keys()]);
  return [...names].flatMap((name) => {
    const expected = recorded[name];
    const answer = answers.get(name);
    // botocore refused to send it: there is no answer of AWS's.
    if (typeof expected === 'string' && expected.startsWith('Parameter validation failed') && !answer) return [];
    if (!isJsonObject(expected)) return [`${name}: answered, but not recorded`];
    if (answer === undefined) return [`${name}: recorded, but not answered`];
    const wire = wireOf(expected);
    const body = answer.text === '' ? {} : (JSON.parse(answer.text) as JsonObject);
    return [
      ...differences(wire.status, answer.status, `${name}.status`, bindings),
      ...differences(wire.code, answer.headers['x-amzn-errortype'] ?? null, `${name}.x-amzn-ErrorType`, bindings),
      ...differences(withoutNull(wire.body), withoutMembers(body, absent), name, bindings),
    ];
  });
}
