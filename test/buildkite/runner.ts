import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { holds } from './conditional.js';
import { interpolateAll } from './interpolate.js';
import { type StandIn, standIn } from './support.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** What a build was started for. */
export interface BuildOf {
  readonly branch?: string;
  readonly source?: 'webhook' | 'schedule' | 'ui';
  readonly pullRequest?: { readonly number: number; readonly isFork: boolean };
}

export interface RunnerOptions extends BuildOf {
  /** What a job's checkout has; every job gets its own. */
  readonly checkout: string;
  /** Over what the agent gives: endpoints, and what agents have by themselves. */
  readonly env: Readonly<Record<string, string>>;
}

interface Step {
  readonly key: string;
  readonly block?: string;
  readonly label?: string;
  readonly if?: string;
  readonly depends_on?: string | readonly string[] | null;
  readonly env?: Readonly<Record<string, string>>;
  readonly commands?: readonly string[];
  readonly timeout_in_minutes?: number;
  readonly soft_fail?: unknown;
  readonly retry?: { readonly automatic?: false | readonly { readonly exit_status: number; readonly limit: number }[] };
  readonly fields?: readonly { readonly key: string; readonly options?: readonly { readonly value: string }[] }[];
}

/** `left out`: its `if` did not hold. `stuck`: what it depends on has failed. */
export type State = 'waiting' | 'left out' | 'blocked' | 'passed' | 'failed' | 'stuck';

export interface JobRun {
  readonly key: string;
  readonly exitCode: number;
  readonly log: string;
}

/** Kills the agent of a step, once, when its log has matched. */
export interface Loss {
  readonly key: string;
  readonly when: RegExp;
}

/** A build as an agent runs it: steps in order, uploads, blocks, retries. Every job is a shell of its own in its own checkout. */
export class Build {
  readonly jobs: JobRun[] = [];
  private readonly placed: { readonly step: Step; readonly uploadedBy?: string; state: State }[] = [];
  private unblocker: Readonly<Record<string, string>> = {};
  private seenUploads = 0;

  private constructor(
    readonly agent: StandIn,
    private readonly options: RunnerOptions,
    private readonly env: Readonly<Record<string, string>>,
  ) {}

  /** A build of a pipeline as it stands in a repository; nothing has run yet. */
  static async of(pipeline: string, options: RunnerOptions): Promise<Build> {
    const agent = await standIn();
    const bin = await tools();
    const { branch = 'main', source = 'webhook', pullRequest } = options;
    const env = {
      ...agent.env,
      PATH: `${bin}:${agent.env['PATH'] ?? ''}`,
      BUILDKITE_BRANCH: branch,
      BUILDKITE_SOURCE: source,
      BUILDKITE_PULL_REQUEST: String(pullRequest?.number ?? false),
      BUILDKITE_COMMIT: '',
      ...options.env,
    };
    const build = new Build(agent, options, env);
    build.place(pipeline, true, 0);
    return build;
  }

  state(key: string): State | undefined {
    return this.placed.find(({ step }) => step.key === key)?.state;
  }

  /** Keys of all steps in the order of the build's page. */
  get keys(): readonly string[] {
    return this.placed.map(({ step }) => step.key);
  }

  step(key: string): Step {
    const found = this.placed.find(({ step }) => step.key === key);
    if (found === undefined) throw new Error(`the build has no step ${key}; it has ${this.keys.join(', ')}`);
    return found.step;
  }

  get isRed(): boolean {
    return this.placed.some(({ state }) => state === 'failed');
  }

  job(key: string): JobRun {
    const job = this.jobs.findLast((one) => one.key === key);
    if (job === undefined) throw new Error(`no job of ${key} has run`);
    return job;
  }

  /** Runs whatever can run until only blocks are left. */
  async run(loss?: Loss): Promise<void> {
    for (;;) {
      const next = this.placed.find((one) => one.state === 'waiting' && this.readiness(one) !== 'not yet');
      if (next === undefined) return;
      if (this.readiness(next) === 'never') next.state = 'stuck';
      else if (next.step.block !== undefined) next.state = 'blocked';
      else next.state = await this.runStep(next.step, loss);
    }
  }

  /** As a person who fills in the fields, and presses the button. Runs on. */
  async unblock(key: string, fields: Readonly<Record<string, string>> = {}, loss?: Loss): Promise<void> {
    const one = this.placed.find(({ step }) => step.key === key);
    if (one?.state !== 'blocked')
      throw new Error(`${key} is not to be unblocked: ${one?.state ?? 'there is no such step'}`);
    for (const [name, value] of Object.entries(fields)) {
      const field = one.step.fields?.find((own) => own.key === name);
      const isChoice = field?.options?.some((option) => option.value === value) ?? true;
      if (field === undefined || !isChoice) throw new Error(`${key} has no field ${name} that takes ${value}`);
      if (value !== '') await this.agent.setMetaData(name, value);
    }
    this.unblocker = {
      BUILDKITE_UNBLOCKER: 'Grace Hopper',
      BUILDKITE_UNBLOCKER_EMAIL: 'grace@example.com',
      BUILDKITE_UNBLOCKER_ID: '01890000-0000-4000-8000-00000000aaaa',
    };
    one.state = 'passed';
    await this.run(loss);
  }

  private readiness({ step, uploadedBy }: Build['placed'][number]): 'now' | 'not yet' | 'never' {
    const { depends_on: named } = step;
    const keys = named === undefined ? (uploadedBy === undefined ? [] : [uploadedBy]) : [named ?? []].flat();
    const states = keys.map((key) => {
      const state = this.state(key);
      if (state === undefined) throw new Error(`${step.key} depends on ${key}, which is no step of the build`);
      return state;
    });
    if (states.some((state) => state === 'failed' || state === 'stuck')) return 'never';
    // Buildkite takes a step that its condition left out for one that has passed.
    return states.every((state) => state === 'passed' || state === 'left out') ? 'now' : 'not yet';
  }

  private async runStep(step: Step, loss?: Loss): Promise<State> {
    if (step.soft_fail !== undefined) throw new Error(`${step.key} may fail softly, which nothing here should`);
    const rules = step.retry?.automatic ?? [];
    for (let attempt = 0; ; attempt += 1) {
      const exitCode = await this.runJob(
        step,
        attempt,
        attempt === 0 && loss?.key === step.key ? loss.when : undefined,
      );
      await this.takeUploads(step.key);
      if (exitCode === 0) return 'passed';
      const rule = rules === false ? undefined : rules.find(({ exit_status: status }) => status === exitCode);
      if (rule === undefined || attempt >= rule.limit) return 'failed';
    }
  }

  private async runJob(step: Step, attempt: number, loseAt: RegExp | undefined): Promise<number> {
    const cwd = await mkdtemp(path.join(tmpdir(), 'checkout-'));
    onTestFinished(() => rm(cwd, { recursive: true, force: true }));
    await cp(this.options.checkout, cwd, { recursive: true });
    const env = {
      HOME: cwd,
      ...this.env,
      ...this.unblocker,
      ...step.env,
      BUILDKITE_JOB_ID: `01890000-0000-4000-8000-${String(this.jobs.length + 1).padStart(12, '0')}`,
      BUILDKITE_STEP_KEY: step.key,
      BUILDKITE_LABEL: step.label ?? '',
      BUILDKITE_RETRY_COUNT: String(attempt),
      BUILDKITE_TIMEOUT: String(step.timeout_in_minutes ?? false),
    };
    const script = (step.commands ?? []).join('\n');
    const child = spawn('bash', ['-e', '-c', script], { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let log = '';
    let isLost = false;
    const read = (chunk: Buffer): void => {
      log += chunk.toString();
      if (loseAt?.test(log) === true && !isLost && child.pid !== undefined) {
        isLost = true;
        process.kill(-child.pid, 'SIGKILL');
      }
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    const ended = await new Promise<number>((resolve) =>
      child.once('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL'])),
    );
    const exitCode = isLost ? -1 : ended;
    this.jobs.push({ key: step.key, exitCode, log });
    return exitCode;
  }

  private async takeUploads(key: string): Promise<void> {
    const uploads = (await this.agent.pipelines()).slice(this.seenUploads);
    this.seenUploads += uploads.length;
    const at = this.placed.findIndex(({ step }) => step.key === key) + 1;
    // Each goes right behind the step, so that of several the last comes first.
    for (const { pipeline, interpolated } of uploads) this.place(pipeline, interpolated, at, key);
  }

  private place(pipeline: string, interpolated: boolean, at: number, uploadedBy?: string): void {
    const { steps } = parse(pipeline) as { readonly steps: readonly Step[] };
    const read = interpolated ? interpolateAll(steps, this.env) : steps;
    const taken = [...this.keys, ...read.map(({ key }) => key)];
    const twice = taken.find((key, index) => taken.indexOf(key) !== index);
    if (twice !== undefined) throw new Error(`The key "${twice}" has already been used by another step in this build`);
    const facts = this.facts();
    const placed = read.map((step) => ({
      step,
      ...(uploadedBy === undefined ? {} : { uploadedBy }),
      state: (step.if === undefined || holds(step.if, facts) ? 'waiting' : 'left out') as State,
    }));
    this.placed.splice(at, 0, ...placed);
  }

  private facts(): Parameters<typeof holds>[1] {
    const { branch = 'main', source = 'webhook', pullRequest } = this.options;
    return {
      'build.branch': branch,
      'build.source': source,
      'build.pull_request.id': pullRequest === undefined ? null : String(pullRequest.number),
      'build.pull_request.repository.fork': pullRequest?.isFork ?? null,
      'pipeline.default_branch': 'main',
    };
  }
}

/** `npx lambda-deploy` is the built program; `npm` installs nothing, and refuses to while the job has a role. */
async function tools(): Promise<string> {
  const bin = await mkdtemp(path.join(tmpdir(), 'tools-'));
  onTestFinished(() => rm(bin, { recursive: true, force: true }));
  const script = (name: string, lines: readonly string[]): Promise<void> =>
    writeFile(path.join(bin, name), ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });
  await mkdir(bin, { recursive: true });
  await script('npx', ['[ "$1" = lambda-deploy ] || exit 127', 'shift', `exec '${process.execPath}' '${MAIN}' "$@"`]);
  await script('npm', ['[ "$1" = ci ] || exit 127', '[ -z "$AWS_WEB_IDENTITY_TOKEN_FILE" ] || exit 99']);
  return bin;
}
