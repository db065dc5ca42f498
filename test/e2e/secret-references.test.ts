import { expect, it } from 'vitest';
import { functionsOf } from '../../src/sandbox/state.js';
import { fileOf, hello, okHandler, stage, type Stage } from './support.js';

const API_KEY = 'sk-live-4f9d2c7b1a';
const PASSWORD = 'hunter2-but-longer';

async function withReferences(environment: Record<string, string>): Promise<Stage> {
  const it = await stage({
    seed: {
      parameters: { '/orders/api-key': API_KEY },
      secrets: { db: JSON.stringify({ user: 'app', password: PASSWORD }) },
    },
  });
  await it.file(fileOf({ hello: hello({ environment }) }));
  await it.code(okHandler('one'));
  return it;
}

const variables = (it: Stage): unknown => {
  const config = functionsOf(it.sandbox.state, 'us-east-1').get('hello')?.latest.content.config as Record<
    string,
    never
  >;
  return (config['Environment'] as { Variables: unknown } | undefined)?.Variables;
};

it('values arrive in AWS and nowhere else', async () => {
  const it = await withReferences({
    API_KEY: '${ssm:/orders/api-key}',
    DATABASE: 'postgres://app:${secretsmanager:db#password}@db/orders',
  });
  const outputs = [
    await it.run('plan'),
    await it.run('apply', '--yes'),
    await it.run('render'),
    await it.run('history'),
  ];
  expect(outputs.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0]);
  expect(variables(it)).toMatchObject({ API_KEY, DATABASE: `postgres://app:${PASSWORD}@db/orders` });
  for (const { out, err } of outputs)
    for (const value of [API_KEY, PASSWORD, Buffer.from(API_KEY).toString('base64')])
      expect(out + err).not.toContain(value);
  expect((await it.run('plan', '--detailed-exitcode')).exitCode).toBe(0);
  expect((await it.run('drift')).exitCode).toBe(0);
});

it('one that does not exist is unknown in a plan, and stops an apply before any write', async () => {
  const it = await withReferences({ API_KEY: '${ssm:/orders/gone}' });
  const plan = await it.run('plan', '--format', 'json');
  expect(plan.json()['warnings']).toEqual([
    expect.objectContaining({ code: 'UNKNOWN_UNTIL_APPLY', message: expect.stringContaining('environment.API_KEY') }),
  ]);
  const apply = await it.run('apply', '--yes', '--format', 'json');
  expect([apply.exitCode, apply.json()['error'].code]).toEqual([1, 'SECRET_UNKNOWN']);
  expect(it.sandbox.calls.filter(({ mutating }) => mutating)).toEqual([]);
});

it('a pull request’s build reads no secret', async () => {
  const it = await withReferences({ API_KEY: '${ssm:/orders/api-key}' });
  await it.run('apply', '--yes');
  const before = it.sandbox.calls.length;
  const env = { AWS_ENDPOINT_URL: it.sandbox.url, BUILDKITE_PULL_REQUEST: '17' };
  const plan = await it.runWith({ env }, 'plan', '--format', 'json');
  expect([plan.exitCode, plan.json()['changes']]).toEqual([0, false]);
  expect(plan.json()['warnings'][0].message).toContain('unknown until apply');
  expect(it.sandbox.calls.slice(before).map(({ operation }) => operation)).not.toContain('GetParameters');
});
