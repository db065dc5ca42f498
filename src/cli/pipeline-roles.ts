import { partitionOf } from '../iam/arn.js';
import type { DeployTarget } from '../model/pipeline.js';
import type { PipelineTarget } from '../render/pipeline.js';
import type { Context } from './context.js';
import { accountOfRole, usage } from './step-options.js';

/** Where the account is not known: a name that no account has. */
export const NO_ACCOUNT = 'ACCOUNT';

/** The target with the roles of its steps, as options or their defaults say. @throws USAGE */
export function withRoles({ options }: Context, target: DeployTarget): PipelineTarget {
  const [planRole, applyRole] = (['plan', 'apply'] as const).map((use) => {
    const given = options[`${use}Role`];
    return roleArn(`--${use}-role`, typeof given === 'string' ? given : `lambda-deploy-${use}`, target);
  });
  if (planRole === applyRole)
    throw usage('plan and apply have the same role, so that a pull request could change AWS.', 'give each its own.');
  return { ...target, planRole: planRole ?? '', applyRole: applyRole ?? '' };
}

/** A role by its ARN, or by the name that it has in every account. @throws USAGE */
function roleArn(option: string, role: string, { account, region = '' }: DeployTarget): string {
  const own = accountOfRole(role);
  if (own !== undefined && (account === undefined || own === account)) return role;
  if (own !== undefined)
    throw usage(
      `${option} is of account ${own}, the file has ${account}.`,
      'give the role by its name, for every account.',
    );
  if (!/^[\w+=,.@/-]+$/.test(role))
    throw usage(`${option} ${JSON.stringify(role)} is no role.`, 'give a name or an ARN.');
  return `arn:${partitionOf(region)}:iam::${account ?? NO_ACCOUNT}:role/${role}`;
}
