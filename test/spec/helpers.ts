import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { isDeployError, type Diagnostic } from '../../src/errors.js';
import { loadSpec, type LoadedSpec, type LoadOptions } from '../../src/spec/load.js';

/** A folder with these files, gone when the test is over. */
export async function folderWith(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'spec-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

/** Loads a text as `lambda.deploy.yaml`. */
export async function load(
  text: string | Uint8Array,
  variables: Readonly<Record<string, string>> = {},
  options: Pick<LoadOptions, 'region' | 'environment' | 'allow'> = {},
): Promise<LoadedSpec> {
  const cwd = await folderWith({ 'lambda.deploy.yaml': text });
  return loadSpec({ cwd, variables, ...options });
}

/** What is wrong with a text; fails when nothing is. */
export async function findingsOf(
  text: string | Uint8Array,
  variables: Readonly<Record<string, string>> = {},
  options: Pick<LoadOptions, 'region' | 'environment' | 'allow'> = {},
): Promise<readonly Diagnostic[]> {
  const error: unknown = await load(text, variables, options).then(
    () => new Error('the file was accepted'),
    (reason: unknown) => reason,
  );
  if (!isDeployError(error)) throw error;
  return error.diagnostics;
}
