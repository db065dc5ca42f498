import { DeployError, type ExitCode } from '../errors.js';
import { renderPlan } from '../render/plan.js';
import { findDoubts, refuseDoubts, withDoubts } from './ancestry.js';
import { requireOtherApprover } from './approval.js';
import { applyPlanFile } from './apply-plan-file.js';
import { scopeOf } from './build-scope.js';
import { carryOut } from './carry-out.js';
import { confirm, requireConfirmable } from './confirm.js';
import type { Context } from './context.js';
import { refuseHolds } from './holds.js';
import { planAll } from './planning.js';
import { readOrigin } from './origin.js';
import { requireSecrets, withSecrets } from './secrets.js';
import { loadSelected } from './spec.js';

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
  context.output.group('Reading the file, AWS and the records');
  const spec = await withSecrets(context, await loadSelected(context));
  const scope = scopeOf(context, spec);
  context.build?.concerns(scope);
  requireSecrets(spec);
  const [planning, origin] = await Promise.all([planAll(context, spec), readOrigin(context.host)]);
  try {
    const doubts = await findDoubts(context, planning.jobs, origin.commit);
    refuseDoubts(context, doubts, spec.requireAncestry);
    refuseHolds(planning.document.functions);
    const document = withDoubts(context, planning.document, doubts, spec.requireAncestry);
    if (document.changes) {
      context.output.group('Plan');
      context.output.preface([...renderPlan(document), []]);
      await confirm(context, 'Apply this plan?');
    }
    return await carryOut(context, spec, planning, origin, scope);
  } finally {
    await planning.codes.close();
  }
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
