import type { ApplyEvent } from '../model/events.js';
import type { FunctionPlan, Operation } from '../model/plan.js';
import { renderEvent, renderUnderWay } from '../render/result.js';
import type { Context } from './context.js';

/** Silence is told at this rhythm: in CI a line a poll would drown the log. */
const HEARTBEAT_MS = 10_000;

const LOOK_MS = 1_000;

/** Tells people on stderr what a run does. */
export interface Progress {
  /** @param job the place of the function's plan among the plans: names may be the same in two regions */
  tell(job: number, event: ApplyEvent): void;
  /** Everything told is written, and stderr is as it was. */
  close(): Promise<void>;
}

/** What progress needs to know. */
export type Telling = Pick<Context, 'host' | 'output' | 'options'>;

/**
 * A task list on a terminal, lines anywhere else. A signal ends the list, and what is done then is told in lines. `--quiet` tells
 * nothing.
 */
export async function startProgress(context: Telling, plans: readonly FunctionPlan[]): Promise<Progress> {
  const { host, options } = context;
  const isWorth = plans.some(({ action }) => action !== 'none');
  if (host.terminal === undefined || options.quiet || options.format !== 'text' || isLog(context) || !isWorth)
    return new ProgressLines(context);
  const { TaskList } = await import('./task-list.js');
  return untilAborted(new TaskList(context, host.terminal, plans), host.signal, () => new ProgressLines(context));
}

/** Whether what is written is kept as it is written. CI gives jobs a terminal, too, and keeps what it sees as a log. */
function isLog({ host: { env } }: Telling): boolean {
  const isSet = (value: string | undefined): boolean => value !== undefined && !['', '0', 'false'].includes(value);
  return isSet(env['CI']) || isSet(env['BUILDKITE']) || env['TERM'] === 'dumb';
}

function untilAborted(list: Progress, signal: AbortSignal, makeLines: () => Progress): Progress {
  let lines: Promise<Progress> | undefined;
  const stop = (): void => void (lines ??= list.close().then(makeLines));
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  return {
    tell: (job, event) =>
      lines === undefined ? list.tell(job, event) : void lines.then((rest) => rest.tell(job, event)),
    async close() {
      signal.removeEventListener('abort', stop);
      await (lines === undefined ? list.close() : (await lines).close());
    },
  };
}

/** What a function is at. */
interface UnderWay {
  readonly function: string;
  /** When something was last told of it. */
  toldAt: number;
  step?: { readonly operation: Operation; readonly since: number };
  /** The newest wait of the step. */
  wait?: { readonly event: ApplyEvent & { readonly type: 'waiting' }; readonly at: number };
}

/** A line an event, and one for each function that has been silent for ten seconds, which says what it waits for. */
export class ProgressLines implements Progress {
  private readonly functions = new Map<number, UnderWay>();
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly context: Telling) {
    this.timer = setInterval(() => this.functions.forEach((one) => this.beat(one)), LOOK_MS);
    this.timer.unref();
  }

  tell(job: number, event: ApplyEvent): void {
    const { host, output, options } = this.context;
    const now = host.clock.now();
    const one = this.functions.get(job) ?? { function: event.function, toldAt: now };
    this.functions.set(job, one);
    if (event.type === 'waiting') {
      one.wait = { event, at: now };
      return this.beat(one);
    }
    output.progress(renderEvent(safe(this.context, event), options.verbose));
    one.toldAt = now;
    if (event.type === 'step-started') one.step = { operation: event.operation, since: now };
    if (event.type === 'step-ended') delete one.step;
    if (event.type === 'step-started' || event.type === 'step-ended') delete one.wait;
    if (event.type === 'ended') this.functions.delete(job);
  }

  close(): Promise<void> {
    clearInterval(this.timer);
    return Promise.resolve();
  }

  private beat(one: UnderWay): void {
    const { host, output, options } = this.context;
    const now = host.clock.now();
    if (now - one.toldAt < HEARTBEAT_MS) return;
    const { wait, step } = one;
    if (wait !== undefined) {
      const seconds = wait.event.seconds + (now - wait.at) / 1000;
      output.progress(renderEvent({ ...wait.event, seconds }, options.verbose));
    } else if (step !== undefined) {
      output.progress([renderUnderWay(one.function, step.operation, (now - step.since) / 1000)]);
    } else return;
    one.toldAt = now;
  }
}

/** Redacted before it is taken apart into lines: a secret may have several. */
export function safe({ output }: Pick<Context, 'output'>, event: ApplyEvent): ApplyEvent {
  return event.type === 'log-tail' ? { ...event, text: output.redactor.redact(event.text) } : event;
}
