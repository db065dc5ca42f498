import { exitCodeOf } from '../apply/apply.js';
import type { ExitCode } from '../errors.js';
import { renderPlan } from '../render/plan.js';
import { renderResult } from '../render/result.js';
import { toDesired, type LoadedSpec } from '../spec/load.js';
import { checksOf, chooseOne } from './choose-alias.js';
import { confirm, requireConfirmable } from './confirm.js';
import type { Context } from './context.js';
import { assemblePlan } from './digest.js';
import { execute } from './execute.js';
import { prepareRollback } from './rollback-job.js';
import { requireSecrets, withSecrets } from './secrets.js';
import { openSessions } from './session.js';
import { loadSelected } from './spec.js';

/**
 * Goes back to the deployment before the one that is live: plans, asks, applies. Needs no archive: the code comes from the version.
 *
 * @throws USAGE when it is not clear which alias; SECRET_UNKNOWN, NO_ROLLBACK_TARGET, VERSION_NOT_FOUND before anything is touched
 */
export async function rollback(context: Context): Promise<ExitCode> {
  requireConfirmable(context);
  const spec = withoutChecks(context, await loadSelected(context));
  const checks = await withSecrets(context, checksOf(spec, chooseOne(spec, 'A rollback')));
  const desired = toDesired(checks, new Map());
  const { one, alias } = chooseOne(desired, 'A rollback');
  const session = await openSessions(context, desired)(one);
  const bucket = spec.functions.find(({ key }) => key === one.key)?.codeSource?.uploadBucket;
  const job = await prepareRollback(context, session, desired, { one, alias, bucket });
  const document = assemblePlan('rollback', [job.planned.plan], job.planned.warnings);
  if (context.options['planOnly'] === true) {
    context.output.result(document, renderPlan(document));
    return 0;
  }
  if (document.changes) {
    context.output.preface([...renderPlan(document), []]);
    if (job.planned.plan.operations.some(({ type }) => type === 'Invoke')) requireSecrets(checks);
    await confirm(context, 'Roll back like this?');
  }
  const result = await execute(context, 'rollback', [job]).finally(() => job.close?.());
  context.output.result(result, renderResult(result));
  return exitCodeOf(result);
}

/** With `--skip-check` whoever calls answers for the target. */
function withoutChecks({ options }: Context, spec: LoadedSpec): LoadedSpec {
  if (options['skipCheck'] !== true) return spec;
  const functions = spec.functions.map((one) => ({
    ...one,
    aliases: one.aliases.map((alias) => ({ ...alias, healthChecks: [] })),
    templates: one.templates.filter((leaf) => !('alias' in leaf)),
  }));
  return { ...spec, functions };
}
