import { UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { expect, it } from 'vitest';
import { failsFromSecondCall, fileOf, hello, okHandler } from '../e2e/support.js';
import { APPLY_ROLE, type BuildStage, buildStage, PLAN_ROLE } from './stage.js';

const CANARY = {
  live: { healthCheck: { expect: { status: 200 }, timeout: '10s' }, rollout: { steps: ['50%'], interval: '1s' } },
};

const FILE = fileOf({ hello: hello({ aliases: CANARY }), bye: hello({ code: { zip: 'bye.zip' } }) });

async function team(): Promise<BuildStage> {
  const it = await buildStage({
    file: FILE,
    code: okHandler('one'),
    pipeline: ['--team', 'releasers', '--require-other-approver'],
    steps: ['apply', 'rollback'],
  });
  await it.code(okHandler('bye'), 'bye.zip');
  return it;
}

/** A build that is approved, and what became of it. */
async function deploy(it: BuildStage, loss?: Parameters<Awaited<ReturnType<BuildStage['build']>>['run']>[0]) {
  const build = await it.build();
  await build.run();
  await build.unblock('approve', {}, loss);
  return build;
}

it('plan, block, apply, canary, a failed check, rollback, scheduled drift: from the pipeline’s own output', async () => {
  const it = await team();

  // The first deployment: planned, approved by somebody else, applied from another checkout.
  const first = await it.build();
  await first.run();
  expect(first.keys).toEqual(['plan', 'approve', 'apply', 'choose', 'rollback', 'drift']);
  expect(first.keys.map((key) => first.state(key))).toEqual([
    ...['passed', 'blocked', 'waiting', 'blocked', 'waiting', 'left out'],
  ]);
  expect(first.step('approve').block).toBe(':rocket: Apply: 2 to create');
  await first.unblock('approve');
  expect(first.state('apply'), first.job('apply').log).toBe('passed');
  expect(await it.serves('hello', 'live')).toEqual({ version: '1', weights: {} });

  // A canary, whose agent is lost at its first share: the retry goes on with the same plan.
  await it.code(okHandler('two'));
  const second = await deploy(it, { key: 'apply', when: /50 %/ });
  const applies = second.jobs.filter(({ key }) => key === 'apply');
  expect(
    applies.map(({ exitCode }) => exitCode),
    applies.at(-1)?.log,
  ).toEqual([-1, 0]);
  expect(await it.serves('hello', 'live')).toEqual({ version: '2', weights: {} });

  // A version that is healthy until it has traffic.
  await it.code(failsFromSecondCall);
  const third = await deploy(it);
  expect(third.job('apply').exitCode, third.job('apply').log).toBe(4);
  expect([third.state('apply'), third.isRed]).toEqual(['failed', true]);
  expect(await it.serves('hello', 'live')).toEqual({ version: '2', weights: {} });

  // The rollback is there all the same, and goes where the field says.
  await third.unblock('choose', { 'rollback-function': 'hello', 'rollback-target': '1' });
  expect(third.state('rollback'), third.job('rollback').log).toBe('passed');
  expect(await it.serves('hello', 'live')).toEqual({ version: '1', weights: {} });
  expect(await it.serves('bye', 'live')).toEqual({ version: '1', weights: {} });

  // At night nobody has changed anything, then somebody has.
  const quiet = await it.build({ source: 'schedule' });
  await quiet.run();
  expect(
    quiet.jobs.map(({ key, exitCode }) => [key, exitCode]),
    quiet.job('drift').log,
  ).toEqual([['drift', 0]]);
  await it.client.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'hello', MemorySize: 1024 }));
  const night = await it.build({ source: 'schedule' });
  await night.run();
  expect(night.jobs.map(({ key, exitCode }) => [key, exitCode])).toEqual([['drift', 2]]);
  expect([night.isRed, night.job('drift').log]).toEqual([true, expect.stringContaining('recorded 128, live 1024')]);

  // Who asked for which role: each step for its own, by its token.
  const asked = new Set(
    it.assumed.map(({ role, subject, isAllowed }) => [role, subject.split(':').at(-1), isAllowed].join(' ')),
  );
  expect([...asked].sort()).toEqual([
    `${APPLY_ROLE} apply true`,
    `${APPLY_ROLE} rollback true`,
    `${PLAN_ROLE} drift true`,
    `${PLAN_ROLE} plan true`,
  ]);
}, 240_000);

it('a pull request plans at most, one from a fork not even that, and neither gets the role of apply', async () => {
  const it = await team();
  const own = { branch: 'feature', pullRequest: { number: 7, isFork: false } };
  for (const [of, jobs] of [
    [own, [['plan', 0]]],
    [{ branch: 'main', pullRequest: { number: 8, isFork: true } }, []],
  ] as const) {
    const build = await it.build(of);
    await build.run();
    expect(build.jobs.map(({ key, exitCode }) => [key, exitCode])).toEqual(jobs);
    expect(build.keys).toEqual(['plan', 'choose', 'rollback', 'drift']);
    expect(build.keys.filter((key) => build.state(key) === 'blocked')).toEqual([]);
  }
  const hostile = it.pipeline.replace(`AWS_ROLE_ARN: ${PLAN_ROLE}`, `AWS_ROLE_ARN: ${APPLY_ROLE}`);
  const build = await it.build(own, hostile);
  await build.run();
  expect(build.state('plan')).toBe('failed');
  expect(it.assumed.at(-1)).toMatchObject({ role: APPLY_ROLE, isAllowed: false });
}, 120_000);
