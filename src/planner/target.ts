import { DeployError } from '../errors.js';
import { isUnreadable, type DesiredFunction, type Variables } from '../model/function.js';
import { isJsonObject, type Json, type JsonObject } from '../model/json.js';
import type { Secret } from '../model/secret.js';
import { ownValue } from './compare.js';
import { normalizeValue, settingField, type Content } from './normalize.js';

/** Whether the file leaves this path to others: it or a path above it is in `ignoreChanges`. */
export function isIgnored(desired: Pick<DesiredFunction, 'ignoreChanges'>, path: string): boolean {
  return isIn(desired.ignoreChanges, path);
}

/** Whether the paths have this one or one above it. */
function isIn(paths: readonly string[], path: string): boolean {
  return paths.some((one) => path === one || path.startsWith(`${one}.`));
}

/** What {@link keepsLive} looks at. */
type Left = Pick<DesiredFunction, 'ignoreChanges' | 'unknownVariables' | 'unknownPaths'>;

/** Whether the plan leaves this path as it is: others own it, or its value is unknown until apply. */
export function keepsLive(desired: Left, path: string): boolean {
  return isUnknown(desired, path) || isIgnored(desired, path);
}

/** Whether the file names this path (or the struct it is in) and its value cannot be had here. */
export function isUnknown({ unknownPaths = [], unknownVariables = {} }: Left, path: string): boolean {
  const [key, name = ''] = path.split('.', 2);
  return (key === 'environment' && ownValue(unknownVariables, name) !== undefined) || isIn(unknownPaths, path);
}

/** Whether the file names this path (or the struct, map or list it is in) and does not leave it to others. */
export function isManaged(desired: DesiredFunction, path: string): boolean {
  if (keepsLive(desired, path)) return false;
  const [key = '', ...members] = path.split('.');
  if (key === 'code') return desired.code !== undefined;
  if (key === 'environment') return desired.environment !== undefined;
  let value: Json | undefined = desired.settings[key as keyof DesiredFunction['settings']];
  for (const member of members) {
    if (!isJsonObject(value)) break;
    value = ownValue(value, member);
  }
  return value !== undefined;
}

/**
 * False for the variables as a whole, which differ only where AWS does not show them, when nobody manages them: nothing can be
 * proved about them, and neither an update nor a new version would make them readable.
 */
export function isKnown(desired: DesiredFunction, path: string): boolean {
  return path !== 'environment' || isManaged(desired, path);
}

/**
 * What `$LATEST`, and with it the next version, will be: `live` overlaid with the managed keys (semantics 1). Ignored paths
 * keep their live value.
 *
 * @throws AWS_UNREADABLE when the file manages the variables and AWS does not show the live ones.
 */
export function overlay(desired: DesiredFunction, live: Content): Content {
  const settings: Record<string, Json> = { ...live.settings };
  for (const [key, value] of Object.entries(desired.settings)) {
    if (value === undefined || isIgnored(desired, key)) continue;
    const merged = mergeSetting(desired, key, live.settings[key as keyof Content['settings']], value);
    if (merged !== undefined) settings[key] = merged;
  }
  return {
    settings,
    environment: overlayEnvironment(desired, live),
    codeSha256: desired.code === undefined || isIgnored(desired, 'code') ? live.codeSha256 : desired.code.codeSha256,
  };
}

/** A struct sends live merged with the named members; a list or scalar is replaced whole. */
function mergeSetting(desired: DesiredFunction, key: string, live: Json | undefined, value: Json): Json | undefined {
  const field = settingField(key);
  const isStruct = field.struct === true && isJsonObject(value);
  return normalizeValue(field, isStruct ? mergeMembers(desired, key, live, value) : value, desired.name);
}

function mergeMembers(desired: DesiredFunction, path: string, live: Json | undefined, value: JsonObject): JsonObject {
  const members: Record<string, Json> = isJsonObject(live) ? { ...live } : {};
  for (const [name, member] of Object.entries(value)) {
    const inner = `${path}.${name}`;
    if (isIgnored(desired, inner)) continue;
    members[name] = isJsonObject(member) ? mergeMembers(desired, inner, ownValue(members, name), member) : member;
  }
  return members;
}

function overlayEnvironment(desired: DesiredFunction, live: Content): Content['environment'] {
  if (!isManaged(desired, 'environment')) return live.environment;
  return environmentOf(desired, desired.environment ?? {}, readable(desired, live.environment));
}

/** @throws AWS_UNREADABLE when AWS does not show the variables; for a file that manages them. */
export function readable(desired: DesiredFunction, environment: Content['environment']): Variables {
  if (!isUnreadable(environment)) return environment;
  const detail = `the variables of ${desired.name} are managed by the file, but AWS does not show the live ones: ${environment.unreadable}`;
  throw new DeployError('AWS_UNREADABLE', detail, {
    source: 'aws',
    subject: desired.name,
    fix: 'allow kms:Decrypt on the key of the function, or leave environment out of the file.',
  });
}

function environmentOf(desired: DesiredFunction, wanted: Variables, live: Variables): Variables {
  const result: Record<string, Secret> = {};
  for (const name of [...new Set([...Object.keys(wanted), ...Object.keys(live)])].sort()) {
    const value = ownValue(keepsLive(desired, `environment.${name}`) ? live : wanted, name);
    if (value !== undefined) result[name] = value;
  }
  return result;
}
