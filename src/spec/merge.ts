import { changeEach, mapAt, mergeNodes, nodeAt, withEntry, type Node } from './node.js';

/**
 * The tree with `defaults` merged under every function: maps merge deeply (aliases too), lists and scalars of the function
 * win, `null` as well. Before that an alias with nothing after its name becomes `{}`, so that naming one never discards what
 * `defaults` say about it, and variables become the text they are written with: for AWS each is text, and 1.10 is not 1.1.
 */
export function mergeDefaults(root: Node): Node {
  const functions = mapAt(root, 'functions');
  const found = nodeAt(root, 'defaults');
  const defaults = found === undefined ? undefined : normalize(found);
  if (root.kind !== 'map' || functions === undefined) return root;
  const merged = changeEach(functions, (node) => {
    const own = normalize(node);
    return defaults?.kind === 'map' && own.kind === 'map' ? mergeNodes(defaults, own) : own;
  });
  return withEntry(root, 'functions', merged);
}

function normalize(node: Node): Node {
  if (node.kind !== 'map') return node;
  const aliases = mapAt(node, 'aliases');
  const environment = mapAt(node, 'environment');
  const filled = aliases ? withEntry(node, 'aliases', changeEach(aliases, emptyMapForNothing)) : node;
  return environment ? withEntry(filled, 'environment', changeEach(environment, textOfScalar)) : filled;
}

function emptyMapForNothing(node: Node): Node {
  const isNothing = node.kind === 'scalar' && node.value === null;
  return isNothing ? { kind: 'map', position: node.position, entries: new Map() } : node;
}

function textOfScalar(node: Node): Node {
  return node.kind === 'scalar' && node.value !== null ? { ...node, value: node.source } : node;
}
