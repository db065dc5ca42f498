import type { Location } from '../errors.js';
import { FIELDS } from '../model/fields.js';
import {
  LATEST,
  type DesiredAlias,
  type DesiredFunction,
  type Expectation,
  type HealthCheck,
  type Settings,
  type Variables,
} from '../model/function.js';
import type { Json, JsonObject } from '../model/json.js';
import { Secret } from '../model/secret.js';
import { checksOf, DEFAULT_CHECK_SECONDS, DEFAULT_PAUSE_SECONDS } from './check-rules.js';
import { parseDuration } from './duration.js';
import type { AliasSpec, FunctionSpec, HealthCheckSpec } from './generated/types.js';
import { mapAt, mapToJson, nodeAt, scalarsOf, toJson, type MapNode, type Node, type ScalarNode } from './node.js';
import { pinPayloadFiles, type PayloadFiles } from './payload-files.js';
import { complete, type TemplateLeaf } from './references.js';
import { toRollout } from './rollout.js';
import { withoutUnset } from './unset.js';

type Code = NonNullable<FunctionSpec['code']>;

/** A module that must be in the archive for the function to start at all. */
export interface EntryPoint {
  readonly runtime: string;
  readonly handler: string;
}

/** Where a function's code comes from, as the file says; nothing of it has been read. Paths are relative to the file's folder. */
export type CodeSource = CodeOrigin & {
  /** Where the source stands in the file. */
  readonly location: Location;
  /** Absent where the module may come from elsewhere (layers), where runtime or handler are not managed, and for images. */
  readonly entryPoint?: EntryPoint;
  /** Where an archive goes that is too large for a request. For `zip` and `dir`. */
  readonly uploadBucket?: string;
  /** Absent: AWS's own key. */
  readonly sourceKmsKeyArn?: string;
};

/** The four kinds of code. */
export type CodeOrigin =
  | {
      readonly kind: 'zip';
      readonly path: string;
      /** Packed again with fixed times. */ readonly reproducible: boolean;
    }
  | { readonly kind: 'dir'; readonly path: string }
  | { readonly kind: 's3'; readonly bucket: string; readonly key: string; readonly version?: string }
  | { readonly kind: 'image'; /** With tag or digest. */ readonly image: string };

/** A function as the file wants it, before its archive is read. */
export interface SpecFunction extends Omit<DesiredFunction, 'code' | 'specDigest'> {
  /** Absent: the code is not managed. */
  readonly codeSource?: CodeSource;
  /** Values with references in them; until they are resolved each is unknown. */
  readonly templates: readonly TemplateLeaf[];
  /** What is secret inside of its values, by itself: for the redactor. */
  readonly secretParts: readonly Secret[];
  /** The function after `defaults`, with `${…}` in place of what they stand for. Input of `specDigest`, and of records. */
  readonly asWritten: JsonObject;
}

/** One function of the merged tree, which has passed the schema and the rules. */
export function toSpecFunction(key: string, node: MapNode, file: string, payloads: PayloadFiles): SpecFunction {
  // The schema has passed; its generated type says what the tree now is.
  const known = withoutUnset(node);
  const spec = mapToJson(known.node) as unknown as FunctionSpec;
  const environment = toVariables(nodeAt(known.node, 'environment'));
  const codeSource = toCodeSource(known.node, spec, file);
  const one: SpecFunction = {
    key,
    name: spec.name ?? key,
    ...(spec.region === undefined ? {} : { region: spec.region }),
    settings: toSettings(spec),
    ...(environment === undefined ? {} : { environment }),
    ...(codeSource === undefined ? {} : { codeSource }),
    ...(spec.codeSigningConfigArn === undefined ? {} : { codeSigningConfigArn: spec.codeSigningConfigArn }),
    tags: spec.tags ?? {},
    ...(spec.versionDescription === undefined ? {} : { versionDescription: spec.versionDescription }),
    ignoreChanges: spec.ignoreChanges ?? [],
    aliases: Object.entries(spec.aliases ?? {}).map(([name, alias]) => toAlias(name, alias ?? {}, payloads)),
    ...unknownOf(known.paths),
    templates: templatesOf(known.node),
    secretParts: [...scalarsOf(node)].flatMap(([{ interpolated }]) => interpolated?.secrets ?? []),
    asWritten: toJson(pinPayloadFiles(node, payloads), asWritten) as JsonObject,
  };
  return complete(one, new Map());
}

/** What stood in variables that are not set. Code is one whole. */
function unknownOf(paths: readonly string[]): Pick<SpecFunction, 'unknownPaths'> {
  return paths.length === 0 ? {} : { unknownPaths: paths.map((path) => (path.startsWith('code.') ? 'code' : path)) };
}

function templatesOf(node: MapNode): readonly TemplateLeaf[] {
  const variables = [...(mapAt(node, 'environment')?.entries ?? [])].flatMap(([variable, { node: leaf }]) =>
    leaf.kind === 'scalar' && leaf.interpolated?.template ? [{ variable, template: leaf.interpolated.template }] : [],
  );
  const payloads = checksOf(node).flatMap(({ node: check, alias, index }) => {
    const payload = nodeAt(check, 'payload');
    return [...(payload ? scalarsOf(payload) : [])].flatMap(([{ interpolated }, path]) =>
      interpolated?.template ? [{ alias, check: index, path, template: interpolated.template }] : [],
    );
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

function toCodeSource(node: MapNode, spec: FunctionSpec, file: string): CodeSource | undefined {
  const { code, runtime, handler } = spec;
  const origin = code && toOrigin(code);
  if (code === undefined || origin === undefined) return undefined;
  const mayBeElsewhere =
    (spec.layers ?? []).length > 0 ||
    spec.ignoreChanges?.includes('layers') === true ||
    // A wrapper script may start anything.
    spec.environment?.AWS_LAMBDA_EXEC_WRAPPER !== undefined;
  const isKnown = origin.kind !== 'image' && runtime !== undefined && handler !== undefined && !mayBeElsewhere;
  return {
    ...origin,
    location: { file, ...(nodeAt(node, 'code', origin.kind) ?? node).position },
    ...(isKnown ? { entryPoint: { runtime, handler } } : {}),
    ...(code.bucket === undefined ? {} : { uploadBucket: code.bucket }),
    ...(code.sourceKmsKeyArn === undefined ? {} : { sourceKmsKeyArn: code.sourceKmsKeyArn }),
  };
}

function toOrigin({ zip, reproducible = false, dir, s3, image }: Code): CodeOrigin | undefined {
  if (zip !== undefined) return { kind: 'zip', path: zip, reproducible };
  if (dir !== undefined) return { kind: 'dir', path: dir };
  if (s3 !== undefined) return { kind: 's3', ...s3 };
  return image === undefined ? undefined : { kind: 'image', image };
}

function toAlias(name: string, spec: NonNullable<AliasSpec>, payloads: PayloadFiles): DesiredAlias {
  const { description, version, healthCheck, onCancel, autoRollback = true } = spec;
  const rollout = toRollout(spec.rollout, onCancel);
  return {
    name,
    ...(description === undefined ? {} : { description }),
    ...(version === undefined ? {} : { version: String(version) }),
    healthChecks: [healthCheck ?? []].flat().map((check) => toHealthCheck(check, payloads)),
    ...(rollout === undefined ? {} : { rollout }),
    autoRollback: autoRollback && version !== LATEST,
  };
}

function toHealthCheck(spec: HealthCheckSpec, payloads: PayloadFiles): HealthCheck {
  const { payload, payloadFile: path, expect, attempts = 1, interval, timeout } = spec;
  const file = path === undefined ? undefined : payloads.get(path);
  return {
    ...(payload === undefined ? {} : { payload: payload as Json }),
    ...(path === undefined || file === undefined
      ? {}
      : { payload: file.payload, payloadFile: { path, sha256: file.sha256 } }),
    ...(expect === undefined ? {} : { expect: toExpectation(expect) }),
    ...(attempts === 1 ? {} : { attempts, intervalSeconds: parseDuration(interval) ?? DEFAULT_PAUSE_SECONDS }),
    timeoutSeconds: parseDuration(timeout) ?? DEFAULT_CHECK_SECONDS,
  };
}

function toExpectation({ status, body, maxDuration }: NonNullable<HealthCheckSpec['expect']>): Expectation {
  const seconds = parseDuration(maxDuration);
  return {
    ...(status === undefined ? {} : { status }),
    ...(body === undefined ? {} : { body: body as Json }),
    ...(seconds === undefined ? {} : { maxDurationMs: Math.round(seconds * 1000) }),
  };
}
