import type { Json } from '../../model/json.js';
import { isJsonObject } from '../../model/json.js';
import type { MapNode, Node, Position, ScalarNode } from '../node.js';

/** A value that stands where it came from, so that whoever finds it wrong points there. */
export function leaf(value: ScalarNode['value'], position: Position): ScalarNode {
  return { kind: 'scalar', position, value, source: String(value ?? '') };
}

/** A map whose keys stand where their values do; what is `undefined` is left out. */
export function mapOf(position: Position, entries: Iterable<readonly [string, Node | undefined]>): MapNode {
  const present = [...entries].flatMap(([key, node]) =>
    node === undefined ? [] : [[key, { keyPosition: node.position, node }] as const],
  );
  return { kind: 'map', position, entries: new Map(present) };
}

/** A list of values at one place. */
export function listOf(position: Position, items: readonly Node[]): Node {
  return { kind: 'list', position, items };
}

/** A JSON value, all of it at one place. */
export function nodeOf(value: Json, position: Position): Node {
  if (Array.isArray(value))
    return listOf(
      position,
      (value as readonly Json[]).map((item) => nodeOf(item, position)),
    );
  if (isJsonObject(value))
    return mapOf(
      position,
      Object.entries(value).map(([key, inner]) => [key, nodeOf(inner, position)] as const),
    );
  return leaf(value as ScalarNode['value'], position);
}

/** The text of a scalar as it is written, `1.10` and `true` too; `undefined` for anything else, and for nothing. */
export function writtenText(node: Node | undefined): string | undefined {
  if (node?.kind !== 'scalar' || node.value === null || node.value === '') return undefined;
  return typeof node.value === 'string' ? node.value : node.source;
}
