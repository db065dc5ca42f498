import { expect, it } from 'vitest';
import { functionsOf } from '../../src/sandbox/state.js';
import { type Document, fileOf, hello, okHandler, stage, type Stage } from './support.js';

const API_KEY = 'sk-live-4f9d2c7b1a';
const PASSWORD = 'hunter2-but-longer';

async function withReferences(environment: Record<string, string>, more: Document = {}): Promise<Stage> {
  const it = await stage({
    seed: {
      parameters: { '/orders/api-key': API_KEY },
      secrets: { db: JSON.stringify({ user: 'app', password: PASSWORD }) },
    },
  });
  await it.file(fileOf({ hello: hello({ environment, ...more }) }));
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
  const apply = await it.runWith({ env }, 'apply', '--yes', '--format', 'json');
  expect([apply.exitCode, apply.json()['error'].code]).toEqual([1, 'SECRET_UNKNOWN']);
  expect(apply.json()['error'].hint).toContain('from a build of the branch');
});

/** Answers with what it got, also in its log, and fails unless the password is right. */
const ECHO = `export const handler = async (event) => {
  console.log('got', JSON.stringify(event), encodeURIComponent(event.login.password));
  if (event.login.password !== process.env.EXPECTED) throw new Error('wrong: ' + JSON.stringify(event));
  return { statusCode: 200, event };
};`;
const PAYLOAD = {
  'a/b~c': ['Basic ${secretsmanager:db#user}:${secretsmanager:db#password}'],
  login: { password: '${secretsmanager:db#password}' },
  from: '${secret:FROM}',
  literal: '$${ssm:/x}',
};
const WITH_PAYLOAD = { aliases: { live: { healthCheck: { payload: PAYLOAD, timeout: '10s' } } } };

const payloadsOf = ({ sandbox }: Stage): unknown[] =>
  sandbox.calls
    .filter(({ operation }) => operation === 'Invoke')
    .map(({ body }) => JSON.parse(String(body['Payload'])));

it('secrets of a health check’s payload arrive in the handler and nowhere else, also when it fails and when rolling back', async () => {
  const it = await withReferences({ EXPECTED: '${secretsmanager:db#password}' }, WITH_PAYLOAD);
  await it.code(ECHO);
  const host = { env: { FROM: 'the planted origin' } };
  const all = async (...argv: string[]): Promise<(number | null)[]> => {
    const codes: (number | null)[] = [];
    for (const format of ['text', 'json'])
      codes.push((await it.runWith(host, ...argv, '--format', format, '-v')).exitCode);
    return codes;
  };
  expect(await all('plan')).toEqual([0, 0]);
  expect(await all('apply', '--yes')).toEqual([0, 0]);
  const arrived = {
    'a/b~c': [`Basic app:${PASSWORD}`],
    login: { password: PASSWORD },
    from: 'the planted origin',
    literal: '${ssm:/x}',
  };
  expect(payloadsOf(it)).toEqual([arrived, arrived]);
  const plan = JSON.parse(it.outputs[2] ?? '') as Document;
  expect(plan['functions'][0].operations.find((one: Document) => one['type'] === 'Invoke').check.payload).toEqual({
    ...PAYLOAD,
    literal: '${ssm:/x}',
  });

  await it.file(fileOf({ hello: hello({ environment: { EXPECTED: 'something-else' }, ...WITH_PAYLOAD }) }));
  expect(await all('apply', '--yes')).toEqual([4, 4]);
  expect(it.outputs.join('')).toMatch(/wrong: .*\(secret\)/);
  expect(it.outputs.join('')).toMatch(/got .*\(secret\)/);

  await it.file(fileOf({ hello: hello({ environment: { EXPECTED: PASSWORD }, memorySize: 256, ...WITH_PAYLOAD }) }));
  expect((await it.runWith(host, 'apply', '--yes')).exitCode).toBe(0);
  const before = payloadsOf(it).length;
  expect(await all('rollback', '--plan-only')).toEqual([0, 0]);
  expect((await it.runWith(host, 'rollback', '--yes')).exitCode).toBe(0);
  expect(payloadsOf(it).slice(before)).toEqual([arrived, arrived]);
  expect(await all('history')).toEqual([0, 0]);

  for (const text of [...it.outputs, JSON.stringify(it.fn().tags)])
    for (const value of [PASSWORD, 'the planted origin', encodeURIComponent('the planted origin')])
      expect(text).not.toContain(value);
});

it('a payload whose secret cannot be read stops apply and rollback before any write, and is a warning in a plan', async () => {
  const it = await withReferences({}, WITH_PAYLOAD);
  const host = { env: { FROM: 'the planted origin' } };
  await it.file(fileOf({ hello: hello({ environment: {} }) }));
  for (const memorySize of [128, 256]) {
    await it.file(fileOf({ hello: hello({ environment: {}, memorySize }) }));
    expect((await it.run('apply', '--yes')).exitCode).toBe(0);
  }
  await it.file(fileOf({ hello: hello({ environment: { GONE: '${ssm:/gone}' }, ...WITH_PAYLOAD }) }));
  it.sandbox.state.stores.denied.add('secretsmanager:db');
  it.mutations();
  const plan = await it.runWith(host, 'plan', '--format', 'json');
  expect(plan.json()['warnings'].map(({ code, message }: Document) => [code, message.split(':')[0]])).toEqual([
    ['UNKNOWN_UNTIL_APPLY', 'environment.GONE of hello is unknown until apply'],
    ['UNKNOWN_UNTIL_APPLY', 'payload/a~1b~0c/0 of a health check of hello'],
    ['UNKNOWN_UNTIL_APPLY', 'payload/login/password of a health check of hello'],
  ]);
  const apply = await it.runWith(host, 'apply', '--yes', '--format', 'json');
  expect([apply.exitCode, apply.json()['error'].code]).toEqual([1, 'SECRET_UNKNOWN']);
  expect(apply.json()['error'].message).toMatch(
    /payload\/login\/password of a health check of hello:live: .*GetSecretValue/,
  );
  const rollback = await it.runWith(host, 'rollback', '--yes', '--format', 'json');
  expect([rollback.exitCode, rollback.json()['error'].code]).toEqual([1, 'SECRET_UNKNOWN']);
  // A rollback needs no variable of the file.
  expect(rollback.json()['error'].message).not.toContain('GONE');
  expect(it.mutations()).toEqual([]);
  it.sandbox.state.stores.denied.clear();
  expect((await it.runWith(host, 'rollback', '--yes')).exitCode).toBe(0);
});

it('a reference is read in the region of the function that names it', async () => {
  const it = await withReferences({});
  const reading = (name: string, more: Document = {}): Document =>
    hello({ name, environment: { API_KEY: '${ssm:/orders/api-key}', DB: '${secretsmanager:db}' }, ...more });
  const functions = {
    a: reading('a'),
    b: reading('b', { region: 'eu-west-1' }),
    c: reading('c', { region: 'eu-west-1' }),
  };
  await it.file(fileOf({ ...functions, d: hello({ name: 'd', region: 'ap-south-1' }) }));
  expect((await it.run('apply', '--yes')).exitCode).toBe(0);
  const reads = it.sandbox.calls.filter(({ operation }) => /^GetParameters|^GetSecretValue/.test(operation));
  expect(reads.map(({ operation, region }) => `${operation} ${region}`).sort()).toEqual([
    'GetParameters eu-west-1',
    'GetParameters us-east-1',
    'GetSecretValue eu-west-1',
    'GetSecretValue us-east-1',
  ]);
});

it('variables that are too large once references are read are refused before any write, with names and sizes', async () => {
  const it = await withReferences({ LARGE: 'x'.repeat(2000), KEY: '${ssm:/large}' });
  it.sandbox.state.stores.parameters.set('/large', 'planted'.repeat(400));
  for (const argv of [['plan'], ['apply', '--yes']]) {
    const ran = await it.run(...argv, '--format', 'json');
    expect([ran.exitCode, ran.json()['error'].code]).toEqual([1, 'ENVIRONMENT_TOO_LARGE']);
    expect(ran.json()['error'].message).toMatch(/KEY 2808, LARGE 2010\./);
  }
  expect(it.mutations()).toEqual([]);
  expect(it.outputs.join('')).not.toContain('planted');
});

it('a part of a variable is taken out of what a handler logs by itself, too', async () => {
  const it = await withReferences({
    DATABASE: 'postgres://app:${secretsmanager:db#password}@db/orders',
    HEADER: 'Bearer ${secret:FROM}',
    LINK: 'https://${LINK_TOKEN}@host',
  });
  const env = { FROM: 'the planted origin', LINK_TOKEN: 'planted-link-token' };
  await it.code(`export const handler = async () => {
    const { DATABASE, HEADER, LINK } = process.env;
    throw new Error([new URL(DATABASE).password, HEADER.slice(7), new URL(LINK).username].join(' | '));
  };`);
  const ran = await it.runWith({ env }, 'apply', '--yes', '--format', 'json');
  expect(ran.json()['functions'][0].error.message).toMatch(/Error: \(secret\) \| \(secret\) \| \(secret\)/);
  for (const value of [PASSWORD, env.FROM, env.LINK_TOKEN]) expect(ran.out + ran.err).not.toContain(value);
});
