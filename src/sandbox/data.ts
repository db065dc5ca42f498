import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, realpath, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { blobsOf, decodeState, digestOfBytes, encodeState, type Kept } from './data-format.js';
import { lockFile } from './data-lock.js';

const DIGEST = /^[0-9a-f]{64}$/;

/** The file that keeps a sandbox's state over restarts, taken for this process. */
export interface DataFile {
  /** What it held; absent: it is new. */
  readonly kept?: Kept;
  /** Writes this state from here on. Resolves when it is written for the first time. */
  keep(state: Kept): Promise<void>;
  /** Notes that the state changed. */
  changed(): void;
  /** Resolves when everything that was noted so far would be there after a crash. @throws Error when the disk refuses */
  saved(): Promise<void>;
  /** Lets the file go, as it is. */
  release(): Promise<void>;
}

/**
 * Takes a data file, and reads it where it exists. The bytes of archives and objects lie beside it in `FILE.blobs`, each under its
 * digest, so that only what is new is written. At any moment the file is the state before a change or the one after it, whole.
 *
 * @throws Error in one sentence for a file that another sandbox has, or that is none of ours; it is left as it is
 */
export async function openData(given: string): Promise<DataFile> {
  try {
    await mkdir(path.dirname(path.resolve(given)), { recursive: true });
    const file = await realpath(given).catch(() => path.resolve(given));
    const release = await lockFile(file);
    try {
      const kept = await load(file);
      return new Writer(file, release, kept);
    } catch (error) {
      await release();
      throw error;
    }
  } catch (error) {
    throw new Error(`${given} ${reasonOf(error)}.`, { cause: error });
  }
}

async function load(file: string): Promise<Kept | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const blobs = new Map<string, Uint8Array>();
  for (const digest of blobsOf(text)) {
    const bytes = await readFile(path.join(folderOf(file), digest)).catch(() => undefined);
    if (bytes !== undefined && digestOfBytes(bytes) === digest) blobs.set(digest, bytes);
  }
  return decodeState(text, (digest) => {
    const bytes = blobs.get(digest);
    if (bytes !== undefined) return bytes;
    throw new Error(`cannot be used: ${path.join(folderOf(file), digest)} is missing or damaged`);
  });
}

class Writer implements DataFile {
  readonly kept?: Kept;
  private state: Kept | undefined;
  private isChanged = false;
  /** The write that is under way, or the last. */
  private writing: Promise<void> = Promise.resolve();
  /** The write after that, for all that changed since it began. */
  private next: Promise<void> | undefined;
  /** What is in the folder of bytes. */
  private readonly stored = new Set<string>();

  constructor(
    private readonly file: string,
    readonly release: () => Promise<void>,
    kept: Kept | undefined,
  ) {
    if (kept !== undefined) this.kept = kept;
  }

  async keep(state: Kept): Promise<void> {
    this.state = state;
    await removeLeftovers(path.dirname(this.file), `.${path.basename(this.file)}.`);
    for (const name of await readdir(folderOf(this.file)).catch(() => [])) if (DIGEST.test(name)) this.stored.add(name);
    await removeLeftovers(folderOf(this.file), '.');
    this.changed();
    await this.saved();
  }

  changed(): void {
    this.isChanged = true;
  }

  saved(): Promise<void> {
    if (!this.isChanged) return this.writing;
    this.next ??= this.writing.catch(() => undefined).then(() => this.begin());
    return this.next;
  }

  private begin(): Promise<void> {
    this.next = undefined;
    this.isChanged = false;
    this.writing = this.write().catch((error: unknown) => {
      // The next call tries again.
      this.isChanged = true;
      throw new Error(`${this.file} ${reasonOf(error)}.`, { cause: error });
    });
    return this.writing;
  }

  private async write(): Promise<void> {
    if (this.state === undefined) return;
    const { text, blobs } = encodeState(this.state);
    const folder = folderOf(this.file);
    // Somebody may have removed it meanwhile.
    if (await makeFolder(folder)) this.stored.clear();
    for (const [digest, bytes] of blobs) {
      if (this.stored.has(digest)) continue;
      await writeWhole(path.join(folder, digest), bytes);
      this.stored.add(digest);
    }
    await writeWhole(this.file, text);
    for (const digest of [...this.stored].filter((one) => !blobs.has(one))) {
      this.stored.delete(digest);
      await rm(path.join(folder, digest), { force: true });
    }
  }
}

function folderOf(file: string): string {
  return `${file}.blobs`;
}

/** Answers whether there was none. */
async function makeFolder(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { mode: 0o700 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** For its owner only: it may hold secrets. It is there whole or not at all, also after a power cut. */
async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  const folder = path.dirname(file);
  const beside = path.join(folder, `.${path.basename(file)}.${randomUUID()}.tmp`);
  try {
    await written(beside, content);
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw error;
  }
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}

async function written(file: string, content: string | Uint8Array): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What a process left that was killed while it wrote. */
async function removeLeftovers(folder: string, prefix: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => []))
    if (name.startsWith(prefix) && /\.[0-9a-f-]{36}\.tmp$/.test(name))
      await rm(path.join(folder, name), { force: true });
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === undefined ? message : `cannot be used (${code})`;
}
