import { randomUUID } from 'node:crypto';
import { lstat, open, rename, rm, writeFile } from 'node:fs/promises';
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
    const beside = besideOf(path);
    try {
      await (typeof content === 'string' ? writeFile(beside, content, { flag: 'wx' }) : content(beside));
      await rename(beside, path);
    } catch (error) {
      await rm(beside, { force: true });
      throw isDeployError(error) ? error : notWritten(path, error);
    }
  }

  /**
   * Writes several texts, all or none: each is whole beside its name before the first takes its place.
   *
   * @throws FILE_NOT_WRITTEN
   */
  async writeAll(files: readonly (readonly [path: string, text: string])[]): Promise<void> {
    const staged: (readonly [string, string])[] = [];
    try {
      for (const [path, text] of files) {
        const beside = besideOf(path);
        staged.push([beside, path]);
        if (await isFolder(path)) throw notWritten(path, { code: 'EISDIR' });
        await writeFile(beside, text, { flag: 'wx' }).catch((error: unknown) => {
          throw notWritten(path, error);
        });
      }
      for (const [beside, path] of staged)
        await rename(beside, path).catch((error: unknown) => {
          throw notWritten(path, error);
        });
    } catch (error) {
      await Promise.all(staged.map(([beside]) => rm(beside, { force: true })));
      await this.discard();
      throw error;
    }
  }

  /** After a failure: removes what this run made. */
  async discard(): Promise<void> {
    await Promise.all(this.reserved.map((path) => rm(path, { force: true })));
  }
}

function besideOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
}

async function isFolder(path: string): Promise<boolean> {
  return lstat(path).then(
    (about) => about.isDirectory(),
    () => false,
  );
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
