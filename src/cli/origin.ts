import { createHash } from 'node:crypto';
import { userInfo } from 'node:os';
import type { Origin } from '../model/record.js';
import { askGit } from './git.js';
import type { Host } from './host.js';

/** Who deploys what, and who allowed it: from the build's variables, otherwise from git and the user's name. Best effort, never throws. */
export async function readOrigin(host: Pick<Host, 'env' | 'cwd'>): Promise<Origin> {
  const { env } = host;
  const isBuild = env['BUILDKITE'] === 'true';
  // No git, or no repository: the record just does not say.
  const git = async (...words: string[]): Promise<string | undefined> => {
    const answer = await askGit(host, ...words);
    return 'out' in answer && answer.out !== '' ? answer.out : undefined;
  };
  // BUILDKITE_COMMIT can be the word HEAD, on builds made by hand.
  const named = isBuild && env['BUILDKITE_COMMIT'] !== 'HEAD' ? env['BUILDKITE_COMMIT'] : undefined;
  const [commit, branch] = await Promise.all([
    named ?? git('rev-parse', 'HEAD'),
    (isBuild ? env['BUILDKITE_BRANCH'] : undefined) ?? git('branch', '--show-current'),
  ]);
  const members = {
    commit,
    branch,
    build: env['BUILDKITE_BUILD_NUMBER'],
    buildUrl: env['BUILDKITE_BUILD_URL'],
    job: jobOf(env),
    actor: env['BUILDKITE_BUILD_CREATOR'] ?? userName(),
  };
  const approver = known({
    name: env['BUILDKITE_UNBLOCKER'],
    id: env['BUILDKITE_UNBLOCKER_ID'],
    email: env['BUILDKITE_UNBLOCKER_EMAIL'],
  });
  return { ...known(members), ...(Object.keys(approver).length === 0 ? {} : { approver }) };
}

/** What a job keeps when it is tried again; label and command are what tells the jobs of a matrix apart. */
const JOB = ['BUILD_ID', 'STEP_ID', 'PARALLEL_JOB', 'LABEL', 'COMMAND'] as const;

/**
 * Which try of which job of a build this is, as model/running.ts compares it; `undefined` outside of a build, and where the agent
 * does not name the step.
 */
export function jobOf(env: Host['env']): string | undefined {
  const { BUILDKITE_RETRY_COUNT: tried = '', BUILDKITE_BUILD_ID: build, BUILDKITE_STEP_ID: step } = env;
  if (env['BUILDKITE'] !== 'true' || !build || !step || !/^\d{1,3}$/.test(tried)) return undefined;
  const text = JSON.stringify(JOB.map((name) => env[`BUILDKITE_${name}`] ?? ''));
  return `${createHash('sha256').update(text).digest('hex').slice(0, 12)}.${Number(tried)}`;
}

function known(members: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  const entries = Object.entries(members).flatMap(([name, value]) => (value ? [[name, value] as const] : []));
  return Object.fromEntries(entries);
}

function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined; // a user id without an entry, as in many containers
  }
}
