import { expect, it } from 'vitest';
import { specDigest } from '../../src/spec/digest.js';
import { toDesired } from '../../src/spec/load.js';
import { load } from './helpers.js';

it('is stable: changing it would make every record look like another spec', () => {
  expect(specDigest({ timeout: 30, tags: { b: null, a: 'x' } }, 'sha')).toBe(
    'ab78eaa91ec8c87de0ea3b6019fa20bcf1bc698b1f7e1c1f3c3022364ebef087',
  );
});

it.each([
  ['the order of keys does not count', { a: 1, b: [1, 2] }, { b: [1, 2], a: 1 }, true],
  ['the order of a list does', { b: [1, 2] }, { b: [2, 1] }, false],
  ['text is not a number', { a: '1' }, { a: 1 }, false],
])('%s', (_, one, two, isEqual) => expect(specDigest(one, 'x') === specDigest(two, 'x')).toBe(isEqual));

it('the code counts, its absence too', () => {
  expect(new Set([specDigest({}, 'a'), specDigest({}, 'b'), specDigest({}, undefined)]).size).toBe(3);
});

it('values of variables do not count, what is written does', async () => {
  const digest = async (text: string, value: string) =>
    toDesired(await load(`version: 1\nfunctions:\n  a: { environment: { AA: "${text}" } }\n`, { X: value }), new Map())
      .functions[0]?.specDigest;
  expect(await digest('${X}', 'one')).toBe(await digest('${X}', 'two'));
  expect(await digest('${X}', 'one')).not.toBe(await digest('one', 'one'));
});
