import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeployRecord } from '../../src/model/record.js';
import { decode, encode } from '../../src/record/encoding.js';
import { arrange } from '../../src/record/record.js';
import { ACTION, DIGEST, NOON, RESULT, sample } from './sample.js';

const MINUTE = 60_000;
/** How many minutes before its own a rollback's other records were. */
const BEFORE = fc.integer({ min: 1, max: 12 });
const VERSION = fc.option(fc.oneof(fc.integer({ min: 1, max: 2000 }).map(String), fc.constant('$LATEST' as const)));
const hex = (digits: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: digits, maxLength: digits });

/** A record as a run of this tool writes it. */
const RECORD: fc.Arbitrary<DeployRecord> = fc
  .record(
    {
      minutes: fc.integer({ min: 0, max: 30 }),
      tookMs: fc.integer({ min: 0, max: 20 * 86_400_000 }),
      waitsMs: fc.integer({ min: 1, max: 86_400_000 }),
      action: ACTION,
      result: RESULT,
      version: VERSION,
      previousVersion: VERSION,
      codeSha256: fc.option(hex(64).map((text) => Buffer.from(text, 'hex').toString('base64'))),
      restores: BEFORE,
      leaves: BEFORE,
      triedVersion: fc.integer({ min: 1, max: 2000 }).map(String),
      specDigest: hex(64),
      latestDigest: hex(64),
      planDigest: hex(64),
      commit: hex(40),
      build: fc.integer({ min: 1, max: 10 ** 6 }).map(String),
    },
    { requiredKeys: ['minutes', 'tookMs', 'waitsMs', 'action', 'result', 'version', 'previousVersion', 'codeSha256'] },
  )
  .map(({ minutes, tookMs, waitsMs, restores, leaves, ...more }) => {
    const started = NOON + minutes * MINUTE;
    const isOpen = more.result === 'open';
    return sample(minutes, {
      ...more,
      finishedAt: isOpen ? null : new Date(started + tookMs).toISOString(),
      ...(isOpen ? { deadline: new Date(started + waitsMs).toISOString(), job: '0123456789ab.12' } : {}),
      ...(more.action === 'rollback' && restores !== undefined ? { restores: sample(minutes - restores).id } : {}),
      ...(more.action === 'rollback' && leaves !== undefined ? { leaves: sample(minutes - leaves).id } : {}),
      actor: 'Ada',
      branch: 'main',
    });
  });

const MAX_SECONDS = 36 ** 4 - 1;
const seconds = (from: string, to: string, round: (value: number) => number): string =>
  new Date(
    Date.parse(from) + Math.min(round((Date.parse(to) - Date.parse(from)) / 1000), MAX_SECONDS) * 1000,
  ).toISOString();

/** What specs/0004-records.md says that a tag keeps of a record at most: seconds, and the beginnings of digests. */
function shortened(record: DeployRecord): DeployRecord {
  const { formatVersion, id, action, function: name, alias, result, version, previousVersion, startedAt } = record;
  const { codeSha256, finishedAt, deadline, specDigest, commit, planDigest, build, latestDigest } = record;
  const { restores, leaves, triedVersion, takenBack, job } = record;
  const kept = {
    ...{ formatVersion, id, action, function: name, alias, result, version, previousVersion, startedAt },
    codeSha256: codeSha256 === null ? null : codeSha256.slice(0, 8),
    finishedAt: finishedAt === null ? null : seconds(startedAt, finishedAt, Math.round),
    deadline: deadline === undefined ? undefined : seconds(startedAt, deadline, Math.ceil),
    ...{ restores, leaves, triedVersion, takenBack, latestDigest, job, build: build?.slice(0, 16) },
    ...{ specDigest: specDigest?.slice(0, 12), commit: commit?.slice(0, 12), planDigest: planDigest?.slice(0, 12) },
  };
  return Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined)) as unknown as DeployRecord;
}

/** Kept on every record, as the table says. */
const ALWAYS = ['restores', 'leaves', 'triedVersion'] as const;

describe('a tag that is read again', () => {
  it('has of one record all that the spec says', () => {
    fc.assert(
      fc.property(RECORD, (record) => {
        const { planDigest, ...rest } = shortened(record);
        const isRetried = record.result !== 'succeeded' || record.latestDigest === undefined;
        const whole = planDigest === undefined || !isRetried ? rest : { ...rest, planDigest };
        expect(decode(encode([record]), 'orders', 'live')).toEqual([whole]);
      }),
      { numRuns: 500 },
    );
  });

  it('has of many only what they say, the newest among them', () => {
    let cut = 0;
    fc.assert(
      fc.property(fc.array(RECORD, { minLength: 1, maxLength: 14 }), (records) => {
        const all = arrange(records);
        const read = decode(encode(records), 'orders', 'live');
        expect(read[0]?.id).toBe(all[0]?.id);
        if (read.length < all.length) cut += 1;
        // What was taken back follows from the links, which mean nothing here: see tags.test.ts.
        for (const { takenBack: _, ...one } of read) {
          const original = all.find(({ id }) => id === one.id);
          const whole = original && shortened(original);
          expect(whole).toMatchObject(one);
          for (const key of ALWAYS) expect([key, one[key]]).toEqual([key, whole?.[key]]);
        }
      }),
      { numRuns: 1000 },
    );
    expect(cut).toBeGreaterThan(300);
  });

  it('is written again as it was', () => {
    const lists = fc.array(RECORD, { minLength: 1, maxLength: 14 });
    const again = (value: string): string => encode(decode(value, 'orders', 'live'));
    fc.assert(
      fc.property(lists, (records) => {
        const deployed = encode(records.filter(({ action }) => action === 'deploy'));
        expect(again(deployed)).toBe(deployed);
        // What is taken back follows from the entries that stayed, once. Of links that mean something it never does: tags.test.ts.
        const settled = again(encode(records));
        expect(again(settled)).toBe(settled);
      }),
      { numRuns: 1000 },
    );
  });

  it('keeps a record whole at 256 characters, and none of it at 257', () => {
    const at = (build: string, previousVersion: string): readonly DeployRecord[] => [
      sample(40, { specDigest: DIGEST, latestDigest: DIGEST, build }),
      ...[9, 5, 4, 3].map((minutes) => sample(minutes)),
      sample(2, { previousVersion }),
    ];
    const room = 256 - encode(at('1', '2')).length;
    const [fits, over] = [encode(at('1'.repeat(1 + room), '2')), encode(at('1'.repeat(1 + room), '10'))];
    expect(fits).toHaveLength(256);
    expect(decode(fits, 'orders', 'live')).toHaveLength(6);
    expect(over.split(' ')).toEqual(fits.split(' ').slice(0, -1));
  });
});
