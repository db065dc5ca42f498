import { setTimeout as pause } from 'node:timers/promises';
import { DeployError } from '../../src/errors.js';
import type { FaultAction } from '../../src/sandbox/server.js';
import { type Ran, spawnCli } from '../e2e/support.js';
import { NO_COMMIT } from '../planner/cli.js';
import type { Bed, Time } from './bed.js';
import { type Expectation, judge, type Verdict } from './judge.js';

/** One kind of interruption. */
export interface Interruption {
  readonly name: string;
  readonly expected: Expectation;
  /** There is no call to which it does not apply. */
  readonly everywhere?: true;
  /** Runs the scenario and meets the fault at call k; `undefined`: it does not apply there. */
  meet(bed: Bed, k: number): Promise<Ran | undefined>;
}

/** A run that met its fault. */
export interface Case extends Verdict {
  readonly k: number;
  /** The call, as AWS names it. */
  readonly operation: string;
  readonly output: string;
}

/** One scenario under one kind of interruption, at every call. */
export interface Cell {
  readonly scenario: string;
  readonly interruption: string;
  readonly calls: number;
  readonly everywhere?: true;
  readonly cases: readonly Case[];
}

/** @param calls how many a faultless run makes */
export async function fill(bed: Bed, interruption: Interruption, calls: number): Promise<Cell> {
  const cases: Case[] = [];
  for (let k = 1; k <= calls; k += 1) {
    bed.rewind();
    const ran = await interruption.meet(bed, k);
    if (ran === undefined || bed.log.fired !== 1) continue;
    const operation = bed.log.calls[k - 1]?.operation ?? 'none';
    const verdict = await judge(bed, ran, interruption.expected);
    cases.push({ k, operation, output: `exit ${String(ran.exitCode)}\n${ran.out}${ran.err}`, ...verdict });
  }
  const { name, everywhere } = interruption;
  return { scenario: bed.scenario.name, interruption: name, calls, cases, ...(everywhere ? { everywhere } : {}) };
}

/** The calls of a faultless run, which has to end where it should. */
export async function countCalls(bed: Bed, time: Time): Promise<number> {
  bed.rewind();
  const ran = await (time === 'slept' ? bed.run(...bed.scenario.argv) : spawned(bed).done);
  const calls = bed.log.calls.length;
  const { unsafe, diverges } = await judge(bed, ran, { exits: [] });
  if (unsafe !== undefined || diverges !== undefined)
    throw new Error(`${bed.scenario.name} without a fault: ${unsafe ?? ''} ${diverges ?? ''}\n${ran.out}${ran.err}`);
  return calls;
}

function wire(name: string, fault: FaultAction, expected: Expectation, everywhere?: true): Interruption {
  return {
    name,
    expected,
    ...(everywhere ? { everywhere } : {}),
    async meet(bed, k) {
      bed.stage.sandbox.faults.arm([{ operation: '*', call: k, fault }]);
      return bed.run(...bed.scenario.argv);
    },
  };
}

/** What goes wrong on the wire. A single throttle, error or lost answer has to be lived through. */
export const WIRE: readonly Interruption[] = [
  wire('429', { status: 429 }, { exits: [] }, true),
  wire('500', { status: 500 }, { exits: [] }, true),
  wire('reset before', { reset: 'before' }, { exits: [] }, true),
  wire('reset after', { reset: 'after' }, { exits: [] }, true),
  wire('Failed', { failed: true }, { exits: [1, 4] }),
  wire('foreign configuration', { foreignWriter: 'configuration' }, { exits: [3] }),
  wire('foreign code', { foreignWriter: 'code' }, { exits: [3] }),
  wire('foreign alias', { foreignWriter: 'alias' }, { exits: [3, 4, 5], foreign: true }),
];

/** How long an answer is held after SIGTERM, so that the signal is there before it. */
const HELD_MS = 100;

function spawned(bed: Bed): ReturnType<typeof spawnCli> {
  const { sandbox, folder } = bed.stage;
  return spawnCli(bed.scenario.argv, { cwd: folder, env: { ...NO_COMMIT, AWS_ENDPOINT_URL: sandbox.url } });
}

/** The process dies while it waits for the answer to call k. */
function kill(name: string, effect: 'before' | 'after'): Interruption {
  return {
    name,
    expected: { exits: [], killed: true },
    ...(effect === 'before' ? { everywhere: true } : {}),
    async meet(bed, k) {
      let isRead = false;
      bed.at(async (n, { mutating, operation }) => {
        if (n !== k) return undefined;
        isRead = !mutating && operation !== 'Invoke';
        child.kill('SIGKILL');
        await child.done;
        bed.log.fired += 1;
        // Nobody hears the answer: what is left to tell apart is whether the call took effect.
        return effect === 'after' ? undefined : { kind: 'reset-before' };
      });
      const child = spawned(bed);
      const ran = await child.done;
      await settled(bed, k);
      return ran.signal !== 'SIGKILL' || (effect === 'after' && isRead) ? undefined : ran;
    },
  };
}

/** Lets the sandbox end the call whose client is dead. */
async function settled(bed: Bed, k: number): Promise<void> {
  if (bed.log.calls.length >= k) await pause(10);
}

/** Real processes of the built program. */
export const PROCESS: readonly (readonly Interruption[])[] = [
  [kill('SIGKILL before', 'before')],
  [kill('SIGKILL after', 'after')],
  [
    {
      name: 'SIGTERM',
      expected: { exits: [143], closed: true },
      everywhere: true,
      async meet(bed, k) {
        bed.at(async (n) => {
          if (n !== k) return undefined;
          bed.log.fired += 1;
          child.kill('SIGTERM');
          await pause(HELD_MS);
          return undefined;
        });
        const child = spawned(bed);
        return child.done;
      },
    },
  ],
];

/** A stop inside this process, for defects that are planted in it. */
export const STOP: Interruption = {
  name: 'stop',
  expected: { exits: [143], closed: true },
  everywhere: true,
  async meet(bed, k) {
    const controller = new AbortController();
    bed.at((n) => {
      if (n !== k) return undefined;
      bed.log.fired += 1;
      controller.abort(new DeployError('INTERRUPTED', 'SIGTERM came in; no further change is started.'));
      return undefined;
    });
    return bed.runWith({ signal: controller.signal });
  },
};
