import { chmod, mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import type { FixtureFile } from './fixture.js';

/** Files and links by path, as {@link FixtureFile}s; no path is both a file and a folder. */
export type Tree = ReadonlyMap<string, FixtureFile>;

/** What file systems and archives of the world stumble over, and plain letters, so that paths meet. */
const segment = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    'B',
    'a b',
    ' a',
    '.x',
    '..x',
    'x.',
    '-r',
    '*',
    '%00',
    'é',
    'e\u0301',
    'ﬁ',
    '日本',
    '😀',
    '\u202E',
  ),
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
    .filter((text) => !/^[a-z]:|[/\\\p{Cc}\uFFFD]/iu.test(text)),
);

const file: fc.Arbitrary<FixtureFile> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ content: content(), executable: fc.boolean() }).map(fileOf) },
  { weight: 1, arbitrary: fc.constantFrom('a', 'nowhere', 'b/../a', './é').map((link) => ({ link })) },
);

function content(): fc.Arbitrary<Buffer> {
  const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
  // Around the packer's block of 65,536 bytes.
  const long = fc.integer({ min: 65_530, max: 131_080 }).map((length) => Buffer.alloc(length, 'abcdefg'));
  return fc.oneof({ weight: 9, arbitrary: bytes }, { weight: 1, arbitrary: long });
}

function fileOf(one: { readonly content: Buffer; readonly executable: boolean }): FixtureFile {
  return one.executable ? { content: one.content, executable: true } : { content: one.content };
}

export const trees: fc.Arbitrary<Tree> = fc
  .array(fc.tuple(fc.array(segment, { minLength: 1, maxLength: 5 }), file), { minLength: 1, maxLength: 12 })
  .map((all) => withoutConflicts(all.map(([path, one]) => [path.join('/'), one] as const)))
  .filter((tree) => tree.size > 0);

function withoutConflicts(all: readonly (readonly [string, FixtureFile])[]): Tree {
  const tree = new Map<string, FixtureFile>();
  for (const [path, one] of all) {
    const isIgnored = path.split('/').some((part) => ['.', '..', '.git', '.hg', '.svn', '.DS_Store'].includes(part));
    const meets = [...tree.keys()].some((other) => `${other}/`.startsWith(`${path}/`) || path.startsWith(`${other}/`));
    if (!isIgnored && !meets) tree.set(path, one);
  }
  return tree;
}

export interface Circumstances {
  readonly order: 'forwards' | 'backwards';
  /** Of every file and folder, in seconds. */
  readonly mtime: number;
  /** What a umask takes away. */
  readonly umask: number;
}

/** Makes the tree under `root`, with an empty folder more when it is made backwards. */
export async function makeTree(root: string, tree: Tree, { order, mtime, umask }: Circumstances): Promise<void> {
  const all = [...tree];
  for (const [name, { content = '', executable, link }] of order === 'backwards' ? all.reverse() : all) {
    const path = join(root, name);
    await mkdir(dirname(path), { recursive: true });
    if (link !== undefined) await symlink(link, path);
    else {
      await writeFile(path, content);
      await chmod(path, (executable ? 0o777 : 0o666) & ~umask);
      await utimes(path, mtime, mtime);
    }
  }
  if (order === 'backwards') await mkdir(join(root, 'an empty folder of its own'));
}
