import { describe, expect, it } from 'vitest';
import { newRecordId, RECORD_ID, recordTime } from '../../src/model/record-id.js';
import { arrange } from '../../src/record/record.js';
import { NOON, rollback, sample } from './sample.js';

describe('ids', () => {
  it('tell their time and sort by it', () => {
    const times = [0, 1, NOON, NOON + 1, Date.UTC(2999, 0)];
    const ids = times.map((time) => newRecordId(time, () => 0.999_999));
    expect(ids.map((id) => recordTime(id))).toEqual(times);
    expect([...ids].sort()).toEqual(ids);
    for (const id of ids) expect(id).toMatch(RECORD_ID);
  });

  it('of one millisecond differ by chance', () => {
    expect(newRecordId(NOON, () => 0)).not.toBe(newRecordId(NOON, () => 0.5));
  });
});

describe('arranging', () => {
  it('prefers the record that is given first, and is idempotent', () => {
    const open = sample(1, { result: 'open', finishedAt: null });
    const arranged = arrange([sample(1), open, sample(2)]);
    expect(arranged).toEqual([sample(2), sample(1)]);
    expect(arrange(arranged)).toEqual(arranged);
  });

  const takenBack = (...records: Parameters<typeof arrange>[0]): string[] =>
    arrange(records).flatMap(({ takenBack, version }) => (takenBack === true ? [version ?? ''] : []));
  const [one, two, three] = [sample(0), sample(1), sample(2)];

  it.each([
    ['nothing without a rollback', [one, two], []],
    ['what was left by going back', [one, two, rollback(5, two, one)], ['2']],
    ['nothing by going forward again', [one, two, rollback(5, two, one), rollback(6, one, two)], []],
    [
      'what was left first, when only the middle is gone forward to', //
      [one, two, three, rollback(5, three, two), rollback(6, two, one), rollback(7, one, two)],
      ['3'],
    ],
    ['nothing by a rollback that failed', [one, two, { ...rollback(5, two, one), result: 'failed' as const }], []],
    [
      'every deployment of the version that was left',
      [one, two, sample(3, { version: '2' }), rollback(5, sample(3, { version: '2' }), one)],
      ['2', '2'],
    ],
    ['no later deployment of that version', [one, two, rollback(5, two, one), sample(6, { version: '2' })], ['2']],
    ['what says so itself, when its rollback is gone', [one, { ...two, takenBack: true as const }], ['2']],
    [
      'nothing that says so itself after a rollback to it',
      [one, { ...two, takenBack: true as const }, rollback(6, one, two)],
      [],
    ],
    [
      'what a rollback left that finished a dead one', //
      [one, two, rollback(5, { ...two, version: '1' }, one)],
      ['2'],
    ],
  ])('takes back %s', (_, records, versions) => {
    expect(takenBack(...records)).toEqual(versions);
    expect(takenBack(...arrange(records))).toEqual(versions);
  });
});
