import type { CallLimits } from '../buildkite/agent.js';
import type { Clock } from '../model/ports.js';

/** The process as the commands see it; tests pass their own. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly writeOut: (text: string) => void;
  readonly writeErr: (text: string) => void;
  /** Whether each stream is a terminal. */
  readonly isTerminal: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
  /** What stderr is, where it is a terminal that can be drawn on. */
  readonly terminal?: NodeJS.WriteStream;
  /** Shows a question on stderr and answers what was typed, one line; throws what {@link signal} was aborted with. */
  readonly ask: (question: string) => Promise<string>;
  /** Aborted with an INTERRUPTED error on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** 130 or 143 once {@link signal} is aborted. */
  readonly signalExitCode: () => 130 | 143;
  /** When this process began, in milliseconds since the epoch. */
  readonly startedAt: number;
  readonly clock: Clock;
  readonly random: () => number;
  /** How long buildkite-agent may take; absent: what is right for a job. */
  readonly agentLimits?: CallLimits;
}

/**
 * Whether this is a job of a build on Buildkite, and not only in the environment of one.
 * @see https://buildkite.com/docs/pipelines/configure/environment-variables
 */
export function isJob({ env }: Pick<Host, 'env'>): boolean {
  return env['BUILDKITE'] === 'true' && Boolean(env['BUILDKITE_JOB_ID']);
}

/** The region that the environment names, as the SDK and the aws CLI read it; an empty variable is as good as none. */
export function regionOf({ env }: Pick<Host, 'env'>): string | undefined {
  return env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || undefined;
}
