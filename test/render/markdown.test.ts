import { describe, expect, it } from 'vitest';
import { block, code, details, strong, table, text } from '../../src/render/markdown.js';

describe('Markdown', () => {
  it.each([
    ['a link', '[x](https://evil)', '\\[x\\]\\(https\\://evil\\)'],
    ['HTML', '<script>&amp;', '\\<script\\>&amp;amp;'],
    ['the end of a cell', 'a|b\nc', 'a\\|b c'],
    ['a mention and an emoji', '@team :rocket:', '\\@team \\:rocket\\:'],
    ['a name', 'orders', 'orders'],
  ])('text shows %s as it is', (_what, value, expected) => {
    expect(text(value)).toBe(expected);
  });

  it.each([
    ['plain', 'a_b', '`a_b`'],
    ['a backtick', 'a`b', '``a`b``'],
    ['backticks at its ends', '`a`', '`` `a` ``'],
    ['a bar, also in a table', 'a|b', '`a\\|b`'],
    ['two lines', 'a\r\n\tb', '`a b`'],
    ['nothing', '', ''],
  ])('code holds %s', (_what, value, expected) => {
    expect(code(value)).toBe(expected);
  });

  it('a table has as many cells a row as its head', () => {
    expect(table(['a', 'b'], [['1'], ['2', '3', '4']])).toBe('| a | b |\n| --- | --- |\n| 1 |  |\n| 2 | 3 |\n');
    expect(table(['a'], [])).toBe('');
  });

  it('a block cannot be ended by what is in it', () => {
    expect(block([['```'], ['# no heading']])).toBe('````text\n```\n# no heading\n````\n');
    expect(block([[]])).toBe('');
  });

  it('details fold what they hold', () => {
    expect(details(strong('more'), 'x\n\n')).toBe('<details>\n<summary>**more**</summary>\n\nx\n\n</details>\n');
  });
});
