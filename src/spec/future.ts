import type { Finding } from './findings.js';
import {
  changeEach,
  mapAt,
  nodeAt,
  withEntry,
  without,
  type MapNode,
  type Node,
  type Path,
  type ScalarNode,
} from './node.js';

/**
 * What the format has and only some commands can carry out yet. Each name is the key itself; `references`: `${ssm:…}` and
 * `${secretsmanager:…}` under `environment`; `payloadReferences`: those and `${secret:…}` in health-check payloads.
 */
export type Feature =
  | 'dir'
  | 's3'
  | 'image'
  | 'reproducible'
  | 'bucket'
  | 'sourceKmsKeyArn'
  | 'codeSigningConfigArn'
  | 'manage'
  | 'region'
  | 'references'
  | 'payloadReferences';

/** Sources of code that the commands carry out beside `zip`; `loadSpec` refuses the others. */
export const SUPPORTED_CODE_KINDS: readonly Extract<Feature, 'dir' | 's3' | 'image'>[] = ['dir', 's3', 'image'];

/** Everything that the commands carry out: what `loadSpec` takes unless it is told otherwise. */
export const SUPPORTED_FEATURES: readonly Feature[] = [
  ...SUPPORTED_CODE_KINDS,
  'reproducible',
  'codeSigningConfigArn',
  'bucket',
  'sourceKmsKeyArn',
  'manage',
  'region',
  'references',
  'payloadReferences',
];

/** Keys that the file format will have, and what to do until then. */
type Future = Readonly<Record<string, string>>;

const TOP: Future = {
  buildkite: 'remove it.',
};
const FUNCTION: Future = {
  region: 'remove it: `region` of the file is used.',
  manage: 'remove it.',
  codeSigningConfigArn: 'remove it: what AWS has is left alone.',
  reservedConcurrentExecutions: 'remove it: what AWS has is left alone.',
};
const CODE: Future = {
  dir: 'build a zip archive and name it in `code.zip`.',
  s3: 'download the archive and name it in `code.zip`.',
  image: 'remove it: container images are not deployed yet.',
  reproducible: 'remove it.',
  bucket: 'remove it.',
  sourceKmsKeyArn: 'remove it.',
};
const SOURCES: ReadonlySet<string> = new Set(['dir', 's3', 'image']);
const ALIAS: Future = {
  provisionedConcurrency: 'remove it: what AWS has is left alone.',
  url: 'remove it: what AWS has is left alone.',
  permissions: 'remove it: what AWS has is left alone.',
  eventInvokeConfig: 'remove it: what AWS has is left alone.',
  eventSources: 'remove it: what AWS has is left alone.',
};

/** Stands for the archive of a source that is not supported: `code` is neither incomplete nor missing. */
const UNJUDGED: ScalarNode = {
  kind: 'scalar',
  position: { line: 1, column: 1 },
  value: '',
  source: '',
  interpolated: { written: '', shown: '', whole: false, failed: true },
};

/**
 * Finds what the format will have and this version does not do, in every environment. Each is a finding with its position,
 * and is taken out of the tree so that nothing else complains about it; it is never passed through in silence.
 */
export function refuseFuture(
  root: Node,
  allowed: readonly Feature[] = SUPPORTED_FEATURES,
): { readonly root: Node; readonly findings: readonly Finding[] } {
  if (root.kind !== 'map') return { root, findings: [] };
  const found: Found = { allowed: new Set(allowed), findings: [] };
  const stripped = stripPart(root, [], found);
  const environments = mapAt(stripped, 'environments');
  const known =
    environments &&
    changeEach(environments, (node, name) =>
      node.kind === 'map' ? stripPart(node, ['environments', name], found) : node,
    );
  return { root: known ? withEntry(stripped, 'environments', known) : stripped, findings: found.findings };
}

interface Found {
  readonly allowed: ReadonlySet<string>;
  readonly findings: Finding[];
}

/** The file or an overlay of it. */
function stripPart(part: MapNode, path: Path, found: Found): MapNode {
  let stripped = strip(part, path, TOP, found);
  const defaults = nodeAt(stripped, 'defaults');
  if (defaults) stripped = withEntry(stripped, 'defaults', stripFunction(defaults, [...path, 'defaults'], found));
  const functions = mapAt(stripped, 'functions');
  if (functions === undefined) return stripped;
  const known = changeEach(functions, (node, key) => stripFunction(node, [...path, 'functions', key], found));
  return withEntry(stripped, 'functions', known);
}

function stripFunction(node: Node, path: Path, found: Found): Node {
  if (node.kind !== 'map') return node;
  let stripped = strip(node, path, FUNCTION, found);
  const code = mapAt(stripped, 'code');
  if (code) {
    const known = strip(code, [...path, 'code'], CODE, found);
    const isUnknown = [...code.entries.keys()].some((key) => SOURCES.has(key) && !known.entries.has(key));
    if (isUnknown) stripped = withEntry(stripped, 'code', withEntry(known, 'zip', UNJUDGED));
    else stripped = withEntry(stripped, 'code', known);
  }
  const aliases = mapAt(stripped, 'aliases');
  if (aliases === undefined) return stripped;
  const known = changeEach(aliases, (alias, name) =>
    alias.kind === 'map' ? strip(alias, [...path, 'aliases', name], ALIAS, found) : alias,
  );
  return withEntry(stripped, 'aliases', known);
}

function strip(map: MapNode, path: Path, future: Future, found: Found): MapNode {
  for (const [key, entry] of map.entries) {
    const fix = Object.hasOwn(future, key) && !found.allowed.has(key) ? future[key] : undefined;
    if (fix !== undefined) found.findings.push(notYet(entry.keyPosition, [...path, key], `\`${key}\` is`, fix));
  }
  return without(map, new Set(Object.keys(future).filter((key) => !found.allowed.has(key))));
}

function notYet(position: Finding['position'], path: Path, what: string, fix: string): Finding {
  return { code: 'NOT_YET_SUPPORTED', position, path, message: `${what} not supported yet.`, fix };
}
