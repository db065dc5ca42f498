import type { DriftDifference, FunctionDrift, OpenRollout } from '../model/drift.js';
import {
  LATEST,
  type DesiredFunction,
  type LiveAlias,
  type LiveFunction,
  type LiveVersion,
} from '../model/function.js';
import type { DeployRecord } from '../model/record.js';
import type { AliasStatus, DriftStatus, FunctionStatus, LastRecord, LatestStatus, Marker } from '../model/status.js';
import { versionOf } from '../planner/aliases.js';
import { isDrift } from '../planner/drift.js';
import { standingHold } from '../planner/hold.js';
import { deployedCommit } from '../planner/rollback-target.js';
import { specDigest } from '../spec/digest.js';

/** What {@link functionStatus} shows. */
export interface Seen {
  readonly desired: DesiredFunction;
  /** Which declared aliases are told of. */
  readonly aliases: readonly string[];
  readonly live: LiveFunction;
  /** Newest first, by alias. */
  readonly records: ReadonlyMap<string | null, readonly DeployRecord[]>;
  readonly rollouts: readonly OpenRollout[];
  readonly drift: DriftStatus;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** One function on the screen. */
export function functionStatus(seen: Seen): FunctionStatus & { readonly status: 'found' } {
  const { desired, live, drift, now } = seen;
  const declared = new Set(desired.aliases.map(({ name }) => name));
  const names = declared.size === 0 ? [null] : seen.aliases;
  return {
    ...nameOf(desired),
    status: 'found',
    latest: latestStatus(live.latest, now),
    aliases: names.map((name) => aliasStatus(seen, name)),
    undeclaredAliases: live.aliases
      .filter(({ name }) => !declared.has(name))
      .map(({ name, version, weights }) => ({ name, version, weights }))
      .sort((left, right) => (left.name < right.name ? -1 : 1)),
    drift,
  };
}

/** What names a function in a document. */
export function nameOf({ name, region }: DesiredFunction): { readonly name: string; readonly region?: string } {
  return { name, ...(region === undefined ? {} : { region }) };
}

function latestStatus(latest: LiveVersion, now: number): LatestStatus {
  const { state, lastUpdateStatus, codeSha256, lastModified } = latest;
  const isBad = state === 'Failed' || state === 'Pending' || state === 'Inactive';
  const reason = (lastUpdateStatus === 'Successful' ? undefined : latest.lastUpdateStatusReason) ?? latest.stateReason;
  const isGood = !isBad && (lastUpdateStatus === undefined || lastUpdateStatus === 'Successful');
  return {
    state: state ?? null,
    lastUpdateStatus: lastUpdateStatus ?? null,
    ...(isGood || reason === undefined ? {} : { reason }),
    codeSha256,
    lastModified: isoOf(lastModified),
    ageSeconds: secondsSince(lastModified, now),
  };
}

function aliasStatus(seen: Seen, name: string | null): AliasStatus {
  const { live, now } = seen;
  const alias: Pick<LiveAlias, 'version' | 'weights'> | undefined =
    name === null ? { version: LATEST, weights: {} } : live.aliases.find((one) => one.name === name);
  const records = seen.records.get(name) ?? [];
  const [newest] = records;
  const since = alias && sinceOf(live, alias.version, records);
  return {
    name,
    version: alias?.version ?? null,
    weights: alias?.weights ?? {},
    since: since === undefined ? null : isoOf(since.at),
    sinceFrom: since?.from ?? null,
    ageSeconds: since === undefined ? null : secondsSince(since.at, now),
    lastRecord: newest === undefined ? null : lastRecord(newest, records, now),
    markers: [...rolloutMarkers(seen.rollouts, name), ...(alias === undefined ? [] : heldMarkers(seen, name, alias))],
  };
}

/** The run that moved the alias to where it is, where records tell; else when AWS made the version. */
function sinceOf(
  live: LiveFunction,
  version: string,
  records: readonly DeployRecord[],
): { readonly at: string; readonly from: 'record' | 'lastModified' } | undefined {
  if (version !== LATEST) {
    const settled = records.filter(({ result }) => result !== 'open');
    const other = settled.findIndex((record) => record.version !== version);
    const moved = (other < 0 ? settled : settled.slice(0, other)).at(-1);
    // The oldest that is kept may have found the alias there already.
    if (moved !== undefined && moved.previousVersion !== version)
      return { at: moved.finishedAt ?? moved.startedAt, from: 'record' };
  }
  const at = versionOf(live, version)?.lastModified;
  return at === undefined ? undefined : { at, from: 'lastModified' };
}

function lastRecord(record: DeployRecord, records: readonly DeployRecord[], now: number): LastRecord {
  const { id, action, result, startedAt, finishedAt, actor, build, buildUrl } = record;
  const commit = deployedCommit(record, records);
  const at = finishedAt ?? startedAt;
  return {
    id,
    action,
    result,
    at,
    ageSeconds: secondsSince(at, now),
    ...(actor === undefined ? {} : { actor }),
    ...(build === undefined ? {} : { build }),
    ...(buildUrl === undefined ? {} : { buildUrl }),
    ...(commit === undefined ? {} : { commit }),
  };
}

function rolloutMarkers(rollouts: readonly OpenRollout[], name: string | null): Marker[] {
  return rollouts
    .filter(({ alias }) => alias === name)
    .map(({ state, startedAt, version }): Marker => {
      if (state === 'abandoned') return { kind: 'abandoned', startedAt, ...(version === undefined ? {} : { version }) };
      return version === undefined ? { kind: 'in_progress', startedAt } : { kind: 'waits', startedAt, version };
    });
}

/** Code that is not here cannot have changed as far as anybody knows: then the rollback stands. */
function heldMarkers({ desired, records }: Seen, name: string | null, { version }: { version: string }): Marker[] {
  if (name === null) return [];
  const { asWritten, code, unknownPaths = [] } = desired;
  const digest = asWritten === undefined ? desired.specDigest : specDigest(asWritten, code?.codeSha256);
  const isSame = ({ specDigest: was = '' }: DeployRecord): boolean =>
    unknownPaths.includes('code') || (was !== '' && digest.startsWith(was));
  const hold = standingHold(name, version, records.get(name) ?? [], isSame);
  if (hold === undefined) return [];
  const { takenBack, since, by } = hold;
  return [{ kind: 'held', takenBack, ...(since === undefined ? {} : { since }), ...(by === undefined ? {} : { by }) }];
}

/** What drift comes to on one line. */
export function driftStatus(
  { differences, notes }: Pick<FunctionDrift, 'differences' | 'notes'>,
  isRecorded: boolean,
): DriftStatus {
  const pathsOf = (wanted: (one: DriftDifference) => boolean): string[] =>
    differences.filter(wanted).map(({ path }) => path);
  const paths = pathsOf(isDrift);
  const state = paths.length > 0 ? 'drifted' : isRecorded ? 'none' : 'unrecorded';
  return { state, paths, pending: pathsOf((one) => one.class === 'pending'), notes: isRecorded ? notes : [] };
}

/** Lambda writes an offset without a colon. */
function isoOf(time: string): string {
  const milliseconds = Date.parse(time);
  return Number.isNaN(milliseconds) ? time : new Date(milliseconds).toISOString();
}

/** Never negative: clocks differ. */
function secondsSince(time: string, now: number): number {
  const milliseconds = Date.parse(time);
  return Number.isNaN(milliseconds) ? 0 : Math.max(0, Math.floor((now - milliseconds) / 1000));
}
