import { randomUUID } from 'node:crypto';
import { chmod, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DeployError, isDeployError } from '../errors.js';

const BYTE_ORDER_MARK = '\uFEFF';

/**
 * Replaces a text file whole or not at all, where a link leads to, with its mode. Nobody ever reads a part.
 *
 * @param was the text that the new one was made from
 * @throws FILE_NOT_WRITTEN when the disk refuses, or when the file is not `was` any more
 */
export async function replaceFile(path: string, was: string, text: string): Promise<void> {
  let beside: string | undefined;
  try {
    const real = await realpath(path);
    const { mode } = await stat(real);
    const now = await readFile(real, 'utf8');
    const mark = now.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK : '';
    if (now !== mark + was) throw notWritten(path, 'somebody changed it meanwhile', 'run the command again.');
    beside = join(dirname(real), `.${basename(real)}.${randomUUID()}.tmp`);
    await writeFile(beside, mark + text, { flag: 'wx' });
    await chmod(beside, mode);
    await rename(beside, real);
  } catch (error) {
    if (beside !== undefined) await rm(beside, { force: true });
    if (isDeployError(error)) throw error;
    const reason = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw notWritten(path, reason, 'make the file and its folder writable.', error);
  }
}

function notWritten(path: string, why: string, fix: string, cause?: unknown): DeployError {
  return new DeployError('FILE_NOT_WRITTEN', `${path} cannot be written: ${why}.`, { cause, fix });
}
