import { DeployError } from '../errors.js';
import type { FunctionPlan } from '../model/plan.js';
import { MAX_WAIT_SECONDS, watchedSeconds, worstCaseSeconds } from '../planner/duration.js';

/** Something after which this run can do nothing more. */
export interface TimeLimit {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** `the job ends`, `the AWS credentials expire`. */
  readonly what: string;
  /** Where that comes from, a few words. */
  readonly why: string;
  /** An imperative, given how many minutes are needed from now on. */
  readonly fix: (minutes: number) => string;
}

/** What is kept for taking every alias back and reading it again: one call each, repeated while AWS throttles. */
const ROLLBACK_SECONDS = 60;
/** A slow line: 2 Mbit/s. */
const UPLOAD_BYTES_A_SECOND = 256 * 1024;
/** By how much the clocks of two machines may differ. */
const CLOCK_SECONDS = 120;
/** Plans that watch no longer than this are never refused: an estimate of waits alone would refuse what takes seconds. */
const FLOOR_SECONDS = 60;

/**
 * Refuses a rollout that could be cut off half-way, with nobody left to take it back (semantics 19).
 *
 * @param lanes how many functions run side by side
 * @throws TIME_TOO_SHORT when the worst case of the plans and a rollback do not fit before one of the limits
 */
export function refuseIfTooShort(
  plans: readonly Pick<FunctionPlan, 'operations'>[],
  limits: readonly TimeLimit[],
  lanes: number,
  now: number,
): void {
  const watched = makespan(
    plans.map(({ operations }) => watchedSeconds(operations)),
    lanes,
  );
  if (watched <= FLOOR_SECONDS) return;
  const seconds = neededSeconds(plans, lanes);
  const tight = limits.filter(({ at }) => now + seconds * 1000 > at);
  const [first] = tight.sort((a, b) => a.at - b.at);
  if (first === undefined) return;
  const left = Math.max(0, Math.floor((first.at - now) / 60_000));
  const needed = Math.ceil(seconds / 60);
  const detail =
    `the rollout may take ${needed} min (${Math.ceil(watched / 60)} of them watching, 1 to take it back), but ` +
    `${first.what} in ${left} min (${first.why}). Nothing was changed.`;
  throw new DeployError('TIME_TOO_SHORT', detail, { fix: first.fix(needed) });
}

/**
 * After how many whole seconds one function's run is dead for certain, taking back included: what settles counts with all the time
 * that the run waits for it, unlike in {@link neededSeconds}, because a living run that is taken for dead is worse than a wait.
 *
 * @param uploadBytes what the run uploads to S3
 */
export function deadSeconds({ operations }: Pick<FunctionPlan, 'operations'>, uploadBytes: number): number {
  const upload = uploadBytes / UPLOAD_BYTES_A_SECOND;
  return Math.ceil(worstCaseSeconds(operations, MAX_WAIT_SECONDS) + upload) + ROLLBACK_SECONDS + CLOCK_SECONDS;
}

/** How long plans may take, in seconds, with a rollback at their end. @param lanes how many functions run side by side */
export function neededSeconds(plans: readonly Pick<FunctionPlan, 'operations'>[], lanes: number): number {
  const worst = plans.map(({ operations }) => worstCaseSeconds(operations));
  return makespan(worst, lanes) + ROLLBACK_SECONDS;
}

/** When the last of several is done, each starting in order as soon as a lane is free. */
function makespan(seconds: readonly number[], lanes: number): number {
  const busy = Array.from({ length: lanes }, () => 0);
  for (const one of seconds) {
    const free = busy.indexOf(Math.min(...busy));
    busy[free] = (busy[free] ?? 0) + one;
  }
  return Math.max(...busy);
}
