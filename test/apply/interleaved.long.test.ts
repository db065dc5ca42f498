import { describe, expect, it } from 'vitest';
import { type FunctionState, functionsOf } from '../../src/sandbox/state.js';
import { deployed, fileOf, hello, okHandler, type Ran, type Stage } from '../e2e/support.js';
import { type Request, startWire } from '../faults/wire.js';

/** A run at every call takes time; the machine may be busy. */
const TIMEOUT_MS = 300_000;
/** One poll long: time is skipped by whoever waits, so that a run that is held holds up nobody. */
const SETTLE_MS = 50;

/** Where a run is held: before its n-th call, or before its first call of an operation. */
type Stop = number | string;

/** What all calls of one run pass; from its stop on they wait until it is opened. */
class Gate {
  count = 0;
  private stop: Stop = Infinity;
  private isHolding = false;
  private arrive = (): void => undefined;
  private release = (): void => undefined;
  private opened = Promise.resolve();

  /** Resolves when a call has come to the stop. */
  arm(stop: Stop): Promise<void> {
    Object.assign(this, { count: 0, stop, isHolding: false });
    this.opened = new Promise((resolve) => (this.release = resolve));
    return new Promise((resolve) => (this.arrive = resolve));
  }

  readonly before = ({ operation }: Request): Promise<void> | undefined => {
    this.count += 1;
    this.isHolding ||= this.stop === this.count || this.stop === operation;
    if (!this.isHolding) return undefined;
    this.arrive();
    return this.opened;
  };

  open(): void {
    this.stop = Infinity;
    this.isHolding = false;
    this.release();
  }
}

/** What both runs find: version 1 served, and a file that says something else. */
const FOUND: readonly (readonly [string, (fn: FunctionState, target: FunctionState) => void])[] = [
  ['everything is to change', () => undefined],
  [
    'a dead run has left only the publishing',
    (fn, target) => {
      fn.latest.content = structuredClone(target.latest.content);
      fn.changedSincePublish = true;
    },
  ],
  [
    // What is there is sent again, and AWS then publishes a new version of the same.
    'the last update has failed, with the new content',
    (fn, target) => {
      fn.latest.content = structuredClone(target.latest.content);
      fn.changedSincePublish = true;
      const reason = {
        LastUpdateStatusReason: 'The role is gone.',
        LastUpdateStatusReasonCode: 'InvalidConfiguration',
      };
      fn.latest.status = { State: 'Active', LastUpdateStatus: 'Failed', ...reason };
    },
  ],
];

interface Pair {
  readonly stage: Stage;
  readonly gates: readonly [Gate, Gate];
  apply(who: 0 | 1): Promise<Ran>;
  /** Back to what both find. */
  rewind(): void;
}

async function pair(find: (typeof FOUND)[number][1]): Promise<Pair> {
  const stage = await deployed({ settleMs: SETTLE_MS, invoke: () => ({ statusCode: 200 }) });
  await stage.code(okHandler('two'));
  await stage.file(fileOf({ hello: hello({ timeout: 6 }) }));
  const before = structuredClone(stage.fn());
  expect((await stage.run('apply', '--yes')).exitCode).toBe(0);
  find(before, stage.fn());
  const gates = [new Gate(), new Gate()] as const;
  const wires = await Promise.all(gates.map((gate) => startWire(stage.sandbox.url, gate)));
  return {
    stage,
    gates,
    apply: (who) =>
      stage.runWith(
        { env: { LAMBDA_DEPLOY_ENDPOINT_URL: wires[who]?.url ?? '' } },
        ...['apply', '--yes', '--format', 'json'],
      ),
    rewind: () => void functionsOf(stage.sandbox.state, before.region).set(before.name, structuredClone(before)),
  };
}

function expectOnce({ stage }: Pair, ran: readonly Ran[], context: string): void {
  const fn = stage.fn();
  expect([...fn.versions.keys()], `${context}\nno version twice`).toEqual(['1', '2']);
  expect(fn.aliases.get('live'), context).toMatchObject({ functionVersion: '2', weights: {} });
  expect(fn.latest.content.config['Timeout'], context).toBe(6);
  const codes = ran.map(({ exitCode }) => exitCode).toSorted();
  expect([0, 3], context).toContain(codes[1]);
  expect(codes[0], context).toBe(0);
  for (const one of ran) {
    const { result, functions, error } = one.json();
    if (one.exitCode === 0) expect(['succeeded', 'no_changes'], context).toContain(result);
    else
      expect(['LIVE_CHANGED', 'DEPLOYMENT_RUNNING'], context).toContain(
        (error ?? functions[0].error)['code'] as string,
      );
  }
}

describe.each(FOUND)('two runs of one file at once: %s', (_what, find) => {
  // The second comes in whole, or is itself held until the first has ended.
  it.each(['UpdateFunctionConfiguration', 'PublishVersion', 'UpdateAlias', 'its end'])(
    'one is held at every single call while the other goes on to %s: published once, one has deployed it',
    async (stop) => {
      const both = await pair(find);
      const [first, second] = both.gates;
      both.rewind();
      void first.arm(Infinity);
      expect((await both.apply(0)).exitCode).toBe(0);
      const total = first.count;
      expect(total).toBeGreaterThan(12);
      for (let k = 1; k <= total; k += 1) {
        both.rewind();
        const isHeld = first.arm(k);
        const one = both.apply(0);
        await Promise.race([isHeld, one]);
        const isThere = second.arm(stop);
        const other = both.apply(1);
        await Promise.race([isThere, other]);
        first.open();
        await one;
        second.open();
        const ran = [await one, await other];
        const told = ran.map(({ exitCode, out, err }) => `exit ${exitCode}\n${out}${err}`).join('\n');
        expectOnce(both, ran, `held at call ${k}\n${told}`);
      }
    },
    TIMEOUT_MS,
  );
});
