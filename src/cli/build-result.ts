import { deploymentKey, deploymentValues, type Deployment } from '../buildkite/deployment-keys.js';
import { isDeployError } from '../errors.js';
import { LATEST } from '../model/function.js';
import type { ApplyResult, FunctionResult } from '../model/result.js';
import { resultAnnotation } from '../render/result-annotation.js';
import { scopeName, type Scope } from './build-scope.js';
import type { Context } from './context.js';
import type { Job } from './execute.js';

/**
 * Tells the build what came of a run: first the plugin's keys in the meta-data, which other steps read, then the annotation, which
 * people do. Without a build nothing. Never throws.
 */
export async function tellResult(
  context: Context,
  scope: Scope,
  result: ApplyResult,
  jobs: readonly Job[],
): Promise<void> {
  const { build, output } = context;
  if (build === undefined) return;
  await Promise.all(
    result.functions.map(async (one, index) => {
      const job = jobs[index];
      if (job !== undefined) await tellKeys(context, await deploymentOf(context, result.command, one, job));
    }),
  );
  const body = output.toMarkdown({ result, scope }, (shown) => resultAnnotation(shown.result, shown.scope));
  await build.annotate({ context: scopeName('result', scope), style: styleOf(result.result), body });
}

async function tellKeys({ build }: Context, deployment: Deployment): Promise<void> {
  const values = Object.entries(deploymentValues(deployment)) as [Parameters<typeof deploymentKey>[1], string][];
  // Side by side: after a signal there are two seconds for all.
  await Promise.all(
    values.map(([name, value]) =>
      build?.tell('the deployment’s meta-data', (agent) =>
        agent.setMetaData(deploymentKey(deployment.result.name, name), value),
      ),
    ),
  );
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
