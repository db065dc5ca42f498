import { describe, expect, it } from 'vitest';
import { runCheck } from '../../src/apply/check.js';
import type { ApplyPorts } from '../../src/apply/job.js';
import { DeployError } from '../../src/errors.js';
import type { ApplyEvent } from '../../src/model/events.js';
import type { HealthCheck } from '../../src/model/function.js';
import type { InvokeAnswer } from '../../src/model/ports.js';

/** What an invocation leads to, and how long it takes. */
type Reply = (Partial<InvokeAnswer> | { readonly error: DeployError }) & { readonly takesMs?: number };

const OK: Reply = { payload: '{"statusCode":200}' };
const BAD: Reply = { payload: '{"statusCode":503}', logTail: 'why\n' };
const OTHER: Reply = { ...BAD, executedVersion: '1' };
const THROTTLED: Reply = { error: new DeployError('AWS_THROTTLED', 'too many') };
const DENIED: Reply = { error: new DeployError('AWS_ACCESS_DENIED', 'no') };

interface Ran {
  /** What the check said, or `CODE: why`. */
  readonly said: string;
  readonly invocations: number;
  readonly seconds: number;
  /** What each invocation could take, in seconds. */
  readonly allowed: readonly number[];
  readonly events: readonly ApplyEvent['type'][];
}

/** The last reply is given again and again. */
async function run(replies: readonly Reply[], check: Partial<HealthCheck>): Promise<Ran> {
  let now = 0;
  const allowed: number[] = [];
  const events: ApplyEvent['type'][] = [];
  const invoke = (_name: string, _qualifier: string, _event: unknown, seconds: number): Promise<InvokeAnswer> => {
    const reply = replies[Math.min(allowed.push(seconds), replies.length) - 1] ?? OK;
    now += reply.takesMs ?? 0;
    if ('error' in reply) return Promise.reject(reply.error);
    return Promise.resolve({ statusCode: 200, payload: '', logTail: '', executedVersion: '2', ...reply });
  };
  const ports = {
    lambda: { invoke },
    clock: { now: () => now, sleep: (ms: number) => Promise.resolve(void (now += ms)) },
    emit: ({ type }: ApplyEvent) => void events.push(type),
    redact: (text: string) => text,
  } as Partial<ApplyPorts> as ApplyPorts;
  const checked = { functionName: 'a', qualifier: 'live', expected: '2' };
  const whole = { expect: { status: 200 }, timeoutSeconds: 10, ...check };
  const said = await runCheck(checked, whole, ports).catch((error: unknown) => {
    if (!(error instanceof DeployError)) throw error;
    return `${error.code}: ${error.detail}`;
  });
  return { said, invocations: allowed.length, seconds: now / 1000, allowed, events };
}

const TRIES = { attempts: 3, intervalSeconds: 2 };

describe('a check', () => {
  it.each<[string, readonly Reply[], Partial<HealthCheck>, Partial<Ran>]>([
    ['that passes', [OK], {}, { said: 'status 200', invocations: 1, seconds: 0, events: [] }],
    [
      'is tried once unless more is said',
      [BAD, OK],
      {},
      {
        said: 'HEALTH_CHECK_FAILED: a:live: it answered status 503, expected 200',
        invocations: 1,
        seconds: 0,
        events: ['log-tail'],
      },
    ],
    [
      'is tried again after its pause, and the first that passes is enough',
      [BAD, BAD, OK],
      TRIES,
      { said: 'status 200, attempt 3 of 3', invocations: 3, seconds: 4, events: ['retrying', 'retrying'] },
    ],
    [
      'fails when its attempts are used up, with the last log tail alone',
      [BAD],
      TRIES,
      {
        said: 'HEALTH_CHECK_FAILED: a:live: it answered status 503, expected 200 (the last of 3 attempts)',
        invocations: 3,
        seconds: 4,
        events: ['retrying', 'retrying', 'log-tail'],
      },
    ],
    [
      'starts no attempt that its time does not allow',
      [{ ...BAD, takesMs: 5000 }],
      TRIES,
      {
        said: 'HEALTH_CHECK_FAILED: a:live: it answered status 503, expected 200 (the last of 2 attempts in 10 s)',
        invocations: 2,
        allowed: [10, 3],
      },
    ],
    ['an answer of another version is no attempt', [OTHER, OTHER, OK], {}, { said: 'status 200', invocations: 3 }],
    ['a throttle is no attempt', [THROTTLED, BAD, THROTTLED, OK], TRIES, { said: 'status 200, attempt 2 of 3' }],
    [
      'that nobody answers ends with its time',
      [OTHER],
      {},
      {
        said: 'HEALTH_CHECK_FAILED: a:live: no conclusive answer within 10 s; the last one: version 1 answered instead of 2',
        seconds: 10,
      },
    ],
    [
      'that nobody answers again says what the last attempt was told',
      [BAD, THROTTLED],
      TRIES,
      {
        said: 'HEALTH_CHECK_FAILED: a:live: no conclusive answer within 10 s; the last attempt: it answered status 503, expected 200',
        seconds: 10,
      },
    ],
    ['that may not be made is not made again', [DENIED], TRIES, { said: 'AWS_ACCESS_DENIED: no', invocations: 1 }],
    [
      'measures the call where nothing is reported',
      [{ ...OK, takesMs: 80 }],
      { expect: { maxDurationMs: 79 } },
      { said: 'HEALTH_CHECK_FAILED: a:live: it took 80 ms, expected at most 79 ms' },
    ],
  ])('%s', async (_, replies, check, expected) => expect(await run(replies, check)).toMatchObject(expected));
});
