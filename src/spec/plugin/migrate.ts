import type { MigratedFunction, MigrationNote } from '../../model/migration.js';
import type { Finding } from '../findings.js';
import { checkAuthored } from '../check.js';
import { toFileText } from '../file-text.js';
import { leaf, mapOf } from './tree.js';
import { mapAt, mapToJson, nodeAt, scalarsOf, without, type MapNode, type Node } from '../node.js';
import { parseFile } from '../parse.js';
import { resolveTree } from '../read.js';
import { combine } from './combine.js';
import { editsOf } from './edits.js';
import { Expressions } from './expressions.js';
import { intentOf, type Intent } from './intents.js';
import { editPipeline } from './new-pipeline.js';
import { Notes } from './notes.js';
import type { Reading } from './options.js';
import { findPluginSteps, type PluginStep } from './steps.js';

/** Where things are. */
export interface MigrationPlace {
  /** The pipeline, as messages name it. */
  readonly shownAs: string;
  /** From the new file's folder to the repository's root: `../`, or nothing. */
  readonly toRoot: string;
  /** The new file as `--config` takes it in a build; absent: it is found by itself. */
  readonly config?: string;
  /** Of the file where no step says one. */
  readonly region?: string;
}

/** What became of a pipeline. */
export type Migration =
  | { readonly status: 'broken'; readonly findings: readonly Finding[] }
  | { readonly status: 'no_plugin'; readonly plugins: readonly string[] }
  | {
      readonly status: 'migrated';
      readonly file: string;
      readonly pipeline: string;
      readonly functions: readonly MigratedFunction[];
      readonly environments: readonly string[];
      /** Without them the file cannot be loaded. */
      readonly variables: readonly string[];
      readonly notes: readonly MigrationNote[];
      /** Warnings about the new file's content, where it stands in the pipeline. */
      readonly findings: readonly Finding[];
    };

/**
 * From a pipeline with aws-lambda-deploy steps to the file and the pipeline that do the same. Pure. The file is judged as any other,
 * and what is wrong is said of the line of the pipeline that it comes from.
 */
export function migratePipeline(bytes: Uint8Array, place: MigrationPlace): Migration {
  const parsed = parseFile(bytes);
  if (!('root' in parsed)) return { status: 'broken', findings: parsed.findings };
  const { steps, plugins } = findPluginSteps(parsed.root);
  if (steps.length === 0) return { status: 'no_plugin', plugins };
  const first = read(steps, place, false);
  const deploys = first.intents.filter(({ mode }) => mode === 'deploy');
  const isAccountKnown = deploys.length > 0 && deploys.every(({ account }) => account !== undefined);
  const { intents, reading } = isAccountKnown ? read(steps, place, true) : first;
  const { root, environments, targets } = combine(intents, reading.notes);
  const tree = withRegion(root, place.region);
  const findings = [...reading.findings, ...judge(tree, environments, reading.findings.length > 0)];
  if (findings.some(({ severity }) => severity !== 'warning')) return { status: 'broken', findings };
  notePipeline(parsed.root, { steps, intents, reading, isAccountKnown });
  const config = place.config === undefined ? {} : { config: place.config };
  const { computed } = reading.expressions;
  const edits = editsOf(steps, intents, { ...config, targets, computed, notes: reading.notes });
  const edited = editPipeline(new TextDecoder().decode(bytes), parsed.root, edits);
  if (edited.isWrittenOut) reading.notes.add('WRITTEN_OUT', steps[0]?.node.position ?? parsed.root.position);
  return {
    status: 'migrated',
    file: fileText(tree, place.shownAs),
    pipeline: edited.text,
    functions: functionsOf(intents, targets),
    environments,
    variables: reading.expressions.needed,
    notes: reading.notes.all,
    findings,
  };
}

function read(
  steps: readonly PluginStep[],
  { shownAs, toRoot }: MigrationPlace,
  isAccountKnown: boolean,
): { readonly intents: readonly Intent[]; readonly reading: Reading } {
  const reading = { expressions: new Expressions(isAccountKnown), notes: new Notes(shownAs), findings: [] };
  const intents = steps.flatMap((step) => step.uses.flatMap((use) => intentOf(step, use, toRoot, reading) ?? []));
  return { intents, reading };
}

function withRegion(root: MapNode, region: string | undefined): MapNode {
  const functions = [...(mapAt(root, 'functions')?.entries.values() ?? [])];
  const isSaid = functions.some(({ node }) => nodeAt(node, 'region') !== undefined);
  if (region === undefined || isSaid || root.entries.has('region') || root.entries.has('environments')) return root;
  const [version, ...rest] = [...root.entries].map(([key, { node }]) => [key, node] as const);
  return mapOf(root.position, [...(version ? [version] : []), ['region', leaf(region, root.position)], ...rest]);
}

function fileText(tree: MapNode, shownAs: string): string {
  const functions = mapAt(tree, 'functions');
  const header = [`From ${shownAs}, by lambda-deploy import --pipeline.`];
  return toFileText(mapToJson(without(tree, new Set(['functions']))), functions && mapToJson(functions), header);
}

/** Where the file is found to have no functions: because of what was found wrong before. */
const NOTHING_LEFT: ReadonlySet<string> = new Set(['', 'functions']);

/** What the loader will say of the file, but for variables that only a build has. */
function judge(root: MapNode, environments: readonly string[], isIncomplete: boolean): readonly Finding[] {
  const names = environments.length === 0 ? [undefined] : environments;
  const all = names.flatMap((environment) => {
    const scope = { variables: {}, keepUnset: true, ...(environment === undefined ? {} : { environment }) };
    return resolveTree(root, scope).findings;
  });
  return [...all, ...checkAuthored(root)].filter(
    ({ code, path }) => code !== 'UNSET_VARIABLE' && !(isIncomplete && NOTHING_LEFT.has(String(path))),
  );
}

/** Buildkite sets these in every job. @see https://buildkite.com/docs/pipelines/configure/environment-variables */
const ALWAYS_SET = /^BUILDKITE_(?!TAG$|PULL_REQUEST_|TRIGGERED_|UNBLOCKER|GROUP_)/;

/** Another value in the job that deploys than in the one that uploads. */
const OF_ONE_JOB =
  /^BUILDKITE_(?:JOB_ID|STEP_ID|STEP_KEY|LABEL|AGENT_\w+|PARALLEL_JOB(?:_COUNT)?|RETRY_COUNT|COMMAND|TIMEOUT)$/;

interface Everything {
  readonly steps: readonly PluginStep[];
  readonly intents: readonly Intent[];
  readonly reading: Reading;
  readonly isAccountKnown: boolean;
}

function notePipeline(root: Node, { steps, intents, reading, isAccountKnown }: Everything): void {
  const { notes, expressions } = reading;
  const position = steps[0]?.uses[0]?.position ?? root.position;
  const deploys = intents.filter(({ mode }) => mode === 'deploy');
  if (deploys.some(({ settings }) => settings.filter(([, node]) => node !== undefined).length > 1))
    notes.add('CONFIGURATION_FIRST', position);
  if (deploys.length > 0) notes.add('ONLY_CHANGES', position);
  if (steps.some(({ node }) => node.entries.has('command') || node.entries.has('commands')))
    notes.add('AFTER_SUCCESS_ONLY', position);
  for (const code of ['RECORDS', 'TOOL_NEEDED'] as const) notes.add(code, position);
  if (steps.some(({ node }) => !node.entries.has('concurrency_group'))) notes.add('ONE_AT_A_TIME', position);
  for (const { region, position: at } of deploys)
    if (region === undefined) notes.add('REGION_FROM_JOB', at, { option: 'region' });
  if (!isAccountKnown) notes.add('ACCOUNT_UNKNOWN', position);
  for (const [name, raw] of expressions.computed) notes.add('HANDED_OVER', position, {}, [name, raw]);
  const mayBeUnset = expressions.needed.filter((name) => !ALWAYS_SET.test(name) && !expressions.computed.has(name));
  if (mayBeUnset.length > 0) notes.add('UNSET_IS_AN_ERROR', position, {}, [mayBeUnset.join(', ')]);
  for (const name of expressions.used) if (OF_ONE_JOB.test(name)) notes.add('OF_THE_UPLOAD', position, {}, [name]);
  for (const [scalar] of scalarsOf(root))
    if (String(scalar.value).includes('deployment:aws_lambda:')) notes.add('META_DATA', scalar.position);
}

function functionsOf(
  intents: readonly Intent[],
  targets: ReadonlyMap<Intent, { readonly key: string }>,
): MigratedFunction[] {
  const found = new Map<string, Set<string>>();
  for (const intent of intents) {
    const key = targets.get(intent)?.key ?? '';
    const aliases = found.get(key) ?? new Set();
    intent.aliases.forEach((alias) => aliases.add(alias));
    found.set(key, aliases);
  }
  return [...found].map(([name, aliases]) => ({ name, aliases: [...aliases] }));
}
