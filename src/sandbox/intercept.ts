import { createHash } from 'node:crypto';
import type { JsonObject } from '../model/json.js';
import { AwsError } from './errors.js';
import type { Match } from './routes.js';

/** A request that was authenticated, as tests see it. */
export interface SandboxCall {
  /** AWS's name of the operation. */
  readonly operation: string;
  /** The region that the caller signed for. */
  readonly region: string;
  /** How often the operation was called, this call included. */
  readonly n: number;
  /** The name as the caller wrote it: a name or an ARN. */
  readonly functionName?: string;
  readonly qualifier?: string;
  /** The parsed body; an archive is replaced by its size and digest, an event of Invoke is under `Payload`, of an object its `Bucket`, `Key` and `Bytes` are shown. */
  readonly body: JsonObject;
  /** Whether the operation changes state; Invoke does not. */
  readonly mutating: boolean;
}

/**
 * What happens to a call instead of, or after, its effect: `reset-before` cuts the connection without an effect,
 * `reset-after` lets it take effect and then cuts the connection, `error` answers without an effect.
 */
export type Fault =
  | { readonly kind: 'reset-before' }
  | { readonly kind: 'reset-after' }
  | {
      readonly kind: 'error';
      readonly status: number;
      readonly code: string;
      readonly message: string;
      readonly retryAfterSeconds?: number;
    };

/** Asked after authentication and before the operation; `undefined` lets the call pass. */
export type Intercept = (call: SandboxCall) => Fault | undefined | Promise<Fault | undefined>;

/** The answer that a fault asks for. */
export function faultError(fault: Extract<Fault, { kind: 'error' }>): AwsError {
  const headers = fault.retryAfterSeconds === undefined ? {} : { 'retry-after': String(fault.retryAfterSeconds) };
  return new AwsError(fault.status, fault.code, { Type: 'User', message: fault.message }, headers);
}

function withoutArchive(body: JsonObject): JsonObject {
  const { ZipFile: zip } = body;
  if (typeof zip !== 'string') return body;
  const bytes = Buffer.from(zip, 'base64');
  const digest = createHash('sha256').update(bytes).digest('base64');
  return { ...body, ZipFile: `(${bytes.byteLength} bytes, CodeSha256 ${digest})` };
}

/** A call for the list and the interceptor. */
export function seenCall(
  match: Match,
  { n, region }: Pick<SandboxCall, 'n' | 'region'>,
  query: URLSearchParams,
  body: JsonObject,
  raw: Uint8Array,
): SandboxCall {
  const { operation, path, mutating } = match;
  const name = path.FunctionName ?? path.Resource ?? body.FunctionName;
  const qualifier = query.get('Qualifier') ?? path.Name;
  const code = body.Code;
  const objectOf = path.Bucket === undefined ? {} : { ...path, ...Object.fromEntries(query), Bytes: raw.byteLength };
  const shown =
    operation === 'Invoke' ? { Payload: Buffer.from(raw).toString('utf8') } : { ...withoutArchive(body), ...objectOf };
  return {
    operation,
    region,
    n,
    mutating,
    body: typeof code === 'object' && code !== null ? { ...shown, Code: withoutArchive(code as JsonObject) } : shown,
    ...(typeof name === 'string' ? { functionName: name } : {}),
    ...(typeof qualifier === 'string' ? { qualifier } : {}),
  };
}
