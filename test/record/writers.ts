import { describe, expect, it } from 'vitest';
import { DeployError, isDeployError } from '../../src/errors.js';
import type { DocumentsPort } from '../../src/model/ports.js';
import type { DeployRecord } from '../../src/model/record.js';
import { s3Store } from '../../src/record/s3.js';
import type { Hooks } from './memory-documents.js';
import { full, NOON } from './sample.js';

const HOUR = 3_600_000;
const LIVE = { name: 'orders', arn: 'arn:aws:lambda:us-east-1:123456789012:function:orders', tags: {} };
const place = { bucket: 'b', prefix: 'p', region: 'us-east-1', account: () => Promise.resolve('123456789012') };
const HISTORY = [full(2), full(1)];

export const storeOn = (documents: DocumentsPort, now = NOON) => s3Store(documents, place, () => now);

/** A run as apply makes it, on the wire for real: reads, opens, does its work, closes. */
export async function run(
  documents: DocumentsPort,
  record: DeployRecord,
  now = NOON,
  work: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const store = storeOn(documents, now);
  const known = await store.list(LIVE, 'live');
  const deadline = new Date(now + HOUR).toISOString();
  await repeated(() => store.open(LIVE, [{ ...record, result: 'open', finishedAt: null, deadline }], known));
  await work();
  await repeated(() => store.close(LIVE, [record], known));
}

/** Apply repeats what others were too busy for, see src/apply/mutate.ts. */
async function repeated(call: () => Promise<void>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!isDeployError(error, 'AWS_CONFLICT')) throw error;
    await new Promise((resolve) => setImmediate(resolve));
    await repeated(call);
  }
}

/** What two earlier runs leave. */
export async function deployHistory(documents: DocumentsPort): Promise<void> {
  for (const record of [...HISTORY].reverse()) await run(documents, record);
}

/**
 * After a run of `record` that met a failure: what was there is there, and a later run gets the alias and carries everything.
 *
 * @param error of the run; `undefined`: it said that it succeeded
 */
export async function expectWhole(documents: DocumentsPort, record: DeployRecord, error: unknown): Promise<void> {
  const before = await storeOn(documents).list(LIVE, 'live');
  const own = before.filter(({ id }) => id === record.id);
  expect(before.filter(({ id }) => id !== record.id)).toEqual(
    HISTORY.map((one) => expect.objectContaining({ id: one.id })),
  );
  if (error === undefined) expect(own).toEqual([record]);
  else expect(isDeployError(error), String(error)).toBe(true);
  const next = full(9, { specDigest: 'e'.repeat(64), planDigest: 'e' });
  await run(documents, next, NOON + 2 * HOUR);
  const ids = (await storeOn(documents).list(LIVE, 'live')).map(({ id }) => id);
  expect(ids).toEqual([next, ...own, ...HISTORY].map(({ id }) => id));
  expect((await documents.list('')).filter((key) => key.endsWith('/open'))).toEqual([]);
}

/** A port whose calls a test breaks. */
export function breaking(port: DocumentsPort, { before, after }: Hooks): DocumentsPort {
  const call = async <T>(operation: keyof DocumentsPort, key: string, effect: () => Promise<T>): Promise<T> => {
    await before?.(operation, key);
    const answer = await effect();
    await after?.(operation, key);
    return answer;
  };
  return {
    list: (prefix) => call('list', prefix, () => port.list(prefix)),
    get: (key) => call('get', key, () => port.get(key)),
    put: (key, text, over) => call('put', key, () => port.put(key, text, over)),
    remove: (key, etag) => call('remove', key, () => port.remove(key, etag)),
  };
}

/** What several writers may do to one bucket. `make` gives an empty one: each call of the answer is a client of its own. */
export function writersContract(name: string, make: () => Promise<() => DocumentsPort>): void {
  describe(`writers at once: ${name}`, () => {
    it('of different specs: one holds the alias at a time, and no record is lost', async () => {
      const client = await make();
      await deployHistory(client());
      const holding = new Set<string>();
      const compete = async (minutes: number): Promise<string | undefined> => {
        const own = client();
        const record = full(minutes, { specDigest: String(minutes).repeat(64), planDigest: `plan-${minutes}` });
        try {
          await run(own, record, NOON, async () => {
            holding.add(record.id);
            expect([...holding]).toEqual([record.id]);
            await own.list('');
            holding.delete(record.id);
          });
          return record.id;
        } catch (error) {
          expect(error).toMatchObject({ code: 'DEPLOYMENT_RUNNING' });
          return undefined;
        }
      };
      const ended: string[] = [];
      for (const round of [
        [3, 4],
        [5, 6],
        [7, 8],
      ]) {
        const ids = await Promise.all(round.map(compete));
        ended.push(...ids.flatMap((id) => id ?? []));
      }
      expect(ended.length).toBeGreaterThanOrEqual(3);
      const ids = (await storeOn(client()).list(LIVE, 'live')).map(({ id }) => id);
      expect(ids).toEqual([...ended.sort().reverse(), ...HISTORY.map(({ id }) => id)]);
      expect((await client().list('')).filter((key) => key.endsWith('/open'))).toEqual([]);
    });

    it('of one plan, as a job and its retry: both end, and both are in the history', async () => {
      const client = await make();
      await deployHistory(client());
      const both = [full(3, { planDigest: 'c' }), full(4, { planDigest: 'c' })];
      await Promise.all(both.map((record) => run(client(), record)));
      const ids = (await storeOn(client()).list(LIVE, 'live')).map(({ id }) => id);
      expect(ids).toEqual([full(4), full(3), ...HISTORY].map(({ id }) => id));
    });
  });
}

/** An answer that is lost, whatever call it is of. */
export function lostAnswersContract(name: string, make: () => Promise<() => DocumentsPort>): void {
  describe(`lost answers: ${name}`, () => {
    it.each(['before', 'after'] as const)(
      'an answer is lost %s its effect, at every call: nothing is',
      async (when) => {
        const port = (await make())();
        const counted = await callsOf(port);
        for (let k = 1; k <= counted; k += 1) {
          const own = await fresh(port);
          let calls = 0;
          const broken = breaking(own, {
            [when]: () => {
              calls += 1;
              if (calls === k) throw new DeployError('AWS_AMBIGUOUS', 'it did not answer.');
            },
          });
          const error = await run(broken, full(3)).then(
            () => undefined,
            (thrown: unknown) => thrown,
          );
          await expectWhole(own, full(3), error);
        }
      },
    );
  });
}

async function callsOf(port: DocumentsPort): Promise<number> {
  const own = await fresh(port);
  let calls = 0;
  await run(breaking(own, { before: () => void (calls += 1) }), full(3));
  return calls;
}

let folders = 0;

/** The history alone, in a folder of its own of a bucket. */
export async function fresh(port: DocumentsPort): Promise<DocumentsPort> {
  const root = `run-${(folders += 1)}/`;
  const own: DocumentsPort = {
    list: async (prefix) => (await port.list(root + prefix)).map((key) => key.slice(root.length)),
    get: (key) => port.get(root + key),
    put: (key, text, over) => port.put(root + key, text, over),
    remove: (key, etag) => port.remove(root + key, etag),
  };
  await deployHistory(own);
  return own;
}
