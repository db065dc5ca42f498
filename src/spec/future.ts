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

/** Keys that the file format will have, and what to do until then. */
type Future = Readonly<Record<string, string>>;

const TOP: Future = {
  environments: 'keep one file per environment, or use ${NAME}.',
  manage: 'remove it.',
  requireAncestry: 'remove it.',
  buildkite: 'remove it.',
};
const FUNCTION: Future = {
  manage: 'remove it.',
  reservedConcurrentExecutions: 'remove it: what AWS has is left alone.',
};
const CODE: Future = {
  dir: 'build a zip archive and name it in `code.zip`.',
  s3: 'download the archive and name it in `code.zip`.',
  image: 'remove it: container images are not deployed yet.',
};
const ALIAS: Future = {
  rollout: 'remove it: all traffic moves at once, after the health check.',
  onCancel: 'remove it.',
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
 * Finds what the format will have and this version does not do. Each is a finding with its position, and is taken out
 * of the tree so that nothing else complains about it; it is never passed through in silence.
 */
export function refuseFuture(root: Node): { readonly root: Node; readonly findings: readonly Finding[] } {
  if (root.kind !== 'map') return { root, findings: [] };
  const findings: Finding[] = [];
  const strip = (map: MapNode, path: Path, future: Future): MapNode => {
    for (const [key, entry] of map.entries) {
      const fix = Object.hasOwn(future, key) ? future[key] : undefined;
      if (fix !== undefined) findings.push(notYet(entry.keyPosition, [...path, key], `\`${key}\` is`, fix));
    }
    return without(map, new Set(Object.keys(future)));
  };
  const stripFunction = (node: Node, path: Path): Node => {
    if (node.kind !== 'map') return node;
    let stripped = strip(node, path, FUNCTION);
    const code = mapAt(stripped, 'code');
    if (code) {
      const known = strip(code, [...path, 'code'], CODE);
      if (known.entries.size < code.entries.size)
        stripped = withEntry(stripped, 'code', withEntry(known, 'zip', UNJUDGED));
    }
    const aliases = mapAt(stripped, 'aliases');
    if (aliases === undefined) return stripped;
    const known = changeEach(aliases, (alias, name) =>
      alias.kind === 'map' ? strip(alias, [...path, 'aliases', name], ALIAS) : alias,
    );
    return withEntry(stripped, 'aliases', known);
  };
  let stripped = strip(root, [], TOP);
  const defaults = nodeAt(stripped, 'defaults');
  if (defaults) stripped = withEntry(stripped, 'defaults', stripFunction(defaults, ['defaults']));
  const functions = mapAt(stripped, 'functions');
  const known = functions && changeEach(functions, (node, key) => stripFunction(node, ['functions', key]));
  if (known) stripped = withEntry(stripped, 'functions', known);
  return { root: stripStore(stripped, findings), findings };
}

/** `metadata` names two stores that do not exist yet. */
function stripStore(root: MapNode, findings: Finding[]): MapNode {
  const node = nodeAt(root, 'metadata');
  if (node?.kind !== 'scalar' || typeof node.value !== 'string') return root;
  if (node.value !== 'buildkite' && !node.value.startsWith('s3://')) return root;
  const what = node.value === 'buildkite' ? '`metadata: buildkite` is' : '`metadata: s3://…` is';
  findings.push(notYet(node.position, ['metadata'], what, 'use `tags`, or `file:DIR`.'));
  return without(root, new Set(['metadata']));
}

function notYet(position: Finding['position'], path: Path, what: string, fix: string): Finding {
  return { code: 'NOT_YET_SUPPORTED', position, path, message: `${what} not supported yet.`, fix };
}
