import type { TimeLimit } from '../apply/time-limit.js';
import type { Host } from './host.js';
import type { Session } from './session.js';

/** What ends this run from outside: the build's timeout, and credentials that cannot be renewed. Asks nobody but the SDK. */
export async function readTimeLimits(host: Host, sessions: readonly Session[]): Promise<TimeLimit[]> {
  const ends = await Promise.all([...new Set(sessions)].map(({ lambda }) => lambda.credentialsEnd()));
  const expiries = ends.filter((end) => end !== undefined).map(credentialsLimit);
  return [...jobLimit(host), ...expiries];
}

/**
 * BUILDKITE_TIMEOUT is the step's `timeout_in_minutes`, `false` without one. The job began before this process (checkout, hooks),
 * and no variable says when: what it took is not known and not counted.
 * @see https://buildkite.com/docs/pipelines/environment-variables
 */
function jobLimit({ env, startedAt }: Host): TimeLimit[] {
  const minutes = Number(env['BUILDKITE_TIMEOUT']);
  if (env['BUILDKITE'] !== 'true' || !(minutes > 0)) return [];
  return [
    {
      at: startedAt + minutes * 60_000,
      what: 'the job ends',
      why: `BUILDKITE_TIMEOUT is ${minutes}`,
      fix: (needed) =>
        `raise timeout_in_minutes of the step: ${needed} min are needed from here on. Or shorten the rollout.`,
    },
  ];
}

function credentialsLimit(at: number): TimeLimit {
  return {
    at,
    what: 'the AWS credentials expire',
    why: 'they came from environment variables and cannot be renewed here',
    fix: (needed) =>
      `use credentials that are good for ${needed} min, or that can be renewed (a profile or a role), or shorten the rollout.`,
  };
}
