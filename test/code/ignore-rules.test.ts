import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import yauzl from 'yauzl';
import { packDirectory } from '../../src/code/directory.js';
import { refusal } from './refusal.js';

let folder: string;
let count = 0;

beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'ignore-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The names that are packed, sorted by their bytes. */
async function packed(rules: string, files: readonly string[]): Promise<readonly string[]> {
  const path = join(folder, `code-${count++}`);
  for (const name of files) {
    await mkdir(join(path, dirname(name)), { recursive: true });
    await writeFile(join(path, name), name);
  }
  await writeFile(join(path, '.lambdaignore'), rules);
  const archive = await packDirectory({ path, source: 'code' });
  const zip = await yauzl.openPromise(archive.path);
  const names: string[] = [];
  for await (const { fileName } of zip.eachEntry()) names.push(fileName);
  await archive.remove();
  return names;
}

it.each([
  ['the file of the rules itself', '', ['a', '.lambdaignore'], ['a']],
  ['unless a rule takes it back', '!.lambdaignore\n', ['a', '.lambdaignore'], ['.lambdaignore', 'a']],
  ['one of a folder below is a file like others', 'b\n', ['a', 'x/.gitignore', 'x/b'], ['a', 'x/.gitignore']],
  ['a name at any depth', '*.log\n', ['a', 'b.log', 'x/y/c.log'], ['a']],
  ['a name at the top only', '/b\n', ['a', 'b', 'x/b'], ['a', 'x/b']],
  ['a path with a slash is from the top', 'x/b\n', ['a', 'x/b', 'y/x/b'], ['a', 'y/x/b']],
  ['a pattern for folders, not for a file', 'build/\n', ['a', 'x/build', 'build/b'], ['a', 'x/build']],
  [
    'what a later line takes back',
    '*.log\n!keep.log\n',
    ['b.log', 'keep.log', 'x/keep.log'],
    ['keep.log', 'x/keep.log'],
  ],
  ['a last line that wins', '!keep.log\n*.log\n', ['a', 'keep.log'], ['a']],
  ['nothing back from a folder that is out', 'x/\n!x/b\n', ['a', 'x/b'], ['a']],
  ['one file of a folder whose others are out', 'x/*\n!x/b\n', ['a', 'x/b', 'x/c'], ['a', 'x/b']],
  ['any folders between', 'x/**/t\n', ['a', 'x/t', 'x/y/z/t', 't'], ['a', 't']],
  ['comments, blank lines, and Windows line ends', '# a\r\n\r\nb\r\n', ['a', 'b'], ['a']],
  ['letters as they are written', 'README\n', ['README', 'readme'], ['readme']],
  ['an escaped sign', '\\#b\n\\!c\n', ['#b', '!c', 'a'], ['a']],
  ['a space at the end only if escaped', 'b \nc\\ \n', ['a', 'b', 'c '], ['a']],
  ['a set of letters', '[bc].js\n', ['a.js', 'b.js', 'c.js'], ['a.js']],
  ['version control and caches without a rule', '', ['a', '.git/HEAD', 'x/.DS_Store', 'x/__pycache__/b.pyc'], ['a']],
  ['a cache that a rule takes back', '!__pycache__/\n', ['__pycache__/b.pyc'], ['__pycache__/b.pyc']],
])('%s', async (_why, rules, files, expected) => {
  expect(await packed(rules, files)).toEqual(expected);
});

it('everything is out: nothing to pack', async () => {
  expect(await refusal(packed('*\n', ['a']))).toBe('DIR_INVALID: code holds no files to pack.');
});
