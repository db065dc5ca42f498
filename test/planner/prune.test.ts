import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDeployError } from '../../src/errors.js';
import type { LiveAlias, LiveVersion } from '../../src/model/function.js';
import type { DeployRecord } from '../../src/model/record.js';
import { planPrune, type PruneInput } from '../../src/planner/prune.js';
import { chooseTarget, deploymentId } from '../../src/planner/rollback-target.js';
import { arrange } from '../../src/record/record.js';
import { record } from './make.js';

const alias = (version: string, weights: Record<string, number> = {}): LiveAlias => ({
  name: 'live',
  version,
  description: '',
  weights,
});
const published = (count: number): LiveVersion[] =>
  Array.from(
    { length: count },
    (_, index) => ({ version: String(index + 1), lastModified: '', description: '' }) as LiveVersion,
  );

function input(more: Partial<PruneInput> = {}): PruneInput {
  const records = new Map<string | null, readonly DeployRecord[]>();
  const now = '2026-06-01T00:00:00.000Z';
  return { name: 'app', keep: 1, latest: {}, aliases: [], pins: [], versions: published(9), records, now, ...more };
}

const deleted = (more: Partial<PruneInput>): string => {
  const plan = planPrune(input(more));
  return plan.skipped ?? plan.operations.map(({ version }) => version).join(' ');
};
const of = (...records: DeployRecord[]): PruneInput['records'] => new Map([['live', arrange(records)]]);

describe('what prune deletes', () => {
  const open = record(9, { result: 'open', version: '6', previousVersion: '6' });
  const cases: readonly (readonly [string, Partial<PruneInput>, string])[] = [
    ['all but the newest, where there is no alias', {}, '1 2 3 4 5 6 7 8'],
    ['ten is newer than nine', { versions: published(11), keep: 2 }, '1 2 3 4 5 6 7 8 9'],
    ['nothing where there are no more than are kept', { keep: 9 }, ''],
    ['where no record says, those before the live one stay', { aliases: [alias('4')] }, '1 2 5 6 7 8'],
    [
      'where records say, those',
      { aliases: [alias('4')], records: of(record(1, { version: '2' }), record(2, { version: '4' })) },
      '1 3 5 6 7 8',
    ],
    [
      'what the file pins stays, also before it is applied',
      {
        aliases: [alias('9')],
        records: of(record(1, { version: '8' }), record(2, { version: '9' })),
        pins: [{ version: '1', alias: 'live' }],
      },
      '2 3 4 5 6 7',
    ],
    [
      'nothing while traffic is split',
      { aliases: [alias('4', { '5': 0.1 })] },
      'alias live has a rollout open: promote or abort it first',
    ],
    [
      'nothing during an update',
      { latest: { lastUpdateStatus: 'InProgress' } },
      'an update of the function is in progress',
    ],
    [
      'what a dead run may have made stays',
      { records: of({ ...open, deadline: '2026-05-01T00:00:00.000Z' }) },
      '1 2 3 4 5 6',
    ],
    [
      'what a dead run may have made stays, whoever failed since',
      {
        records: of(
          { ...open, deadline: '2026-05-01T00:00:00.000Z' },
          record(10, { result: 'failed', version: '6', previousVersion: '6' }),
        ),
      },
      '1 2 3 4 5 6',
    ],
    [
      'what a rollout that waits may need stays',
      { records: of(record(9, { result: 'pending', version: '6', previousVersion: '6' })) },
      '1 2 3 4 5 6',
    ],
  ];
  it.each(cases)('%s', (_why, more, expected) => {
    expect(deleted(more)).toBe(expected);
  });

  it.each([{}, { deadline: '2026-07-01T00:00:00.000Z' }])('nothing while a run is open (%j)', (more) => {
    expect(deleted({ records: of({ ...open, ...more }) })).toMatch(/^a deployment of alias live .* has not ended/);
  });

  it('an alias on $LATEST and two with another name count too', () => {
    const aliases = [alias('$LATEST'), { ...alias('3'), name: 'other' }];
    expect(deleted({ aliases })).toBe('1 4 5 6 7 8');
  });
});

/** Deploys, redeploys old versions and goes back, at random; a number is a version, 0 is a rollback. */
function play(words: readonly number[]): { records: readonly DeployRecord[]; live: string } {
  let records: readonly DeployRecord[] = [];
  let live = '1';
  words.forEach((word, day) => {
    const previousVersion = live;
    if (word > 0) {
      live = String(word);
      records = arrange([record(day, { previousVersion, version: live }), ...records]);
      return;
    }
    const target = goBack(live, records);
    if (target === undefined) return;
    [live, records] = [target.version, target.records(day)];
  });
  return { records, live };
}

function goBack(live: string, records: readonly DeployRecord[]) {
  try {
    const { version, record: to, leaves } = chooseTarget('app', alias(live), records);
    const links = {
      ...(to === undefined ? {} : { restores: deploymentId(to) }),
      ...(leaves === undefined ? {} : { leaves: deploymentId(leaves) }),
    };
    const after = (day: number): readonly DeployRecord[] =>
      arrange([record(day, { previousVersion: live, action: 'rollback', version, ...links }), ...records]);
    return { version, records: after };
  } catch (error) {
    if (isDeployError(error, 'NO_ROLLBACK_TARGET')) return undefined;
    throw error;
  }
}

it('after any history, as many rollbacks in a row as are kept find their version', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 20 }),
      fc.integer({ min: 1, max: 4 }),
      (words, keep) => {
        const { records, live } = play(words);
        const plan = planPrune(input({ keep, aliases: [alias(live)], records: new Map([['live', records]]) }));
        const gone = new Set(plan.operations.map(({ version }) => version));
        let [at, known] = [live, records];
        for (let turn = 0; turn < keep; turn += 1) {
          const target = goBack(at, known);
          if (target === undefined) break;
          expect(gone.has(target.version)).toBe(false);
          [at, known] = [target.version, target.records(100 + turn)];
        }
        expect(gone.has(live)).toBe(false);
        expect(plan.operations.length + plan.kept.length).toBe(9);
      },
    ),
    { numRuns: 500 },
  );
});
