import { Ajv2020 } from 'ajv/dist/2020.js';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeployRecord } from '../../src/model/record.js';
import { fileStore } from '../../src/record/file.js';
import { contract } from './contract.js';
import { full, sample } from './sample.js';

const LIVE = { name: 'orders', arn: 'arn', tags: {} };
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'records-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const filesIn = async (folder: string) =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
const pathOf = (record: DeployRecord) => join(directory, 'orders', 'live', `${record.id}.json`);

async function plant(record: DeployRecord, text: string): Promise<void> {
  await mkdir(dirname(pathOf(record)), { recursive: true });
  await writeFile(pathOf(record), text);
}

describe('the contract of record stores', () => {
  contract(() =>
    Promise.resolve({
      store: fileStore(join(directory, 'not', 'yet', 'there')),
      live: () => LIVE,
      written: async () =>
        (await Promise.all((await filesIn(directory)).map((path) => readFile(path, 'utf8')))).join('\n'),
    }),
  );
});

describe('the files of a store', () => {
  it('keep everything, at a path of function, alias and id', async () => {
    await fileStore(directory).close(LIVE, [full(1)], []);
    expect(JSON.parse(await readFile(pathOf(full(1)), 'utf8'))).toEqual(full(1));
    expect(await fileStore(directory).list(LIVE, 'live')).toEqual([full(1)]);
  });

  it('carry no tags', () => {
    expect(fileStore(directory).tagsFor([sample(1)], [])).toEqual({});
  });

  it('leave nothing half-written behind', async () => {
    await fileStore(directory).close(LIVE, [sample(1), { ...sample(1), alias: null }], []);
    const names = (await filesIn(directory)).map((path) => path.slice(directory.length + 1)).sort();
    expect(names).toEqual([`orders/$LATEST/${sample(1).id}.json`, `orders/live/${sample(1).id}.json`]);
  });

  it('of runs side by side are all kept', async () => {
    const minutes = Array.from({ length: 20 }, (_, at) => at);
    const stores = minutes.map(() => fileStore(directory));
    await Promise.all(minutes.map((at) => stores[at]?.close(LIVE, [sample(at)], [])));
    expect(await fileStore(directory).list(LIVE, 'live')).toHaveLength(20);
  });

  it('are read whole while they are replaced', async () => {
    const store = fileStore(directory);
    await store.close(LIVE, [full(1)], []);
    const spec = { text: 'x'.repeat(100_000) };
    const writes = Array.from({ length: 10 }, () => store.close(LIVE, [full(1, { spec })], []));
    const reads = Array.from({ length: 10 }, () => store.list(LIVE, 'live'));
    for (const records of await Promise.all(reads)) expect(records).toHaveLength(1);
    await Promise.all(writes);
  });

  const broken: readonly [why: string, text: string, detail: RegExp][] = [
    ['empty', '', /is not JSON/],
    ['cut short', JSON.stringify(sample(1)).slice(0, 40), /is not JSON/],
    ['something else', '[]', /is not a deployment record/],
    ['a record without a result', JSON.stringify({ ...sample(1), result: undefined }), /is not a deployment record/],
    [
      'a record with a version that is no text',
      JSON.stringify({ ...sample(1), version: 3 }),
      /is not a deployment record/,
    ],
    ['of a newer format', JSON.stringify({ ...sample(1), formatVersion: '2' }), /has format 2/],
  ];
  it.each(broken)('that are broken are named, never skipped: %s', async (why, text, detail) => {
    await fileStore(directory).close(LIVE, [sample(2)], []);
    await plant(sample(1), text);
    const error = {
      code: 'RECORD_STORE',
      detail: expect.stringMatching(detail) as string,
      subject: pathOf(sample(1)),
      fix: expect.stringMatching(
        why === 'of a newer format' ? /^use the lambda-deploy that wrote it/ : /^mend /,
      ) as string,
    };
    await expect(fileStore(directory).list(LIVE, 'live')).rejects.toMatchObject(error);
  });

  it('that others put there under another ending are left alone', async () => {
    await plant(sample(1), JSON.stringify(sample(1)));
    await writeFile(join(directory, 'orders', 'live', 'README.md'), 'notes');
    await writeFile(join(directory, 'orders', 'live', `.${sample(2).id}.json`), '{');
    expect(await fileStore(directory).list(LIVE, 'live')).toHaveLength(1);
  });

  it.each(['..', '../../etc', 'a/b', '', '.', 'x'.repeat(200)])('never lie outside the store: %j', async (name) => {
    const store = fileStore(directory);
    const refused = { code: 'RECORD_STORE' };
    await expect(store.close(LIVE, [{ ...sample(1), function: name }], [])).rejects.toMatchObject(refused);
    await expect(store.close(LIVE, [{ ...sample(1), alias: name }], [])).rejects.toMatchObject(refused);
    await expect(store.list(LIVE, name)).rejects.toMatchObject(refused);
    await expect(store.close(LIVE, [{ ...sample(1), id: `../${name}` }], [])).rejects.toMatchObject(refused);
    expect(await readdir(directory)).toEqual([]);
  });

  it('that the disk refuses are an error with the path', async () => {
    const occupied = join(directory, 'file');
    await writeFile(occupied, '');
    const refused = { code: 'RECORD_STORE', detail: expect.stringContaining(occupied) as string };
    await expect(fileStore(occupied).close(LIVE, [sample(1)], [])).rejects.toMatchObject(refused);
    await expect(fileStore(occupied).list(LIVE, 'live')).rejects.toMatchObject(refused);
  });

  it('keep to schemas/record.schema.json, which names every member', async () => {
    const url = new URL('../../schemas/record.schema.json', import.meta.url);
    const schema = JSON.parse(await readFile(url, 'utf8')) as { properties: object };
    const validate = new Ajv2020({ strict: true, allErrors: true, validateFormats: false }).compile(schema);
    const records = [
      sample(1),
      full(2, { restores: sample(1).id, leaves: sample(1).id, triedVersion: '3', takenBack: true }),
      sample(3, {
        alias: null,
        result: 'open',
        version: null,
        previousVersion: null,
        codeSha256: null,
        finishedAt: null,
      }),
      sample(4, { version: '$LATEST', action: 'rollback', result: 'rolled_back' }),
    ];
    await fileStore(directory).close(LIVE, records, []);
    for (const path of await filesIn(directory)) {
      const written = JSON.parse(await readFile(path, 'utf8')) as object;
      expect(validate(written), JSON.stringify(validate.errors)).toBe(true);
      expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(Object.keys(written)));
    }
    for (const wrong of [{ id: '../x' }, { result: 'done' }, { version: 3 }, { alias: undefined }, { startedAt: 1 }])
      expect(validate(JSON.parse(JSON.stringify({ ...sample(1), ...wrong })))).toBe(false);
    const named = new Set(Object.keys(Object.assign({}, ...records) as object));
    expect([...named].sort()).toEqual(Object.keys(schema.properties).sort());
  });
});
