import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commandLine, shellWord } from '../../src/render/shell.js';
import { interpolate } from '../buildkite/interpolate.js';

const DOUBLED = (text: string): string => text.replaceAll('$', '$$$$');

describe('a word of a command line', () => {
  it.each([
    ['plain', 'lambda.deploy.yaml', 'lambda.deploy.yaml'],
    ['empty', '', `''`],
    ['a blank', 'a b', `'a b'`],
    ['a quote', `it's`, `'it'\\''s'`],
    ['a command', '$(id)', `'$(id)'`],
    ['a backslash before a dollar', '\\$X', `'\\''$X'`],
    ['a tilde, which a shell expands', '~', `'~'`],
  ])('%s', (_, text, expected) => {
    expect(shellWord(text)).toBe(expected);
  });

  it('is exactly the text, after an agent has filled variables in and a shell has read it', () => {
    const text = fc.string({
      unit: fc.oneof(fc.constantFrom(...`\\$'"\`({}*?~!#&;|<> \n\t-=é`), fc.string()),
      maxLength: 12,
    });
    const words = fc.array(
      text.filter((word) => !word.includes('\0')),
      { minLength: 40, maxLength: 40 },
    );
    fc.assert(
      fc.property(words, (given) => {
        const line = interpolate(DOUBLED(commandLine(given)), { X: 'filled in' });
        const read = execFileSync('sh', ['-c', `for word in ${line}; do printf '%s\\0' "$word"; done`]).toString();
        expect(read.split('\0').slice(0, -1)).toEqual(given);
      }),
      { numRuns: 20 },
    );
  });
});
