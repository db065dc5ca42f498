import { UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { expect, it } from 'vitest';
import { deployed, fileOf, hello, okHandler } from './support.js';

it('where infrastructure code owns the configuration, only code and aliases are compared and changed', async () => {
  const it = await deployed();
  const { code, aliases } = hello();
  await it.file(fileOf({ hello: { manage: ['code', 'aliases'], code, aliases } }, { defaults: { memorySize: 512 } }));
  expect((await it.run('plan', '--detailed-exitcode')).exitCode).toBe(0);

  await it.client.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'hello', MemorySize: 1024 }));
  await it.code(okHandler('two'));
  const plan = await it.run('plan', '--format', 'json');
  const [one] = plan.json()['functions'];
  expect(one.differences.map(({ path }: { path: string }) => path)).toEqual(['code', 'aliases.live.version']);
  expect(one.alsoGoesLive.map(({ path }: { path: string }) => path)).toEqual(['memorySize']);
  expect((await it.run('apply', '--yes')).exitCode).toBe(0);
  expect((await it.run('plan', '--detailed-exitcode')).exitCode).toBe(0);
});
