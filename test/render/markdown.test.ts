import { describe, expect, it } from 'vitest';
import { block } from '../../src/render/markdown.js';

describe('Markdown', () => {
  it('a block cannot be ended by what is in it', () => {
    expect(block([['```'], ['# no heading']])).toBe('````text\n```\n# no heading\n````\n');
    expect(block([[]])).toBe('');
  });
});
