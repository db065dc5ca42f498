import type { ApplyEvent } from '../model/events.js';
import type { FunctionPlan, Operation } from '../model/plan.js';
import type { ApplyResult } from '../model/result.js';
import { progressAnnotation, type FunctionProgress, type ProgressDocument } from '../render/result-annotation.js';
import { stepLabel } from '../render/result.js';
import type { Build } from './build.js';
import { scopeName, type Scope } from './build-scope.js';
import type { Context } from './context.js';

/** A run that is over sooner gets its result alone; a longer one is shown anew at this rhythm at most. */
const RHYTHM_MS = 5_000;

const LOOK_MS = 1_000;

/** A function with the call it is at. */
type UnderWay = FunctionProgress & { readonly operation?: Operation };

/**
 * Shows on the build's page how far a run is, in the annotation that will have its result. Nothing waits for it: one update is under
 * way at most, those that come meanwhile become one, and a signal ends them.
 */
export class BuildProgress {
  private readonly functions: UnderWay[];
  private readonly timer: NodeJS.Timeout;
  private toldAt: number;
  private isNew = false;
  private underWay: Promise<unknown> | undefined;

  constructor(
    private readonly context: Context & { readonly build: Build },
    private readonly command: ApplyResult['command'],
    private readonly scope: Scope,
    plans: readonly FunctionPlan[],
  ) {
    this.functions = plans.map(({ name, operations }) => ({ name, done: 0, total: operations.length, shares: [] }));
    this.toldAt = context.host.clock.now();
    this.timer = setInterval(() => this.look(), LOOK_MS);
    this.timer.unref();
  }

  /** @param job the place of the function's plan among the plans */
  tell(job: number, event: ApplyEvent): void {
    const before = this.functions[job];
    const after = before && advance(before, event);
    if (after === undefined || after === before) return;
    this.functions[job] = after;
    this.isNew = true;
    this.look();
  }

  /** Whatever comes after it is newer: nothing is under way any more. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    this.isNew = false;
    await this.underWay;
  }

  private look(): void {
    const { clock, signal } = this.context.host;
    const now = clock.now();
    if (!this.isNew || this.underWay !== undefined || signal.aborted || now - this.toldAt < RHYTHM_MS) return;
    this.isNew = false;
    this.toldAt = now;
    this.underWay = this.show().finally(() => (this.underWay = undefined));
  }

  private show(): Promise<unknown> {
    const { build, output } = this.context;
    const functions = this.functions.filter(({ total }) => total > 0).map(({ operation: _, ...one }) => one);
    const document: ProgressDocument = { command: this.command, subject: this.scope, functions };
    const body = output.toMarkdown(document, progressAnnotation);
    return build.annotate({ context: scopeName('result', this.scope), style: 'info', body });
  }
}

/** A function after an event; itself where the event says nothing new. */
function advance(one: UnderWay, event: ApplyEvent): UnderWay {
  switch (event.type) {
    case 'step-started':
      return { ...one, done: event.index, at: stepLabel(event.operation), operation: event.operation };
    case 'waiting':
      // What an UpdateAlias waits for is the end of its watch: the share is there.
      return { ...withShare(one, one.operation), at: `waiting for ${event.waitingFor}` };
    case 'step-ended':
      return event.status === 'failed' ? one : { ...withShare(one, event.operation), done: one.done + 1 };
    case 'taking-back': {
      const at = `taking alias ${event.alias} back to version ${event.version}`;
      return { ...one, at, shares: setShare(one, event.alias, 0) };
    }
    default:
      return one;
  }
}

function withShare(one: UnderWay, operation: Operation | undefined): UnderWay {
  if (operation?.type === 'CreateAlias') return { ...one, shares: setShare(one, operation.alias, 1) };
  if (operation?.type !== 'UpdateAlias' || operation.settles !== undefined) return one;
  return { ...one, shares: setShare(one, operation.alias, operation.additional?.weight ?? 1) };
}

function setShare({ shares }: UnderWay, alias: string, weight: number): FunctionProgress['shares'] {
  return [...shares.filter((one) => one.alias !== alias), { alias, weight }];
}
