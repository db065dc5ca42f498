import equal from 'fast-deep-equal';
import { toJson, without, type MapNode, type Node } from '../node.js';
import { groupBy, identity, settingsNode, slug, toBundles, type Bundle } from './bundles.js';
import type { Intent } from './intents.js';
import type { Notes } from './notes.js';
import { leaf, mapOf } from './tree.js';

/** How a command names what it is about. */
export interface Target {
  readonly key: string;
  readonly environment?: string;
}

/** The tree of the new file, and what of it each mention of the plugin is about. */
export interface Combined {
  readonly root: MapNode;
  /** Names of the file's environments; empty: it has none. */
  readonly environments: readonly string[];
  readonly targets: ReadonlyMap<Intent, Target>;
}

/** Everything that the steps deploy, in one file; with environments where steps disagree. */
export function combine(intents: readonly Intent[], notes: Notes): Combined {
  const { bundles, goesWith } = toBundles(intents, notes);
  const keys = keysOf(bundles);
  const targets = new Map<Intent, Target>();
  for (const intent of intents) {
    const deployed = goesWith.get(intent) ?? intent;
    const name = bundles.find((bundle) => bundle.intents.includes(deployed))?.name;
    const environment = name === undefined ? {} : { environment: name };
    targets.set(intent, { key: keys.get(identity(deployed)) ?? '', ...environment });
  }
  const trees = bundles.map((bundle) => ({ name: bundle.name, tree: treeOf(bundle, keys) }));
  const environments = bundles.flatMap(({ name }) => name ?? []);
  const [only] = trees;
  const tree = environments.length === 0 ? (only?.tree ?? emptyTree()) : overlaid(trees);
  return { root: ordered(tree), environments, targets };
}

/** The file or an overlay, in parts. */
interface Tree {
  readonly region?: Node | undefined;
  readonly account?: Node | undefined;
  readonly functions: ReadonlyMap<string, Node>;
  readonly environments?: ReadonlyMap<string, MapNode>;
}

const emptyTree = (): Tree => ({ functions: new Map() });

/** A function's key is its name; with the region where one bundle has the name in several. */
function keysOf(bundles: readonly Bundle[]): ReadonlyMap<string, string> {
  const isSplit = (name: unknown): boolean =>
    bundles.some(({ intents }) => new Set(intents.filter((one) => one.name.value === name).map(identity)).size > 1);
  const keys = new Map<string, string>();
  const taken = new Map<string, string>();
  for (const intent of bundles.flatMap((bundle) => bundle.intents)) {
    const id = identity(intent);
    const { value } = intent.name;
    const wanted = isSplit(value)
      ? slug(`${String(value)}-${String(intent.region?.value ?? 'default')}`)
      : slug(String(value));
    // Functions that are one and the same share a key across environments, whatever their region.
    const owner = isSplit(value) ? id : String(value);
    let key = wanted;
    for (let number = 2; (taken.get(key) ?? owner) !== owner; number += 1)
      key = slug(`${wanted.slice(0, 60)}-${number}`);
    taken.set(key, owner);
    keys.set(id, key);
  }
  return keys;
}

function treeOf({ intents }: Bundle, keys: ReadonlyMap<string, string>): Tree {
  const functions = new Map<string, MapNode>();
  for (const group of groupBy(intents, identity).values()) {
    const [first] = group;
    if (first === undefined) continue;
    const key = keys.get(identity(first)) ?? '';
    const aliases = group.flatMap((intent) =>
      intent.aliases.map((name) => [name, intent.alias ?? mapOf(intent.position, [])] as const),
    );
    functions.set(
      key,
      mapOf(first.position, [
        ['name', first.name.value === key ? undefined : first.name],
        ['region', first.region],
        ...[...settingsNode(first).entries].map(([name, { node }]) => [name, node] as const),
        ['aliases', mapOf(first.position, aliases)],
      ]),
    );
  }
  const [account] = intents.flatMap((one) => (one.account === undefined ? [] : [leaf(one.account, one.position)]));
  return { account, ...withCommonRegion(functions) };
}

/** A region that all functions have is said once. */
function withCommonRegion(functions: ReadonlyMap<string, MapNode>): Tree {
  const [first, ...others] = [...functions.values()].map((one) => one.entries.get('region')?.node);
  if (first === undefined || others.some((other) => !isSame(first, other))) return { functions };
  return { region: first, functions: mapValues(functions, (one) => without(one, new Set(['region']))) };
}

/** What all environments have in common, and the rest of each under `environments`. */
function overlaid(trees: readonly { readonly name: string | undefined; readonly tree: Tree }[]): Tree {
  const all = trees.map(({ tree }) => tree);
  const common = (nodes: readonly (Node | undefined)[]): Node | undefined =>
    nodes.every((node) => isSame(nodes[0], node)) ? nodes[0] : undefined;
  const region = common(all.map((tree) => tree.region));
  const account = common(all.map((tree) => tree.account));
  const keys = [...new Set(all.flatMap((tree) => [...tree.functions.keys()]))];
  const shared = new Map(
    keys.flatMap((key) => {
      const bodies = all.flatMap((tree) => tree.functions.get(key) ?? []);
      const node = bodies.length < all.length ? undefined : sharedPart(bodies);
      return node === undefined ? [] : [[key, node] as const];
    }),
  );
  const environments = trees.map(({ name = '', tree }) => {
    const own = mapValues(tree.functions, (body, key) => minus(body, shared.get(key)));
    const position = [...tree.functions.values()][0]?.position ?? { line: 1, column: 1 };
    const overlay = mapOf(position, [
      ['region', region === undefined ? tree.region : undefined],
      ['account', account === undefined ? tree.account : undefined],
      ['functions', mapOf(position, own)],
    ]);
    return [name, overlay] as const;
  });
  return { region, account, functions: shared, environments: new Map(environments) };
}

/** What these maps agree on; of variables one by one, of everything else whole. Aliases belong to their environments. */
function sharedPart(nodes: readonly Node[]): MapNode | undefined {
  const [first, ...others] = nodes;
  if (first?.kind !== 'map') return undefined;
  const entries = [...first.entries].flatMap(([key, { node }]): readonly (readonly [string, Node])[] => {
    if (key === 'aliases') return [];
    const same = others.map((other) => (other.kind === 'map' ? other.entries.get(key)?.node : undefined));
    if (same.every((other) => isSame(node, other))) return [[key, node]];
    const all = [node, ...same.filter((other) => other !== undefined)];
    const part = key === 'environment' && all.length === nodes.length ? sharedPart(all) : undefined;
    return part === undefined ? [] : [[key, part]];
  });
  return entries.length === 0 ? undefined : mapOf(first.position, entries);
}

function minus(node: Node, shared: Node | undefined): Node {
  if (node.kind !== 'map' || shared?.kind !== 'map') return node;
  const entries = [...node.entries].flatMap(([key, { node: value }]): readonly (readonly [string, Node])[] => {
    const below = shared.entries.get(key)?.node;
    if (isSame(value, below)) return [];
    return [[key, key === 'environment' ? minus(value, below) : value]];
  });
  return mapOf(node.position, entries);
}

function isSame(left: Node | undefined, right: Node | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return equal(toJson(left), toJson(right));
}

function mapValues<From extends Node, To extends Node>(
  map: ReadonlyMap<string, From>,
  change: (node: From, key: string) => To,
): Map<string, To> {
  return new Map([...map].map(([key, node]) => [key, change(node, key)]));
}

/** The file in the order of its reference. */
function ordered({ region, account, functions, environments }: Tree): MapNode {
  const position = { line: 1, column: 1 };
  const isEmpty = functions.size === 0 && environments !== undefined;
  return mapOf(position, [
    ['version', leaf(1, position)],
    ['region', region],
    ['account', account],
    ['functions', isEmpty ? undefined : mapOf(position, functions)],
    ['environments', environments === undefined ? undefined : mapOf(position, environments)],
  ]);
}
