import type { LiveAlias } from '../model/function.js';
import type { DeployRecord } from '../model/record.js';
import { sameDigest } from '../model/running.js';

/**
 * Whether an alias is where a plan file left it: `waits` at the share that it gave, `promoted` since, `moved` by a promotion that died
 * before it could say so, or neither, because another deployment, an abort or another hand came after.
 *
 * @param planDigest of the plan file, in hex
 * @param records of the alias, newest first
 */
export function standingOf(
  planDigest: string,
  served: LiveAlias | undefined,
  records: readonly DeployRecord[],
): 'waits' | 'promoted' | 'moved' | 'neither' {
  const [newest] = records;
  if (newest === undefined || !sameDigest(newest.planDigest, planDigest)) return 'neither';
  if (ownsShare(served, newest)) return 'waits';
  if (isMoved(served, records)) return 'moved';
  const isThere = isWhole(served) && served.version === newest.version;
  return isThere && newest.result === 'succeeded' ? 'promoted' : 'neither';
}

/**
 * The plan file that the open share of an alias is of, or was until its promotion died, so that its promotion is recorded as the same
 * one's; `undefined`: of none, or of another hand's.
 */
export function planDigestOf(
  served: LiveAlias | undefined,
  records: readonly DeployRecord[],
): DeployRecord['planDigest'] {
  const [newest] = records;
  const isOwn = newest !== undefined && (ownsShare(served, newest) || isMoved(served, records));
  return isOwn ? newest.planDigest : undefined;
}

/** Whether the run of this record left the share, or died while it was at it. */
function ownsShare(served: LiveAlias | undefined, { result, triedVersion }: DeployRecord): boolean {
  const [share] = Object.keys(served?.weights ?? {});
  return share !== undefined && result !== 'succeeded' && (result === 'open' || triedVersion === share);
}

/** Whether the newest run died, and what the alias serves is what had the share when the last one before it ended. */
function isMoved(served: LiveAlias | undefined, records: readonly DeployRecord[]): boolean {
  const ended = records.find(({ result }) => result !== 'open');
  return records[0]?.result === 'open' && isWhole(served) && served.version === ended?.triedVersion;
}

function isWhole(served: LiveAlias | undefined): served is LiveAlias {
  return served !== undefined && Object.keys(served.weights).length === 0;
}
