import { DeployError } from '../errors.js';
import type { DeployRecord } from './record.js';

/** What a run says of itself before its first write, to be held against what others have open. */
export interface Claim {
  /** Its own records' id; absent before it has one. */
  readonly id?: string;
  /** Empty: of no spec, so that every other run is another one's. */
  readonly specDigest: string;
  /** Of the plan file that is carried out: the run that it resumes is its own. */
  readonly planDigest?: string;
  /** The try of a build's job: the runs of its earlier ones are over. */
  readonly job?: string;
  /** ISO 8601 as Date writes it, which sorts as text. */
  readonly now: string;
}

/**
 * The deployment that another run has under way, so that this one has to wait; `undefined`: none. A record says so while it is
 * open, the newest of its alias, and not past its deadline; newer ones that failed do not count, because who loses against it fails,
 * but for those of its own spec: it died, and they are its retries. One of the spec or of the plan file that is carried out is no
 * hindrance: both write the same, and it may be the run that died and is now repeated. Nor is one of an earlier try of the same job,
 * whatever it deployed: a build tries a job again only when it has given the last try up. One without a deadline is of an older
 * lambda-deploy and is taken for dead.
 *
 * @param records of one alias, newest first
 */
export function runningElsewhere(records: readonly DeployRecord[], claim: Claim): DeployRecord | undefined {
  const others = records.filter(({ id }) => id !== claim.id);
  const at = others.findIndex(({ result }) => result !== 'failed');
  const open = others[at];
  if (open?.result !== 'open' || open.deadline === undefined || open.deadline <= claim.now) return undefined;
  if (sameDigest(open.planDigest, claim.planDigest) || sameDigest(open.specDigest, claim.specDigest)) return undefined;
  if (isEarlierTry(open.job, claim.job)) return undefined;
  return others.slice(0, at).some(({ specDigest }) => sameDigest(specDigest, open.specDigest)) ? undefined : open;
}

/** A job's digest and the number of its try, `DIGEST.N`. */
export const JOB_TRY = /^([0-9a-f]{12})\.(\d{1,3})$/;

/** Whether `one` is a try of the same job as `other`, and an earlier one. What is not known is never one. */
export function isEarlierTry(one: string | undefined, other: string | undefined): boolean {
  const [, job, n] = JOB_TRY.exec(one ?? '') ?? [];
  const [, same, later] = JOB_TRY.exec(other ?? '') ?? [];
  return job !== undefined && job === same && Number(n) < Number(later);
}

/** Whether two digests in hex are of the same; a store may keep only one's beginning. What is not known is never the same. */
export function sameDigest(one: string | undefined, other: string | undefined): boolean {
  if (!one || !other) return false;
  return one.startsWith(other) || other.startsWith(one);
}

/** What is being deployed, by whom, since when and until when: a sentence without its full stop. */
export function describeRunning({
  function: name,
  alias,
  build,
  actor,
  startedAt,
  deadline,
}: Pick<DeployRecord, 'function' | 'alias' | 'build' | 'actor' | 'startedAt' | 'deadline'>): string {
  const by = [build === undefined ? '' : ` of build ${build}`, actor === undefined ? '' : ` by ${actor}`].join('');
  const what = alias === null ? `function ${name}` : `alias ${alias} of ${name}`;
  return `${what} is being deployed by another run${by}, since ${startedAt}; unless it ends before, it holds it until ${deadline ?? 'then'}`;
}

/** What to do about it, an imperative. */
export const RUNNING_FIX =
  'wait until it is over, then run again. Only if its process is known to be dead: lambda-deploy apply --take-over.';

/** The refusal of a run that would write into another's. */
export function runningError(other: DeployRecord): DeployError {
  return new DeployError('DEPLOYMENT_RUNNING', `${describeRunning(other)}. Nothing was changed.`, {
    subject: other.function,
    fix: RUNNING_FIX,
  });
}
