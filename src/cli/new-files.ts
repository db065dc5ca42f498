import { randomUUID } from 'node:crypto';
import { open, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DeployError, isDeployError } from '../errors.js';

/** Files that this run makes, each whole or not at all; one that is there already is left alone unless `force` says otherwise. */
export class NewFiles {
  private constructor(private readonly reserved: readonly string[]) {}

  /**
   * Takes the names, so that nothing can come in between.
   *
   * @param force what is there is replaced when its turn comes, and is not touched before
   * @throws FILE_EXISTS naming every file that is there, FILE_NOT_WRITTEN; then nothing was left behind
   */
  static async reserve(paths: readonly string[], force: boolean): Promise<NewFiles> {
    if (force) return new NewFiles([]);
    const reserved: string[] = [];
    const existing: string[] = [];
    try {
      for (const path of paths) ((await create(path)) ? reserved : existing).push(path);
    } catch (error) {
      await new NewFiles(reserved).discard();
      throw error;
    }
    if (existing.length === 0) return new NewFiles(reserved);
    await new NewFiles(reserved).discard();
    throw new DeployError('FILE_EXISTS', `${existing.join(', ')}: there already, and not overwritten.`, {
      fix: 'name another file with --out, or overwrite with --force.',
    });
  }

  /**
   * Writes beside the name and moves it there, so that nobody ever reads a part.
   *
   * @param content the text, or what writes a file of the name that it is given
   * @throws FILE_NOT_WRITTEN; what `content` throws
   */
  async write(path: string, content: string | ((beside: string) => Promise<void>)): Promise<void> {
    const beside = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
    try {
      await (typeof content === 'string' ? writeFile(beside, content, { flag: 'wx' }) : content(beside));
      await rename(beside, path);
    } catch (error) {
      await rm(beside, { force: true });
      throw isDeployError(error) ? error : notWritten(path, error);
    }
  }

  /** After a failure: removes what this run made. */
  async discard(): Promise<void> {
    await Promise.all(this.reserved.map((path) => rm(path, { force: true })));
  }
}

/** False: there is such a file. */
async function create(path: string): Promise<boolean> {
  try {
    await (await open(path, 'wx')).close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw notWritten(path, error);
  }
}

function notWritten(path: string, cause: unknown): DeployError {
  const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown reason';
  const fix = 'choose a folder that exists and can be written.';
  return new DeployError('FILE_NOT_WRITTEN', `${path} cannot be written: ${reason}.`, { cause, fix });
}
