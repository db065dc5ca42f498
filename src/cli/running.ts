import type { Warning } from '../model/plan.js';
import type { DeployRecord } from '../model/record.js';
import { describeRunning, runningElsewhere } from '../model/running.js';
import type { PlannedFunction } from '../planner/deploy.js';
import type { Context } from './context.js';
import type { FunctionState } from './session.js';

/**
 * The warnings of a plan, with the deployment that another run has under way in place of the unfinished one that it would be
 * without a deadline: apply refuses to write into it, unless it is told to take over.
 */
export function withRunning(
  { host, options }: Pick<Context, 'host' | 'options'>,
  { plan, warnings }: PlannedFunction,
  records: FunctionState['records'],
): readonly Warning[] {
  const claim = { specDigest: plan.specDigest, now: new Date(host.clock.now()).toISOString() };
  const others =
    plan.action === 'none' ? [] : [...records.values()].flatMap((own) => runningElsewhere(own, claim) ?? []);
  if (others.length === 0) return warnings;
  const then = options['takeOver'] === true ? '--take-over takes it from that run' : 'apply refuses until then';
  return [
    ...warnings.filter(({ code }) => code !== 'UNFINISHED_RECORD'),
    ...others.map((other) => warning(other, then)),
  ];
}

/** What is said of a deployment under way by a command that is not refused for it. @param records of one alias, newest first */
export function takesOverWarnings(
  { host }: Pick<Context, 'host'>,
  records: readonly DeployRecord[],
): readonly Warning[] {
  const other = runningElsewhere(records, { specDigest: '', now: new Date(host.clock.now()).toISOString() });
  return other === undefined ? [] : [warning(other, 'this command takes it from that run')];
}

function warning(other: DeployRecord, then: string): Warning {
  return { code: 'DEPLOYMENT_RUNNING', function: other.function, message: `${describeRunning(other)}; ${then}.` };
}
