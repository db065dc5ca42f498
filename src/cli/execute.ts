import { applyPlan, FUNCTIONS_AT_ONCE } from '../apply/apply.js';
import type { ApplyJob, RecordMeta, Settle } from '../apply/job.js';
import { refuseIfTooShort } from '../apply/time-limit.js';
import { waitUntilSettled } from '../aws/wait.js';
import type { ApplyEvent } from '../model/events.js';
import type { ApplyResult } from '../model/result.js';
import type { PlannedFunction } from '../planner/deploy.js';
import { MAX_WAIT_SECONDS } from '../planner/duration.js';
import { BuildProgress } from './build-progress.js';
import type { Scope } from './build-scope.js';
import { VERSION, type Context } from './context.js';
import { pastedOptions } from './pasted.js';
import { startProgress } from './progress.js';
import type { Session } from './session.js';
import { readTimeLimits } from './time-limits.js';

/** A plan with what it is carried out with, before the parts that are the same for every function. */
export type Job = Omit<ApplyJob, 'plan' | 'target' | 'meta'> & {
  readonly session: Session;
  readonly planned: PlannedFunction;
  readonly meta: Omit<RecordMeta, 'toolVersion'>;
};

/**
 * Carries plans out, each function through its own session's ports, telling on stderr, and on the page of a build, what happens.
 *
 * @param scope what the build's annotation is about; absent: it gets none
 * @throws TIME_TOO_SHORT before any write when a rollout could be cut off half-way
 */
export async function execute(
  context: Context,
  command: ApplyResult['command'],
  jobs: readonly Job[],
  scope?: Scope,
): Promise<ApplyResult> {
  const { host, output, build } = context;
  await build?.handOverSecrets();
  const limits = await readTimeLimits(
    host,
    jobs.map(({ session }) => session),
  );
  refuseIfTooShort(
    jobs.map(({ planned }) => planned.plan),
    limits,
    FUNCTIONS_AT_ONCE,
    host.clock.now(),
  );
  const redact = (text: string): string => output.redactor.redact(text);
  const shared = { clock: host.clock, random: host.random, redact, signal: host.signal };
  const plans = jobs.map(({ planned }) => planned.plan);
  const progress = await startProgress(context, plans);
  const page =
    build === undefined || scope === undefined
      ? undefined
      : new BuildProgress({ ...context, build }, command, scope, plans);
  const work = jobs.map(({ session, planned, meta, ...job }, index) => ({
    job: {
      ...job,
      plan: planned.plan,
      target: planned.target,
      meta: { ...meta, toolVersion: VERSION },
      pasted: pastedOptions(context.options, scope, session.lambda.region),
    },
    ports: {
      ...shared,
      emit: (event: ApplyEvent) => {
        progress.tell(index, event);
        page?.tell(index, event);
      },
      lambda: session.lambda,
      records: session.records,
      alarms: session.alarms,
      objects: session.objects,
      settle: settling(context, session),
    },
  }));
  try {
    return await applyPlan(command, work);
  } finally {
    await Promise.all([progress.close(), page?.close()]);
  }
}

function settling({ host, output }: Context, { lambda }: Session): Settle {
  return async (name, qualifier, onWait, signal) => {
    const limits = { maxWaitSeconds: MAX_WAIT_SECONDS, onWait };
    const read = await waitUntilSettled(lambda, host.clock, name, qualifier, limits, signal);
    output.redactor.learnVersion(read.version);
    return read;
  };
}
