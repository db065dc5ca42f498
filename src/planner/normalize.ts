import type { LiveVersion, Settings, Unreadable, Variables } from '../model/function.js';
import { FIELDS, fieldOf, resetOf, type Field } from '../model/fields.js';
import { isJsonObject, type Json, type JsonObject } from '../model/json.js';

/**
 * Everything version-scoped about `$LATEST` or a version, in one spelling: absent, `null`, `[]` and `{}` are told apart or
 * made equal here and nowhere else. `description` is kept for `$LATEST`; comparisons of versions leave it out.
 */
export interface Content {
  /** By file key; a key without a value and without a default is absent. */
  readonly settings: Settings;
  readonly environment: Variables | Unreadable;
  readonly codeSha256: string;
}

/** The content of what AWS answered. */
export function contentOf(live: LiveVersion, functionName: string): Content {
  return {
    settings: normalizeSettings(live.settings, functionName),
    environment: live.environment,
    codeSha256: live.codeSha256,
  };
}

/** Fills in what AWS has where nothing is set, and sorts what has no order. Idempotent. */
export function normalizeSettings(settings: Settings, functionName: string): Settings {
  const result: Record<string, Json> = {};
  for (const field of FIELDS) {
    if (field.key === 'environment') continue;
    const value = normalizeValue(field, settings[field.key], functionName);
    if (value !== undefined) result[field.key] = value;
  }
  return result;
}

/** One setting in its one spelling, keys sorted; `undefined` when it is absent and AWS has no default. */
export function normalizeValue(field: Field, value: Json | undefined, functionName: string): Json | undefined {
  const normal = filledIn(field, value, functionName);
  return normal === undefined ? undefined : keysSorted(normal);
}

function filledIn(field: Field, value: Json | undefined, functionName: string): Json | undefined {
  const reset = resetOf(field, functionName);
  if (value === undefined || value === null) return reset;
  if (field.struct !== true || !isJsonObject(value)) return sorted(field, '', value);
  const members: Record<string, Json> = isJsonObject(reset) ? { ...reset } : {};
  for (const [name, member] of Object.entries(value)) {
    if (member !== null) members[name] = sorted(field, name, member);
  }
  return field.key === 'loggingConfig' ? withLogLevels(members) : withoutEmptyLists(field, members);
}

/** The row of a settings key; an unknown key is a defect of the caller. */
export function settingField(key: string): Field {
  const field = fieldOf(key);
  if (field === undefined) throw new Error(`no field ${key}`);
  return field;
}

/** The order of keys says nothing, but equal inputs must make equal plans to the byte. */
function keysSorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(keysSorted);
  if (!isJsonObject(value)) return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, keysSorted(value[key] ?? null)]));
}

function sorted(field: Field, member: string, value: Json): Json {
  if (!Array.isArray(value) || field.sets?.includes(member) !== true) return value;
  return [...value].map(String).sort();
}

/**
 * With JSON logs AWS fills in both levels as INFO; with plain text it has none.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
 */
function withLogLevels(members: JsonObject): JsonObject {
  const { applicationLogLevel, systemLogLevel, ...rest } = members;
  if (rest['logFormat'] !== 'JSON') return rest;
  return { ...rest, applicationLogLevel: applicationLogLevel ?? 'INFO', systemLogLevel: systemLogLevel ?? 'INFO' };
}

/** An image's overrides read back without the members that are empty; in every other struct an empty list means itself. */
function withoutEmptyLists(field: Field, members: JsonObject): JsonObject {
  if (field.key !== 'imageConfig') return members;
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== '' && !(Array.isArray(value) && value.length === 0)),
  );
}
