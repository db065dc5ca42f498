import { LATEST, type Version } from '../model/function.js';
import type { ApplyResult, FunctionResult } from '../model/result.js';

/** The names of the aws-lambda-deploy plugin's meta-data, without what is before them. */
export type DeploymentKey =
  | 'current_version'
  | 'current_arn'
  | 'previous_version'
  | 'previous_arn'
  | 'result'
  | 'package_type'
  | 'auto_rollback'
  | 'canary_version'
  | 'canary_weight'
  | 'rollback_completed'
  | 'failed_version_preserved';

/** Where the plugin, and every step that reads it, looks for one of them. */
export function deploymentKey(functionName: string, key: DeploymentKey): string {
  return `deployment:aws_lambda:${functionName}:${key}`;
}

/** One function after a run. */
export interface Deployment {
  readonly command: ApplyResult['command'];
  readonly result: FunctionResult;
  /** What was served before and after a run that found nothing to do; `null`: nothing. */
  readonly served: Version | null;
  /** Without a qualifier. Absent with `packageType`: the function could not be read. */
  readonly arn?: string;
  readonly packageType?: 'Zip' | 'Image';
}

/**
 * What the plugin would have written of this run, in its own words; never an empty value, which the meta-data cannot hold. Of several
 * aliases the last in the file's order counts, since the keys know of one. A rollout that waits at a share is a `success` with
 * `canary_version` and `canary_weight`; nothing is ever deleted, so that a rollout that is over has the weight 0.
 */
export function deploymentValues(deployment: Deployment): Readonly<Partial<Record<DeploymentKey, string>>> {
  const { result, arn, packageType } = deployment;
  const alias = result.aliases.at(-1);
  const current = alias === undefined ? deployment.served : alias.version;
  const previous = alias?.previousVersion === current ? null : (alias?.previousVersion ?? null);
  const arnOf = (version: Version | null): string | null =>
    version === null || arn === undefined ? null : `${arn}:${version}`;
  const wentBack = result.result === 'rolled_back';
  const values = {
    current_version: current,
    current_arn: arnOf(current),
    previous_version: previous,
    previous_arn: arnOf(previous),
    result: resultOf(deployment),
    package_type: packageType ?? null,
    auto_rollback: String(wentBack),
    ...canaryOf(deployment),
    rollback_completed: wentBack || isGoneBack(deployment) ? 'true' : null,
    failed_version_preserved: failedVersion(result, current),
  };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null && value !== ''));
}

function resultOf({ command, result }: Deployment): 'success' | 'failed' | 'rolled_back' | 'promoted' {
  if (result.result === 'rolled_back') return command === 'apply' ? 'rolled_back' : 'failed';
  if (result.result === 'failed') return 'failed';
  if (command === 'promote' && result.result === 'succeeded') return 'promoted';
  return command === 'apply' || command === 'promote' ? 'success' : 'rolled_back';
}

function isGoneBack({ command, result }: Deployment): boolean {
  return (command === 'rollback' || command === 'abort') && result.result === 'succeeded';
}

function canaryOf({ command, result }: Deployment): { canary_version?: string; canary_weight?: string } {
  const [share] = Object.entries(result.aliases.at(-1)?.weights ?? {});
  if (share !== undefined) return { canary_version: share[0], canary_weight: String(share[1]) };
  return command === 'apply' ? {} : { canary_weight: '0' };
}

/** A version that was published, and serves nobody because its deployment failed. */
function failedVersion({ result, version }: FunctionResult, current: Version | null): Version | null {
  const hasFailed = result === 'failed' || result === 'rolled_back';
  return hasFailed && version !== LATEST && version !== current ? version : null;
}
