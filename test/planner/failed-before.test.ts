import { describe, expect, it } from 'vitest';
import type { DeployRecord } from '../../src/model/record.js';
import { failedBefore } from '../../src/planner/failed-before.js';

const SPEC = 'abcdef0123456789';
const failed = (more: Partial<DeployRecord> = {}): DeployRecord => ({
  formatVersion: '1',
  id: 'a00000000001',
  action: 'deploy',
  function: 'orders',
  alias: 'live',
  result: 'rolled_back',
  version: '3',
  previousVersion: '3',
  codeSha256: 'code',
  startedAt: '2026-01-02T08:00:00.000Z',
  finishedAt: '2026-01-02T08:01:00.000Z',
  specDigest: SPEC,
  triedVersion: '4',
  ...more,
});
const { triedVersion: _, ...withoutVersion } = failed();
const withCode = (code: string): DeployRecord => failed({ error: { code, message: 'why' } });
const later = (more: Partial<DeployRecord>): DeployRecord => failed({ id: 'a00000000002', ...more });

describe('a spec that did not stay', () => {
  it.each<[string, readonly DeployRecord[], string | undefined]>([
    ['no record', [], undefined],
    [
      'failed its check',
      [withCode('HEALTH_CHECK_FAILED')],
      'failed its health check on 2026-01-02T08:00:00.000Z (version 4, alias live)',
    ],
    ['raised an alarm', [withCode('ALARM_RAISED')], 'raised an alarm'],
    ['failed too often', [withCode('ERROR_RATE_EXCEEDED')], 'failed too often'],
    ['a store without errors: tried and taken back', [failed()], 'was tried and did not stay'],
    ['… or never given traffic', [failed({ result: 'failed' })], 'was tried and did not stay'],
    ['… by the beginning of its digest', [failed({ specDigest: SPEC.slice(0, 12) })], 'was tried'],
    ['an error that was none of the version’s', [withCode('AWS_ACCESS_DENIED')], undefined],
    ['a run that ended before there was a version', [withoutVersion], undefined],
    ['another spec', [failed({ specDigest: 'ffff' })], undefined],
    ['a record without a digest', [failed({ specDigest: '' })], undefined],
    ['another alias', [failed({ alias: 'staging' })], undefined],
    ['a rollback', [failed({ action: 'rollback' })], undefined],
    ['one that stayed later', [failed(), later({ result: 'succeeded' })], undefined],
    ['one that waits for promotion', [failed(), later({ result: 'pending' })], undefined],
    ['one that is being tried, or was lost', [failed(), later({ result: 'open' })], 'was tried'],
    [
      'the last try counts, in any order',
      [later({ error: { code: 'ALARM_RAISED', message: '' } }), failed()],
      'raised an alarm',
    ],
  ])('%s', (_, records, says) => {
    for (const given of [records, [...records].reverse()]) {
      const found = failedBefore({ name: 'orders', specDigest: SPEC }, given, ['live', 'live']);
      expect(found.map(({ code }) => code)).toEqual(says === undefined ? [] : ['FAILED_BEFORE']);
      if (says !== undefined) expect(found[0]?.message).toContain(says);
    }
  });

  it('says nothing of an alias that this plan does not move', () => {
    expect(failedBefore({ name: 'orders', specDigest: SPEC }, [failed()], [])).toEqual([]);
  });
});
