import { describe, expect, it } from 'vitest';
import { fitted, MAX_BODY_BYTES, subjectText } from '../../src/render/annotation.js';
import { planAnnotation } from '../../src/render/plan-annotation.js';
import type { FunctionPlan, PlanDocument } from '../../src/model/plan.js';

const PLANNED: FunctionPlan = {
  name: 'orders',
  action: 'update',
  differences: [{ path: 'timeout', on: '$LATEST', before: 5, after: 6, reason: 'differs' }],
  alsoGoesLive: [],
  operations: [{ type: 'UpdateFunctionConfiguration', reason: 'timeout differs', settings: { timeout: 6 } }],
  effects: ['callers see it at once'],
  unmanagedAliases: [],
  specDigest: 'ab',
};

function planOf(functions: readonly FunctionPlan[], more: Partial<PlanDocument> = {}): PlanDocument {
  const summary = { create: 0, update: functions.length, unchanged: 0 };
  const digest = `sha256:${'0'.repeat(64)}`;
  return { formatVersion: '1', command: 'plan', changes: true, summary, functions, warnings: [], digest, ...more };
}

const SUBJECT = { file: 'lambda.deploy.yaml', narrowed: [] };
const bytes = (markdown: string): number => Buffer.byteLength(markdown);

describe('parts that do not fit', () => {
  const parts = ['one', 'two', 'three'].map((name) => ({ short: `${name}\n`, more: 'x'.repeat(100) }));

  it('are left out, details first, and counted', () => {
    expect(fitted('', parts, 'foot\n', 'See the log.', 1_000)).not.toContain('See the log');
    const cut = fitted('', parts, 'foot\n', 'See the log.', 400);
    expect(cut).toMatch(
      /^one\n\nx+\ntwo\n\nx+\nthree\n\nfoot\n\nNot shown here, for want of room: the details of 1\. See/,
    );
    const short = fitted('', parts, 'foot\n', 'See the log.', 105);
    expect(short).toBe(
      'one\n\ntwo\n\nfoot\n\nNot shown here, for want of room: 1 of 3 functions, the details of 2. See the log.\n',
    );
  });

  it.each([0, 1, 150, 333, 10_000])(
    'never make it longer than its limit of %i bytes, but for the words that say so',
    (limit) => {
      const many = Array.from({ length: 50 }, (_, at) => ({ short: `${at} ü`, more: '💥'.repeat(at) }));
      expect(bytes(fitted('', many, '', 'Elsewhere.', limit))).toBeLessThanOrEqual(Math.max(limit, 200));
    },
  );
});

describe('the annotation of a plan', () => {
  it('of a thousand functions fits, and says where the rest is', () => {
    const effects = Array.from({ length: 20 }, (_, at) => `${'long '.repeat(20)}${at}`);
    const many = Array.from({ length: 1_000 }, (_, at) => ({ ...PLANNED, name: `orders-${at}`, effects }));
    const body = planAnnotation(planOf(many), SUBJECT, 'plan.zip');
    expect(bytes(body)).toBeLessThanOrEqual(MAX_BODY_BYTES);
    expect(body).toMatch(
      /\nNot shown here, for want of room: \d+ of 1000 functions.*\. The job’s log has the whole plan\.\n$/,
    );
    expect(body).toContain('[plan\\.zip](artifact://plan.zip)');
  });

  it('of a thousand warnings shows the first ones', () => {
    const warnings = Array.from({ length: 1_000 }, (_, at) => ({
      code: 'X',
      message: `warning ${at} ${'x'.repeat(900)}`,
    }));
    const body = planAnnotation(planOf([PLANNED], { warnings }), SUBJECT);
    expect(body).toContain('- ⚠️ 990 more warnings are in the job’s log\n');
    expect(body).toContain('**orders** update');
  });

  it('shows hostile text as text', () => {
    const hostile = '<script>alert(1)</script> @all [x](javascript:1) ```\n# heading';
    const { differences } = PLANNED;
    const evil = {
      ...PLANNED,
      name: hostile,
      effects: [hostile],
      differences: differences.map((one) => ({ ...one, path: hostile, before: hostile, after: '| a | b |' })),
    };
    const warnings = [{ code: 'X', message: hostile }];
    const body = planAnnotation(planOf([evil], { warnings }), {
      file: hostile,
      environment: hostile,
      narrowed: [hostile],
    });
    const outside = body.replace(/^(`{3,})text\n[^]*?\n\1$/gm, '').replace(/(`+)[^`]+?\1/g, '');
    expect(outside).not.toMatch(/(?<!\\)[<@[](script|all|x)/);
    expect(outside).not.toMatch(/^# heading/m);
  });

  it('names an artifact whose path has blanks and brackets', () => {
    const body = planAnnotation(planOf([PLANNED]), SUBJECT, 'out dir/plan (1).zip');
    expect(body).toContain('(artifact://out%20dir/plan%20%281%29.zip)');
  });

  it('says of more than six differences how many', () => {
    const [difference] = PLANNED.differences;
    if (difference === undefined) throw new Error('the plan has one');
    const differences = Array.from({ length: 9 }, (_, at) => ({ ...difference, path: `path${at}` }));
    expect(planAnnotation(planOf([{ ...PLANNED, differences }]), SUBJECT)).toContain('`path5` 5 → 6 · 3 more\n');
  });

  it('says what is not known instead of “as the file says”', () => {
    const warnings = [{ code: 'UNKNOWN_UNTIL_APPLY', message: 'TOKEN is not known' }];
    const summary = { create: 0, update: 0, unchanged: 1 };
    const body = planAnnotation(planOf([], { changes: false, summary, warnings }), SUBJECT);
    expect(body).toBe(
      '**lambda\\.deploy\\.yaml**: no changes, what is known of the file is live.\n\n- ⚠️ TOKEN is not known\n',
    );
  });
});

it('names what an annotation is about', () => {
  expect(subjectText({ file: 'a.yaml', environment: 'staging', narrowed: ['orders', 'live'] })).toBe(
    '**a\\.yaml**, environment **staging**, only `orders`, `live`',
  );
});
