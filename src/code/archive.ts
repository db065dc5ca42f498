import { createHash } from 'node:crypto';
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as Fflate from 'fflate';
import { DeployError } from '../errors.js';
import { Container, type ContainedSizes } from './container.js';
import { reasonOf } from './source.js';

/**
 * The most entries that an archive can hold without zip64, whose marker is the next number.
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT section 4.4.22
 */
export const MAX_ENTRIES = 65_534;

/** What a file is made to be: one mode each, because a umask must not change the archive. */
const MODES = { file: 0o100644, executable: 0o100755, link: 0o120777 } as const;

export interface ArchiveEntry {
  /** Path inside the archive, with `/`. */
  readonly name: string;
  readonly kind: keyof typeof MODES;
  /** The content in pieces of any size, which may share memory; asked for once. A link's content is its target. */
  readonly read: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** Asked with the checksum of what was read; throws when it is not what it should be. */
  readonly verify?: (crc32: number) => void;
}

/** An archive in a temporary file, which the caller removes. */
export interface PackedArchive {
  readonly path: string;
  /** base64(sha256(archive bytes)), AWS's CodeSha256. */
  readonly codeSha256: string;
  readonly zipBytes: number;
  /** Size of all entries unpacked, in bytes. */
  readonly unzippedBytes: number;
  /** Number of files and links. */
  readonly entries: number;
  /** Deletes the file; any number of times. */
  remove(): Promise<void>;
}

/**
 * Content is deflated in pieces of exactly this size: fflate's bytes depend on how its input is cut, and reads cut as they like.
 */
const BLOCK_BYTES = 65_536;

/** 2^(12+4) hash slots: fflate's own choice for streams allocates megabytes for each file. Changes the bytes, so it is fixed. */
const DEFLATE = { level: 6, mem: 4 } as const;

/**
 * Writes entries to a temporary file: the same names, kinds and contents give the same bytes in any order, on any machine. Never
 * holds more than a few blocks. Nothing is left when it throws.
 *
 * @throws ARCHIVE_NOT_WRITTEN; and what `read` and `verify` throw.
 */
export async function writeArchive(entries: readonly ArchiveEntry[]): Promise<PackedArchive> {
  const folder = await attempt(() => mkdtemp(join(tmpdir(), 'lambda-deploy-')));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const path = join(folder, 'function.zip');
  try {
    const file = await attempt(() => open(path, 'wx', 0o600));
    try {
      const written = await writeEntries(sorted(entries), new Output(file));
      return { path, ...written, entries: entries.length, remove };
    } finally {
      await file.close();
    }
  } catch (cause) {
    await remove();
    throw cause;
  }
}

/** By the bytes of UTF-8: strings of JavaScript sort differently beyond the Basic Multilingual Plane. */
function sorted(entries: readonly ArchiveEntry[]): ArchiveEntry[] {
  const keyed = entries.map((entry) => ({ entry, key: Buffer.from(entry.name) }));
  return keyed.sort((left, right) => Buffer.compare(left.key, right.key)).map(({ entry }) => entry);
}

async function writeEntries(
  entries: readonly ArchiveEntry[],
  output: Output,
): Promise<Pick<PackedArchive, 'codeSha256' | 'zipBytes' | 'unzippedBytes'>> {
  const fflate = await import('fflate');
  const container = new Container(entries);
  const block = Buffer.alloc(BLOCK_BYTES);
  let unzippedBytes = 0;
  for (const { name, kind, read, verify } of entries) {
    const file = { name, mode: MODES[kind] };
    const deflator = new Deflator(fflate, output);
    output.take(container.before(file));
    await pushInBlocks(read(), block, deflator, output);
    const sizes = deflator.sizes();
    verify?.(sizes.crc32);
    output.take(container.after(file, sizes));
    unzippedBytes += sizes.uncompressed;
  }
  output.take(container.end());
  return { ...(await output.finish()), unzippedBytes };
}

/** Deflates one file's content into the output, and counts. */
class Deflator {
  readonly #counter: Fflate.ZipPassThrough;
  #compressed = 0;

  constructor({ Deflate, ZipPassThrough }: typeof Fflate, output: Output) {
    const deflate = new Deflate(DEFLATE, (chunk) => {
      this.#compressed += chunk.length;
      output.take(chunk);
    });
    this.#counter = new ZipPassThrough('');
    this.#counter.ondata = (_, chunk, isLast) => deflate.push(chunk, isLast);
  }

  push(chunk: Uint8Array, isLast: boolean): void {
    this.#counter.push(chunk, isLast);
  }

  /** fflate counts checksums in signed numbers. */
  sizes(): ContainedSizes {
    return { crc32: this.#counter.crc >>> 0, compressed: this.#compressed, uncompressed: this.#counter.size };
  }
}

/** The last block, empty when the size is a multiple, is always pushed: it ends the stream. */
async function pushInBlocks(
  content: ReturnType<ArchiveEntry['read']>,
  block: Buffer,
  deflator: Deflator,
  output: Output,
): Promise<void> {
  let filled = 0;
  for await (const piece of content) {
    for (let from = 0; from < piece.length;) {
      const part = piece.subarray(from, from + BLOCK_BYTES - filled);
      block.set(part, filled);
      filled += part.length;
      from += part.length;
      if (filled < BLOCK_BYTES) continue;
      deflator.push(block, false);
      filled = 0;
      await output.drain();
    }
  }
  deflator.push(block.subarray(0, filled), true);
  await output.drain();
}

/** Gathers the many small pieces of an archive, so that a file of 20,000 entries is not 60,000 writes. */
class Output {
  static readonly #DRAIN_AT_BYTES = 262_144;
  readonly #hash = createHash('sha256');
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #zipBytes = 0;

  constructor(private readonly file: FileHandle) {}

  take(chunk: Uint8Array): void {
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
  }

  async drain(least = Output.#DRAIN_AT_BYTES): Promise<void> {
    if (this.#pendingBytes < least) return;
    const bytes = Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#zipBytes += bytes.length;
    this.#hash.update(bytes);
    await attempt(() => this.file.appendFile(bytes));
  }

  async finish(): Promise<{ codeSha256: string; zipBytes: number }> {
    await this.drain(0);
    return { codeSha256: this.#hash.digest('base64'), zipBytes: this.#zipBytes };
  }
}

async function attempt<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    const detail = `the archive cannot be written to ${tmpdir()} (${reasonOf(cause)}).`;
    throw new DeployError('ARCHIVE_NOT_WRITTEN', detail, {
      fix: 'free space there, or set TMPDIR to a folder with space.',
      cause,
    });
  }
}
