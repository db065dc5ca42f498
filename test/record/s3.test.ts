import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDocuments } from '../../src/aws/documents.js';
import { DeployError } from '../../src/errors.js';
import type { DocumentsPort } from '../../src/model/ports.js';
import type { DeployRecord } from '../../src/model/record.js';
import { s3Store } from '../../src/record/s3.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.js';
import { contract } from './contract.js';
import { MemoryDocuments } from './memory-documents.js';
import { full, NOON, sample } from './sample.js';

const ARN = 'arn:aws:lambda:eu-west-1:123456789012:function:orders';
const LIVE = { name: 'orders', arn: ARN, tags: {} };
const FOLDER = 'deploys/123456789012/eu-west-1/orders/live/';
const account = (): Promise<string> => Promise.resolve('123456789012');
const HOUR = 3_600_000;

function storeOn(documents: DocumentsPort, prefix = 'deploys', now = NOON) {
  return s3Store(documents, { bucket: 'acme', prefix, region: 'eu-west-1', account }, () => now);
}

const opened = (minutes: number, more: Partial<DeployRecord> = {}): DeployRecord =>
  sample(minutes, { result: 'open', finishedAt: null, ...more });

/** One run from its opening to its end, as apply does it. */
async function run(documents: DocumentsPort, record: DeployRecord): Promise<void> {
  const store = storeOn(documents);
  await store.open(LIVE, [{ ...record, result: 'open', finishedAt: null }], await store.list(LIVE, record.alias));
  await store.close(LIVE, [record], await store.list(LIVE, record.alias));
}

async function runs(documents: DocumentsPort, count: number): Promise<void> {
  for (let minutes = 0; minutes < count; minutes += 1) await run(documents, full(minutes));
}

function without({ operations: _, ...rest }: DeployRecord): Omit<DeployRecord, 'operations'> {
  return rest;
}

const ids = async (documents: DocumentsPort, alias: string | null = 'live') =>
  (await storeOn(documents).list(LIVE, alias)).map(({ id }) => id);

describe('the contract of record stores, in memory', () => {
  contract(() => {
    const documents = new MemoryDocuments();
    const written = () => Promise.resolve([...documents.objects.values()].map(({ text }) => text).join('\n'));
    return Promise.resolve({ store: storeOn(documents), live: () => LIVE, written });
  });
});

describe('the contract of record stores, in a bucket of the sandbox', () => {
  let sandbox: Sandbox;
  let made = 0;
  beforeAll(async () => void (sandbox = await startSandbox({ seed: { buckets: { acme: {} } } })));
  afterAll(() => sandbox.close());
  beforeEach(() => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'sandbox');
    vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
  });
  afterEach(() => vi.unstubAllEnvs());

  contract(() => {
    const prefix = `test-${(made += 1)}`;
    const objects = sandbox.state.stores.buckets.get('acme')?.objects ?? new Map<string, never>();
    const written = () =>
      Promise.resolve(
        [...objects]
          .filter(([key]) => key.startsWith(`${prefix}/`))
          .map(([, versions]) => Buffer.from(versions.at(-1)?.body ?? '').toString('utf8'))
          .join('\n'),
      );
    const documents = createDocuments({ endpoint: sandbox.url, region: 'us-east-1' }, 'acme');
    return Promise.resolve({ store: storeOn(documents, prefix), live: () => LIVE, written });
  });
});

describe('the objects of a store', () => {
  it('lie by account, region, function and alias, the newest first', async () => {
    const documents = new MemoryDocuments();
    const store = storeOn(documents);
    await store.close(LIVE, [sample(1), { ...sample(1), alias: null }], []);
    await store.close(LIVE, [sample(2)], [sample(1)]);
    await store.open(LIVE, [opened(3)], [sample(2), sample(1)]);
    const keys = await documents.list('');
    expect(keys.map((key) => key.replace('123456789012/eu-west-1/orders/', '…/'))).toEqual([
      expect.stringMatching(/^deploys\/…\/\$LATEST\/records\/[0-9a-z]{12}\.json$/),
      'deploys/…/live/open',
      expect.stringMatching(/^deploys\/…\/live\/records\/[0-9a-z]{12}\.json$/),
      expect.stringMatching(/^deploys\/…\/live\/records\/[0-9a-z]{12}\.json$/),
    ]);
    expect(documents.objects.get(keys[2] ?? '')?.text).toContain(
      `"record":{"formatVersion":"1","id":"${sample(2).id}"`,
    );
  });

  it.each([
    ['no prefix', '', '123456789012/eu-west-1/orders/live/'],
    ['a deep one', 'a/b', 'a/b/123456789012/eu-west-1/orders/live/'],
  ])('begin with the prefix: %s', async (_why, prefix, folder) => {
    const documents = new MemoryDocuments();
    await storeOn(documents, prefix).close(LIVE, [sample(1)], []);
    expect((await documents.list(''))[0]).toContain(folder);
  });

  it('of a function that does not exist yet are where they will be looked for', async () => {
    const documents = new MemoryDocuments();
    await storeOn(documents).close({ ...LIVE, arn: '' }, [sample(1)], []);
    expect(await ids(documents)).toEqual([sample(1).id]);
  });

  it.each(['..', 'a/b', '', 'x'.repeat(200)])('never lie outside of the prefix: %j', async (name) => {
    const documents = new MemoryDocuments();
    const refused = { code: 'RECORD_STORE' };
    const store = storeOn(documents);
    await expect(store.close({ ...LIVE, name }, [{ ...sample(1), function: name }], [])).rejects.toMatchObject(refused);
    await expect(store.close(LIVE, [{ ...sample(1), alias: name }], [])).rejects.toMatchObject(refused);
    await expect(store.close(LIVE, [{ ...sample(1), id: `../${name}` }], [])).rejects.toMatchObject(refused);
    expect(documents.objects.size).toBe(0);
  });

  const broken: readonly [why: string, text: string, detail: RegExp][] = [
    ['empty', '', /is not JSON/],
    ['something else', '[]', /is not a deployment record/],
    [
      'of another alias',
      JSON.stringify({ record: sample(1, { alias: 'beta' }), rows: [], isCut: false }),
      /of its alias/,
    ],
    ['of another run', JSON.stringify({ record: sample(2), rows: [], isCut: false }), /named for/],
    ['with a row that is none', JSON.stringify({ record: sample(1), rows: [{}], isCut: false }), /is not a deployment/],
    ['of a newer format', JSON.stringify({ formatVersion: '2' }), /has format 2/],
  ];
  it.each(broken)('that are broken are named, never skipped: %s', async (why, text, detail) => {
    const documents = new MemoryDocuments();
    await run(documents, sample(1));
    const [key = ''] = documents.objects.keys();
    documents.objects.set(key, { text, etag: 'e' });
    const error = {
      code: 'RECORD_STORE',
      detail: expect.stringMatching(detail) as string,
      subject: `s3://acme/${key}`,
      fix: expect.stringMatching(
        why === 'of a newer format' ? /^use the lambda-deploy that wrote it/ : /^mend /,
      ) as string,
    };
    await expect(storeOn(documents).list(LIVE, 'live')).rejects.toMatchObject(error);
  });

  it('that others put there are left alone', async () => {
    const documents = new MemoryDocuments();
    await run(documents, sample(1));
    for (const key of ['README.md', 'records/notes.json', 'records/deep/x.json', 'zzz'])
      await documents.put(FOLDER + key, 'notes', null);
    expect(await ids(documents)).toEqual([sample(1).id]);
  });

  it('are never replaced: the same record again is fine, another one is refused', async () => {
    const documents = new MemoryDocuments();
    await run(documents, sample(1));
    await storeOn(documents).close(LIVE, [sample(1)], [sample(0)]);
    const other = storeOn(documents).close(LIVE, [sample(1, { version: '9' })], []);
    await expect(other).rejects.toMatchObject({ code: 'RECORD_STORE' });
    expect(await storeOn(documents).list(LIVE, 'live')).toEqual([sample(1)]);
  });
});

describe('a long history', () => {
  it.each([200, 1000, 1200])(
    'of %i records is one listing and one read, and one more while a run lasts',
    async (count) => {
      const documents = new MemoryDocuments();
      // Only the newest is read: what the others carry would take its time.
      const before = Array.from({ length: count - 1 }, (_, at) => full(count - 2 - at));
      for (const record of before) await storeOn(documents).close(LIVE, [record], []);
      await storeOn(documents).close(LIVE, [full(count - 1)], before);
      documents.calls.length = 0;
      const records = await storeOn(documents).list(LIVE, 'live');
      expect([documents.calls, records.length]).toEqual([['list', 'get'], Math.min(count, 501)]);
      expect(records.map(({ id }) => id)).toEqual([...records.map(({ id }) => id)].sort().reverse());
      expect(records[0]).toEqual(full(count - 1));
      expect(records[1]).toEqual(without(full(count - 2)));

      await storeOn(documents).open(LIVE, [opened(count)], records);
      documents.calls.length = 0;
      expect((await storeOn(documents).list(LIVE, 'live'))[0]).toEqual(opened(count));
      expect(documents.calls.sort()).toEqual(['get', 'get', 'list']);
    },
  );

  it('keeps the file as written at hand for the newest, and at one read for the others', async () => {
    const documents = new MemoryDocuments();
    await runs(documents, 20);
    const records = await storeOn(documents).list(LIVE, 'live');
    expect(records.filter(({ spec }) => spec !== undefined)).toHaveLength(11);
    documents.calls.length = 0;
    for (const record of [records[1], records[15]])
      expect((await storeOn(documents).read(LIVE, record ?? sample(0))).spec).toEqual(full(0).spec);
    expect(documents.calls).toEqual(['get']);
  });

  it('of large records carries a megabyte of them', async () => {
    const documents = new MemoryDocuments();
    const actor = 'é'.repeat(10_000);
    for (let minutes = 0; minutes < 60; minutes += 1) await run(documents, sample(minutes, { actor }));
    const largest = Math.max(...[...documents.objects.values()].map(({ text }) => Buffer.byteLength(text)));
    expect(largest).toBeLessThan(1_050_000);
    documents.calls.length = 0;
    expect((await ids(documents)).length).toBeGreaterThan(45);
    expect(documents.calls).toEqual(['list', 'get']);
  });
});

describe('the lock of an alias', () => {
  const deadline = new Date(NOON + HOUR).toISOString();
  const theirs = opened(0, { specDigest: 'a'.repeat(64), deadline, build: '7', actor: 'Ada' });
  const ours = opened(1, { specDigest: 'b'.repeat(64), deadline });
  const others: readonly [why: string, ours: DeployRecord, theirs: DeployRecord, now: number, runs: boolean][] = [
    ['another run has it', ours, theirs, NOON, true],
    ['the other is past its deadline', ours, theirs, NOON + HOUR, false],
    ['the other has none: of an older lambda-deploy', ours, opened(0, { specDigest: 'a' }), NOON, false],
    ['the other writes the same', { ...ours, specDigest: 'a'.repeat(64) }, theirs, NOON, false],
    ['the same plan file', { ...ours, planDigest: 'c' }, { ...theirs, planDigest: 'c' }, NOON, false],
  ];
  it.each(others)('%s', async (_why, own, other, now, isRunning) => {
    const documents = new MemoryDocuments();
    await run(documents, sample(-1));
    await storeOn(documents).open(LIVE, [other], [sample(-1)]);
    const known = await storeOn(documents).list(LIVE, 'live');
    const taking = storeOn(documents, 'deploys', now).open(LIVE, [own], known);
    if (isRunning) {
      const detail = `alias live of orders is being deployed by another run of build 7 by Ada, since ${other.startedAt}; unless it ends before, it holds it until ${deadline}. Nothing was changed.`;
      await expect(taking).rejects.toMatchObject({ code: 'DEPLOYMENT_RUNNING', exit: 3, detail });
      expect(await ids(documents)).toEqual([other.id, sample(-1).id]);
      return;
    }
    await taking;
    // What the other began stays in the history.
    expect(await storeOn(documents).list(LIVE, 'live')).toEqual([own, other, sample(-1)]);
    await storeOn(documents).close(LIVE, [sample(1)], await storeOn(documents).list(LIVE, 'live'));
    expect(await storeOn(documents).list(LIVE, 'live')).toEqual([sample(1), other, sample(-1)]);
    // It was not dead after all: what came of it is read in place of what was kept of it.
    await storeOn(documents).close(LIVE, [sample(0)], [sample(-1)]);
    expect(await storeOn(documents).list(LIVE, 'live')).toEqual([sample(1), sample(0), sample(-1)]);
  });

  it('is taken for all aliases of a run or for none', async () => {
    const documents = new MemoryDocuments();
    await storeOn(documents).open(LIVE, [{ ...theirs, alias: 'live' }], []);
    const wanted = ['live', 'beta', null].map((alias) => ({ ...ours, alias }));
    await expect(storeOn(documents).open(LIVE, wanted, [])).rejects.toMatchObject({ code: 'DEPLOYMENT_RUNNING' });
    expect([...documents.objects.keys()]).toEqual([`${FOLDER}open`]);
  });

  it('of a run that was killed before it let go holds nobody', async () => {
    const documents = new MemoryDocuments();
    await storeOn(documents).open(LIVE, [theirs], []);
    const killed = new MemoryDocuments(documents.objects, {
      before: (operation) => {
        if (operation === 'remove') throw new DeployError('AWS_ACCESS_DENIED', 'no');
      },
    });
    await expect(storeOn(killed).close(LIVE, [sample(0)], [])).rejects.toMatchObject({ code: 'AWS_ACCESS_DENIED' });
    expect(await storeOn(documents).list(LIVE, 'live')).toEqual([sample(0)]);
    await storeOn(documents).open(LIVE, [ours], [sample(0)]);
    expect(await ids(documents)).toEqual([ours.id, sample(0).id]);
  });

  it('is closed for every alias, whatever becomes of one', async () => {
    const documents = new MemoryDocuments();
    const both = [sample(0), sample(0, { alias: 'beta' })];
    const failing = new MemoryDocuments(documents.objects, {
      before: (operation, key) => {
        if (operation === 'put' && key.includes('/beta/')) throw new DeployError('AWS_ACCESS_DENIED', 'no');
      },
    });
    await expect(storeOn(failing).close(LIVE, both, [])).rejects.toMatchObject({ code: 'AWS_ACCESS_DENIED' });
    expect([await ids(documents), await ids(documents, 'beta')]).toEqual([[sample(0).id], []]);
  });

  it('that is let go while it is listed is not missed', async () => {
    const documents = new MemoryDocuments();
    await storeOn(documents).open(LIVE, [opened(1)], []);
    let isDone = false;
    const slow = new MemoryDocuments(documents.objects, {
      before: async (operation) => {
        if (operation !== 'get' || isDone) return;
        isDone = true;
        await storeOn(documents).close(LIVE, [sample(1)], []);
      },
    });
    expect(await storeOn(slow).list(LIVE, 'live')).toEqual([sample(1)]);
  });
});
