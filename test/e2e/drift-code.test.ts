import { UpdateFunctionCodeCommand } from '@aws-sdk/client-lambda';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { deployed, okHandler, type Stage, zipOf } from './support.js';

async function upload(own: Stage, files: Readonly<Record<string, string>>): Promise<void> {
  await own.client.send(new UpdateFunctionCodeCommand({ FunctionName: 'hello', ZipFile: zipOf(files) }));
  await own.clock.sleep(own.sandbox.state.settleMs);
}

it('--code names the files in which live code is not the recorded one, and keeps nothing', async () => {
  const own = await deployed();
  const temporary = join(own.folder, 'tmp');
  await mkdir(temporary);
  vi.stubEnv('TMPDIR', temporary);
  onTestFinished(() => void vi.unstubAllEnvs());
  const source = okHandler('two');
  const changed = { path: 'index.mjs', change: 'changed', bytesBefore: source.length, bytesAfter: source.length };
  await upload(own, { 'index.mjs': source, 'lib/new.mjs': 'export {};\n' });
  const ran = await own.run('drift', '--code', '--format', 'json');
  expect(ran.exitCode).toBe(2);
  expect(ran.json().functions[0]).toMatchObject({
    files: [changed, { path: 'lib/new.mjs', change: 'added', bytesBefore: null, bytesAfter: 11 }],
    notes: [],
  });
  expect((await own.run('drift', '--code')).out).toContain(`
    ~  index.mjs    ${source.length} → ${source.length} bytes
    +  lib/new.mjs  11 bytes
`);
  expect((await own.run('drift', '--format', 'json')).json().functions[0]).not.toHaveProperty('files');
  expect(await readdir(temporary)).toEqual([]);
});

it('many files are counted, and names cannot pose as lines', async () => {
  const own = await deployed();
  const many = Object.fromEntries(Array.from({ length: 1_010 }, (_, at) => [`f${String(at).padStart(4, '0')}`, 'x']));
  await upload(own, { ...many, 'a\nNo drift.\u001b[31m': 'x' });
  const ran = await own.run('drift', '--code', '--format', 'json');
  const [one] = ran.json().functions;
  expect([one.files.length, one.filesOmitted]).toEqual([1_000, 12]);
  const text = (await own.run('drift', '--code')).out;
  expect(text).toContain('and 992 more files');
  expect(text).not.toMatch(/^No drift|\u001b/m);
});

it('what cannot be compared is a note, and still drift', async () => {
  const own = await deployed();
  await upload(own, { 'index.mjs': okHandler('two') });
  const version = own.fn().versions.get('1');
  if (version === undefined) throw new Error('version 1 is there');
  // The link gives something else than what was deployed.
  version.content = { ...version.content, code: { ...version.content.code, zip: zipOf({ a: 'b' }) } };
  const ran = await own.run('drift', '--code', '--format', 'json');
  expect(ran.exitCode).toBe(2);
  expect(ran.json().functions[0].notes).toEqual(['the code is not compared: AWS does not give both archives']);
});
