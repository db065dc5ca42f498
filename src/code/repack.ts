import { inflateRawSync } from 'node:zlib';
import { open, stat, type FileHandle } from 'node:fs/promises';
import type { Entry, ZipFile } from 'yauzl';
import { DeployError } from '../errors.js';
import { MAX_ENTRIES, writeArchive, type ArchiveEntry, type PackedArchive } from './archive.js';
import { isLeaving } from './links.js';
import { nameFault } from './names.js';
import { checkContents, quoted, refuserOf, type CodeSource, type Refuse } from './source.js';
import { AGAIN, checkIsFile, readEntries, STRICT, unreadable } from './zip.js';

/**
 * Writes what a given archive holds as {@link packDirectory} would, so that a rebuilt archive with other times, order, compression,
 * comments, users or umask gives the same bytes. Folders lose their entries. The given archive is not changed.
 *
 * @throws ZIP_NOT_FOUND; ZIP_INVALID (not a usable zip, no files, damaged content, a name that readers disagree about, a link that
 *   leaves the archive, an entry that is both a file and a folder or no file at all, no module for the handler); ZIP_TOO_LARGE (unpacked, or too many entries);
 *   ARCHIVE_NOT_WRITTEN.
 */
export async function repackZip(source: CodeSource): Promise<PackedArchive> {
  const refuse = refuserOf(source);
  const head = await readHead(source.path, refuse);
  const contents = await readEntries(head, (yauzl) => yauzl.openPromise(source.path, { ...STRICT }), refuse);
  try {
    checkContents(contents, source, 'ZIP_INVALID', refuse);
    const file = await open(source.path);
    try {
      const repacker = new Repacker(contents.zip, file, refuse);
      return await writeArchive(await repacker.entriesOf(contents.entries));
    } finally {
      await file.close();
    }
  } finally {
    contents.zip.close();
  }
}

/** Enough to tell a zip from anything else. */
async function readHead(path: string, refuse: Refuse): Promise<Buffer> {
  try {
    checkIsFile(await stat(path), refuse);
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw cause instanceof DeployError ? cause : unreadable(cause, refuse);
  }
}

/** "Made by" of archives whose attributes hold Unix modes: Unix and macOS. @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT section 4.4.2 */
const WITH_MODES: ReadonlySet<number> = new Set([3, 19]);

/** The parts of a Unix mode. @see https://man7.org/linux/man-pages/man7/inode.7.html */
const TYPE = 0o170000;
const REGULAR = 0o100000;
const SYMBOLIC_LINK = 0o120000;
const OWNER_EXECUTES = 0o100;

/** Bit 11 of an entry's flags. @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT section 4.4.4 */
const UTF8 = 0x800;

/** The longest target of a link on Linux, in bytes. @see https://man7.org/linux/man-pages/man7/symlink.7.html */
const MAX_TARGET_BYTES = 4096;

/** Entries up to this size are inflated at once: a stream for each of 20,000 files would cost more memory than the files. */
const WHOLE_BYTES = 65_536;

/** Never more than a byte beyond what is announced, which is enough to tell that it is not what it says. */
function inflateBounded(raw: Buffer, bytes: number): Buffer {
  return inflateRawSync(raw, { maxOutputLength: bytes + 1, chunkSize: Math.max(64, bytes + 1) });
}

class Repacker {
  readonly #whole = Buffer.alloc(WHOLE_BYTES);

  constructor(
    private readonly zip: ZipFile,
    private readonly file: FileHandle,
    private readonly refuse: Refuse,
  ) {}

  async entriesOf(all: readonly Entry[]): Promise<ArchiveEntry[]> {
    const files = all.filter(({ fileName }) => !fileName.endsWith('/'));
    if (files.length === 0) throw this.#invalid('holds no files', AGAIN);
    if (files.length > MAX_ENTRIES)
      throw this.refuse(
        'ZIP_TOO_LARGE',
        `holds ${files.length} files; an archive that is reproducible holds up to ${MAX_ENTRIES}`,
        'remove what the function does not need.',
      );
    this.#checkPaths(all);
    const entries = files.map((entry) => this.#entryOf(entry));
    await this.#checkLinks(entries);
    return entries;
  }

  /** Unpacking would write through a file, or through a link to wherever it points. */
  #checkPaths(all: readonly Entry[]): void {
    const folders = new Set<string>();
    for (const { fileName } of all)
      for (let at = fileName.indexOf('/'); at !== -1; at = fileName.indexOf('/', at + 1))
        folders.add(fileName.slice(0, at));
    const both = all.find(({ fileName }) => folders.has(fileName));
    if (both) throw this.#invalid(`holds ${quoted(both.fileName)} as a file or link and as a folder`, AGAIN);
  }

  #entryOf(entry: Entry): ArchiveEntry {
    const name = entry.fileName;
    if ((entry.generalPurposeBitFlag & UTF8) === 0 && /[^ -~]/.test(name))
      throw this.#invalid(
        `holds ${quoted(name)}, or what is left of that name: it does not say that it is UTF-8, and readers disagree`,
        'name the folder with `code.dir` instead, or pack it with a tool that marks names as UTF-8 (Python’s zipfile does).',
      );
    const fault = nameFault(name);
    if (fault !== undefined) throw this.#invalid(`holds ${quoted(name)}, ${fault}`, 'pack it under another name.');
    if (!entry.canDecodeFileData())
      throw this.#invalid(
        `holds ${quoted(name)} compressed by method ${entry.compressionMethod}; Lambda knows deflate`,
        'pack it with deflate.',
      );
    const kind = this.#kindOf(entry);
    const verify = (crc32: number): void => {
      if (crc32 !== entry.crc32) throw this.#damaged(name);
    };
    return { name, kind, read: () => this.#read(entry), verify };
  }

  #kindOf(entry: Entry): ArchiveEntry['kind'] {
    const mode = WITH_MODES.has(entry.versionMadeBy >>> 8) ? entry.externalFileAttributes >>> 16 : 0;
    const type = mode & TYPE;
    if (type === SYMBOLIC_LINK) return 'link';
    if (type !== 0 && type !== REGULAR)
      throw this.#invalid(`holds ${quoted(entry.fileName)}, which is neither a file nor a link`, 'leave it out.');
    return (mode & OWNER_EXECUTES) === 0 ? 'file' : 'executable';
  }

  async *#read(entry: Entry): AsyncGenerator<Uint8Array> {
    try {
      if (Math.max(entry.uncompressedSize, entry.compressedSize) <= WHOLE_BYTES) yield await this.#readWhole(entry);
      else yield* (await this.zip.openReadStreamPromise(entry)) as AsyncIterable<Uint8Array>;
    } catch (cause) {
      throw cause instanceof DeployError ? cause : this.#damaged(entry.fileName, cause);
    }
  }

  async #readWhole(entry: Entry): Promise<Uint8Array> {
    const { fileDataStart } = await this.zip.readLocalFileHeaderPromise(entry, { minimal: true });
    const { buffer, bytesRead } = await this.file.read(this.#whole, 0, entry.compressedSize, fileDataStart);
    const raw = buffer.subarray(0, bytesRead);
    const content = entry.compressionMethod === 0 ? raw : inflateBounded(raw, entry.uncompressedSize);
    if (content.length !== entry.uncompressedSize) throw this.#damaged(entry.fileName);
    return content;
  }

  async #checkLinks(entries: readonly ArchiveEntry[]): Promise<void> {
    const links = new Map<string, string>();
    for (const { name, kind, read } of entries)
      if (kind === 'link') links.set(name, await this.#targetOf(name, read()));
    for (const [name, target] of links)
      if (isLeaving(name, links))
        throw this.#invalid(
          `holds the link ${quoted(name)} to ${quoted(target)}, which leaves the archive; Lambda would not find it`,
          'pack what it points to.',
        );
  }

  async #targetOf(name: string, content: ReturnType<ArchiveEntry['read']>): Promise<string> {
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for await (const piece of content) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes > MAX_TARGET_BYTES)
        throw this.#invalid(`holds the link ${quoted(name)} to a path of more than ${MAX_TARGET_BYTES} bytes`, AGAIN);
    }
    return Buffer.concat(pieces).toString();
  }

  #damaged(name: string, cause?: unknown): Error {
    return this.#invalid(
      `holds ${quoted(name)} damaged: its content is not what its size and checksum say`,
      AGAIN,
      cause,
    );
  }

  #invalid(why: string, fix: string, cause?: unknown): Error {
    return this.refuse('ZIP_INVALID', why, fix, cause);
  }
}
