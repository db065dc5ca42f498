import { constants } from 'node:fs';
import { lstat, open, readdir, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DeployError } from '../errors.js';
import { MAX_ENTRIES, writeArchive, type ArchiveEntry, type PackedArchive } from './archive.js';
import { loadIgnoreRules, type IsIgnored } from './ignore-rules.js';
import { isLeaving } from './links.js';
import { nameFault } from './names.js';
import { checkContents, quoted, reasonOf, refuserOf, type CodeSource, type Refuse } from './source.js';

export interface DirectorySource extends CodeSource {
  /** Absolute paths that stay out: what this tool writes next to the code, such as the folder of its records. */
  readonly exclude?: readonly string[];
}

/**
 * Packs a directory into a temporary archive that depends on nothing but its names, contents, links and owner's executable bits:
 * see specs/0006-archives.md. `.lambdaignore` and what it says stay out, folders have no entries, links stay links.
 *
 * @throws DIR_NOT_FOUND; DIR_INVALID (not a folder, no files, something unreadable, a socket, pipe or device, a name that is not
 *   UTF-8 or has a backslash or control character, a link that leaves the directory, a change meanwhile, no module for the handler); ZIP_TOO_LARGE
 *   (unpacked, or too many files); ARCHIVE_NOT_WRITTEN.
 */
export async function packDirectory(directory: DirectorySource): Promise<PackedArchive> {
  const refuse = refuserOf(directory);
  await checkIsDirectory(directory.path, refuse);
  const found = await findFiles(directory, refuse);
  if (found.length === 0)
    throw refuse('DIR_INVALID', 'holds no files to pack', 'build the code first, or correct .lambdaignore.');
  const names = new Set(found.map(({ name }) => name));
  const unzippedBytes = found.reduce((sum, { size }) => sum + size, 0);
  checkContents({ names, unzippedBytes }, directory, 'DIR_INVALID', refuse);
  checkLinks(found, refuse);
  const reader = new Reader(directory.path, refuse);
  return writeArchive(found.map((file) => reader.entryOf(file)));
}

interface Found {
  readonly name: string;
  readonly kind: ArchiveEntry['kind'];
  readonly size: number;
  /** What tells that it is still the same file. */
  readonly ino: number;
  readonly mtimeMs: number;
  /** Of a link. */
  readonly target?: string;
}

async function checkIsDirectory(path: string, refuse: Refuse): Promise<void> {
  const stats = await stat(path).catch((cause: unknown) => {
    const reason = reasonOf(cause);
    if (reason === 'ENOENT' || reason === 'ENOTDIR')
      throw refuse('DIR_NOT_FOUND', 'does not exist', 'build the code first, or correct `code.dir`.', cause);
    throw refuse('DIR_INVALID', `cannot be read (${reason})`, 'make it readable.', cause);
  });
  if (!stats.isDirectory())
    throw refuse('DIR_INVALID', 'is not a directory', 'name a directory, or an archive with `code.zip`.');
}

async function findFiles({ path: root, exclude = [] }: DirectorySource, refuse: Refuse): Promise<Found[]> {
  const isIgnored = await loadIgnoreRules(root, refuse);
  const excluded = new Set(exclude);
  const found: Found[] = [];
  const folders = [''];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const { name, isFolder } of await listFolder(root, folder, isIgnored, refuse)) {
      if (excluded.has(join(root, name))) continue;
      if (isFolder) folders.push(`${name}/`);
      else found.push(await inspect(root, name, refuse));
    }
    if (found.length > MAX_ENTRIES)
      throw refuse(
        'ZIP_TOO_LARGE',
        `holds more than ${MAX_ENTRIES} files, the most that a zip can hold`,
        'list what the function does not need in .lambdaignore.',
      );
  }
  return found;
}

async function listFolder(
  root: string,
  folder: string,
  isIgnored: IsIgnored,
  refuse: Refuse,
): Promise<readonly { readonly name: string; readonly isFolder: boolean }[]> {
  const children = await readdir(join(root, folder), { withFileTypes: true }).catch((cause: unknown) => {
    throw unreadable(folder, cause, refuse);
  });
  return children
    .map((child) => ({ name: folder + child.name, isFolder: child.isDirectory() }))
    .filter(({ name, isFolder }) => !isIgnored(isFolder ? `${name}/` : name));
}

async function inspect(root: string, name: string, refuse: Refuse): Promise<Found> {
  checkName(name, refuse);
  const path = join(root, name);
  try {
    const about = await lstat(path);
    const { ino, mtimeMs, size } = about;
    if (about.isSymbolicLink()) {
      const target = await readlink(path);
      return { name, kind: 'link', size: Buffer.byteLength(target), ino, mtimeMs, target };
    }
    if (!about.isFile())
      throw refuse(
        'DIR_INVALID',
        `holds ${quoted(name)}, which is a socket, a pipe or a device`,
        'remove it, or list it in .lambdaignore.',
      );
    // Only the owner's bit: the others follow the umask of whoever made the clone.
    const kind = (about.mode & constants.S_IXUSR) === 0 ? 'file' : 'executable';
    return { name, kind, size, ino, mtimeMs };
  } catch (cause) {
    throw unreadable(name, cause, refuse);
  }
}

function checkName(name: string, refuse: Refuse): void {
  const fault = nameFault(name);
  if (fault !== undefined)
    throw refuse('DIR_INVALID', `holds ${quoted(name)}, ${fault}`, 'rename it, or list it in .lambdaignore.');
}

function checkLinks(found: readonly Found[], refuse: Refuse): void {
  const links = new Map(found.flatMap(({ name, target }) => (target === undefined ? [] : [[name, target] as const])));
  for (const [name, target] of links)
    if (isLeaving(name, links))
      throw refuse(
        'DIR_INVALID',
        `holds the link ${quoted(name)} to ${quoted(target)}, which leaves the directory; Lambda would not find it`,
        'copy what it points to, or list it in .lambdaignore.',
      );
}

/** Reads one file after the other through one buffer. */
class Reader {
  readonly #buffer = Buffer.alloc(65_536);

  constructor(
    private readonly root: string,
    private readonly refuse: Refuse,
  ) {}

  entryOf(file: Found): ArchiveEntry {
    const { name, kind, target } = file;
    return { name, kind, read: () => (target === undefined ? this.#read(file) : [Buffer.from(target)]) };
  }

  async *#read({ name, size, ino, mtimeMs }: Found): AsyncGenerator<Uint8Array> {
    const path = join(this.root, name);
    // A pipe that took the file's place would block for ever, a link would lead elsewhere.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const file = await open(path, flags).catch((cause: unknown) => {
      throw unreadable(name, cause, this.refuse);
    });
    try {
      let total = 0;
      while (total <= size) {
        const { bytesRead } = await file.read(this.#buffer, 0, this.#buffer.length);
        if (bytesRead === 0) break;
        total += bytesRead;
        yield this.#buffer.subarray(0, bytesRead);
      }
      const after = await file.stat();
      const isSame = after.ino === ino && after.size === size && after.mtimeMs === mtimeMs;
      if (!isSame || total !== size) throw changed(name, this.refuse);
    } catch (cause) {
      throw unreadable(name, cause, this.refuse);
    } finally {
      await file.close();
    }
  }
}

function changed(name: string, refuse: Refuse, cause?: unknown): DeployError {
  return refuse(
    'DIR_INVALID',
    `changed while it was packed: ${quoted(name)} is not what it was`,
    'let the build finish first, then run again.',
    cause,
  );
}

function unreadable(name: string, cause: unknown, refuse: Refuse): DeployError {
  if (cause instanceof DeployError) return cause;
  const reason = reasonOf(cause);
  // It was there, and a regular file, a moment ago.
  if (['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENXIO'].includes(reason)) return changed(name, refuse, cause);
  if (name === '') return refuse('DIR_INVALID', `cannot be read (${reason})`, 'make it readable.', cause);
  const fix = `${reason === 'ENAMETOOLONG' ? 'shorten its path' : 'make it readable'}, or list it in .lambdaignore.`;
  return refuse('DIR_INVALID', `holds ${quoted(name)}, which cannot be read (${reason})`, fix, cause);
}
