import { DeployError, isDeployError } from '../errors.js';
import type { Clock } from '../model/ports.js';
import type { ApplyPorts } from './job.js';

/** What reading tells after a call whose outcome is not known. */
export type Finding = 'ours' | 'unchanged';

export interface MutateOptions {
  readonly clock: Clock;
  /** 0 ≤ x < 1: runs that were throttled together do not come back together. */
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** Sends the call once. */
  readonly call: () => Promise<void>;
  /**
   * Reads after a lost answer or a failed precondition: `ours` when the effect is there, `unchanged` when all is as before the
   * call, so that it may be sent again.
   * @throws LIVE_CHANGED when it is neither: somebody else wrote
   */
  readonly inspect: () => Promise<Finding>;
  readonly onRetry: (reason: string, seconds: number) => void;
}

/** How long one call may be tried in all, and the bounds of the pause between two tries, which is cut by up to a half at random. */
const RETRY_BUDGET_MS = 60_000;
const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 5_000;

/** Codes after which nothing has happened, so that repeating is safe. */
const SAFE_TO_REPEAT = ['AWS_THROTTLED', 'AWS_UNREACHABLE'] as const;
/** Codes after which only reading can tell (semantics 11). */
const ASK = ['AWS_AMBIGUOUS', 'AWS_PRECONDITION_FAILED', 'AWS_CONFLICT'] as const;

/**
 * Makes one mutating call take effect exactly once. A lost answer is never repeated blindly: reading decides.
 *
 * @returns `recovered` when the effect was found by reading, `done` when the call answered
 * @throws what the call threw where repeating cannot help, or when the retry budget of 60 seconds is spent; LIVE_CHANGED
 */
export async function mutate(options: MutateOptions): Promise<'done' | 'recovered'> {
  const { clock, signal } = options;
  const deadline = clock.now() + RETRY_BUDGET_MS;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, MAX_PAUSE_MS)) {
    try {
      await options.call();
      return 'done';
    } catch (error) {
      if (ASK.some((code) => isDeployError(error, code))) {
        if ((await readAnyway(options.inspect)) === 'ours') return 'recovered';
      } else if (!SAFE_TO_REPEAT.some((code) => isDeployError(error, code))) throw error;
      const jittered = Math.round(pause * (1 - options.random() / 2));
      const wait = Math.max(jittered, ((error as DeployError).retryAfterSeconds ?? 0) * 1000);
      if (clock.now() + wait > deadline || signal.aborted) throw error;
      options.onRetry((error as DeployError).summary, wait / 1000);
      await clock.sleep(wait, signal);
    }
  }
}

/**
 * A read that a stopped run needs too, to know where things stand. A stop gives up the reads that are under way when it comes,
 * and lets through those that begin later: such a one is asked again.
 */
export async function readAnyway<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!isDeployError(error, 'INTERRUPTED')) throw error;
    return read();
  }
}

/** The parts of {@link MutateOptions} that are the same for every call of a run. */
export function retryWith(
  { clock, random, signal, emit }: ApplyPorts,
  functionName: string,
): Pick<MutateOptions, 'clock' | 'random' | 'signal' | 'onRetry'> {
  return {
    clock,
    random,
    signal,
    onRetry: (reason, seconds) => emit({ type: 'retrying', function: functionName, reason, seconds }),
  };
}

/** Somebody else wrote: names what is not as the plan expects. Exit 3. */
export function liveChanged(subject: string, where: string, paths: readonly string[]): DeployError {
  return new DeployError(
    'LIVE_CHANGED',
    `${where} is not as the plan expects: ${paths.join(', ')}. Somebody else changed it, so nothing more is changed.`,
    {
      source: 'aws',
      subject,
      fix: 'run plan again to see the live state, then apply.',
    },
  );
}
