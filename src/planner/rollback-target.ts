import { DeployError } from '../errors.js';
import type { LiveAlias, Version } from '../model/function.js';
import type { DeployRecord } from '../model/record.js';

/** Where a rollback goes. */
export interface RollbackTarget {
  readonly version: Version;
  /** The record that put it there; absent when only the number is known. */
  readonly record?: DeployRecord;
  /** True: somebody named the number, so no record has to be believed. */
  readonly named?: true;
  /** True: the last rollback went there, and died or failed after its move. What it had left to do is done now. */
  readonly resumes?: true;
  /** The record of what is live: taken back by this rollback where it goes to an older one. */
  readonly leaves?: DeployRecord;
}

/**
 * The newest good deployment before the one that is live (semantics 22): not the previous number, and never one that an earlier
 * rollback took back. With `to`, the version, record or commit it names. A rollback that died or failed after its move is finished
 * first: the same job, run again, must not go one further.
 *
 * @param records newest first, of this alias
 * @throws NO_ROLLBACK_TARGET
 */
export function chooseTarget(
  name: string,
  alias: LiveAlias,
  records: readonly DeployRecord[],
  to?: string,
): RollbackTarget {
  const effective = effectiveRecord(alias.version, records);
  const leaves = effective === undefined ? {} : { leaves: effective };
  if (to !== undefined) return { ...namedTarget(name, alias, records, to), ...leaves };
  const begun = begunRollback(alias.version, records);
  if (begun !== undefined) return begun;
  if (effective === undefined) {
    const why =
      records.length === 0
        ? 'there is no record of a deployment'
        : `no record matches version ${alias.version}, which is live`;
    throw noTarget(name, alias.name, `${why}, so the tool does not guess.`);
  }
  const record = deploymentsBefore(effective, records).find(
    ({ version, takenBack }) => version !== alias.version && takenBack !== true,
  );
  // Where a deployment has no record, others may be missing, too.
  const gap = [effective, record].find((one) => one?.action === 'rollback' && one.restores === undefined) ?? record;
  if (gap?.action === 'rollback')
    throw noTarget(
      name,
      alias.name,
      `somebody went to version ${gap.version ?? ''} by its number, and no record says what was deployed before it.`,
    );
  if (record === undefined || record.version === null) {
    throw noTarget(name, alias.name, `no earlier good deployment than version ${alias.version} is recorded.`);
  }
  return { version: record.version, record, ...leaves };
}

/** The versions that rollbacks, one after the other, go to from the served one, nearest first, each once; none where no record says. */
export function rollbackVersions(served: Version, records: readonly DeployRecord[]): readonly Version[] {
  const effective = effectiveRecord(served, records);
  if (effective === undefined) return [];
  const before = deploymentsBefore(effective, records).filter(({ takenBack }) => takenBack !== true);
  return [...new Set(before.flatMap(({ version }) => (version === null || version === served ? [] : [version])))];
}

/** Good deployments, newest first; a rollback is one where it is all that is known of the deployment that it went to. */
function deploymentsBefore(effective: DeployRecord, records: readonly DeployRecord[]): DeployRecord[] {
  return records
    .filter((one) => one.result === 'succeeded' && one.version !== null && deploymentOf(one, records) === one)
    .filter((one) => deploymentId(one) < deploymentId(effective))
    .sort((one, other) => (deploymentId(one) < deploymentId(other) ? 1 : -1));
}

function begunRollback(served: Version, records: readonly DeployRecord[]): RollbackTarget | undefined {
  const [newest] = records;
  if (newest?.action !== 'rollback' || newest.result === 'succeeded') return undefined;
  const record = records.find(({ id }) => id === newest.restores);
  if (record === undefined || (record.version !== served && !isPublishedBy(newest, served, records))) return undefined;
  const leaves = records.find(({ id }) => id === newest.leaves);
  return { version: served, record, resumes: true, ...(leaves === undefined ? {} : { leaves }) };
}

/** Whether a rollback that published its target anew has put it there: nobody recorded that number before. */
function isPublishedBy({ previousVersion }: DeployRecord, served: Version, records: readonly DeployRecord[]): boolean {
  const earlier = [previousVersion, ...records.slice(1).map(({ version }) => version)];
  return earlier.every((version) => version === null || Number(version) < Number(served));
}

/** The deployment that is live: a rollback's record counts as the record it restored, a failed one where its move stands. */
export function effectiveRecord(version: Version, records: readonly DeployRecord[]): DeployRecord | undefined {
  const match = records.find((record) => record.version === version && servedItsVersion(record));
  // A run that died after its move recorded no version: what is live and nowhere else recorded is its work.
  const newest = records.find(({ result }) => result === 'open' || result === 'succeeded');
  if (match === undefined && newest?.result === 'open') return newest;
  return match && deploymentOf(match, records);
}

/** The deployment that a rollback went back to, itself for any other record; the rollback where a store keeps no such record. */
function deploymentOf(record: DeployRecord, records: readonly DeployRecord[]): DeployRecord {
  return records.find(({ id }) => id === record.restores) ?? record;
}

/** The id of the deployment that a record stands for, also where its own record is no longer kept. */
export function deploymentId({ id, restores }: DeployRecord): string {
  return restores ?? id;
}

/** Also a deployment that failed after the shift and was not taken back (autoRollback: false, or taking back was refused). */
function servedItsVersion({ action, result, version, previousVersion }: DeployRecord): boolean {
  return result === 'succeeded' || (action === 'deploy' && result === 'failed' && version !== previousVersion);
}

const COMMIT_MIN_DIGITS = 7;

function namedTarget(name: string, alias: LiveAlias, records: readonly DeployRecord[], to: string): RollbackTarget {
  const good = records.filter((record) => record.result === 'succeeded' && record.version !== null);
  const isNumber = /^[1-9]\d*$/.test(to);
  const record = isNumber
    ? good.find(({ version }) => version === to)
    : (good.find(({ id }) => id === to) ?? good.find((candidate) => isOfCommit(candidate, to)));
  const version = isNumber ? to : record?.version;
  if (version === undefined || version === null)
    throw noTarget(name, alias.name, `no record of a good deployment is, or has the commit, ${to}.`);
  return {
    version,
    ...(isNumber ? { named: true } : {}),
    ...(record === undefined ? {} : { record: deploymentOf(record, records) }),
  };
}

/**
 * The commit of what a record's run deployed; a rollback's own is that of whoever ran it. `undefined`: not known.
 *
 * @param records of the same alias
 */
export function deployedCommit(
  { action, commit, restores }: DeployRecord,
  records: readonly DeployRecord[],
): string | undefined {
  return action === 'rollback' ? records.find(({ id }) => id === restores)?.commit : commit;
}

/** A rollback's commit is of whoever ran it. Either side may be a beginning. */
function isOfCommit({ action, commit }: DeployRecord, to: string): boolean {
  if (action !== 'deploy' || commit === undefined || to.length < COMMIT_MIN_DIGITS) return false;
  return commit.startsWith(to) || to.startsWith(commit);
}

function noTarget(name: string, alias: string, why: string): DeployError {
  return new DeployError('NO_ROLLBACK_TARGET', `alias ${alias} of ${name}: ${why}`, {
    subject: name,
    fix: 'look at `lambda-deploy history`, then say where to go with --to VERSION.',
  });
}
