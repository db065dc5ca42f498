import type { ExitCode } from '../errors.js';
import type { PlanDocument } from '../model/plan.js';
import { renderPlan } from '../render/plan.js';
import { planAnnotation } from '../render/plan-annotation.js';
import type { LoadedSpec } from '../spec/load.js';
import { findDoubts, withDoubts } from './ancestry.js';
import { tellPlan } from './build-plan.js';
import { scopeOf } from './build-scope.js';
import type { Context } from './context.js';
import { readOrigin } from './origin.js';
import { writePlanFile } from './plan-file.js';
import { planSnapshot } from './plan-snapshot.js';
import { planAll } from './planning.js';
import { withSecrets } from './secrets.js';
import { loadSelected } from './spec.js';
import { readUpload, uploadSteps } from './upload-steps.js';

/**
 * Shows what apply would do, and why; with `--out` also as a file that apply takes, with `--upload-steps` also as steps of the build.
 * Makes no mutating call.
 */
export async function plan(context: Context): Promise<ExitCode> {
  const { liveState } = context.options as { readonly liveState?: string };
  if (liveState !== undefined) {
    const { spec, document } = await planSnapshot(context, liveState);
    return show(context, spec, document);
  }
  context.output.group('Reading the file, AWS and the records');
  const loaded = await loadSelected(context);
  const upload = readUpload(context, loaded);
  const spec = await withSecrets(context, loaded);
  context.build?.concerns(scopeOf(context, spec));
  const [planning, { commit }] = await Promise.all([planAll(context, spec), readOrigin(context.host)]);
  try {
    const doubts = await findDoubts(context, planning.jobs, commit);
    const shown = withDoubts(context, planning.document, doubts, spec.requireAncestry);
    const { out = upload?.out } = context.options as { readonly out?: string };
    const file =
      out === undefined ? undefined : await writePlanFile(context, out, spec, { ...planning, document: shown });
    const exitCode = await show(context, spec, file ?? shown, out);
    if (upload !== undefined && file !== undefined) await uploadSteps(context, upload, file, planning.jobs);
    return exitCode;
  } finally {
    await planning.codes.close();
  }
}

async function show(context: Context, spec: LoadedSpec, document: PlanDocument, out?: string): Promise<ExitCode> {
  context.output.group('Plan', document.changes ? 'open' : 'closed');
  context.output.result(document, renderPlan(document), (shown) => planAnnotation(shown, scopeOf(context, spec)));
  if (out !== undefined) context.output.diagnostics([[`The plan is in ${out}: lambda-deploy apply ${out}`]]);
  await tellPlan(context, spec, document, out);
  return document.changes && context.options['detailedExitcode'] === true ? 2 : 0;
}
