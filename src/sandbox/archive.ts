import { createHash } from 'node:crypto';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { type Entry, fromBufferPromise } from 'yauzl';
import { AwsError, invalidParameter } from './errors.js';
import type { Code } from './state.js';
import { MAX_UNZIPPED_BYTES, MAX_ZIP_BYTES } from '../model/limits.js';

// The upper half of an entry's external attributes is the Unix mode.
const FILE_TYPE = 0o170000;
const SYMBOLIC_LINK = 0o120000;

/**
 * Takes an uploaded archive. Its directory is read, its files are unpacked only when the function is invoked.
 *
 * @throws AwsError InvalidParameterValueException for what is no archive, has paths that leave it, or is over 250 MB
 * unpacked; RequestEntityTooLargeException over 50 MB where it came in the request itself
 */
export async function acceptArchive(zip: Uint8Array, from: 'direct' | 's3'): Promise<Code> {
  if (from === 'direct' && zip.byteLength > MAX_ZIP_BYTES)
    throw new AwsError(413, 'RequestEntityTooLargeException', {
      message: `Zipped size must be smaller than ${MAX_ZIP_BYTES} bytes`,
    });
  if (zip.byteLength === 0) throw invalidParameter('Uploaded file must be a non-empty zip');
  let entries = 0;
  let unzippedBytes = 0;
  try {
    const file = await fromBufferPromise(Buffer.from(zip), { lazyEntries: true });
    for await (const entry of file.eachEntry()) {
      entries += 1;
      unzippedBytes += entry.uncompressedSize;
    }
  } catch {
    throw invalidParameter('Could not unzip uploaded file. Please check your file, then try to upload again.');
  }
  if (entries === 0) throw invalidParameter('Uploaded file must be a non-empty zip');
  if (unzippedBytes > MAX_UNZIPPED_BYTES)
    throw invalidParameter(`Unzipped size must be smaller than ${MAX_UNZIPPED_BYTES} bytes`);
  return { codeSha256: createHash('sha256').update(zip).digest('base64'), zip };
}

function mode(entry: Entry): number {
  return entry.externalFileAttributes >>> 16;
}

function isInside(directory: string, file: string): boolean {
  return file === directory || file.startsWith(directory + path.sep);
}

/**
 * Unpacks an accepted archive into an empty directory. Nothing is written outside of it: yauzl refuses absolute paths
 * and `..`, and symbolic links come last and may point only inside.
 *
 * @throws Error when the archive is damaged or tries to leave the directory
 */
export async function unpack(code: Code, directory: string): Promise<void> {
  const file = await fromBufferPromise(Buffer.from(code.zip), { lazyEntries: true });
  const links: { at: string; target: string }[] = [];
  for await (const entry of file.eachEntry()) {
    const at = path.join(directory, entry.fileName);
    if (!isInside(directory, at)) throw new Error(`the archive's entry ${entry.fileName} leaves the archive`);
    if (entry.fileName.endsWith('/')) {
      await mkdir(at, { recursive: true });
      continue;
    }
    await mkdir(path.dirname(at), { recursive: true });
    const bytes = await buffer(await file.openReadStreamPromise(entry));
    if ((mode(entry) & FILE_TYPE) === SYMBOLIC_LINK) links.push({ at, target: bytes.toString('utf8') });
    else await writeFile(at, bytes, { mode: 0o644 | (mode(entry) & 0o111) });
  }
  for (const { at, target } of links) {
    if (path.isAbsolute(target) || !isInside(directory, path.resolve(path.dirname(at), target)))
      throw new Error(`the archive's symbolic link ${path.relative(directory, at)} leaves the archive`);
    await symlink(target, at);
  }
}
