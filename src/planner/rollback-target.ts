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
  /** The record of what is live, taken back by this rollback. */
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
  const older = records.slice(records.indexOf(effective) + 1);
  const record = older.find(
    (candidate) =>
      candidate.action === 'deploy' &&
      candidate.result === 'succeeded' &&
      candidate.version !== null &&
      candidate.version !== alias.version &&
      !isTakenBack(candidate, records),
  );
  if (record === undefined || record.version === null) {
    throw noTarget(name, alias.name, `no earlier good deployment than version ${alias.version} is recorded.`);
  }
  return { version: record.version, record, ...leaves };
}

function begunRollback(served: Version, records: readonly DeployRecord[]): RollbackTarget | undefined {
  const [newest] = records;
  if (newest?.action !== 'rollback' || newest.result === 'succeeded') return undefined;
  const record = records.find(({ id }) => id === newest.restores);
  if (record?.version !== served) return undefined;
  const leaves = records.find(({ id }) => id === newest.leaves);
  return { version: served, record, resumes: true, ...(leaves === undefined ? {} : { leaves }) };
}

/** The deployment that is live: a rollback's record counts as the record it restored, a failed one where its move stands. */
export function effectiveRecord(version: Version, records: readonly DeployRecord[]): DeployRecord | undefined {
  const match = records.find(
    (record) => record.version === version && (record.result === 'succeeded' || movedAndStayed(record)),
  );
  // A run that died after its move recorded no version: what is live and nowhere else recorded is its work.
  const newest = records.find(({ result }) => result === 'open' || result === 'succeeded');
  if (match === undefined && newest?.result === 'open') return newest;
  if (match?.action !== 'rollback') return match;
  return (
    records.find((record) => record.id === match.restores) ??
    records.find((record) => record.action === 'deploy' && record.version === version) ??
    match
  );
}

/** A deployment that failed after the shift and was not taken back (autoRollback: false, or taking back was refused). */
function movedAndStayed({ action, result, version, previousVersion }: DeployRecord): boolean {
  return action === 'deploy' && result === 'failed' && version !== previousVersion;
}

/**
 * Whether the newest rollback since this record left it, or left another record of the same version: two deployments of one
 * version stand and fall together.
 */
export function isTakenBack(record: DeployRecord, records: readonly DeployRecord[]): boolean {
  const since = records.slice(0, Math.max(0, records.indexOf(record)));
  const last = since.find(
    ({ action, result, previousVersion, version }) =>
      action === 'rollback' && result === 'succeeded' && [previousVersion, version].includes(record.version),
  );
  return last === undefined ? record.takenBack === true : last.version !== record.version;
}

const COMMIT_MIN_DIGITS = 7;

function namedTarget(name: string, alias: LiveAlias, records: readonly DeployRecord[], to: string): RollbackTarget {
  const good = records.filter((record) => record.result === 'succeeded' && record.version !== null);
  const record = /^[1-9]\d*$/.test(to)
    ? good.find((candidate) => candidate.version === to)
    : good.find(
        (candidate) =>
          candidate.id === to ||
          (to.length >= COMMIT_MIN_DIGITS &&
            candidate.commit !== undefined &&
            (candidate.commit.startsWith(to) || to.startsWith(candidate.commit))),
      );
  const version = record?.version ?? (/^[1-9]\d*$/.test(to) ? to : undefined);
  if (version === undefined || version === null)
    throw noTarget(name, alias.name, `no record of a good deployment is, or has the commit, ${to}.`);
  return { version, ...(to === version ? { named: true } : {}), ...(record === undefined ? {} : { record }) };
}

function noTarget(name: string, alias: string, why: string): DeployError {
  return new DeployError('NO_ROLLBACK_TARGET', `alias ${alias} of ${name}: ${why}`, {
    subject: name,
    fix: 'look at `lambda-deploy history`, then say where to go with --to VERSION.',
  });
}
