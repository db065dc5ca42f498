import type { ExitCode } from '../errors.js';
import { renderPlan } from '../render/plan.js';
import { findDoubts, withDoubts } from './ancestry.js';
import type { Context } from './context.js';
import { readOrigin } from './origin.js';
import { planAll } from './planning.js';
import { withSecrets } from './secrets.js';
import { loadSelected } from './spec.js';

/** Shows what apply would do, and why. Makes no mutating call. */
export async function plan(context: Context): Promise<ExitCode> {
  const spec = await withSecrets(context, await loadSelected(context));
  const [planning, { commit }] = await Promise.all([planAll(context, spec), readOrigin(context.host)]);
  await planning.codes.close();
  const doubts = await findDoubts(context, planning.jobs, commit);
  const document = withDoubts(context, planning.document, doubts, spec.requireAncestry);
  context.output.result(document, renderPlan(document));
  return document.changes && context.options['detailedExitcode'] === true ? 2 : 0;
}
