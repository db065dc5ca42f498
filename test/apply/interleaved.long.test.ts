import { describe, expect, it } from 'vitest';
import { type FunctionState, functionsOf } from '../../src/sandbox/state.js';
import { deployed, fileOf, hello, okHandler, type Ran, type Stage } from '../e2e/support.js';
import { tagKey } from '../../src/record/tags.js';
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
  /** The operation that came to the stop. */
  heldAt = '';
  private stop: Stop = Infinity;
  private isHolding = false;
  private arrive = (): void => undefined;
  private release = (): void => undefined;
  private opened = Promise.resolve();

  /** Resolves when a call has come to the stop. */
  arm(stop: Stop): Promise<void> {
    Object.assign(this, { count: 0, heldAt: '', stop, isHolding: false });
    this.opened = new Promise((resolve) => (this.release = resolve));
    return new Promise((resolve) => (this.arrive = resolve));
  }

  readonly before = ({ operation }: Request): Promise<void> | undefined => {
    this.count += 1;
    this.isHolding ||= this.stop === this.count || this.stop === operation;
    if (!this.isHolding) return undefined;
    this.heldAt ||= operation;
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

describe('two rollbacks in a tag that is full', () => {
  /** Ten versions, the last served, and a tag that had to drop the oldest of their records. */
  async function filled(): Promise<Pair> {
    const both = await pair(() => undefined);
    const { stage } = both;
    for (let version = 3; version <= 10; version += 1) {
      await stage.file(fileOf({ hello: hello({ timeout: 4 + version }) }));
      const env = {
        BUILDKITE: 'true',
        BUILDKITE_BUILD_NUMBER: String(1000 + version),
        BUILDKITE_COMMIT: 'c'.repeat(40),
      };
      expect((await stage.runWith({ env }, 'apply', '--yes')).exitCode).toBe(0);
    }
    expect(recordsIn(stage)).toBeLessThan(10);
    const before = structuredClone(stage.fn());
    return {
      ...both,
      rewind: () => void functionsOf(stage.sandbox.state, before.region).set(before.name, structuredClone(before)),
    };
  }

  const recordsIn = (stage: Stage): number => (stage.fn().tags[tagKey('live')] ?? '').split(' ').length - 1;
  type Rolling = Pair & { rollback(who: 0 | 1): Promise<Ran> };

  async function rolling(): Promise<Rolling> {
    const both = await filled();
    const { stage, gates } = both;
    const wires = await Promise.all(gates.map((gate) => startWire(stage.sandbox.url, gate)));
    const rollback = (who: 0 | 1) =>
      stage.runWith(
        { env: { LAMBDA_DEPLOY_ENDPOINT_URL: wires[who]?.url ?? '' } },
        'rollback',
        '--yes',
        '--format',
        'json',
      );
    return { ...both, rollback };
  }

  /** What was left is held, and nobody goes forward to it. */
  async function expectBack(stage: Stage, to: string, context: string): Promise<void> {
    expect(stage.fn().aliases.get('live'), context).toMatchObject({ functionVersion: to, weights: {} });
    const history = (await stage.run('history', '--format', 'json')).json()['records'] as Record<string, unknown>[];
    expect(
      history.map(({ result }) => result),
      context,
    ).not.toContain('open');
    const held = await stage.run('apply', '--yes', '--format', 'json');
    expect([held.exitCode, held.out], context).toEqual([3, expect.stringContaining('ALIAS_HELD')]);
    // Where a full tag has forgotten the one before, it asks for --to.
    const further = await stage.run('rollback', '--yes', '--format', 'json');
    expect([0, 1], context + further.out).toContain(further.exitCode);
    if (further.exitCode === 1) expect(further.json()['error']['code'], context).toBe('NO_ROLLBACK_TARGET');
    const then = further.exitCode === 0 ? String(Number(to) - 1) : to;
    expect(stage.fn().aliases.get('live')?.functionVersion, context).toBe(then);
  }

  it('one after the other: two back, and what was left is held', async () => {
    const both = await rolling();
    for (const who of [0, 1] as const) expect((await both.rollback(who)).exitCode).toBe(0);
    await expectBack(both.stage, '8', 'in turn');
  });

  it(
    'at once, one held at every single call: one back, or two in turn, and what was left is held',
    async () => {
      const both = await rolling();
      const { stage, gates } = both;
      const [first] = gates;
      void first.arm(Infinity);
      expect((await both.rollback(0)).exitCode).toBe(0);
      const total = first.count;
      for (let k = 1; k <= total; k += 1) {
        both.rewind();
        const isHeld = first.arm(k);
        const one = both.rollback(0);
        await Promise.race([isHeld, one]);
        const other = await both.rollback(1);
        first.open();
        const ran = [await one, other];
        const told = ran.map(({ exitCode, out, err }) => `exit ${exitCode}\n${out}${err}`).join('\n');
        const to = stage.fn().aliases.get('live')?.functionVersion ?? '';
        expect(['8', '9'], told).toContain(to);
        expect(stage.fn().aliases.get('live')?.weights, told).toEqual({});
        const codes = ran.map(({ exitCode }) => exitCode).toSorted();
        expect(codes, told).toEqual(to === '8' ? [0, 0] : [0, codes[1] === 0 ? 0 : 3]);
        // A tag is written whole and without a condition: what is held there writes over all that another run has told by then.
        if (first.heldAt === 'TagResource') continue;
        await expectBack(stage, to, `held at call ${k}\n${told}`);
      }
    },
    TIMEOUT_MS,
  );
});
