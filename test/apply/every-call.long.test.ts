import { cp, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { DeployError } from '../../src/errors.js';
import type { Fault, SandboxCall } from '../../src/sandbox/server.js';
import { functionsOf } from '../../src/sandbox/state.js';
import { deployed, type Document, fileOf, hello, okHandler, type Ran, type Stage } from '../e2e/support.js';

const DENIED: Fault = { kind: 'error', status: 403, code: 'AccessDeniedException', message: 'not authorized' };
const EXPIRED: Fault = {
  kind: 'error',
  status: 403,
  code: 'ExpiredTokenException',
  message: 'The security token included in the request is expired',
};
const DEAD: Fault = { kind: 'reset-before' };
/** A run at every call takes time; the machine may be busy. */
const TIMEOUT_MS = 180_000;

const STORES: readonly (readonly [string, Document])[] = [
  ['tags', {}],
  ['file', { metadata: 'file:records' }],
];

interface Pending {
  readonly run: Stage;
  at(hook: (k: number) => Fault | undefined): void;
  count(): number;
  /** Back to before the change. The sandbox's warm processes stay, and starting them is what takes the time. */
  rewind(): Promise<void>;
}

/** A stage with a change of everything pending, whose calls are counted from here on. */
async function pending(metadata: Document): Promise<Pending> {
  let hook: ((k: number) => Fault | undefined) | undefined;
  let k = 0;
  const intercept = (_call: SandboxCall): Fault | undefined => {
    if (hook === undefined) return undefined;
    k += 1;
    return hook(k);
  };
  const run = await deployed({ intercept }, fileOf({ hello: hello() }, metadata));
  await run.code(okHandler('two'));
  await run.file(fileOf({ hello: hello({ timeout: 6 }) }, metadata));
  const [records, kept] = [path.join(run.folder, 'records'), path.join(run.folder, 'records-before')];
  await mkdir(records, { recursive: true });
  await cp(records, kept, { recursive: true });
  const before = structuredClone(run.fn());
  return {
    run,
    at: (next) => void ((k = 0), (hook = next)),
    count: () => k,
    async rewind() {
      hook = undefined;
      functionsOf(run.sandbox.state, before.region).set(before.name, structuredClone(before));
      await rm(records, { recursive: true });
      await cp(kept, records, { recursive: true });
    },
  };
}

async function callsOfAnApply({ run, at, count }: Pending): Promise<number> {
  at(() => undefined);
  expect((await run.run('apply', '--yes')).exitCode).toBe(0);
  return count();
}

/** Whatever came before: a healthy run now ends in the spec, with one version more than at first, and nothing left to do. */
async function expectConverges(run: Stage, context: string): Promise<void> {
  const again = await run.run('apply', '--yes');
  expect(again.exitCode, `${context}\n${again.out}${again.err}`).toBe(0);
  expect(run.fn().aliases.get('live'), context).toMatchObject({ functionVersion: '2', weights: {} });
  expect([...run.fn().versions.keys()], context).toEqual(['1', '2']);
  expect((await run.run('plan', '--detailed-exitcode')).exitCode, context).toBe(0);
}

function contextOf(k: number, { exitCode, out, err }: Ran): string {
  return `call ${k}, exit ${exitCode}\n${out}${err}`;
}

/** The alias is where it was, or serves what was checked, or a human is called with the command that mends it. */
function expectSafeOrCalled(run: Stage, ran: Ran, context: string): void {
  const served = run.fn().aliases.get('live')?.functionVersion;
  if (ran.exitCode === 0) return expect(served, context).toBe('2');
  if (served === '1') return expect([1, 4], context).toContain(ran.exitCode);
  expect(ran.exitCode, context).toBe(5);
  expect(ran.out, context).toContain('aws lambda update-alias');
}

it(
  'the network dies for good once the traffic has moved: a human is called, and the next run converges',
  async () => {
    const { run, at } = await pending({});
    let dead = false;
    at(() => {
      dead ||= run.fn().aliases.get('live')?.functionVersion === '2';
      return dead ? DEAD : undefined;
    });
    const ran = await run.run('apply', '--yes');
    at(() => undefined);
    expect(ran.exitCode).toBe(5);
    expectSafeOrCalled(run, ran, contextOf(0, ran));
    await expectConverges(run, contextOf(0, ran));
  },
  TIMEOUT_MS,
);

it(
  'credentials that expire at every single call: the next run converges',
  async () => {
    const change = await pending({});
    const { run, at, rewind } = change;
    const total = await callsOfAnApply(change);
    for (let bad = 1; bad <= total; bad += 1) {
      await rewind();
      at((k) => (k >= bad ? EXPIRED : undefined));
      const ran = await run.run('apply', '--yes');
      at(() => undefined);
      expectSafeOrCalled(run, ran, contextOf(bad, ran));
      await expectConverges(run, contextOf(bad, ran));
    }
  },
  TIMEOUT_MS,
);

describe.each(STORES)('records in %s', (_store, metadata) => {
  it(
    'a refusal at every single call: the alias is safe, and the next run converges',
    async () => {
      const change = await pending(metadata);
      const { run, at, rewind } = change;
      const total = await callsOfAnApply(change);
      expect(total).toBeGreaterThan(10);
      for (let bad = 1; bad <= total; bad += 1) {
        await rewind();
        at((k) => (k === bad ? DENIED : undefined));
        const ran = await run.run('apply', '--yes');
        const context = contextOf(bad, ran);
        at(() => undefined);
        // 0: what was refused was not needed, as the closing of the record is not.
        expect([0, 1, 4], context).toContain(ran.exitCode);
        expect(run.fn().aliases.get('live')?.functionVersion, context).toBe(ran.exitCode === 0 ? '2' : '1');
        expect(`${ran.out}${ran.err}`, context).not.toMatch(/INTERNAL|undefined|\[object/);
        await expectConverges(run, context);
      }
    },
    TIMEOUT_MS,
  );

  it(
    'a signal at every single call: 143 with the alias where it was, or done; the record is closed',
    async () => {
      const change = await pending(metadata);
      const { run, at, rewind } = change;
      const total = await callsOfAnApply(change);
      for (let stop = 1; stop <= total; stop += 1) {
        await rewind();
        const controller = new AbortController();
        at((k) => {
          if (k === stop)
            controller.abort(new DeployError('INTERRUPTED', 'SIGTERM came in; no further change is started.'));
          return undefined;
        });
        const ran = await run.runWith({ signal: controller.signal }, 'apply', '--yes');
        const context = contextOf(stop, ran);
        at(() => undefined);
        expect([0, 143], context).toContain(ran.exitCode);
        expect(run.fn().aliases.get('live')?.functionVersion, context).toBe(ran.exitCode === 0 ? '2' : '1');
        const { records } = (await run.run('history', '--format', 'json')).json();
        expect(
          records.map(({ result }: Document) => result),
          context,
        ).not.toContain('open');
        await expectConverges(run, context);
      }
    },
    TIMEOUT_MS,
  );
});
