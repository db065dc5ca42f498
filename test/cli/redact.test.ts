import { describe, expect, it } from 'vitest';
import { Redactor } from '../../src/cli/redact.js';
import { Secret } from '../../src/model/secret.js';

const VALUE = 'pa"ss\\word-9f8e7d6c';

function knowing(value: string): Redactor {
  const redactor = new Redactor('STAGE: production');
  redactor.learn(new Secret(value));
  return redactor;
}

describe('a secret is found', () => {
  const json = JSON.stringify({ value: VALUE });
  it.each([
    ['as it is', `token ${VALUE} sent`],
    ['in JSON', json],
    ['in JSON inside JSON, as an error message has it', JSON.stringify({ errorMessage: json })],
    ['in a URL', `https://x/?q=${encodeURIComponent(VALUE)}`],
    ['in base64', Buffer.from(VALUE).toString('base64')],
    ['in base64 behind one byte', Buffer.from(`:${VALUE}`).toString('base64')],
    ['in base64 behind two bytes', Buffer.from(`a:${VALUE}`).toString('base64')],
    ['in base64 of user:password', Buffer.from(`user:${VALUE}\n`).toString('base64')],
  ])('%s', (_where, text) => {
    const redacted = knowing(VALUE).redact(text);
    expect(redacted).toContain('(secret)');
    expect(redacted).not.toContain('9f8e7d6c');
    expect(Buffer.from(redacted, 'base64').toString()).not.toContain('9f8e7d6c');
  });
});

it.each([
  ['a short value, which would blot out words', 'on'],
  ['a value that stands in the file', 'production'],
])('%s is left alone', (_why, value) => {
  expect(knowing(value).redact(`production is on`)).toBe('production is on');
});
