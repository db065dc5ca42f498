import { open } from 'node:fs/promises';
import type { FileChange } from '../model/drift.js';
import { DeployError } from '../errors.js';
import type { Refuse } from './source.js';
import { readEntries, STRICT } from './zip.js';

/** More than any end-of-directory record's first bytes: enough to say that a file is no zip. */
const HEAD_BYTES = 64;

/**
 * Which files two archives do not have in common, by name. Two files are the same when size and CRC-32 are: contents are not
 * unpacked. Folders have nothing of their own.
 *
 * @throws ZIP_INVALID for a file that is no archive
 */
export async function compareArchives(before: string, after: string): Promise<readonly FileChange[]> {
  const [old, now] = [await filesIn(before), await filesIn(after)];
  const names = [...new Set([...old.keys(), ...now.keys()])].sort();
  return names.flatMap((path): FileChange[] => {
    const [left, right] = [old.get(path), now.get(path)];
    if (left !== undefined && right !== undefined && left.bytes === right.bytes && left.crc === right.crc) return [];
    const change = left === undefined ? 'added' : right === undefined ? 'removed' : 'changed';
    return [{ path, change, bytesBefore: left?.bytes ?? null, bytesAfter: right?.bytes ?? null }];
  });
}

interface PackedFile {
  readonly bytes: number;
  readonly crc: number;
}

async function filesIn(path: string): Promise<ReadonlyMap<string, PackedFile>> {
  const { zip, entries } = await readEntries(
    await headOf(path),
    (yauzl) => yauzl.openPromise(path, { ...STRICT }),
    refuse,
  );
  zip.close();
  const files = entries.filter(({ fileName }) => !fileName.endsWith('/'));
  return new Map(files.map((one) => [one.fileName, { bytes: one.uncompressedSize, crc: one.crc32 }]));
}

async function headOf(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(HEAD_BYTES) });
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

const refuse: Refuse = (code, why, fix, cause) => new DeployError(code, `An archive of AWS's ${why}.`, { fix, cause });
