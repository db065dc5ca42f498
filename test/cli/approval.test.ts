import { describe, expect, it } from 'vitest';
import { requireOtherApprover } from '../../src/cli/approval.js';

const ENV = {
  BUILDKITE: 'true',
  BUILDKITE_SOURCE: 'webhook',
  BUILDKITE_UNBLOCKER_EMAIL: 'grace@example.com',
  BUILDKITE_BUILD_CREATOR_EMAIL: 'ada@example.com',
};

function ask(env: Readonly<Record<string, string>>): void {
  const options = { function: [], alias: [], requireOtherApprover: true };
  requireOtherApprover({ host: { env: { ...ENV, ...env } }, options } as never);
}

describe('--require-other-approver', () => {
  it.each([
    ['no author', {}],
    ['another author', { BUILDKITE_BUILD_AUTHOR_EMAIL: 'ada@example.com' }],
    [
      'the author, of a build that a person started',
      { BUILDKITE_BUILD_AUTHOR_EMAIL: 'grace@example.com', BUILDKITE_SOURCE: 'ui' },
    ],
  ])('agrees: %s', (_, env) => expect(() => ask(env)).not.toThrow());

  it.each([
    ['the creator', { BUILDKITE_UNBLOCKER_EMAIL: ' ADA@example.com' }, 'created this build'],
    [
      'the author behind a creator’s noreply address',
      {
        BUILDKITE_BUILD_CREATOR_EMAIL: '1+grace@users.noreply.example',
        BUILDKITE_BUILD_AUTHOR_EMAIL: 'Grace@example.com',
      },
      'is the author of this build’s commit',
    ],
    ['nobody', { BUILDKITE_UNBLOCKER_EMAIL: '' }, 'nobody unblocked'],
    ['no creator', { BUILDKITE_BUILD_CREATOR_EMAIL: ' ' }, 'does not say who created'],
    ['no build', { BUILDKITE: '' }, 'no build on Buildkite'],
  ])('refuses %s', (_, env, why) => expect(() => ask(env)).toThrow(why));
});
