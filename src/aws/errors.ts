import { DeployError, isDeployError, type DeployErrorOptions, type ErrorCode } from '../errors.js';

/** The call that failed, as an error names it. */
export interface Call {
  /** AWS's name of the operation: `UpdateAlias`. */
  readonly operation: string;
  /** `function orders`, `alias live of function orders`. */
  readonly subject: string;
  /** What a policy would name, see AWS's list of actions; absent: `lambda:` and the operation. */
  readonly action?: string;
  /** How long the call had for one answer, in milliseconds. */
  readonly timeoutMs: number;
  /** True: the call changes something, so that a lost answer leaves open whether it did. */
  readonly changes?: true;
  /** Values that were sent and must not come back in a message. */
  readonly secrets?: readonly string[];
}

/** The parts of an SDK or network error that are looked at; every one may be missing. */
interface RawError {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly errors?: unknown;
  readonly retryAfterSeconds?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
}

/**
 * Errors by the name that AWS or the SDK's credential chain gives them.
 * @see https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html
 */
const BY_NAME: Readonly<Record<string, ErrorCode>> = {
  ResourceNotFoundException: 'AWS_NOT_FOUND',
  NoSuchBucket: 'AWS_NOT_FOUND',
  RepositoryNotFoundException: 'AWS_NOT_FOUND',
  PreconditionFailedException: 'AWS_PRECONDITION_FAILED',
  ResourceConflictException: 'AWS_CONFLICT',
  // moto's name for an alias that exists already.
  ConflictException: 'AWS_CONFLICT',
  // Invoke of a version that is still starting: 409 and 502.
  SnapStartNotReadyException: 'AWS_CONFLICT',
  ResourceNotReadyException: 'AWS_CONFLICT',
  TooManyRequestsException: 'AWS_THROTTLED',
  ThrottlingException: 'AWS_THROTTLED',
  Throttling: 'AWS_THROTTLED',
  SlowDown: 'AWS_THROTTLED',
  AccessDeniedException: 'AWS_ACCESS_DENIED',
  AccessDenied: 'AWS_ACCESS_DENIED',
  ExpiredTokenException: 'AWS_EXPIRED_CREDENTIALS',
  ExpiredToken: 'AWS_EXPIRED_CREDENTIALS',
  UnrecognizedClientException: 'AWS_EXPIRED_CREDENTIALS',
  InvalidClientTokenId: 'AWS_EXPIRED_CREDENTIALS',
  InvalidAccessKeyId: 'AWS_EXPIRED_CREDENTIALS',
  InvalidSignatureException: 'AWS_EXPIRED_CREDENTIALS',
  SignatureDoesNotMatch: 'AWS_EXPIRED_CREDENTIALS',
  MissingAuthenticationTokenException: 'AWS_EXPIRED_CREDENTIALS',
  IncompleteSignatureException: 'AWS_EXPIRED_CREDENTIALS',
  CredentialsProviderError: 'AWS_EXPIRED_CREDENTIALS',
  TokenProviderError: 'AWS_EXPIRED_CREDENTIALS',
};

/**
 * What Invoke answers with 502 although it is a definite answer: the function did not run.
 * @see https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors
 */
const DEFINITE_502 =
  /^(EC2|EFS|ENI|KMS|S3Files|SnapStart|InvalidRuntime|InvalidSecurityGroupID|InvalidSubnetID|InvalidZipFile|SubnetIP)/;

/** Network errors of the system calls before a request exists. */
const BEFORE_SENDING: ReadonlySet<unknown> = new Set(['connect', 'getaddrinfo']);

/** OpenSSL and Node name a handshake that failed like this; no request is written before it succeeds. */
const TLS_CODE = /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL|EPROTO/;

/** How the SDK's handler words a connection that did not come about; it gives the error no code. */
const NO_CONNECTION = 'did not establish a connection';

/** How the SDK words a region that nobody named, or that is empty or no host name. */
const NO_REGION = /^Region (is missing|not accepted)/;

/** Echoes the variables, names and values: AWS measures them or quotes the whole map. */
const ECHOES_VARIABLES = /String measured|at 'environment/i;

/** Shorter values occur in any text by accident and would hide harmless messages. */
const SHORTEST_ECHO_BYTES = 4;

const FIXES: Partial<Record<ErrorCode, string>> = {
  AWS_PRECONDITION_FAILED: 'find out who else changes it, then plan again.',
  AWS_CONFLICT: 'wait until the other change is done, then run again.',
  AWS_THROTTLED: 'run again in a minute, or with fewer functions at a time.',
  AWS_EXPIRED_CREDENTIALS:
    'log in again (aws sso login, or fresh keys in AWS_PROFILE or AWS_ACCESS_KEY_ID), and check this machine’s clock.',
  AWS_AMBIGUOUS: 'run plan: it shows what took effect.',
  AWS_UNREACHABLE: 'check the network, the region and AWS_ENDPOINT_URL, then run again.',
};

function fixFor(code: ErrorCode, action: string, { changes }: Call): string | undefined {
  if (code === 'AWS_ACCESS_DENIED') return `allow ${action} for this identity.`;
  if (code === 'AWS_AMBIGUOUS' && changes !== true)
    return 'check the endpoint, a proxy and the network, then run again.';
  return FIXES[code];
}

function neverSent(error: RawError): boolean {
  if (BEFORE_SENDING.has(error.syscall)) return true;
  // Node tries several addresses of a name and collects their errors.
  if (Array.isArray(error.errors) && error.errors.length > 0)
    return error.errors.every((one: RawError) => neverSent(one));
  return TLS_CODE.test(text(error.code)) || text(error.message).includes(NO_CONNECTION);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function codeOf(error: RawError): ErrorCode {
  const name = text(error.name);
  if (NO_REGION.test(text(error.message))) return 'REGION_MISSING';
  const named = BY_NAME[name];
  if (named !== undefined) return named;
  const status = error.$metadata?.httpStatusCode;
  if (status === undefined) return neverSent(error) ? 'AWS_UNREACHABLE' : 'AWS_AMBIGUOUS';
  if (status === 429) return 'AWS_THROTTLED';
  if (status === 403) return 'AWS_ACCESS_DENIED';
  if (status === 409) return 'AWS_CONFLICT';
  if (status === 412) return 'AWS_PRECONDITION_FAILED';
  if (DEFINITE_502.test(name)) return 'AWS_REFUSED';
  // An answer that cannot be read, or a proxy's time-out, says nothing about the effect.
  return status >= 400 && status < 500 && status !== 408 ? 'AWS_REFUSED' : 'AWS_AMBIGUOUS';
}

/** AWS's own words where they are safe to print. */
function reasonOf(error: RawError, call: Call): string {
  const message = text(error.message).split('\n', 1)[0] ?? '';
  const echoed = call.secrets?.some(
    (value) => value.length >= SHORTEST_ECHO_BYTES && text(error.message).includes(value),
  );
  if (echoed === true && call.operation === 'Invoke')
    return 'words that repeat a secret of the payload; they are withheld.';
  if (echoed === true || ECHOES_VARIABLES.test(message)) {
    return message.includes('4KB limit')
      ? 'the environment variables exceed the limit of 4 KB in all.'
      : 'the environment variables are not valid (its words repeat their values and are withheld).';
  }
  // The parser quotes the body that it could not read.
  if (error.name === 'SyntaxError') return 'something that is not JSON.';
  return message === '' || message === 'UnknownError' ? `${text(error.name) || 'nothing'}.` : message;
}

function said(error: RawError, call: Call): string {
  const status = error.$metadata?.httpStatusCode;
  const name = text(error.name);
  const labels = [
    status === undefined ? '' : `HTTP ${status}`,
    name === '' || name === 'Error' || name === 'SyntaxError' ? '' : name,
    error.$metadata?.requestId === undefined ? '' : `request id ${error.$metadata.requestId}`,
  ].filter((label) => label !== '');
  return `AWS said: ${reasonOf(error, call)} (${labels.join(', ')})`;
}

function outcomeOf({ changes }: Call): string {
  return changes === true ? 'may have taken effect' : 'gave no usable answer';
}

function detailOf(code: ErrorCode, error: RawError, call: Call, action: string): string {
  const what = `${call.operation} of ${call.subject}`;
  const cause = [text(error.code), reasonOf(error, call)].filter((part) => part !== '').join(': ');
  switch (code) {
    case 'AWS_UNREACHABLE':
      return `${what} was not sent: ${cause}`;
    case 'AWS_AMBIGUOUS':
      if (error.$metadata?.httpStatusCode !== undefined) return `${what} ${outcomeOf(call)}. ${said(error, call)}`;
      return `${what} ${outcomeOf(call)}: no answer came within ${call.timeoutMs / 1000} s or the connection broke (${cause})`;
    case 'AWS_ACCESS_DENIED':
      return `${action} is denied for ${call.subject}. ${said(error, call)}`;
    case 'AWS_PRECONDITION_FAILED':
      return `${what}: it was changed since it was read. ${said(error, call)}`;
    case 'AWS_CONFLICT':
      if (call.operation === 'CreateAlias') return `${call.subject} exists already. ${said(error, call)}`;
      if (call.operation === 'Invoke') return `${what}: it is not ready yet. ${said(error, call)}`;
      return `${what}: another change is in progress. ${said(error, call)}`;
    case 'AWS_EXPIRED_CREDENTIALS':
      if (error.$metadata?.httpStatusCode === undefined) return `No usable credentials: ${reasonOf(error, call)}`;
      return `AWS does not accept the credentials. ${said(error, call)}`;
    case 'REGION_MISSING':
      return 'Neither the file nor the environment names a region that can be one.';
    default:
      return `${what} failed. ${said(error, call)}`;
  }
}

/** Seconds from the Retry-After header or AWS's own member; undefined when the server gave no number. */
function retryAfter(error: RawError): number | undefined {
  const hint = error.retryAfterSeconds ?? error.$response?.headers?.['retry-after'];
  const seconds = Number(hint);
  return hint !== undefined && Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}

/**
 * Any failure of a call as a DeployError with a code that {@link LambdaPort} documents. AWS's reason and request id survive;
 * values that were sent never do, nor a body that could not be read. The cause is not kept: it holds the request.
 */
export function translate(error: unknown, call: Call): DeployError {
  if (isDeployError(error)) return error;
  const raw: RawError = typeof error === 'object' && error !== null ? error : { message: String(error) };
  const code = codeOf(raw);
  const denied = /not authorized to perform:? ([a-z0-9-]+:\w+)/i.exec(text(raw.message))?.[1];
  const action = denied ?? call.action ?? `lambda:${call.operation}`;
  const fix = fixFor(code, action, call);
  const seconds = retryAfter(raw);
  const options: DeployErrorOptions = {
    source: code === 'REGION_MISSING' ? 'user' : 'aws',
    subject: call.subject,
    ...(code === 'REGION_MISSING'
      ? { fix: 'set region in the file, or AWS_REGION.' }
      : fix === undefined
        ? {}
        : { fix }),
    ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }),
  };
  return new DeployError(code, detailOf(code, raw, call, action), options);
}
