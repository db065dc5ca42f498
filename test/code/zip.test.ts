import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { strToU8, zipSync, type Zippable } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isDeployError, type DeployError } from '../../src/errors.js';
import type { CodeSource } from '../../src/code/source.js';
import { inspectZip, readZip } from '../../src/code/zip.js';
import { MAX_UNZIPPED_BYTES, MAX_ZIP_BYTES } from '../../src/model/limits.js';

const LOCATION = { file: 'lambda.deploy.yaml', line: 4, column: 18 };
let folder: string;

beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'zip-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

async function archive(name: string, content: Uint8Array): Promise<CodeSource> {
  const path = join(folder, name);
  await writeFile(path, content);
  return { path, source: name, location: LOCATION };
}

function pack(files: Zippable): Uint8Array {
  return zipSync(files, { mtime: new Date(1980, 0, 1) });
}

const HELLO = pack({ 'index.js': strToU8('exports.handler = () => 1;') });

async function refusal(source: CodeSource): Promise<DeployError> {
  const error: unknown = await readZip(source).then(
    () => new Error('the archive was accepted'),
    (reason: unknown) => reason,
  );
  if (!isDeployError(error)) throw error;
  return error;
}

/** Overwrites bytes of the (only) entry in the central directory, the part that is read. */
function patchDirectory(zip: Uint8Array, offset: number, bytes: readonly number[]): Uint8Array {
  const patched = Buffer.from(zip);
  const start = patched.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
  patched.set(bytes, start + offset);
  return patched;
}

it('gives the bytes with the digest that AWS will answer', async () => {
  const { ref, bytes } = await readZip(await archive('function.zip', HELLO));
  expect(Buffer.from(bytes).equals(HELLO)).toBe(true);
  expect(ref).toEqual({
    kind: 'zip',
    source: 'function.zip',
    codeSha256: createHash('sha256').update(HELLO).digest('base64'),
    zipBytes: HELLO.length,
    unzippedBytes: 26,
  });
});

describe('refuses', () => {
  const GENERAL_FLAGS = 8;
  const UNCOMPRESSED_SIZE = 24;
  it.each([
    ['an empty file', new Uint8Array(), 'ZIP_INVALID', /is empty/],
    [
      'what is not a zip',
      strToU8('#!/bin/sh\necho this is a script that is long enough\n'),
      'ZIP_INVALID',
      /is not a zip archive/,
    ],
    ['an archive that is cut short', HELLO.slice(0, -30), 'ZIP_INVALID', /cut short/],
    ['an archive without files', pack({}), 'ZIP_INVALID', /holds no files/],
    ['a path out of the archive', pack({ '../index.js': strToU8('x') }), 'ZIP_INVALID', /\.\.\/index\.js/],
    ['an absolute path', pack({ '/etc/passwd': strToU8('x') }), 'ZIP_INVALID', /absolute path: \/etc\/passwd/],
    ['encryption', patchDirectory(HELLO, GENERAL_FLAGS, [1, 0]), 'ZIP_INVALID', /index\.js encrypted/],
    [
      'two entries of one name',
      Buffer.from(
        Buffer.from(pack({ 'a.js': strToU8('1'), 'b.js': strToU8('2') }))
          .toString('latin1')
          .replaceAll('b.js', 'a.js'),
        'latin1',
      ),
      'ZIP_INVALID',
      /a\.js twice/,
    ],
    [
      'more than 250 MB unpacked',
      patchDirectory(HELLO, UNCOMPRESSED_SIZE, [1, 0, 0xa0, 0x0f]),
      'ZIP_TOO_LARGE',
      /262144001 bytes unpacked; Lambda allows 262144000/,
    ],
  ] as const)('%s', async (name, content, code, message) => {
    const error = await refusal(await archive(`${name.replaceAll(' ', '-')}.zip`, content));
    expect(error.code).toBe(code);
    expect(error.detail).toMatch(message);
    expect(error.fix).toMatch(/^[a-z].*\.$/);
    expect(error.location).toEqual(LOCATION);
    expect(error.diagnostics).toMatchObject([{ code, message: error.detail, location: LOCATION }]);
  });

  it('what is not there', async () => {
    const error = await refusal({ path: join(folder, 'gone.zip'), source: 'gone.zip' });
    expect([error.code, error.detail]).toEqual(['ZIP_NOT_FOUND', 'gone.zip does not exist.']);
  });

  it('a folder', async () => {
    await mkdir(join(folder, 'build'));
    const error = await refusal({ path: join(folder, 'build'), source: 'build' });
    expect([error.code, error.detail]).toEqual(['ZIP_INVALID', 'build is a folder.']);
  });

  it('more than 50 MB, without reading them', async () => {
    const source = await archive('large.zip', HELLO);
    await truncate(source.path, MAX_ZIP_BYTES + 1);
    const error = await refusal(source);
    expect(error.code).toBe('ZIP_TOO_LARGE');
    expect(error.detail).toMatch(/52428801 bytes; Lambda takes 52428800 in a request, and more only from S3/);
    expect(error.fix).toContain('code.bucket');
  });

  it('of an archive that goes through S3 the same, but for its packed size', async () => {
    const whole = await readZip(await archive('small.zip', HELLO));
    expect(await inspectZip(await archive('small.zip', HELLO))).toEqual(whole.ref);
    for (const content of [Buffer.alloc(0), Buffer.from('not a zip'), HELLO.subarray(0, -4)]) {
      const inspected = inspectZip(await archive('broken.zip', content));
      await expect(inspected).rejects.toMatchObject({ code: 'ZIP_INVALID', location: LOCATION });
    }
    const gone = { ...(await archive('gone.zip', HELLO)), path: '/nonexistent/gone.zip' };
    await expect(inspectZip(gone)).rejects.toMatchObject({ code: 'ZIP_NOT_FOUND' });
  });

  it('holds AWS to its own numbers', () => {
    expect([MAX_ZIP_BYTES, MAX_UNZIPPED_BYTES]).toEqual([50 * 2 ** 20, 250 * 2 ** 20]);
  });
});

describe('the module of the handler', () => {
  const check = async (runtime: string, handler: string, ...names: string[]) => {
    const files = Object.fromEntries(names.map((name) => [name, strToU8('x')]));
    const source = await archive('entry.zip', pack(files));
    return readZip({ ...source, entryPoint: { runtime, handler } }).then(
      () => 'found',
      (error: unknown) => (isDeployError(error, 'ZIP_INVALID') ? error.detail : error),
    );
  };

  it.each([
    ['nodejs22.x', 'index.handler', 'index.mjs'],
    ['nodejs22.x', 'src/orders.handler', 'src/orders.js'],
    ['nodejs22.x', './index.handler', 'index.cjs'],
    ['nodejs22.x', 'index.nested.handler', 'index.js'],
    ['nodejs22.x', 'src/index.handler', 'src/index/index.js'],
    ['nodejs22.x', 'pkg/main.handler', 'node_modules/pkg/main.js'],
    ['nodejs22.x', '/opt/nodejs/wrapper.handler', 'index.js'],
    ['python3.13', 'lambda_function.lambda_handler', 'lambda_function.py'],
    ['python3.13', 'pkg.orders.handler', 'pkg/orders.py'],
    ['python3.13', 'pkg/orders.handler', 'pkg/orders/__init__.py'],
    ['python3.13', 'fast.handler', 'fast.cpython-313-x86_64-linux-gnu.so'],
    ['java21', 'com.acme.Orders::handle', 'com/acme/Orders.class'],
    ['provided.al2023', 'anything', 'bootstrap'],
  ])('%s %s is in %s', async (runtime, handler, name) => expect(await check(runtime, handler, name)).toBe('found'));

  it.each([
    ['nodejs22.x', 'index.handler', 'app.js', /holds no index\.js, which the handler index\.handler needs/],
    ['nodejs22.x', 'index.handler', 'function/index.js', /holds no index\.js/],
    ['nodejs22.x', 'index.handler', 'index.py', /holds no index\.js/],
    ['python3.13', 'pkg.orders.handler', 'pkg.py', /holds no pkg\/orders\.py/],
    ['python3.13', 'app.handler', 'application.py', /holds no app\.py/],
  ])('%s %s is not in %s', async (runtime, handler, name, message) =>
    expect(await check(runtime, handler, name)).toMatch(message),
  );
});
