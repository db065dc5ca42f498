import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import yauzl from 'yauzl';
import { packDirectory } from '../../src/code/directory.js';
import { repackZip } from '../../src/code/repack.js';
import { FIXTURE, GOLDEN_SHA256, makeFixture } from './fixture.js';
import { refusal } from './refusal.js';
import { bundleChild, runChild } from './run-child.js';

let folder: string;
let child: string;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pack-'));
  await chmod(folder, 0o755);
  child = await bundleChild(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function newFolder(): Promise<string> {
  const path = join(folder, `code-${count++}`);
  await mkdir(path);
  return path;
}

async function digestOf(path: string, pack = packDirectory): Promise<string> {
  const archive = await pack({ path, source: 'code' });
  await archive.remove();
  return archive.codeSha256;
}

describe('the golden archive', () => {
  const cases = ['UTC', 'Asia/Tokyo'].flatMap((zone) => ['022', '077'].map((umask) => ({ zone, umask })));
  it.each(cases)('is the same in $zone with umask $umask', async ({ zone, umask }) => {
    const path = join(folder, `golden-${count++}`);
    const printed = await runChild(child, ['fixture', path, umask], { env: { TZ: zone } });
    expect(printed).toMatchObject({ codeSha256: GOLDEN_SHA256, repackedSha256: GOLDEN_SHA256 });
  });

  it('is the same for another path, order of creation and mtime', async () => {
    const path = await newFolder();
    await makeFixture(path, { backwards: true, mtime: 1_234_567_890 });
    expect(await digestOf(path)).toBe(GOLDEN_SHA256);
  });

  it.each([
    ['hello/function.zip', 'b+lfe4PO+eCZpy4d+/9X3JlDqU1Nc4Fj82oNbzPpD3E='],
    ['two-functions/orders.zip', 'jyWvr8TnTf2+ZnKxOknHqwpmM46CTA4m+XMALgwd+pM='],
  ])('of examples/%s comes from the same packer', async (name, codeSha256) => {
    const bytes = await readFile(new URL(`../../examples/${name}`, import.meta.url));
    expect(createHash('sha256').update(bytes).digest('base64')).toBe(codeSha256);
  });

  it('unpacks to the same files, modes and links, sorted by their bytes', async () => {
    const path = await newFolder();
    await makeFixture(path);
    const archive = await packDirectory({ path, source: 'code' });
    const zip = await yauzl.openPromise(archive.path, { lazyEntries: true, strictFileNames: true, autoClose: false });
    try {
      const entries: yauzl.Entry[] = [];
      for await (const entry of zip.eachEntry()) entries.push(entry);
      const names = Object.keys(FIXTURE).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(entries.map(({ fileName }) => fileName)).toEqual(names);
      for (const entry of entries) {
        const { content = '', link, executable } = FIXTURE[entry.fileName] ?? {};
        const pieces: Buffer[] = [];
        for await (const piece of await zip.openReadStreamPromise(entry)) pieces.push(piece as Buffer);
        expect(Buffer.concat(pieces).equals(Buffer.from(link ?? content)), entry.fileName).toBe(true);
        const mode = link !== undefined ? 0o120777 : executable ? 0o100755 : 0o100644;
        expect(entry.externalFileAttributes >>> 16, entry.fileName).toBe(mode);
      }
    } finally {
      zip.close();
      await archive.remove();
    }
  });
});

it('changes with one byte, with an executable bit and with a name, not with a time', async () => {
  const path = await newFolder();
  const file = join(path, 'a.js');
  await writeFile(file, 'one');
  const digests = [await digestOf(path)];
  await utimes(file, 1, 1);
  expect(await digestOf(path)).toBe(digests[0]);
  await writeFile(file, 'onf');
  digests.push(await digestOf(path));
  await chmod(file, 0o744);
  digests.push(await digestOf(path));
  await writeFile(join(path, 'b.js'), '');
  digests.push(await digestOf(path));
  expect(new Set(digests).size).toBe(4);
});

it('leaves out what is excluded, and what a rule takes back stays in', async () => {
  const path = await newFolder();
  await mkdir(join(path, '.records'));
  await writeFile(join(path, 'a.js'), '');
  const before = await digestOf(path);
  await writeFile(join(path, '.records/1.json'), '{}');
  const archive = await packDirectory({ path, source: 'code', exclude: [join(path, '.records')] });
  await archive.remove();
  await archive.remove();
  expect(archive.codeSha256).toBe(before);
  expect(await readdir(join(archive.path, '..')).catch((error: NodeJS.ErrnoException) => error.code)).toBe('ENOENT');
  await mkdir(join(path, '__pycache__'));
  await writeFile(join(path, '__pycache__/x.pyc'), '');
  await writeFile(join(path, '.lambdaignore'), '.records\n');
  expect(await digestOf(path)).toBe(before);
  await writeFile(join(path, '.lambdaignore'), '.records\n!__pycache__/\n');
  expect(await digestOf(path)).not.toBe(before);
});

describe('a directory is refused', () => {
  const link = (target: string) => (path: string) => symlink(target, join(path, 'up'));
  const cases: readonly { why: string; spoil: (path: string) => unknown; says: RegExp }[] = [
    { why: 'no files', spoil: () => undefined, says: /^DIR_INVALID: code holds no files/ },
    { why: 'a link upwards', spoil: link('../x'), says: /link "up" to "..\/x", which leaves/ },
    { why: 'an absolute link', spoil: link('/etc/passwd'), says: /which leaves/ },
    {
      why: 'a link that leaves through another',
      spoil: async (path) => [await symlink('.', join(path, 'here')), await symlink('here/..', join(path, 'up'))],
      says: /link "up" to "here\/\.\.", which leaves/,
    },
    { why: 'a pipe', spoil: (path) => execFileSync('mkfifo', [join(path, 'pipe')]), says: /"pipe", which is a socket/ },
    { why: 'a backslash', spoil: (path) => writeFile(join(path, 'a\\b'), ''), says: /backslash/ },
    { why: 'a newline', spoil: (path) => writeFile(join(path, 'a\nb'), ''), says: /"a\\nb", whose control character/ },
    {
      why: 'a name that is not UTF-8',
      spoil: (path) => writeFile(Buffer.concat([Buffer.from(`${path}/a`), Buffer.from([0xff])]), ''),
      says: /not UTF-8/,
    },
    {
      why: 'an ignore file that is not UTF-8',
      spoil: (path) => writeFile(join(path, '.lambdaignore'), Buffer.from([0xff])),
      says: /\.lambdaignore, which is not UTF-8/,
    },
  ];
  it.each(cases)('$why', async ({ spoil, says }) => {
    const path = await newFolder();
    await spoil(path);
    expect(await refusal(packDirectory({ path, source: 'code' }))).toMatch(says);
  });

  it('that does not exist, or is a file, or lacks the module of the handler', async () => {
    const path = await newFolder();
    await writeFile(join(path, 'a.js'), '');
    const absent = packDirectory({ path: join(path, 'gone'), source: 'code' });
    expect(await refusal(absent)).toBe('DIR_NOT_FOUND: code does not exist.');
    expect(await refusal(packDirectory({ path: join(path, 'a.js'), source: 'code' }))).toMatch(/is not a directory/);
    const entryPoint = { runtime: 'nodejs22.x', handler: 'index.handler' };
    expect(await refusal(packDirectory({ path, source: 'code', entryPoint }))).toMatch(/^DIR_INVALID: .*index\.js/);
  });

  it('with a file that this user cannot read', async () => {
    const path = await newFolder();
    await writeFile(join(path, 'secret.js'), '');
    await chmod(join(path, 'secret.js'), 0);
    const isRoot = process.getuid?.() === 0;
    // Root reads everything: nobody does not.
    const { code, detail } = await runChild(child, ['pack', path], isRoot ? { uid: 65_534 } : {});
    expect([code, detail]).toEqual(['DIR_INVALID', 'code holds "secret.js", which cannot be read (EACCES).']);
  });
});

describe('a given zip', () => {
  async function zipOf(files: Parameters<typeof zipSync>[0], options: Parameters<typeof zipSync>[1]): Promise<string> {
    const path = join(folder, `given-${count++}.zip`);
    await writeFile(path, zipSync(files, options));
    return path;
  }
  const [A, B] = [strToU8('a'), strToU8('bb')];

  it('gives the bytes of the directory, whatever its times, order, level and umask', async () => {
    const path = await newFolder();
    await mkdir(join(path, 'lib'));
    await writeFile(join(path, 'a.js'), A);
    await writeFile(join(path, 'lib/b.js'), B);
    const expected = await digestOf(path);
    const one = await zipOf({ 'a.js': A, 'lib/b.js': B }, { mtime: new Date(2020, 1, 1), level: 9 });
    const attrs = (0o100600 << 16) >>> 0;
    const two = await zipOf({ 'lib/b.js': B, 'a.js': A }, { mtime: new Date(2021, 1, 1), level: 0, os: 3, attrs });
    expect([await digestOf(one, repackZip), await digestOf(two, repackZip)]).toEqual([expected, expected]);
  });

  const as = (mode: number) => ({ os: 3, attrs: (mode << 16) >>> 0 });
  it.each([
    ['a link that leaves it', { up: [strToU8('../x'), as(0o120777)] as const }, /link "up" to "..\/x", which leaves/],
    ['a device', { null: [A, as(0o020644)] as const }, /neither a file nor a link/],
    ['a file that is a folder too', { a: [A, {}] as const, 'a/b': [B, {}] as const }, /"a" as a file or link and/],
  ])('is refused with %s', async (_why, files, says) => {
    const path = await zipOf(Object.fromEntries(Object.entries(files).map(([k, [b, o]]) => [k, [b, o]])), {});
    expect(await refusal(repackZip({ path, source: 'code.zip' }))).toMatch(says);
  });

  it('is refused when its content is damaged', async () => {
    const zip = Buffer.from(zipSync({ 'a.js': strToU8('content') }, { level: 0 }));
    zip.write('CONTENT', zip.indexOf('content'));
    const path = join(folder, 'damaged.zip');
    await writeFile(path, zip);
    expect(await refusal(repackZip({ path, source: 'code.zip' }))).toMatch(/^ZIP_INVALID: .*"a\.js" damaged/);
  });
});
