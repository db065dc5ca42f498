import { DeployError } from '../errors.js';
import type { Context } from './context.js';

/**
 * With `--require-other-approver` the address that unblocked the build must not be its creator's; one that is empty (a schedule, a
 * trigger, no block step) refuses, too. It catches who approves by habit, and proves nothing: of a build that a webhook started,
 * Buildkite takes the creator from the commit's author, which anybody can write, and hooks and commands can change what a job finds in
 * its environment. So the author is compared there, too; who may unblock is decided by `allowed_teams` of the block step.
 *
 * @see https://buildkite.com/docs/pipelines/configure/environment-variables
 * @throws NOT_APPROVED before any call
 */
export function requireOtherApprover({ host, options }: Pick<Context, 'host' | 'options'>): void {
  if (options['requireOtherApprover'] !== true) return;
  const approver = addressOf(host.env['BUILDKITE_UNBLOCKER_EMAIL']);
  const creator = addressOf(host.env['BUILDKITE_BUILD_CREATOR_EMAIL']);
  if (host.env['BUILDKITE'] !== 'true') throw refused('this is no build on Buildkite');
  if (approver === '') throw refused('nobody unblocked this build, or Buildkite does not say who');
  if (creator === '') throw refused('Buildkite does not say who created this build');
  if (approver === creator) throw refused(`${approver} created this build, and unblocked it`);
  const isPushed = host.env['BUILDKITE_SOURCE'] === 'webhook';
  if (isPushed && approver === addressOf(host.env['BUILDKITE_BUILD_AUTHOR_EMAIL']))
    throw refused(`${approver} is the author of this build’s commit, and unblocked it`);
}

function addressOf(email: string | undefined): string {
  return (email ?? '').trim().toLowerCase();
}

function refused(why: string): DeployError {
  const detail = `${why}; --require-other-approver wants it unblocked by somebody who did not create it. Nothing was called.`;
  return new DeployError('NOT_APPROVED', detail, {
    fix: 'let another person unblock the step in a build that a person created; allowed_teams on it say who may.',
  });
}
