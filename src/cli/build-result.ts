import pLimit from 'p-limit';
import { deploymentKey, deploymentValues, type Deployment } from '../buildkite/deployment-keys.js';
import { isDeployError } from '../errors.js';
import { LATEST } from '../model/function.js';
import type { ApplyResult, FunctionResult } from '../model/result.js';
import { resultAnnotation } from '../render/result-annotation.js';
import { scopeName, type Scope } from './build-scope.js';
import type { Context } from './context.js';
import type { Job } from './execute.js';

/** Each call is a process of its own, beside whatever else runs on the agent's machine. */
const CALLS_AT_ONCE = 4;

/** Of a run that leaves more functions as they were, these get no keys: a large file costs by what it changes. */
const MAX_UNCHANGED = 10;

/**
 * Tells the build what came of a run: first the annotation, which people read, then the plugin's keys in the meta-data, which other
 * steps do. Without a build nothing. Never throws.
 */
export async function tellResult(
  context: Context,
  scope: Scope,
  result: ApplyResult,
  jobs: readonly Job[],
): Promise<void> {
  const { build, output } = context;
  if (build === undefined) return;
  const body = output.toMarkdown({ result, scope }, (shown) => resultAnnotation(shown.result, shown.scope));
  await build.annotate({ context: scopeName('result', scope), style: styleOf(result.result), body });
  const limit = pLimit(CALLS_AT_ONCE);
  const deployments = await limit.map(withKeys(result, jobs), ([one, job]) =>
    deploymentOf(context, result.command, one, job),
  );
  await limit.map(deployments.flatMap(keysOf), ([key, value]) =>
    build.tell('the deployment’s meta-data', (agent) => agent.setMetaData(key, value)),
  );
}

type Ended = readonly [FunctionResult, Job];

function withKeys({ functions }: ApplyResult, jobs: readonly Job[]): readonly Ended[] {
  const all = functions.flatMap((one, index): Ended[] => {
    const job = jobs[index];
    return job === undefined ? [] : [[one, job]];
  });
  const changed = all.filter(([{ result }]) => result !== 'no_changes');
  return all.length - changed.length > MAX_UNCHANGED ? changed : all;
}

function keysOf(deployment: Deployment): [key: string, value: string][] {
  const values = Object.entries(deploymentValues(deployment)) as [Parameters<typeof deploymentKey>[1], string][];
  return values.map(([name, value]) => [deploymentKey(deployment.result.name, name), value]);
}

async function deploymentOf(
  { host }: Context,
  command: ApplyResult['command'],
  result: FunctionResult,
  { live, desired, session }: Job,
): Promise<Deployment> {
  const alias = desired.aliases.at(-1)?.name;
  const served = alias === undefined ? LATEST : (live?.aliases.find(({ name }) => name === alias)?.version ?? null);
  if (live !== undefined) return { command, result, served, arn: live.arn, packageType: live.latest.packageType };
  if (host.signal.aborted) return { command, result, served };
  // It was made by this run.
  const read = await session.lambda.getFunction(desired.name).catch((error: unknown) => {
    if (!isDeployError(error)) throw error;
    return undefined;
  });
  return { command, result, served, ...(read && { arn: read.arn, packageType: read.version.packageType }) };
}

const STYLES = {
  succeeded: 'success',
  no_changes: 'success',
  pending: 'warning',
  failed: 'error',
  rolled_back: 'error',
} as const;

function styleOf(result: ApplyResult['result']): (typeof STYLES)[ApplyResult['result']] {
  return STYLES[result];
}
