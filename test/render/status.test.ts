import { describe, expect, it } from 'vitest';
import type { AliasStatus, FunctionStatus, StatusDocument } from '../../src/model/status.js';
import { renderStatus, statusMarkdown } from '../../src/render/status.js';
import { cut, lasted, plain } from '../../src/render/text.js';

const DAY = 86_400;
const alias: AliasStatus = {
  name: 'live',
  version: '7',
  weights: { '8': 0.1 },
  since: '2026-11-24T09:30:00.000Z',
  sinceFrom: 'record',
  ageSeconds: 3 * DAY,
  lastRecord: {
    id: 'x',
    action: 'deploy',
    result: 'rolled_back',
    at: '2026-11-24T09:30:00.000Z',
    ageSeconds: 300,
    actor: '山田太郎'.repeat(9),
    commit: '1a2b3c4d5e6f',
  },
  markers: [{ kind: 'abandoned', startedAt: '2026-11-24T09:30:00.000Z' }],
};
const failed: FunctionStatus = {
  name: 'orders',
  region: 'eu-west-1',
  status: 'found',
  latest: {
    state: 'Active',
    lastUpdateStatus: 'Failed',
    reason: 'The role defined for the function cannot be assumed by Lambda.',
    codeSha256: 'x',
    lastModified: '2026-11-24T09:30:00.000Z',
    ageSeconds: 1,
  },
  aliases: [
    alias,
    {
      ...alias,
      name: 'gone',
      version: null,
      weights: {},
      since: null,
      ageSeconds: null,
      lastRecord: null,
      markers: [],
    },
  ],
  undeclaredAliases: [{ name: 'old', version: '2', weights: {} }],
  drift: { state: 'drifted', paths: ['a', 'b', 'c', 'd', 'e'], pending: ['timeout'], notes: [] },
};
const document: StatusDocument = {
  formatVersion: '1',
  command: 'status',
  functions: [
    failed,
    {
      name: 'closed',
      status: 'unreadable',
      error: { code: 'AWS_ACCESS_DENIED', message: 'denied', hint: 'allow it.' },
    },
  ],
};

it('says what is not good, in AWS’s words, and cuts what would not fit', () => {
  expect(plain(renderStatus(document)).split('\n')).toEqual([
    'orders (eu-west-1)  Active, last update Failed',
    '  The role defined for the function cannot be assumed by Lambda.',
    '  live  version 7, 10 % on 8  since 3 d  rolled back 5 min ago, 山田太郎山田太郎山田太郎山田太…, 1a2b3c4d',
    '  gone  does not exist                   nothing recorded',
    '  abandoned: live, a deployment since 2026-11-24T09:30:00.000Z; the next apply ends it',
    '  not declared: alias old → version 2',
    '  drift: a, b, c, d, 1 more',
    '  pending: timeout',
    '',
    'closed  cannot be read',
    '  error[AWS_ACCESS_DENIED] denied',
    '  fix: allow it.',
    '',
  ]);
});

it('is one table in Markdown, which nothing in it can end', () => {
  const hostile = { ...document, functions: [{ ...failed, latest: { ...failed.latest, reason: 'a | b\n<img>' } }] };
  const lines = statusMarkdown(hostile).trimEnd().split('\n');
  expect(lines).toHaveLength(5);
  expect(lines[2]).toContain('a \\| b \\<img\\>');
  expect(lines[4]).toContain('not declared');
});

describe('text', () => {
  it.each([
    ['a name', 6, 'a name'],
    ['a name', 5, 'a na…'],
    ['日本語', 6, '日本語'],
    ['日本語', 5, '日本…'],
    ['e\u0301te\u0301', 3, 'e\u0301te\u0301'],
  ])('%s in %i columns', (text, most, shown) => expect(cut(text, most)).toBe(shown));

  it.each([
    [0, '0 s'],
    [59, '59 s'],
    [60, '1 min'],
    [7_199, '1 h'],
    [100 * DAY, '100 d'],
  ])('%i seconds', (seconds, shown) => expect(lasted(seconds)).toBe(shown));
});
