import { isUnreadable, type DesiredFunction, type LiveFunction } from '../model/function.js';
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

/** What stands at a path of a spec. */
export function at(spec: JsonObject, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>((value, key) => (isJsonObject(value) ? ownValue(value, key) : undefined), spec);
}

/** Whether the file is another one than that of the record. Without a record that tells, not. */
export function hasFileMoved({ specDigest }: DesiredFunction, record: DeployRecord | undefined): boolean {
  return record?.specDigest !== undefined && !specDigest.startsWith(record.specDigest);
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
