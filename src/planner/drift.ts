import type { DesiredFunction, LiveFunction, LiveVersion } from '../model/function.js';
import type { DriftDifference, FunctionDrift } from '../model/drift.js';
import { isJsonObject, type Json } from '../model/json.js';
import type { DeployRecord } from '../model/record.js';
import { versionOf } from './aliases.js';
import { diffContent, ownValue } from './compare.js';
import { contentOf, normalizeValue, settingField } from './normalize.js';
import { isIgnored, isKnown, isManaged, overlay, readable } from './target.js';

export interface DriftInput {
  /** The function as the file has it; its code is absent when the archive is not there. */
  readonly desired: DesiredFunction;
  readonly live: LiveFunction | undefined;
  /** Newest first, by alias name; `null` stands for a function without aliases. */
  readonly records: ReadonlyMap<string | null, readonly DeployRecord[]>;
  /** Digest of live `$LATEST` as records keep it. */
  readonly latestDigest: string | undefined;
}

/**
 * Recorded against live (semantics 25). Needs no artifact. A deployment of ours that failed or is still open is never somebody's
 * edit: what it left is told in a note.
 */
export function detectDrift(input: DriftInput): FunctionDrift {
  const { desired, live, records } = input;
  const newest = newestSettled([...records.values()].flat());
  if (newest === undefined) {
    return {
      name: desired.name,
      drifted: false,
      differences: [],
      notes: ['no deployment is recorded, so nothing can have drifted'],
    };
  }
  if (live === undefined) {
    const gone: DriftDifference = { path: 'function', recorded: desired.name, live: null, desired: desired.name };
    return { name: desired.name, drifted: true, differences: [gone], notes: [] };
  }
  const aliases = [...records].flatMap(([alias, own]) => (alias === null ? [] : aliasDrift(alias, own, live)));
  const open = [...records.values()].flat().find(({ id, result }) => result === 'open' && id > newest.id);
  const latest = open === undefined ? latestDrift(input, live, newest) : inProgress(open);
  const differences = [...aliases, ...latest.differences];
  return { name: desired.name, drifted: differences.length > 0, differences, notes: latest.notes };
}

/** Whether the newest of one alias's records is of a run that never ended. */
export function hasUnfinished(records: readonly DeployRecord[]): boolean {
  return records.some(({ id, result }) => result === 'open' && records.every((other) => other.id <= id));
}

/** The newest record that is not open. */
export function newestSettled(records: readonly DeployRecord[]): DeployRecord | undefined {
  return records.filter(({ result }) => result !== 'open').sort((left, right) => (left.id < right.id ? 1 : -1))[0];
}

function aliasDrift(alias: string, records: readonly DeployRecord[], live: LiveFunction): DriftDifference[] {
  const settled = newestSettled(records);
  // A run of ours that never ended may have moved it: that is nobody's edit.
  if (settled === undefined || settled.version === null || hasUnfinished(records)) return [];
  const found = live.aliases.find(({ name }) => name === alias);
  const desired = null;
  if (found === undefined) return [{ path: `aliases.${alias}`, recorded: settled.version, live: null, desired }];
  const isOurs = settled.result === 'pending' && found.weights[settled.triedVersion ?? ''] !== undefined;
  const weighted = Object.keys(found.weights).length > 0 && !isOurs;
  return [
    ...(found.version === settled.version
      ? []
      : [{ path: `aliases.${alias}.version`, recorded: settled.version, live: found.version, desired }]),
    ...(weighted ? [{ path: `aliases.${alias}.weights`, recorded: {}, live: found.weights, desired }] : []),
  ];
}

function inProgress({ startedAt }: DeployRecord): LatestDrift {
  return {
    differences: [],
    notes: [`$LATEST is not compared: a deployment that started at ${startedAt} has not finished`],
  };
}

interface LatestDrift {
  readonly differences: readonly DriftDifference[];
  readonly notes: readonly string[];
}

function latestDrift({ desired, latestDigest }: DriftInput, live: LiveFunction, newest: DeployRecord): LatestDrift {
  // After a success the version says more than the digest, which has no values; a run that failed may have left something else.
  const digestDecides = newest.alias === null || newest.result !== 'succeeded';
  if (digestDecides && newest.latestDigest !== undefined && newest.latestDigest === latestDigest)
    return { differences: [], notes: [] };
  const snapshot = snapshotOf(desired, live, newest);
  if (snapshot !== undefined) return againstSnapshot(desired, live, snapshot);
  const unmoved =
    newest.result === 'succeeded' &&
    newest.specDigest !== undefined &&
    desired.specDigest.startsWith(newest.specDigest);
  if (unmoved) return againstFile(desired, live);
  if (newest.latestDigest !== undefined && latestDigest !== undefined && newest.latestDigest !== latestDigest) {
    return {
      differences: [{ path: '$LATEST', recorded: newest.latestDigest, live: latestDigest, desired: null }],
      notes: [],
    };
  }
  const why =
    newest.result === 'succeeded'
      ? 'the last deployment left no version to compare with'
      : `the last deployment ${newest.result.replace('_', ' ')} and left it unfinished`;
  return { differences: [], notes: [`$LATEST is not compared: ${why}`] };
}

/** The version whose content the run left in `$LATEST`; a pinned alias says nothing about it, nor does a record that AWS contradicts. */
export function snapshotOf(
  desired: DesiredFunction,
  live: LiveFunction,
  newest: DeployRecord,
): LiveVersion | undefined {
  const pinned = desired.aliases.some(({ name, version }) => name === newest.alias && version !== undefined);
  // A rollback restores $LATEST last: one that failed left it as it was.
  const tried = newest.action === 'rollback' ? undefined : newest.triedVersion;
  const version = newest.result === 'succeeded' ? newest.version : tried;
  if (pinned || version === null || version === undefined) return undefined;
  const found = versionOf(live, version);
  const contradicted =
    newest.result === 'succeeded' &&
    newest.codeSha256 !== null &&
    found?.codeSha256.startsWith(newest.codeSha256) === false;
  return contradicted ? undefined : found;
}

function againstSnapshot(desired: DesiredFunction, live: LiveFunction, snapshot: LiveVersion): LatestDrift {
  if (isManaged(desired, 'environment')) readable(desired, live.latest.environment);
  const all = diffContent(contentOf(snapshot, live.name), contentOf(live.latest, live.name), 'version');
  const differences = all
    .filter(({ path }) => !isIgnored(desired, path) && path !== 'environment')
    .map(({ path, before, after, sensitive }): DriftDifference => ({
      path,
      recorded: before,
      live: after,
      desired: desiredAt(desired, path),
      ...(sensitive === true ? { sensitive } : {}),
    }));
  const hidden = all.some(({ path }) => path === 'environment');
  return { differences, notes: hidden ? [HIDDEN_VARIABLES] : [] };
}

const HIDDEN_VARIABLES = 'the variables are not compared: AWS does not show them';

/** Without a version to compare with, an unmoved file says what the last deployment left. */
function againstFile(desired: DesiredFunction, live: LiveFunction): LatestDrift {
  const current = contentOf(live.latest, live.name);
  const all = diffContent(overlay(desired, current), current);
  const differences = all
    .filter(({ path }) => isKnown(desired, path))
    .map(({ path, before, after, sensitive }): DriftDifference => ({
      path,
      recorded: before,
      live: after,
      desired: before,
      ...(sensitive === true ? { sensitive } : {}),
    }));
  return { differences, notes: differences.length < all.length ? [HIDDEN_VARIABLES] : [] };
}

/** What the file says at a path; `null` where it says nothing or cannot tell. */
function desiredAt(desired: DesiredFunction, path: string): Json {
  if (!isManaged(desired, path)) return null;
  const [key = '', ...members] = path.split('.');
  if (key === 'code') return desired.code?.codeSha256 ?? null;
  if (key === 'environment')
    return ownValue(desired.environment ?? {}, members[0] ?? '') === undefined ? null : '(set)';
  const setting = desired.settings[key as keyof DesiredFunction['settings']];
  let value = normalizeValue(settingField(key), setting, desired.name);
  for (const member of members) value = isJsonObject(value) ? ownValue(value, member) : undefined;
  return value ?? null;
}
