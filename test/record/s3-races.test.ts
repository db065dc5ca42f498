import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeployError, isDeployError } from '../../src/errors.js';
import type { DocumentsPort, StoredDocument } from '../../src/model/ports.js';
import type { DeployRecord } from '../../src/model/record.js';
import { s3Store } from '../../src/record/s3.js';
import { type Hooks, MemoryDocuments } from './memory-documents.js';
import { full, NOON, sample } from './sample.js';

const LIVE = { name: 'orders', arn: 'arn:aws:lambda:eu-west-1:123456789012:function:orders', tags: {} };
const ALIASES = ['beta', 'live'];
const place = { bucket: 'acme', prefix: '', region: 'eu-west-1', account: () => Promise.resolve('123456789012') };
const DEADLINE = new Date(NOON + 3_600_000).toISOString();

const storeOn = (documents: DocumentsPort, now = NOON) => s3Store(documents, place, () => now);
const forAliases = (record: DeployRecord): DeployRecord[] => ALIASES.map((alias) => ({ ...record, alias }));
const asOpen = (record: DeployRecord): DeployRecord => ({
  ...record,
  result: 'open',
  finishedAt: null,
  deadline: DEADLINE,
});

const listAll = async (documents: DocumentsPort) => {
  const lists = await Promise.all(ALIASES.map((alias) => storeOn(documents).list(LIVE, alias)));
  return lists.flat();
};

/** Apply repeats what others were too busy for, see src/apply/mutate.ts. */
async function repeated(call: () => Promise<void>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!isDeployError(error, 'AWS_CONFLICT')) throw error;
    await repeated(call);
  }
}

/** A run as apply makes it: reads, opens, deploys, closes. Its calls are those of the hooks. */
async function run(documents: DocumentsPort, record: DeployRecord, now = NOON): Promise<void> {
  const store = storeOn(documents, now);
  const known = await listAll(documents);
  await repeated(() => store.open(LIVE, forAliases(asOpen(record)), known));
  await repeated(() => store.close(LIVE, forAliases(record), known));
}

class Killed extends Error {}

/** The process is gone: at its k-th call, and at every one that it would make then. */
function killedAt(k: number, when: 'before' | 'after'): Hooks {
  let calls = 0;
  const count = (by: number) => () => {
    calls += by;
    if (calls >= k) throw new Killed();
  };
  // Once dead nothing has an effect any more.
  return when === 'before'
    ? { before: count(1) }
    : { before: () => (calls >= k ? Promise.reject(new Killed()) : undefined), after: count(1) };
}

/** One answer that does not come; then everything is as usual. */
function lostAt(k: number, when: 'before' | 'after', code: 'AWS_AMBIGUOUS' | 'AWS_ACCESS_DENIED'): Hooks {
  let calls = 0;
  return {
    [when]: () => {
      calls += 1;
      if (calls === k) throw new DeployError(code, 'it did not answer.');
    },
  };
}

const HISTORY = [full(2), full(1)];

async function deployed(): Promise<Map<string, StoredDocument>> {
  const documents = new MemoryDocuments();
  for (const record of [...HISTORY].reverse()) await run(documents, record);
  return documents.objects;
}

const callsOfRun = async (): Promise<number> => {
  const documents = new MemoryDocuments(await deployed());
  await run(documents, full(3));
  return documents.calls.length;
};

const idsBy = async (documents: DocumentsPort): Promise<readonly (readonly string[])[]> =>
  Promise.all(ALIASES.map(async (alias) => (await storeOn(documents).list(LIVE, alias)).map(({ id }) => id)));

const CALLS = await callsOfRun();
const every = Array.from({ length: CALLS }, (_, at) => at + 1);
const each = (['before', 'after'] as const).flatMap((when) => every.map((k) => [k, when] as const));

describe('a run of two aliases', () => {
  it.each(each)(
    'that is killed at its call %i, %s its effect, loses nothing, and the next goes on',
    async (k, when) => {
      const objects = await deployed();
      await expect(run(new MemoryDocuments(objects, killedAt(k, when)), full(3))).rejects.toThrow(Killed);
      const documents = new MemoryDocuments(objects);
      for (const [at, ids] of (await idsBy(documents)).entries()) {
        expect(
          ids.filter((id) => id !== full(3).id),
          ALIASES[at],
        ).toEqual(HISTORY.map(({ id }) => id));
      }
      const after = await listAll(documents);
      for (const record of after.filter(({ id }) => id === full(3).id))
        expect(['open', 'succeeded']).toContain(record.result);

      await run(documents, full(4, { specDigest: 'e'.repeat(64) }), NOON + 2 * 3_600_000);
      expect(
        documents.objects.size - [...documents.objects.keys()].filter((key) => key.includes('/records/')).length,
      ).toBe(0);
      for (const alias of ALIASES) {
        const records = await storeOn(documents).list(LIVE, alias);
        const dead = after.some((record) => record.alias === alias && record.id === full(3).id) ? [full(3).id] : [];
        expect(records.map(({ id }) => id)).toEqual([full(4).id, ...dead, ...HISTORY.map(({ id }) => id)]);
        expect(records[0]).toEqual({ ...full(4, { specDigest: 'e'.repeat(64) }), alias });
      }
    },
  );

  it.each(each)('whose answer %i is lost, %s its effect, ends as if it had come', async (k, when) => {
    const documents = new MemoryDocuments(await deployed(), lostAt(k, when, 'AWS_AMBIGUOUS'));
    // What repeats a call that may have had an effect is apply's.
    const again = async (): Promise<void> => {
      const store = storeOn(documents);
      const repeat = async <T>(what: () => Promise<T>): Promise<T> => {
        try {
          return await what();
        } catch (error) {
          if (!isDeployError(error, 'AWS_AMBIGUOUS')) throw error;
          return what();
        }
      };
      const known = await repeat(() => listAll(documents));
      await repeat(() => store.open(LIVE, forAliases(asOpen(full(3))), known));
      await repeat(() => store.close(LIVE, forAliases(full(3)), known));
    };
    await again();
    const expected = [full(3), ...HISTORY].map(({ id }) => id);
    expect(await idsBy(new MemoryDocuments(documents.objects))).toEqual([expected, expected]);
    expect([...documents.objects.keys()].filter((key) => key.endsWith('/open'))).toEqual([]);
  });

  it.each(every)('that is refused at its call %i has everything open or nothing', async (k) => {
    const objects = await deployed();
    const documents = new MemoryDocuments(objects, lostAt(k, 'before', 'AWS_ACCESS_DENIED'));
    const store = storeOn(documents);
    const known = await listAll(new MemoryDocuments(objects));
    const locks = (): number => [...objects.keys()].filter((key) => key.endsWith('/open')).length;
    const isOpen = await store.open(LIVE, forAliases(asOpen(full(3))), known).then(
      () => true,
      () => false,
    );
    expect(locks()).toBe(isOpen ? 2 : 0);
  });
});

/** Lets everybody else go first as often as fast-check says: any order of the calls of several runs. */
function interleaved(objects: Map<string, StoredDocument>, pauses: readonly number[], start: number): MemoryDocuments {
  let at = start;
  const yieldSome = async (): Promise<void> => {
    const turns = pauses[at++ % pauses.length] ?? 0;
    for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return new MemoryDocuments(objects, { before: yieldSome, after: yieldSome });
}

describe('several runs at once', () => {
  const pauses = fc.array(fc.nat(4), { minLength: 5, maxLength: 40 });

  it('of one spec lose no record, in any order of their calls', async () => {
    await fc.assert(
      fc.asyncProperty(pauses, async (some) => {
        const objects = await deployed();
        const runs = [3, 4, 5].map((minutes) => run(interleaved(objects, some, minutes * 7), full(minutes)));
        await Promise.all(runs);
        const expected = [full(5), full(4), full(3), ...HISTORY].map(({ id }) => id);
        const documents = new MemoryDocuments(objects);
        expect(await idsBy(documents)).toEqual([expected, expected]);
        expect((await listAll(documents)).every(({ result }) => result === 'succeeded')).toBe(true);
        expect([...objects.keys()].filter((key) => key.endsWith('/open'))).toEqual([]);
        // And the next carries what those did not know of one another.
        await run(documents, full(6));
        documents.calls.length = 0;
        await storeOn(documents).list(LIVE, 'live');
        expect(documents.calls).toEqual(['list', 'get']);
      }),
      { numRuns: 200 },
    );
  });

  it('of different specs: one holds all aliases at a time, and none is lost', async () => {
    await fc.assert(
      fc.asyncProperty(pauses, async (some) => {
        const objects = await deployed();
        const holding = new Set<string>();
        const ended: string[] = [];
        const compete = async (minutes: number): Promise<void> => {
          const documents = interleaved(objects, some, minutes * 11);
          const store = storeOn(documents);
          const record = sample(minutes, { specDigest: String(minutes).repeat(64) });
          const known = await listAll(documents);
          try {
            await repeated(() => store.open(LIVE, forAliases(asOpen(record)), known));
          } catch (error) {
            expect(error).toMatchObject({ code: 'DEPLOYMENT_RUNNING' });
            return;
          }
          holding.add(record.id);
          expect(holding.size).toBe(1);
          await new Promise((resolve) => setImmediate(resolve));
          holding.delete(record.id);
          await repeated(() => store.close(LIVE, forAliases(record), known));
          ended.unshift(record.id);
        };
        await Promise.all([3, 4, 5].map(compete));
        const expected = [...[...ended].sort().reverse(), ...HISTORY.map(({ id }) => id)];
        expect(await idsBy(new MemoryDocuments(objects))).toEqual([expected, expected]);
        expect([...objects.keys()].filter((key) => key.endsWith('/open'))).toEqual([]);
      }),
      {
        numRuns: 200,
        // Two runs end while the third tries, so that it finds the lock taken, gone and taken again until it has to pause.
        examples: [[[1, 0, 1, 2, 0, 2, 3, 2]]],
      },
    );
  });
});
