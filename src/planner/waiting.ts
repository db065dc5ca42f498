import type { LiveAlias } from '../model/function.js';
import type { DeployRecord } from '../model/record.js';
import { sameDigest } from '../model/running.js';

/**
 * Whether an alias is where a plan file left it: `waits` at the share that it gave, `promoted` since, or neither, because another
 * deployment, an abort or another hand came after.
 *
 * @param planDigest of the plan file, in hex
 * @param newest of the alias's records
 */
export function standingOf(
  planDigest: string,
  served: LiveAlias | undefined,
  newest: DeployRecord | undefined,
): 'waits' | 'promoted' | 'neither' {
  if (newest === undefined || !sameDigest(newest.planDigest, planDigest)) return 'neither';
  if (ownsShare(served, newest)) return 'waits';
  const isWhole = served !== undefined && Object.keys(served.weights).length === 0 && served.version === newest.version;
  return isWhole && newest.result === 'succeeded' ? 'promoted' : 'neither';
}

/**
 * The plan file that the open share of an alias is of, so that its promotion is recorded as the same one's; `undefined`: of none,
 * or of another hand's.
 */
export function planDigestOf(
  served: LiveAlias | undefined,
  newest: DeployRecord | undefined,
): DeployRecord['planDigest'] {
  return newest !== undefined && ownsShare(served, newest) ? newest.planDigest : undefined;
}

/** Whether the run of this record left the share, or died while it was at it. */
function ownsShare(served: LiveAlias | undefined, { result, triedVersion }: DeployRecord): boolean {
  const [share] = Object.keys(served?.weights ?? {});
  return share !== undefined && result !== 'succeeded' && (result === 'open' || triedVersion === share);
}
