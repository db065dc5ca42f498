import { describe, expect, it } from 'vitest';
import type { UpdateAliasStep } from '../../src/model/plan.js';
import type { DeployRecord } from '../../src/model/record.js';
import { findHolds, holdWarnings } from '../../src/planner/hold.js';
import { arrange } from '../../src/record/record.js';
import { desired, record } from './make.js';

const move = (from: string, to: UpdateAliasStep['version'], more: Partial<UpdateAliasStep> = {}): UpdateAliasStep => ({
  type: 'UpdateAlias',
  reason: '',
  alias: 'live',
  from: { version: { number: from } },
  version: to,
  ...more,
});
const NEW = { published: 'release' } as const;

const one = record(0, { version: '1', specDigest: 'aaaa', codeSha256: 'code-a' });
const two = record(1, { version: '2', specDigest: 'bbbb', codeSha256: 'code-b' });
const three = record(2, { version: '3', specDigest: 'cccc', codeSha256: 'code-c' });
const back = (day: number, from: DeployRecord, to: DeployRecord): DeployRecord =>
  record(day, {
    action: 'rollback',
    version: to.version,
    previousVersion: from.version,
    leaves: from.id,
    restores: to.id,
    actor: 'Ada',
  });

describe('findHolds', () => {
  const held = (specDigest: string, records: readonly DeployRecord[], steps: readonly UpdateAliasStep[]): string[] =>
    findHolds(desired({ specDigest }), arrange(records), steps).holds.map(({ takenBack }) => takenBack ?? 'unrecorded');

  it.each<[reason: string, digest: string, records: readonly DeployRecord[], steps: UpdateAliasStep[], held: string[]]>(
    [
      ['the spec that was taken back', 'bbbb', [one, two, back(5, two, one)], [move('1', NEW)], ['2']],
      [
        'its digest where the store keeps the beginning',
        'bbbbb',
        [one, two, back(5, two, one)],
        [move('1', NEW)],
        ['2'],
      ],
      [
        'another spec with the version itself',
        'ffff',
        [one, two, back(5, two, one)],
        [move('1', { number: '2' })],
        ['2'],
      ],
      [
        'a share of the version itself',
        'ffff',
        [one, two, back(5, two, one)],
        [move('1', { number: '1' }, { additional: { version: { number: '2' }, weight: 0.1 } })],
        ['2'],
      ],
      [
        'what the first of two rollbacks took back',
        'cccc',
        [one, two, three, back(5, three, two), back(6, two, one)],
        [move('1', NEW)],
        ['3'],
      ],
      [
        'what the second took back',
        'bbbb',
        [one, two, three, back(5, three, two), back(6, two, one)],
        [move('1', NEW)],
        ['2'],
      ],
      ['another spec', 'ffff', [one, two, back(5, two, one)], [move('1', NEW)], []],
      [
        'after a deployment of something else',
        'bbbb',
        [one, two, back(5, two, one), record(7, { version: '4' })],
        [move('4', NEW)],
        [],
      ],
      [
        'a deployment of something else that failed',
        'bbbb',
        [one, two, back(5, two, one), record(7, { version: '1', result: 'failed', triedVersion: '4' })],
        [move('1', NEW)],
        ['2'],
      ],
      ['after going forward again', 'bbbb', [one, two, back(5, two, one), back(6, one, two)], [move('1', NEW)], []],
      ['without a rollback', 'bbbb', [one, two], [move('1', NEW)], []],
      ['a rollback that failed', 'bbbb', [one, two, { ...back(5, two, one), result: 'failed' }], [move('1', NEW)], []],
      ['an alias that does not move', 'bbbb', [one, two, back(5, two, one)], [], []],
      [
        'the end of an open rollout',
        'bbbb',
        [one, two, back(5, two, one)],
        [move('1', { number: '1' }, { settles: 'abort' })],
        [],
      ],
      ['another alias', 'bbbb', [one, two, back(5, two, one)], [move('1', NEW, { alias: 'beta' })], []],
    ],
  )('%s', (_, digest, records, steps, expected) => {
    expect(held(digest, records, steps)).toEqual(expected);
  });

  it('holds what a run had deployed that never closed its record', () => {
    const open = record(1, { version: '1', result: 'open', specDigest: 'bbbb' });
    const undone = { ...back(5, open, one), previousVersion: '2' };
    expect(held('bbbb', [one, open, undone], [move('1', NEW)])).toEqual(['unrecorded']);
  });

  it('says where, since when and by whom', () => {
    const rollback = back(5, two, one);
    const found = findHolds(desired({ specDigest: 'bbbb' }), arrange([one, two, rollback]), [move('1', NEW)]);
    expect(found.holds).toEqual([
      { alias: 'live', version: '1', takenBack: '2', record: rollback.id, since: rollback.startedAt, by: 'Ada' },
    ]);
    const [warning] = holdWarnings('app', found, false);
    expect(warning?.message).toBe(
      `alias live of app is held at version 1 since a rollback on ${rollback.startedAt} by Ada, which took back what the file says (version 2): git is ahead of what is live. apply refuses it. fix: change the spec or the code, or deploy it again all the same with --release-hold.`,
    );
    expect(holdWarnings('app', found, true)[0]?.message).toContain('because --release-hold says so');
  });

  const code = (codeSha256: string) =>
    ({ kind: 'zip', source: 'a.zip', codeSha256, zipBytes: 1, unzippedBytes: 1 }) as const;
  it.each([
    ['the code that was taken back, with another spec', 'code-b', ['CODE_TAKEN_BACK']],
    ['code of its own', 'code-x', []],
    ['the code that is live', 'code-a', []],
  ])('warns of %s', (_, sha, codes) => {
    const records = arrange([one, { ...two, codeSha256: sha === 'code-a' ? 'code-a' : 'code-b' }, back(5, two, one)]);
    const found = findHolds(desired({ specDigest: 'ffff', code: code(sha) }), records, [move('1', NEW)]);
    expect(holdWarnings('app', found, false).map((warning) => warning.code)).toEqual(codes);
  });
});
