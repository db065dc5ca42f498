import { nodeAt, type MapNode, type Path } from '../node.js';
import type { Target } from './combine.js';
import { matrixValues, type Intent } from './intents.js';
import type { Notes } from './notes.js';
import type { PluginStep } from './steps.js';

/** What becomes of a step that had the plugin; everything else of it stays. */
export interface StepEdit {
  /** From the top of the pipeline. */
  readonly path: Path;
  /** They follow the step's own commands, as the plugin did. */
  readonly commands: readonly string[];
  /** Added to its `env`. */
  readonly env: readonly (readonly [string, string])[];
  /** Absent: the step has its own rule. */
  readonly concurrencyGroup?: string;
}

/** What all commands have in common. */
export interface Commands {
  /** As `--config` takes it; absent: the file is found by itself. */
  readonly config?: string;
  readonly targets: ReadonlyMap<Intent, Target>;
  /** Variables that Buildkite makes, with what from. */
  readonly computed: ReadonlyMap<string, string>;
  readonly notes: Notes;
}

/** The new steps, in the order of the pipeline. */
export function editsOf(
  steps: readonly PluginStep[],
  intents: readonly Intent[],
  common: Commands,
): readonly StepEdit[] {
  return steps.map((step) => {
    const own = intents.filter((intent) => intent.step === step);
    const [first] = own;
    const key = first === undefined ? undefined : common.targets.get(first)?.key;
    const hasRule = step.node.entries.has('concurrency') || step.node.entries.has('concurrency_group');
    noteStep(step, common.notes);
    return {
      path: step.path,
      commands: own.map((intent) => commandOf(intent, common)),
      env: [...common.computed].flatMap(([name, raw]) => {
        const value = valueFor(step.node, raw, steps);
        return value === undefined ? [] : [[name, value] as const];
      }),
      ...(hasRule || key === undefined ? {} : { concurrencyGroup: `lambda-deploy/${key}` }),
    };
  });
}

function commandOf(intent: Intent, { config, targets, notes }: Commands): string {
  const { key = '', environment } = targets.get(intent) ?? {};
  const words = (verb: string, ...more: readonly string[]): string =>
    [
      ...['npx lambda-deploy', verb, ...more],
      ...(config === undefined ? [] : ['--config', quoted(config)]),
      ...(environment === undefined ? [] : ['--environment', environment]),
      ...['--function', key, '--alias', intent.aliasWord],
    ].join(' ');
  const note = { key: String(intent.name.value), option: 'mode' };
  if (intent.mode === 'deploy') return words('apply', '--yes');
  if (intent.mode === 'promote-canary') {
    notes.add('PROMOTE_WAITS', intent.position, note);
    return words('promote', '--yes');
  }
  const rollback = words('rollback', '--yes');
  notes.add(intent.step.isAttended ? 'ROLLBACK_IS_REAL' : 'ROLLBACK_UNATTENDED', intent.position, note, [rollback]);
  if (intent.step.isAttended) return rollback;
  return `echo "Nothing to do here: apply puts the alias back by itself when it fails. By hand: ${words('rollback')}"`;
}

/** For the shell, and with the dollars that Buildkite leaves alone. */
function quoted(path: string): string {
  const literal = path.replaceAll('$', () => '$$');
  return /^[\w./-]+$/.test(path) ? path : `'${literal.replaceAll("'", `'\\''`)}'`;
}

/** A matrix is known in its own steps; the others take its first value. `undefined`: it is not known. */
function valueFor(step: MapNode, raw: string, steps: readonly PluginStep[]): string | undefined {
  const dimension = /\{\{\s*matrix(?:\.([A-Za-z0-9_]+))?\s*\}\}/.exec(raw);
  if (dimension === null || matrixValues(step, dimension[1]) !== undefined) return raw;
  const values = steps.flatMap(({ node }) => matrixValues(node, dimension[1]) ?? []);
  return values[0];
}

/** Plugins that run a step's commands somewhere else. */
const CONTAINERS =
  /(?:^|[/:])(?:docker|docker-compose|kubernetes|ecs|podman|nix-buildkite)(?:-buildkite-plugin)?(?:\.git)?(?:#|$)/;

function noteStep({ node, beside }: PluginStep, notes: Notes): void {
  const at = nodeAt(node, 'plugins')?.position ?? node.position;
  for (const plugin of beside) if (CONTAINERS.test(plugin)) notes.add('IN_A_CONTAINER', at, {}, [plugin]);
  const soft = nodeAt(node, 'soft_fail');
  if (soft !== undefined && !(soft.kind === 'scalar' && (soft.value === false || soft.value === 'false')))
    notes.add('SOFT_FAIL', soft.position);
}
