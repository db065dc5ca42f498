import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { deployed, fileOf, hello, okHandler, stage } from '../e2e/support.js';
import { type AgentFault, BRIEF, jobEnv, standIn } from './support.js';

it('shows a plan on the build’s page, keeps the plan file and its digest, and folds the log into groups', async () => {
  const build = await standIn();
  const it = await deployed();
  await it.file(fileOf({ hello: hello({ memorySize: 256, environment: { GREETING: 'Bye' } }) }));
  const ran = await it.runWith({ env: jobEnv(build, 'plan') }, 'plan', '--out', 'out/../plan.zip', '--format', 'json');
  expect(ran.exitCode, ran.err).toBe(0);
  const [annotation, ...others] = await build.annotations();
  expect(others).toEqual([]);
  expect(annotation).toMatchObject({ context: 'lambda-deploy:plan:lambda.deploy.yaml', style: 'info' });
  expect(annotation?.body.replace(/^```text\n[^]*?^```\n/gm, '(details)\n')).toBe(
    `Plan for **lambda\\.deploy\\.yaml**: **1 to update**

**hello** update

- changes: \`memorySize\` 128 → 256 · \`environment.GREETING\` \\(changed\\) · \`aliases.live.version\` 1 → new version
- callers of hello without an alias or version see the change of \\$LATEST at once
- alias live moves all of its traffic from version 1 to a new version in one step
- calls: \`TagResource\` → \`UpdateFunctionConfiguration\` → \`PublishVersion\` → \`Invoke\` → \`UpdateAlias\` → \`Invoke\` → \`TagResource\`

<details>
<summary>Every difference and call, with its reason</summary>

(details)

</details>

Plan file: [plan\\.zip](artifact://plan.zip) · \`${ran.json()['digest']}\`
`,
  );
  expect(await build.metaData()).toEqual({ 'lambda-deploy:plan:lambda.deploy.yaml': ran.json()['digest'] });
  const kept = await readFile(path.join(build.folder, 'artifacts/plan/plan.zip'));
  expect(kept.equals(await readFile(path.join(it.folder, 'plan.zip')))).toBe(true);
  expect(ran.err).toContain('\n+++ Plan\n');
});

it('says shortly that nothing changes, in place of what an earlier try said', async () => {
  const build = await standIn();
  const it = await deployed();
  await it.runWith({ env: jobEnv(build) }, 'plan', '--function', 'hel*');
  expect(await build.annotations()).toEqual([
    {
      context: 'lambda-deploy:plan:lambda.deploy.yaml::hel*',
      style: 'success',
      priority: 3,
      body: '**lambda\\.deploy\\.yaml**, only `hel*`: no changes, live is as the file says.\n',
    },
  ]);
});

it('hands every secret it knows to the agent’s redactor, by stdin, before the plan is shown', async () => {
  const build = await standIn();
  const it = await stage();
  await it.file(fileOf({ hello: hello({ environment: { TOKEN: '${secret:TOKEN}' } }) }));
  await it.code(okHandler('one'));
  const env = { ...jobEnv(build), TOKEN: 'hunter2-hunter2' };
  expect((await it.runWith({ env }, 'plan')).exitCode).toBe(0);
  expect(await build.secrets()).toEqual(['hunter2-hunter2']);
  expect((await build.calls()).map(({ args }) => args[0])).toEqual(['redactor', 'annotate']);
});

describe('an agent that does not do its part changes no plan, and is told once', () => {
  const ways: readonly [way: string, env: Record<string, string>, fault: AgentFault['do'], notes: readonly RegExp[]][] =
    [
      ['absent', { PATH: '/nonexistent' }, 'slow', [/not on the PATH. The build is told nothing more; no deployment/]],
      ['hanging', {}, 'hang', [/redactor add did not end within 0.2 s. The build is told nothing more/]],
      [
        'refusing',
        {},
        'fail',
        [
          /without redaction by the agent/,
          /without the plan file plan.zip/,
          /without the annotation/,
          /without the plan’s/,
        ],
      ],
    ];
  it.each(ways)('%s', async (_, env, fault, notes) => {
    const build = await standIn();
    await build.fail({ command: '*', do: fault });
    const it = await deployed();
    await it.file(fileOf({ hello: hello({ memorySize: 256, environment: { GREETING: '${secret:TOKEN}' } }) }));
    const host = { env: { ...jobEnv(build), TOKEN: 'hunter2-hunter2', ...env } };
    const limits = fault === 'hang' ? { agentLimits: BRIEF } : {};
    const ran = await it.runWith({ ...host, ...limits }, 'plan', '--out', 'plan.zip', '--detailed-exitcode');
    expect(ran.exitCode).toBe(2);
    expect(ran.out).toContain('Plan: 1 to update.');
    const told = ran.err.split('\n').filter((line) => line.startsWith('note: '));
    expect(told).toHaveLength(notes.length);
    for (const words of notes) expect(told).toContainEqual(expect.stringMatching(words));
  });
});

it('tells a build nothing where there is none', async () => {
  const build = await standIn();
  const it = await deployed();
  for (const env of [{ BUILDKITE: '' }, { BUILDKITE: 'false' }, { BUILDKITE_JOB_ID: '' }]) {
    const ran = await it.runWith({ env: { ...jobEnv(build), ...env } }, 'plan');
    expect(ran.err).toBe('');
  }
  expect(await build.calls()).toEqual([]);
});

describe('records in the meta-data of a build are no lock', () => {
  const MERELY_KEPT = 'warning: metadata: buildkite is no lock: a deployment by another build is not seen';

  it('a plan with changes and an apply say so; without changes, with steps of one group and for an approved plan file nobody is told', async () => {
    const build = await standIn();
    const it = await stage({ settleMs: 0 });
    const env = jobEnv(build, 'all');
    const run = async (...argv: string[]): Promise<string> => {
      const ran = await it.runWith({ env }, ...argv);
      expect(ran.exitCode, ran.err).toBe(0);
      return ran.out + ran.err;
    };
    await it.code(okHandler('one'));
    await it.file(fileOf({ hello: hello() }, { metadata: 'buildkite' }));
    expect((await run('plan')).split(MERELY_KEPT)).toHaveLength(2);
    expect((await build.annotations()).at(-1)).toMatchObject({
      style: 'warning',
      body: expect.stringContaining('a deployment by another build is not seen') as string,
    });
    const machine = await it.runWith({ env }, 'plan', '--format', 'json');
    expect(machine.json()['warnings']).toMatchObject([{ code: 'RECORDS_UNLOCKED' }]);
    expect(await run('apply', '--yes')).toContain(MERELY_KEPT);
    expect(await run('plan')).not.toContain('no lock');
    expect(await run('apply', '--yes')).not.toContain('no lock');
    await it.file(fileOf({ hello: hello({ timeout: 6 }) }, { metadata: 'buildkite' }));
    const uploading = await run('plan', '--upload-steps', '--out', 'plan.zip');
    expect(uploading).toContain('Added to the build: ');
    expect(uploading).not.toContain('no lock');
    expect(await run('apply', 'plan.zip')).not.toContain('no lock');
  });

  it('records in tags have a lock', async () => {
    const build = await standIn();
    const it = await stage();
    await it.code(okHandler('one'));
    await it.file(fileOf({ hello: hello() }));
    const ran = await it.runWith({ env: jobEnv(build) }, 'plan');
    expect(ran.out).toContain('1 to create');
    expect(ran.out).not.toContain('warning');
  });
});

it('of two jobs that differ in AWS_REGION are apart, and the plan file is applied where it was planned for', async () => {
  const build = await standIn();
  const it = await deployed();
  const { region: _, ...homeless } = fileOf({ hello: hello({ memorySize: 256 }) });
  await it.file(homeless);
  const job = (region: string) => ({ env: { ...jobEnv(build), AWS_REGION: region } });
  const planned = await it.runWith(job('us-east-1'), 'plan', '--out', 'plan.zip', '--format', 'json');
  const other = await it.runWith(job('eu-west-1'), 'plan', '--out', 'other.zip', '--format', 'json');
  expect(await build.metaData()).toEqual({
    'lambda-deploy:plan:lambda.deploy.yaml::us-east-1': planned.json()['digest'],
    'lambda-deploy:plan:lambda.deploy.yaml::eu-west-1': other.json()['digest'],
  });
  expect((await build.annotations()).at(-1)?.body).toContain('region **eu\\-west\\-1**');
  const applied = await it.runWith(job('eu-west-1'), 'apply', 'plan.zip');
  expect(applied.exitCode, applied.err).toBe(0);
  expect((await build.annotations()).at(-1)).toMatchObject({
    context: 'lambda-deploy:result:lambda.deploy.yaml::us-east-1',
    style: 'success',
  });
});
