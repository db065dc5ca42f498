import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/aws/clock.js';
import { waitUntilSettled } from '../../src/aws/wait.js';
import { DeployError } from '../../src/errors.js';
import type { LiveVersion } from '../../src/model/function.js';
import type { Clock, FunctionRead } from '../../src/model/ports.js';

/** Time that passes only by sleeping. */
class FakeClock implements Clock {
  readonly slept: number[] = [];
  private time = 1_000;
  now(): number {
    return this.time;
  }
  sleep(milliseconds: number): Promise<void> {
    this.slept.push(milliseconds);
    this.time += milliseconds;
    return Promise.resolve();
  }
}

function version(more: Partial<LiveVersion>): LiveVersion {
  return {
    version: '$LATEST',
    description: '',
    packageType: 'Zip',
    settings: {},
    environment: {},
    codeSha256: '',
    codeSize: 0,
    lastModified: '',
    ...more,
  };
}

type Answer = Partial<LiveVersion> | Error | undefined;
const IN_PROGRESS: Answer = { state: 'Active', lastUpdateStatus: 'InProgress', lastUpdateStatusReason: 'Creating' };
const SETTLED: Answer = { state: 'Active', lastUpdateStatus: 'Successful' };

/** Answers one after the other, the last one for ever. */
function lambda(...answers: Answer[]) {
  let calls = 0;
  return {
    asked: [] as (string | undefined)[],
    getFunction(_name: string, qualifier?: string): Promise<FunctionRead | undefined> {
      this.asked.push(qualifier);
      const answer = answers[Math.min(calls, answers.length - 1)];
      calls += 1;
      if (answer instanceof Error) return Promise.reject(answer);
      if (answer === undefined) return Promise.resolve(undefined);
      return Promise.resolve({ version: version(answer), arn: 'arn', tags: {} });
    },
  };
}

async function outcome(answers: Answer[], qualifier?: string, maxWaitSeconds = 60) {
  const port = lambda(...answers);
  const clock = new FakeClock();
  const waits: string[] = [];
  const run = waitUntilSettled(port, clock, 'orders', qualifier, {
    maxWaitSeconds,
    onWait: (_seconds, status, reason) => waits.push(reason === undefined ? status : `${status}: ${reason}`),
  });
  const result: FunctionRead | DeployError = await run.catch((error: unknown) => error as DeployError);
  return { result, waits, clock, polls: port.asked.length, asked: port.asked };
}

const throttled = new DeployError('AWS_THROTTLED', 'slow down', { retryAfterSeconds: 2 });
const denied = new DeployError('AWS_ACCESS_DENIED', 'lambda:GetFunction is denied');

describe('waiting until settled', () => {
  const ends: readonly [why: string, qualifier: string | undefined, Answer[], polls: number][] = [
    ['settled already: one read', undefined, [SETTLED], 1],
    ['an update in progress', undefined, [IN_PROGRESS, IN_PROGRESS, SETTLED], 3],
    ['a function that is being created', undefined, [{ state: 'Pending' }, { state: 'Active' }], 2],
    ['an endpoint that tells no states', undefined, [{}], 1],
    ['an idle function is settled', undefined, [{ state: 'Inactive', lastUpdateStatus: 'Successful' }], 1],
    [
      'a Failed function that is being repaired',
      undefined,
      [{ state: 'Failed', lastUpdateStatus: 'InProgress' }, SETTLED],
      2,
    ],
    [
      'a version that starts',
      '7',
      [
        { version: '7', state: 'Pending' },
        { version: '7', state: 'Active' },
      ],
      2,
    ],
    [
      'a version’s old update status says nothing',
      '7',
      [{ version: '7', state: 'Active', lastUpdateStatus: 'InProgress' }],
      1,
    ],
    ['not visible at once', '7', [undefined, { version: '7', state: 'Active' }], 2],
    ['throttles', undefined, [throttled, SETTLED], 2],
    [
      'lost answers',
      undefined,
      [new DeployError('AWS_AMBIGUOUS', 'x'), new DeployError('AWS_UNREACHABLE', 'x'), SETTLED],
      3,
    ],
  ];
  it.each(ends)('%s', async (_why, qualifier, answers, polls) => {
    const { result, polls: made, asked } = await outcome(answers, qualifier);
    expect(result).not.toBeInstanceOf(Error);
    expect((result as FunctionRead).version).toEqual(version(answers.at(-1) as Partial<LiveVersion>));
    expect(made).toBe(polls);
    expect(new Set(asked)).toEqual(new Set([qualifier]));
  });

  const failures: readonly [why: string, string | undefined, Answer[], code: string, detail: RegExp][] = [
    [
      'an update that failed, with AWS’s reason and code',
      undefined,
      [
        IN_PROGRESS,
        {
          state: 'Active',
          lastUpdateStatus: 'Failed',
          lastUpdateStatusReason: 'no subnet',
          lastUpdateStatusReasonCode: 'InvalidSubnet',
        },
      ],
      'UPDATE_FAILED',
      /function orders.*no subnet \(InvalidSubnet\)/,
    ],
    [
      'a version that failed to start',
      '7',
      [{ version: '7', state: 'Failed', stateReason: 'init failed', stateReasonCode: 'FunctionError' }],
      'UPDATE_FAILED',
      /version 7 of function orders.*init failed \(FunctionError\)/,
    ],
    ['access denied', undefined, [denied], 'AWS_ACCESS_DENIED', /denied/],
    [
      'expired credentials',
      undefined,
      [new DeployError('AWS_EXPIRED_CREDENTIALS', 'x')],
      'AWS_EXPIRED_CREDENTIALS',
      /x/,
    ],
    ['refused', undefined, [new DeployError('AWS_REFUSED', 'x')], 'AWS_REFUSED', /x/],
    ['gone', undefined, [undefined], 'AWS_NOT_FOUND', /function orders does not exist/],
    [
      'never settles',
      undefined,
      [IN_PROGRESS],
      'WAIT_TIMEOUT',
      /function orders.*60 s: update InProgress\. AWS said: Creating/,
    ],
  ];
  it.each(failures)('ends with: %s', async (_why, qualifier, answers, code, detail) => {
    const { result } = await outcome(answers, qualifier);
    expect((result as DeployError).code).toBe(code);
    expect((result as DeployError).detail).toMatch(detail);
  });

  it('fails fast: no sleep after the answer that ends it', async () => {
    expect((await outcome([denied])).clock.slept).toEqual([]);
  });

  it('polls soon at first and then less often, and never past the budget', async () => {
    const { clock, polls } = await outcome([IN_PROGRESS], undefined, 60);
    expect(clock.slept[0]).toBeLessThanOrEqual(100);
    expect(Math.max(...clock.slept)).toBeLessThanOrEqual(5_000);
    expect(clock.slept.reduce((sum, pause) => sum + pause, 0)).toBe(60_000);
    expect(polls).toBeLessThan(40);
  });

  it('waits as long as a throttle asks', async () => {
    expect((await outcome([throttled, SETTLED])).clock.slept).toEqual([2_000]);
  });

  it('tells what it waits for', async () => {
    expect((await outcome([IN_PROGRESS, throttled, SETTLED])).waits).toEqual([
      'update InProgress: Creating',
      'AWS throttles',
    ]);
  });

  it('stops when it is told to', async () => {
    const controller = new AbortController();
    const reason = new Error('stopped');
    const port = lambda(IN_PROGRESS);
    const run = waitUntilSettled(
      port,
      systemClock,
      'orders',
      undefined,
      { maxWaitSeconds: 60, onWait: () => controller.abort(reason) },
      controller.signal,
    );
    await expect(run).rejects.toBe(reason);
    expect(port.asked).toHaveLength(1);
  });
});

describe('the system clock', () => {
  it('sleeps at least as long as it says', async () => {
    const before = performance.now();
    await systemClock.sleep(20);
    // Timers may fire a fraction of a millisecond early.
    expect(performance.now() - before).toBeGreaterThanOrEqual(19);
  });

  it('does not begin to sleep when it was aborted before', async () => {
    const reason = new Error('stopped');
    await expect(systemClock.sleep(60_000, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
