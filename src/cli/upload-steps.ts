import type { PlanFile } from '../model/plan.js';
import type { DeployTarget, StepSettings } from '../model/pipeline.js';
import { deploySteps } from '../render/deploy-steps.js';
import { pipelineYaml } from '../render/pipeline-yaml.js';
import type { LoadedSpec } from '../spec/load.js';
import { planFileName, timesOf } from './step-times.js';
import type { Context } from './context.js';
import { deployTargets } from './deploy-targets.js';
import type { Host } from './host.js';
import type { PlannedJob } from './planning.js';
import { accountOfRole, keyPrefixOf, readStepSettings, usage } from './step-options.js';

/** What `--upload-steps` will need, checked before anything is planned. */
export interface Upload {
  readonly target: DeployTarget;
  readonly settings: StepSettings;
  readonly applyRole?: string;
  /** Where the plan file goes. */
  readonly out: string;
}

/**
 * Reads the options of `--upload-steps`; `undefined` without it.
 *
 * @throws USAGE outside of a build, for functions of several regions, for a role of another account
 */
export function readUpload(context: Context, spec: LoadedSpec): Upload | undefined {
  const { build, host, options } = context;
  if (options['uploadSteps'] !== true) return undefined;
  if (build === undefined)
    throw usage(
      '--upload-steps adds steps to a build, and this is no job of one.',
      'leave it out, or run it on Buildkite.',
    );
  const prefix = keyPrefixOf(context);
  const [target, ...others] = deployTargets(context, [spec], host.cwd);
  if (target === undefined || others.length > 0)
    throw usage(
      'the functions are in several regions, and each is applied by a step of its own.',
      'plan each region’s with --function, as lambda-deploy pipeline does.',
    );
  const { out, applyRole } = options as { readonly out?: string; readonly applyRole?: string };
  if (applyRole !== undefined) requireOwnRole(applyRole, target);
  return {
    target: { ...target, prefix },
    settings: readStepSettings(context),
    ...(applyRole === undefined ? {} : { applyRole }),
    out: out ?? planFileName({ prefix }),
  };
}

function requireOwnRole(role: string, { account }: DeployTarget): void {
  const own = accountOfRole(role);
  if (own === undefined)
    throw usage(`--apply-role ${JSON.stringify(role)} is no ARN of a role.`, 'give its whole ARN.');
  if (account !== undefined && own !== account)
    throw usage(`--apply-role is of account ${own}, the file is for ${account}.`, 'give the role of that account.');
}

/**
 * Adds the approval and the apply of exactly this plan to the build, in one upload, where there is something to apply and this is
 * a build that may (semantics 35). Says what it did.
 *
 * @throws BUILD_AGENT
 */
export async function uploadSteps(
  { build, host, output }: Context,
  { target, settings, applyRole, out }: Upload,
  plan: PlanFile,
  jobs: readonly PlannedJob[],
): Promise<void> {
  const why = whyNot(host, plan);
  if (why !== undefined || build === undefined) {
    output.diagnostics([[`No steps were added to the build: ${why ?? 'there is none'}.`]]);
    return;
  }
  const steps = deploySteps(target, settings, {
    planFile: out,
    planStep: host.env['BUILDKITE_STEP_KEY'] || host.env['BUILDKITE_JOB_ID'] || '',
    plan,
    ...(applyRole === undefined ? {} : { applyRole }),
    ...timesOf(jobs),
  });
  // The port's agent fills nothing in, so that a `$` stands for itself.
  await build.agent.uploadSteps(pipelineYaml('', steps));
  output.diagnostics([[`Added to the build: ${steps.map(({ step }) => step.key).join(', ')}.`]]);
}

/** Why nothing is to be applied in this build; what is not known counts as a reason. */
function whyNot({ env }: Pick<Host, 'env'>, { changes, functions }: PlanFile): string | undefined {
  const { BUILDKITE_PULL_REQUEST: pull, BUILDKITE_BRANCH: branch, BUILDKITE_PIPELINE_DEFAULT_BRANCH: main } = env;
  if (pull !== 'false') return 'it is a pull request’s';
  if (env['BUILDKITE_SOURCE'] === 'schedule') return 'a schedule started it';
  if (!main || branch !== main) return `only the default branch${main ? `, ${main},` : ''} is applied`;
  if (!changes) return 'there is nothing to apply';
  const held = functions.filter(({ holds, releasesHold }) => (holds?.length ?? 0) > 0 && releasesHold !== true);
  if (held.length === 0) return undefined;
  return `apply would refuse what a rollback took back (${held.map(({ name }) => name).join(', ')}); see the plan`;
}
