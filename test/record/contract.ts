import { expect, it } from 'vitest';
import type { LiveFunction } from '../../src/model/function.js';
import type { RecordStore } from '../../src/model/ports.js';
import type { DeployRecord } from '../../src/model/record.js';
import { Secret } from '../../src/model/secret.js';
import { full, rollback, sample } from './sample.js';

/** A store with what it stands on, as the function would be read now. */
export interface Fixture {
  readonly store: RecordStore;
  live(): Pick<LiveFunction, 'name' | 'arn' | 'tags'>;
  /** Everything that was written, as text. */
  written(): Promise<string>;
}

/** What every store must do. `make` gives an empty one. */
export function contract(make: () => Promise<Fixture>): void {
  async function write(fixture: Fixture, ...records: DeployRecord[]): Promise<void> {
    const aliases = [...new Set(records.map(({ alias }) => alias))];
    const known = await Promise.all(aliases.map((alias) => fixture.store.list(fixture.live(), alias)));
    const what = records.some(({ result }) => result === 'open') ? 'open' : 'close';
    await fixture.store[what](fixture.live(), records, known.flat());
  }
  const list = (fixture: Fixture, alias: string | null = 'live') => fixture.store.list(fixture.live(), alias);
  const ids = async (fixture: Fixture, alias: string | null = 'live') =>
    (await list(fixture, alias)).map(({ id }) => id);

  it('is empty before the first deployment', async () => {
    expect(await list(await make())).toEqual([]);
  });

  it('opens a record and closes the same one', async () => {
    const fixture = await make();
    const open = sample(1, { result: 'open', version: '1', previousVersion: '1', finishedAt: null });
    await write(fixture, open);
    expect(await list(fixture)).toMatchObject([{ id: open.id, result: 'open', version: '1', finishedAt: null }]);
    await write(fixture, { ...open, result: 'succeeded', version: '2', finishedAt: sample(1).finishedAt });
    expect(await list(fixture)).toMatchObject([
      { id: open.id, result: 'succeeded', version: '2', previousVersion: '1', finishedAt: sample(1).finishedAt },
    ]);
  });

  it('keeps who is at work and until when, also behind one that lost against it', async () => {
    const fixture = await make();
    const deadline = sample(9).startedAt;
    const open = full(1, { result: 'open', finishedAt: null, deadline });
    await write(fixture, open);
    const [read] = await list(fixture);
    expect(read).toMatchObject({ id: open.id, result: 'open', deadline, build: open.build });
    expect(open.specDigest?.startsWith(read?.specDigest ?? '-')).toBe(true);
    await write(fixture, full(2, { result: 'failed', specDigest: 'e'.repeat(64), latestDigest: undefined as never }));
    const [, behind] = await list(fixture);
    expect(behind).toMatchObject({ id: open.id, result: 'open', deadline });
    expect(open.specDigest?.startsWith(behind?.specDigest ?? '-')).toBe(true);
  });

  it('keeps what the newest run left that tells of $LATEST, behind those that say nothing of it', async () => {
    const fixture = await make();
    const { latestDigest: _, ...silent } = full(2, { result: 'failed', triedVersion: '9' });
    for (const record of [full(0), full(1), silent, { ...silent, id: sample(3).id }]) await write(fixture, record);
    expect((await list(fixture)).find(({ latestDigest }) => latestDigest !== undefined)).toMatchObject({
      id: full(1).id,
      latestDigest: full(1).latestDigest,
    });
  });

  it('lists the newest first, whatever the order of writing', async () => {
    const fixture = await make();
    for (const minutes of [3, 1, 2]) await write(fixture, sample(minutes));
    expect(await ids(fixture)).toEqual([3, 2, 1].map((minutes) => sample(minutes).id));
  });

  const results: readonly Partial<DeployRecord>[] = [
    { result: 'open', finishedAt: null },
    { result: 'failed', triedVersion: '9', version: '1' },
    { result: 'failed', version: null, previousVersion: null, codeSha256: null },
    { result: 'rolled_back', triedVersion: '9', version: '1' },
    { result: 'pending', triedVersion: '9', version: '1' },
    { version: '$LATEST', previousVersion: null },
  ];
  it.each(results)('keeps what decisions are taken from: %j', async (more) => {
    const fixture = await make();
    const record = sample(1, more);
    await write(fixture, record);
    const [read] = await list(fixture);
    const { codeSha256, ...rest } = record;
    expect(read).toMatchObject(rest);
    if (codeSha256 === null) expect(read?.codeSha256).toBeNull();
    else expect(codeSha256.startsWith(read?.codeSha256 ?? '-')).toBe(true);
    expect(read?.codeSha256?.length ?? 8).toBeGreaterThanOrEqual(8);
  });

  it('keeps digests so that they can be compared, the commit so that it can be named', async () => {
    const fixture = await make();
    const record = full(1);
    await write(fixture, record);
    const [read] = await list(fixture);
    expect(read?.latestDigest).toBe(record.latestDigest);
    for (const key of ['specDigest', 'commit'] as const) {
      expect(record[key]?.startsWith(read?.[key] ?? '-')).toBe(true);
      expect(read?.[key]?.length).toBeGreaterThanOrEqual(12);
    }
    expect(read?.build).toBe('1234');
  });

  it('keeps two aliases and the function without aliases apart, written in one call', async () => {
    const fixture = await make();
    const record = sample(1);
    await write(fixture, record, { ...record, alias: 'beta', version: '7' }, { ...record, alias: null, version: null });
    expect(await list(fixture)).toMatchObject([{ alias: 'live', version: record.version }]);
    expect(await list(fixture, 'beta')).toMatchObject([{ alias: 'beta', version: '7' }]);
    expect(await list(fixture, null)).toMatchObject([{ alias: null, version: null }]);
    expect(await list(fixture, 'Live')).toEqual([]);
  });

  it('marks what a rollback left, and only that', async () => {
    const fixture = await make();
    const [first, second] = [sample(1), sample(2)];
    await write(fixture, first);
    await write(fixture, second);
    await write(fixture, rollback(3, second, first));
    const [back, left, restored] = await list(fixture);
    expect(back).toMatchObject({ action: 'rollback', leaves: second.id, restores: first.id, version: first.version });
    expect(left).toMatchObject({ id: second.id, takenBack: true });
    expect(back).not.toHaveProperty('takenBack');
    expect(restored).not.toHaveProperty('takenBack');
  });

  it('marks nothing for a rollback that failed', async () => {
    const fixture = await make();
    const [first, second] = [sample(1), sample(2)];
    for (const record of [first, second, { ...rollback(3, second, first), result: 'failed' as const }])
      await write(fixture, record);
    expect((await list(fixture)).some(({ takenBack }) => takenBack === true)).toBe(false);
  });

  it('takes the mark off what a later rollback restored, and marks nothing by going forward', async () => {
    const fixture = await make();
    const [first, second] = [sample(1), sample(2)];
    for (const record of [first, second, rollback(3, second, first), rollback(4, first, second)])
      await write(fixture, record);
    expect((await list(fixture)).some(({ takenBack }) => takenBack === true)).toBe(false);
  });

  const hostile = [
    'né\u0000 \u202e"; rm -rf /',
    '1:s:2 3',
    ' ',
    '\n',
    'x'.repeat(5_000),
    '💥',
    '__proto__',
    '../../etc',
  ];
  it.each(hostile)('survives %j as commit, branch, build and actor', async (text) => {
    const fixture = await make();
    const record = full(2, { commit: text, branch: text, build: text, actor: text, buildUrl: text });
    await write(fixture, sample(1));
    await write(fixture, record);
    const records = await list(fixture);
    expect(records.map(({ id }) => id)).toEqual([record.id, sample(1).id]);
    expect(records[0]).toMatchObject({ result: 'succeeded', version: record.version, function: 'orders' });
  });

  it('writes no secret', async () => {
    const fixture = await make();
    const spec = { environment: { TOKEN: new Secret('hunter2hunter2') as unknown as string } };
    await write(fixture, full(1, { spec }));
    expect(await fixture.written()).toContain(full(1).id);
    expect(await fixture.written()).not.toContain('hunter2');
  });
}
