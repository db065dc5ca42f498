import type { DesiredFunction, LiveFunction, LiveVersion, Settings } from '../model/function.js';
import { FIELDS } from '../model/fields.js';
import { isJsonObject, type Json, type JsonObject } from '../model/json.js';
import type { DeployRecord } from '../model/record.js';
import { literal } from '../model/reference.js';
import { Secret } from '../model/secret.js';
import { versionOf } from './aliases.js';
import { ownValue } from './compare.js';

/** Whether the newest of one alias's records is of a run that never ended. */
export function hasUnfinished(records: readonly DeployRecord[]): boolean {
  return records.some(({ id, result }) => result === 'open' && records.every((other) => other.id <= id));
}

/** The newest record that is not open. */
export function newestSettled(records: readonly DeployRecord[]): DeployRecord | undefined {
  return records.filter(({ result }) => result !== 'open').sort((left, right) => (left.id < right.id ? 1 : -1))[0];
}

/**
 * The newest record that says what is in `$LATEST`: a run that never wrote it, or lost it to another, says nothing (semantics 25).
 * Where none does, the newest that is not open.
 */
export function newestOnLatest(records: readonly DeployRecord[]): DeployRecord | undefined {
  return newestSettled(records.filter(({ latestDigest }) => latestDigest !== undefined)) ?? newestSettled(records);
}

/**
 * {@link newestOnLatest}, or, where that knows `$LATEST` by its digest alone, another that left the same digest with a version which
 * shows what was in it.
 */
export function tellingOfLatest(
  desired: DesiredFunction,
  live: LiveFunction,
  records: readonly DeployRecord[],
): DeployRecord | undefined {
  const newest = newestOnLatest(records);
  if (newest?.latestDigest === undefined || snapshotOf(desired, live, newest) !== undefined) return newest;
  const isSame = (one: DeployRecord): boolean =>
    one.result === 'succeeded' &&
    one.latestDigest === newest.latestDigest &&
    snapshotOf(desired, live, one) !== undefined;
  return records.find(isSame) ?? newest;
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

/**
 * The function as a record's spec has it, as far as that says it by itself: what stands in a reference, whose value was the
 * deployment's, is left out, and so is every path that others own now.
 */
export function recordedFunction(spec: JsonObject, { desired, code }: RecordedFrom): DesiredFunction {
  const settings: Record<string, Json> = {};
  for (const { key } of FIELDS) {
    const value = key === 'environment' ? undefined : literal(ownValue(spec, key));
    if (value !== undefined) settings[key] = value;
  }
  const { code: _, environment: __, unknownVariables: ___, ...rest } = desired;
  const variables = ownValue(spec, 'environment');
  return {
    ...rest,
    settings: settings as Settings,
    ...(variables === undefined ? {} : variablesOf(variables)),
    ...(code === undefined
      ? {}
      : { code: { kind: 'zip', source: '', codeSha256: code, zipBytes: 0, unzippedBytes: 0 } }),
  };
}

interface RecordedFrom {
  /** The function of today's file. */
  readonly desired: DesiredFunction;
  /** CodeSha256 of what was deployed; absent: not known. */
  readonly code: string | undefined;
}

function variablesOf(spec: Json): Pick<DesiredFunction, 'environment' | 'unknownVariables'> {
  if (!isJsonObject(spec)) return { environment: null };
  const known: Record<string, Secret> = {};
  const unknown: Record<string, string> = {};
  for (const [name, value] of Object.entries(spec)) {
    const text = literal(value);
    if (typeof text === 'string') known[name] = new Secret(text);
    else unknown[name] = 'the record has a reference';
  }
  return { environment: known, unknownVariables: unknown };
}
