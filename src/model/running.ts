import type { DeployRecord } from './record.js';

/** What a run says of itself before its first write, to be held against what others have open. */
export interface Claim {
  /** Its own records' id; absent before it has one. */
  readonly id?: string;
  readonly specDigest: string;
  /** Of the plan file that is carried out: the run that it resumes is its own. */
  readonly planDigest?: string;
  /** ISO 8601 as Date writes it, which sorts as text. */
  readonly now: string;
}

/**
 * The deployment that another run has under way, so that this one has to wait; `undefined`: none. A record says so while it is
 * open, the newest of its alias, and not past its deadline. One of the same spec, or of the plan file that is carried out, is no
 * hindrance: both write the same, and it may be the run that died and is now repeated. One without a deadline is of an older
 * lambda-deploy and is taken for dead.
 *
 * @param records of one alias, newest first
 */
export function runningElsewhere(records: readonly DeployRecord[], claim: Claim): DeployRecord | undefined {
  const newest = records.find(({ id }) => id !== claim.id);
  if (newest?.result !== 'open' || newest.deadline === undefined) return undefined;
  if (newest.deadline <= claim.now) return undefined;
  if (isSame(newest.planDigest, claim.planDigest) || isSame(newest.specDigest, claim.specDigest)) return undefined;
  return newest;
}

/** A store may keep only a digest's beginning. */
function isSame(one: string | undefined, other: string | undefined): boolean {
  if (!one || !other) return false;
  return one.startsWith(other) || other.startsWith(one);
}
