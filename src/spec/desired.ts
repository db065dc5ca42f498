import type { Location } from '../errors.js';
import { FIELDS } from '../model/fields.js';
import {
  LATEST,
  type DesiredAlias,
  type DesiredFunction,
  type HealthCheck,
  type Settings,
  type Variables,
} from '../model/function.js';
import { isJsonObject, type Json, type JsonObject } from '../model/json.js';
import { Secret } from '../model/secret.js';
import { parseDuration } from './duration.js';
import { mapAt, mapToJson, nodeAt, type MapNode, type Node, type ScalarNode } from './node.js';

/** What a health check without `timeout` may take in all, in seconds. */
const DEFAULT_CHECK_SECONDS = 60;

/** A module that must be in the archive for the function to start at all. */
export interface EntryPoint {
  readonly runtime: string;
  readonly handler: string;
}

/** The archive that a function names; nothing of it has been read. */
export interface CodePath {
  /** As written, relative to the file's folder. */
  readonly zip: string;
  /** Where `code.zip` stands in the file. */
  readonly location: Location;
  /** Absent where the module may come from elsewhere (layers), or where runtime or handler are not managed. */
  readonly entryPoint?: EntryPoint;
}

/** A function as the file wants it, before its archive is read. */
export interface SpecFunction extends Omit<DesiredFunction, 'code' | 'specDigest'> {
  /** Absent: the code is not managed. */
  readonly codePath?: CodePath;
  /** The function after `defaults`, with `${…}` in place of what they stand for. Input of `specDigest`, and of records. */
  readonly asWritten: JsonObject;
}

/** One function of the merged tree, which has passed the schema and the rules. */
export function toSpecFunction(key: string, node: MapNode, file: string): SpecFunction {
  const json = mapToJson(node);
  const environment = toVariables(nodeAt(node, 'environment'));
  const codePath = toCodePath(node, json, file);
  return {
    key,
    name: typeof json.name === 'string' ? json.name : key,
    settings: toSettings(json),
    ...(environment === undefined ? {} : { environment }),
    ...(codePath === undefined ? {} : { codePath }),
    tags: (json.tags ?? {}) as Record<string, string | null>,
    ...(typeof json.versionDescription === 'string' ? { versionDescription: json.versionDescription } : {}),
    ignoreChanges: (json.ignoreChanges ?? []) as string[],
    aliases: Object.entries(isJsonObject(json.aliases) ? json.aliases : {}).map(([name, alias]) =>
      toAlias(name, alias),
    ),
    asWritten: mapToJson(node, asWritten),
  };
}

function asWritten(scalar: ScalarNode): Json {
  return scalar.interpolated?.written ?? scalar.value;
}

function toSettings(json: JsonObject): Settings {
  return Object.fromEntries(
    FIELDS.flatMap(({ key }) => {
      const value = json[key];
      return key === 'environment' || value === undefined ? [] : [[key, value]];
    }),
  );
}

function toVariables(node: Node | undefined): Variables | null | undefined {
  if (node === undefined) return undefined;
  if (node.kind !== 'map') return null;
  return Object.fromEntries(
    [...node.entries].map(([name, entry]) => [name, new Secret(entry.node.kind === 'scalar' ? entry.node.source : '')]),
  );
}

function toCodePath(node: MapNode, json: JsonObject, file: string): CodePath | undefined {
  const zip = nodeAt(node, 'code', 'zip');
  if (zip?.kind !== 'scalar') return undefined;
  const { runtime, handler, layers, ignoreChanges } = json;
  const mayBeElsewhere =
    (Array.isArray(layers) && layers.length > 0) ||
    (Array.isArray(ignoreChanges) && ignoreChanges.includes('layers')) ||
    mapAt(node, 'environment')?.entries.has('AWS_LAMBDA_EXEC_WRAPPER') === true;
  const isKnown = typeof runtime === 'string' && typeof handler === 'string' && !mayBeElsewhere;
  return {
    zip: String(zip.value),
    location: { file, ...zip.position },
    ...(isKnown ? { entryPoint: { runtime, handler } } : {}),
  };
}

function toAlias(name: string, json: Json): DesiredAlias {
  const { description, version, healthCheck, autoRollback } = isJsonObject(json) ? json : {};
  const checks = healthCheck === undefined ? [] : Array.isArray(healthCheck) ? healthCheck : [healthCheck];
  return {
    name,
    ...(typeof description === 'string' || description === null ? { description } : {}),
    ...(version === undefined ? {} : { version: String(version) }),
    healthChecks: checks.filter(isJsonObject).map(toHealthCheck),
    autoRollback: autoRollback !== false && version !== LATEST,
  };
}

function toHealthCheck(json: JsonObject): HealthCheck {
  const status = isJsonObject(json.expect) ? json.expect.status : undefined;
  return {
    ...(json.payload === undefined ? {} : { payload: json.payload }),
    ...(typeof status === 'number' ? { expect: { status } } : {}),
    timeoutSeconds: parseDuration(json.timeout) ?? DEFAULT_CHECK_SECONDS,
  };
}
