import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { CallLimits } from '../../src/buildkite/agent.js';

const STAND_IN = fileURLToPath(new URL('stand-in.mjs', import.meta.url));

/** Short enough that a test can wait for a call to be cut off. */
export const BRIEF: CallLimits = { shortMs: 200, artifactMs: 200, stepsMs: 200, afterSignalMs: 100 };

export interface AgentCall {
  readonly args: readonly string[];
  /** `null`: it hung. */
  readonly exitCode: number | null;
  readonly stdinBytes: number;
}

export interface AgentFault {
  /** `meta-data set`; `*` for all. */
  readonly command: string;
  /** Only where this is the first argument. */
  readonly key?: string;
  readonly do: 'fail' | 'hang' | 'slow';
}

/** A build as the stand-in agent keeps it, and what its jobs find in their environment. */
export interface StandIn {
  readonly folder: string;
  /** With PATH; merge what the job needs over it (step, unblocker, …). */
  readonly env: Readonly<Record<string, string>>;
  calls(): Promise<readonly AgentCall[]>;
  /** All that were sent, oldest first. */
  annotations(): Promise<
    readonly { readonly context: string; readonly style: string; readonly priority: number; readonly body: string }[]
  >;
  metaData(): Promise<Readonly<Record<string, string>>>;
  /** As a block step's field would. */
  setMetaData(key: string, value: string): Promise<void>;
  pipelines(): Promise<readonly { readonly interpolated: boolean; readonly pipeline: string }[]>;
  secrets(): Promise<readonly string[]>;
  fail(...faults: readonly AgentFault[]): Promise<void>;
}

/** What Buildkite gives to every job of a build that a person started on the main branch. */
export const JOB_ENV = {
  CI: 'true',
  BUILDKITE: 'true',
  BUILDKITE_AGENT_ACCESS_TOKEN: 'bkct-not-a-real-token',
  BUILDKITE_AGENT_JOB_API_SOCKET: '/nonexistent/job-api.sock',
  BUILDKITE_AGENT_JOB_API_TOKEN: 'job-api-not-a-real-token',
  BUILDKITE_BUILD_ID: '01890000-0000-4000-8000-000000000042',
  BUILDKITE_BUILD_NUMBER: '42',
  BUILDKITE_BUILD_URL: 'https://buildkite.com/acme/orders/builds/42',
  BUILDKITE_JOB_ID: '01890000-0000-4000-8000-000000000001',
  BUILDKITE_BRANCH: 'main',
  BUILDKITE_COMMIT: 'HEAD',
  BUILDKITE_PIPELINE_DEFAULT_BRANCH: 'main',
  BUILDKITE_PULL_REQUEST: 'false',
  BUILDKITE_SOURCE: 'webhook',
  BUILDKITE_BUILD_CREATOR: 'Ada Lovelace',
  BUILDKITE_BUILD_CREATOR_EMAIL: 'ada@example.com',
} as const;

/** A fresh build; its folder is removed when the test ends. */
export async function standIn(): Promise<StandIn> {
  const folder = await mkdtemp(path.join(tmpdir(), 'stand-in-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const bin = path.join(folder, 'bin');
  await mkdir(bin);
  await symlink(STAND_IN, path.join(bin, 'buildkite-agent'));
  const file = (name: string): string => path.join(folder, name);
  const lines = async <T>(name: string): Promise<readonly T[]> => {
    if (!existsSync(file(name))) return [];
    return (await readFile(file(name), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as T);
  };
  const env = { ...JOB_ENV, PATH: `${bin}:${process.env['PATH'] ?? ''}`, STAND_IN_DIR: folder };
  return {
    folder,
    env,
    calls: () => lines('calls.jsonl'),
    annotations: () => lines('annotations.jsonl'),
    async metaData() {
      const hashes = existsSync(file('meta-data')) ? await readdir(file('meta-data')) : [];
      const entries = hashes.map(async (hash) => {
        const read = (name: string): Promise<string> => readFile(file(`meta-data/${hash}/${name}`), 'utf8');
        return [await read('key'), await read('value')] as const;
      });
      return Object.fromEntries(await Promise.all(entries));
    },
    async setMetaData(key, value) {
      const { runProgram } = await import('../../src/buildkite/process.js');
      const cut = new AbortController().signal;
      await runProgram('buildkite-agent', ['meta-data', 'set', key], { input: value, env, cwd: folder, cut });
    },
    pipelines: () => lines('pipelines.jsonl'),
    secrets: async () => (await lines<{ readonly secret: string }>('secrets.jsonl')).map(({ secret }) => secret),
    fail: (...faults) => writeFile(file('faults.json'), JSON.stringify(faults)),
  };
}

/** What a job of this build finds in its environment, that git is not asked for the commit; `step` is its key. */
export function jobEnv({ env }: StandIn, step = ''): Readonly<Record<string, string>> {
  return { ...env, BUILDKITE_COMMIT: '', BUILDKITE_STEP_KEY: step };
}
