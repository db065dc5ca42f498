import { DeployError } from '../errors.js';
import type { Context } from './context.js';

/**
 * With `--require-other-approver` somebody other than the build's creator must have unblocked it. Buildkite gives no id of the
 * creator, so the addresses are compared; one that is empty (a schedule, a trigger, no block step) proves nothing and refuses, too.
 *
 * @see https://buildkite.com/docs/pipelines/configure/environment-variables: no job can change these variables
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
}

function addressOf(email: string | undefined): string {
  return (email ?? '').trim().toLowerCase();
}

function refused(why: string): DeployError {
  const detail = `${why}; --require-other-approver wants it unblocked by somebody who did not create it. Nothing was called.`;
  return new DeployError('NOT_APPROVED', detail, {
    fix: 'let another person unblock the step in a build that a person created.',
  });
}
