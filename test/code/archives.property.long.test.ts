import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { zipSync, type Zippable } from 'fflate';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import yauzl from 'yauzl';
import { packDirectory } from '../../src/code/directory.js';
import { repackZip } from '../../src/code/repack.js';
import { findPython } from '../../src/sandbox/interpreter.js';
import { FIXTURE, makeFixture } from './fixture.js';
import { makeTree, trees, type Tree } from './trees.js';

const RUNS = 60;
const ZONE = process.env.TZ;
let folder: string;
let count = 0;

beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'trees-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => {
  if (ZONE === undefined) delete process.env.TZ;
  else process.env.TZ = ZONE;
});

async function newFolder(): Promise<string> {
  const path = join(folder, `tree-${count++}`);
  await mkdir(path);
  return path;
}

async function repackedSha256(path: string): Promise<string> {
  const archive = await repackZip({ path, source: 'code.zip' });
  await archive.remove();
  return archive.codeSha256;
}

/** Names, in the archive's order, with mode and content. */
async function unpacked(path: string): Promise<readonly (readonly [string, number, string])[]> {
  const zip = await yauzl.openPromise(path, { strictFileNames: true, autoClose: false });
  try {
    const entries: yauzl.Entry[] = [];
    for await (const entry of zip.eachEntry()) entries.push(entry);
    const files: (readonly [string, number, string])[] = [];
    for (const entry of entries) {
      const pieces: Buffer[] = [];
      for await (const piece of await zip.openReadStreamPromise(entry)) pieces.push(piece as Buffer);
      files.push([entry.fileName, entry.externalFileAttributes >>> 16, Buffer.concat(pieces).toString('base64')]);
    }
    return files;
  } finally {
    zip.close();
  }
}

function expected(tree: Tree): readonly (readonly [string, number, string])[] {
  return [...tree]
    .sort(([left], [right]) => Buffer.compare(Buffer.from(left), Buffer.from(right)))
    .map(([name, { content = '', executable, link }]) => {
      const mode = link !== undefined ? 0o120777 : executable ? 0o100755 : 0o100644;
      return [name, mode, Buffer.from(link ?? content).toString('base64')];
    });
}

/** What another tool makes of the tree: its own order, times, compression, users' modes, and entries for folders. */
function foreignZip(tree: Tree): Uint8Array {
  const files: Zippable = { 'an/empty/': [new Uint8Array(), {}] };
  for (const [name, { content = '', executable, link }] of [...tree].reverse()) {
    const mode = link !== undefined ? 0o120777 : executable ? 0o100700 : 0o100600;
    const level = name.length % 2 === 0 ? 0 : 9;
    const mtime = new Date(2021, 5, name.length % 28);
    files[name] = [Buffer.from(link ?? content), { attrs: (mode << 16) >>> 0, os: 3, level, mtime }];
  }
  return zipSync(files);
}

it('the bytes of any tree depend on its names, contents, links and executable bits alone, and unpack to it', async () => {
  await fc.assert(
    fc.asyncProperty(trees, fc.integer({ min: 1, max: 2_000_000_000 }), async (tree, mtime) => {
      const [one, two] = [await newFolder(), await newFolder()];
      await makeTree(one, tree, { order: 'forwards', mtime, umask: 0o022 });
      await makeTree(two, tree, { order: 'backwards', mtime: mtime + 86_400, umask: 0o077 });
      process.env.TZ = 'UTC';
      const first = await packDirectory({ path: one, source: 'one' });
      process.env.TZ = 'Asia/Tokyo';
      const second = await packDirectory({ path: two, source: 'two' });
      const foreign = join(folder, `foreign-${count++}.zip`);
      await writeFile(foreign, foreignZip(tree));
      try {
        expect(second.codeSha256).toBe(first.codeSha256);
        expect(await unpacked(first.path)).toEqual(expected(tree));
        expect(await repackedSha256(first.path)).toBe(first.codeSha256);
        expect(await repackedSha256(foreign)).toBe(first.codeSha256);
      } finally {
        await Promise.all([
          first.remove(),
          second.remove(),
          ...[one, two].map((path) => rm(path, { recursive: true })),
        ]);
      }
    }),
    { numRuns: RUNS },
  );
});

it('two trees have the same digest only if they are the same', async () => {
  const digest = async (tree: Tree): Promise<string> => {
    const path = await newFolder();
    await makeTree(path, tree, { order: 'forwards', mtime: 1, umask: 0o022 });
    const archive = await packDirectory({ path, source: 'code' });
    await Promise.all([archive.remove(), rm(path, { recursive: true })]);
    return archive.codeSha256;
  };
  await fc.assert(
    fc.asyncProperty(trees, trees, async (one, two) => {
      const isSame = JSON.stringify(expected(one)) === JSON.stringify(expected(two));
      expect((await digest(one)) === (await digest(two))).toBe(isSame);
    }),
    { numRuns: RUNS },
  );
});

const python = await findPython('python3.13');
if (python === undefined) console.log('skipped: what Python makes of an archive, because no python3 runs here');

it.skipIf(python === undefined)("Python's zipfile finds no fault and the same names", async () => {
  const path = await newFolder();
  await makeFixture(path);
  const archive = await packDirectory({ path, source: 'code' });
  try {
    const code =
      'import json,sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); print(json.dumps([z.testzip(), z.namelist()]))';
    const printed = execFileSync(python?.command ?? '', ['-c', code, archive.path], { encoding: 'utf8' });
    const names = Object.keys(FIXTURE).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(JSON.parse(printed)).toEqual([null, names]);
  } finally {
    await archive.remove();
  }
});
