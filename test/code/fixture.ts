import { chmod, mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Of the archive of {@link FIXTURE}. It may change only on purpose: every directory deploys again after that. */
export const GOLDEN_SHA256 = 'qTEyvEtIaN0cQKcCgPXACIYeCkRdCKjEdYur3+9vWxE=';

export interface FixtureFile {
  readonly content?: string | Buffer;
  readonly executable?: true;
  readonly link?: string;
}

/** Compressible, and longer than several of the packer's blocks. */
const LONG = Array.from({ length: 20_000 }, (_, line) => `line ${line} of ${(line * 7919) % 1000}\n`).join('');

/** Not compressible, the same everywhere. */
const NOISE = Buffer.from(Uint32Array.from(noise(50_000)).buffer);

function* noise(count: number): Generator<number> {
  for (let seed = 1, left = count; left > 0; left--) yield (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0);
}

/** What is packed, by path. */
export const FIXTURE: Readonly<Record<string, FixtureFile>> = {
  'index.js': { content: 'exports.handler = async () => "hello";\n' },
  bootstrap: { content: '#!/bin/sh\n', executable: true },
  'lib/empty': { content: '' },
  'lib/deep/er/long.txt': { content: LONG },
  'lib/noise.bin': { content: NOISE },
  'lib/block.bin': { content: Buffer.alloc(65_536, 'block') },
  'lib.js': { content: 'sorts before lib/ by its bytes\n' },
  'latest.js': { link: 'index.js' },
  'lib/up.js': { link: '../index.js' },
  current: { link: 'lib/deep' },
  dangling: { link: 'nowhere' },
  'naïve.txt': { content: 'composed\n' },
  'nai\u0308ve.txt': { content: 'decomposed\n' },
  '日本語/ファイル.txt': { content: 'Unicode\n' },
  '\uFB01.txt': { content: 'before 😀 by UTF-8, after it by UTF-16\n' },
  '😀.txt': { content: 'beyond the first plane\n' },
  'a name with "quotes"': { content: 'odd\n' },
  'keep.log': { content: 'taken back by a later rule\n' },
};

/** What lies beside it and stays out. */
const IGNORED: Readonly<Record<string, FixtureFile>> = {
  '.lambdaignore': { content: '# comment\n*.log\n!keep.log\n/build/\nnode_modules/**/test\n' },
  '.git/HEAD': { content: 'ref: refs/heads/main\n' },
  '.DS_Store': { content: 'Finder' },
  'lib/__pycache__/a.pyc': { content: 'holds times' },
  'debug.log': { content: 'log' },
  'build/out.js': { content: 'built' },
  'node_modules/x/test/t.js': { content: 'test' },
};

export interface FixtureOptions {
  /** Files are made last to first. */
  readonly backwards?: boolean;
  /** Of every file, in seconds. */
  readonly mtime?: number;
}

/** Makes the directory; modes follow the umask of the process, but for the executable bit. */
export async function makeFixture(root: string, { backwards = false, mtime }: FixtureOptions = {}): Promise<void> {
  const files = Object.entries({ ...FIXTURE, ...IGNORED });
  for (const [name, file] of backwards ? files.reverse() : files) {
    const path = join(root, name);
    await mkdir(dirname(path), { recursive: true });
    if (file.link !== undefined) await symlink(file.link, path);
    else {
      await writeFile(path, file.content ?? '');
      if (file.executable) await chmod(path, 0o777 & ~process.umask());
      if (mtime !== undefined) await utimes(path, mtime, mtime);
    }
  }
}
