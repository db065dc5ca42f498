import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { text } from 'node:stream/consumers';
import type { Entry, ZipFile } from 'yauzl';
import { DeployError, isDeployError } from '../errors.js';
import { MAX_UNZIPPED_BYTES } from '../model/limits.js';
import { writeArchive } from './archive.js';
import { reasonOf } from './source.js';

/** The document of a bundle; its archives stand beside it, each named by its SHA-256. */
const DOCUMENT = 'plan.json';
const ARCHIVE = /^code\/([0-9a-f]{64})\.zip$/;

/** A plan of hundreds of functions has a few megabytes. */
const MAX_DOCUMENT_BYTES = 67_108_864;

/** What a plan file holds. */
export interface Bundle {
  /** The document's text. */
  readonly document: string;
  /** Paths of its archives by SHA-256 in hex; each has been checked. Gone after `remove`. */
  readonly archives: ReadonlyMap<string, string>;
  remove(): Promise<void>;
}

/**
 * Writes a plan file: one zip archive with the document and the code. The same content makes the same bytes; a file that is there
 * is replaced at once, never half-way.
 *
 * @param archives paths by SHA-256 in hex
 * @throws FILE_NOT_WRITTEN, ARCHIVE_NOT_WRITTEN
 */
export async function writeBundle(
  path: string,
  document: string,
  archives: ReadonlyMap<string, string>,
): Promise<void> {
  const packed = await writeArchive([
    { name: DOCUMENT, kind: 'file', read: () => [Buffer.from(document)] },
    ...[...archives].map(([hex, from]) => ({
      name: `code/${hex}.zip`,
      kind: 'file' as const,
      read: () => createReadStream(from) as AsyncIterable<Uint8Array>,
    })),
  ]);
  const partial = `${path}.${randomUUID()}.partial`;
  try {
    await copyFile(packed.path, partial);
    await rename(partial, path);
  } catch (cause) {
    await rm(partial, { force: true }).catch(() => undefined);
    throw new DeployError('FILE_NOT_WRITTEN', `the plan file ${path} cannot be written (${reasonOf(cause)}).`, {
      fix: 'name a folder that exists and can be written.',
      cause,
    });
  } finally {
    await packed.remove();
  }
}

/**
 * Reads a plan file, and takes its archives out into a folder of its own.
 *
 * @throws PLAN_FILE when there is none, when it is no plan file, or when an archive is not what its name says
 */
export async function readBundle(path: string): Promise<Bundle> {
  const folder = await mkdtemp(join(tmpdir(), 'lambda-deploy-plan-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const { default: yauzl } = await import('yauzl');
    const zip = await yauzl.openPromise(path, { autoClose: false });
    try {
      return { ...(await takeOut(zip, folder, path)), remove };
    } finally {
      zip.close();
    }
  } catch (cause) {
    await remove();
    if (isDeployError(cause)) throw cause;
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw notPlan(path, isMissing ? 'does not exist' : 'is no plan file', cause);
  }
}

async function takeOut(zip: ZipFile, folder: string, path: string): Promise<Omit<Bundle, 'remove'>> {
  const archives = new Map<string, string>();
  let document: string | undefined;
  for await (const entry of zip.eachEntry()) {
    const hex = ARCHIVE.exec(entry.fileName)?.[1];
    if (hex !== undefined && entry.uncompressedSize <= MAX_UNZIPPED_BYTES)
      archives.set(hex, await extract(zip, entry, hex, join(folder, `${hex}.zip`), path));
    else if (entry.fileName === DOCUMENT && entry.uncompressedSize <= MAX_DOCUMENT_BYTES)
      document = await text(await zip.openReadStreamPromise(entry));
    else throw notPlan(path, 'holds what no plan file holds');
  }
  if (document === undefined) throw notPlan(path, 'holds no plan');
  return { document, archives };
}

async function extract(zip: ZipFile, entry: Entry, hex: string, to: string, path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(
    await zip.openReadStreamPromise(entry),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(to, { mode: 0o600 }),
  );
  if (hash.digest('hex') === hex) return to;
  throw notPlan(path, 'holds an archive that is not the planned one');
}

function notPlan(path: string, why: string, cause?: unknown): DeployError {
  return new DeployError('PLAN_FILE', `the plan file ${path} ${why}.`, {
    fix: 'make one with lambda-deploy plan --out FILE, and hand it over unchanged.',
    cause,
  });
}
