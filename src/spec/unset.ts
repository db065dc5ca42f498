import { without, type MapNode, type Node } from './node.js';

/** A tree without what stands in variables that are not set, and where that was. */
export interface Known<N extends Node> {
  readonly node: N;
  /** `role`, `vpcConfig.subnetIds`, `environment.BUILD`: keys joined by dots; a list is left out whole. */
  readonly paths: readonly string[];
}

/** Takes out of a map each value that {@link Scope.keepUnset} let pass: what it would be is not known. */
export function withoutUnset(map: MapNode, above = ''): Known<MapNode> {
  const paths: string[] = [];
  const entries = new Map(map.entries);
  for (const [key, entry] of map.entries) {
    const path = above === '' ? key : `${above}.${key}`;
    if (entry.node.kind === 'map') {
      const inner = withoutUnset(entry.node, path);
      entries.set(key, { ...entry, node: inner.node });
      paths.push(...inner.paths);
    } else if (isUnset(entry.node)) paths.push(path);
  }
  const gone = new Set(paths.map((path) => path.slice(above === '' ? 0 : above.length + 1)));
  return { node: without({ ...map, entries }, gone), paths };
}

function isUnset(node: Node): boolean {
  if (node.kind === 'scalar') return node.interpolated?.isUnset === true;
  return (node.kind === 'list' ? node.items : [...node.entries.values()].map((entry) => entry.node)).some(isUnset);
}
