import { expect, it } from 'vitest';
import { prune } from '../../src/apply/prune.js';
import { DeployError } from '../../src/errors.js';
import type { FunctionPrune } from '../../src/model/prune.js';
import { fastClock } from '../e2e/support.js';

const PLAN: FunctionPrune = {
  name: 'hello',
  operations: ['1', '2', '3'].map((version) => {
    return { type: 'DeleteFunction', version, reason: '', publishedAt: '', description: '' };
  }),
  kept: [],
};

/** Runs the plan while `again` is what each look finds, the last one for good; answers what became of it and what was called. */
async function carryOut(
  again: readonly Partial<FunctionPrune>[],
  deletion: () => Promise<void> = () => Promise.resolve(),
) {
  const called: string[] = [];
  const gone = new Set<string>();
  let looks = 0;
  const clock = fastClock();
  const startedAt = clock.now();
  const result = await prune(PLAN, {
    clock,
    random: () => 0,
    signal: new AbortController().signal,
    onRetry: () => undefined,
    onEnd: () => undefined,
    planAgain: () => Promise.resolve({ ...PLAN, ...again[Math.min(looks++, again.length - 1)] }),
    lambda: {
      async deleteVersion(_name, number) {
        called.push(number);
        await deletion();
        gone.add(number);
      },
      getFunction: (_name, number = '') => Promise.resolve(gone.has(number) ? undefined : ({} as never)),
    },
  });
  return { result, called, took: clock.now() - startedAt };
}

const kept = (version: string, reason: string): Partial<FunctionPrune> => ({ kept: [{ version, reasons: [reason] }] });
const outcomes = ({ result }: Awaited<ReturnType<typeof carryOut>>): string[] =>
  result.operations.map(({ version, status }) => `${version} ${status}`);

it('keeps what is needed by now, with the reason, and goes on', async () => {
  const ran = await carryOut([{}, kept('2', 'a rollback of alias live goes there'), {}]);
  expect([outcomes(ran), ran.called, ran.result.exitCode]).toEqual([['1 done', '2 kept', '3 done'], ['1', '3'], 0]);
  expect(ran.result.operations[1]?.reason).toBe('by now a rollback of alias live goes there');
});

it('ends where a deployment is under way by now', async () => {
  const ran = await carryOut([{}, { operations: [], skipped: 'a deployment of alias live has not ended' }]);
  expect([outcomes(ran), ran.called, ran.result.exitCode]).toEqual([['1 done', '2 skipped', '3 skipped'], ['1'], 3]);
  expect(ran.result.error).toMatchObject({ code: 'DEPLOYMENT_RUNNING' });
});

it('asks why Lambda refuses a version, and tells it', async () => {
  const refuse = () => Promise.reject(new DeployError('AWS_CONFLICT', 'an alias references it.'));
  const ran = await carryOut([{}, kept('1', 'alias late points at it'), kept('2', 'x'), kept('3', 'y')], refuse);
  expect([outcomes(ran), ran.called]).toEqual([['1 kept', '2 kept', '3 kept'], ['1']]);
});

it('leaves AWS a fifth of a second from one deletion to the next', async () => {
  const ran = await carryOut([{}]);
  expect(outcomes(ran)).toEqual(['1 done', '2 done', '3 done']);
  expect(ran.took).toBeGreaterThanOrEqual(400);
});
