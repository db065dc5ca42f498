import { setTimeout as pause } from 'node:timers/promises';
import type { Answer } from './call.js';
import {
  failTransitions,
  type Failure,
  type ForeignChange,
  statusError,
  transitionsOf,
  writeForeign,
} from './fault-effects.js';
import type { SandboxCall } from './intercept.js';
import { parseFunctionName } from './names.js';
import { functionsOf, type FunctionState, type SandboxState } from './state.js';

/** What goes wrong. `true` stands for the default of what it names. */
export type FaultAction =
  /** Refused without an effect, as the service words a throttle (`retryAfter` in seconds) or an error of its own. */
  | { readonly status: 429; readonly retryAfter?: number }
  | { readonly status: 500 }
  /** Answered late, by so many milliseconds. */
  | { readonly slowMs: number }
  /** The connection is cut, without the effect or after it. */
  | { readonly reset: 'before' | 'after' }
  /** The creation, update or version is accepted and ends `Failed`. */
  | { readonly failed: true | Failure }
  /** It stays in progress for ever. */
  | { readonly neverSettles: true }
  /** Somebody else writes to the function just before the call; by default its configuration. */
  | { readonly foreignWriter: true | ForeignChange };

/** One thing that goes wrong, and when. */
export interface FaultRule {
  /** AWS's name of the operation; `*`: any. */
  readonly operation: string;
  /** The function's name; absent: any call, also one about no function. */
  readonly function?: string;
  /** Of the calls that the rule is about, in the order of their arrival from when it was armed, which is the first; default 1. */
  readonly call?: number;
  /** At how many calls in a row; default 1. */
  readonly times?: number | 'forever';
  readonly fault: FaultAction;
}

/** A fault that took place. */
export interface FiredFault {
  /** Position of the rule, from 0. */
  readonly index: number;
  readonly rule: FaultRule;
  readonly call: SandboxCall;
}

/** Where a call arrives. */
export interface Site {
  readonly state: SandboxState;
  readonly region: string;
  /** As its signature names it. */
  readonly service: string;
  readonly call: SandboxCall;
}

interface Due {
  readonly index: number;
  readonly rule: FaultRule;
}

/** The rules of a sandbox and what came of them. The same calls in the same order meet the same faults. */
export class Faults {
  #rules: readonly FaultRule[] = [];
  #seen: number[] = [];
  #fired: number[] = [];

  constructor(
    rules: readonly FaultRule[],
    private readonly onFault: (fired: FiredFault) => void = () => undefined,
    private readonly sleep: (milliseconds: number) => Promise<unknown> = pause,
  ) {
    this.arm(rules);
  }

  get rules(): readonly FaultRule[] {
    return this.#rules;
  }

  /** How often each rule's fault took place. A fault that its call has no use for, as a `failed` of a read, does not. */
  get fired(): readonly number[] {
    return this.#fired;
  }

  /** Replaces the rules; calls count from here. */
  arm(rules: readonly FaultRule[]): void {
    this.#rules = [...rules];
    this.#seen = rules.map(() => 0);
    this.#fired = rules.map(() => 0);
  }

  /**
   * Runs a call with the fault that is due: one at most, of the first rule whose turn it is.
   *
   * @throws AwsError of the fault, or of the call
   */
  async around(site: Site, run: () => Promise<Answer>): Promise<Answer | 'reset'> {
    const due = this.#due(site);
    if (due === undefined) return run();
    const { fault } = due.rule;
    if ('failed' in fault || 'neverSettles' in fault) return this.#unsettled(due, site, run);
    if ('foreignWriter' in fault) {
      const fn = functionOf(site);
      const change = fault.foreignWriter === true ? 'configuration' : fault.foreignWriter;
      if (fn !== undefined && writeForeign(site.state, fn, change)) this.#fire(due, site);
      return run();
    }
    this.#fire(due, site);
    if ('status' in fault) throw statusError(fault, site.service);
    if ('slowMs' in fault) {
      await this.sleep(fault.slowMs);
      return run();
    }
    // Whether the operation succeeds or is refused: only the answer is lost.
    if (fault.reset === 'after') await run().catch(() => undefined);
    return 'reset';
  }

  async #unsettled(due: Due, site: Site, run: () => Promise<Answer>): Promise<Answer> {
    const before = transitionsOf(functionOf(site));
    const answer = await run();
    const fn = functionOf(site);
    const { fault } = due.rule;
    const failure = 'failed' in fault ? (fault.failed === true ? {} : fault.failed) : 'never';
    const status = fn === undefined ? undefined : failTransitions(site.state, fn, before, failure);
    if (status === undefined) return answer;
    this.#fire(due, site);
    return answer.body === undefined ? answer : { ...answer, body: { ...answer.body, ...status } };
  }

  /** Every rule counts the call, also when another one's turn it is. */
  #due(site: Site): Due | undefined {
    const name = nameOf(site);
    let due: Due | undefined;
    for (const [index, rule] of this.#rules.entries()) {
      if (rule.operation !== '*' && rule.operation !== site.call.operation) continue;
      if (rule.function !== undefined && rule.function !== name) continue;
      const seen = (this.#seen[index] ?? 0) + 1;
      this.#seen[index] = seen;
      const { call: first = 1, times = 1 } = rule;
      if (seen >= first && (times === 'forever' || seen < first + times)) due ??= { index, rule };
    }
    return due;
  }

  #fire({ index, rule }: Due, { call }: Site): void {
    this.#fired[index] = (this.#fired[index] ?? 0) + 1;
    this.onFault({ index, rule, call });
  }
}

/** The rule in one line, for people: `UpdateAlias of hello, call 2: status 429`. */
export function explainFault({ operation, function: name, call = 1, times = 1, fault }: FaultRule): string {
  const [kind = '', value] = Object.entries(fault)[0] ?? [];
  const detail = typeof value === 'object' || value === true ? '' : ` ${String(value)}`;
  const span =
    times === 'forever' ? `call ${call} and later` : times === 1 ? `call ${call}` : `${times} calls from ${call}`;
  return `${operation === '*' ? 'any operation' : operation}${name === undefined ? '' : ` of ${name}`}, ${span}: ${kind}${detail}`;
}

function nameOf({ state, region, call }: Site): string | undefined {
  if (call.functionName === undefined) return undefined;
  try {
    return parseFunctionName(state, region, call.functionName).name;
  } catch {
    // The operation itself refuses a name that is none.
    return undefined;
  }
}

function functionOf(site: Site): FunctionState | undefined {
  return functionsOf(site.state, site.region).get(nameOf(site) ?? '');
}
