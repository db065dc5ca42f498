import { describe, expect, it } from 'vitest';
import { execute, type Job } from '../../src/cli/execute.js';
import type { Context } from '../../src/cli/context.js';
import type { Host } from '../../src/cli/host.js';
import type { Session } from '../../src/cli/session.js';
import { readTimeLimits } from '../../src/cli/time-limits.js';
import type { Operation } from '../../src/model/plan.js';
import { deployed, okHandler } from '../e2e/support.js';

const NOW = Date.parse('2026-01-02T12:00:00Z');
const MINUTE = 60_000;

function hostWith(env: Host['env'], ranMinutes = 0): Host {
  return { env, startedAt: NOW - ranMinutes * MINUTE, clock: { now: () => NOW } } as unknown as Host;
}

/** A session that answers nothing but when its credentials end. */
function session(end?: number): Session {
  return { lambda: { credentialsEnd: async () => end } } as unknown as Session;
}

const BUILD = { BUILDKITE: 'true', BUILDKITE_TIMEOUT: '30' };

describe('what ends a run from outside', () => {
  it.each<[string, Host['env'], number, number[]]>([
    ['the job’s timeout, counted from the start of the process', BUILD, 10, [20]],
    ['no timeout, as Buildkite says it', { ...BUILD, BUILDKITE_TIMEOUT: 'false' }, 0, []],
    ['no timeout at all', { BUILDKITE: 'true' }, 0, []],
    ['a timeout that is none', { ...BUILD, BUILDKITE_TIMEOUT: '0' }, 0, []],
    ['a variable outside of a build', { BUILDKITE_TIMEOUT: '30' }, 0, []],
  ])('%s', async (_why, env, ran, minutes) => {
    const limits = await readTimeLimits(hostWith(env, ran), [session()]);
    expect(limits.map(({ at }) => (at - NOW) / MINUTE)).toEqual(minutes);
  });

  it('the credentials of every region, each asked once', async () => {
    const [a, b, c] = [session(NOW + 5), session(NOW + 9), session()];
    const limits = await readTimeLimits(hostWith({}), [a, b, a, c]);
    expect(limits.map(({ at, what }) => [at - NOW, what])).toEqual([
      [5, 'the AWS credentials expire'],
      [9, 'the AWS credentials expire'],
    ]);
  });
});

it('a rollout that does not fit is refused before any call, with what the step would need', async () => {
  const place = { version: { number: '1' } };
  const operations: Operation[] = [
    {
      type: 'UpdateAlias',
      reason: '',
      alias: 'live',
      from: place,
      ...place,
      watch: { seconds: 40 * 60, alarms: [] },
    },
  ];
  const job = { session: session(), planned: { plan: { operations } } } as unknown as Job;
  const context = { host: hostWith(BUILD), output: {}, options: {} } as unknown as Context;
  await expect(execute(context, 'apply', [job])).rejects.toMatchObject({
    code: 'TIME_TOO_SHORT',
    exit: 3,
    detail: expect.stringContaining('the job ends in 30 min (BUILDKITE_TIMEOUT is 30). Nothing was changed.'),
    fix: expect.stringContaining('timeout_in_minutes of the step: 42 min are needed'),
  });
});

it('all at once goes its way in a job of one minute that has run for a minute', async () => {
  const run = await deployed();
  await run.code(okHandler('two'));
  const env = { BUILDKITE: 'true', BUILDKITE_TIMEOUT: '1' };
  const ran = await run.runWith({ env, startedAt: run.clock.now() - MINUTE }, 'apply', '--yes');
  expect(ran.exitCode, ran.err).toBe(0);
  expect(run.fn().aliases.get('live')?.functionVersion).toBe('2');
});
