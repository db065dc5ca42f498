import { afterEach, expect, it } from 'vitest';
import { functionsOf } from '../../src/sandbox/state.js';
import { deployed, type Document, fileOf, hello, okHandler, type Stage } from './support.js';

const BUCKET = 'acme-deploys';
const STORES: readonly (readonly [string, Document])[] = [
  ['tags', {}],
  ['S3', { metadata: `s3://${BUCKET}/lambda` }],
];

/** Whether the handler fails. */
let isSick = false;
afterEach(() => void (isSick = false));

/** What a process that is killed leaves: the function, and the objects. */
type Left = () => void;

/** Version 2 waits at a share, by a plan file; `left` has what a run leaves that is killed before its n-th call, while `keep` is on. */
async function waiting(
  metadata: Document,
): Promise<{ run: Stage; digest: string; left: Left[]; keep: (on: boolean) => void }> {
  const left: Left[] = [];
  let isKept = false;
  const snapshot = (): Left => {
    const [fn, bucket] = [structuredClone(run.fn()), structuredClone(run.sandbox.state.stores.buckets.get(BUCKET))];
    return () => {
      functionsOf(run.sandbox.state, fn.region).set(fn.name, structuredClone(fn));
      if (bucket !== undefined) run.sandbox.state.stores.buckets.set(BUCKET, structuredClone(bucket));
    };
  };
  const rollout = { steps: ['5%'], interval: '1m', promotion: 'manual' };
  const aliases = { live: { rollout, healthCheck: { expect: { status: 200 }, timeout: '10s' } } };
  const run: Stage = await deployed(
    {
      seed: { buckets: { [BUCKET]: {} } },
      invoke: () => ({ statusCode: isSick ? 500 : 200 }),
      intercept: () => void (isKept && left.push(snapshot())),
    },
    fileOf({ hello: hello({ aliases }) }, metadata),
  );
  await run.code(okHandler('two'));
  const plan = await run.run('plan', '--out', 'plan.zip', '--format', 'json');
  expect((await run.run('apply', 'plan.zip')).exitCode).toBe(0);
  return { run, digest: plan.json()['digest'] as string, left, keep: (on) => void (isKept = on) };
}

it.each(STORES)(
  'a promotion that is killed before any of its calls is finished by its retry, records in %s',
  async (_, metadata) => {
    const { run, digest, left, keep } = await waiting(metadata);
    const promote = () => run.run('promote', '--expect', digest, '--yes', '--format', 'json');
    keep(true);
    expect((await promote()).exitCode).toBe(0);
    keep(false);
    const finished: number[] = [];
    for (const [k, restore] of left.entries()) {
      restore();
      const isMoved = run.fn().aliases.get('live')?.functionVersion === '2';
      run.mutations();
      const retry = await promote();
      const context = `killed before call ${k + 1}\n${retry.out}${retry.err}`;
      expect(retry.exitCode, context).toBe(0);
      const moves = run.mutations().filter((operation) => operation === 'UpdateAlias');
      expect(moves, context).toHaveLength(isMoved ? 0 : 1);
      if (isMoved && retry.json()['result'] === 'succeeded') finished.push(k);
      expect(run.fn().aliases.get('live'), context).toMatchObject({ functionVersion: '2', weights: {} });
      const [newest] = (await run.run('history', '--format', 'json')).json()['records'] as Document[];
      expect(newest, context).toMatchObject({ result: 'succeeded', version: '2' });
      const again = await promote();
      expect([again.exitCode, again.json()['result']], context).toEqual([0, 'no_changes']);
      expect((await run.run('drift')).exitCode, context).toBe(0);
      expect((await run.run('plan', '--detailed-exitcode')).exitCode, context).toBe(0);
      expect((await run.run('rollback', '--yes')).exitCode, context).toBe(0);
      expect(run.fn().aliases.get('live')?.functionVersion, context).toBe('1');
    }
    // Its check by the alias and its record come after the move, each with what it reads.
    expect(finished.length).toBeGreaterThan(1);
  },
);

it('a promotion whose version fails its check once it was moved by one that died: exit 5, with the way back', async () => {
  const { run, digest, left, keep } = await waiting({});
  keep(true);
  expect((await run.run('promote', '--expect', digest, '--yes')).exitCode).toBe(0);
  keep(false);
  left.find((restore) => {
    restore();
    return run.fn().aliases.get('live')?.functionVersion === '2';
  });
  expect(run.fn().aliases.get('live')).toMatchObject({ functionVersion: '2', weights: {} });
  const plan = await run.run('promote', '--expect', digest, '--plan-only', '--format', 'json');
  expect(plan.json()['functions'][0].differences).toEqual([
    expect.objectContaining({ path: 'aliases.live.record', before: 'open', after: 'closed' }),
  ]);
  isSick = true;
  const ran = await run.run('promote', '--expect', digest, '--yes');
  expect([ran.exitCode, ran.out], ran.out).toEqual([5, expect.stringContaining('lambda-deploy rollback')]);
});
