import { deploymentKey } from '../buildkite/deployment-keys.js';
import { DeployError } from '../errors.js';
import type { LiveFunction, Version } from '../model/function.js';
import type { Build } from './build.js';
import type { Context } from './context.js';

/**
 * The options with the target that `--to-meta-data` names a key of: what somebody typed into a block step's field, which never meets a
 * shell. A key that is not set, or blank, leaves the target to the records.
 *
 * @throws USAGE beside `--to`, or without a build; BUILD_AGENT where the meta-data cannot be read
 */
export async function withTarget(context: Context): Promise<Context> {
  const { build, options, output } = context;
  const key = options['toMetaData'] as string | undefined;
  if (key === undefined) return context;
  if (options['to'] !== undefined)
    throw misused('--to and --to-meta-data both name the target.', 'leave one of them out.');
  if (build === undefined)
    throw misused('--to-meta-data names a key of a build, and this is no job of one.', 'name the target with --to.');
  const to = (await build.agent.getMetaData(key))?.trim() ?? '';
  const told = to === '' ? 'no target: the records say where to go' : `the target ${to}`;
  output.progress([[`the build’s meta-data has under ${key} ${told}`]]);
  return to === '' ? context : { ...context, options: { ...options, to } };
}

function misused(detail: string, fix: string): DeployError {
  return new DeployError('USAGE', detail, { fix });
}

/**
 * What this build's meta-data say was served before the version that is live, as the plugin's keys have it; for an alias of which there
 * is no record at all. `undefined`: they say nothing of this version of this very function (the keys know only its name, so the ARN has
 * to be that of this account and region), or that it came by a rollback, whose way back would be forward; or the function has several
 * aliases, of which the keys know one and do not say which.
 *
 * @throws BUILD_AGENT
 */
export async function previousInBuild(
  { agent }: Pick<Build, 'agent'>,
  { name, arn, aliases }: Pick<LiveFunction, 'name' | 'arn' | 'aliases'>,
  live: Version,
): Promise<Version | undefined> {
  if (aliases.length > 1) return undefined;
  const read = (key: Parameters<typeof deploymentKey>[1]): Promise<string | undefined> =>
    agent.getMetaData(deploymentKey(name, key));
  const [result, current, previous, currentArn] = await Promise.all([
    read('result'),
    read('current_version'),
    read('previous_version'),
    read('current_arn'),
  ]);
  const isDeployment = result === 'success' || result === 'promoted';
  if (currentArn !== `${arn}:${live}`) return undefined;
  if (!isDeployment || current !== live || previous === undefined || previous === live) return undefined;
  return /^[1-9]\d*$/.test(previous) ? previous : undefined;
}
