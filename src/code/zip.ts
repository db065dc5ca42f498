import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { ZipFile } from 'yauzl';
import { DeployError, type ErrorCode, type Location } from '../errors.js';
import type { CodeRef } from '../model/function.js';
import { MAX_UNZIPPED_BYTES, MAX_ZIP_BYTES } from '../model/limits.js';
import { missingModule, type EntryPoint } from './entry-point.js';

/** Bit 0 of an entry's general purpose flags. @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT section 4.4.4 */
const ENCRYPTED = 0x1;

export interface ZipSource {
  /** Absolute path of the archive. */
  readonly path: string;
  /** As the file names it; becomes `source` of the {@link CodeRef}. */
  readonly source: string;
  /** Where `code.zip` stands, for messages. */
  readonly location?: Location;
  /** Whose module must be inside; absent: not checked. */
  readonly entryPoint?: EntryPoint;
}

export interface ZipArchive {
  readonly ref: CodeRef;
  readonly bytes: Uint8Array;
}

/**
 * Reads an archive whole and checks what Lambda would refuse, or would accept and then fail at the first invocation.
 *
 * @throws ZIP_NOT_FOUND; ZIP_INVALID (empty, a folder, not a zip, cut short, encrypted, a path that leaves the archive, two
 *   entries of one name, no module for the handler); ZIP_TOO_LARGE (packed or unpacked).
 */
export async function readZip(zip: ZipSource): Promise<ZipArchive> {
  const refuse = refuserOf(zip);
  const bytes = await readWhole(zip, refuse);
  const { names, unzippedBytes } = await readDirectory(bytes, refuse);
  if (unzippedBytes > MAX_UNZIPPED_BYTES)
    throw refuse(
      'ZIP_TOO_LARGE',
      `holds ${unzippedBytes} bytes unpacked; Lambda allows ${MAX_UNZIPPED_BYTES}`,
      'remove what the function does not need.',
    );
  const missing = zip.entryPoint && missingModule(zip.entryPoint, names);
  if (missing !== undefined)
    throw refuse(
      'ZIP_INVALID',
      `holds no ${missing}, which the handler ${zip.entryPoint?.handler} needs; every invocation would fail`,
      'put it at the top of the archive, correct `handler`, or name `layers` in ignoreChanges if a layer brings it.',
    );
  const codeSha256 = createHash('sha256').update(bytes).digest('base64');
  return { ref: { kind: 'zip', source: zip.source, codeSha256, zipBytes: bytes.length, unzippedBytes }, bytes };
}

type Refuse = (code: ErrorCode, why: string, fix: string, cause?: unknown) => DeployError;

function refuserOf({ source, location }: ZipSource): Refuse {
  return (code, why, fix, cause) => {
    const message = `${source} ${why}.`;
    const at = location === undefined ? {} : { location };
    const diagnostics = [{ severity: 'error', code, message, fix, ...at } as const];
    return new DeployError(code, message, { fix, subject: source, cause, diagnostics, ...at });
  };
}

async function readWhole({ path }: ZipSource, refuse: Refuse): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    // Asked before reading: a file of many gigabytes would not fit into memory.
    if (size > MAX_ZIP_BYTES)
      throw refuse(
        'ZIP_TOO_LARGE',
        `has ${size} bytes; Lambda takes ${MAX_ZIP_BYTES} in a request, and upload through S3 is not supported yet`,
        'make it smaller, or move dependencies into a layer.',
      );
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof DeployError) throw cause;
    const reason = (cause as NodeJS.ErrnoException).code;
    if (reason === 'ENOENT' || reason === 'ENOTDIR')
      throw refuse('ZIP_NOT_FOUND', 'does not exist', 'build the archive first, or correct `code.zip`.', cause);
    if (reason === 'EISDIR')
      throw refuse('ZIP_INVALID', 'is a folder', 'name a zip archive; folders are not packed yet.', cause);
    throw refuse('ZIP_INVALID', `cannot be read (${reason ?? 'unknown reason'})`, 'make it readable.', cause);
  }
}

interface Directory {
  readonly names: ReadonlySet<string>;
  readonly unzippedBytes: number;
}

async function readDirectory(bytes: Buffer, refuse: Refuse): Promise<Directory> {
  if (bytes.length === 0) throw refuse('ZIP_INVALID', 'is empty (0 bytes)', 'build the archive again.');
  // Loaded here: most commands never open an archive.
  const { default: yauzl } = await import('yauzl');
  const names = new Set<string>();
  let unzippedBytes = 0;
  try {
    const directory: ZipFile = await yauzl.fromBufferPromise(bytes, { lazyEntries: true, strictFileNames: true });
    for await (const entry of directory.eachEntry()) {
      if ((entry.generalPurposeBitFlag & ENCRYPTED) !== 0)
        throw refuse(
          'ZIP_INVALID',
          `holds ${entry.fileName} encrypted; Lambda cannot open it`,
          'pack it without a password.',
        );
      if (names.has(entry.fileName))
        throw refuse(
          'ZIP_INVALID',
          `holds ${entry.fileName} twice; which one would run is not defined`,
          'build the archive from nothing instead of adding to it.',
        );
      names.add(entry.fileName);
      unzippedBytes += entry.uncompressedSize;
    }
  } catch (cause) {
    if (cause instanceof DeployError) throw cause;
    throw refuse('ZIP_INVALID', explain(cause, bytes), 'build the archive again.', cause);
  }
  if (names.size === 0) throw refuse('ZIP_INVALID', 'holds no files', 'build the archive again.');
  return { names, unzippedBytes };
}

function explain(cause: unknown, bytes: Buffer): string {
  const reason = cause instanceof Error ? cause.message : '';
  if (/^(absolute path|invalid relative path|invalid characters in fileName)/.test(reason))
    return `holds an entry that would leave the folder it is unpacked into (${reason})`;
  if (!bytes.subarray(0, 2).equals(Buffer.from('PK'))) return 'is not a zip archive';
  return 'is cut short or damaged: its directory cannot be read';
}
