import { describe, expect, it } from 'vitest';
import { printable, printableJson } from '../../src/model/printable.js';
import { as, columns, duration, oneLine, plain, shownValue } from '../../src/render/text.js';

describe('text from outside', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['colours of a terminal', '\u001b[31mred\u001b[0m', '\ufffd[31mred\ufffd[0m'],
    ['a C1 control sequence', '\u009b2Jgone', '\ufffd2Jgone'],
    ['a carriage return that overwrites the line', 'failed\rsucceeded', 'failed\ufffdsucceeded'],
    ['a backspace', 'ab\b\bxy', 'ab\ufffd\ufffdxy'],
    ['a title escape', '\u001b]0;pwned\u0007', '\ufffd]0;pwned\ufffd'],
    ['a right-to-left override', 'gpj\u202eexe', 'gpj\ufffdexe'],
    ['a bidi isolate', 'a\u2067b\u2069', 'a\ufffdb\ufffd'],
    ['an Arabic letter mark', 'a\u061cb', 'a\ufffdb'],
    ['zero-width characters', 'a\u200bb\u2060c\ufeffd', 'a\ufffdb\ufffdc\ufffdd'],
    ['a line separator', 'a\u2028b', 'a\ufffdb'],
    ['tag characters, which are invisible', `a${String.fromCodePoint(0xe0041)}b`, 'a\ufffdb'],
    ['a forged line of ours', 'oops\nApply succeeded.', 'oops\n    Apply succeeded.'],
    ['a forged group of Buildkite', 'oops\r\n+++ all fine', 'oops\n    +++ all fine'],
    ['letters of any script, emoji and tabs', 'größe 鍵 🚀\tمرحبا', 'größe 鍵 🚀\tمرحبا'],
  ];
  it.each(cases)('%s', (_why, text, shown) => expect(printable(text)).toBe(shown));

  it.each(cases)('%s: in JSON it is escaped, and the value is the same', (_why, text) => {
    const json = printableJson(JSON.stringify({ text }));
    expect(JSON.parse(json)).toEqual({ text });
    expect(printable(json)).toBe(json);
  });
});

describe('values on one line', () => {
  it.each([
    ['a string', 'arn:aws:iam::1:role/x', 'arn:aws:iam::1:role/x'],
    ['nothing', null, '(none)'],
    ['an empty string', '', '""'],
    ['a string with a line break', 'a\nb', '"a\\nb"'],
    ['a number', 128, '128'],
    ['a list', ['a', 'b'], '["a","b"]'],
    ['a map', { size: 512 }, '{"size":512}'],
  ])('%s', (_why, value, shown) => {
    expect(oneLine(value)).toBe(shown);
    expect(shownValue(value)).toBe(shown);
  });

  it('a huge one is cut where that is asked for', () => {
    const shown = shownValue('x'.repeat(100_000));
    expect(shown.length).toBeLessThan(100);
    expect(shown.endsWith('…')).toBe(true);
  });
});

describe('durations', () => {
  it.each([
    [0, '0 ms'],
    [850.4, '850 ms'],
    [999.9, '999 ms'],
    [1000, '1.0 s'],
    [12_345, '12.3 s'],
    [59_990, '59.9 s'],
    [60_000, '1 min 0 s'],
    [119_900, '2 min 0 s'],
    [250_000, '4 min 10 s'],
  ])('%d ms is %s', (milliseconds, shown) => expect(duration(milliseconds)).toBe(shown));
});

describe('columns', () => {
  it('are as wide as their widest cell, emoji counted once, roles kept, no blanks at the end', () => {
    const lines = columns([['a', 'bb', 'c'], ['größer', as('dim', '🚀'), ''], ['x']], '> ');
    expect(plain(lines)).toBe('> a       bb  c\n> größer  🚀\n> x\n');
    expect(lines[1]).toContainEqual(as('dim', '🚀'));
  });
});
