import type { DocumentsPort, RecordStore, RecordSubject } from '../model/ports.js';
import type { DeployRecord } from '../model/record.js';
import { foldersOf } from './check.js';
import { arrange } from './record.js';
import { format, idOf, keyOf, OPEN, parse, refuseBadId, unusable, type Stored } from './s3-format.js';
import { release, take, write, type Folder } from './s3-lock.js';

/** Where the objects of {@link s3Store} are. */
export interface S3Place {
  readonly bucket: string;
  /** Without a slash at either end; empty: the bucket itself. */
  readonly prefix: string;
  readonly region: string;
  /** Of a function that does not exist yet; any other says it itself. */
  readonly account: () => Promise<string>;
}

/** An open record that was listed and is closed when it is read: how often to look again. */
const LOOKS = 3;

/**
 * Records in S3, `PREFIX/ACCOUNT/REGION/FUNCTION/ALIAS/`: `open` while a run lasts, which is the lock of the alias too, and one
 * immutable object a finished run, newest first, that carries the rows of the earlier ones. See specs/0004-records.md.
 *
 * `list` is one ListObjectsV2 and one GetObject, and one more where a record is open. It throws RECORD_STORE for an object that is
 * no record, naming it. `open` of several aliases opens all or none.
 */
export function s3Store(documents: DocumentsPort, place: S3Place, now: () => number): RecordStore {
  return new S3Store(documents, place, now);
}

class S3Store implements RecordStore {
  readonly kind = 's3';

  constructor(
    private readonly documents: DocumentsPort,
    private readonly place: S3Place,
    private readonly now: () => number,
  ) {}

  async list(live: RecordSubject, alias: string | null): Promise<readonly DeployRecord[]> {
    const folder = await this.folder(live, alias);
    const of = { function: live.name, alias };
    for (let look = 1; ; look += 1) {
      const keys = (await this.documents.list(folder.path)).map((key) => key.slice(folder.path.length));
      const runs = keys.flatMap((key) => idOf(key) ?? []);
      const isFinished = (id: string): boolean => runs.some((run) => run.id === id && run.isFinished);
      const known = runs.filter((run) => run.isFinished || !isFinished(run.id));
      const [open, head] = await Promise.all([
        keys.includes(OPEN) ? read(folder, OPEN, of) : undefined,
        known[0] === undefined ? undefined : readRun(folder, known[0], of),
      ]);
      // It was closed between the listing and the reading, so that the listing is too old.
      if (keys.includes(OPEN) && open === undefined && look < LOOKS) continue;
      const rest =
        head === undefined ? [] : await Promise.all(missing(known, head).map((run) => readRun(folder, run, of)));
      // One that is closed already comes first with how it ended.
      const held = open === undefined ? [] : [open.record];
      const carried = head === undefined ? [] : [head.record, ...head.rows];
      return arrange([...rest.map(({ record }) => record), ...carried, ...held]);
    }
  }

  async read(live: RecordSubject, record: DeployRecord): Promise<DeployRecord> {
    if (record.spec !== undefined) return record;
    const folder = await this.folder(live, record.alias);
    const found = await read(folder, keyOf(record), record);
    return found?.record ?? record;
  }

  async open(
    live: RecordSubject,
    records: readonly DeployRecord[],
    known: readonly DeployRecord[],
    takesOver = false,
  ): Promise<void> {
    const taken: (readonly [Folder, DeployRecord])[] = [];
    try {
      // In the same order for everybody, so that no two runs hold what the other waits for.
      for (const record of inOrder(records)) {
        const folder = await this.folder(live, record.alias);
        taken.push([folder, record]);
        await take(folder, record, earlier(record, known), { now: this.now(), takesOver });
      }
    } catch (error) {
      // What cannot be let go either is found dead once its deadline is over.
      await Promise.allSettled(taken.map(([folder, record]) => release(folder, record)));
      throw error;
    }
  }

  async close(live: RecordSubject, records: readonly DeployRecord[], known: readonly DeployRecord[]): Promise<void> {
    const closed = await Promise.allSettled(inOrder(records).map((record) => this.closeOne(live, record, known)));
    for (const one of closed) if (one.status === 'rejected') throw one.reason;
  }

  tagsFor(): Readonly<Record<string, string>> {
    return {};
  }

  /** First what is to stay, then the lock: a run that is killed between leaves a lock that says by its id that it is none. */
  private async closeOne(live: RecordSubject, record: DeployRecord, known: readonly DeployRecord[]): Promise<void> {
    const folder = await this.folder(live, record.alias);
    const key = folder.path + keyOf(record);
    const refused = await write(this.documents, key, format(record, earlier(record, known)), null);
    if (refused?.found !== undefined) {
      const { record: there } = parse(refused.found.text, folder.urlOf(key), record);
      if (JSON.stringify(there) !== JSON.stringify(record)) throw unusable(folder.urlOf(key), 'is closed otherwise');
    }
    await release(folder, record);
  }

  private async folder({ name, arn }: Pick<RecordSubject, 'name' | 'arn'>, alias: string | null): Promise<Folder> {
    const { bucket, prefix, region, account } = this.place;
    const folders = foldersOf(name, alias);
    const owner = arn.split(':')[4] || (await account());
    const path = [prefix, owner, region, ...folders, ''].filter((part, index) => part !== '' || index > 0).join('/');
    return { documents: this.documents, path, urlOf: (key) => `s3://${bucket}/${key}` };
  }
}

type Run = NonNullable<ReturnType<typeof idOf>>;
type Of = Pick<DeployRecord, 'function' | 'alias'>;

/** Records that others wrote at the same time: the newest does not carry them, the next will. */
function missing(runs: readonly Run[], { record, rows, isCut }: Stored): readonly Run[] {
  const carried = new Map([record, ...rows].map((one) => [one.id, one.result !== 'open']));
  const oldest = rows.at(-1)?.id ?? record.id;
  return runs.filter(({ id, isFinished }) => {
    const asFinished = carried.get(id);
    return asFinished === undefined ? !isCut || id > oldest : isFinished && !asFinished;
  });
}

function inOrder(records: readonly DeployRecord[]): readonly DeployRecord[] {
  records.forEach(refuseBadId);
  return [...records].sort((one, other) => ((one.alias ?? '') < (other.alias ?? '') ? -1 : 1));
}

/** What the object of a record carries, with the marks that the record gives them. */
function earlier(record: DeployRecord, known: readonly DeployRecord[]): readonly DeployRecord[] {
  const own = known.filter(({ alias }) => alias === record.alias);
  return arrange([record, ...own]).filter(({ id }) => id !== record.id);
}

async function readRun(folder: Folder, { id, isFinished }: Run, of: Of): Promise<Stored> {
  const key = keyOf({ id, result: isFinished ? 'succeeded' : 'open' });
  const found = await read(folder, key, of);
  if (found?.record.id !== id)
    throw unusable(folder.urlOf(folder.path + key), 'is not the record that it is named for');
  return found;
}

async function read({ documents, path, urlOf }: Folder, key: string, of: Of): Promise<Stored | undefined> {
  const found = await documents.get(path + key);
  return found === undefined ? undefined : parse(found.text, urlOf(path + key), of);
}
