import { DeployError, isDeployError } from '../errors.js';
import type { DocumentsPort, StoredDocument } from '../model/ports.js';
import type { DeployRecord } from '../model/record.js';
import { runningElsewhere, runningError } from '../model/running.js';
import { format, keyOf, OPEN, parse } from './s3-format.js';

/** One alias's part of the bucket. */
export interface Folder {
  readonly documents: DocumentsPort;
  /** Ends with a slash. */
  readonly path: string;
  /** `s3://BUCKET/` and a key: how an object is named to people. */
  readonly urlOf: (key: string) => string;
}

/** How often one write is sent, and one alias is tried for, before the caller may pause and come back. */
const TURNS = 4;

/** What is there now where a write did not answer that it is done. */
export interface Refused {
  readonly found: StoredDocument | undefined;
}

/**
 * One conditional write. After a lost answer what is there is read; where nothing is new it is sent again, which is safe, because the
 * condition holds for one of the two only.
 *
 * @returns `undefined`: it is written; otherwise what is there, this very text where its answer was lost
 * @throws AWS_*; AWS_CONFLICT when others write without end
 */
export async function write(
  documents: DocumentsPort,
  key: string,
  text: string,
  over: string | null,
): Promise<Refused | undefined> {
  let lost: unknown;
  for (let turn = 0; turn < TURNS; turn += 1) {
    try {
      if (await documents.put(key, text, over)) return undefined;
    } catch (error) {
      if (!isDeployError(error, 'AWS_AMBIGUOUS')) throw error;
      lost = error;
    }
    const found = await documents.get(key);
    if ((found?.etag ?? null) !== over) return { found };
  }
  throw lost ?? busy(key);
}

/**
 * Holds an alias for a run: its open record is the lock. What a dead run left there is kept as its record and replaced; so is that of
 * a living one, if this run takes over.
 *
 * @param earlier newest first, without the record
 * @throws DEPLOYMENT_RUNNING, RECORD_STORE, AWS_*
 */
export async function take(
  folder: Folder,
  record: DeployRecord,
  earlier: readonly DeployRecord[],
  { now, takesOver }: { readonly now: number; readonly takesOver: boolean },
): Promise<void> {
  const { documents, path, urlOf } = folder;
  const key = path + OPEN;
  const { id, specDigest = '', planDigest, job } = record;
  const claim = {
    id,
    specDigest,
    now: new Date(now).toISOString(),
    ...(planDigest === undefined ? {} : { planDigest }),
    ...(job === undefined ? {} : { job }),
  };
  let over: string | null = null;
  for (let turn = 0; turn < TURNS; turn += 1) {
    const refused = await write(documents, key, format(record, []), over);
    if (refused === undefined) return;
    over = refused.found?.etag ?? null;
    if (refused.found === undefined) continue;
    const { record: other } = parse(refused.found.text, urlOf(key), record);
    if (other.id === id) return;
    // A run that was killed between closing and letting go holds nothing.
    if ((await documents.get(path + keyOf({ id: other.id, result: 'succeeded' }))) !== undefined) continue;
    if (!takesOver && runningElsewhere([other], claim) !== undefined) throw runningError(other);
    await keep(folder, other, earlier);
  }
  throw busy(urlOf(key));
}

/** The record of a run that died stays in the history; it, too, carries what came before. */
async function keep({ documents, path }: Folder, other: DeployRecord, earlier: readonly DeployRecord[]): Promise<void> {
  const rows = earlier.filter(({ id }) => id !== other.id);
  await write(documents, path + keyOf(other), format(other, rows), null);
}

/** Lets an alias go, if the run holds it. @throws RECORD_STORE, AWS_* */
export async function release({ documents, path, urlOf }: Folder, record: DeployRecord): Promise<void> {
  const key = path + OPEN;
  let lost: unknown;
  for (let turn = 0; turn < TURNS; turn += 1) {
    const held = await documents.get(key);
    if (held === undefined || parse(held.text, urlOf(key), record).record.id !== record.id) return;
    try {
      if (await documents.remove(key, held.etag)) return;
    } catch (error) {
      if (!isDeployError(error, 'AWS_AMBIGUOUS')) throw error;
      lost = error;
    }
  }
  throw lost ?? busy(urlOf(key));
}

function busy(what: string): DeployError {
  return new DeployError('AWS_CONFLICT', `${what} is being written by others all the time.`, {
    source: 'aws',
    subject: what,
    fix: 'wait until the other runs are done, then run again.',
  });
}
