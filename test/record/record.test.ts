import { describe, expect, it } from 'vitest';
import { newRecordId, RECORD_ID, recordTime } from '../../src/model/record-id.js';
import { arrange } from '../../src/record/record.js';
import { NOON, sample } from './sample.js';

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
});
