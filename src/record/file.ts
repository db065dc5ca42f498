import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DeployError } from '../errors.js';
import { LATEST } from '../model/function.js';
import { isJsonObject } from '../model/json.js';
import { FORMAT_VERSION } from '../model/plan.js';
import type { RecordStore } from '../model/ports.js';
import type { DeployRecord, RecordResult } from '../model/record.js';
import { RECORD_ID } from '../model/record-id.js';
import { arrange } from './record.js';

/** Names of functions and aliases in AWS: one folder each, never a way out of the store. */
const SAFE_NAME = /^[A-Za-z0-9_-]{1,140}$/;

/** The folder of a function without aliases. No alias can be called so. */
const NO_ALIAS = LATEST;

/**
 * Full records as JSON, one file each: `DIRECTORY/FUNCTION/ALIAS/ID.json`. A file is there whole or not at all, and since every
 * run has its own id, runs side by side never overwrite each other's records. The directory is made on the first write.
 *
 * `list` throws RECORD_STORE for a file that cannot be read or is no record, naming it; `open` and `close` when the disk refuses.
 */
export function fileStore(directory: string): RecordStore {
  const folderOf = (functionName: string, alias: string | null): string =>
    join(directory, safe(functionName), alias === null ? NO_ALIAS : safe(alias));
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

function safe(name: string): string {
  if (SAFE_NAME.test(name)) return name;
  throw new DeployError('RECORD_STORE', `${JSON.stringify(name)} cannot name a folder of records.`, {
    fix: 'use letters, digits, - and _ only, as Lambda does.',
  });
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
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw unusable(path, error instanceof SyntaxError ? 'is not JSON' : `cannot be read (${codeOf(error)})`);
  }
  const newer = isJsonObject(value) && typeof value['formatVersion'] === 'string' && value['formatVersion'];
  if (newer !== false && newer !== FORMAT_VERSION)
    throw unusable(path, `has format ${newer}, which this lambda-deploy does not know`);
  if (!isRecord(value)) throw unusable(path, 'is not a deployment record');
  return value;
}

const RESULTS: Readonly<Record<RecordResult, true>> = {
  open: true,
  pending: true,
  succeeded: true,
  failed: true,
  rolled_back: true,
};

/** Whether everything that decisions are taken from is there. schemas/record.schema.json says the rest. */
function isRecord(value: unknown): value is DeployRecord {
  if (!isJsonObject(value)) return false;
  const text = (key: string): boolean => typeof value[key] === 'string';
  const textOrNull = (key: string): boolean => value[key] === null || text(key);
  return (
    value['formatVersion'] === FORMAT_VERSION &&
    typeof value['id'] === 'string' &&
    RECORD_ID.test(value['id']) &&
    (value['action'] === 'deploy' || value['action'] === 'rollback') &&
    typeof value['result'] === 'string' &&
    Object.hasOwn(RESULTS, value['result']) &&
    ['function', 'startedAt'].every(text) &&
    ['alias', 'version', 'previousVersion', 'codeSha256', 'finishedAt'].every(textOrNull)
  );
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

function unusable(path: string, why: string): DeployError {
  return new DeployError('RECORD_STORE', `${path} ${why}.`, {
    subject: path,
    fix: 'mend or move the file or its folder away, then run again.',
  });
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'an unknown error';
}
