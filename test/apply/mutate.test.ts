import { describe, expect, it } from 'vitest';
import { mutate, type MutateOptions } from '../../src/apply/mutate.js';
import { DeployError, type ErrorCode } from '../../src/errors.js';

/** A call that fails so many times, with the pauses that were made between its tries. */
async function failing(
  times: number,
  code: ErrorCode,
  more: { random?: number; retryAfterSeconds?: number; found?: 'ours' | 'unchanged' } = {},
): Promise<{ pauses: number[]; calls: number; ended: string }> {
  const pauses: number[] = [];
  let calls = 0;
  let now = 0;
  const options: MutateOptions = {
    clock: {
      now: () => now,
      sleep: (milliseconds) => {
        pauses.push(milliseconds);
        now += milliseconds;
        return Promise.resolve();
      },
    },
    random: () => more.random ?? 0,
    signal: new AbortController().signal,
    call: () => {
      calls += 1;
      if (calls > times) return Promise.resolve();
      const { retryAfterSeconds } = more;
      throw new DeployError(code, 'AWS said so.', retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
    },
    inspect: () => Promise.resolve(more.found ?? 'unchanged'),
    onRetry: () => undefined,
  };
  const ended = await mutate(options).catch((error: DeployError) => error.code);
  return { pauses, calls, ended };
}

describe('a call that is made until it took effect once', () => {
  it('waits longer each time, up to five seconds', async () => {
    const { pauses, ended } = await failing(7, 'AWS_THROTTLED');
    expect([pauses, ended]).toEqual([[200, 400, 800, 1600, 3200, 5000, 5000], 'done']);
  });

  it('cuts each pause by up to a half at random, so that many runs do not come back together', async () => {
    expect((await failing(3, 'AWS_THROTTLED', { random: 0.999 })).pauses).toEqual([100, 200, 400]);
    expect((await failing(3, 'AWS_THROTTLED', { random: 0.5 })).pauses).toEqual([150, 300, 600]);
  });

  it('waits as long as AWS asks', async () => {
    expect((await failing(1, 'AWS_THROTTLED', { retryAfterSeconds: 7, random: 0.9 })).pauses).toEqual([7000]);
  });

  it('gives up when a minute is spent, with what AWS said', async () => {
    const { pauses, ended } = await failing(1000, 'AWS_THROTTLED');
    expect(ended).toBe('AWS_THROTTLED');
    expect(pauses.reduce((sum, pause) => sum + pause, 0)).toBeLessThanOrEqual(60_000);
  });

  it.each(['AWS_AMBIGUOUS', 'AWS_CONFLICT', 'AWS_PRECONDITION_FAILED'] as const)(
    '%s: reads, and sends nothing again when the effect is there',
    async (code) =>
      expect(await failing(1, code, { found: 'ours' })).toEqual({ pauses: [], calls: 1, ended: 'recovered' }),
  );

  it.each(['AWS_ACCESS_DENIED', 'AWS_REFUSED', 'AWS_EXPIRED_CREDENTIALS'] as const)(
    '%s: is not repeated',
    async (code) => expect(await failing(1, code)).toEqual({ pauses: [], calls: 1, ended: code }),
  );
});
