import { mapAt, nodeAt, type MapNode, type Node, type Path, type Position } from '../node.js';
import { writtenText } from './tree.js';

/** One mention of the plugin in a step. */
export interface PluginUse {
  /** As it is written: `aws-lambda-deploy#v1.0.0`. */
  readonly reference: string;
  readonly position: Position;
  /** Absent: the plugin has no options. */
  readonly options?: MapNode;
}

/** A command step with the plugin on it. */
export interface PluginStep {
  /** From the top of the pipeline. */
  readonly path: Path;
  readonly node: MapNode;
  readonly key?: string;
  /** In the order in which the agent runs them. */
  readonly uses: readonly PluginUse[];
  /** The other plugins of the step. */
  readonly beside: readonly string[];
  /** Whether a person unblocks the build before it. */
  readonly isAttended: boolean;
}

/** What a pipeline has to do with plugins. */
export interface Found {
  readonly steps: readonly PluginStep[];
  /** Every plugin of the pipeline, each once. */
  readonly plugins: readonly string[];
}

interface Flat {
  readonly path: Path;
  readonly node: MapNode;
  readonly key?: string;
  readonly kind: 'block' | 'input' | 'other';
  /** Keys; `undefined`: it waits for what stands before it. */
  readonly dependsOn?: readonly string[];
  /** Whether a block stands before it. */
  readonly isBehindBlock: boolean;
}

/** How deep groups are looked into; Buildkite itself takes one level. */
const MAX_DEPTH = 3;

/** The steps with the aws-lambda-deploy plugin, in groups too. The pipeline is a map with `steps`, or the list alone. */
export function findPluginSteps(root: Node): Found {
  const [from, list] = root.kind === 'list' ? [[], root] : [['steps'], nodeAt(root, 'steps')];
  const flat = list?.kind === 'list' ? flatten(list.items, from, { depth: 0, isBehindBlock: false }) : [];
  const byKey = new Map(flat.flatMap((step) => (step.key === undefined ? [] : [[step.key, step] as const])));
  const plugins = flat.map((step) => pluginsOf(step.node));
  return {
    plugins: [...new Set(plugins.flat().map(({ reference }) => reference))],
    steps: flat.flatMap((step, index) => {
      const all = plugins[index] ?? [];
      const uses = all.filter(({ reference }) => isOurs(reference));
      if (uses.length === 0) return [];
      const beside = all.filter((use) => !uses.includes(use)).map(({ reference }) => reference);
      const isAttended = waitsForPerson(step, byKey, new Set());
      const { path, node, key } = step;
      return [{ path, node, ...(key === undefined ? {} : { key }), uses, beside, isAttended }];
    }),
  };
}

/**
 * Whether a reference names the plugin, however it is reached: by its short name, its organisation, an address, or a folder.
 * @see https://buildkite.com/docs/pipelines/integrations/plugins/using
 */
export function isOurs(reference: string): boolean {
  const [source = ''] = reference.split('#', 1);
  const name = source.replace(/\/+$/, '').split(/[/:]/).at(-1) ?? '';
  return name.replace(/\.git$/, '').replace(/-buildkite-plugin$/, '') === 'aws-lambda-deploy';
}

/** The plugins of a step: a list of names and of maps, or one map. */
export function pluginsOf(step: MapNode): readonly PluginUse[] {
  const plugins = nodeAt(step, 'plugins');
  if (plugins?.kind === 'list') return plugins.items.flatMap(usesOf);
  return plugins === undefined ? [] : usesOf(plugins);
}

function usesOf(node: Node): readonly PluginUse[] {
  const { position } = node;
  if (node.kind === 'scalar') {
    const reference = writtenText(node);
    return reference === undefined ? [] : [{ reference, position }];
  }
  if (node.kind === 'list') return [];
  return [...node.entries].map(([reference, { keyPosition, node: options }]) => ({
    reference,
    position: keyPosition,
    ...(options.kind === 'map' ? { options } : {}),
  }));
}

interface Around {
  readonly depth: number;
  readonly isBehindBlock: boolean;
  readonly dependsOn?: readonly string[];
}

function flatten(items: readonly Node[], from: Path, around: Around): Flat[] {
  const steps: Flat[] = [];
  let { isBehindBlock } = around;
  items.forEach((item, index) => {
    const path = [...from, index];
    const step = toFlat(item, path, { ...around, isBehindBlock });
    if (step === undefined) return;
    const inner = nodeAt(step.node, 'steps');
    const isGroup = inner?.kind === 'list' && around.depth < MAX_DEPTH;
    const within = { depth: around.depth + 1, isBehindBlock, ...dependencies(step) };
    const children = isGroup ? flatten(inner.items, [...step.path, 'steps'], within) : [];
    steps.push(step, ...children);
    isBehindBlock ||= [step, ...children].some(({ kind }) => kind === 'block');
  });
  return steps;
}

function toFlat(item: Node, path: Path, around: Around): Flat | undefined {
  const common = { ...dependencies(around), isBehindBlock: around.isBehindBlock };
  if (item.kind === 'scalar') {
    const kind = item.value === 'block' || item.value === 'manual' ? 'block' : 'other';
    return { path, node: { kind: 'map', position: item.position, entries: new Map() }, kind, ...common };
  }
  if (item.kind !== 'map') return undefined;
  // `- command: { label: …, plugins: … }` is a step inside of its kind.
  const wrapper = ['command', 'commands', 'script'].find((key) => mapAt(item, key) !== undefined);
  const node = (wrapper === undefined ? undefined : mapAt(item, wrapper)) ?? item;
  const key = ['key', 'identifier', 'id'].map((name) => writtenText(nodeAt(node, name))).find((one) => one);
  const kind = item.entries.has('block') || item.entries.has('manual') ? 'block' : 'other';
  return {
    path: wrapper === undefined ? path : [...path, wrapper],
    node,
    ...(key === undefined ? {} : { key }),
    kind: item.entries.has('input') ? 'input' : kind,
    ...common,
    ...(node.entries.has('depends_on') ? { dependsOn: dependsOn(nodeAt(node, 'depends_on')) } : {}),
  };
}

function dependencies({ dependsOn }: Pick<Around, 'dependsOn'>): Pick<Around, 'dependsOn'> {
  return dependsOn === undefined ? {} : { dependsOn };
}

function dependsOn(node: Node | undefined): readonly string[] {
  const items = node?.kind === 'list' ? node.items : node === undefined ? [] : [node];
  return items.flatMap((item) => writtenText(item.kind === 'map' ? nodeAt(item, 'step') : item) ?? []);
}

/** An explicit `depends_on` replaces the implicit wait for the block before. @see https://buildkite.com/docs/pipelines/configure/dependencies */
function waitsForPerson(step: Flat, byKey: ReadonlyMap<string, Flat>, seen: Set<Flat>): boolean {
  if (seen.has(step)) return false;
  seen.add(step);
  if (step.dependsOn === undefined) return step.isBehindBlock;
  return step.dependsOn.some((key) => {
    const other = byKey.get(key);
    if (other === undefined) return false;
    return other.kind !== 'other' || waitsForPerson(other, byKey, seen);
  });
}
