import { afterAll, expect, it } from 'vitest';
import type { Intercept } from '../../src/sandbox/server.js';
import { filesUnder, formsOf } from './planted.js';
import { type Document, fileOf, hello, okHandler, type Stage, stage } from './support.js';

/** One for each way in; with what an encoding changes. */
const PLANTED = {
  parameter: 'ssm-pl4nted "one"+/ à',
  inJson: 'sm-pl4nted-p4ssword/two',
  wholeSecret: 'sm-pl4nted whole three',
  variable: 'env-pl4nted&four=',
  byName: 'name-pl4nted?five#',
  payload: 'payload-pl4nted\nsix "x"',
  foreign: 'f0reign-pl4nted-Seven/7',
} as const;
const ENVIRONMENT = {
  API_KEY: '${ssm:/app/key}',
  DATABASE_URL: 'postgres://app:${secretsmanager:db#password}@db/main',
  CLIENT_SECRET: '${secretsmanager:whole}',
  AUTH_PASSWORD: 'Bearer ${secret:FROM_OUTSIDE}',
  SESSION_TOKEN: '${SESSION_TOKEN}',
};
const ARRIVED = {
  API_KEY: PLANTED.parameter,
  DATABASE_URL: `postgres://app:${PLANTED.inJson}@db/main`,
  CLIENT_SECRET: PLANTED.wholeSecret,
  AUTH_PASSWORD: `Bearer ${PLANTED.variable}`,
  SESSION_TOKEN: PLANTED.byName,
};
const ALIASES = {
  live: { healthCheck: { payload: { login: ['as ${ssm:/app/payload}'] }, expect: { status: 200 }, timeout: '10s' } },
};
const HOST = { env: { FROM_OUTSIDE: PLANTED.variable, SESSION_TOKEN: PLANTED.byName } };

/** Fails, and says all it knows in every encoding that people log. */
const LEAKY = `export const handler = async (event) => {
  const all = [...Object.values(process.env), ...event.login].filter((value) => value.includes('pl4nted'));
  for (const value of all)
    for (const form of [value, JSON.stringify({ value }), encodeURIComponent(value), Buffer.from('x' + value).toString('base64')])
      console.log('leak', form);
  throw new Error('cannot use ' + all.join(' | '));
};`;

let searched = 0;
afterAll(() =>
  console.log(
    `searched ${searched} outputs, files and tags for secrets that came in ${Object.keys(PLANTED).length} ways`,
  ),
);

async function expectNowhere(run: Stage): Promise<void> {
  const tags = Object.values(run.fn().tags);
  const texts = [...run.outputs.filter((text) => text !== ''), ...(await filesUnder(run.folder)), ...tags];
  searched += texts.length;
  for (const [way, value] of Object.entries(PLANTED))
    for (const form of formsOf(value)) for (const text of texts) expect(text, `${way}, as ${form}`).not.toContain(form);
}

const memoryOf = (run: Stage): Document => run.fn().latest.content.config as Document;
const fileWith = (metadata: Document, more: Document = {}): Document =>
  fileOf({ hello: hello({ environment: ENVIRONMENT, aliases: ALIASES, ...more }) }, metadata);

/** Once AWS is told to, it refuses, and its words hold all that it was sent. */
function refusing(): { readonly intercept: Intercept; start(): void } {
  let isOn = false;
  return {
    start: () => void (isOn = true),
    intercept: ({ operation }) =>
      isOn && operation === 'UpdateFunctionConfiguration'
        ? {
            kind: 'error',
            status: 400,
            code: 'InvalidParameterValueException',
            message: `refused: ${JSON.stringify(ARRIVED)} ${Object.values(PLANTED).join(' ')}`,
          }
        : undefined,
  };
}

it.each([
  ['tags', {}],
  ['file', { metadata: 'file:records' }],
])('a secret of any way in arrives, and comes out of no command, records in %s', async (_, metadata: Document) => {
  const { intercept, start } = refusing();
  const run = await stage({
    intercept,
    seed: {
      parameters: { '/app/key': PLANTED.parameter, '/app/payload': PLANTED.payload },
      secrets: { db: JSON.stringify({ password: PLANTED.inJson }), whole: PLANTED.wholeSecret },
    },
  });
  const all = async (...argv: string[]): Promise<(number | null)[]> => {
    const codes: (number | null)[] = [];
    for (const format of ['text', 'json'])
      codes.push((await run.runWith(HOST, ...argv, '--format', format, '--verbose')).exitCode);
    return codes;
  };

  await run.file(fileWith(metadata));
  await run.code(okHandler('one'));
  expect(await all('plan')).toEqual([0, 0]);
  expect(await all('apply', '--yes')).toEqual([0, 0]);
  expect(memoryOf(run)['Environment'].Variables).toEqual(ARRIVED);
  const invoked = run.sandbox.calls
    .filter(({ operation }) => operation === 'Invoke')
    .map(({ body }) => body['Payload']);
  expect(invoked.map((payload) => JSON.parse(String(payload)) as unknown)).toEqual(
    Array(2).fill({ login: [`as ${PLANTED.payload}`] }),
  );

  const { latest } = run.fn();
  const Environment = { Variables: { ...ARRIVED, FOREIGN_PASSWORD: PLANTED.foreign } };
  latest.content = { ...latest.content, config: { ...latest.content.config, Environment } };
  expect(memoryOf(run)['Environment'].Variables).toHaveProperty('FOREIGN_PASSWORD', PLANTED.foreign);
  await run.file(fileWith(metadata, { memorySize: 256 }));
  for (const command of ['validate', 'render', 'plan', 'history']) expect(await all(command)).toEqual([0, 0]);
  expect(await all('drift')).toEqual([2, 2]);
  for (const format of ['text', 'json']) {
    const argv = ['import', 'hello', '--out', `imported-${format}.yaml`, '--region', 'us-east-1'];
    const ran = await run.runWith(HOST, ...argv, '--format', format, '--verbose');
    expect(ran.exitCode, ran.out + ran.err).toBe(0);
  }
  expect((await filesUnder(run.folder)).join('')).toMatch(/FOREIGN_PASSWORD/);
  expect(await all('apply', '--yes')).toEqual([0, 0]);

  await run.code(LEAKY);
  expect(await all('apply', '--yes')).toEqual([4, 4]);
  expect(run.outputs.join('')).toMatch(/leak \(secret\)/);
  expect(run.outputs.join('')).toMatch(/cannot use .*\(secret\) \| /);
  expect(await all('rollback', '--plan-only')).toEqual([0, 0]);
  expect((await run.runWith(HOST, 'rollback', '--yes')).exitCode).toBe(0);

  start();
  await run.file(fileWith(metadata, { memorySize: 512 }));
  expect(await all('apply', '--yes')).toEqual([1, 1]);
  expect(run.outputs.join('')).toMatch(/refused: /);
  expect(await all('history')).toEqual([0, 0]);
  await expectNowhere(run);
});
