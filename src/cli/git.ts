import { execFile } from 'node:child_process';
import type { Host } from './host.js';

/** Asking git may not hold a deployment up. */
const GIT_TIMEOUT_MS = 5_000;

/** A checkout may be a stranger's: nothing that its configuration names is run. */
const HARMLESS = ['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null', '--no-pager'];

/** What git answered; `problem` is its first line of complaint, or `missing` where there is no git. */
export type GitAnswer =
  { readonly exitCode: 0; readonly out: string } | { readonly exitCode: number | undefined; readonly problem: string };

/** Runs git in the working directory: no shell, no hook, no prompt, no network, five seconds at most. Never throws. */
export async function askGit({ env, cwd }: Pick<Host, 'env' | 'cwd'>, ...words: string[]): Promise<GitAnswer> {
  const quiet = {
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    // A partial clone would fetch what it lacks, through whatever transport its configuration names.
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: 'none',
  };
  return new Promise((resolve) => {
    const options = { cwd, env: { ...env, ...quiet }, timeout: GIT_TIMEOUT_MS };
    execFile('git', [...HARMLESS, ...words], options, (error, out, err) => {
      if (error === null) return resolve({ exitCode: 0, out: out.trim() });
      if (error.code === 'ENOENT') return resolve({ exitCode: undefined, problem: 'missing' });
      const exitCode = typeof error.code === 'number' ? error.code : undefined;
      const timedOut = `git did not answer within ${GIT_TIMEOUT_MS / 1000} s`;
      resolve({ exitCode, problem: error.killed === true ? timedOut : (err.trim().split('\n')[0] ?? '') });
    });
  });
}
