import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findJsonProblem } from '../../src/spec/json-text.js';

describe('where a text is no JSON', () => {
  it.each([
    ['nothing', '', 0],
    ['only space', ' \n', 2],
    ['a comma too many in a map', '{"a": 1,}', 8],
    ['a comma too many in a list', '[1,]', 3],
    ['a list that begins with a comma', '[,1]', 1],
    ['a word', '{"a": yes}', 6],
    ['a key without quotes', '{a: 1}', 1],
    ['a key without a colon', '{"a" 1}', 5],
    ['a number as a key', '{1: 1}', 1],
    ['single quotes', "{'a': 1}", 1],
    ['a comment', '{} // why', 3],
    ['two values', '{} {}', 3],
    ['brackets that do not fit', '[1}', 2],
    ['a bracket that nothing opened', ']', 0],
    ['a bracket left open', '{"a": [1', 8],
    ['a quote left open', '{"a": "b', 6],
    ['a line break in a text', '"a\nb"', 0],
    ['an escape that there is not', '"\\x41"', 0],
    ['a leading zero', '[01]', 1],
    ['a dot without digits', '[1.]', 1],
    ['a plus sign', '[+1]', 1],
    ['not a number', '[NaN]', 1],
    ['a byte order mark inside', '[\ufeff1]', 1],
  ])('%s', (_, text, offset) => expect(findJsonProblem(text)).toEqual({ offset, kind: 'syntax' }));

  it.each([
    ['an integer that would be rounded', '{"id": 12345678901234567890}', 7],
    ['a number without bound', '[1e999]', 1],
  ])('%s', (_, text, offset) => expect(findJsonProblem(text)).toEqual({ offset, kind: 'number' }));

  it('a megabyte of text in one string is read', () => {
    expect(findJsonProblem(`["${'\\n é'.repeat(250_000)}"]`)).toBeUndefined();
  });

  it('nowhere in what JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(findJsonProblem(JSON.stringify(value, null, 2))?.kind).not.toBe('syntax');
      }),
    );
  });

  it('wherever the platform refuses, and nowhere else', () => {
    const edit = fc.record({
      at: fc.nat(),
      drop: fc.nat(2),
      put: fc.constantFrom('', ',', ':', '"', '{', ']', '0', ' ', '\\', 'e', '-'),
    });
    fc.assert(
      fc.property(fc.json(), fc.array(edit, { maxLength: 3 }), (json, edits) => {
        let text = json;
        for (const { at, drop, put } of edits) {
          const from = at % (text.length + 1);
          text = text.slice(0, from) + put + text.slice(from + drop);
        }
        const problem = findJsonProblem(text);
        // What comes after such a number is not looked at.
        if (problem?.kind !== 'number') expect(problem === undefined).toBe(isJson(text));
      }),
    );
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
