import { expect, it } from 'vitest';
import { functionsOf } from '../../src/sandbox/state.js';
import { fileOf, hello, okHandler, stage } from './support.js';

const FILE = fileOf(
  { orders: hello({ name: 'orders-${config:environment}' }), edge: hello({ region: 'us-west-2', aliases: undefined }) },
  {
    environments: {
      staging: { region: 'eu-west-1', functions: { orders: { memorySize: 256 } } },
      production: { functions: { orders: { memorySize: 1024 }, edge: null } },
    },
  },
);

it('each environment has its own functions, in its own region', async () => {
  const it = await stage();
  await it.file(FILE);
  await it.code(okHandler('one'));
  const applied = await it.run('apply', '--yes', '--environment', 'staging');
  expect([applied.exitCode, applied.err]).toEqual([0, expect.anything()]);
  const state = it.sandbox.state;
  expect([...functionsOf(state, 'eu-west-1').keys()]).toEqual(['orders-staging']);
  expect([...functionsOf(state, 'us-west-2').keys()]).toEqual(['edge']);
  expect((await it.run('plan', '--detailed-exitcode', '-e', 'staging')).exitCode).toBe(0);
  expect((await it.run('drift', '-e', 'staging')).exitCode).toBe(0);

  const production = await it.run('plan', '-e', 'production', '--format', 'json');
  expect(production.json()['functions'].map((one: { name: string; action: string }) => [one.name, one.action])).toEqual(
    [['orders-production', 'create']],
  );
});

it('a command that calls AWS must be told which; one that calls nothing looks at all', async () => {
  const it = await stage();
  await it.file(FILE);
  await it.code(okHandler('one'));
  const plan = await it.run('plan', '--format', 'json');
  expect([plan.exitCode, plan.json()['error'].code]).toEqual([1, 'ENVIRONMENT_REQUIRED']);
  expect(it.sandbox.calls).toEqual([]);
  const unknown = await it.run('plan', '-e', 'stagign', '--format', 'json');
  expect([unknown.exitCode, unknown.json()['error'].code]).toEqual([1, 'UNKNOWN_ENVIRONMENT']);
  expect((await it.run('validate')).out).toBe(
    'Valid. staging: 2 functions: orders-staging, edge\nValid. production: 1 function: orders-production\n',
  );
  const rendered = await it.run('render', '--format', 'json');
  expect(Object.keys(rendered.json()['environments'])).toEqual(['staging', 'production']);
});
