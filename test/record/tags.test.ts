import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeployError } from '../../src/errors.js';
import type { LiveFunction } from '../../src/model/function.js';
import type { DeployRecord } from '../../src/model/record.js';
import { chooseTarget } from '../../src/planner/rollback-target.js';
import { decode, encode } from '../../src/record/encoding.js';
import { arrange } from '../../src/record/record.js';
import { tagKey, tagsStore } from '../../src/record/tags.js';
import { contract } from './contract.js';
import { ACTION, full, NOON, RESULT, rollback, sample } from './sample.js';

const ARN = 'arn:aws:lambda:eu-west-1:123456789012:function:orders';
/** @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html */
const ALLOWED = /^[A-Za-z0-9 +\-=._:/@]{1,256}$/;

/** The tags of a function, refusing what AWS refuses. */
function taggable(initial: Record<string, string> = {}) {
  const tags: Record<string, string> = { ...initial };
  const calls: [string, Readonly<Record<string, string>>][] = [];
  const store = tagsStore({
    tagResource(arn, change) {
      calls.push([arn, change]);
      for (const value of Object.values(change)) expect(value).toMatch(ALLOWED);
      Object.assign(tags, change);
      return Promise.resolve();
    },
  });
  const live = (): Pick<LiveFunction, 'name' | 'arn' | 'tags'> => ({ name: 'orders', arn: ARN, tags });
  return { store, live, tags, calls, written: () => Promise.resolve(JSON.stringify(tags)) };
}

describe('the contract of record stores', () => {
  contract(() => Promise.resolve(taggable()));
});

describe('the tags of a function', () => {
  it('take one call for all aliases', async () => {
    const { store, live, calls } = taggable();
    await store.close(live(), [sample(1), { ...sample(1), alias: 'beta' }], []);
    expect(calls).toHaveLength(1);
    expect(calls[0]?.[0]).toBe(ARN);
    expect(Object.keys(calls[0]?.[1] ?? {})).toEqual([tagKey('live'), tagKey('beta')]);
  });

  it('carry the open record of a create', async () => {
    const { store } = taggable();
    const open = sample(1, { result: 'open', finishedAt: null });
    const tags = store.tagsFor([open], []);
    expect(await store.list({ name: 'orders', arn: ARN, tags }, 'live')).toMatchObject([
      { id: open.id, result: 'open' },
    ]);
  });

  it('have keys that neither change nor meet', () => {
    expect(tagKey('live')).toBe('lambda-deploy:247610f4');
    expect(tagKey(null)).toBe('lambda-deploy:e3b0c442');
  });

  it('that cannot be read are an error, not an empty history', async () => {
    const { store } = taggable();
    const live = { name: 'orders', arn: ARN, tags: { unreadable: 'lambda:ListTags is denied' } };
    const error = { code: 'AWS_UNREADABLE', detail: expect.stringContaining('lambda:ListTags is denied') as string };
    await expect(store.list(live, 'live')).rejects.toMatchObject(error);
    await expect(store.close(live, [sample(1)], [])).rejects.toMatchObject(error);
  });

  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`tag${at}`, '']));
  it.each([
    ['49 others: there is room', many(49), true],
    ['50 others: full', many(50), false],
    ['AWS’s own do not count', { ...many(49), 'aws:cloudformation:stack-name': 'x' }, true],
    ['50 with the one that is replaced', { ...many(49), [tagKey('live')]: '' }, true],
  ])('%s', async (_why, tags, fits) => {
    const { store, live, calls } = taggable(tags);
    const run = store.close(live(), [sample(1)], []);
    if (fits) await run;
    else
      await expect(run).rejects.toMatchObject({
        code: 'RECORD_STORE',
        detail: expect.stringContaining('50') as string,
      });
    expect(calls).toHaveLength(fits ? 1 : 0);
  });
});

describe('the value of a tag', () => {
  it('is this text', () => {
    expect(encode([full(2), sample(1)])).toBe(
      '1 0momv4hxci00s:3:2:Ab+/9xyz:4:sa1b2c3d4e5f6:c0123456789ab:b1234:dobLD1OX2BxihssPU5fYHGKGyw9Tl9gcYobLD1OX2Bxg= ' +
        '0momv37moi00s:2:1:Ab+/9xyz:4',
    );
  });

  it('says of an open record when its run would be over, in seconds after it began', () => {
    const open = sample(2, { result: 'open', finishedAt: null, specDigest: full(2).specDigest ?? '' });
    const deadline = new Date(NOON + 2 * 60_000 + 303_200).toISOString();
    const value = encode([{ ...open, deadline }, sample(1)]);
    expect(value).toBe(`1 ${open.id}o:3:2:Ab+/9xyz:-:sa1b2c3d4e5f6:e8g ${sample(1).id}s:2:1:Ab+/9xyz:4`);
    // Never before it: the next whole second.
    expect(decode(value, 'orders', 'live')[0]?.deadline).toBe('2026-05-01T12:07:04.000Z');
    expect(encode([sample(3), { ...open, deadline }])).not.toContain(':e8g');
    expect(decode(`1 ${open.id}o:3:2:Ab:-:e~~`, 'orders', 'live')[0]).not.toHaveProperty('deadline');
  });

  it('holds at least four generations of plain successes beside the newest', () => {
    const records = Array.from({ length: 20 }, (_, at) => full(200 + at));
    expect(decode(encode(records), 'orders', 'live').length).toBeGreaterThanOrEqual(5);
  });

  it('loses failures before versions to go back to', () => {
    const good = [full(1), full(2)];
    const bad = Array.from({ length: 30 }, (_, at) => full(10 + at, { result: 'failed', triedVersion: '9' }));
    const kept = decode(encode([...good, ...bad]), 'orders', 'live');
    expect(kept.filter(({ result }) => result === 'succeeded').map(({ id }) => id)).toEqual([full(2).id, full(1).id]);
    expect(kept[0]?.id).toBe(bad.at(-1)?.id);
  });

  it.each([1, 2])('knows what %i rollbacks took back, however full it is: an apply is held against it', (times) => {
    const deployed = Array.from({ length: 12 }, (_, at) =>
      full(at, { specDigest: String(at).padStart(2, '0').repeat(32) }),
    );
    let short = decode(encode(deployed), 'orders', 'live');
    for (let back = 0; back < times; back += 1) {
      const [from, to] = [deployed.at(-1 - back), deployed.at(-2 - back)];
      if (from === undefined || to === undefined) throw new Error('there are twelve');
      short = decode(
        encode([full(20 + back, { ...rollback(20 + back, from, to), commit: 'd00d0003d00d' }), ...short]),
        'orders',
        'live',
      );
    }
    const newest = short.find(({ action }) => action === 'deploy');
    expect(newest).toMatchObject({ id: deployed.at(-1)?.id, takenBack: true, specDigest: '111111111111' });
    expect(newest?.commit).toBe('0123456789ab');
    const left = short.find(({ id }) => id === deployed.at(-times)?.id);
    expect(left).toMatchObject({ takenBack: true });
  });

  it('never grows beyond 256 characters nor out of the allowed ones, and keeps the newest', () => {
    const record = fc
      .record({
        minutes: fc.integer({ min: 0, max: 5_000_000 }),
        version: fc.option(fc.integer({ min: 1, max: 10 ** 9 }).map(String)),
        result: fc.constantFrom('open', 'succeeded', 'failed', 'rolled_back'),
        action: fc.constantFrom('deploy', 'rollback'),
        commit: fc.string({ unit: 'binary' }),
        build: fc.string({ unit: 'binary' }),
        links: fc.boolean(),
      })
      .map(({ minutes, result, links, ...rest }) =>
        full(minutes, {
          ...rest,
          result: result as DeployRecord['result'],
          action: rest.action as DeployRecord['action'],
          ...(result === 'open' ? { finishedAt: null } : {}),
          ...(links ? { restores: sample(1).id, leaves: sample(2).id } : {}),
        }),
      );
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 12 }), (records) => {
        const value = encode(records);
        expect(value).toMatch(ALLOWED);
        const read = decode(value, 'orders', 'live');
        const all = arrange(records);
        expect(read[0]?.id).toBe(all[0]?.id);
        for (const one of read) expect(all.find(({ id }) => id === one.id)).toMatchObject({ version: one.version });
      }),
    );
  });

  it('whose newest record is written again over what the tag kept of the rest is the same tag', () => {
    const record = fc
      .record({
        minutes: fc.integer({ min: 0, max: 40 }),
        version: fc.option(fc.integer({ min: 1, max: 12 }).map(String)),
        result: RESULT,
        action: ACTION,
        restores: fc.integer({ min: 0, max: 40 }).map((minutes) => sample(minutes).id),
        leaves: fc.integer({ min: 0, max: 40 }).map((minutes) => sample(minutes).id),
        isFull: fc.boolean(),
      })
      .map(({ minutes, isFull, restores, leaves, ...rest }) =>
        (isFull ? full : sample)(minutes, {
          ...rest,
          ...(rest.result === 'open' ? { finishedAt: null } : {}),
          ...(rest.action === 'rollback' ? { restores, leaves } : {}),
        }),
      );
    // As a newer version, or somebody's hand, may leave entries beside.
    const foreign = fc.constantFrom('', ' garbled', ' 0momv37moi00s:7:6:Ab+/9xyz:4:zunknown');
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 12 }), foreign, (records, more) => {
        const known = decode(encode(records) + more, 'orders', 'live');
        const own = sample(50, { version: '13' });
        const value = encode([own, ...known]);
        expect(encode([own, ...decode(value, 'orders', 'live')])).toBe(value);
      }),
      { numRuns: 500 },
    );
  });

  it('may forget where to go back to, but never sends anybody to another version than the whole history would', () => {
    const step = fc.oneof(
      fc.constantFrom('good', 'good', 'bad', 'back', 'back'),
      fc.record({ to: fc.nat(8) }),
      fc.record({ again: fc.nat(8) }),
    );
    let compared = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }), (history) => {
        let whole: readonly DeployRecord[] = [];
        let short: readonly DeployRecord[] = [];
        let served = '0';
        for (const [minutes, run] of history.entries()) {
          const record = happened(minutes, run, served, whole);
          if (record === undefined) continue;
          served = record.version ?? served;
          whole = arrange([record, ...whole]);
          short = decode(encode([record, ...short]), 'orders', 'live');
          for (const { id, action, takenBack } of short)
            if (action === 'deploy')
              expect([id, whole.find((one) => one.id === id)?.takenBack]).toEqual([id, takenBack]);
          const remembered = targetOf(served, short);
          if (remembered === undefined) continue;
          compared += 1;
          expect(remembered.version).toBe(targetOf(served, whole)?.version);
        }
      }),
      { numRuns: 300 },
    );
    expect(compared).toBeGreaterThan(1000);
  });

  /** The record of what happens next, `undefined` where it cannot. */
  function happened(
    minutes: number,
    run: string | { readonly to: number } | { readonly again: number },
    served: string,
    whole: readonly DeployRecord[],
  ): DeployRecord | undefined {
    if (run === 'bad')
      return full(minutes, { version: served, previousVersion: served, result: 'failed', triedVersion: '99' });
    const version = (at: number): string | undefined =>
      whole.filter(({ action, result }) => action === 'deploy' && result === 'succeeded')[at]?.version ?? undefined;
    if (typeof run === 'object' && 'again' in run) {
      const again = version(run.again);
      return again === undefined ? undefined : full(minutes, { version: again, previousVersion: served });
    }
    if (run === 'good') return full(minutes, { previousVersion: served });
    const to = typeof run === 'object' && 'to' in run ? version(run.to) : undefined;
    const target = run === 'back' || to !== undefined ? targetOf(served, whole, to) : undefined;
    if (target?.record === undefined || target.leaves === undefined) return undefined;
    return rollback(minutes, { ...target.leaves, version: served }, target.record);
  }

  function targetOf(version: string, records: readonly DeployRecord[], to?: string) {
    try {
      return chooseTarget('orders', { name: 'live', version, description: '', weights: {} }, records, to);
    } catch {
      return undefined;
    }
  }

  it('is understood in its shortest form', () => {
    expect(decode('1 0momv37moi00s:2:1:Ab:4', 'orders', 'live')).toHaveLength(1);
  });

  it.each([
    ['an empty value', ''],
    ['words', 'hello world'],
    ['no entries', '1'],
    ['another encoding’s sign', 'v1 0momv37moi00s:2:1:Ab:4'],
    ['an id that is too long', '1 zzzzzzzzzzzzzs:2:1:Ab:4'],
    ['an entry cut short', '1 0momv37moi00s:2'],
    ['an open entry that ended', '1 0momv37moi00o:2:1:Ab:4'],
    ['a version that is none', '1 0momv37moi00s:../x:1:Ab:4'],
    ['an unknown result', '1 0momv37moi00x:2:1:Ab:4'],
  ])('that somebody else wrote is as if it were not there: %s', (_why, value) => {
    expect(decode(value, 'orders', 'live')).toEqual([]);
  });

  it('never throws on what it does not understand', () => {
    const unit = fc.constantFrom(...'1 0:sSoLl-abcr=+/z9');
    fc.assert(fc.property(fc.string({ unit, maxLength: 256 }), (tail) => void decode(`1 ${tail}`, 'orders', 'live')));
  });

  it('keeps the good entries beside a garbled one', () => {
    const value = encode([sample(2), sample(1)]);
    expect(decode(`${value.slice(0, -1)}! x`, 'orders', 'live').map(({ id }) => id)).toEqual([sample(2).id]);
  });

  it('leaves unknown details of an entry aside', () => {
    const [record] = decode(`${encode([sample(1)])}:zfuture`, 'orders', 'live');
    expect(record?.id).toBe(sample(1).id);
    expect(Date.parse(record?.startedAt ?? '')).toBe(NOON + 60_000);
  });

  it('of a newer format is refused by name', () => {
    const run = () => decode('2 whatever', 'orders', 'live');
    expect(run).toThrow(DeployError);
    expect(run).toThrow(/live of orders has format 2/);
  });
});
