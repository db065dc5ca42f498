import { describe, expect, it } from 'vitest';
import { deadSeconds, refuseIfTooShort, type TimeLimit } from '../../src/apply/time-limit.js';
import type { Operation } from '../../src/model/plan.js';
import { watchedSeconds, worstCaseSeconds } from '../../src/planner/duration.js';

const MINUTE = 60_000;
const NOW = Date.parse('2026-01-02T12:00:00Z');
const ref = { number: '4' };

function shift(seconds?: number): Operation {
  const watch = seconds === undefined ? {} : { watch: { seconds, alarms: [] } };
  return { type: 'UpdateAlias', reason: '', alias: 'live', from: { version: ref }, version: ref, ...watch };
}

function check(timeoutSeconds: number, bake?: number): Operation {
  const watch = bake === undefined ? {} : { watch: { seconds: bake, alarms: [] } };
  return { type: 'Invoke', reason: '', target: ref, check: { alias: 'live', index: 0, timeoutSeconds }, ...watch };
}

const publish: Operation = {
  type: 'PublishVersion',
  reason: '',
  purpose: 'release',
  description: '',
  codeSha256: 'sha',
};

function limit(minutes: number, what = 'the job ends'): TimeLimit {
  return { at: NOW + minutes * MINUTE, what, why: 'because', fix: (needed) => `give it ${needed}` };
}

const refuse = (plans: readonly (readonly Operation[])[], ...limits: TimeLimit[]) => {
  refuseIfTooShort(
    plans.map((operations) => ({ operations })),
    limits,
    2,
    NOW,
  );
};

describe('the worst case', () => {
  it('is every watch, every check to its timeout, a minute to settle and a little for other calls', () => {
    const operations = [publish, check(30), shift(600), check(30), shift(), check(30, 300)];
    expect(watchedSeconds(operations)).toBe(900);
    expect(worstCaseSeconds(operations)).toBe(60 + 30 + 2 + 600 + 30 + 2 + 30 + 300);
  });

  it('after which a run is dead counts ten minutes to settle, its upload, the way back and two clocks', () => {
    const operations = [publish, check(30), shift(600)];
    expect(deadSeconds({ operations }, 0)).toBe(600 + 30 + 2 + 600 + 60 + 120);
    expect(deadSeconds({ operations }, 250 * 1024 * 1024)).toBe(600 + 30 + 2 + 600 + 60 + 120 + 1000);
  });

  it('of no calls is none', () => {
    expect(worstCaseSeconds([])).toBe(0);
  });
});

describe('a rollout', () => {
  // Two shares of ten minutes, with 2 s a call and 60 s to go back: 1264 s in all, which is 21 min 4 s.
  const canary = [shift(600), shift(600)];

  it.each([
    ['fits to the second', 1264 / 60, false],
    ['misses by one', 1263 / 60, true],
    ['comes after the end', -1, true],
  ])('that %s', (_why, minutes, isRefused) => {
    const run = () => refuse([canary], limit(minutes));
    if (isRefused) expect(run).toThrow(expect.objectContaining({ code: 'TIME_TOO_SHORT', exit: 3 }));
    else expect(run).not.toThrow();
  });

  it('says how long it may take, what ends first and what to do', () => {
    const run = () => refuse([canary], limit(15), limit(12, 'the AWS credentials expire'), limit(60));
    expect(run).toThrow(
      expect.objectContaining({
        detail:
          'the rollout may take 22 min (20 of them watching, 1 to take it back), but the AWS credentials expire in 12 min (because). Nothing was changed.',
        fix: 'give it 22',
      }),
    );
  });

  it('without a limit is never refused', () => {
    expect(() => refuse([canary])).not.toThrow();
  });

  it('beside others counts once as long as there are lanes, and in turn after that', () => {
    expect(() => refuse([canary, canary], limit(22))).not.toThrow();
    expect(() => refuse([canary, canary, canary], limit(22))).toThrow();
    expect(() => refuse([canary, canary, canary], limit(42))).not.toThrow();
  });
});

it.each([
  ['moves at once, however long its checks and waits may take', [publish, publish, check(900), shift(), check(900)]],
  ['watches a minute', [publish, shift(30), shift(30)]],
  ['does nothing', []],
])('a plan that %s is not refused', (_why, operations) => {
  expect(() => refuse([operations], limit(0))).not.toThrow();
});
