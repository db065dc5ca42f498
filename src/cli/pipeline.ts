import { dirname, relative } from 'node:path';
import type { ExitCode } from '../errors.js';
import type { CommentedStep } from '../model/pipeline.js';
import { pipelineHeader, pipelineSteps, type PipelineTarget } from '../render/pipeline.js';
import { pipelineYaml, withoutVariables } from '../render/pipeline-yaml.js';
import { repositoryRoot } from '../spec/find.js';
import { stepsForEverything } from './step-times.js';
import type { Context } from './context.js';
import { deployTargets } from './deploy-targets.js';
import { NO_ACCOUNT, withRoles } from './pipeline-roles.js';
import { loadEveryEnvironment } from './spec.js';
import { commandsAt, readStepSettings, usage } from './step-options.js';

/** @see https://buildkite.com/docs/agent/cli/reference/pipeline */
const MAX_STEPS = 500;

const UPLOADED =
  'What `plan --upload-steps` adds where everything changes: the digest, the counts and the times are those of the plan then.';

/**
 * Prints the Buildkite pipeline for this file, with each of its environments and regions; the same file and options make the same
 * bytes. Calls nothing.
 *
 * @throws USAGE, what loading the file throws
 */
export async function pipeline(context: Context): Promise<ExitCode> {
  const { host, options } = context;
  const build = commandsAt(options, 'build');
  const settings = { ...readStepSettings(context), build };
  const specs = await loadEveryEnvironment(context, { keepUnset: true });
  const file = specs[0]?.file ?? '';
  const base = (await repositoryRoot(dirname(file))) ?? host.cwd;
  const targets = deployTargets(context, specs, base).map((one) => withRoles(context, one));
  context.output.diagnostics(notesOn(targets).map((note) => [note]));
  const uploaded = targets.flatMap((one) => stepsForEverything(one, settings, specs));
  if (options['showUploaded'] === true) return print(context, UPLOADED, uploaded);
  const steps = pipelineSteps(targets, settings);
  return print(context, pipelineHeader(relative(base, file), [...steps, ...uploaded]), steps);
}

function print({ output }: Context, header: string, steps: readonly CommentedStep[]): ExitCode {
  if (steps.length > MAX_STEPS)
    throw usage(
      `the pipeline has ${steps.length} steps; Buildkite takes ${MAX_STEPS} an upload.`,
      'make one for each environment, with --environment.',
    );
  const escaped = withoutVariables(steps);
  const lines = pipelineYaml(header, escaped).trimEnd().split('\n');
  output.result(
    { steps: escaped.map(({ step }) => step) },
    lines.map((line) => [line]),
  );
  return 0;
}

function notesOn(targets: readonly PipelineTarget[]): string[] {
  const isOpen = targets.some((one) => [one.planRole, one.applyRole].some((role) => role.includes(`::${NO_ACCOUNT}:`)));
  return [
    ...(isOpen ? [`note: the file names no account: replace ${NO_ACCOUNT} in the roles, or set \`account\`.`] : []),
    ...(targets.every(({ aliases }) => aliases.length === 0)
      ? ['note: no function has an alias, so there is nothing to roll back to, and no rollback step.']
      : []),
  ];
}
