import type { DesiredFunction } from '../model/function.js';
import type { Hold, Operation, VersionRef, Warning } from '../model/plan.js';
import type { DeployRecord } from '../model/record.js';

/**
 * Aliases that this plan would give what a rollback took back (semantics 24): the same spec with the same code, or the very version.
 * Taken back are the deployments since the newest good one that is not; once another has succeeded, nothing is held.
 *
 * @param records newest first within an alias
 */
export function findHolds(
  { specDigest, code }: Pick<DesiredFunction, 'specDigest' | 'code'>,
  records: readonly DeployRecord[],
  operations: readonly Operation[],
): { readonly holds: readonly Hold[]; readonly codeAgain: readonly Hold[] } {
  const moves = new Map<string, { readonly at: string; readonly to: readonly VersionRef[] }>();
  for (const step of operations) {
    if (step.type !== 'UpdateAlias' || step.settles !== undefined || !('number' in step.from.version)) continue;
    const known = moves.get(step.alias);
    const to = [
      ...(known?.to ?? []),
      step.version,
      ...(step.additional === undefined ? [] : [step.additional.version]),
    ];
    moves.set(step.alias, { at: known?.at ?? step.from.version.number, to });
  }
  const found = [...moves].map(([alias, { at, to }]) => {
    const own = records.filter((record) => record.alias === alias);
    const taken = heldRecords(own);
    const isSame = (record: DeployRecord): boolean =>
      carries(record.specDigest, specDigest) || to.some((ref) => 'number' in ref && ref.number === versionOf(record));
    const same = taken.find(isSame);
    const sameCode = taken.find(({ codeSha256 }) => carries(codeSha256, code?.codeSha256));
    const hold = (record: DeployRecord | undefined): Hold[] =>
      record === undefined ? [] : [holdOf(alias, at, record, own)];
    return { holds: hold(same), codeAgain: same === undefined && !servesCode(own, at, code) ? hold(sameCode) : [] };
  });
  return { holds: found.flatMap(({ holds }) => holds), codeAgain: found.flatMap(({ codeAgain }) => codeAgain) };
}

/**
 * How a rollback holds an alias whatever a plan would do: the newest deployment that it took back and that the file still says.
 *
 * @param own the alias's records, newest first
 * @param at the version that the alias serves
 */
export function standingHold(
  alias: string,
  at: string,
  own: readonly DeployRecord[],
  isSame: (record: DeployRecord) => boolean,
): Hold | undefined {
  const same = heldRecords(own).find(isSame);
  return same && holdOf(alias, at, same, own);
}

/** The deployments that one alias is held against: taken back since the newest good one that is not. @param own newest first */
export function heldRecords(own: readonly DeployRecord[]): DeployRecord[] {
  const good = own.findIndex(
    (record) => record.action === 'deploy' && record.result === 'succeeded' && record.takenBack !== true,
  );
  const since = good < 0 ? own : own.slice(0, good);
  return since.filter((record) => record.action === 'deploy' && record.takenBack === true);
}

/** What a run that never ended deployed is not in its record. */
function versionOf({ result, version, triedVersion }: DeployRecord): string | null {
  return result === 'open' ? (triedVersion ?? null) : version;
}

/** Whether the code is that of the live version too: then it was not the code that was taken back. */
function servesCode(own: readonly DeployRecord[], at: string, code: DesiredFunction['code']): boolean {
  return own.some(
    ({ version, result, codeSha256 }) =>
      version === at && result === 'succeeded' && carries(codeSha256, code?.codeSha256),
  );
}

/** A store may keep only a digest's beginning. */
function carries(kept: string | null | undefined, wanted: string | undefined): boolean {
  return kept !== null && kept !== undefined && kept !== '' && wanted?.startsWith(kept) === true;
}

function holdOf(alias: string, version: string, taken: DeployRecord, own: readonly DeployRecord[]): Hold {
  const rollbacks = own.filter(({ action, result }) => action === 'rollback' && result === 'succeeded');
  const rollback = rollbacks.find(({ leaves }) => leaves === taken.id) ?? rollbacks[0];
  const person = rollback?.approver?.name ?? rollback?.actor;
  const by = person ?? (rollback?.build === undefined ? undefined : `build ${rollback.build}`);
  return {
    alias,
    version,
    takenBack: versionOf(taken),
    ...(rollback === undefined ? {} : { record: rollback.id, since: rollback.startedAt }),
    ...(by === undefined ? {} : { by }),
  };
}

/** What a reader of the plan should know of its holds. @param isReleased `--release-hold` was given */
export function holdWarnings(
  name: string,
  { holds, codeAgain }: ReturnType<typeof findHolds>,
  isReleased: boolean,
): Warning[] {
  const what = isReleased
    ? 'It is deployed again, because --release-hold says so.'
    : `apply refuses it. fix: ${HOLD_FIX}`;
  return [
    ...holds.map((hold) => ({ code: 'ALIAS_HELD', function: name, message: `${describeHold(name, hold)} ${what}` })),
    ...codeAgain.map((hold) => ({
      code: 'CODE_TAKEN_BACK',
      function: name,
      message: `the code that ${rollbackOf(hold)} took back from alias ${hold.alias} of ${name} goes live again, with another spec.`,
    })),
  ];
}

/** How a hold ends. */
export const HOLD_FIX = 'change the spec or the code, or deploy it again all the same with --release-hold.';

/** Why an alias is held, in one sentence: git is ahead of what is live, and on purpose. */
export function describeHold(name: string, hold: Hold): string {
  const version = hold.takenBack === null ? '' : ` (version ${hold.takenBack})`;
  return `alias ${hold.alias} of ${name} is held at version ${hold.version} since ${rollbackOf(hold)}, which took back what the file says${version}: git is ahead of what is live.`;
}

function rollbackOf({ since, by }: Hold): string {
  return `a rollback${since === undefined ? '' : ` on ${since}`}${by === undefined ? '' : ` by ${by}`}`;
}
