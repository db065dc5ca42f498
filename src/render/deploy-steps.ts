import type { PlanFile } from '../model/plan.js';
import type { BlockStep, CommandStep, CommentedStep, DeployTarget, StepSettings } from '../model/pipeline.js';
import { commandLine, shellWord } from './shell.js';

/** As the role's own policy has it, a session lasts an hour, and the SDK asks for the next one five minutes before its end. */
const SESSION_MINUTES = 55;

/** Where something may change AWS: the default branch, and no pull request's or schedule's build. */
export const DEPLOYS =
  'build.branch == pipeline.default_branch && build.pull_request.id == null && build.source != "schedule"';

/** Only what has nothing to do with the deployment: the agent was lost, or stopped by force. */
const AGENT_LOST = [
  { exit_status: -1, limit: 2 },
  { exit_status: 255, limit: 2 },
];

/** What is to be approved, and how it is carried out. */
export interface Approval {
  /** Of the build's artifacts, relative to the working directory. */
  readonly planFile: string;
  /** The key, or the id, of the step that has it. */
  readonly planStep: string;
  readonly plan: Pick<PlanFile, 'digest' | 'summary' | 'functions'>;
  /** By OIDC; absent: the agents have credentials of their own. */
  readonly applyRole?: string;
  /** What the job may take, and the one that promotes. */
  readonly applyMinutes: number;
  readonly promoteMinutes: number;
  /** Aliases that wait at their first share until somebody promotes them; the function by its key. */
  readonly waiting: DeployTarget['aliases'];
}

/**
 * The steps that a plan with changes adds to its build: a block that shows what is approved, the apply of exactly that plan, and
 * where a rollout is promoted by hand, a block and a step for that. Nothing in them was written by whoever started the build.
 */
export function deploySteps(target: DeployTarget, settings: StepSettings, approval: Approval): CommentedStep[] {
  const { waiting } = approval;
  return [
    approve(target, settings, approval),
    apply(target, settings, approval),
    ...(waiting.length === 0 ? [] : [confirm(target, settings, waiting), promote(target, settings, approval)]),
  ];
}

function approve(target: DeployTarget, settings: StepSettings, { plan }: Approval): CommentedStep {
  const { create, update } = plan.summary;
  const counts = [...(create > 0 ? [`${create} to create`] : []), ...(update > 0 ? [`${update} to update`] : [])];
  const step: BlockStep = {
    key: `${target.prefix}approve`,
    block: `:rocket: Apply${inWords(target)}: ${counts.join(', ')}`,
    prompt: promptOf(plan),
    ...blocks(settings, 'running'),
    if: DEPLOYS,
  };
  return {
    step,
    comments: {
      '': 'Waits for somebody to approve the plan. Without depends_on, an uploaded step waits for the step that uploaded it.',
      blocked_state: 'A build that waits for its approval has not passed yet.',
    },
  };
}

/** More than these do not fit into a dialogue. */
const MAX_SHOWN_FUNCTIONS = 12;

function promptOf({ digest, functions }: Approval['plan']): string {
  const changed = functions.filter(({ action }) => action !== 'none');
  const lines = changed.slice(0, MAX_SHOWN_FUNCTIONS).map(({ name, action, operations }) => {
    const calls = operations.length === 1 ? '1 call' : `${operations.length} calls`;
    return `${name}: ${action}, ${calls}`;
  });
  const more = changed.length - lines.length;
  return [
    ...lines,
    ...(more > 0 ? [`and ${more} more`] : []),
    ...(lines.length > 0 ? [''] : []),
    `Plan ${digest.replace('sha256:', '').slice(0, 12)}. Every call of it, and why, stands in the annotation of this build.`,
  ].join('\n');
}

function apply(target: DeployTarget, settings: StepSettings, approval: Approval): CommentedStep {
  const { planFile, planStep, plan, applyRole, applyMinutes } = approval;
  const words = ['apply', planFile, '--expect', plan.digest, '--plan-step', planStep];
  const other = settings.requireOtherApprover ? ['--require-other-approver'] : [];
  const step: CommandStep = {
    key: `${target.prefix}apply`,
    label: `:lambda: apply${inWords(target)}`,
    depends_on: `${target.prefix}approve`,
    if: DEPLOYS,
    ...oneAtATime(target),
    timeout_in_minutes: applyMinutes,
    retry: RETRY_LOST,
    ...job(settings, applyRole, applyMinutes, [`${RUN} ${commandLine([...words, ...other])}`]),
  };
  return {
    step,
    comments: {
      '': 'Carries out exactly the approved plan: any other plan file, and any other state of AWS, is refused.',
      depends_on: 'The block, not the plan alone: a step that names what it depends on waits for nothing else.',
      concurrency: 'One at a time in this account, region and environment, whatever the pipeline.',
      retry: 'An agent that was lost in the middle: the retry goes on with the same plan where it stopped.',
    },
  };
}

function confirm(target: DeployTarget, settings: StepSettings, waiting: Approval['waiting']): CommentedStep {
  const step: BlockStep = {
    key: `${target.prefix}confirm`,
    block: `:rocket: Promote${inWords(target)}: all traffic to the new version`,
    prompt: waiting.map((one) => `${one.function}: alias ${one.alias}`).join('\n'),
    ...blocks(settings, 'running'),
    depends_on: `${target.prefix}apply`,
    if: DEPLOYS,
  };
  const comments = { '': 'The rollout waits at its first share. The rollback step takes it back instead.' };
  return { step, comments };
}

function promote(target: DeployTarget, settings: StepSettings, approval: Approval): CommentedStep {
  const { waiting, plan, applyRole, promoteMinutes } = approval;
  const other = settings.requireOtherApprover ? ['--require-other-approver'] : [];
  const commands = waiting.map((one) => {
    const chosen = [...target.chosenBy, '--function', one.function, '--alias', one.alias];
    return `${RUN} ${commandLine(['promote', ...chosen, '--expect', plan.digest, ...other, '--yes'])}`;
  });
  const step: CommandStep = {
    key: `${target.prefix}promote`,
    label: `:lambda: promote${inWords(target)}`,
    depends_on: `${target.prefix}confirm`,
    if: DEPLOYS,
    ...oneAtATime(target),
    timeout_in_minutes: promoteMinutes,
    retry: RETRY_LOST,
    ...job(settings, applyRole, promoteMinutes, commands),
  };
  return {
    step,
    comments: {
      '': 'Gives the version that this plan deployed all of the traffic; where another build came after, it is refused.',
    },
  };
}

/** How a job calls this tool: what `install` has put there. */
export const RUN = 'npx lambda-deploy';

/** A job that an agent lost is safe to run again; one that passed is done. */
export const RETRY_LOST: CommandStep['retry'] = { automatic: AGENT_LOST, manual: { permit_on_passed: false } };

/** ` (production, eu-west-1)`: what a reader tells one target from another by; nothing where there is one. */
export function inWords({ environment, region, functions }: DeployTarget): string {
  const names = [environment, functions.length > 0 ? region : undefined].filter((name) => name !== undefined);
  return names.length === 0 ? '' : ` (${names.join(', ')})`;
}

/** Members that every block has. */
export function blocks(
  { teams }: StepSettings,
  state: BlockStep['blocked_state'],
): Pick<BlockStep, 'blocked_state' | 'allowed_teams'> {
  return { blocked_state: state, ...(teams.length === 0 ? {} : { allowed_teams: teams }) };
}

/** Members of every step that changes AWS. */
export function oneAtATime({
  account,
  region,
  environment,
}: DeployTarget): Pick<CommandStep, 'concurrency' | 'concurrency_group'> {
  const place = [account, region, environment].filter((part) => part !== undefined);
  return { concurrency: 1, concurrency_group: ['lambda-deploy', ...place].join('/') };
}

/**
 * What a step's job runs, and as whom. The role is taken after the installation, so that no script of a dependency runs with it;
 * the token is in a file of the job's own, from which the AWS SDK takes it by itself.
 *
 * @see https://buildkite.com/docs/agent/cli/reference/oidc
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/access-assume-role-web.html
 */
export function job(
  { install, agents }: StepSettings,
  role: string | undefined,
  minutes: number,
  commands: readonly string[],
): Pick<CommandStep, 'agents' | 'env' | 'commands'> {
  const tags = Object.fromEntries(
    agents.map((tag) => [tag.slice(0, tag.indexOf('=')), tag.slice(tag.indexOf('=') + 1)]),
  );
  return {
    ...(agents.length === 0 ? {} : { agents: tags }),
    ...(role === undefined ? {} : { env: { AWS_ROLE_ARN: role } }),
    commands: [...install, ...(role === undefined ? [] : takeRole(minutes)), ...commands],
  };
}

function takeRole(minutes: number): readonly string[] {
  // A token is good for minutes by default, and has to be there when the SDK asks for the next session.
  const lifetime = minutes > SESSION_MINUTES ? ` --lifetime ${minutes * 60}` : '';
  return [
    'export AWS_WEB_IDENTITY_TOKEN_FILE="$(mktemp)" AWS_ROLE_SESSION_NAME="buildkite-$BUILDKITE_JOB_ID"',
    `trap 'rm -f "$AWS_WEB_IDENTITY_TOKEN_FILE"' EXIT`,
    `buildkite-agent oidc request-token --audience sts.amazonaws.com${lifetime} > "$AWS_WEB_IDENTITY_TOKEN_FILE"`,
  ];
}

/**
 * What a person chose in a block, as a variable of the job's shell. An assignment of its own has the agent's exit status, which a
 * word of a command line would lose.
 */
export function chosen(variable: string, key: string): string {
  return `${variable}="$(buildkite-agent meta-data get ${shellWord(key)})"`;
}
