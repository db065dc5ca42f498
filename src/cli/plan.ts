import type { ExitCode } from '../errors.js';
import { renderPlan } from '../render/plan.js';
import type { Context } from './context.js';
import { planAll } from './planning.js';
import { withSecrets } from './secrets.js';
import { loadSelected } from './spec.js';

/** Shows what apply would do, and why. Makes no mutating call. */
export async function plan(context: Context): Promise<ExitCode> {
  const { codes, document } = await planAll(context, await withSecrets(context, await loadSelected(context)));
  await codes.close();
  context.output.result(document, renderPlan(document));
  return document.changes && context.options['detailedExitcode'] === true ? 2 : 0;
}
