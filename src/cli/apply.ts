import { DeployError, type ExitCode } from '../errors.js';
import { requireOtherApprover } from './approval.js';
import { applyPlanFile } from './apply-plan-file.js';
import { requireConfirmable } from './confirm.js';
import type { Context } from './context.js';
import { deploy } from './deploy.js';

/**
 * Brings AWS to what the file says: plans, asks, applies exactly that plan. With a plan file, that one.
 *
 * @throws CONFIRMATION_REQUIRED before any call when nobody can be asked and `--yes` is not given; NOT_APPROVED
 *   likewise; OLDER_COMMIT, ANCESTRY_UNPROVEN, ALIAS_HELD before any write
 */
export async function apply(context: Context): Promise<ExitCode> {
  requireOtherApprover(context);
  const [planFile] = context.args;
  if (planFile !== undefined) return applyPlanFile(context, planFile);
  refuseWithoutPlanFile(context);
  requireConfirmable(context);
  return deploy(context);
}

/** Whoever names the plan that was approved does not mean the one that would be made now. @throws USAGE */
function refuseWithoutPlanFile({ options }: Context): void {
  const given = [
    ...(options['expect'] === undefined ? [] : ['--expect']),
    ...(options['planStep'] === undefined ? [] : ['--plan-step']),
  ];
  if (given.length === 0) return;
  const detail = `${given.join(' and ')} ${given.length === 1 ? 'is' : 'are'} about a plan file, and none is named.`;
  throw new DeployError('USAGE', detail, { fix: 'name it: lambda-deploy apply FILE, which plan --out FILE wrote.' });
}
