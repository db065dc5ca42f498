import { changeEach, mapAt, mergeNodes, nodeAt, withEntry, without, type MapNode, type Node } from './node.js';

/** The keys of `code` that say where it comes from, and what belongs to them. */
const CODE_SOURCES = ['zip', 'dir', 's3', 'image'];
const BELONGS_TO: Readonly<Record<string, string>> = { reproducible: 'zip' };

/** A container image brings its own; Lambda refuses them beside one. */
const NOT_FOR_IMAGES: ReadonlySet<string> = new Set(['runtime', 'handler', 'layers']);

/** The parts of a function that `manage` names, each with its keys; every other setting is configuration. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  code: ['code', 'architectures'],
  aliases: ['aliases'],
  tags: ['tags'],
};
/** Not settings, but what the file says about the function. */
const ALWAYS: ReadonlySet<string> = new Set(['name', 'region', 'manage', 'ignoreChanges', 'versionDescription']);

/** Whether a function's `manage` leaves a key to others; without `manage` none is. */
export function isLeftToOthers(own: Node, key: string): boolean {
  const manage = nodeAt(own, 'manage');
  if (manage?.kind !== 'list' || ALWAYS.has(key)) return false;
  const part = Object.keys(PARTS).find((name) => PARTS[name]?.includes(key)) ?? 'configuration';
  return !manage.items.some((item) => item.kind === 'scalar' && item.value === part);
}

/**
 * The tree with `defaults` merged under every function. Before that, variables become the text they are written with: for
 * AWS each is text, and 1.10 is not 1.1. Of `defaults`, `runtime`, `handler` and `layers` do not apply to a container image,
 * and nothing applies to a part that `manage` does not name.
 */
export function mergeDefaults(root: Node): Node {
  const functions = mapAt(root, 'functions');
  const found = nodeAt(root, 'defaults');
  const defaults = found === undefined ? undefined : textVariables(found);
  if (root.kind !== 'map' || functions === undefined) return root;
  const merged = changeEach(functions, (node) => {
    const own = textVariables(node);
    if (defaults?.kind !== 'map' || own.kind !== 'map') return mergeFunction(undefined, own);
    const whole = mergeFunction(defaults, own);
    const isImage = nodeAt(whole, 'code', 'image') !== undefined && !isLeftToOthers(whole, 'code');
    const unwanted = [...defaults.entries.keys()].filter(
      (key) => isLeftToOthers(whole, key) || (isImage && NOT_FOR_IMAGES.has(key)),
    );
    return unwanted.length === 0 ? whole : mergeFunction(without(defaults, new Set(unwanted)), own);
  });
  return withEntry(root, 'functions', merged);
}

/**
 * One function over another: maps merge deeply (aliases too), lists and scalars of `over` win, `null` as well. An alias with
 * nothing after its name is `{}`, so that naming one never discards what is said about it below. A source of code replaces
 * the other sources, since a function has exactly one.
 */
export function mergeFunction(under: Node | undefined, over: Node): Node {
  const own = fillAliases(over);
  if (under?.kind !== 'map' || own.kind !== 'map') return own;
  return mergeNodes(dropOtherSources(fillAliases(under), own), own);
}

function dropOtherSources(under: Node, over: MapNode): Node {
  const chosen = CODE_SOURCES.find((source) => nodeAt(over, 'code', source) !== undefined);
  const code = mapAt(under, 'code');
  if (under.kind !== 'map' || code === undefined || chosen === undefined) return under;
  const others = [...CODE_SOURCES, ...Object.keys(BELONGS_TO)].filter((key) => (BELONGS_TO[key] ?? key) !== chosen);
  return withEntry(under, 'code', without(code, new Set(others)));
}

function fillAliases(node: Node): Node {
  const aliases = mapAt(node, 'aliases');
  return node.kind === 'map' && aliases ? withEntry(node, 'aliases', changeEach(aliases, emptyMapForNothing)) : node;
}

function emptyMapForNothing(node: Node): Node {
  const isNothing = node.kind === 'scalar' && node.value === null;
  return isNothing ? { kind: 'map', position: node.position, entries: new Map() } : node;
}

function textVariables(node: Node): Node {
  const environment = mapAt(node, 'environment');
  return node.kind === 'map' && environment
    ? withEntry(node, 'environment', changeEach(environment, textOfScalar))
    : node;
}

function textOfScalar(node: Node): Node {
  return node.kind === 'scalar' && node.value !== null ? { ...node, value: node.source } : node;
}
