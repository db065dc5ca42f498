import { DeployError, isDeployError } from '../errors.js';
import { LATEST, type LiveVersion } from '../model/function.js';
import type { Clock, FunctionRead, LambdaPort } from '../model/ports.js';

/** The first pause: most updates of a zip settle within a second. */
const FIRST_PAUSE_MS = 80;
const MAX_PAUSE_MS = 3_000;
const GROWTH = 1.5;

/**
 * How long a function or version that was just made may stay invisible.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
 */
const INVISIBLE_MS = 10_000;

/** Answers after which the next poll may tell more; anything else ends the wait. */
const GO_ON = ['AWS_THROTTLED', 'AWS_AMBIGUOUS', 'AWS_UNREACHABLE'] as const;

export interface WaitOptions {
  /** The budget of the whole wait, in seconds. */
  readonly maxWaitSeconds: number;
  /** Told at every poll that has not settled: how long it has been, what AWS says, and AWS's reason where it gives one. */
  readonly onWait?: (seconds: number, status: string, reason?: string) => void;
}

/**
 * Polls GetFunction until `$LATEST` (no qualifier) has neither a pending state nor an update in progress, or until a version is
 * out of Pending; answers with that last read. An idle function is `Inactive` and settled: the caller decides whether to wake it.
 *
 * @throws UPDATE_FAILED at once when AWS reports Failed, with its reason and code; WAIT_TIMEOUT; AWS_NOT_FOUND when the
 *   function is gone; what GetFunction throws, throttles and lost answers aside. The signal's reason when it is aborted.
 */
export async function waitUntilSettled(
  lambda: Pick<LambdaPort, 'getFunction'>,
  clock: Clock,
  name: string,
  qualifier: string | undefined,
  options: WaitOptions,
  signal?: AbortSignal,
): Promise<FunctionRead> {
  const subject = qualifier === undefined ? `function ${name}` : `version ${qualifier} of function ${name}`;
  const budgetMs = options.maxWaitSeconds * 1000;
  const started = clock.now();
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * GROWTH, MAX_PAUSE_MS)) {
    signal?.throwIfAborted();
    const poll = await look(lambda, name, qualifier, subject);
    if ('settled' in poll) return poll.settled;
    const waitedMs = clock.now() - started;
    if (poll.status === NOT_VISIBLE && waitedMs >= INVISIBLE_MS) throw gone(subject);
    options.onWait?.(waitedMs / 1000, poll.status, poll.reason);
    if (waitedMs >= budgetMs) throw timedOut(subject, options.maxWaitSeconds, poll);
    const asked = Math.max(pauseMs, (poll.retryAfterSeconds ?? 0) * 1000);
    await clock.sleep(Math.min(asked, budgetMs - waitedMs), signal);
  }
}

const NOT_VISIBLE = 'not visible yet';

/** What is still waited for. */
interface Unsettled {
  readonly status: string;
  readonly reason?: string;
  readonly retryAfterSeconds?: number;
}

async function look(
  lambda: Pick<LambdaPort, 'getFunction'>,
  name: string,
  qualifier: string | undefined,
  subject: string,
): Promise<Unsettled | { readonly settled: FunctionRead }> {
  let read: FunctionRead | undefined;
  try {
    read = await lambda.getFunction(name, qualifier);
  } catch (error) {
    if (!isDeployError(error) || !GO_ON.some((code) => code === error.code)) throw error;
    const { retryAfterSeconds } = error;
    return { status: error.summary, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
  }
  if (read === undefined) return { status: NOT_VISIBLE };
  return unsettled(read.version, subject) ?? { settled: read };
}

/** Undefined when nothing is going on. A failure that is being repaired (an update in progress on a Failed function) waits. */
function unsettled(version: LiveVersion, subject: string): Unsettled | undefined {
  const { state, stateReason, lastUpdateStatus, lastUpdateStatusReason } = version;
  // A published version keeps the update status of its birth; only its state moves.
  const own = version.version === LATEST;
  if (own && lastUpdateStatus === 'InProgress') return waiting('update InProgress', lastUpdateStatusReason);
  if (own && lastUpdateStatus === 'Failed')
    throw failed(subject, 'update', lastUpdateStatusReason, version.lastUpdateStatusReasonCode);
  if (state === 'Pending') return waiting('state Pending', stateReason);
  if (state === 'Failed') throw failed(subject, 'start', stateReason, version.stateReasonCode);
  return undefined;
}

function waiting(status: string, reason: string | undefined): Unsettled {
  return { status, ...(reason === undefined ? {} : { reason }) };
}

function failed(subject: string, what: string, reason = 'no reason given', code = 'no code'): DeployError {
  return new DeployError('UPDATE_FAILED', `AWS could not ${what} ${subject}. AWS said: ${reason} (${code})`, {
    source: 'aws',
    subject,
    fix: 'remove the cause that AWS names, then apply again.',
  });
}

function gone(subject: string): DeployError {
  return new DeployError('AWS_NOT_FOUND', `${subject} does not exist (any more).`, {
    source: 'aws',
    subject,
    fix: 'find out who deleted it, then plan again.',
  });
}

function timedOut(subject: string, seconds: number, last: Unsettled): DeployError {
  const reason = last.reason === undefined ? '' : ` AWS said: ${last.reason}`;
  const detail = `${subject} did not settle within ${seconds} s: ${last.status}.${reason}`;
  return new DeployError('WAIT_TIMEOUT', detail, {
    source: 'aws',
    subject,
    fix: 'look at the function in AWS; run plan again when it has settled.',
  });
}
