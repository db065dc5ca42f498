import { DeployError } from '../errors.js';
import type { BuildAgentPort } from '../model/ports.js';
import { runProgram } from './process.js';

const PROGRAM = 'buildkite-agent';

/** How long a call may take: the agent itself repeats what Buildkite did not take, for minutes. */
export interface CallLimits {
  /** Annotations, meta-data, the redactor. */
  readonly shortMs: number;
  /** Artifacts: a plan file carries the archives of its functions. */
  readonly artifactMs: number;
  readonly stepsMs: number;
  /** All calls that are made after a signal, together; records may take until {@link LAST_MOMENT_MS}. */
  readonly afterSignalMs: number;
}

export const CALL_LIMITS: CallLimits = {
  shortMs: 15_000,
  artifactMs: 300_000,
  stepsMs: 60_000,
  afterSignalMs: 2_000,
};

/** No call goes on for longer than this after a signal: Buildkite gives a cancelled job nine seconds, and then kills it. */
export const LAST_MOMENT_MS = 8_000;

/** @see https://buildkite.com/docs/pipelines/configure/build-meta-data */
export const MAX_META_DATA_BYTES = 100_000;
/** @see https://buildkite.com/docs/agent/cli/reference/annotate */
export const MAX_ANNOTATION_BYTES = 1_048_576;
export const MAX_CONTEXT_CHARACTERS = 100;
/** The agent's redactor knows no shorter ones. */
export const MIN_SECRET_BYTES = 6;

export interface BuildAgentOptions {
  /** With PATH, and what the agent gave to the job. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Artifacts are named relative to it. */
  readonly cwd: string;
  /** Aborted when the job is cancelled. */
  readonly signal: AbortSignal;
  readonly limits?: CallLimits;
}

interface Call {
  readonly args: readonly string[];
  readonly input?: string;
  readonly limitMs: number;
}

/**
 * `buildkite-agent`, as the PATH has it, one run a call: without a shell, with everything that is not a name by stdin, and for a
 * bounded time. Every method throws BUILD_AGENT, with the agent's own last words, and before it calls where the agent would refuse.
 */
export function createBuildAgent(options: BuildAgentOptions): BuildAgentPort {
  const limits = options.limits ?? CALL_LIMITS;
  const patience = new Patience(options.signal, limits.afterSignalMs);
  const call = (args: readonly string[], limitMs: number, input = ''): Promise<string> =>
    runAgent(options, patience, { args, limitMs, input });
  return {
    async annotate({ context, style, body, priority }) {
      requireAnnotation(context, body);
      const first = priority === undefined ? [] : ['--priority', String(priority)];
      await call(['annotate', '--context', context, '--style', style, ...first], limits.shortMs, body);
    },
    async setMetaData(key, value) {
      requireMetaData(key, value);
      await call(['meta-data', 'set', key], limits.shortMs, value);
    },
    async getMetaData(key) {
      requireName('a key of the meta-data', key);
      // No value is empty, so an empty one is the default. Newer agents end what they print with a line feed.
      const value = await call(['meta-data', 'get', '--default', '', key], limits.shortMs);
      const printed = value.replace(/\n$/, '');
      return printed === '' ? undefined : printed;
    },
    async uploadArtifact(path) {
      requirePath(path);
      await call(['artifact', 'upload', path], limits.artifactMs);
    },
    async downloadArtifact(path, directory, step) {
      requirePath(path);
      if (step !== undefined) requireName('the key of a step', step);
      const ofStep = step === undefined ? [] : ['--step', step];
      await call(['artifact', 'download', ...ofStep, path, directory], limits.artifactMs);
    },
    async uploadSteps(pipeline) {
      await call(['pipeline', 'upload', '--no-interpolation'], limits.stepsMs, pipeline);
    },
    async addSecrets(values) {
      const long = [...new Set(values)].filter((value) => Buffer.byteLength(value) >= MIN_SECRET_BYTES);
      if (long.length === 0) return;
      const json = JSON.stringify(Object.fromEntries(long.map((value, index) => [String(index), value])));
      await call(['redactor', 'add', '--format', 'json'], limits.shortMs, json);
    },
  };
}

async function runAgent({ env, cwd, signal }: BuildAgentOptions, patience: Patience, call: Call): Promise<string> {
  const { cut, done } = patience.begin(call.limitMs);
  const ended = await runProgram(PROGRAM, call.args, { input: call.input ?? '', env, cwd, cut }).finally(done);
  if (ended.status === 'ended' && ended.exitCode === 0) return ended.out;
  if (ended.status === 'cut' && signal.aborted) throw failed(call, 'was cut off, because this job is being cancelled.');
  if (ended.status === 'cut') throw failed(call, `did not end within ${call.limitMs / 1000} s.`, new AgentGone());
  if (ended.status === 'unstarted') {
    const why = ended.reason === 'ENOENT' ? 'it is not on the PATH' : ended.reason;
    throw failed(call, `cannot be started: ${why}.`, new AgentGone());
  }
  throw failed(call, `ended with exit code ${ended.exitCode ?? '(killed)'}: ${lastWords(ended.err)}`);
}

/** The cause of an error that any other call would meet, too: the agent is absent, or does not answer. */
export class AgentGone extends Error {}

function failed({ args }: Call, why: string, cause?: AgentGone): DeployError {
  const verb = args[0] === 'annotate' ? args.slice(0, 1) : args.slice(0, 2);
  return new DeployError('BUILD_AGENT', `${PROGRAM} ${verb.join(' ')} ${why}`, {
    fix: 'see that the job runs under an agent that is up to date and reaches Buildkite, then run the step again.',
    cause,
  });
}

/** Its last two lines say why, as a sentence; before them it tells what it tried. */
function lastWords(err: string): string {
  const lines = err.split('\n').map((line) => line.replace(/\u001b\[[\d;]*m/g, '').trim());
  const words = lines.filter((line) => line !== '').slice(-2);
  return words.length === 0 ? 'it said nothing.' : words.join(' ').replace(/\.?$/, '.');
}

/** How long calls may take: each its own time, and after a signal what is left of one short time for all. */
class Patience {
  private abortedAt: number | undefined;
  private window: number | undefined;

  constructor(
    private readonly signal: AbortSignal,
    private readonly afterSignalMs: number,
  ) {
    const note = (): void => void (this.abortedAt = performance.now());
    if (signal.aborted) note();
    else signal.addEventListener('abort', note, { once: true });
  }

  begin(limitMs: number): { readonly cut: AbortSignal; readonly done: () => void } {
    const { signal } = this;
    const cutting = new AbortController();
    const mayTakeMs = signal.aborted ? this.left(limitMs) : limitMs;
    // No time is left: the program is not started at all.
    if (mayTakeMs === 0) cutting.abort();
    let timer = setTimeout(() => cutting.abort(), mayTakeMs);
    const hurry = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => cutting.abort(), Math.min(limitMs, this.afterSignalMs));
    };
    if (!signal.aborted) signal.addEventListener('abort', hurry, { once: true });
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', hurry);
    };
    return { cut: cutting.signal, done };
  }

  /** The first call after the signal opens the time that all of them share. */
  private left(limitMs: number): number {
    const now = performance.now();
    const last = (this.abortedAt ?? now) + LAST_MOMENT_MS;
    this.window ??= Math.min(now + this.afterSignalMs, last);
    return Math.max(0, Math.min(limitMs, this.window - now));
  }
}

function requireAnnotation(context: string, body: string): void {
  requireName('the context of an annotation', context);
  const characters = [...context].length;
  if (characters > MAX_CONTEXT_CHARACTERS)
    throw refused(
      `the context of an annotation has ${characters} characters; Buildkite takes ${MAX_CONTEXT_CHARACTERS}.`,
    );
  const bytes = Buffer.byteLength(body);
  if (bytes > MAX_ANNOTATION_BYTES)
    throw refused(`the body of an annotation has ${bytes} bytes; Buildkite takes ${MAX_ANNOTATION_BYTES}.`);
  if (body.trim() === '') throw refused('the body of an annotation is empty.');
}

function requireMetaData(key: string, value: string): void {
  requireName('a key of the meta-data', key);
  if (key.startsWith('buildkite:')) throw refused(`the key ${JSON.stringify(key)} is one of Buildkite’s own.`);
  if (value.trim() === '')
    throw refused(`the value of ${JSON.stringify(key)} is empty, which the meta-data cannot hold.`);
  const bytes = Buffer.byteLength(value);
  if (bytes > MAX_META_DATA_BYTES)
    throw refused(
      `the value of ${JSON.stringify(key)} has ${bytes} bytes; the meta-data takes ${MAX_META_DATA_BYTES}.`,
    );
}

/** The agent takes a pattern, and several of them with `;` between. */
function requirePath(path: string): void {
  requireName('the path of an artifact', path);
  if (/[*?[\]{};\\]/.test(path))
    throw refused(`the path ${JSON.stringify(path)} has a character that means a pattern to ${PROGRAM}.`);
}

/** What begins with a hyphen would be taken for an option. */
function requireName(what: string, name: string): void {
  if (name.trim() === '') throw refused(`${what} is empty.`);
  if (name.startsWith('-')) throw refused(`${what}, ${JSON.stringify(name)}, begins with a hyphen.`);
  if (name.includes('\0')) throw refused(`${what} has a zero byte.`);
}

function refused(detail: string): DeployError {
  return new DeployError('BUILD_AGENT', detail, { fix: 'give it another name or a shorter value.' });
}
