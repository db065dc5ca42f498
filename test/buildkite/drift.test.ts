import { CreateAliasCommand, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { expect, it } from 'vitest';
import { deployed } from '../e2e/support.js';
import { jobEnv, standIn } from './support.js';

it('shows drift with who made it and the ways out; once it is put right, the same annotation says so', async () => {
  const build = await standIn();
  const it = await deployed({ settleMs: 0 });
  const env = { ...jobEnv(build, 'drift'), BUILDKITE_SOURCE: 'schedule' };
  await it.client.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'hello', MemorySize: 1024 }));
  const ran = await it.runWith({ env }, 'drift', '--blame', '--format', 'json');
  expect(ran.exitCode).toBe(2);
  expect(ran.json()).toMatchObject({ drifted: true });
  await it.run('apply', '--yes');
  expect((await it.runWith({ env }, 'drift')).exitCode).toBe(0);
  const [found, mended, ...others] = await build.annotations();
  expect(others).toEqual([]);
  expect(found).toMatchObject({ context: 'lambda-deploy:drift:lambda.deploy.yaml', style: 'error' });
  expect(found?.body).toMatch(
    /^Drift of \*\*lambda\\\.deploy\\\.yaml\*\*: \*\*drift found\*\*\n\n\*\*hello\*\*: drifted\n\n\|.*\| by \|\n\|.*\n\| drift \| `memorySize` \| `128` \| `1024` \| `128` \| .*UpdateFunctionConfiguration/,
  );
  for (const way of ['lambda-deploy apply', 'lambda-deploy drift --adopt', 'ignoreChanges'])
    expect(found?.body).toContain(`\n- \`${way}\` `);
  expect(mended).toEqual({
    context: 'lambda-deploy:drift:lambda.deploy.yaml',
    style: 'success',
    priority: 3,
    body: 'Drift of **lambda\\.deploy\\.yaml**: No drift\\.\n\n',
  });
});

it('says of what nobody declared that apply does not put it right: no ways out of drift', async () => {
  const build = await standIn();
  const it = await deployed({ settleMs: 0 });
  await it.client.send(new CreateAliasCommand({ FunctionName: 'hello', Name: 'theirs', FunctionVersion: '1' }));
  expect((await it.runWith({ env: jobEnv(build) }, 'drift', '--strict')).exitCode).toBe(2);
  const [found] = await build.annotations();
  expect(found?.style).toBe('error');
  expect(found?.body).toContain(
    ': Undeclared\\. Nobody declared what is unmanaged\\: declare it, or remove it in AWS\\.',
  );
  expect(found?.body).not.toMatch(/drift found|Ways out/);
});

it('shows an error where the drift would be', async () => {
  const build = await standIn();
  const it = await deployed({ settleMs: 0 });
  await it.file('version: 1\nfunctions:\n  hello: { timeout: 1200 }\n');
  expect((await it.runWith({ env: jobEnv(build) }, 'drift')).exitCode).toBe(1);
  const [error] = await build.annotations();
  expect(error).toMatchObject({ context: 'lambda-deploy:drift:lambda.deploy.yaml', style: 'error' });
  expect(error?.body).toMatch(
    /^Drift of .*: \*\*error\*\*\n\n```text\nerror\[SCHEMA\][^]*lambda.deploy.yaml:3:21[^]*\n```\n/,
  );
});
