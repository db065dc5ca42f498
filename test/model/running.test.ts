import { describe, expect, it } from 'vitest';
import type { DeployRecord } from '../../src/model/record.js';
import { describeRunning, runningElsewhere, runningError } from '../../src/model/running.js';
import { NOON, sample } from '../record/sample.js';

const [A, B, C] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [string, string, string];
const JOB = '0123456789ab';
const at = (minutes: number): string => new Date(NOON + minutes * 60_000).toISOString();

function open(minutes: number, more: Partial<DeployRecord> = {}): DeployRecord {
  return sample(minutes, { result: 'open', finishedAt: null, specDigest: A, deadline: at(minutes + 10), ...more });
}
const ended = (minutes: number, result: DeployRecord['result'], specDigest: string): DeployRecord =>
  sample(minutes, { result, specDigest });

describe('a deployment that another run has under way', () => {
  const mine = { specDigest: C, now: at(5) };
  const running = open(0);
  it.each<
    [string, readonly DeployRecord[], Partial<typeof mine & { id: string; planDigest: string; job: string }>, boolean]
  >([
    ['is an open record of another spec', [running], {}, true],
    ['is not there where nothing is recorded', [], {}, false],
    ['is not one that has ended', [ended(0, 'succeeded', A)], {}, false],
    ['is not a rollout that waits: abort, promote or an apply goes on from it', [ended(0, 'pending', A)], {}, false],
    ['is over at its deadline', [running], { now: at(10) }, false],
    ['is not one without a deadline', [sample(0, { result: 'open', finishedAt: null, specDigest: A })], {}, false],
    [
      'is not one of the same spec, of which a tag keeps the beginning',
      [running],
      { specDigest: A.slice(0, 12) },
      false,
    ],
    ['is one whose spec nobody knows', [sample(0, { result: 'open', deadline: at(10) })], {}, true],
    ['is any other for a run of no spec', [running], { specDigest: '' }, true],
    [
      'is not one of the same plan file',
      [open(0, { planDigest: 'f'.repeat(12) })],
      { planDigest: 'f'.repeat(64) },
      false,
    ],
    ['is not an earlier try of the job', [open(0, { job: `${JOB}.0` })], { job: `${JOB}.1` }, false],
    ['is another process of the same try', [open(0, { job: `${JOB}.1` })], { job: `${JOB}.1` }, true],
    ['is a later try of the job', [open(0, { job: `${JOB}.2` })], { job: `${JOB}.1` }, true],
    ['is another job', [open(0, { job: `${JOB}.0` })], { job: `${'f'.repeat(12)}.1` }, true],
    ['is one whose job nobody knows', [open(0)], { job: `${JOB}.1` }, true],
    ['is one whose job is garbled', [open(0, { job: JOB })], { job: `${JOB}.1` }, true],
    ['is not the run’s own', [running], { id: running.id }, false],
    ['is seen behind the run’s own', [open(1, { specDigest: C }), running], { id: open(1).id }, true],
    ['is dead where a later run succeeded', [ended(1, 'succeeded', B), running], {}, false],
    ['is dead where a later run took traffic back', [ended(1, 'rolled_back', B), running], {}, false],
    ['is not hidden by one that lost against it', [ended(1, 'failed', B), running], {}, true],
    ['is dead where its own retry failed', [ended(1, 'failed', A), running], {}, false],
  ])('%s', (_why, records, claim, isRunning) => {
    expect(runningElsewhere(records, { ...mine, ...claim })).toBe(isRunning ? records.at(-1) : undefined);
  });

  it('is described with who, since when and until when', () => {
    const text = describeRunning(open(0, { build: '7', actor: 'Ada' }));
    expect(text).toBe(
      `alias live of orders is being deployed by another run of build 7 by Ada, since ${at(0)}; unless it ends before, it holds it until ${at(10)}`,
    );
    expect(describeRunning(open(0, { alias: null }))).toContain(
      'function orders is being deployed by another run, since',
    );
    expect(runningError(open(0))).toMatchObject({
      code: 'DEPLOYMENT_RUNNING',
      exit: 3,
      subject: 'orders',
      fix: expect.stringContaining('--take-over') as string,
    });
  });
});
