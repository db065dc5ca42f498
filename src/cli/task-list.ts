import {
  DefaultRenderer,
  Listr,
  ListrDefaultRendererLogLevels as Mark,
  ListrLogger,
  ProcessOutput,
  type ListrTask,
  type ListrTaskWrapper,
} from 'listr2';
import type { ApplyEvent } from '../model/events.js';
import type { FunctionPlan, Operation } from '../model/plan.js';
import { renderEvent, renderOutcome, renderStepEnd, stepLabel } from '../render/result.js';
import { as, type Line, type Role } from '../render/text.js';
import { safe, type Progress, type Telling } from './progress.js';

/** How often the time that a step has taken is written anew. */
const TICK_MS = 1_000;

/** Draws on stderr, which may be a terminal where stdout is none. */
class Renderer extends DefaultRenderer {
  public static override readonly nonTTY = true;
}

type Wrapper = ListrTaskWrapper<unknown, typeof Renderer, typeof Renderer>;
type Task = ListrTask<unknown, typeof Renderer, typeof Renderer>;

type Ending = { readonly status: 'done' | 'failed'; readonly text: string } | { readonly status: 'skipped' };

/** A task that ends when {@link settle} is called; later calls change nothing. */
interface Pending<T> {
  readonly ended: Promise<T>;
  readonly settle: (ending: T) => void;
  /** There once the list has come to the task. */
  task?: Wrapper;
  output?: string;
}

interface FunctionTask extends Pending<void> {
  readonly name: string;
  /** The title once it has ended. */
  outcome?: string;
  readonly steps: ReadonlyMap<Operation, Pending<Ending>>;
  current?: { readonly operation: Operation; readonly since: number };
}

/**
 * The live list: a task a function, under it one for each of its calls, driven by events alone. Log tails follow when it has
 * ended, whole.
 */
export class TaskList implements Progress {
  private readonly functions: ReadonlyMap<number, FunctionTask>;
  private readonly tails: ApplyEvent[] = [];
  private readonly timer: NodeJS.Timeout;
  private readonly drawn: Promise<unknown>;

  constructor(
    private readonly context: Telling,
    terminal: NodeJS.WriteStream,
    plans: readonly FunctionPlan[],
  ) {
    const changed = [...plans.entries()].filter(([, { action }]) => action !== 'none');
    this.functions = new Map(changed.map(([job, plan]) => [job, toFunctionTask(plan)]));
    const tasks = [...this.functions.values()].map((one) => this.functionTask(one));
    this.drawn = new Listr<unknown, typeof Renderer, typeof Renderer>(tasks, {
      concurrent: true,
      exitOnError: false,
      // A signal is ours to answer: listr2 would end the process.
      registerSignalListeners: false,
      renderer: Renderer,
      rendererOptions: {
        // One function stays open; of several, those that are done fold up.
        collapseSubtasks: changed.length > 1,
        logger: new ListrLogger({ useIcons: true, toStderr: [], processOutput: new ProcessOutput(terminal, terminal) }),
        color: this.colors(),
      },
    }).run();
    this.timer = setInterval(() => this.tick(), TICK_MS);
    this.timer.unref();
  }

  tell(job: number, event: ApplyEvent): void {
    const one = this.functions.get(job);
    if (one === undefined) return;
    one.settle();
    switch (event.type) {
      case 'step-started':
        // Steps come in the plan's order: what was passed over stays undone.
        for (const [operation, step] of one.steps) {
          if (operation === event.operation) break;
          step.settle({ status: 'skipped' });
        }
        one.current = { operation: event.operation, since: this.context.host.clock.now() };
        return;
      case 'step-ended': {
        const status = event.status === 'failed' ? 'failed' : 'done';
        one.steps.get(event.operation)?.settle({ status, text: this.text(renderStepEnd(event)) });
        delete one.current;
        return;
      }
      case 'log-tail':
        return void this.tails.push(event);
      case 'ended':
        for (const step of one.steps.values()) step.settle({ status: 'skipped' });
        one.outcome = this.text(renderOutcome({ ...event, function: one.name }));
        if (one.task !== undefined) one.task.title = one.outcome;
        return;
      default: {
        const step = one.current && one.steps.get(one.current.operation);
        show(step ?? one, this.text(renderEvent(event, false).flat().slice(1)));
      }
    }
  }

  /** Ends the list as it stands. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    for (const one of this.functions.values()) {
      one.settle();
      if (one.current !== undefined) {
        const text = this.text([stepLabel(one.current.operation), ': stopping, what becomes of it follows']);
        one.steps.get(one.current.operation)?.settle({ status: 'failed', text });
      }
      for (const step of one.steps.values()) step.settle({ status: 'skipped' });
    }
    await this.drawn;
    const { output } = this.context;
    for (const tail of this.tails.splice(0)) output.progress(renderEvent(safe(this.context, tail), false));
  }

  private functionTask(one: FunctionTask): Task {
    return {
      title: this.text([as('title', one.name)]),
      task: async (_, task) => {
        adopt(one, task);
        await one.ended;
        // The list may be drawn only when all is over.
        if (one.outcome !== undefined) task.title = one.outcome;
        const steps = [...one.steps].map(([operation, step]) => this.stepTask(operation, step));
        return task.newListr(steps, { concurrent: false, exitOnError: false });
      },
    };
  }

  private stepTask(operation: Operation, step: Pending<Ending>): Task {
    return {
      title: this.text([stepLabel(operation)]),
      task: async (_, task) => {
        adopt(step, task);
        const ending = await step.ended;
        if (ending.status === 'skipped') return task.skip();
        // Of a failed task listr2 shows the error's message in place of the title.
        if (ending.status === 'failed') throw new Error(ending.text);
        task.title = ending.text;
      },
    };
  }

  private tick(): void {
    const now = this.context.host.clock.now();
    for (const { steps, current } of this.functions.values()) {
      const task = current && steps.get(current.operation)?.task;
      if (task === undefined || current === undefined) continue;
      const seconds = Math.floor((now - current.since) / 1000);
      if (seconds > 0) task.title = this.text([stepLabel(current.operation), as('dim', `  ${seconds} s`)]);
    }
  }

  private text(line: Line): string {
    return this.context.output.styled([line]);
  }

  private colors(): Partial<Record<Mark, (icon: string | undefined) => string>> {
    const roles: Partial<Record<Mark, Role>> = {
      [Mark.PENDING]: 'change',
      [Mark.COMPLETED]: 'good',
      [Mark.COMPLETED_WITH_FAILED_SUBTASKS]: 'bad',
      [Mark.FAILED]: 'bad',
      [Mark.FAILED_WITH_FAILED_SUBTASKS]: 'bad',
      [Mark.SKIPPED_WITH_COLLAPSE]: 'dim',
      [Mark.WAITING]: 'dim',
    };
    const brushes = Object.entries(roles).map(([mark, role]) => [
      mark,
      (icon: string | undefined): string => this.text([as(role, icon ?? '')]),
    ]);
    return Object.fromEntries(brushes) as Partial<Record<Mark, (icon: string | undefined) => string>>;
  }
}

function toFunctionTask({ name, region, operations }: FunctionPlan): FunctionTask {
  const steps = new Map(operations.map((operation) => [operation, pending<Ending>()]));
  return { name: region === undefined ? name : `${name} (${region})`, steps, ...pending<void>() };
}

function pending<T>(): Pending<T> {
  let settle: (ending: T) => void = () => undefined;
  const ended = new Promise<T>((resolve) => (settle = resolve));
  return { ended, settle };
}

function adopt(one: Pending<never> | Pending<void> | Pending<Ending>, task: Wrapper): void {
  one.task = task;
  if (one.output !== undefined) task.output = one.output;
}

function show(one: Pending<void> | Pending<Ending>, text: string): void {
  one.output = text;
  if (one.task !== undefined) one.task.output = text;
}
