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
import type { Json, JsonObject } from '../model/json.js';
import { Secret } from '../model/secret.js';
import { parseDuration } from './duration.js';
import type { AliasSpec, FunctionSpec, HealthCheckSpec } from './generated/types.js';
import { mapAt, mapToJson, nodeAt, scalarsOf, type MapNode, type Node, type ScalarNode } from './node.js';
import { complete, type TemplateLeaf } from './references.js';

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
  /** Values with references in them; until they are resolved each is unknown. */
  readonly templates: readonly TemplateLeaf[];
  /** The function after `defaults`, with `${…}` in place of what they stand for. Input of `specDigest`, and of records. */
  readonly asWritten: JsonObject;
}

/** One function of the merged tree, which has passed the schema and the rules. */
export function toSpecFunction(key: string, node: MapNode, file: string): SpecFunction {
  // The schema has passed; its generated type says what the tree now is.
  const spec = mapToJson(node) as unknown as FunctionSpec;
  const environment = toVariables(nodeAt(node, 'environment'));
  const codePath = toCodePath(node, spec, file);
  const one: SpecFunction = {
    key,
    name: spec.name ?? key,
    ...(spec.region === undefined ? {} : { region: spec.region }),
    settings: toSettings(spec),
    ...(environment === undefined ? {} : { environment }),
    ...(codePath === undefined ? {} : { codePath }),
    tags: spec.tags ?? {},
    ...(spec.versionDescription === undefined ? {} : { versionDescription: spec.versionDescription }),
    ignoreChanges: spec.ignoreChanges ?? [],
    aliases: Object.entries(spec.aliases ?? {}).map(([name, alias]) => toAlias(name, alias ?? {})),
    templates: templatesOf(node),
    asWritten: mapToJson(node, asWritten),
  };
  return complete(one, new Map());
}

function templatesOf(node: MapNode): readonly TemplateLeaf[] {
  const variables = [...(mapAt(node, 'environment')?.entries ?? [])].flatMap(([variable, { node: leaf }]) =>
    leaf.kind === 'scalar' && leaf.interpolated?.template ? [{ variable, template: leaf.interpolated.template }] : [],
  );
  const payloads = [...(mapAt(node, 'aliases')?.entries.keys() ?? [])].flatMap((alias) => {
    const found = nodeAt(node, 'aliases', alias, 'healthCheck');
    const checks = found?.kind === 'list' ? found.items : [found];
    return checks.flatMap((one, check) => {
      const payload = nodeAt(one, 'payload');
      return [...(payload ? scalarsOf(payload) : [])].flatMap(([{ interpolated }, path]) =>
        interpolated?.template ? [{ alias, check, path, template: interpolated.template }] : [],
      );
    });
  });
  return [...variables, ...payloads];
}

function asWritten(scalar: ScalarNode): Json {
  return scalar.interpolated?.written ?? scalar.value;
}

function toSettings(spec: FunctionSpec): Settings {
  return Object.fromEntries(
    FIELDS.flatMap(({ key }) => (key === 'environment' || spec[key] === undefined ? [] : [[key, spec[key]]])),
  );
}

function toVariables(node: Node | undefined): Variables | null | undefined {
  if (node === undefined) return undefined;
  if (node.kind !== 'map') return null;
  return Object.fromEntries(
    [...node.entries].flatMap(([name, { node: leaf }]) =>
      leaf.kind === 'scalar' && leaf.interpolated?.template === undefined ? [[name, new Secret(leaf.source)]] : [],
    ),
  );
}

function toCodePath(node: MapNode, spec: FunctionSpec, file: string): CodePath | undefined {
  if (spec.code === undefined) return undefined;
  const { runtime, handler } = spec;
  const mayBeElsewhere =
    (spec.layers ?? []).length > 0 ||
    spec.ignoreChanges?.includes('layers') === true ||
    // A wrapper script may start anything.
    spec.environment?.AWS_LAMBDA_EXEC_WRAPPER !== undefined;
  const isKnown = runtime !== undefined && handler !== undefined && !mayBeElsewhere;
  return {
    zip: spec.code.zip,
    location: { file, ...(nodeAt(node, 'code', 'zip') ?? node).position },
    ...(isKnown ? { entryPoint: { runtime, handler } } : {}),
  };
}

function toAlias(name: string, spec: NonNullable<AliasSpec>): DesiredAlias {
  const { description, version, healthCheck, autoRollback = true } = spec;
  return {
    name,
    ...(description === undefined ? {} : { description }),
    ...(version === undefined ? {} : { version: String(version) }),
    healthChecks: [healthCheck ?? []].flat().map(toHealthCheck),
    autoRollback: autoRollback && version !== LATEST,
  };
}

function toHealthCheck({ payload, expect, timeout }: HealthCheckSpec): HealthCheck {
  return {
    ...(payload === undefined ? {} : { payload: payload as Json }),
    ...(expect === undefined ? {} : { expect }),
    timeoutSeconds: parseDuration(timeout) ?? DEFAULT_CHECK_SECONDS,
  };
}
