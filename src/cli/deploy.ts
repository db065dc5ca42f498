import type { ExitCode } from '../errors.js';
import type { PlanDocument } from '../model/plan.js';
import { renderPlan } from '../render/plan.js';
import { findDoubts, refuseDoubts, withDoubts } from './ancestry.js';
import { scopeOf } from './build-scope.js';
import { carryOut } from './carry-out.js';
import { printResult, type Print } from './conclude.js';
import { confirm } from './confirm.js';
import type { Context } from './context.js';
import { refuseHolds } from './holds.js';
import { readOrigin } from './origin.js';
import { planAll } from './planning.js';
import { requireSecrets, withSecrets } from './secrets.js';
import { loadSelected } from './spec.js';

/**
 * Plans from the file, shows it, asks, and carries exactly that out.
 *
 * @param refuse throws for a plan that is more than its caller may do
 * @param print what came of it, instead of the result of `apply`
 * @throws CONFIRMATION_REQUIRED, OLDER_COMMIT, ANCESTRY_UNPROVEN, ALIAS_HELD before any write
 */
export async function deploy(
  context: Context,
  refuse: (document: PlanDocument) => void = () => undefined,
  print: Print = printResult,
): Promise<ExitCode> {
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
    refuse(document);
    if (document.changes) {
      context.output.group('Plan');
      context.output.preface([...renderPlan(document), []]);
      await confirm(context, 'Apply this plan?');
    }
    return await carryOut(context, spec, planning, { origin, scope, print });
  } finally {
    await planning.codes.close();
  }
}
