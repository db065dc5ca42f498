import type { Operation } from '../model/plan.js';

/**
 * What a change of `$LATEST` or a new version counts with until it has settled. Most settle in a second, some in a VPC or with
 * SnapStart take minutes: this is between, because the ten minutes that a wait may last would refuse deployments that fit.
 */
const SETTLE_SECONDS = 60;
/** How long an update or a new version may take to settle at the longest, in seconds: then the run gives up. */
export const MAX_WAIT_SECONDS = 600;
/** What any other call counts with: its answer, and a throttle or two. */
const CALL_SECONDS = 2;

const SETTLES: readonly Operation['type'][] = [
  'CreateFunction',
  'UpdateFunctionConfiguration',
  'UpdateFunctionCode',
  'PublishVersion',
];

/** How long the watches of a plan last in all, in seconds: the part that cannot be shorter. */
export function watchedSeconds(operations: readonly Operation[]): number {
  return sum(operations.map((step) => ('watch' in step ? (step.watch?.seconds ?? 0) : 0)));
}

/**
 * How long one function's calls may take, in seconds: every watch to its end, every health check to its timeout, a minute for
 * whatever has to settle and two seconds for any other call. What a failure takes back is not in it.
 *
 * @param settleSeconds in place of that minute
 */
export function worstCaseSeconds(operations: readonly Operation[], settleSeconds = SETTLE_SECONDS): number {
  const calls = operations.map((step) => {
    if (step.type === 'Invoke') return step.check.timeoutSeconds;
    return SETTLES.includes(step.type) ? settleSeconds : CALL_SECONDS;
  });
  return sum(calls) + watchedSeconds(operations);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
