import type { MetadataStore } from '../model/function.js';
import type { PlanDocument, Warning } from '../model/plan.js';
import type { DeployRecord } from '../model/record.js';
import { describeRunning, runningElsewhere } from '../model/running.js';
import type { PlannedFunction } from '../planner/deploy.js';
import type { Context } from './context.js';
import { jobOf } from './origin.js';
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
  const job = jobOf(host.env);
  const claim = {
    specDigest: plan.specDigest,
    now: new Date(host.clock.now()).toISOString(),
    ...(job === undefined ? {} : { job }),
  };
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

/**
 * The plan with a warning where its records hold nobody off: those of a build are seen by no other. Not where nothing changes, nor
 * where the steps that `--upload-steps` adds are all that can apply it: they have one concurrency group.
 */
export function withoutLock(
  { options }: Pick<Context, 'options'>,
  { store }: MetadataStore,
  document: PlanDocument,
): PlanDocument {
  if (store !== 'buildkite' || !document.changes || options['uploadSteps'] === true) return document;
  return { ...document, warnings: [...document.warnings, NO_LOCK] };
}

const NO_LOCK: Warning = {
  code: 'RECORDS_UNLOCKED',
  message:
    'metadata: buildkite is no lock: a deployment by another build is not seen, and of two jobs of this build that write at once one may lose its record; give all steps that deploy concurrency: 1 and one concurrency_group.',
};

function warning(other: DeployRecord, then: string): Warning {
  return { code: 'DEPLOYMENT_RUNNING', function: other.function, message: `${describeRunning(other)}; ${then}.` };
}
