import { execFileSync } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';
import * as fs from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { packDirectory } from '../../src/code/directory.js';
import { refusal } from './refusal.js';
import { bundleChild, runChild } from './run-child.js';

/** What happens just before a path is opened, and to what was opened. */
const hook = vi.hoisted(() => ({
  before: (_path: string): unknown => undefined,
  after: (_path: string, _file: FileHandle): unknown => undefined,
}));
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof fs>();
  const open: typeof fs.open = async (path, ...rest) => {
    await hook.before(String(path));
    const file = await real.open(path, ...rest);
    await hook.after(String(path), file);
    return file;
  };
  return { ...real, open };
});

const TEMPORARY = process.env.TMPDIR;
let folder: string;
let child: string;
let code: string;
let temporary: string;
let count = 0;

beforeAll(async () => {
  folder = await fs.mkdtemp(join(tmpdir(), 'failures-'));
  await fs.chmod(folder, 0o755);
  child = await bundleChild(folder);
});
afterAll(() => fs.rm(folder, { recursive: true, force: true }));

beforeEach(async () => {
  code = join(folder, `code-${count}`);
  temporary = join(folder, `tmp-${count++}`);
  await fs.mkdir(code);
  await fs.mkdir(temporary);
  await fs.writeFile(join(code, 'a.js'), 'a'.repeat(100));
  await fs.writeFile(join(code, 'b.js'), 'b'.repeat(100));
  process.env.TMPDIR = temporary;
});
afterEach(() => {
  hook.before = hook.after = () => undefined;
  if (TEMPORARY === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = TEMPORARY;
});

/** How packing ends; nothing of the archive may be left. */
async function refused(): Promise<string> {
  const said = await refusal(packDirectory({ path: code, source: 'code' }));
  expect(await fs.readdir(temporary)).toEqual([]);
  return said;
}

describe('a file that changes between being listed and being read is named', () => {
  const b = () => join(code, 'b.js');
  it.each([
    ['it grows', () => fs.appendFile(b(), 'more')],
    ['it shrinks', () => fs.truncate(b(), 10)],
    ['it is written again with the same size', () => fs.writeFile(b(), 'c'.repeat(100))],
    ['it goes', () => fs.rm(b())],
    ['a link takes its place', async () => [await fs.rm(b()), await fs.symlink('/etc/passwd', b())]],
    ['a pipe takes its place', async () => [await fs.rm(b()), execFileSync('mkfifo', [b()])]],
    ['a folder takes its place', async () => [await fs.rm(b()), await fs.mkdir(b())]],
    ['another file takes its place', async () => [await fs.rm(b()), await fs.writeFile(b(), 'b'.repeat(100))]],
  ])('%s', async (_why, change) => {
    // Times are told in milliseconds at worst.
    await fs.utimes(b(), 1, 1);
    hook.before = (path) => (path === b() ? change() : undefined);
    expect(await refused()).toBe('DIR_INVALID: code changed while it was packed: "b.js" is not what it was.');
  });

  it('while it is read', async () => {
    hook.after = (path, file) => {
      if (path !== b()) return;
      const read = file.read.bind(file) as (...rest: unknown[]) => ReturnType<FileHandle['read']>;
      const spy = vi.spyOn(file, 'read');
      spy.mockImplementation((async (...rest: unknown[]) => {
        const result = await read(...rest);
        if (result.bytesRead > 0) await fs.appendFile(b(), 'more');
        return result;
      }) as unknown as FileHandle['read']);
    };
    expect(await refused()).toBe('DIR_INVALID: code changed while it was packed: "b.js" is not what it was.');
  });
});

describe('an archive that cannot be written', () => {
  it('because the disk is full', async () => {
    hook.after = (path, file) => {
      const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
      if (path.endsWith('.zip')) vi.spyOn(file, 'appendFile').mockRejectedValue(full);
    };
    expect(await refused()).toBe(`ARCHIVE_NOT_WRITTEN: the archive cannot be written to ${temporary} (ENOSPC).`);
  });

  it('because there is no such folder', async () => {
    process.env.TMPDIR = join(temporary, 'gone');
    const says = `ARCHIVE_NOT_WRITTEN: the archive cannot be written to ${temporary}/gone (ENOENT).`;
    expect(await refused()).toBe(says);
  });

  it('because the folder is read-only', async () => {
    await fs.chmod(temporary, 0o555);
    // Root writes everywhere: nobody does not.
    const user = process.getuid?.() === 0 ? { uid: 65_534 } : {};
    const { code: errorCode, detail } = await runChild(child, ['pack', code], { env: { TMPDIR: temporary }, ...user });
    expect([errorCode, detail]).toEqual([
      'ARCHIVE_NOT_WRITTEN',
      `the archive cannot be written to ${temporary} (EACCES).`,
    ]);
  });
});

it('a folder below that cannot be read is named', async () => {
  await fs.mkdir(join(code, 'private'));
  await fs.chmod(join(code, 'private'), 0o000);
  const user = process.getuid?.() === 0 ? { uid: 65_534 } : {};
  await fs.chmod(temporary, 0o777);
  const { code: errorCode, detail } = await runChild(child, ['pack', code], user);
  expect([errorCode, detail]).toEqual(['DIR_INVALID', 'code holds "private/", which cannot be read (EACCES).']);
});

it('a socket is refused by name, and can be ignored', async () => {
  const server = createServer();
  // The path of a socket may be 100 bytes long.
  await new Promise<void>((done) => server.listen(join(code, 's'), done));
  try {
    expect(await refused()).toBe('DIR_INVALID: code holds "s", which is a socket, a pipe or a device.');
    await fs.writeFile(join(code, '.lambdaignore'), 's\n');
    const archive = await packDirectory({ path: code, source: 'code' });
    await archive.remove();
    expect(archive.entries).toBe(2);
  } finally {
    await new Promise((done) => server.close(done));
  }
});

it('a path longer than the system opens is refused by name', async () => {
  // No call takes such a path: one half is made, then moved to the end of the other.
  const [outer, inner] = [12, 15].map((depth) => Array.from({ length: depth }, () => 'd'.repeat(200)).join('/'));
  await fs.mkdir(join(code, outer ?? ''), { recursive: true });
  await fs.mkdir(join(code, 'half', inner ?? ''), { recursive: true });
  const end = join(code, outer ?? '', 'half');
  await fs.rename(join(code, 'half'), end);
  try {
    expect(await refused()).toMatch(/^DIR_INVALID: code holds "d+\/.*, which cannot be read \(ENAMETOOLONG\)\.$/);
  } finally {
    await fs.rename(end, join(code, 'half'));
  }
});

it('a name that begins like a drive is refused, because repacking would', async () => {
  await fs.writeFile(join(code, 'c:x.js'), '');
  expect(await refused()).toBe('DIR_INVALID: code holds "c:x.js", whose beginning some tools take for a drive.');
});
