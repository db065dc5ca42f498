import { describe, expect, it } from 'vitest';
import { isDeployError } from '../../src/errors.js';
import type { LiveAlias } from '../../src/model/function.js';
import type { DeployRecord } from '../../src/model/record.js';
import { chooseTarget, deploymentId, effectiveRecord } from '../../src/planner/rollback-target.js';
import { decode, encode } from '../../src/record/encoding.js';
import { arrange } from '../../src/record/record.js';
import { record } from './make.js';

/** A history in the order in which it happened, told by a small language, and the version that is live after it. */
interface History {
  readonly records: readonly DeployRecord[];
  readonly live: string;
}

/**
 * Plays a history: `3` deploys version 3, `back` rolls back, `to:2` rolls back to 2, `failed:4` and `undone:4` deploy 4, which gets
 * no traffic or loses it, `open:4` is a run that never ended.
 */
function play(words: string): History {
  let records: readonly DeployRecord[] = [];
  let live = '';
  words.split(' ').forEach((word, day) => {
    const [verb = '', number = ''] = word.split(':');
    const previousVersion = live === '' ? null : live;
    const base = { previousVersion, version: previousVersion };
    if (verb === 'back' || verb === 'to') {
      const target = chooseTarget('app', alias(live), records, verb === 'to' ? number : undefined);
      live = target.version;
      const links = {
        ...(target.record === undefined ? {} : { restores: deploymentId(target.record) }),
        ...(target.leaves === undefined ? {} : { leaves: deploymentId(target.leaves) }),
      };
      records = arrange([record(day, { previousVersion, action: 'rollback', version: live, ...links }), ...records]);
    } else if (verb === 'failed') {
      records = arrange([record(day, { ...base, result: 'failed', triedVersion: number }), ...records]);
    } else if (verb === 'undone') {
      records = arrange([record(day, { ...base, result: 'rolled_back', triedVersion: number }), ...records]);
    } else if (verb === 'open') {
      records = arrange([record(day, { ...base, result: 'open' }), ...records]);
    } else {
      live = verb;
      records = arrange([record(day, { previousVersion, version: live }), ...records]);
    }
  });
  return { records, live };
}

function alias(version: string): LiveAlias {
  return { name: 'live', version, description: '', weights: {} };
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isDeployError(error, 'NO_ROLLBACK_TARGET')) return error.message;
    throw error;
  }
  return 'not refused';
}

describe('chooseTarget', () => {
  it.each<[reason: string, history: string, target: string]>([
    ['the deployment before', '1 2', '1'],
    ['not the previous number: versions 2 and 3 were never good here', '1 4', '1'],
    ['a higher number, when that was live before', '5 2', '5'],
    ['a second rollback goes further back', '1 2 3 back', '1'],
    ['after deploy, deploy, rollback a new deployment goes back over the bad one', '1 2 back 3', '1'],
    ['never forward to the bad one, however often', '1 2 3 4 back back', '1'],
    ['after rollback and a repair, not to the version that was taken back', '1 2 3 back 4', '2'],
    ['a version that was taken back is good again when somebody goes to it by name', '1 2 back to:2 3', '2'],
    ['going forward takes nothing back: the next goes to where it came from', '1 2 back to:2', '1'],
    ['the same after a jump over several', '1 2 3 to:1 to:3 4', '3'],
    ['a jump back takes back only what it left', '1 2 3 to:1 to:3', '2'],
    ['forward by the version that a rollback had gone to', '1 2 3 back to:3 to:2', '1'],
    ['twice back, twice forward, and back again', '1 2 3 back back to:2 to:3', '2'],
    ['forward to the middle leaves the newest taken back', '1 2 3 back back to:2 4', '2'],
    ['to where it is: nothing is taken back', '1 2 to:2', '1'],
    ['a version that was taken back is good again when it is deployed again', '1 2 back 2 3', '2'],
    ['a failed deployment is no place to go', '1 failed:2 3', '1'],
    ['a deployment that was undone is no place to go', '1 undone:2 3', '1'],
    ['a run that never ended is no place to go', '1 open:2 3', '1'],
    ['a failed deployment leaves the one before it live', '1 2 failed:3', '1'],
    ['two deployments of one version count once', '1 2 2', '1'],
    ['both deployments of a version are taken back together', '1 2 2 back 3', '1'],
    ['both deployments of a version are taken back together, in between', '1 2 3 2 back 4', '3'],
    ['a version that came back later, from before it', '1 2 1 3', '1'],
    ['a git revert is a deployment like any other', '1 2 1', '2'],
  ])('%s: %s → %s', (_, history, target) => {
    const { records, live } = play(history);
    expect(chooseTarget('app', alias(live), records).version).toBe(target);
  });

  it.each<[reason: string, history: string, why: RegExp]>([
    ['only one deployment', '1', /no earlier good deployment than version 1/],
    ['nothing before the first', '1 2 back', /no earlier good deployment than version 1/],
    ['all before it failed', 'failed:1 undone:2 3', /no earlier good deployment than version 3/],
    ['only the same version', '1 1 1', /no earlier good deployment/],
    ['where the live version has no place in the history', '1 2 to:7', /version 7 by its number, and no record/],
    ['where the version before has no place in the history', '1 2 to:7 3', /version 7 by its number, and no record/],
    ['the way forward is the bad one', '1 2 3 back back', /no earlier good deployment than version 1/],
  ])('refuses: %s: %s', (_, history, why) => {
    const { records, live } = play(history);
    expect(refusal(() => chooseTarget('app', alias(live), records))).toMatch(why);
  });

  it('does not guess without records, or when no record matches what is live', () => {
    expect(refusal(() => chooseTarget('app', alias('2'), []))).toMatch(/no record of a deployment/);
    const { records } = play('1 2');
    expect(refusal(() => chooseTarget('app', alias('9'), records))).toMatch(/no record matches version 9/);
    expect(chooseTarget('app', alias('9'), records, '1')).toMatchObject({ version: '1', named: true });
  });

  it('names the record that it restores and the one that it leaves', () => {
    const { records, live } = play('1 2');
    const [newest, oldest] = records;
    expect(chooseTarget('app', alias(live), records)).toEqual({ version: '1', record: oldest, leaves: newest });
  });

  it('leaves the deployment that a rollback restored, not the rollback', () => {
    const { records, live } = play('1 2 3 back');
    const second = records.find(({ action, version }) => action === 'deploy' && version === '2');
    expect(chooseTarget('app', alias(live), records).leaves).toBe(second);
  });

  describe('a rollback that died', () => {
    const deployed = play('1 2 3').records;
    const [three, two] = deployed;
    const links = { restores: two?.id ?? '', leaves: three?.id ?? '' };
    const base = { action: 'rollback', result: 'open', previousVersion: '3', version: '3', ...links } as const;
    const records = arrange([record(9, base), ...deployed]);

    it('after its move is finished by the next: it goes nowhere else', () => {
      expect(chooseTarget('app', alias('2'), records)).toEqual({
        version: '2',
        record: two,
        leaves: three,
        resumes: true,
      });
      expect(chooseTarget('app', alias('2'), decode(encode(records), 'app', 'live'))).toMatchObject({ resumes: true });
    });

    it('is finished too where its record was closed as failed', () => {
      const closed = record(9, { ...base, result: 'failed', version: '2' });
      expect(chooseTarget('app', alias('2'), arrange([closed, ...deployed]))).toMatchObject({ resumes: true });
    });

    it('after its move to what it had published anew is finished too', () => {
      expect(chooseTarget('app', alias('4'), records)).toEqual({
        version: '4',
        record: two,
        leaves: three,
        resumes: true,
      });
      const closed = record(9, { ...base, result: 'failed', version: '4' });
      expect(chooseTarget('app', alias('4'), arrange([closed, ...deployed]))).toMatchObject({ resumes: true });
    });

    it('before its move is begun again', () => {
      expect(chooseTarget('app', alias('3'), records)).toEqual({ version: '2', record: two, leaves: three });
    });

    it('is over once a later run has closed its record, or where a version is named', () => {
      const finished = record(10, { ...base, result: 'succeeded', previousVersion: '2', version: '2' });
      expect(chooseTarget('app', alias('2'), arrange([finished, ...records])).version).toBe('1');
      expect(chooseTarget('app', alias('2'), records, '1').version).toBe('1');
    });
  });

  it('leaves a deployment that failed after the shift and stayed', () => {
    const { records } = play('1');
    const stayed = record(5, { previousVersion: '1', version: '2', result: 'failed', triedVersion: '2' });
    const target = chooseTarget('app', alias('2'), [stayed, ...records]);
    expect([target.version, target.leaves]).toEqual(['1', stayed]);
  });

  it.each<[reason: string, to: string, version: string]>([
    ['a version', '1', '1'],
    ['a version without a record', '7', '7'],
    ['a record', record(1).id, '2'],
    ['a commit', 'cafe0001cafe0001', '1'],
    ['the beginning of a commit', 'cafe000', '2'],
    ['a commit of which the store kept the beginning', 'cafe0001cafe0001cafe', '1'],
  ])('--to %s: %s', (_, to, version) => {
    const records = [
      record(3, { version: '3', previousVersion: '2', commit: 'beef0003beef' }),
      record(1, { version: '2', previousVersion: '1', commit: 'cafe0002cafe' }),
      record(0, { version: '1', commit: 'cafe0001cafe0001' }),
    ];
    expect(chooseTarget('app', alias('3'), records, to).version).toBe(version);
  });

  it.each(['nonsense', '0', '01', '-1', 'cafe', '', '$LATEST', '1 2'])('--to refuses %j', (to) => {
    const records = [record(1, { version: '2' }), record(0, { version: '1', commit: 'cafe0001cafe' })];
    expect(refusal(() => chooseTarget('app', alias('2'), records, to))).toMatch(/no record of a good deployment/);
  });

  it('--to the commit of whoever ran a rollback is refused: it deployed nothing', () => {
    const back = record(2, { action: 'rollback', version: '1', restores: record(0).id, commit: 'd00d0003d00d' });
    const records = [back, record(1, { version: '2' }), record(0, { version: '1' })];
    expect(refusal(() => chooseTarget('app', alias('1'), records, 'd00d0003'))).toMatch(/no record of a good/);
  });

  it('--to a rollback is to what it restored', () => {
    const { records, live } = play('1 2 back 3');
    const [, back, , first] = records;
    expect(chooseTarget('app', alias(live), records, back?.id ?? '').record).toBe(first);
  });

  it('--to a record of a deployment that failed is refused', () => {
    const { records, live } = play('1 failed:2 3');
    const failed = records.find(({ result }) => result === 'failed')?.id ?? '';
    expect(refusal(() => chooseTarget('app', alias(live), records, failed))).toMatch(/no record of a good deployment/);
  });

  it.each([
    '1 2 3 back',
    '1 2 back 3',
    '1 2 3 back back',
    '1 2 2 back 3',
    '1 failed:2 3',
    '1 2 back to:2 3',
    '1 2 3 back to:3 to:2',
  ])('chooses the same from what a tag keeps: %s', (history) => {
    const { records, live } = play(history);
    const kept = decode(encode(records), 'app', 'live');
    const choose = (from: readonly DeployRecord[]): string => {
      const refused = refusal(() => chooseTarget('app', alias(live), from));
      return refused === 'not refused' ? chooseTarget('app', alias(live), from).version : refused;
    };
    expect(choose(kept)).toBe(choose(records));
  });
});

describe('effectiveRecord', () => {
  it('the record of a version that was deployed twice is the newer one', () => {
    const { records } = play('1 2 1');
    expect(effectiveRecord('1', records)).toBe(records[0]);
  });

  it('a rollback whose restored record is gone stands for itself', () => {
    const back = record(2, { action: 'rollback', version: '1', previousVersion: '2', restores: '0000000000zz' });
    expect(effectiveRecord('1', [back])).toBe(back);
  });
});
