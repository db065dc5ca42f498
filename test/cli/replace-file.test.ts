import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { replaceFile } from '../../src/cli/replace-file.js';
import { isDeployError } from '../../src/errors.js';

async function fileOf(text: string): Promise<{ folder: string; path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'replace-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'a.yaml');
  await writeFile(path, text);
  return { folder, path };
}

const refused = async (run: Promise<void>): Promise<string> => {
  const error: unknown = await run.then(() => undefined).catch((thrown: unknown) => thrown);
  return isDeployError(error, 'FILE_NOT_WRITTEN') ? error.detail : String(error);
};

it('what somebody changed meanwhile is not overwritten, and nothing is left beside it', async () => {
  const { folder, path } = await fileOf('theirs\n');
  expect(await refused(replaceFile(path, 'old\n', 'new\n'))).toContain('somebody changed it meanwhile');
  expect(await readFile(path, 'utf8')).toBe('theirs\n');
  expect(await readdir(folder)).toEqual(['a.yaml']);
});

it('a file that is gone is an error', async () => {
  const { path } = await fileOf('old\n');
  await rm(path);
  expect(await refused(replaceFile(path, 'old\n', 'new\n'))).toContain('ENOENT');
});

it('of several at once one wins, whole', async () => {
  const { folder, path } = await fileOf('old\n');
  const texts = Array.from({ length: 8 }, (_, at) => `${String(at).repeat(10_000)}\n`);
  await Promise.allSettled(texts.map((text) => replaceFile(path, 'old\n', text)));
  expect(texts).toContain(await readFile(path, 'utf8'));
  expect(await readdir(folder)).toEqual(['a.yaml']);
});
