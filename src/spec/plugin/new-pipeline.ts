import equal from 'fast-deep-equal';
import {
  Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  type Pair,
  type ToStringOptions,
  type YAMLMap,
} from 'yaml';
import type { Json, JsonObject } from '../../model/json.js';
import { isJsonObject } from '../../model/json.js';
import { toJson, type Node, type Path } from '../node.js';
import { parseFile } from '../parse.js';
import { toYaml } from '../render-desired.js';
import type { StepEdit } from './edits.js';
import { isOurs } from './steps.js';

/** The new pipeline. */
export interface NewPipeline {
  readonly text: string;
  /** True: its anchors could not be kept, and its comments with them. */
  readonly isWrittenOut: boolean;
}

/**
 * The pipeline with its plugin steps replaced. Outside of these steps every character stays. What was written is read again and
 * compared with what it has to mean; where anchors stand in the way, the pipeline is written out without them.
 *
 * @param text parses, and `root` is its tree
 */
export function editPipeline(text: string, root: Node, edits: readonly StepEdit[]): NewPipeline {
  const wanted = withEdits(toJson(root), edits);
  const edited = spliced(text, wanted, edits);
  if (edited !== undefined && means(edited, wanted)) return { text: edited, isWrittenOut: false };
  const isJson = /^\s*[[{]/.test(text);
  const written = isJson ? `${JSON.stringify(wanted, null, 2)}\n` : toYaml(wanted);
  return { text: written, isWrittenOut: true };
}

function means(text: string, wanted: Json): boolean {
  const parsed = parseFile(new TextEncoder().encode(text));
  return 'root' in parsed && equal(steps(toJson(parsed.root)), steps(wanted));
}

/** What Buildkite reads; other keys at the top only hold anchors. */
function steps(pipeline: Json): Json {
  if (!isJsonObject(pipeline)) return pipeline;
  const { steps: list = null, env = null, agents = null, notify = null } = pipeline;
  return { steps: withoutEmpty(list), env, agents, notify };
}

/** No plugins, written as an empty list. */
function withoutEmpty(value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map(withoutEmpty);
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).filter(([key, inner]) => !(key === 'plugins' && equal(inner, [])));
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutEmpty(inner)]));
}

function valueAt(value: Json, path: Path): Json | undefined {
  return path.reduce<Json | undefined>((inner, step) => {
    if (Array.isArray(inner)) return (inner as readonly Json[])[Number(step)];
    return isJsonObject(inner) && Object.hasOwn(inner, step) ? inner[String(step)] : undefined;
  }, value);
}

/** The meaning of the new pipeline. */
function withEdits(pipeline: Json, edits: readonly StepEdit[]): Json {
  return edits.reduce((result, edit) => changeAt(result, edit.path, (step) => editedStep(step, edit)), pipeline);
}

function changeAt(value: Json, [first, ...rest]: Path, change: (step: JsonObject) => Json): Json {
  if (first === undefined) return isJsonObject(value) ? change(value) : value;
  if (Array.isArray(value))
    return (value as readonly Json[]).map((item, index) => (index === first ? changeAt(item, rest, change) : item));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, key === first ? changeAt(inner, rest, change) : inner]),
  );
}

function editedStep({ plugins, ...step }: JsonObject, { commands, env, concurrencyGroup }: StepEdit): JsonObject {
  const left = otherPlugins(plugins ?? []);
  const name = commandKey(step);
  const own = step[name] ?? [];
  const before = Array.isArray(own) ? (own as readonly Json[]) : own === '' ? [] : [own];
  const all = [...before, ...commands];
  return {
    ...step,
    ...(left === undefined ? {} : { plugins: left }),
    [name]: all.length === 1 && all[0] !== undefined ? all[0] : all,
    ...(env.length === 0
      ? {}
      : { env: { ...(isJsonObject(step['env']) ? step['env'] : {}), ...Object.fromEntries(env) } }),
    ...(concurrencyGroup === undefined ? {} : { concurrency: 1, concurrency_group: concurrencyGroup }),
  };
}

function commandKey(step: JsonObject): 'commands' | 'command' {
  return Object.hasOwn(step, 'commands') ? 'commands' : 'command';
}

/** `undefined`: there are none. */
function otherPlugins(plugins: Json): Json | undefined {
  if (isJsonObject(plugins)) {
    const left = Object.entries(plugins).filter(([name]) => !isOurs(name));
    return left.length === 0 ? undefined : Object.fromEntries(left);
  }
  const items = Array.isArray(plugins) ? (plugins as readonly Json[]) : [];
  const left = items.flatMap((item): readonly Json[] => {
    if (typeof item === 'string') return isOurs(item) ? [] : [item];
    const others = otherPlugins(item);
    return others === undefined ? [] : [others];
  });
  return left.length === 0 ? undefined : left;
}

/** The text with each plugin step written anew where it stands; `undefined` where a step is not a map of its own. */
function spliced(text: string, wanted: Json, edits: readonly StepEdit[]): string | undefined {
  const document = parseDocument(text, { schema: 'core', logLevel: 'error' });
  const pieces = new Map<YAMLMap, readonly [number, number, string]>();
  const options = styleOf(text);
  for (const edit of edits) {
    const map = mapAt(document, edit.path);
    const [start, end] = map?.range ?? [];
    if (map === undefined || start === undefined || end === undefined) return undefined;
    if (pieces.has(map)) continue;
    editMap(document, map, edit);
    sayInherited(document, map, valueAt(wanted, edit.path));
    const column = start - (text.lastIndexOf('\n', start - 1) + 1);
    pieces.set(map, [start, end, rendered(map, { column, options, hasBreak: text[end - 1] === '\n' })]);
  }
  return [...pieces.values()]
    .sort(([left], [right]) => right - left)
    .reduce((result, [start, end, piece]) => result.slice(0, start) + piece + result.slice(end), text);
}

function mapAt(document: Document, path: Path): YAMLMap | undefined {
  const found = path.reduce<unknown>((node, step) => {
    const resolved = isAlias(node) ? node.resolve(document) : node;
    if (isSeq(resolved)) return resolved.items[Number(step)];
    return isMap(resolved) ? pairOf(resolved, String(step))?.value : undefined;
  }, document.contents);
  const resolved = isAlias(found) ? found.resolve(document) : found;
  return isMap(resolved) ? resolved : undefined;
}

function pairOf(map: YAMLMap, key: string): Pair | undefined {
  return map.items.find((pair) => isScalar(pair.key) && pair.key.value === key);
}

/** The same change as {@link editedStep}, on the nodes, which know their comments and how they are written. */
function editMap(document: Document, map: YAMLMap, { commands, env, concurrencyGroup }: StepEdit): void {
  const plugins = pairOf(map, 'plugins');
  const at = plugins === undefined ? map.items.length : map.items.indexOf(plugins);
  if (plugins !== undefined) {
    plugins.value = isAlias(plugins.value) ? plugins.value.resolve(document) : plugins.value;
    removePlugins(document, plugins);
  }
  const isEmpty =
    plugins === undefined || !(isSeq(plugins.value) || isMap(plugins.value)) || plugins.value.items.length === 0;
  if (isEmpty && plugins !== undefined) map.items.splice(at, 1);
  const added: (readonly [string, Json])[] = [];
  const own = pairOf(map, 'commands') ?? pairOf(map, 'command');
  if (own === undefined) added.push(['command', commands.length === 1 ? (commands[0] ?? '') : commands]);
  else if (isSeq(own.value))
    commands.forEach((command) => (own.value as { add(value: unknown): void }).add(document.createNode(command)));
  else {
    const before = isScalar(own.value) && own.value.value !== null && own.value.value !== '' ? [own.value] : [];
    own.value = document.createNode(before.length + commands.length === 1 ? commands[0] : [...before, ...commands]);
  }
  const variables = pairOf(map, 'env');
  if (env.length > 0 && isMap(variables?.value))
    for (const [name, value] of env) variables.value.set(name, document.createNode(value));
  else if (env.length > 0) added.push(['env', Object.fromEntries(env)]);
  if (concurrencyGroup !== undefined) added.push(['concurrency', 1], ['concurrency_group', concurrencyGroup]);
  map.items.splice(isEmpty ? at : map.items.length, 0, ...added.map(([key, value]) => document.createPair(key, value)));
}

/** What a step has from a merge key and may not have any more, or needs in full, it says itself; the anchor stays as it is. */
function sayInherited(document: Document, map: YAMLMap, wanted: Json | undefined): void {
  if (pairOf(map, '<<') === undefined || !isJsonObject(wanted)) return;
  const hasOwn = (key: string): boolean => pairOf(map, key) !== undefined;
  if (!hasOwn('plugins')) map.items.push(document.createPair('plugins', wanted['plugins'] ?? []));
  for (const key of ['env', 'command', 'commands'])
    if (Object.hasOwn(wanted, key)) map.set(document.createNode(key), document.createNode(wanted[key]));
  const commands = Object.hasOwn(wanted, 'commands') ? 'command' : undefined;
  if (commands !== undefined && !Object.hasOwn(wanted, commands)) map.delete(commands);
}

function removePlugins(document: Document, { value }: Pair): void {
  if (isMap(value)) value.items = value.items.filter(({ key }) => !(isScalar(key) && isOurs(String(key.value))));
  if (!isSeq(value)) return;
  value.items = value.items.filter((item) => {
    const resolved = isAlias(item) ? item.resolve(document) : item;
    if (isScalar(resolved)) return !isOurs(String(resolved.value));
    if (!isMap(resolved)) return true;
    resolved.items = resolved.items.filter(({ key }) => !(isScalar(key) && isOurs(String(key.value))));
    return resolved.items.length > 0;
  });
}

interface Place {
  readonly column: number;
  readonly options: ToStringOptions;
  readonly hasBreak: boolean;
}

/** A step as text, at its place; what stands behind it is not part of it. */
function rendered(map: YAMLMap, { column, options, hasBreak }: Place): string {
  const [behind, before, anchor] = [map.comment, map.commentBefore, map.anchor];
  Object.assign(map, { comment: null, commentBefore: null });
  delete map.anchor;
  const alone = new Document(undefined, { schema: 'core' });
  alone.contents = map as unknown as typeof alone.contents;
  const lines = alone.toString(options).trimEnd().split('\n');
  Object.assign(map, { comment: behind, commentBefore: before, ...(anchor === undefined ? {} : { anchor }) });
  const indented = lines.map((line, index) => (index === 0 || line === '' ? line : ' '.repeat(column) + line));
  return `${indented.join('\n')}${hasBreak ? '\n' : ''}`;
}

/** As the pipeline is written: lists indented or not, JSON in quotes. */
function styleOf(text: string): ToStringOptions {
  const isJson = /^\s*[[{]/.test(text);
  return {
    lineWidth: 0,
    indentSeq: !/^steps:[^\n]*\n(?:\s*(?:#[^\n]*)?\n)*- /m.test(text),
    flowCollectionPadding: isJson || /\{ /.test(text),
    verifyAliasOrder: false,
    ...(isJson ? { singleQuote: false, defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'QUOTE_DOUBLE' } : {}),
  };
}
