import { vi } from 'vitest';
import { systemClock } from '../../src/aws/clock.js';
import { run } from '../../src/cli/run.js';

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

/** Runs the whole program in this process against an endpoint; nobody can be asked. Needs {@link stubCredentials}. */
export async function runCli(cwd: string, endpoint: string, ...argv: readonly string[]): Promise<RunResult> {
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
    clock: systemClock,
    random: Math.random,
  });
  return { exitCode, stdout, stderr };
}
