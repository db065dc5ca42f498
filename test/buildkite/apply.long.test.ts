import { rm } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { DeployError } from '../../src/errors.js';
import type { Clock } from '../../src/model/ports.js';
import {
  deployed,
  failsFromSecondCall,
  fileOf,
  hello,
  okHandler,
  type Ran,
  stage,
  type Stage,
} from '../e2e/support.js';
import { type AgentFault, BRIEF, jobEnv, standIn, type StandIn } from './support.js';

const APPROVED = {
  BUILDKITE_UNBLOCKER: 'Grace Hopper',
  BUILDKITE_UNBLOCKER_ID: '01890000-0000-4000-8000-000000000007',
  BUILDKITE_UNBLOCKER_EMAIL: 'grace@example.com',
};
const FILE = (more = {}) => fileOf({ hello: hello(more) }, { metadata: 'file:records' });
const ARN = 'arn:aws:lambda:us-east-1:123456789012:function:hello';

/** What the plugin's keys have of the function, without what is before them. */
async function keysOf(build: StandIn): Promise<Record<string, string>> {
  const found = Object.entries(await build.metaData()).flatMap(([key, value]) => {
    const name = /^deployment:aws_lambda:hello:(.*)$/.exec(key)?.[1];
    return name === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(found);
}

const bodyOf = async (build: StandIn): Promise<string> => (await build.annotations()).at(-1)?.body ?? '';

describe('from plan to apply, in two jobs with a checkout each', () => {
  async function planned(build: StandIn): Promise<{ it: Stage; digest: string }> {
    const it = await deployed({ settleMs: 0 }, FILE());
    await it.file(FILE({ timeout: 6 }));
    const ran = await it.runWith({ env: jobEnv(build, 'plan') }, 'plan', '--out', 'plan.zip', '--format', 'json');
    const { digest } = ran.json();
    await rm(path.join(it.folder, 'plan.zip'));
    return { it, digest };
  }

  it('the plan file comes from the step that is named, the approver into the record, and the result onto the page', async () => {
    const build = await standIn();
    const { it, digest } = await planned(build);
    const env = { ...jobEnv(build, 'apply'), ...APPROVED };
    const words = ['--plan-step', 'plan', '--expect', digest, '--require-other-approver'];
    const ran = await it.runWith({ env }, 'apply', 'plan.zip', ...words);
    expect(ran.exitCode, ran.err).toBe(0);
    const [record] = (await it.run('history', '--format', 'json')).json()['records'];
    expect(record).toMatchObject({
      actor: 'Ada Lovelace',
      approver: { name: 'Grace Hopper', id: APPROVED.BUILDKITE_UNBLOCKER_ID, email: 'grace@example.com' },
    });
    expect(await keysOf(build)).toEqual({
      current_version: '2',
      current_arn: `${ARN}:2`,
      previous_version: '1',
      previous_arn: `${ARN}:1`,
      result: 'success',
      package_type: 'Zip',
      auto_rollback: 'false',
    });
    const last = (await build.annotations()).at(-1);
    expect(last).toMatchObject({ context: 'lambda-deploy:result:lambda.deploy.yaml', style: 'success' });
    expect(last?.body).toMatch(
      /^Apply of \*\*lambda\\\.deploy\\\.yaml\*\*: \*\*succeeded\*\*\.\n\n\*\*hello\*\* succeeded\n\n- live\\: version 2 \\\(was 1\\\)\n\n<details>\n<summary>Its calls/,
    );
    expect(ran.err).toMatch(/^--- Reading the plan file, AWS and the records\n[^]*^--- Plan\n[^]*^\+\+\+ Apply\n/m);
  });

  it('what another step uploaded is not taken for it, and nothing is changed', async () => {
    const build = await standIn();
    const { it } = await planned(build);
    it.mutations();
    const ran = await it.runWith({ env: jobEnv(build, 'apply') }, 'apply', 'plan.zip', '--plan-step', 'other');
    expect(ran.exitCode).toBe(1);
    expect(ran.err).toContain('error[BUILD_AGENT]');
    expect(ran.err).toContain('no artifacts found');
    expect(ran.err).toContain('^^^ +++');
    expect(it.mutations()).toEqual([]);
    expect((await build.annotations()).at(-1)).toMatchObject({
      context: 'lambda-deploy:result:lambda.deploy.yaml',
      style: 'error',
      body: expect.stringContaining('BUILD_AGENT') as string,
    });
  });

  it('another plan than the approved one is refused', async () => {
    const build = await standIn();
    const { it } = await planned(build);
    const ran = await it.runWith({ env: jobEnv(build) }, 'apply', 'plan.zip', '--expect', `sha256:${'0'.repeat(64)}`);
    expect(ran.exitCode).toBe(3);
    expect(await bodyOf(build)).toContain('PLAN_STALE');
  });
});

describe('--require-other-approver', () => {
  it.each([
    ['nobody', {}],
    ['an approver without an address', { BUILDKITE_UNBLOCKER: 'Grace', BUILDKITE_UNBLOCKER_EMAIL: ' ' }],
    ['a schedule', { ...APPROVED, BUILDKITE_BUILD_CREATOR_EMAIL: '' }],
    ['the creator', { ...APPROVED, BUILDKITE_UNBLOCKER_EMAIL: ' ADA@example.com' }],
    ['no build', { ...APPROVED, BUILDKITE: '' }],
  ])('refuses %s before any call', async (_, env) => {
    const build = await standIn();
    const it = await stage({ settleMs: 0 });
    for (const verb of ['apply', 'rollback', 'promote']) {
      const ran = await it.runWith({ env: { ...jobEnv(build), ...env } }, verb, '--yes', '--require-other-approver');
      expect(ran.exitCode).toBe(3);
      expect(ran.err).toContain('error[NOT_APPROVED]');
    }
    expect(it.seen()).toEqual([]);
  });
});

describe('what other steps read', () => {
  it('after a first deployment there is no previous version, and no empty value', async () => {
    const build = await standIn();
    const it = await stage({ settleMs: 0 });
    await it.file(FILE());
    await it.code(okHandler('one'));
    expect((await it.runWith({ env: jobEnv(build) }, 'apply', '--yes')).exitCode).toBe(0);
    const first = {
      current_version: '1',
      current_arn: `${ARN}:1`,
      result: 'success',
      package_type: 'Zip',
      auto_rollback: 'false',
    };
    expect(await keysOf(build)).toEqual(first);
    expect((await build.calls()).every(({ exitCode }) => exitCode === 0)).toBe(true);
    const again = await standIn();
    await it.runWith({ env: jobEnv(again) }, 'apply', '--yes');
    expect(await keysOf(again)).toEqual(first);
    expect(await bodyOf(again)).toBe(
      'Apply of **lambda\\.deploy\\.yaml**: nothing to do, live is as the file says.\n\n',
    );
  });

  it('after a health check that failed behind the alias: what serves, what failed, and what to do', async () => {
    const build = await standIn();
    const it = await deployed({ settleMs: 0 }, FILE());
    await it.code(failsFromSecondCall);
    const ran = await it.runWith({ env: jobEnv(build) }, 'apply', '--yes');
    expect(ran.exitCode).toBe(4);
    expect(await keysOf(build)).toEqual({
      current_version: '1',
      current_arn: `${ARN}:1`,
      result: 'rolled_back',
      package_type: 'Zip',
      auto_rollback: 'true',
      rollback_completed: 'true',
      failed_version_preserved: '2',
    });
    expect(await bodyOf(build)).toMatch(
      /\*\*failed; the aliases are back where they were\*\*\. Nothing has to be put right in AWS: mend what failed, and deploy again\.\n\n\*\*hello\*\* rolled back/,
    );
    expect((await build.annotations()).at(-1)?.style).toBe('error');
    expect(ran.err).toContain('^^^ +++');
  });

  it('of a rollout that waits, is promoted, and of one that is aborted', async () => {
    const build = await standIn();
    const rollout = { steps: ['10%'], interval: '5m', promotion: 'manual' };
    const aliases = { live: { rollout } };
    const it = await deployed({ settleMs: 0 }, FILE({ aliases }));
    await it.code(okHandler('two'));
    const env = jobEnv(build);
    expect((await it.runWith({ env }, 'apply', '--yes')).exitCode).toBe(0);
    expect(await keysOf(build)).toMatchObject({
      current_version: '1',
      result: 'success',
      canary_version: '2',
      canary_weight: '0.1',
    });
    expect(await bodyOf(build)).toContain('`██░░░░░░░░░░░░░░░░░░` 10 % on version 2');
    expect(await bodyOf(build)).toContain('**waits at a share**. Go on with `lambda-deploy promote`');
    expect((await it.runWith({ env }, 'promote', '--yes')).exitCode).toBe(0);
    expect(await keysOf(build)).toMatchObject({
      current_version: '2',
      previous_version: '1',
      result: 'promoted',
      canary_weight: '0',
    });
    await it.code(okHandler('three'));
    await it.runWith({ env }, 'apply', '--yes');
    expect((await it.runWith({ env }, 'abort', '--yes')).exitCode).toBe(0);
    expect(await keysOf(build)).toMatchObject({
      current_version: '2',
      result: 'rolled_back',
      rollback_completed: 'true',
    });
  });
});

describe('a rollback', () => {
  /** Two deployments in one build; then the records are lost, as of somebody who cleans up tags. */
  async function twice(build: StandIn): Promise<Stage> {
    const it = await deployed({ settleMs: 0 }, FILE());
    await it.code(okHandler('two'));
    await it.runWith({ env: jobEnv(build) }, 'apply', '--yes');
    return it;
  }

  it('without any record goes where this build’s meta-data say, once, and says so', async () => {
    const build = await standIn();
    const it = await twice(build);
    await rm(path.join(it.folder, 'records'), { recursive: true });
    const ran = await it.runWith({ env: { ...jobEnv(build), ...APPROVED } }, 'rollback', '--yes');
    expect(ran.exitCode, ran.err).toBe(0);
    expect(ran.err).toContain(
      'note: no deployment is recorded; this build’s meta-data name version 1, which live served before version 2.',
    );
    expect(it.fn().aliases.get('live')?.functionVersion).toBe('1');
    expect(await keysOf(build)).toMatchObject({ current_version: '1', previous_version: '2', result: 'rolled_back' });
    const [record] = (await it.run('history', '--format', 'json')).json()['records'];
    expect(record).toMatchObject({ action: 'rollback', approver: { name: 'Grace Hopper' } });
    // What was just left is where the keys point now: it is not gone back to.
    await rm(path.join(it.folder, 'records'), { recursive: true });
    const second = await it.runWith({ env: jobEnv(build) }, 'rollback', '--yes');
    expect(second.exitCode).toBe(1);
    expect(second.err).toContain('NO_ROLLBACK_TARGET');
  });

  it('takes its target from what somebody typed into a field, and never as anything but a target', async () => {
    const build = await standIn();
    const it = await twice(build);
    await it.code(okHandler('three'));
    await it.run('apply', '--yes');
    const env = jobEnv(build);
    const go = () => it.runWith({ env }, 'rollback', '--to-meta-data', 'rollback-to', '--plan-only');
    await build.setMetaData('rollback-to', '$(touch pwned); --yes');
    const hostile = await go();
    expect(hostile.exitCode).toBe(1);
    expect(hostile.err).toContain('no record of a good deployment is, or has the commit, $(touch pwned); --yes.');
    await build.setMetaData('rollback-to', ' 1\n');
    expect((await go()).out).toContain('3 → 1');
    const absent = await it.runWith({ env }, 'rollback', '--to-meta-data', 'never-set', '--plan-only');
    expect(absent.out).toContain('3 → 2');
    const both = await it.runWith({ env }, 'rollback', '--to-meta-data', 'k', '--to', '1', '--yes');
    expect(both.err).toContain('error[USAGE]');
    const outside = await it.run('rollback', '--to-meta-data', 'k', '--yes');
    expect(outside.err).toContain('error[USAGE]');
  });

  it('whose target cannot be read goes nowhere', async () => {
    const build = await standIn();
    const it = await twice(build);
    it.mutations();
    await build.fail({ command: 'meta-data get', do: 'fail' });
    const ran = await it.runWith({ env: jobEnv(build) }, 'rollback', '--to-meta-data', 'k', '--yes');
    expect(ran.exitCode).toBe(1);
    expect(ran.err).toContain('error[BUILD_AGENT]');
    expect(it.mutations()).toEqual([]);
  });
});

describe('an agent that does not do its part changes no deployment, and is told once', () => {
  const ways: readonly [way: string, env: Record<string, string>, fault: AgentFault['do'], notes: number][] = [
    ['absent', { PATH: '/nonexistent' }, 'slow', 1],
    ['hanging', {}, 'hang', 1],
    ['refusing', {}, 'fail', 3],
  ];
  it.each(ways)('%s', async (_, env, fault, notes) => {
    const build = await standIn();
    await build.fail({ command: '*', do: fault });
    const it = await deployed({ settleMs: 0 }, FILE());
    await it.code(okHandler('two'));
    const limits = fault === 'hang' ? { agentLimits: BRIEF } : {};
    const ran = await it.runWith(
      { env: { ...jobEnv(build), ...env }, ...limits },
      'apply',
      '--yes',
      '--format',
      'json',
    );
    expect(ran.exitCode).toBe(0);
    expect(ran.json()).toMatchObject({ result: 'succeeded' });
    expect(it.fn().aliases.get('live')?.functionVersion).toBe('2');
    expect(ran.err.split('\n').filter((line) => line.startsWith('note: '))).toHaveLength(notes);
  });
});

/** Two versions and a canary, whose time passes once `meanwhile` has; it is asked at each sleep of the share. */
async function canary(
  build: StandIn,
  signal: AbortSignal,
  meanwhile: () => Promise<void> | void,
): Promise<Ran & { it: Stage }> {
  const it = await deployed({ settleMs: 0 }, FILE({ aliases: { live: { rollout: 'Canary10Percent5Minutes' } } }));
  await it.code(okHandler('two'));
  const clock: Clock = {
    now: it.clock.now,
    async sleep(milliseconds, stop) {
      if (Object.keys(it.fn().aliases.get('live')?.weights ?? {}).length > 0) await meanwhile();
      await it.clock.sleep(milliseconds, stop);
    },
  };
  return { ...(await it.runWith({ env: jobEnv(build), clock, signal }, 'apply', '--yes')), it };
}

it('shows the shares while a rollout goes on, in the annotation that gets the result', async () => {
  const build = await standIn();
  const isShown = async (): Promise<boolean> =>
    (await build.annotations()).some(({ body }) => body.includes('`██░░░░░░░░░░░░░░░░░░` 10 % on the new version'));
  let looks = 0;
  const ran = await canary(build, new AbortController().signal, async () => {
    looks += 1;
    // The rollout's time has to pass before anything is shown, and then stands still until it is: the agent takes the machine's own.
    while (looks === 3 && !(await isShown())) await new Promise((resolve) => setTimeout(resolve, 20));
  });
  expect(ran.exitCode, ran.out + ran.err).toBe(0);
  const shown = await build.annotations();
  expect(new Set(shown.map(({ context }) => context))).toEqual(new Set(['lambda-deploy:result:lambda.deploy.yaml']));
  expect(shown.map(({ style }) => style)).toEqual([...shown.slice(1).map(() => 'info'), 'success']);
  expect(looks).toBeGreaterThan(3);
});

it('tells a cancelled build what became of it, the annotation before the keys', async () => {
  const build = await standIn();
  const stop = new AbortController();
  const interrupted = new DeployError('INTERRUPTED', 'SIGTERM came in; no further change is started.');
  const ran = await canary(build, stop.signal, () => stop.abort(interrupted));
  expect(ran.exitCode).toBe(143);
  expect(ran.it.fn().aliases.get('live')).toMatchObject({ functionVersion: '1', weights: {} });
  expect(await keysOf(build)).toMatchObject({
    current_version: '1',
    result: 'rolled_back',
    failed_version_preserved: '2',
  });
  const told = (await build.calls()).map(({ args }) => args.join(' '));
  const annotated = told.findLastIndex((call) => call.startsWith('annotate'));
  expect(annotated).toBeLessThan(told.findIndex((call) => call.includes('deployment:aws_lambda:')));
  expect((await build.annotations()).at(-1)).toMatchObject({
    style: 'error',
    body: expect.stringContaining('INTERRUPTED') as string,
  });
});

it('metadata: buildkite keeps the records of one build in its meta-data; without a build it says so before any write', async () => {
  const build = await standIn();
  const it = await stage({ settleMs: 0 });
  await it.file(fileOf({ hello: hello() }, { metadata: 'buildkite' }));
  for (const code of ['one', 'two']) {
    await it.code(okHandler(code));
    const ran = await it.runWith({ env: jobEnv(build) }, 'apply', '--yes');
    expect(ran.exitCode, ran.err).toBe(0);
  }
  expect((await it.runWith({ env: jobEnv(build) }, 'rollback', '--yes')).exitCode).toBe(0);
  expect(it.fn().aliases.get('live')?.functionVersion).toBe('1');
  expect(it.fn().tags).toEqual({});
  it.mutations();
  const outside = await it.run('apply', '--yes');
  expect(outside.exitCode).toBe(1);
  expect(outside.err).toContain('error[RECORD_STORE]');
  expect(outside.err).toContain('this is no job of one');
  expect(it.mutations()).toEqual([]);
});
