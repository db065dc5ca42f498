import path from 'node:path';
import { GetFunctionCommand, InvokeCommand } from '@aws-sdk/client-lambda';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { Intercept } from '../../src/sandbox/server.js';
import { filesUnder, formsOf } from './planted.js';
import { type Document, fileOf, hello, okHandler, type Stage, stage } from './support.js';

/** With everything that an encoding changes: quotes, a plus, a slash, a space, a non-ASCII letter. */
const SECRET = 'pl4nted "s3cret"+/ vàlue %41';
/** Shorter than the redactor's bound: only never being printed protects it. */
const SHORT = 'q9Zx7';
/** What people keep in one variable and log line by line; the last line is too short for the redactor by itself. */
const PEM = `-----BEGIN PRIVATE KEY-----\r\nTUlJRXZRSUJBREFOQmdrcWhraUc5dzBC\nQVFFRkFBU0NCS2N3Z2dTakFnRUFBb0lC\nQQ==`;
/** Set by hand in AWS: no file of ours knows it. */
const FOREIGN = 'f0reign-s3cret-of-somebody';

let searched = 0;
afterAll(() => console.log(`searched ${searched} outputs and records for planted secrets in every encoding`));

async function expectNowhere(run: Stage): Promise<void> {
  const records = await filesUnder(path.join(run.folder, 'records'));
  const tags = JSON.stringify(run.fn().tags);
  const texts = [...run.outputs.filter((text) => text !== ''), ...records, tags];
  searched += texts.length;
  for (const text of texts)
    for (const value of [SECRET, SHORT, FOREIGN])
      for (const form of formsOf(value)) expect(text, `an output has a planted value as ${form}`).not.toContain(form);
}

describe.each([
  ['tags', {}],
  ['file', { metadata: 'file:records' }],
])('planted secrets, records in %s', (_store, metadata: Document) => {
  async function planted(more: Document = {}, intercept?: Intercept): Promise<Stage> {
    const run = await stage(intercept === undefined ? {} : { intercept });
    const environment = { API_KEY: '${PLANTED}', TINY_TOKEN: '${SHORT}', GREETING: 'Hello' };
    await run.file(fileOf({ hello: hello({ environment, ...more }) }, metadata));
    await run.code(okHandler('one'));
    return run;
  }
  const withVariables = (run: Stage, ...argv: string[]) =>
    run.runWith({ env: { PLANTED: SECRET, SHORT, NEW_VALUE: `${SECRET}-2` } }, ...argv);
  const everyCommand = async (run: Stage): Promise<void> => {
    for (const argv of [
      ['validate'],
      ['render'],
      ['plan'],
      ['drift'],
      ['history'],
      ['apply', '--yes'],
      ['rollback', '--plan-only'],
    ])
      for (const format of ['text', 'json']) await withVariables(run, ...argv, '--format', format, '--verbose');
  };

  it('arrive in AWS, and are in no output and no record', async () => {
    const run = await planted();
    expect((await withVariables(run, 'apply', '--yes')).exitCode).toBe(0);
    const { Configuration } = await run.client.send(
      new GetFunctionCommand({ FunctionName: 'hello', Qualifier: 'live' }),
    );
    expect(Configuration?.Environment?.Variables).toEqual({ API_KEY: SECRET, TINY_TOKEN: SHORT, GREETING: 'Hello' });
    await everyCommand(run);
    const { latest } = run.fn();
    const Environment = { Variables: { API_KEY: FOREIGN, TINY_TOKEN: SHORT, EXTRA: FOREIGN } };
    latest.content = { ...latest.content, config: { ...latest.content.config, Environment } };
    await everyCommand(run);
    await run.code(okHandler('two'));
    await everyCommand(run);
    expect((await withVariables(run, 'rollback', '--yes')).exitCode).toBe(0);
    await expectNowhere(run);
  });

  it('that a handler logs and throws are taken out of message, log tail and record', async () => {
    const run = await planted();
    const leaky = `export const handler = async () => {
      const value = process.env.API_KEY;
      for (const form of [value, JSON.stringify({ value }), encodeURIComponent(value), Buffer.from(value).toString('base64')]) console.log('leak', form);
      throw new Error('could not log in with ' + value);
    };`;
    await run.code(leaky);
    const ran = await withVariables(run, 'apply', '--yes');
    expect(ran.exitCode).toBe(4);
    const raw = await run.client.send(new InvokeCommand({ FunctionName: 'hello', Qualifier: '1', LogType: 'Tail' }));
    expect(Buffer.from(raw.LogResult ?? '', 'base64').toString()).toContain(SECRET);
    expect(ran.err).toMatch(/leak \(secret\)/);
    expect(ran.out).toMatch(/could not log in with \(secret\)/);
    await withVariables(run, 'apply', '--yes', '--format', 'json');
    await withVariables(run, 'history', '--format', 'json');
    await expectNowhere(run);
  });

  it('of several lines are taken out of a log tail, whole and line by line', async () => {
    const run = await planted({ environment: { PRIVATE_PEM: '${PEM}' } });
    await run.code(
      'export const handler = async () => { process.stdout.write(process.env.PRIVATE_PEM + "\\n"); process.env.PRIVATE_PEM.split("\\n").forEach((l) => console.log(l)); throw new Error(process.env.PRIVATE_PEM); };',
    );
    for (const format of ['text', 'json']) {
      const ran = await run.runWith({ env: { PEM } }, 'apply', '--yes', '--format', format);
      expect(ran.exitCode).toBe(4);
      expect(ran.err).toMatch(/\(secret\)/);
      for (const line of PEM.split(/\r?\n/).slice(0, 3)) expect(`${ran.out}${ran.err}`).not.toContain(line);
    }
    expect(run.fn().latest.content.config.Environment).toEqual({ Variables: { PRIVATE_PEM: PEM } });
    for (const text of [...(await filesUnder(path.join(run.folder, 'records'))), JSON.stringify(run.fn().tags)])
      expect(text).not.toMatch(/TUlJRXZRSUJB|QVFFRkFBU0ND/);
  });

  it('a secret that is spelt like a key of the document leaves the document whole', async () => {
    const run = await planted({ environment: { PLAIN_TOKEN: '${WORD}' } });
    await run.runWith({ env: { WORD: 'operations' } }, 'apply', '--yes');
    const ran = await run.runWith({ env: { WORD: 'operations' } }, 'plan', '--format', 'json');
    expect(ran.json().functions[0].operations).toEqual([]);
  });

  it('that AWS echoes in an error are not repeated', async () => {
    const intercept: Intercept = ({ operation }) =>
      operation === 'UpdateFunctionConfiguration'
        ? {
            kind: 'error',
            status: 400,
            code: 'InvalidParameterValueException',
            message: `Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: {"API_KEY":"${SECRET}-2","TINY_TOKEN":"${SHORT}"}`,
          }
        : undefined;
    const run = await planted({}, intercept);
    expect((await withVariables(run, 'apply', '--yes')).exitCode).toBe(0);
    const environment = { API_KEY: '${NEW_VALUE}', TINY_TOKEN: '${SHORT}', GREETING: 'Hello' };
    await run.file(fileOf({ hello: hello({ environment }) }, metadata));
    for (const format of ['text', 'json']) {
      const ran = await withVariables(run, 'apply', '--yes', '--format', format);
      expect(ran.exitCode).toBe(1);
      expect(ran.out).toMatch(/4 KB/);
    }
    await withVariables(run, 'history', '--format', 'json');
    await expectNowhere(run);
  });

  it('of the credentials are in no output, also where AWS refuses them', async () => {
    const run = await planted();
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', FOREIGN);
    try {
      const ran = await withVariables(run, 'apply', '--yes', '--verbose');
      expect(ran.exitCode).toBe(1);
      expect(ran.err).toMatch(/AWS_EXPIRED_CREDENTIALS/);
    } finally {
      vi.unstubAllEnvs();
    }
    await withVariables(run, 'apply', '--yes');
    await expectNowhere(run);
  });

  it('presigned links are in no output', async () => {
    const run = await planted();
    await withVariables(run, 'apply', '--yes', '--verbose');
    await run.code(okHandler('two'));
    await withVariables(run, 'apply', '--yes', '--verbose');
    expect((await withVariables(run, 'rollback', '--yes', '--verbose')).exitCode).toBe(0);
    const { Code } = await run.client.send(new GetFunctionCommand({ FunctionName: 'hello' }));
    const folder = new URL(Code?.Location ?? '').pathname.split('/')[1] ?? '';
    expect(folder.length).toBeGreaterThan(2);
    for (const text of run.outputs) expect(text).not.toContain(`/${folder}/`);
    await expectNowhere(run);
  });
});
