import { FUNCTIONS_AT_ONCE } from '../apply/apply.js';
import { neededSeconds } from '../apply/time-limit.js';
import type { DesiredAlias } from '../model/function.js';
import type { CommentedStep, DeployTarget, StepSettings } from '../model/pipeline.js';
import type { FunctionPlan, Operation } from '../model/plan.js';
import { deploySteps, type Approval } from '../render/deploy-steps.js';
import type { PipelineTarget } from '../render/pipeline.js';
import type { LoadedSpec } from '../spec/load.js';

/** What a job takes beside the plan: checkout, installation, reading, and throttles that the worst case has not. */
const BESIDE_MINUTES = 15;
/** No job of a deployment gets less. */
const LEAST_MINUTES = 30;

/** The times that jobs for these plans may take, and who waits to be promoted. */
export function timesOf(
  jobs: readonly { readonly desired: Named; readonly plan: FunctionPlan }[],
): Pick<Approval, 'applyMinutes' | 'promoteMinutes' | 'waiting'> {
  const open = jobs.flatMap(({ desired: { key, aliases }, plan: { operations } }) =>
    aliases.filter(({ name }) => staysOpen(name, operations)).map((alias) => ({ key, alias })),
  );
  const plans = jobs.map(({ plan }) => plan);
  return {
    applyMinutes: minutes(neededSeconds(plans, FUNCTIONS_AT_ONCE)),
    ...promotions(open),
  };
}

type Named = Pick<LoadedSpec['functions'][number], 'key' | 'aliases'>;

interface Open {
  readonly key: string;
  readonly alias: DesiredAlias;
}

function promotions(open: readonly Open[]): Pick<Approval, 'promoteMinutes' | 'waiting'> {
  const seconds = open.map(({ alias: { rollout } }) => (rollout?.intervalSeconds ?? 0) + (rollout?.bakeSeconds ?? 0));
  return {
    promoteMinutes: minutes(seconds.reduce((total, one) => total + one, 0)),
    waiting: open.map(({ key, alias }) => ({ function: key, alias: alias.name })),
  };
}

/** Whether the plan ends with the alias at a share: then somebody has to promote it. */
function staysOpen(alias: string, operations: readonly Operation[]): boolean {
  const last = operations.findLast((step) => step.type === 'UpdateAlias' && step.alias === alias);
  return last?.type === 'UpdateAlias' && last.additional !== undefined;
}

function minutes(seconds: number): number {
  return Math.max(LEAST_MINUTES, Math.ceil(seconds / 60) + BESIDE_MINUTES);
}

/** The steps as a plan would add them that changes every function, for people to see. */
export function stepsForEverything(
  target: PipelineTarget,
  settings: StepSettings,
  specs: readonly LoadedSpec[],
): CommentedStep[] {
  const functions = functionsOf(target, specs);
  const open = functions.flatMap(({ key, aliases }) =>
    aliases.filter(({ rollout }) => rollout?.promotion === 'manual').map((alias) => ({ key, alias })),
  );
  const watched = functions.flatMap(({ aliases }) =>
    aliases.map(
      ({ rollout }) => (rollout?.steps.length ?? 0) * (rollout?.intervalSeconds ?? 0) + (rollout?.bakeSeconds ?? 0),
    ),
  );
  return deploySteps(target, settings, {
    planFile: planFileName(target),
    planStep: `${target.prefix}plan`,
    plan: {
      digest: `sha256:${'0'.repeat(64)}`,
      summary: { create: 0, update: functions.length, unchanged: 0 },
      functions: [],
    },
    applyRole: target.applyRole,
    applyMinutes: minutes(watched.reduce((total, one) => total + one, 0)),
    ...promotions(open),
  });
}

function functionsOf({ environment, functions }: DeployTarget, specs: readonly LoadedSpec[]): readonly Named[] {
  const all = specs.find((spec) => spec.environment === environment)?.functions ?? [];
  return functions.length === 0 ? all : all.filter(({ key }) => functions.includes(key));
}

/** The name of the plan file where none is given. */
export function planFileName({ prefix }: Pick<DeployTarget, 'prefix'>): string {
  return `${prefix}plan.zip`;
}
