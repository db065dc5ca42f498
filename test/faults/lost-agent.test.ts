import pLimit from 'p-limit';
import { describe, expect, it } from 'vitest';
import { fileOf, hello, okHandler, type Document } from '../e2e/support.js';
import { held, type Hooks } from './wire.js';
import { say, sharesOf, STORES, succeeds, type World, world } from './world.js';

const STEPS = ['5%', '10%', '25%', '50%', '75%'];
/** Every share that the new version gets, the last one is everything. */
const SHARES = [0.05, 0.1, 0.25, 0.5, 0.75, 1];
/** Worlds at a time: their processes mostly wait for a share's interval. */
const AT_ONCE = 4;

/** One call of the run that is lost: before it had its effect, or with its effect and without an answer. */
interface Moment {
  readonly operation: 'PublishVersion' | 'Invoke' | 'UpdateAlias';
  readonly n: number;
  readonly side: 'before' | 'after';
}

const each = (operation: Moment['operation'], side: Moment['side'], count: number): Moment[] =>
  Array.from({ length: count }, (_, index) => ({ operation, n: index + 1, side }));

/** Before the shift to a share, at it, and between two: six shifts, a check by number before each, one behind the alias. */
const MOMENTS: readonly Moment[] = [
  ...each('PublishVersion', 'before', 1),
  ...each('PublishVersion', 'after', 1),
  ...each('Invoke', 'before', SHARES.length + 1),
  ...each('UpdateAlias', 'before', SHARES.length),
  ...each('UpdateAlias', 'after', SHARES.length),
];

/** Version 1 live, and a plan file whose rollout has five steps. */
async function planned(metadata: Document, onCancel: string): Promise<World> {
  const it = await world();
  const live = {
    healthCheck: { expect: { status: 200 }, timeout: '10s' },
    rollout: { steps: STEPS, interval: '1s' },
    onCancel,
  };
  await it.file(fileOf({ hello: hello({ aliases: { live } }) }, metadata));
  await it.code(okHandler('one'));
  await succeeds(it, 'apply', '--yes');
  await it.code(okHandler('two'));
  await succeeds(it, 'plan', '--out', 'plan.out');
  return it;
}

/** Hooks that hold one call for ever, and a promise that resolves when it is held. */
function holding({ operation, n, side }: Moment): { readonly hooks: Hooks; readonly reached: Promise<void> } {
  let reach = (): void => undefined;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const hold: NonNullable<Hooks['before']> = (seen) => {
    if (seen.operation !== operation || seen.n !== n) return undefined;
    reach();
    return held();
  };
  return { hooks: { [side]: hold }, reached };
}

/** The shares that a run still has to give, from where the alias stands. */
function sharesLeft({ version, weights }: Document): number[] {
  const share = version === '2' ? 1 : ((weights as Document)['2'] as number | undefined);
  if (share === 1) return [];
  return share === undefined ? SHARES : SHARES.slice(SHARES.indexOf(share));
}

/** The promised end: everything on version 2, no third one, a record that says so, and nothing left to do. */
async function expectDone(it: World, context: string): Promise<void> {
  expect(it.place(), context).toEqual({ version: '2', weights: {} });
  expect([...it.fn().versions.keys()], context).toEqual(['1', '2']);
  const { records } = (await it.look('history', '--format', 'json')).json();
  expect(records[0], context).toMatchObject({ result: 'succeeded', version: '2' });
  const plan = await it.look('plan', '--detailed-exitcode');
  expect(plan.exitCode, context + plan.out + plan.err).toBe(0);
}

/** Kills a run at the moment, and runs the same plan file again; answers with the line that says what happened. */
async function loseAndRetry(base: World, moment: Moment): Promise<string> {
  const it = await world(base);
  const { hooks, reached } = holding(moment);
  const first = await it.start(hooks, 'apply', 'plan.out');
  await Promise.race([reached, first.done]);
  first.kill('SIGKILL');
  const lost = await first.done;
  const name = `lost ${moment.side} ${moment.operation} ${moment.n}`;
  expect(lost.signal, `${name}\n${lost.out}${lost.err}`).toBe('SIGKILL');
  const place = it.place();
  const retry = await it.start({}, 'apply', 'plan.out');
  const ran = await retry.done;
  const context = `${name}, at ${JSON.stringify(place)}\n${ran.out}${ran.err}`;
  expect(ran.exitCode, context).toBe(0);
  // The first one left is the share where the run was lost: it is taken over, and those before are not given again.
  expect(sharesOf('2', retry.wire), context).toEqual(sharesLeft(place));
  // Where only the check behind the alias is left, it is made.
  const asked = retry.wire.requests.filter(({ operation }) => operation === 'Invoke').map((one) => one.qualifier);
  expect(asked.at(-1), context).toBe('live');
  const published = retry.wire.requests.filter(({ operation }) => operation === 'PublishVersion');
  expect(published.length, context).toBe(moment.operation === 'PublishVersion' && moment.side === 'before' ? 1 : 0);
  await expectDone(it, context);
  return `${name}: at ${JSON.stringify(place)}, then shares ${sharesOf('2', retry.wire).join(' ') || '(none)'}`;
}

/** Stops a run once it knows of its n-th share, and runs the same plan file again. */
async function stopAndRetry(base: World, onCancel: string, n: number): Promise<string> {
  const it = await world(base);
  let reach = (): void => undefined;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const first = await it.start(
    {
      after: ({ operation, n: count }) => void (operation === 'UpdateAlias' && count === n && setImmediate(reach)),
    },
    'apply',
    'plan.out',
  );
  await Promise.race([reached, first.done]);
  first.kill('SIGTERM');
  const stopped = await first.done;
  const name = `stopped at ${SHARES[n - 1]}, onCancel ${onCancel}`;
  expect(stopped.exitCode, `${name}\n${stopped.out}${stopped.err}`).toBe(143);
  const place = it.place();
  const expected = onCancel === 'hold' ? { '2': SHARES[n - 1] } : {};
  expect(place, name).toEqual({ version: '1', weights: expected });
  const retry = await it.start({}, 'apply', 'plan.out');
  const ran = await retry.done;
  const context = `${name}\n${ran.out}${ran.err}`;
  expect(ran.exitCode, context).toBe(0);
  expect(sharesOf('2', retry.wire), context).toEqual(sharesLeft(place));
  await expectDone(it, context);
  return `${name}: at ${JSON.stringify(place)}, then shares ${sharesOf('2', retry.wire).join(' ')}`;
}

describe.each(STORES)('an agent lost in a rollout of five steps, records in %s', (store, metadata) => {
  it('SIGKILL at every step: the same plan file goes on where it was lost', async () => {
    const base = await planned(metadata, 'abort');
    const limit = pLimit(AT_ONCE);
    const lines = await Promise.all(MOMENTS.map((moment) => limit(() => loseAndRetry(base, moment))));
    lines.forEach(say);
    say(`records in ${store}: ${lines.length} agents lost, ${2 * lines.length} runs, no version twice`);
  });

  it.each(['abort', 'hold'])(
    'SIGTERM at every share, onCancel %s: the same plan file reaches the end',
    async (mode) => {
      const base = await planned(metadata, mode);
      const limit = pLimit(AT_ONCE);
      const lines = await Promise.all(STEPS.map((_, index) => limit(() => stopAndRetry(base, mode, index + 1))));
      lines.forEach(say);
      say(`records in ${store}: ${lines.length} runs stopped, ${2 * lines.length} runs, no version twice`);
    },
  );
});
