import { createHash } from 'node:crypto';
import { AwsError } from './errors.js';
import { dialectOf } from './services.js';
import {
  begin,
  type Code,
  type FunctionState,
  IN_PROGRESS,
  newRevision,
  PENDING,
  type SandboxState,
  type Status,
  timestamp,
  type Transition,
  type VersionState,
} from './state.js';

/** What somebody else may write. */
export type ForeignChange = 'configuration' | 'code' | 'alias';

/** Why a creation, update or version fails, in AWS's members: StateReason or LastUpdateStatusReason, and its code. */
export interface Failure {
  readonly reason?: string;
  readonly code?: string;
}

/**
 * The refusal that a service gives in its own words; Retry-After in seconds where the fault has one.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html
 */
export function statusError(
  fault: { readonly status: number; readonly retryAfter?: number },
  service: string,
): AwsError {
  const headers = fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) };
  const dialect = dialectOf(service);
  if (fault.status === 429) {
    const message = 'Rate exceeded';
    // S3 has no 429. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    if (dialect === 's3')
      return new AwsError(503, 'SlowDown', { message: 'Please reduce your request rate.' }, headers);
    if (dialect === 'query') return new AwsError(400, 'Throttling', { message }, headers);
    if (dialect === 'target') return new AwsError(400, 'ThrottlingException', { message }, headers);
    const body = { Reason: 'CallerRateLimitExceeded', Type: 'User', message };
    return new AwsError(429, 'TooManyRequestsException', body, headers);
  }
  const message = 'We encountered an internal error. Please try again.';
  if (dialect === 's3') return new AwsError(fault.status, 'InternalError', { message });
  if (dialect !== 'json') return new AwsError(fault.status, 'InternalFailure', { message });
  return new AwsError(fault.status, 'ServiceException', { Type: 'Service', Message: message });
}

/** What is under way or published now; compared with later to tell what a call began. */
export interface Transitions {
  readonly pending: ReadonlySet<object>;
  readonly nextVersion: number;
}

/** For a function that does not exist yet too. */
export function transitionsOf(fn: FunctionState | undefined): Transitions {
  const pending = fn === undefined ? [] : all(fn).flatMap((version) => version.pending ?? []);
  return { pending: new Set(pending), nextVersion: fn?.nextVersion ?? 1 };
}

/**
 * Lets what was begun since `before` end as Failed, or never. A version that would be Active at once is Pending first. Answers what
 * the response says of its state in place of its own; `undefined`: nothing was begun.
 */
export function failTransitions(
  state: SandboxState,
  fn: FunctionState,
  before: Transitions,
  failure: Failure | 'never',
): Status | undefined {
  const published = fn.versions.get(String(fn.nextVersion - 1));
  const isNew = fn.nextVersion > before.nextVersion && published !== undefined;
  if (isNew && published.pending === undefined) begin(state, published, PENDING);
  const begun = all(fn).filter(({ pending }) => pending !== undefined && !before.pending.has(pending));
  for (const version of begun)
    version.pending = { revisionId: newRevision(), ...version.pending, ...endOf(version, failure) };
  const shown = isNew ? published : begun[0];
  return shown?.status;
}

function endOf(version: VersionState, failure: Failure | 'never'): Pick<Transition, 'at' | 'status'> {
  const { at, status } = version.pending ?? { at: 0, status: version.status };
  if (failure === 'never') return { at: Infinity, status };
  const { reason = 'The sandbox was told to let this fail.', code = 'InternalError' } = failure;
  if (version.status.LastUpdateStatus === IN_PROGRESS.LastUpdateStatus)
    return {
      at,
      status: {
        State: 'Active',
        LastUpdateStatus: 'Failed',
        LastUpdateStatusReason: reason,
        LastUpdateStatusReasonCode: code,
      },
    };
  return { at, status: { State: 'Failed', StateReason: reason, StateReasonCode: code } };
}

function all(fn: FunctionState): VersionState[] {
  return [fn.latest, ...fn.versions.values()];
}

/** MB; the second where the function has the first already. */
const FOREIGN_MEMORY = [512, 1024] as const;

/**
 * Writes as somebody else would, settled and with a new RevisionId: another memory size, other code of the same files, or the first
 * alias on an older version, else on `$LATEST`, with its weights gone. False: there is nothing to write to.
 */
export function writeForeign(state: SandboxState, fn: FunctionState, change: ForeignChange): boolean {
  if (change === 'alias') return moveAlias(fn);
  const { latest } = fn;
  const { config, code } = latest.content;
  const [size, other] = FOREIGN_MEMORY;
  const MemorySize = config.MemorySize === size ? other : size;
  latest.content = change === 'code' ? { config, code: otherCode(code) } : { config: { ...config, MemorySize }, code };
  latest.revisionId = newRevision();
  latest.lastModified = timestamp(state);
  fn.changedSincePublish = true;
  return true;
}

/** Not to the newest version: that is where a deployment that is under way wants it. */
function moveAlias(fn: FunctionState): boolean {
  const [alias] = fn.aliases.values();
  if (alias === undefined) return false;
  const older = [...fn.versions.keys()].slice(0, -1).filter((version) => version !== alias.functionVersion);
  const functionVersion = older.at(-1) ?? (alias.functionVersion === '$LATEST' ? undefined : '$LATEST');
  if (functionVersion === undefined) return false;
  Object.assign(alias, { functionVersion, weights: {}, revisionId: newRevision() });
  return true;
}

/** An archive may end in a comment, which changes its digest and nothing else. */
function otherCode(code: Code): Code {
  if (code.image !== undefined)
    return { ...code, codeSha256: createHash('sha256').update(code.codeSha256).digest('hex') };
  const comment = Buffer.from('not ours');
  const zip = Buffer.concat([code.zip, comment]);
  const lengthAt = code.zip.byteLength - 2;
  // One that has a comment already is left broken: its digest is what counts.
  if (lengthAt >= 0) zip.writeUInt16LE(comment.byteLength, lengthAt);
  return { ...code, codeSha256: createHash('sha256').update(zip).digest('base64'), zip };
}
