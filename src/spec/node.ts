import type { Json, JsonObject } from '../model/json.js';
import type { Secret } from '../model/secret.js';
import type { Template } from './reference.js';

/** Where a node stands in the file's text; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Keys and indexes from the root. */
export type Path = readonly (string | number)[];

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly position: Position;
  readonly value: null | boolean | number | string;
  /** The characters of a plain scalar, the text of a quoted one: `1.10` where the value is 1.1. */
  readonly source: string;
  /** Present where `${…}` was replaced. */
  readonly interpolated?: Interpolated;
}

/** What is kept of a scalar whose `${…}` was replaced. */
export interface Interpolated {
  /** The text in the file. */
  readonly written: string;
  /** The text with everything resolved but secrets, which stay references; a literal `${` is escaped again. */
  readonly shown: string;
  /** True: the scalar was one expression and nothing else, so its text may stand for a number or a boolean. */
  readonly whole: boolean;
  /** True: something in it could not be resolved and has been reported; the value means nothing. */
  readonly failed: boolean;
  /** True: failed only because a variable is not set, which was let pass and not reported. */
  readonly isUnset?: true;
  /** What is secret in it by itself, for the redactor: a password inside an address may be met without the address. Absent: nothing. */
  readonly secrets?: readonly Secret[];
  /** Present where AWS must be asked for a part, or where a payload has a secret; the value is then `shown`. */
  readonly template?: Template;
}

export interface ListNode {
  readonly kind: 'list';
  readonly position: Position;
  readonly items: readonly Node[];
}

export interface Entry {
  readonly keyPosition: Position;
  readonly node: Node;
}

export interface MapNode {
  readonly kind: 'map';
  readonly position: Position;
  /** In file order. */
  readonly entries: ReadonlyMap<string, Entry>;
}

/** A YAML value that remembers where it stands. Aliases are resolved: a shared node stands where its anchor does. */
export type Node = ScalarNode | ListNode | MapNode;

/** The node at a path; `undefined` when there is none. */
export function nodeAt(root: Node | undefined, ...path: Path): Node | undefined {
  return path.reduce<Node | undefined>((node, step) => {
    if (node?.kind === 'map') return node.entries.get(String(step))?.node;
    return node?.kind === 'list' ? node.items[Number(step)] : undefined;
  }, root);
}

/** The map at a path; `undefined` when there is none or it is something else. */
export function mapAt(root: Node | undefined, ...path: Path): MapNode | undefined {
  const node = nodeAt(root, ...path);
  return node?.kind === 'map' ? node : undefined;
}

/** The resolved text at a path; `undefined` when there is none, it is something else, or it could not be resolved. */
export function textAt(root: Node | undefined, ...path: Path): string | undefined {
  const node = nodeAt(root, ...path);
  if (node?.kind !== 'scalar' || node.interpolated?.failed) return undefined;
  return typeof node.value === 'string' ? node.value : undefined;
}

/** The same tree with each scalar replaced; positions, keys and order stay. */
export function mapScalars(node: Node, replace: (scalar: ScalarNode, path: Path) => ScalarNode, path: Path = []): Node {
  if (node.kind === 'scalar') return replace(node, path);
  if (node.kind === 'list')
    return { ...node, items: node.items.map((item, index) => mapScalars(item, replace, [...path, index])) };
  return changeEach(node, (child, key) => mapScalars(child, replace, [...path, key]));
}

/** Each scalar below a node, with its path from there. */
export function* scalarsOf(node: Node, path: Path = []): Generator<readonly [ScalarNode, Path]> {
  if (node.kind === 'scalar') yield [node, path];
  else if (node.kind === 'list')
    for (const [index, item] of node.items.entries()) yield* scalarsOf(item, [...path, index]);
  else for (const [key, entry] of node.entries) yield* scalarsOf(entry.node, [...path, key]);
}

/** Maps merge, key by key and deeply; anything else in `over` replaces what `under` has, `null` too. */
export function mergeNodes(under: Node, over: Node): Node {
  if (under.kind !== 'map' || over.kind !== 'map') return over;
  const entries = new Map(under.entries);
  for (const [key, entry] of over.entries) {
    const below = entries.get(key);
    entries.set(key, below ? { ...entry, node: mergeNodes(below.node, entry.node) } : entry);
  }
  return { ...over, entries };
}

/** A copy of a map without some keys. */
export function without(map: MapNode, keys: ReadonlySet<string>): MapNode {
  return { ...map, entries: new Map([...map.entries].filter(([key]) => !keys.has(key))) };
}

/** A copy of a map with one entry added or replaced. */
export function withEntry(map: MapNode, key: string, node: Node): MapNode {
  const keyPosition = map.entries.get(key)?.keyPosition ?? node.position;
  return { ...map, entries: new Map([...map.entries, [key, { keyPosition, node }]]) };
}

/** A copy of a map with each value changed; keys and order stay. */
export function changeEach(map: MapNode, change: (node: Node, key: string) => Node): MapNode {
  const entries = [...map.entries].map(([key, entry]) => [key, { ...entry, node: change(entry.node, key) }] as const);
  return { ...map, entries: new Map(entries) };
}

/**
 * The plain value of a node. `scalar` decides what a scalar becomes; the default is its value.
 * Keys are own properties whatever they are called, `__proto__` too.
 */
export function toJson(node: Node, scalar: (node: ScalarNode) => Json = (leaf) => leaf.value): Json {
  if (node.kind === 'scalar') return scalar(node);
  if (node.kind === 'list') return node.items.map((item) => toJson(item, scalar));
  return mapToJson(node, scalar);
}

/** The plain value of a map, see {@link toJson}. */
export function mapToJson(node: MapNode, scalar?: (node: ScalarNode) => Json): JsonObject {
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, toJson(entry.node, scalar)]));
}

/** `functions.orders.layers[0]`; keys that are no plain words are quoted. */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    if (!/^[\w$-]+$/.test(step)) return `${text}[${JSON.stringify(step)}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}
