import { nodeAt, toJson, type MapNode, type Node, type Position, type ScalarNode } from '../node.js';
import { aliasOf } from './alias.js';
import { Options, type Option, type Reading } from './options.js';
import { settingsOf, type Settings } from './settings.js';
import type { PluginStep, PluginUse } from './steps.js';
import { leaf, writtenText } from './tree.js';

/** Where one mention of the plugin deploys to, and what it does there. */
export interface Intent {
  readonly step: PluginStep;
  readonly position: Position;
  readonly mode: 'deploy' | 'rollback' | 'promote-canary';
  /** The function's name, in the words of the file. */
  readonly name: ScalarNode;
  /** Absent: the job's. */
  readonly region?: ScalarNode;
  /** Absent: the pipeline does not say. */
  readonly account?: string;
  /** Several where a matrix names them. */
  readonly aliases: readonly string[];
  /** As the command names it: `{{matrix}}` where that is several. */
  readonly aliasWord: string;
  /** Of a deployment. */
  readonly settings: Settings;
  readonly alias?: MapNode;
}

const ARN = /^(?:arn:aws[\w-]*:lambda:([a-z0-9-]+):)?(\d{12}):function:([\w-]+)(?::[\w$-]+)?$/;
const ROLE = /arn:aws[\w-]*:iam::(\d{12}):role\//;

/** What a mention of the plugin means; `undefined` where it lacks what the plugin itself requires, which are findings. */
export function intentOf(step: PluginStep, use: PluginUse, toRoot: string, reading: Reading): Intent | undefined {
  const options = new Options(use, [...step.path, 'plugins', use.reference], reading);
  const mode = options.choice('mode', ['deploy', 'rollback', 'promote-canary'] as const, undefined);
  for (const required of ['function-name', 'alias', 'mode'] as const)
    if (!options.has(required)) options.refuse(required, 'is missing; the plugin requires it', `add \`${required}\`.`);
  const [name, alias] = [options.text('function-name'), options.raw('alias')];
  if (name === undefined || alias === undefined) return undefined;
  const [, arnRegion, arnAccount, arnName] = ARN.exec(String(name.value)) ?? [];
  const shortName = leaf(arnName ?? name.value, name.position);
  const region = regionOf(options, arnRegion);
  const account = arnAccount ?? accountOf(step, options);
  const aliases = aliasesOf(alias, step, options);
  const common = {
    ...{ step, position: use.position, mode: mode ?? ('deploy' as const), name: shortName, aliases, aliasWord: alias },
    ...(region === undefined ? {} : { region }),
    ...(account === undefined ? {} : { account }),
  };
  const key = String(shortName.value);
  options.noteUnknown(key);
  // With a mode that is none, the rest is still looked at: everything wrong is said at once.
  if (common.mode !== 'deploy') return { ...common, settings: [] };
  const settings = settingsOf(options, { name: key, toRoot, reading });
  return { ...common, settings, alias: aliasOf(options, { name: key, alias, reading }) };
}

/** The file's `region` cannot be AWS_REGION: without one, it is. */
function regionOf(options: Options, ofArn: string | undefined): ScalarNode | undefined {
  const isOfJob = /^\$(?:\{AWS_(?:DEFAULT_)?REGION\}|AWS_(?:DEFAULT_)?REGION$)/.test(options.raw('region') ?? '');
  const region = isOfJob ? undefined : options.text('region');
  if (region !== undefined) return region;
  return ofArn === undefined ? undefined : leaf(ofArn, options.at('function-name'));
}

/** A function's role is of its own account, and so is the role that another plugin of the step assumes for it. */
function accountOf(step: PluginStep, options: Options): string | undefined {
  const [, ofRole] = ROLE.exec(options.raw('role') ?? '') ?? [];
  const [, assumed] = ROLE.exec(JSON.stringify(toJson(nodeAt(step.node, 'plugins') ?? step.node))) ?? [];
  return ofRole ?? assumed;
}

const MATRIX = /^\{\{\s*matrix(?:\.([A-Za-z0-9_]+))?\s*\}\}$/;

/** The aliases have to be known, since the file names each: of expressions only a matrix alone will do. */
function aliasesOf(raw: string, step: PluginStep, options: Options): readonly string[] {
  const matrix = MATRIX.exec(raw);
  const values = matrix === null ? undefined : matrixValues(step.node, matrix[1]);
  if (values !== undefined) return values;
  if (!/[$\\]|\{\{/.test(raw)) return [raw];
  const option: Option = 'alias';
  options.refuse(option, `is "${raw.slice(0, 60)}"; the file has to name each alias`, 'write one step for each alias.');
  return [];
}

/** The values of a dimension; `undefined` where there is none, or one that is not known. */
export function matrixValues(step: MapNode, dimension: string | undefined): readonly string[] | undefined {
  const matrix = nodeAt(step, 'matrix');
  const setup = nodeAt(matrix, 'setup') ?? matrix;
  const list: Node | undefined = dimension === undefined ? setup : nodeAt(setup, dimension);
  if (list?.kind !== 'list') return undefined;
  const values = list.items.map(writtenText);
  const known = values.filter((value) => value !== undefined && !value.includes('$'));
  return known.length === values.length && known.length > 0 ? (known as string[]) : undefined;
}
