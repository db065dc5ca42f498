import type * as Sdk from '@aws-sdk/client-lambda';
import { translate, type Call } from './errors.js';

/** Where and as whom AWS is called; what is absent comes from the environment and the profile, as the aws CLI has it. */
export interface AwsOptions {
  readonly region?: string;
  /** Overrides AWS_ENDPOINT_URL and the profile's endpoint_url. */
  readonly endpoint?: string;
  readonly profile?: string;
  /** Appended to the SDK's own: `lambda-deploy/0.1.0`. */
  readonly userAgent?: string;
  /** Aborted when the run shall stop, see {@link send}. */
  readonly stop?: AbortSignal;
}

/** A connection that takes longer is not going to come: opening one is a few round trips. */
export const CONNECTION_TIMEOUT_MS = 4_000;
/** For one attempt of a read: far above what Lambda needs, so that only a dead endpoint meets it. */
export const READ_TIMEOUT_MS = 20_000;
/** For a write without an archive: generous, because a write that is given up on has an unknown effect. */
export const WRITE_TIMEOUT_MS = 60_000;
/** The slowest upload that is waited for, in bytes a millisecond: an archive adds its size over this. */
export const SLOWEST_UPLOAD_BYTES_PER_MS = 64;
/** The SDK's own number of attempts in standard mode; only reads have more than one. */
export const READ_ATTEMPTS = 3;
/** What a write in flight still gets when the run shall stop: Buildkite kills after 9 seconds, and there is an alias to make safe. */
export const GRACE_MS = 2_500;
/** What the pauses between the attempts of a read add at most, and a body that trickles. */
const PAUSES_MS = 10_000;

/** What the SDK's `send` takes beside the command. */
export interface Limits {
  readonly requestTimeout: number;
  readonly abortSignal: AbortSignal;
}

/** The SDK's configuration for either client: standard retries, timeouts that throw, nothing logged. */
export function clientConfig(options: AwsOptions, attempts: number) {
  return {
    maxAttempts: attempts,
    retryMode: 'standard',
    requestHandler: { connectionTimeout: CONNECTION_TIMEOUT_MS, throwOnRequestTimeout: true },
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.profile === undefined ? {} : { profile: options.profile }),
    ...(options.userAgent === undefined ? {} : { customUserAgent: options.userAgent }),
  };
}

/**
 * Runs one call within its time: `call.timeoutMs` for the headers of an answer, and a bound for the whole so that a body that
 * never ends does not hold the run. When `stop` is aborted, a call that changes nothing is given up at once and a write gets
 * {@link GRACE_MS} more; calls that begin afterwards are those that make things safe, and are short.
 *
 * @throws any code that {@link translate} makes; the reason of `stop` for a call that it ended
 */
export async function send<T>(
  call: Call,
  attempts: number,
  run: (limits: Limits) => Promise<T>,
  stop?: AbortSignal,
): Promise<T> {
  const isLate = isAborted(stop);
  const timeoutMs = isLate ? Math.min(call.timeoutMs, GRACE_MS) : call.timeoutMs;
  const whole = AbortSignal.timeout(timeoutMs * attempts + (isLate ? 0 : PAUSES_MS));
  const given = new AbortController();
  const giveUp = (): void => {
    if (call.changes !== true) given.abort();
    else setTimeout(() => given.abort(), GRACE_MS).unref();
  };
  if (!isLate) stop?.addEventListener('abort', giveUp, { once: true });
  try {
    return await run({ requestTimeout: timeoutMs, abortSignal: AbortSignal.any([whole, given.signal]) });
  } catch (error) {
    if (!isLate && isAborted(stop) && call.changes !== true) throw stop?.reason;
    throw translate(error, call);
  } finally {
    stop?.removeEventListener('abort', giveUp);
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** Two clients over one pool of connections and one set of credentials. */
export interface Clients {
  readonly sdk: typeof Sdk;
  readonly region: string;
  readonly reads: Sdk.LambdaClient;
  /** Never repeats a call. */
  readonly writes: Sdk.LambdaClient;
}

/**
 * Loads the SDK, which `--help` and `validate` must not, and resolves the region.
 * The caller sets AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED=true before, or the SDK may write to stderr.
 *
 * @throws REGION_MISSING
 */
export async function connect(options: AwsOptions): Promise<Clients> {
  const sdk = await import('@aws-sdk/client-lambda');
  const reads = new sdk.LambdaClient(clientConfig(options, READ_ATTEMPTS));
  const call = { operation: 'connecting', subject: 'AWS Lambda', timeoutMs: READ_TIMEOUT_MS };
  const region = await send(call, 1, () => reads.config.region(), options.stop);
  const writes = new sdk.LambdaClient({
    ...clientConfig({ ...options, region }, 1),
    requestHandler: reads.config.requestHandler,
    credentials: reads.config.credentials,
  });
  return { sdk, region, reads, writes };
}
