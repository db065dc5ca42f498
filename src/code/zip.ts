import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import type { Entry, fromBufferPromise, openPromise, ZipFile } from 'yauzl';
import { DeployError } from '../errors.js';
import type { ArchiveRef } from '../model/function.js';
import { MAX_ZIP_BYTES } from '../model/limits.js';
import { checkContents, reasonOf, refuserOf, type CodeSource, type Contents, type Refuse } from './source.js';

/** Bit 0 of an entry's general purpose flags. @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT section 4.4.4 */
const ENCRYPTED = 0x1;

/** The fix of a damaged archive. */
export const AGAIN = 'build the archive again.';

/** The fix of an archive that is too large for a request. */
export const THROUGH_S3 = 'set `code.bucket` to a bucket in the function’s region that it can be uploaded to.';

export interface ZipArchive {
  readonly ref: ArchiveRef;
  readonly bytes: Uint8Array;
}

/**
 * Reads an archive whole and checks what Lambda would refuse, or would accept and then fail at the first invocation.
 *
 * @throws ZIP_NOT_FOUND; ZIP_INVALID (empty, a folder, not a zip, cut short, encrypted, a path that leaves the archive, two
 *   entries of one name, no module for the handler); ZIP_TOO_LARGE (packed or unpacked).
 */
export async function readZip(zip: CodeSource): Promise<ZipArchive> {
  const refuse = refuserOf(zip);
  const bytes = await readWhole(zip, refuse);
  const contents = await readEntries(bytes, (yauzl) => yauzl.fromBufferPromise(bytes, { ...STRICT }), refuse);
  checkContents(contents, zip, 'ZIP_INVALID', refuse);
  const { unzippedBytes } = contents;
  const codeSha256 = createHash('sha256').update(bytes).digest('base64');
  return { ref: { kind: 'zip', source: zip.source, codeSha256, zipBytes: bytes.length, unzippedBytes }, bytes };
}

/**
 * Checks an archive of any size as {@link readZip} does, holding no more of it than its directory.
 *
 * @throws ZIP_NOT_FOUND; ZIP_INVALID; ZIP_TOO_LARGE (unpacked)
 */
export async function inspectZip(zip: CodeSource): Promise<ArchiveRef> {
  const refuse = refuserOf(zip);
  const { head, codeSha256, zipBytes } = await digestFile(zip.path, refuse);
  const contents = await readEntries(head, (yauzl) => yauzl.openPromise(zip.path, { ...STRICT }), refuse);
  contents.zip.close();
  checkContents(contents, zip, 'ZIP_INVALID', refuse);
  return { kind: 'zip', source: zip.source, codeSha256, zipBytes, unzippedBytes: contents.unzippedBytes };
}

async function digestFile(
  path: string,
  refuse: Refuse,
): Promise<{ head: Buffer; codeSha256: string; zipBytes: number }> {
  try {
    checkIsFile(await stat(path), refuse);
    const hash = createHash('sha256');
    let [head, zipBytes]: [Buffer, number] = [NONE, 0];
    for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) {
      if (zipBytes === 0) head = piece;
      zipBytes += piece.byteLength;
      hash.update(piece);
    }
    return { head, codeSha256: hash.digest('base64'), zipBytes };
  } catch (cause) {
    throw cause instanceof DeployError ? cause : unreadable(cause, refuse);
  }
}

async function readWhole({ path }: CodeSource, refuse: Refuse): Promise<Buffer> {
  try {
    const about = await stat(path);
    checkIsFile(about, refuse);
    const { size } = about;
    // Asked before reading: a file of many gigabytes would not fit into memory.
    if (size > MAX_ZIP_BYTES)
      throw refuse(
        'ZIP_TOO_LARGE',
        `has ${size} bytes; Lambda takes ${MAX_ZIP_BYTES} in a request, and more only from S3`,
        THROUGH_S3,
      );
    return await readFile(path);
  } catch (cause) {
    throw cause instanceof DeployError ? cause : unreadable(cause, refuse);
  }
}

/** @throws ZIP_INVALID: a folder, or a pipe or device, which may never end. */
export function checkIsFile(about: Stats, refuse: Refuse): void {
  if (about.isFile()) return;
  if (about.isDirectory())
    throw refuse('ZIP_INVALID', 'is a folder', 'name a zip archive, or the folder with `code.dir`.');
  throw refuse('ZIP_INVALID', 'is no regular file', 'name a zip archive.');
}

/** Why the archive's file cannot be read, as ZIP_NOT_FOUND or ZIP_INVALID. */
export function unreadable(cause: unknown, refuse: Refuse): DeployError {
  const reason = reasonOf(cause);
  if (reason === 'ENOENT' || reason === 'ENOTDIR')
    return refuse('ZIP_NOT_FOUND', 'does not exist', 'build the archive first, or correct `code.zip`.', cause);
  return refuse('ZIP_INVALID', `cannot be read (${reason})`, 'make it readable.', cause);
}

/** For yauzl: entries one by one, no path that leaves the archive, and open until it is closed. */
export const STRICT = { lazyEntries: true, strictFileNames: true, autoClose: false } as const;

const NONE = Buffer.alloc(0);

interface Opener {
  readonly openPromise: typeof openPromise;
  readonly fromBufferPromise: typeof fromBufferPromise;
}

export interface ZipEntries extends Contents {
  /** Still open: the caller closes it. */
  readonly zip: ZipFile;
  /** Folders included, in the archive's order. */
  readonly entries: readonly Entry[];
}

/**
 * Reads the directory of an archive, whose first bytes are `head`.
 *
 * @throws ZIP_INVALID: empty, not a zip, cut short, no entries, one encrypted, two of one name, a path that leaves the archive.
 */
export async function readEntries(
  head: Buffer,
  open: (yauzl: Opener) => Promise<ZipFile>,
  refuse: Refuse,
): Promise<ZipEntries> {
  if (head.length === 0) throw refuse('ZIP_INVALID', 'is empty (0 bytes)', AGAIN);
  // Loaded here: most commands never open an archive.
  const { default: yauzl } = await import('yauzl');
  const names = new Set<string>();
  const entries: Entry[] = [];
  let unzippedBytes = 0;
  let zip: ZipFile | undefined;
  try {
    zip = await open(yauzl);
    for await (const entry of zip.eachEntry()) {
      checkEntry(entry, names, refuse);
      names.add(entry.fileName);
      // Raw copies of what is decoded already: with 20,000 entries they are half of the memory.
      entries.push(
        Object.assign(entry, { fileNameRaw: NONE, extraFieldRaw: NONE, fileCommentRaw: NONE, extraFields: [] }),
      );
      unzippedBytes += entry.uncompressedSize;
    }
    if (names.size === 0) throw refuse('ZIP_INVALID', 'holds no files', AGAIN);
    return { zip, names, entries, unzippedBytes };
  } catch (cause) {
    zip?.close();
    throw cause instanceof DeployError ? cause : refuse('ZIP_INVALID', explain(cause, head), AGAIN, cause);
  }
}

function checkEntry(entry: Entry, names: ReadonlySet<string>, refuse: Refuse): void {
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
}

function explain(cause: unknown, head: Buffer): string {
  const reason = cause instanceof Error ? cause.message : '';
  if (/^(absolute path|invalid relative path|invalid characters in fileName)/.test(reason))
    return `holds an entry that would leave the folder it is unpacked into (${reason})`;
  if (!head.subarray(0, 2).equals(Buffer.from('PK'))) return 'is not a zip archive';
  return 'is cut short or damaged: its directory cannot be read';
}
