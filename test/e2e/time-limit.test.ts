import { afterEach, expect, it, vi } from 'vitest';
import { deployed, fileOf, hello, okHandler } from './support.js';

afterEach(() => vi.unstubAllEnvs());

/** Ten minutes at a share; there is nothing to watch after it. */
const canary = fileOf({ hello: hello({ aliases: { live: { rollout: 'Canary10Percent10Minutes' } } }) });

async function second() {
  const run = await deployed();
  await run.file(canary);
  await run.code(okHandler('two'));
  return run;
}

const job = (minutes: string) => ({ env: { BUILDKITE: 'true', BUILDKITE_TIMEOUT: minutes } });

it('a rollout that the job has no time for is refused before the first write', async () => {
  const run = await second();
  const startedAt = run.clock.now() - 50 * 60_000;
  const ran = await run.runWith({ ...job('60'), startedAt }, 'apply', '--yes', '--format', 'json');
  expect(ran.exitCode).toBe(3);
  expect(ran.json()['error']).toMatchObject({
    code: 'TIME_TOO_SHORT',
    message: expect.stringMatching(/the job ends in \d+ min \(BUILDKITE_TIMEOUT is 60\)/),
    hint: expect.stringContaining('timeout_in_minutes'),
  });
  expect(run.mutations()).toEqual([]);
});

it('a rollout that outlives credentials from variables is refused before the first write', async () => {
  const run = await second();
  vi.stubEnv('AWS_CREDENTIAL_EXPIRATION', new Date(run.clock.now() + 8 * 60_000).toISOString());
  const ran = await run.run('apply', '--yes');
  expect(ran.exitCode).toBe(3);
  expect(ran.err).toMatch(/the AWS credentials expire in [78] min/);
  expect(run.mutations()).toEqual([]);
});

it('a rollout that fits goes its way to the end', async () => {
  const run = await second();
  const ran = await run.runWith(job('60'), 'apply', '--yes');
  expect(ran.exitCode, ran.err).toBe(0);
  expect(run.fn().aliases.get('live')).toMatchObject({ functionVersion: '2', weights: {} });
});
