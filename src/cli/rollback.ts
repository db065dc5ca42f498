import type { ExitCode } from '../errors.js';
import { renderPlan } from '../render/plan.js';
import { toDesired } from '../spec/load.js';
import { requireOtherApprover } from './approval.js';
import { scopeOf } from './build-scope.js';
import { withTarget } from './build-target.js';
import { chooseOne } from './choose-alias.js';
import { conclude } from './conclude.js';
import { confirm, requireConfirmable } from './confirm.js';
import type { Context } from './context.js';
import { assemblePlan } from './digest.js';
import { prepareRollback } from './rollback-job.js';
import { loadForRollback, requirePayloads } from './rollback-spec.js';
import { openSessions } from './session.js';

/**
 * Goes back to the deployment before the one that is live: plans, asks, applies. Needs no archive: the code comes from the version.
 *
 * @throws NOT_APPROVED; USAGE when it is not clear which alias; BUILD_AGENT, SECRET_UNKNOWN, NO_ROLLBACK_TARGET, VERSION_NOT_FOUND before anything is touched
 */
export async function rollback(given: Context): Promise<ExitCode> {
  requireOtherApprover(given);
  requireConfirmable(given);
  const context = await withTarget(given);
  context.output.group('Reading the file, AWS and the records');
  const { chosen, checks } = await loadForRollback(context);
  const scope = scopeOf(context, checks);
  context.build?.concerns(scope);
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
    context.output.group('Plan');
    context.output.preface([...renderPlan(document), []]);
    if (job.planned.plan.operations.some(({ type }) => type === 'Invoke')) requirePayloads(checks);
    await confirm(context, 'Roll back like this?');
  }
  return conclude(context, 'rollback', [job], scope).finally(() => job.close?.());
}
