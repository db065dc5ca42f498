import { applyPlan, FUNCTIONS_AT_ONCE } from '../apply/apply.js';
import type { ApplyJob, RecordMeta, Settle } from '../apply/job.js';
import { refuseIfTooShort } from '../apply/time-limit.js';
import { waitUntilSettled } from '../aws/wait.js';
import type { ApplyResult } from '../model/result.js';
import type { ApplyEvent } from '../model/events.js';
import type { PlannedFunction } from '../planner/deploy.js';
import { renderEvent } from '../render/result.js';
import { VERSION, type Context } from './context.js';
import { MAX_WAIT_SECONDS, type Session } from './session.js';
import { readTimeLimits } from './time-limits.js';

/** Silence is told at this rhythm: in CI a line a poll would drown the log. */
const HEARTBEAT_SECONDS = 10;

/** A plan with what it is carried out with, before the parts that are the same for every function. */
export type Job = Omit<ApplyJob, 'plan' | 'target' | 'meta'> & {
  readonly session: Session;
  readonly planned: PlannedFunction;
  readonly meta: Omit<RecordMeta, 'toolVersion'>;
};

/**
 * Carries plans out, each function through its own session's ports, telling on stderr what happens.
 *
 * @throws TIME_TOO_SHORT before any write when a rollout could be cut off half-way
 */
export async function execute(
  context: Context,
  command: ApplyResult['command'],
  jobs: readonly Job[],
): Promise<ApplyResult> {
  const { host, output, options } = context;
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
  const emit = quietly((event) => {
    // Before it is taken apart into lines: a secret may have several.
    const safe = event.type === 'log-tail' ? { ...event, text: redact(event.text) } : event;
    output.progress(renderEvent(safe, options.verbose));
  });
  const shared = { clock: host.clock, random: host.random, emit, redact, signal: host.signal };
  return applyPlan(
    command,
    jobs.map(({ session, planned, meta, ...job }) => ({
      job: { ...job, plan: planned.plan, target: planned.target, meta: { ...meta, toolVersion: VERSION } },
      ports: {
        ...shared,
        lambda: session.lambda,
        records: session.records,
        alarms: session.alarms,
        objects: session.objects,
        settle: settling(context, session),
      },
    })),
  );
}

function settling({ host, output }: Context, { lambda }: Session): Settle {
  return async (name, qualifier, onWait, signal) => {
    const limits = { maxWaitSeconds: MAX_WAIT_SECONDS, onWait };
    const read = await waitUntilSettled(lambda, host.clock, name, qualifier, limits, signal);
    output.redactor.learnVersion(read.version);
    return read;
  };
}

/** Passes on a wait only every ten seconds of it. */
function quietly(emit: (event: ApplyEvent) => void): (event: ApplyEvent) => void {
  const told = new Map<string, number>();
  return (event) => {
    if (event.type === 'waiting') {
      const beat = Math.floor(event.seconds / HEARTBEAT_SECONDS);
      if (beat === 0 || told.get(event.function) === beat) return;
      told.set(event.function, beat);
    }
    emit(event);
  };
}
