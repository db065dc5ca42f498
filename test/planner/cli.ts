import { vi } from 'vitest';
import { run } from '../../src/cli/run.js';
import type { Clock } from '../../src/model/ports.js';

export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A build that names no commit: git finds none in a temporary folder either, and is not started to say so at every run. */
export const NO_COMMIT = { BUILDKITE: 'true', BUILDKITE_COMMIT: '', BUILDKITE_BRANCH: '' };

/** Credentials that the sandbox takes, where the SDK looks for them. Undone by `vi.unstubAllEnvs`. */
export function stubCredentials(): void {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'anybody');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'sandbox');
  vi.stubEnv('AWS_SESSION_TOKEN', '');
  vi.stubEnv('AWS_REGION', 'us-east-1');
}

/** Time that passes as soon as somebody waits for it: a rollout of minutes takes none of the machine's. */
export function skippingClock(): Clock {
  let skipped = 0;
  return {
    now: () => Date.now() + skipped,
    async sleep(milliseconds, signal) {
      signal?.throwIfAborted();
      skipped += Math.ceil(milliseconds);
      await Promise.resolve();
    },
  };
}

/** Runs the whole program in this process against an endpoint; nobody can be asked. Needs {@link stubCredentials}. */
export async function runCli(
  cwd: string,
  endpoint: string,
  clock: Clock,
  ...argv: readonly string[]
): Promise<RunResult> {
  let stdout = '';
  let stderr = '';
  const exitCode = await run([...argv, '--endpoint-url', endpoint], {
    env: NO_COMMIT,
    cwd,
    writeOut: (text) => void (stdout += text),
    writeErr: (text) => void (stderr += text),
    isTerminal: { stdin: false, stdout: false, stderr: false },
    ask: () => Promise.reject(new Error('nobody is there to be asked')),
    signal: new AbortController().signal,
    signalExitCode: () => 143,
    startedAt: Date.now(),
    clock,
    random: Math.random,
  });
  return { exitCode, stdout, stderr };
}
