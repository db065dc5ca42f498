import { exitCodeOf } from '../apply/apply.js';
import type { ExitCode } from '../errors.js';
import { renderPlan } from '../render/plan.js';
import { renderResult } from '../render/result.js';
import { toDesired } from '../spec/load.js';
import { chooseOne } from './choose-alias.js';
import { confirm, requireConfirmable } from './confirm.js';
import type { Context } from './context.js';
import { assemblePlan } from './digest.js';
import { execute } from './execute.js';
import { prepareRollback } from './rollback-job.js';
import { loadForRollback, requirePayloads } from './rollback-spec.js';
import { openSessions } from './session.js';

/**
 * Goes back to the deployment before the one that is live: plans, asks, applies. Needs no archive: the code comes from the version.
 *
 * @throws USAGE when it is not clear which alias; SECRET_UNKNOWN, NO_ROLLBACK_TARGET, VERSION_NOT_FOUND before anything is touched
 */
export async function rollback(context: Context): Promise<ExitCode> {
  requireConfirmable(context);
  const { chosen, checks } = await loadForRollback(context);
  const desired = toDesired(checks, new Map());
  const { one, alias } = chooseOne(desired, 'A rollback');
  const session = await openSessions(context, desired)(one);
  const references = chosen.one.templates.flatMap((leaf) => ('variable' in leaf ? [leaf.variable] : []));
  const bucket = chosen.one.codeSource?.uploadBucket;
  const job = await prepareRollback(context, session, { one, alias, bucket, references, checks });
  const document = assemblePlan('rollback', [job.planned.plan], job.planned.warnings);
  if (context.options['planOnly'] === true) {
    context.output.result(document, renderPlan(document));
    return 0;
  }
  if (document.changes) {
    context.output.preface([...renderPlan(document), []]);
    if (job.planned.plan.operations.some(({ type }) => type === 'Invoke')) requirePayloads(checks);
    await confirm(context, 'Roll back like this?');
  }
  const result = await execute(context, 'rollback', [job]).finally(() => job.close?.());
  context.output.result(result, renderResult(result));
  return exitCodeOf(result);
}
