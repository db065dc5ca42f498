import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bodyProblems } from '../../src/apply/body.js';
import { handlerMs, judge } from '../../src/apply/judge.js';
import type { Expectation } from '../../src/model/function.js';
import type { Json } from '../../src/model/json.js';
import type { InvokeAnswer } from '../../src/model/ports.js';

const same = (text: string): string => text;

function answer(payload: Json | undefined, more: Partial<InvokeAnswer> = {}): InvokeAnswer {
  return { statusCode: 200, payload: payload === undefined ? '' : JSON.stringify(payload), logTail: '', ...more };
}

const REPORT = 'REPORT RequestId: 8f5\tDuration: 812.40 ms\tBilled Duration: 813 ms\tInit Duration: 900.00 ms';
const http = (body: string, more: object = {}): Json => ({ statusCode: 200, body, ...more });

describe('what an answer says', () => {
  const cases: readonly (readonly [string, Expectation, InvokeAnswer, string | undefined])[] = [
    ['anything but an error passes', {}, answer('fine'), undefined],
    ['nothing is an answer', {}, answer(undefined), undefined],
    ['the status of the payload', { status: 204 }, answer({ statusCode: 204 }), undefined],
    ['the status of Invoke where the payload has none', { status: 200 }, answer('fine'), undefined],
    ['a status that is text is none', { status: 200 }, answer({ statusCode: '500' }), undefined],
    ['another status', { status: 200 }, answer({ statusCode: 503 }), 'it answered status 503, expected 200'],
    [
      'a handler that failed, although its payload looks well',
      { status: 200 },
      answer({ statusCode: 200, errorType: 'Error', errorMessage: 'no database' }, { functionError: 'Unhandled' }),
      'the handler failed (Unhandled): Error: no database',
    ],
    [
      'a handler that failed without a word',
      {},
      answer(undefined, { functionError: 'Unhandled' }),
      'the handler failed (Unhandled): no message',
    ],
    ['a map may have more', { body: { ok: true } }, answer({ ok: true, more: 1 }), undefined],
    ['a map below may have more', { body: { a: { b: 1 } } }, answer({ a: { b: 1, c: 2 } }), undefined],
    ['an empty map is any map', { body: {} }, answer({ a: 1 }), undefined],
    ['an empty map is no list', { body: {} }, answer([1]), 'body is a list of 1 entry, expected a map'],
    ['a list has exactly its entries', { body: [1, { a: 1 }] }, answer([1, { a: 1, b: 2 }]), undefined],
    ['a longer list', { body: { l: [1] } }, answer({ l: [1, 2] }), 'body.l has 2 entries, expected 1 entry'],
    ['a list in another order', { body: [1, 2] }, answer([2, 1]), 'body[0] is 2, expected 1; body[1] is 1, expected 2'],
    ['a map where a list belongs', { body: [1] }, answer({ 0: 1 }), 'body is a map, expected a list'],
    ['a key that is missing', { body: { ok: true } }, answer({}), 'body.ok is missing, expected true'],
    ['null is not missing', { body: { error: null } }, answer({ error: null }), undefined],
    ['missing is not null', { body: { error: null } }, answer({}), 'body.error is missing, expected null'],
    ['a number is no text', { body: { n: 1 } }, answer({ n: '1' }), 'body.n is "1", expected 1'],
    ['a key that everything has', { body: { toString: 1 } }, answer({}), 'body.toString is missing, expected 1'],
    ['a key that is no word', { body: { 'a b': 1 } }, answer({ 'a b': 2 }), 'body["a b"] is 2, expected 1'],
    ['the body of an HTTP answer is parsed', { body: { ok: true } }, answer(http('{"ok":true,"n":1}')), undefined],
    ['… from base64', { body: { ok: true } }, answer(http('eyJvayI6dHJ1ZX0=', { isBase64Encoded: true })), undefined],
    ['… and is text where it is no JSON', { body: 'fine' }, answer(http('fine')), undefined],
    ['… or where text is expected', { body: '42' }, answer(http('42')), undefined],
    ['… or what it stands for', { body: 42 }, answer(http('42')), undefined],
    [
      '… and not the answer around it',
      { body: { statusCode: 200 } },
      answer(http('{}')),
      'body.statusCode is missing, expected 200',
    ],
    ['an HTTP answer without a body', { body: { ok: true } }, answer({ statusCode: 200 }), 'there is no body'],
    [
      'an HTTP answer whose body is a map',
      { body: { ok: true } },
      answer({ statusCode: 200, body: { ok: true } }),
      undefined,
    ],
    ['nothing where a body is expected', { body: { ok: true } }, answer(undefined), 'there is no body'],
    [
      'text that is no JSON',
      { body: { ok: true } },
      answer(undefined, { payload: 'oops' }),
      'body is "oops", expected a map',
    ],
    ['fast enough by its own report', { maxDurationMs: 813 }, answer(1, { logTail: `${REPORT}\n` }), undefined],
    ['too slow', { maxDurationMs: 812 }, answer(1, { logTail: REPORT }), 'it took 812 ms, expected at most 812 ms'],
    ['too slow as the caller sees it', { maxDurationMs: 99 }, answer(1), 'it took 100 ms, expected at most 99 ms'],
    [
      'everything that differs is named',
      { status: 200, body: { ok: true }, maxDurationMs: 10 },
      answer({ statusCode: 500, body: '{"ok":false}' }),
      'it answered status 500, expected 200; body.ok is false, expected true; it took 100 ms, expected at most 10 ms',
    ],
  ];
  it.each(cases)('%s', (_, expected, given, problem) => {
    const verdict = judge(expected, given, 100, same);
    expect(verdict.isHealthy ? undefined : verdict.what).toBe(problem);
  });

  it('what passed is said in a few words', () => {
    expect(judge({ status: 200 }, answer({ statusCode: 200 }), 100, same).what).toBe('status 200');
    expect(judge({ maxDurationMs: 900 }, answer(1, { logTail: REPORT }), 100, same).what).toBe('status 200, 812 ms');
  });
});

describe('the time that Lambda reports', () => {
  const platform = JSON.stringify({
    type: 'platform.report',
    record: { metrics: { durationMs: 3.4, initDurationMs: 900 } },
  });
  it.each([
    ['a line of text', REPORT, 812.4],
    ['a document, where the log is JSON', `{"level":"INFO"}\n${platform}\n`, 3.4],
    ['the last one: a handler may print such a line', `REPORT RequestId: x Duration: 1 ms\n${REPORT}\n`, 812.4],
    ['none', 'END RequestId: 8f5\n', undefined],
    ['none in broken JSON', '{"type":"platform.report"\n{"type":"platform.report","record":1}', undefined],
  ])('%s', (_, logTail, expected) => expect(handlerMs(logTail)).toBe(expected));
});

describe('what a message quotes of a body', () => {
  const secret = 'hunter2-hunter2';
  const redact = (text: string): string => text.replaceAll(secret, '(secret)');

  it('no value at a path that nobody expects, no map or list whole, no known secret, nothing long', () => {
    const body = {
      token: 'planted',
      user: { token: 'planted' },
      list: ['planted'],
      key: secret,
      text: 'x'.repeat(500),
    };
    const expected = { user: 'a', list: 'b', key: 'c', text: 'd' };
    const text = bodyProblems(expected, JSON.stringify(body), redact).join('\n');
    expect(text).not.toContain('planted');
    expect(text).not.toContain(secret);
    expect(text).toContain('body.key is "(secret)", expected "c"');
    expect(text.length).toBeLessThan(300);
  });

  it('five differences, the others counted', () => {
    const expected = Array.from({ length: 9 }, () => 1);
    const problems = bodyProblems(expected, JSON.stringify(expected.map(() => 2)), same);
    expect([problems.length, problems.at(-1)]).toEqual([6, '4 more']);
  });
});

describe('a body', () => {
  const json = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.parse(JSON.stringify(value)) as Json);
  const asBody = (body: Json): string => JSON.stringify({ statusCode: 200, body: JSON.stringify(body) });

  it('matches itself, as an answer and as the body of one', () => {
    fc.assert(
      fc.property(json, (body) => {
        expect(bodyProblems(body, asBody(body), same)).toEqual([]);
        expect(bodyProblems(body, JSON.stringify(body), same)).toEqual([]);
      }),
    );
  });

  it('matches what leaves keys out of it, and not what has one more', () => {
    const map = fc.dictionary(fc.string(), json, { minKeys: 1 });
    fc.assert(
      fc.property(map, fc.nat(), (whole, at) => {
        const body = JSON.parse(JSON.stringify(whole)) as Record<string, Json>;
        const gone = Object.keys(body)[at % Object.keys(body).length] ?? '';
        const part = Object.fromEntries(Object.entries(body).filter(([key]) => key !== gone));
        expect(bodyProblems(part, asBody(body), same)).toEqual([]);
        expect(bodyProblems(body, asBody(part), same)).toHaveLength(1);
      }),
    );
  });
});
