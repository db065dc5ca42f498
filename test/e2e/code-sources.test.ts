import { GetFunctionCommand } from '@aws-sdk/client-lambda';
import { chmod, utimes } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { strToU8, zipSync } from 'fflate';
import { fileOf, hello, okHandler, stage } from './support.js';

const REPOSITORY = '123456789012.dkr.ecr.us-east-1.amazonaws.com/orders';
const digestOf = (digit: string): string => `sha256:${digit.repeat(64)}`;

it('a directory deploys, is unchanged whatever its times, and one byte is found', async () => {
  const it = await stage();
  await it.file(fileOf({ hello: hello({ code: { dir: 'build' } }) }));
  await it.write('build/index.mjs', okHandler('one'));
  await it.write('build/lib/data.txt', 'data');
  await it.write('build/.lambdaignore', '*.log\n');
  expect((await it.run('apply', '--yes')).exitCode).toBe(0);

  await utimes(path.join(it.folder, 'build/index.mjs'), 1, 1);
  await chmod(path.join(it.folder, 'build/lib/data.txt'), 0o600);
  await it.write('build/noise.log', 'left out');
  expect((await it.run('plan', '--detailed-exitcode')).exitCode).toBe(0);

  await it.write('build/lib/data.txt', 'Data');
  const plan = await it.run('plan', '--detailed-exitcode');
  expect([plan.exitCode, plan.out]).toEqual([2, expect.stringContaining('UpdateFunctionCode')]);
  expect((await it.run('apply', '--yes')).exitCode).toBe(0);
  expect((await it.run('plan', '--detailed-exitcode')).exitCode).toBe(0);
});

it('the file and the records beside the code are no part of it', async () => {
  const it = await stage();
  await it.file(fileOf({ hello: hello({ code: { dir: '.' } }) }, { metadata: 'file:records' }));
  await it.write('index.mjs', okHandler('one'));
  expect((await it.run('apply', '--yes')).exitCode).toBe(0);
  expect((await it.run('plan', '--detailed-exitcode')).exitCode).toBe(0);
});

it('a rebuilt zip with other times is no change where it is reproducible, and one where it is not', async () => {
  const it = await stage();
  const file = (reproducible: boolean): object =>
    fileOf({ hello: hello({ code: { zip: 'function.zip', reproducible } }) });
  const zipAt = (year: number): Uint8Array =>
    zipSync({ 'index.mjs': [strToU8(okHandler('one')), { mtime: new Date(year, 5, 1) }] });
  await it.file(file(true));
  await it.write('function.zip', zipAt(2001));
  expect((await it.run('apply', '--yes')).exitCode).toBe(0);
  await it.write('function.zip', zipAt(2024));
  expect((await it.run('plan', '--detailed-exitcode')).exitCode).toBe(0);
  await it.file(file(false));
  expect((await it.run('plan', '--detailed-exitcode')).exitCode).toBe(2);
});

it('an image is pinned to its digest: a moved tag is found, and a rollback brings the old digest back', async () => {
  const images: Record<string, string> = { [`${REPOSITORY}:1`]: digestOf('a'), [`${REPOSITORY}:old`]: digestOf('a') };
  const it = await stage({ seed: { images } });
  const { runtime: _, handler: __, ...rest } = hello({ code: { image: `${REPOSITORY}:1` } });
  await it.file(fileOf({ hello: { ...rest, aliases: { live: {} } } }));
  expect((await it.run('apply', '--yes')).exitCode).toBe(0);
  expect((await it.run('plan', '--detailed-exitcode')).exitCode).toBe(0);
  const live = async (): Promise<string | undefined> =>
    (await it.client.send(new GetFunctionCommand({ FunctionName: 'hello' }))).Configuration?.CodeSha256;
  expect(await live()).toBe('a'.repeat(64));

  it.sandbox.state.stores.images.set(`${REPOSITORY}:1`, digestOf('b'));
  expect((await it.run('apply', '--yes')).exitCode).toBe(0);
  expect(await live()).toBe('b'.repeat(64));
  expect((await it.run('rollback', '--yes')).exitCode).toBe(0);
  expect(await live()).toBe('a'.repeat(64));
});
