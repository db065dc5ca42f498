import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TagResourceCommand, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { expect, it } from 'vitest';
import { type Document, fileOf, hello, okHandler, stage, type Stage } from './support.js';

const BUILD = { BUILDKITE_BUILD_NUMBER: '41' };
const OF_A_BUILD = hello({
  environment: { GREETING: 'Hello', BUILD: '${BUILDKITE_BUILD_NUMBER}' },
  role: '${ROLE}',
  versionDescription: 'build ${BUILDKITE_BUILD_NUMBER}',
  tags: { team: 'us', build: '${BUILDKITE_BUILD_NUMBER}' },
});

async function ofABuild(file: Document): Promise<Stage> {
  const own = await stage();
  await own.file(file);
  await own.code(okHandler('one'));
  const env = { ...BUILD, ROLE: 'arn:aws:iam::123456789012:role/hello' };
  const ran = await own.runWith({ env }, 'apply', '--yes');
  expect(ran.exitCode, ran.err).toBe(0);
  await own.clock.sleep(own.sandbox.state.settleMs);
  return own;
}

async function differences(own: Stage, ...argv: string[]): Promise<[number | null, Document[]]> {
  const ran = await own.run('drift', ...argv, '--format', 'json');
  return [ran.exitCode, ran.json().functions.flatMap((one: Document) => one['differences'])];
}

it('needs nothing of the build that deployed: no archive, none of its variables', async () => {
  const own = await ofABuild(fileOf({ hello: OF_A_BUILD }));
  await rm(join(own.folder, 'function.zip'));
  expect(await differences(own)).toEqual([0, []]);
  await own.client.send(
    new UpdateFunctionConfigurationCommand({ FunctionName: 'hello', Role: 'arn:aws:iam::123456789012:role/theirs' }),
  );
  await own.clock.sleep(own.sandbox.state.settleMs);
  await own.client.send(new TagResourceCommand({ Resource: own.fn().arn, Tags: { team: 'theirs', build: 'theirs' } }));
  const [exitCode, found] = await differences(own);
  expect(exitCode).toBe(2);
  // What the tag `build` should be is known to nobody but the build.
  expect(found).toEqual([
    {
      path: 'role',
      recorded: 'arn:aws:iam::123456789012:role/hello',
      live: 'arn:aws:iam::123456789012:role/theirs',
      desired: null,
      class: 'drift',
      unknown: ['desired'],
    },
    { path: 'tags.team', recorded: 'us', live: 'theirs', desired: 'us', class: 'drift' },
  ]);
});

it('what has to be known is still asked for', async () => {
  const own = await stage();
  await own.file(fileOf({ hello: hello({ name: 'hello-${STAGE}' }) }));
  const ran = await own.run('drift', '--format', 'json');
  expect([ran.exitCode, ran.json().error.code]).toEqual([1, 'UNSET_VARIABLE']);
});

it('a commit alone is no drift, and is told', async () => {
  const own = await ofABuild(fileOf({ hello: hello() }));
  await own.file(fileOf({ hello: hello({ timeout: 9 }) }));
  await own.code(okHandler('two'));
  const [exitCode, found] = await differences(own);
  expect([exitCode, found.map((one) => [one['path'], one['class']])]).toEqual([
    0,
    [
      ['timeout', 'pending'],
      ['code', 'pending'],
    ],
  ]);
  expect((await own.run('drift')).out).toBe(`hello  no drift
  pending  timeout  live 5, file 9
  pending  code     live ${found[1]?.['live'].slice(0, 12)}, file ${found[1]?.['desired'].slice(0, 12)}

No drift. \`lambda-deploy plan\` shows what is pending.
`);
});

it('--alias tells of that alias, and compares $LATEST with whoever wrote it last', async () => {
  const file = (timeout: number): Document => fileOf({ hello: hello({ timeout, aliases: { live: {}, beta: {} } }) });
  const own = await ofABuild(file(5));
  await own.file(file(9));
  expect((await own.run('apply', '--yes', '--alias', 'beta')).exitCode).toBe(0);
  const found = await differences(own, '--alias', 'live');
  expect(found).toEqual([0, []]);
  own.fn().aliases.delete('beta');
  expect(await differences(own, '--alias', 'live')).toEqual([0, []]);
  expect((await differences(own))[0]).toBe(2);
});

it('apply heals drift, and its plan says which of its differences are drift', async () => {
  const file = fileOf({ hello: hello({ tags: { team: 'us' }, description: 'ours' }) });
  const own = await ofABuild(file);
  const more = { MemorySize: 512, Description: 'theirs' };
  await own.client.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'hello', ...more }));
  await own.clock.sleep(own.sandbox.state.settleMs);
  await own.client.send(new TagResourceCommand({ Resource: own.fn().arn, Tags: { team: 'theirs' } }));
  await own.file(fileOf({ hello: hello({ tags: { team: 'us', cost: '42' }, description: 'ours' }) }));
  const planned = (await own.run('plan', '--format', 'json')).json();
  const marks = planned.functions[0].differences.map((one: Document) => [one['path'], one['drift'] === true]);
  expect(marks).toEqual([
    ['description', false],
    ['memorySize', true],
    ['tags.team', false],
    ['tags.cost', false],
  ]);
  await own.file(file);
  const again = (await own.run('plan', '--format', 'json')).json();
  const drifted = again.functions[0].differences.map((one: Document) => [one['path'], one['drift'] === true]);
  expect(drifted).toEqual([
    ['description', true],
    ['memorySize', true],
    ['tags.team', true],
  ]);
  expect((await own.run('apply', '--yes')).exitCode).toBe(0);
  expect(await differences(own)).toEqual([0, []]);
});

it('Markdown is a table, and escaping hides no secret from the redactor', async () => {
  const own = await ofABuild(fileOf({ hello: hello() }));
  const secret = 'p@ss_w_rd-1234';
  own.fn().latest.content.config['Environment'] = { Variables: { GREETING: 'Hello', TOKEN: secret } };
  await own.client.send(new TagResourceCommand({ Resource: own.fn().arn, Tags: { their_tag: secret } }));
  const ran = await own.run('drift', '--format', 'markdown');
  expect([ran.exitCode, ran.out]).toEqual([
    2,
    expect.stringContaining('| drift | `environment.TOKEN` |  | \\(added\\) |'),
  ]);
  expect(ran.out.replaceAll('\\', '')).not.toContain(secret);
});

it('a rollout that waits is in progress, past its interval abandoned, and drift once its weights are cleared by hand', async () => {
  const rollout = { steps: ['10%'], interval: '5m', promotion: 'manual' };
  const file = (timeout: number): Document => fileOf({ hello: hello({ timeout, aliases: { live: { rollout } } }) });
  const own = await ofABuild(file(5));
  await own.file(file(9));
  expect((await own.run('apply', '--yes')).exitCode).toBe(0);
  const told = async (): Promise<unknown> => {
    const ran = await own.run('drift', '--format', 'json');
    const [one] = ran.json().functions;
    const differences = one.differences.map((each: Document) => [each['path'], each['class']]);
    return [ran.exitCode, differences, one.rollouts.map((each: Document) => [each['state'], each['version']])];
  };
  expect(await told()).toEqual([0, [], [['in_progress', '2']]]);
  await own.clock.sleep(301_000);
  expect(await told()).toEqual([0, [], [['abandoned', '2']]]);
  const live = own.fn().aliases.get('live');
  if (live !== undefined) live.weights = {};
  expect(await told()).toEqual([2, [['aliases.live.weights', 'drift']], []]);
});
