import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { BlockStep, CommandStep } from '../../src/model/pipeline.js';
import { deployed, fileOf, hello, okHandler, type Ran, type Stage, stage } from '../e2e/support.js';
import { pipelineSchema } from './schema.js';
import { jobEnv, type StandIn, standIn } from './support.js';

const ROLE = 'arn:aws:iam::123456789012:role/deploy';
const schema = await pipelineSchema();

type Step = Partial<BlockStep & CommandStep> & { readonly key: string };

/** The steps that the build has got; every upload fits Buildkite's schema, and none is to be filled in. */
async function uploaded(build: StandIn): Promise<readonly Step[]> {
  const uploads = await build.pipelines();
  return uploads.flatMap(({ pipeline, interpolated }) => {
    expect(interpolated).toBe(false);
    const read = parse(pipeline) as { steps: Step[] };
    expect(schema?.(read) ?? []).toEqual([]);
    return read.steps;
  });
}

interface Scene {
  readonly it: Stage;
  readonly build: StandIn;
  plan(env: Readonly<Record<string, string>>, ...argv: string[]): Promise<Ran>;
}

async function scene(it: Stage): Promise<Scene> {
  const build = await standIn();
  const plan: Scene['plan'] = (env, ...argv) =>
    it.runWith({ env: { ...jobEnv(build, 'plan'), ...env } }, 'plan', '--upload-steps', ...argv);
  return { it, build, plan };
}

async function changed(more: object = {}): Promise<Scene> {
  const it = await deployed();
  await it.file(fileOf({ hello: hello({ memorySize: 256, ...more }) }));
  return scene(it);
}

describe('a plan with changes, on the default branch', () => {
  it('adds the approval and the apply of exactly this plan, in one upload', async () => {
    const { build, plan } = await changed();
    const ran = await plan({}, '--apply-role', ROLE, '--team', 'releasers', '--format', 'json');
    expect(ran.exitCode, ran.err).toBe(0);
    expect(ran.err).toContain('Added to the build: approve, apply.');
    expect(await build.pipelines()).toHaveLength(1);
    const [approve, apply] = await uploaded(build);
    const { digest } = ran.json() as { digest: string };
    expect(approve).toEqual({
      key: 'approve',
      block: ':rocket: Apply: 1 to update',
      prompt: `hello: update, 7 calls\n\nPlan ${digest.slice(7, 19)}. Every call of it, and why, stands in the annotation of this build.`,
      blocked_state: 'running',
      allowed_teams: ['releasers'],
      if: 'build.branch == pipeline.default_branch && build.pull_request.id == null && build.source != "schedule"',
    });
    expect(apply).toMatchObject({ depends_on: 'approve', env: { AWS_ROLE_ARN: ROLE }, timeout_in_minutes: 30 });
    expect(apply?.commands?.at(-1)).toBe(`npx lambda-deploy apply plan.zip --expect ${digest} --plan-step plan`);
    expect((await build.calls()).map(({ args }) => args.slice(0, 2).join(' '))).toContain('artifact upload');
  });

  it('without a role leaves the credentials to the agents', async () => {
    const { build, plan } = await changed();
    await plan({});
    const [, apply] = await uploaded(build);
    expect(apply).not.toHaveProperty('env');
    expect(apply?.commands).toHaveLength(2);
  });

  it('takes the times of this very plan, and asks for the promotion of what waits', async () => {
    const rollout = { steps: ['10%', '50%'], interval: '40m', promotion: 'auto' };
    const auto = await changed({ aliases: { live: { rollout } } });
    await auto.plan({}, '--apply-role', ROLE);
    const [, apply] = await uploaded(auto.build);
    expect(apply?.timeout_in_minutes).toBeGreaterThan(80);
    const manual = await changed({ aliases: { live: { rollout: { ...rollout, promotion: 'manual' } } } });
    const { digest } = (await manual.plan({}, '--key-prefix', 'x-', '--format', 'json')).json() as { digest: string };
    const steps = await uploaded(manual.build);
    expect(steps.map(({ key }) => key)).toEqual(['x-approve', 'x-apply', 'x-confirm', 'x-promote']);
    expect(steps[3]?.commands?.at(-1)).toBe(
      `npx lambda-deploy promote --config lambda.deploy.yaml --function hello --alias live --expect ${digest} --yes`,
    );
  });

  it('where it cannot add them is an error, because nobody could approve', async () => {
    const { build, plan } = await changed();
    await build.fail({ command: 'pipeline upload', do: 'fail' });
    const ran = await plan({});
    expect(ran.exitCode).toBe(1);
    expect(ran.err).toContain('error[BUILD_AGENT]');
  });
});

describe('nothing is added', () => {
  it.each([
    ['for a pull request', { BUILDKITE_PULL_REQUEST: '7' }, 'it is a pull request’s'],
    ['where nobody says whether it is one', { BUILDKITE_PULL_REQUEST: '' }, 'it is a pull request’s'],
    ['for another branch', { BUILDKITE_BRANCH: 'feature' }, 'only the default branch, main, is applied'],
    ['where nobody says which branch that is', { BUILDKITE_PIPELINE_DEFAULT_BRANCH: '' }, 'only the default branch is'],
    ['for a schedule', { BUILDKITE_SOURCE: 'schedule' }, 'a schedule started it'],
  ])('%s', async (_, env, why) => {
    const { build, plan } = await changed();
    const ran = await plan(env);
    expect(ran.exitCode, ran.err).toBe(0);
    expect(ran.err).toContain(`No steps were added to the build: ${why}`);
    expect(await build.pipelines()).toEqual([]);
  });

  it('where nothing changes', async () => {
    const { build, plan } = await scene(await deployed());
    expect((await plan({})).err).toContain('there is nothing to apply');
    expect(await build.pipelines()).toEqual([]);
  });

  it('where apply would refuse what a rollback took back', async () => {
    const it = await deployed();
    await it.code(okHandler('two'));
    for (const argv of [['apply'], ['rollback']]) expect((await it.run(...argv, '--yes')).exitCode).toBe(0);
    const { build, plan } = await scene(it);
    expect((await plan({})).err).toContain('apply would refuse what a rollback took back (hello)');
    expect(await build.pipelines()).toEqual([]);
    expect((await plan({}, '--release-hold')).err).toContain('Added to the build');
  });
});

describe('before anything is read from AWS', () => {
  it.each([
    [
      'a role of another account',
      ['--apply-role', 'arn:aws:iam::999999999999:role/deploy'],
      'is of account 999999999999',
    ],
    ['no ARN', ['--apply-role', 'deploy'], 'is no ARN of a role'],
    ['a prefix that is none', ['--key-prefix', 'a b'], 'is no beginning of a step'],
    ['a team that is none', ['--team', '$(id)'], 'is not a slug'],
  ])('%s is refused', async (_, argv, why) => {
    const { it, plan } = await changed();
    const ran = await plan({}, ...argv);
    expect(ran.exitCode).toBe(1);
    expect(ran.err).toContain(why);
    expect(it.seen()).toEqual([]);
  });

  it('a plan of two regions is refused, and so is one outside of a build', async () => {
    const it = await stage();
    await it.file(fileOf({ one: hello(), two: hello({ region: 'eu-west-1' }) }));
    await it.code(okHandler('one'));
    expect((await it.run('plan', '--upload-steps')).err).toContain('this is no job of one');
    const { plan } = await scene(it);
    expect((await plan({})).err).toContain('the functions are in several regions');
    expect((await plan({}, '--function', 'two')).err).toContain('Added to the build: approve, apply.');
  });
});

it('puts nothing of what a commit, a branch or a creator says into the steps', async () => {
  const { build, plan } = await changed();
  const hostile = ':tada: ${X} $(id) "\n- block: x';
  await plan({ BUILDKITE_MESSAGE: hostile, BUILDKITE_BUILD_CREATOR: hostile, BUILDKITE_LABEL: hostile });
  const [first] = await build.pipelines();
  for (const part of [':tada:', '${X}', '$(id)']) expect(first?.pipeline).not.toContain(part);
});
