import { LATEST, type LiveAlias, type LiveFunction, type LiveVersion, type Version } from '../model/function.js';
import type { DeleteVersionOperation, FunctionPrune, VersionUse } from '../model/prune.js';
import type { DeployRecord } from '../model/record.js';
import { rollbackVersions } from './rollback-target.js';

/** A version that the file wants an alias to point at. */
export interface Pin {
  readonly version: Version;
  readonly alias: string;
  /** The one that says so; absent in a file without. */
  readonly environment?: string;
}

/** One function as AWS, the file and the records have it. */
export interface PruneInput {
  readonly name: string;
  readonly region?: string;
  /** How many of the newest versions stay, and how many rollbacks in a row each alias keeps; 1 or more. */
  readonly keep: number;
  readonly latest: Pick<LiveFunction['latest'], 'state' | 'lastUpdateStatus'>;
  /** Every alias of the function, declared or not. */
  readonly aliases: readonly LiveAlias[];
  /** The versions that the file pins, in any of its environments, applied yet or not. */
  readonly pins: readonly Pin[];
  /** Every published version, oldest first. */
  readonly versions: readonly LiveVersion[];
  /** Of every alias that is live or declared, newest first; `null`: of a function without aliases. */
  readonly records: ReadonlyMap<string | null, readonly DeployRecord[]>;
  /** ISO 8601 as Date writes it, which sorts as text. */
  readonly now: string;
}

/**
 * Which versions are not needed any more: all but the newest `keep`, those that an alias or a weight uses or that the file pins, those that rollbacks of
 * any alias would go to (`keep` in a row; the `keep` before the live one where no record says where), and those newer than what an
 * unfinished run had to go by. Nothing while a rollout or a deployment is under way.
 */
export function planPrune(input: PruneInput): FunctionPrune {
  const { name, region, versions } = input;
  const place = { name, ...(region === undefined ? {} : { region }) };
  const reasons = reasonsToKeep(input);
  const kept = versions
    .flatMap(({ version }) => {
      const own = reasons.get(version);
      return own === undefined ? [] : [{ version, reasons: [...own] }];
    })
    .reverse();
  const skipped = underWay(input);
  if (skipped !== undefined) return { ...place, operations: [], kept, skipped };
  const old = versions.filter(({ version }) => !reasons.has(version));
  return { ...place, operations: old.map((version) => toOperation(version, input)), kept };
}

/** The same plan without the versions that something hangs on. */
export function keepUsed(plan: FunctionPrune, uses: readonly VersionUse[]): FunctionPrune {
  const reasonsFor = (version: Version): string[] =>
    uses.filter((use) => use.version === version).map(({ kind }) => `it has ${WORDS[kind]} of its own`);
  const isUsed = ({ version }: DeleteVersionOperation): boolean => uses.some((use) => use.version === version);
  const operations = plan.operations.filter((one) => !isUsed(one));
  const more = plan.operations.filter(isUsed).map(({ version }) => ({ version, reasons: reasonsFor(version) }));
  const kept = [...plan.kept, ...more].sort((one, other) => Number(other.version) - Number(one.version));
  return { ...plan, operations, kept };
}

const WORDS: Readonly<Record<VersionUse['kind'], string>> = {
  policy: 'a policy',
  eventSources: 'an event source',
  eventInvokeConfig: 'settings for asynchronous events',
  provisionedConcurrency: 'provisioned concurrency',
};

/** Why versions must not be deleted now; `undefined`: nothing is under way. */
export function underWay({
  latest,
  aliases,
  records,
  now,
}: Pick<PruneInput, 'latest' | 'aliases' | 'records' | 'now'>): string | undefined {
  if (latest.lastUpdateStatus === 'InProgress' || latest.state === 'Pending')
    return 'an update of the function is in progress';
  const weighted = aliases.find(({ weights }) => Object.keys(weights).length > 0);
  if (weighted !== undefined) return `alias ${weighted.name} has a rollout open: promote or abort it first`;
  for (const [alias, own] of records) {
    const open = own.find((record) => isRunning(record, own, now));
    if (open === undefined) continue;
    const what = alias === null ? 'the function' : `alias ${alias}`;
    return `a deployment of ${what} that started at ${open.startedAt} has not ended: wait until it has; one that is known to be dead is ended by apply --take-over`;
  }
  return undefined;
}

/** Without a deadline nobody can tell a run that died from one that goes on. */
function isRunning({ id, result, deadline }: DeployRecord, own: readonly DeployRecord[], now: string): boolean {
  if (result !== 'open') return false;
  return deadline === undefined ? own.every((other) => other.id <= id) : deadline >= now;
}

function reasonsToKeep(input: PruneInput): ReadonlyMap<Version, ReadonlySet<string>> {
  const reasons = new Map<Version, Set<string>>();
  const keep = (version: Version, reason: string): void => {
    reasons.set(version, (reasons.get(version) ?? new Set()).add(reason));
  };
  const { keep: count, versions, aliases, pins, records } = input;
  for (const { name, version, weights } of aliases) {
    keep(version, `alias ${name} points at it`);
    for (const additional of Object.keys(weights)) keep(additional, `alias ${name} sends a share of its traffic there`);
  }
  for (const { version, alias, environment } of pins) {
    const where = environment === undefined ? '' : ` in environment ${environment}`;
    keep(version, `alias ${alias} is to point at it${where}`);
  }
  for (const { version } of versions.slice(-count)) keep(version, `one of the newest ${count}`);
  for (const alias of aliases) {
    for (const { version, reason } of wayBack(alias, input)) keep(version, reason);
  }
  for (const [alias, own] of records) {
    const floor = unfinishedFrom(own);
    const newer = floor === undefined ? [] : versions.filter(({ version }) => Number(version) > floor);
    for (const { version } of newer) keep(version, `a run that did not finish may have made it${of(alias)}`);
  }
  return reasons;
}

function wayBack(
  alias: LiveAlias,
  { keep, versions, records }: PruneInput,
): { readonly version: Version; readonly reason: string }[] {
  const recorded = rollbackVersions(alias.version, records.get(alias.name) ?? []);
  if (recorded.length > 0) {
    const reason = `a rollback of alias ${alias.name} goes there`;
    return recorded.slice(0, keep).map((version) => ({ version, reason }));
  }
  const older = versions.filter(({ version }) => alias.version === LATEST || Number(version) < Number(alias.version));
  const reason = `no record says where a rollback of alias ${alias.name} goes, and it is one of the ${keep} before`;
  return older.slice(-keep).map(({ version }) => ({ version, reason }));
}

/** The number above which an unfinished run of one alias may have published or served; `undefined`: there is none. */
function unfinishedFrom(own: readonly DeployRecord[]): number | undefined {
  // Who lost against a run that goes on has failed, and says nothing of it.
  const newest = own.find(({ result }) => result !== 'failed');
  if (newest?.result !== 'open' && newest?.result !== 'pending') return undefined;
  const numbers = [newest.version, newest.previousVersion].map(Number).filter((number) => number > 0);
  return numbers.length === 0 ? 0 : Math.min(...numbers);
}

function of(alias: string | null): string {
  return alias === null ? '' : `, of alias ${alias}`;
}

function toOperation(
  { version, lastModified, description }: LiveVersion,
  { keep }: PruneInput,
): DeleteVersionOperation {
  const reason = `no alias and no rollback needs it, and it is not one of the newest ${keep}`;
  return { type: 'DeleteFunction', version, reason, publishedAt: lastModified, description };
}
