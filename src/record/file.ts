import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DeployError } from '../errors.js';
import type { RecordStore } from '../model/ports.js';
import type { DeployRecord } from '../model/record.js';
import { RECORD_ID } from '../model/record-id.js';
import { foldersOf, isRecord, parseStored } from './check.js';
import { arrange } from './record.js';

/**
 * Full records as JSON, one file each: `DIRECTORY/FUNCTION/ALIAS/ID.json`. A file is there whole or not at all, and since every
 * run has its own id, runs side by side never overwrite each other's records. The directory is made on the first write.
 *
 * `list` throws RECORD_STORE for a file that cannot be read or is no record, naming it; `open` and `close` when the disk refuses.
 */
export function fileStore(directory: string): RecordStore {
  const folderOf = (functionName: string, alias: string | null): string =>
    join(directory, ...foldersOf(functionName, alias));
  const write: RecordStore['close'] = async (_live, records) => {
    for (const record of records) await writeRecord(folderOf(record.function, record.alias), record);
  };
  return {
    kind: 'file',
    async list(live, alias) {
      const folder = folderOf(live.name, alias);
      const records = await Promise.all((await idsIn(folder)).map((id) => readRecord(join(folder, `${id}.json`))));
      // A file system that ignores case has one folder for the aliases live and Live.
      return arrange(records.filter((record) => record.alias === alias && record.function === live.name));
    },
    read: (_live, record) => Promise.resolve(record),
    open: write,
    close: write,
    tagsFor: () => ({}),
  };
}

async function idsIn(folder: string): Promise<readonly string[]> {
  try {
    const names = await readdir(folder);
    return names.filter((name) => name.endsWith('.json') && !name.startsWith('.')).map((name) => name.slice(0, -5));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw unusable(folder, `cannot be listed (${codeOf(error)})`);
  }
}

async function readRecord(path: string): Promise<DeployRecord> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw unusable(path, `cannot be read (${codeOf(error)})`);
  });
  const value: unknown = parseStored(text, (...what) => unusable(path, ...what));
  if (!isRecord(value)) throw unusable(path, 'is not a deployment record');
  return value;
}

async function writeRecord(folder: string, record: DeployRecord): Promise<void> {
  if (!RECORD_ID.test(record.id)) throw unusable(folder, 'cannot hold a record with such an id');
  const path = join(folder, `${record.id}.json`);
  // In the same folder, because a rename is atomic within one file system only.
  const temporary = join(folder, `.${record.id}.${randomUUID()}`);
  try {
    await mkdir(folder, { recursive: true });
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(`${JSON.stringify(record, null, 2)}\n`);
      // Without it a power cut may leave the new name on an empty file.
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw unusable(path, `cannot be written (${codeOf(error)})`);
  }
}

function unusable(
  path: string,
  why: string,
  fix = 'mend or move the file or its folder away, then run again.',
): DeployError {
  return new DeployError('RECORD_STORE', `${path} ${why}.`, {
    subject: path,
    fix,
  });
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'an unknown error';
}
