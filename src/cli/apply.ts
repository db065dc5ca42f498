import type { ExitCode } from '../errors.js';
import { exitCodeOf } from '../apply/apply.js';
import type { RecordMeta } from '../apply/job.js';
import type { DesiredFunction } from '../model/function.js';
import type { Origin } from '../model/record.js';
import { renderPlan } from '../render/plan.js';
import { renderResult } from '../render/result.js';
import type { LoadedSpec } from '../spec/load.js';
import { findDoubts, refuseDoubts, withDoubts } from './ancestry.js';
import { confirm, requireConfirmable } from './confirm.js';
import type { Context } from './context.js';
import { execute } from './execute.js';
import { planAll, type Planning } from './planning.js';
import { readOrigin } from './origin.js';
import { requireSecrets, withSecrets } from './secrets.js';
import { loadSelected } from './spec.js';

/**
 * Brings AWS to what the file says: plans, asks, applies exactly that plan.
 *
 * @throws CONFIRMATION_REQUIRED before any call when nobody can be asked and `--yes` is not given; OLDER_COMMIT,
 *   ANCESTRY_UNPROVEN before any write
 */
export async function apply(context: Context): Promise<ExitCode> {
  requireConfirmable(context);
  const spec = await withSecrets(context, await loadSelected(context));
  requireSecrets(spec);
  const [planning, origin] = await Promise.all([planAll(context, spec), readOrigin(context.host)]);
  try {
    return await carryOut(context, spec, planning, origin);
  } finally {
    await planning.codes.close();
  }
}

/** The code as a record keeps it. */
function codeOf({ code }: DesiredFunction): Pick<RecordMeta, 'code'> {
  if (code === undefined) return {};
  const { source, codeSha256 } = code;
  if (code.kind === 'image' || code.object === undefined) return { code: { source, codeSha256 } };
  const { isThere: _, ...object } = code.object;
  return { code: { source, codeSha256, object } };
}

async function carryOut(context: Context, spec: LoadedSpec, planning: Planning, origin: Origin): Promise<ExitCode> {
  const doubts = await findDoubts(context, planning.jobs, origin.commit);
  refuseDoubts(context, doubts, spec.requireAncestry);
  const document = withDoubts(context, planning.document, doubts, spec.requireAncestry);
  if (document.changes) {
    context.output.preface([...renderPlan(document), []]);
    await confirm(context, 'Apply this plan?');
  }
  const jobs = planning.jobs.map((job) => ({
    session: job.session,
    planned: job,
    desired: job.desired,
    live: job.live,
    known: [...job.records.values()].flat(),
    code: () => planning.codes.payload(job.desired.key),
    archive: () => planning.codes.archive(job.desired.key),
    meta: {
      action: 'deploy' as const,
      origin,
      spec: spec.functions.find(({ key }) => key === job.desired.key)?.asWritten,
      ...codeOf(job.desired),
    },
  }));
  const result = await execute(context, 'apply', jobs);
  context.output.result(result, renderResult(result));
  return exitCodeOf(result);
}
