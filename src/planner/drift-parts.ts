import { isUnreadable, type DesiredAlias, type DesiredFunction, type LiveFunction } from '../model/function.js';
import type { Attachment, DriftDifference, OpenRollout } from '../model/drift.js';
import { isJsonObject, type Json, type JsonObject } from '../model/json.js';
import type { DeployRecord } from '../model/record.js';
import { ownValue } from './compare.js';
import { compareLeaf, type Leaf } from './drift-classes.js';
import { literal } from '../model/reference.js';
import { hasUnfinished, newestSettled } from './recorded.js';
import { refuseUnreadableTags, RECORD_PREFIX } from './tags.js';
import { isIgnored, isUnknown } from './target.js';

/**
 * What hangs on the function itself and not on a version: tags, code signing, the key of the archive. Live against the newest
 * record where it keeps that, and against the file.
 *
 * @throws AWS_UNREADABLE when the file manages tags and AWS does not show them
 */
export function functionDrift(
  desired: DesiredFunction,
  live: LiveFunction,
  newest: DeployRecord | undefined,
): DriftDifference[] {
  const spec = newest?.result === 'succeeded' ? newest.spec : undefined;
  const was = (...path: string[]): Json | undefined => (spec === undefined ? undefined : literal(at(spec, path)));
  const leaves = [
    ...tagLeaves(desired, live, (key) => ownValue(newest?.unversioned?.tags ?? {}, key) ?? was('tags', key)),
    {
      path: 'codeSigningConfigArn',
      recorded: was('codeSigningConfigArn'),
      live: live.codeSigningConfigArn ?? null,
      desired: desired.codeSigningConfigArn,
    },
    {
      path: 'code.sourceKmsKeyArn',
      recorded: was('code', 'sourceKmsKeyArn'),
      live: live.latest.sourceKmsKeyArn ?? null,
      desired: desired.code?.kind === 'zip' ? desired.code.sourceKmsKeyArn : undefined,
    },
  ];
  return leaves.filter(({ path }) => !isIgnored(desired, path)).flatMap(compareLeaf);
}

function tagLeaves(
  desired: DesiredFunction,
  live: LiveFunction,
  was: (key: string) => Json | undefined,
): readonly Leaf[] {
  const managed = Object.entries(desired.tags).filter(([key]) => !isIgnored(desired, `tags.${key}`));
  if (managed.length === 0) return [];
  const tags = refuseUnreadableTags(desired, live.tags);
  return managed.map(([key, value]) => ({
    path: `tags.${key}`,
    recorded: was(key),
    live: ownValue(tags, key) ?? null,
    desired: value,
  }));
}

function at(spec: JsonObject, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>((value, key) => (isJsonObject(value) ? ownValue(value, key) : undefined), spec);
}

/**
 * What nobody declared: aliases, tags and reserved concurrency, which every reading of the function shows, and what hangs on it.
 */
export function undeclared(
  desired: DesiredFunction,
  live: LiveFunction,
  attached: readonly Attachment[],
): DriftDifference[] {
  const aliases = live.aliases.filter(({ name }) => desired.aliases.every((one) => one.name !== name));
  const tags = isUnreadable(live.tags) ? [] : Object.entries(live.tags);
  const foreign = tags.filter(
    ([key]) => !key.startsWith('aws:') && !key.startsWith(RECORD_PREFIX) && !Object.hasOwn(desired.tags, key),
  );
  const { reservedConcurrentExecutions: reserved } = live;
  return [
    ...aliases.map(({ name, version }) => unmanaged(`aliases.${name}`, version)),
    ...foreign.map(([key, value]) => unmanaged(`tags.${key}`, value)),
    ...(reserved === undefined ? [] : [unmanaged('reservedConcurrentExecutions', reserved)]),
    ...attached.map((one) => unmanaged(pathOf(one, live), one.value)),
  ]
    .filter(({ path }) => !isIgnored(desired, path) && !isUnknown(desired, path))
    .sort((left, right) => (left.path < right.path ? -1 : 1));
}

/** `url`, `aliases.live.permissions.SID`, `versions.3.eventInvokeConfig`. */
function pathOf({ on, kind, id }: Attachment, live: LiveFunction): string {
  const isAlias = live.aliases.some(({ name }) => name === on);
  return [...(on === null ? [] : [isAlias ? 'aliases' : 'versions', on]), kind, ...(id === undefined ? [] : [id])].join(
    '.',
  );
}

function unmanaged(path: string, live: Json): DriftDifference {
  return { path, recorded: null, live, desired: null, class: 'unmanaged' };
}

/** Where one alias points, how it splits its traffic and what it is described as. A run of ours that has not ended says nothing. */
export function aliasDrift(
  desired: DesiredAlias,
  records: readonly DeployRecord[],
  live: LiveFunction,
): DriftDifference[] {
  // A run of ours that never ended may have moved it: that is nobody's edit.
  if (hasUnfinished(records)) return [];
  const path = `aliases.${desired.name}`;
  const found = live.aliases.find(({ name }) => name === desired.name);
  const settled = settledFor(found, records);
  const wanted = desired.version ?? null;
  const was = settled?.version ?? null;
  if (found === undefined) {
    const missing = { path, recorded: was, live: null, desired: wanted };
    return [{ ...missing, class: was === null ? 'pending' : 'drift' }];
  }
  const version = { path: `${path}.version`, recorded: was ?? undefined, live: found.version };
  const isMoved = was !== null && was !== found.version;
  return [
    ...(desired.version === undefined
      ? isMoved
        ? [{ ...version, recorded: was, desired: null, class: 'drift' as const }]
        : []
      : compareLeaf({ ...version, desired: desired.version })),
    ...weightDrift(`${path}.weights`, found, settled),
    ...compareLeaf({
      path: `${path}.description`,
      recorded: descriptionOf(settled, desired.name),
      live: found.description,
      desired: desired.description === null ? '' : desired.description,
    }),
  ];
}

type Alias = LiveFunction['aliases'][number];

/**
 * The newest record that settled. Who failed without moving the alias knows only where it stood before: where another run moved it
 * meanwhile, and it stands so, that one's record counts.
 */
function settledFor(found: Alias | undefined, records: readonly DeployRecord[]): DeployRecord | undefined {
  const settled = newestSettled(records);
  const hasMoved = ({ result, version, previousVersion }: DeployRecord): boolean =>
    result !== 'failed' || version !== previousVersion;
  if (settled === undefined || found === undefined || hasMoved(settled)) return settled;
  const mover = newestSettled(records.filter(hasMoved));
  return mover !== undefined && isLeftAt(found, mover) && !isLeftAt(found, settled) ? mover : settled;
}

/** Whether the alias stands where the record says that its run left it. */
function isLeftAt({ version, weights }: Alias, record: DeployRecord): boolean {
  const shares = Object.keys(weights);
  const isShared = record.result === 'pending' && record.triedVersion !== undefined;
  return record.version === version && (isShared ? shares.includes(record.triedVersion ?? '') : shares.length === 0);
}

function weightDrift(
  path: string,
  { weights, hasProvisionedConcurrency }: Alias,
  settled?: DeployRecord,
): DriftDifference[] {
  const tried = settled?.result === 'pending' ? settled.triedVersion : undefined;
  const isOurs = tried !== undefined && ownValue(weights, tried) !== undefined;
  const isNone = Object.keys(weights).length === 0;
  if (settled === undefined || isOurs || (isNone && tried === undefined)) return [];
  // A share is not in a record: only that there was one.
  const recorded = tried === undefined ? { recorded: {} } : { recorded: null, unknown: ['recorded'] as const };
  // Nobody can set both: these weights are Lambda's own, while it allocates for another version.
  const isAws = tried === undefined && hasProvisionedConcurrency === true;
  return [{ path, ...recorded, live: { ...weights }, desired: null, class: isAws ? 'aws' : 'drift' }];
}

function descriptionOf(settled: DeployRecord | undefined, alias: string): Json | undefined {
  if (settled?.result !== 'succeeded' || settled.spec === undefined) return undefined;
  const was = literal(at(settled.spec, ['aliases', alias, 'description']));
  return was === null ? '' : was;
}

/** Rollouts and runs of ours that are not over. @param overdue ids of records whose time is over */
export function openRollouts(
  records: ReadonlyMap<string | null, readonly DeployRecord[]>,
  live: LiveFunction,
  overdue: ReadonlySet<string>,
): OpenRollout[] {
  return [...records].flatMap(([alias, own]): OpenRollout[] => {
    const newest = hasUnfinished(own) ? own.find(({ result }) => result === 'open') : newestSettled(own);
    if (newest === undefined || (newest.result !== 'open' && newest.result !== 'pending')) return [];
    const { id, startedAt, triedVersion: tried } = newest;
    const weights = live.aliases.find(({ name }) => name === alias)?.weights ?? {};
    const isWaiting = newest.result === 'pending' && tried !== undefined;
    if (newest.result === 'pending' && (!isWaiting || ownValue(weights, tried) === undefined)) return [];
    const state = overdue.has(id) ? 'abandoned' : 'in_progress';
    return [{ alias, state, startedAt, ...(isWaiting ? { version: tried } : {}) }];
  });
}
