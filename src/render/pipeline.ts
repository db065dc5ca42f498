import type { BlockStep, CommandStep, CommentedStep, DeployTarget, StepSettings } from '../model/pipeline.js';
import { blocks, chosen, DEPLOYS, inWords, job, oneAtATime, RETRY_LOST, RUN } from './deploy-steps.js';
import { commandLine } from './shell.js';
import { oneLine } from './text.js';

/** What a pipeline needs to know beside its targets. */
export interface PipelineSettings extends StepSettings {
  /** Commands of a shell that make what the plan packs, at the start of the plan step, after `install`. */
  readonly build: readonly string[];
}

/** A target with the roles that its steps take by OIDC. */
export interface PipelineTarget extends DeployTarget {
  readonly planRole: string;
  readonly applyRole: string;
}

/** No secret is read for a pull request, and from a fork comes a pipeline that nobody here has reviewed. */
const PLANS = 'build.source != "schedule" && build.pull_request.repository.fork != true';
const DRIFTS = 'build.source == "schedule"';

const PLAN_MINUTES = 15;
const ROLLBACK_MINUTES = 30;

/**
 * The steps of a whole pipeline, target after target: the plan, which adds approval and apply by itself, the rollback behind a
 * block, and drift on a schedule. What they are for is told once, with the first target.
 */
export function pipelineSteps(targets: readonly PipelineTarget[], settings: PipelineSettings): CommentedStep[] {
  return targets.flatMap((target, index) => {
    const steps = [planStep(target, settings), ...rollbackSteps(target, settings), driftStep(target, settings)];
    return index === 0 ? steps : steps.map(({ step }) => ({ step, comments: {} }));
  });
}

/**
 * What a reader has to know before the first step.
 *
 * @param file the file's path
 * @param steps all of them, those that plans add, too
 */
export function pipelineHeader(file: string, steps: readonly CommentedStep[]): string {
  return [
    `Plans and deploys ${oneLine(file)}.`,
    'Made by `lambda-deploy pipeline`: make it again when the file gets another account, region, environment or alias.',
    '',
    'plan      every build. On the default branch, where there are changes, it adds two steps: approve (a block) and apply',
    '          (see them: lambda-deploy pipeline --show-uploaded).',
    'rollback  behind a block, whenever somebody unblocks it: back to the deployment before the live one, or a named one.',
    'drift     builds of a schedule. Red when somebody changed AWS by hand.',
    '',
    'Each job takes its role by its OIDC token; agents hold no AWS keys of their own, which would win over it. A pull request can',
    'edit this file, so what holds is who may take a role: `lambda-deploy iam-policy --trust --organization O --pipeline P`',
    '(and --branch, where the default branch is not main), with',
    ...rolesOf(steps).map(([role, keys]) => `  ${role}: ${keys}`),
    'What a role may do, `lambda-deploy iam-policy` prints without --trust.',
    '',
    'Two dollars: the job’s shell fills it in, not the agent that uploads this.',
  ].join('\n');
}

/** Each role with the options of its trust policy: one that changes AWS is taken by its own steps alone. */
function rolesOf(steps: readonly CommentedStep[]): [role: string, options: string][] {
  const keys = new Map<string, readonly string[]>();
  for (const { step } of steps) {
    const role = 'env' in step ? step.env?.['AWS_ROLE_ARN'] : undefined;
    const isOfDeploys = step.if === DEPLOYS;
    if (role !== undefined) keys.set(role, [...(keys.get(role) ?? []), ...(isOfDeploys ? ['--step', step.key] : [])]);
  }
  return [...keys].map(([role, own]) => [role, commandLine(['--for', own.length > 0 ? 'apply' : 'plan', ...own])]);
}

function planStep(target: PipelineTarget, settings: PipelineSettings): CommentedStep {
  const words = [
    'plan',
    ...target.chosenBy,
    ...functionsOf(target),
    '--upload-steps',
    ...uploadOptions(target, settings),
  ];
  const install = [...settings.install, ...settings.build];
  const step: CommandStep = {
    key: `${target.prefix}plan`,
    label: `:mag: plan${inWords(target)}`,
    if: PLANS,
    timeout_in_minutes: PLAN_MINUTES,
    retry: RETRY_LOST,
    ...job({ ...settings, install }, target.planRole, PLAN_MINUTES, [`${RUN} ${commandLine(words)}`]),
  };
  return {
    step,
    comments: {
      '': 'Shows what would change, and why. The steps that it adds are made from the options of this command.',
      if: 'A fork gets no role, and no token. A step of its own can plan it from a snapshot: plan --live-state FILE.',
      retry: 'A plan that passed has added its steps: start a new build to plan again.',
      env: 'Reads only, and no secret: lambda-deploy iam-policy --for plan.',
    },
  };
}

/** What `plan --upload-steps` needs for its steps; they stand in the committed pipeline, where they are reviewed. */
function uploadOptions({ prefix, applyRole }: PipelineTarget, settings: StepSettings): string[] {
  const isUsual = settings.install.length === 1 && settings.install[0] === DEFAULT_INSTALL;
  return [
    ...(prefix === '' ? [] : ['--key-prefix', prefix]),
    ...['--apply-role', applyRole],
    ...settings.teams.flatMap((team) => ['--team', team]),
    ...settings.agents.flatMap((tag) => ['--agents', tag]),
    ...(isUsual ? [] : settings.install.flatMap((command) => ['--install', command])),
    ...(settings.requireOtherApprover ? ['--require-other-approver'] : []),
  ];
}

/** How lambda-deploy becomes runnable where nobody says otherwise. */
export const DEFAULT_INSTALL = 'npm ci';

function functionsOf({ functions }: DeployTarget): string[] {
  return functions.flatMap((key) => ['--function', key]);
}

/** None where no function has an alias, because nothing is published then that could be gone back to. */
function rollbackSteps(target: PipelineTarget, settings: PipelineSettings): CommentedStep[] {
  if (target.aliases.length === 0) return [];
  const names = {
    function: [...new Set(target.aliases.map((one) => one.function))],
    alias: [...new Set(target.aliases.map((one) => one.alias))],
  };
  const goal = `${target.prefix}rollback-target`;
  const asked = (['function', 'alias'] as const).filter((what) => names[what].length > 1);
  const selects = asked.map((what) => ({
    select: what === 'function' ? 'Function' : 'Alias',
    key: `${target.prefix}rollback-${what}`,
    options: names[what].map((name) => ({ label: name, value: name })),
  }));
  const hint = 'A version, a record or a commit. Empty: the last good deployment before the live one.';
  const choose: BlockStep = {
    key: `${target.prefix}choose`,
    block: `:leftwards_arrow_with_hook: Roll back${inWords(target)}?`,
    prompt:
      'Goes back from what is live now, whichever build deployed it. Begins when a running apply has ended: cancel one that hangs first.',
    fields: [...selects, { text: 'Go back to', key: goal, hint, required: false }],
    ...blocks(settings, 'passed'),
    depends_on: [],
    if: DEPLOYS,
  };
  const only = target.functions.length > 0 && !asked.includes('function') ? ['--function', ...names.function] : [];
  const command = [
    ...asked.map((what) => chosen(what.toUpperCase(), `${target.prefix}rollback-${what}`)),
    [
      `${RUN} ${commandLine(['rollback', ...target.chosenBy, ...only])}`,
      // Whatever it is, it is that option's value.
      ...asked.map((what) => `--${what}="$${what.toUpperCase()}"`),
      commandLine(['--to-meta-data', goal, '--yes']),
    ].join(' '),
  ].join(' && ');
  const rollback: CommandStep = {
    key: `${target.prefix}rollback`,
    label: `:leftwards_arrow_with_hook: rollback${inWords(target)}`,
    depends_on: `${target.prefix}choose`,
    if: DEPLOYS,
    ...oneAtATime(target),
    timeout_in_minutes: ROLLBACK_MINUTES,
    retry: { automatic: false, manual: { permit_on_passed: false } },
    ...job(settings, target.applyRole, ROLLBACK_MINUTES, [command]),
  };
  return [
    {
      step: choose,
      comments: {
        '': 'Waits for no step, so that it is there also when an apply has failed or hangs.',
        blocked_state: 'A build passes without it.',
      },
    },
    {
      step: rollback,
      comments: {
        '': 'Needs no artifact and no earlier build: the records are in AWS.',
        depends_on:
          'The block and this step have the same `if`: Buildkite takes a step that is left out for one that has passed.',
        concurrency:
          'The group of apply: begins when a running apply has ended. Cancel one that hangs; then this waits only until it has stopped.',
        retry: 'Never by itself: a second rollback goes back one deployment further.',
      },
    },
  ];
}

function driftStep(target: PipelineTarget, settings: PipelineSettings): CommentedStep {
  const step: CommandStep = {
    key: `${target.prefix}drift`,
    label: `:left_right_arrow: drift${inWords(target)}`,
    depends_on: [],
    if: DRIFTS,
    timeout_in_minutes: PLAN_MINUTES,
    retry: RETRY_LOST,
    ...job(settings, target.planRole, PLAN_MINUTES, [
      `${RUN} ${commandLine(['drift', ...target.chosenBy, ...functionsOf(target)])}`,
    ]),
  };
  return {
    step,
    comments: {
      '': 'Exit 2, and a red build, when somebody changed AWS by hand. No soft_fail: nobody looks at a green scheduled build.',
    },
  };
}
