import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { onTestFinished } from 'vitest';
import type { Host } from '../../src/cli/host.js';
import { run } from '../../src/cli/run.js';
import type { Clock } from '../../src/model/ports.js';
import { type FunctionState, functionsOf } from '../../src/sandbox/state.js';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/server.js';
import { NO_COMMIT } from '../planner/cli.js';
import { CREDENTIALS, zipOf } from '../sandbox/support.js';

export { zipOf };

/** The only AWS environment there is: nothing of the machine's own profiles or roles. */
export const AWS_ENV: Readonly<Record<string, string>> = {
  AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  AWS_CONFIG_FILE: '/nonexistent/config',
  AWS_SHARED_CREDENTIALS_FILE: '/nonexistent/credentials',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
};
// The SDK reads the process's environment, whatever the host of a run says.
for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
Object.assign(process.env, AWS_ENV);

/** Longer than any test: what settles, settles because a wait slept. */
const SETTLE_MS = 20_000;

/** What a run printed and answered. */
export interface Ran {
  readonly exitCode: number | null;
  readonly out: string;
  readonly err: string;
  /** stdout as exactly one JSON document; anything else fails the test here. */
  json(): Document;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- documents are looked into member by member, and checked by their values
export type Document = Record<string, any>;

export const okHandler = (body: string): string =>
  `export const handler = async () => ({ statusCode: 200, body: ${JSON.stringify(body)} });\n`;
export const throwingHandler = (message: string): string =>
  `export const handler = async () => { console.log('about to fail'); throw new Error(${JSON.stringify(message)}); };\n`;
/** Healthy by number, which is asked first, and not once the alias asks. */
export const failsFromSecondCall = `let n = 0;
export const handler = async () => { n += 1; if (n > 1) throw new Error('second call'); return { statusCode: 200 }; };
`;

/** A function as most tests want it; `more` replaces whole keys. */
export function hello(more: Document = {}): Document {
  return {
    code: { zip: 'function.zip' },
    runtime: 'nodejs22.x',
    handler: 'index.handler',
    role: 'arn:aws:iam::123456789012:role/hello',
    timeout: 5,
    memorySize: 128,
    environment: { GREETING: 'Hello' },
    aliases: { live: { healthCheck: { expect: { status: 200 }, timeout: '10s' } } },
    ...more,
  };
}

/** The file around some functions. */
export function fileOf(functions: Document, more: Document = {}): Document {
  return { version: 1, region: 'us-east-1', account: '123456789012', ...more, functions };
}

/** A folder with a file and an archive, removed when the test ends. */
export interface Project {
  readonly folder: string;
  write(name: string, content: string | Uint8Array): Promise<void>;
  /** Writes lambda.deploy.yaml; an object as JSON, which is YAML too. */
  file(content: Document | string): Promise<void>;
  /** Writes an archive with this source as index.mjs, and answers its CodeSha256. */
  code(source: string, name?: string): Promise<string>;
}

export async function project(): Promise<Project> {
  const folder = await mkdtemp(path.join(tmpdir(), 'lambda-deploy-e2e-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const write = async (name: string, content: string | Uint8Array): Promise<void> => {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), content);
  };
  return {
    folder,
    write,
    file: (content) =>
      write('lambda.deploy.yaml', typeof content === 'string' ? content : `${JSON.stringify(content, null, 2)}\n`),
    async code(source, name = 'function.zip') {
      const bytes = zipOf({ 'index.mjs': source });
      await write(name, bytes);
      return createHash('sha256').update(bytes).digest('base64');
    },
  };
}

/** Time that passes when somebody waits for it: a sleep takes none of the machine's. */
export function fastClock(): Clock {
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

/** A sandbox and a project, with the program run inside this process. */
export interface Stage extends Project {
  readonly sandbox: Sandbox;
  readonly clock: Clock;
  readonly client: LambdaClient;
  run(...argv: string[]): Promise<Ran>;
  runWith(host: Partial<Host>, ...argv: string[]): Promise<Ran>;
  /** What the run changed on the wire since the last call of this, in order. */
  mutations(): string[];
  /** Every operation since the last call of {@link mutations}. */
  seen(): string[];
  /** The model's function, to look at and to edit. */
  fn(name?: string): FunctionState;
  /** Every output of every run so far, for a search. */
  readonly outputs: string[];
}

export async function stage(options: SandboxOptions = {}): Promise<Stage> {
  const own = await project();
  const clock = fastClock();
  const sandbox = await startSandbox({ settleMs: SETTLE_MS, now: clock.now, ...options });
  onTestFinished(() => sandbox.close());
  const client = new LambdaClient({ endpoint: sandbox.url, region: 'us-east-1', credentials: CREDENTIALS });
  onTestFinished(() => client.destroy());
  const outputs: string[] = [];
  let mark = 0;
  const runWith = async (host: Partial<Host>, ...argv: string[]): Promise<Ran> => {
    const isCheckout = existsSync(path.join(own.folder, '.git'));
    const ran = await runInside(argv, {
      cwd: own.folder,
      clock,
      ...host,
      env: { ...(isCheckout ? {} : NO_COMMIT), LAMBDA_DEPLOY_ENDPOINT_URL: sandbox.url, ...host.env },
    });
    outputs.push(ran.out, ran.err);
    return ran;
  };
  return {
    ...own,
    sandbox,
    clock,
    client,
    outputs,
    runWith,
    run: (...argv) => runWith({}, ...argv),
    mutations() {
      const since = sandbox.calls.slice(mark);
      mark = sandbox.calls.length;
      return since.filter(({ mutating }) => mutating).map(({ operation }) => operation);
    },
    seen: () => sandbox.calls.slice(mark).map(({ operation }) => operation),
    fn(name = 'hello') {
      const found = functionsOf(sandbox.state, 'us-east-1').get(name);
      if (found === undefined) throw new Error(`the sandbox has no function ${name}`);
      return found;
    },
  };
}

/** A stage with one function deployed: version 1, served by `live`. */
export async function deployed(
  options: SandboxOptions = {},
  file: Document = fileOf({ hello: hello() }),
): Promise<Stage> {
  const it = await stage(options);
  await it.file(file);
  await it.code(okHandler('one'));
  const ran = await it.run('apply', '--yes');
  if (ran.exitCode !== 0) throw new Error(`the first apply failed:\n${ran.out}${ran.err}`);
  it.mutations();
  return it;
}

/** Runs the program in this process, on a host that keeps what is written. */
export async function runInside(argv: readonly string[], host: Partial<Host>): Promise<Ran> {
  let out = '';
  let err = '';
  const clock = host.clock ?? fastClock();
  const exitCode = await run(argv, {
    env: {},
    cwd: tmpdir(),
    writeOut: (text) => void (out += text),
    writeErr: (text) => void (err += text),
    isTerminal: { stdin: false, stdout: false, stderr: false },
    ask: () => Promise.reject(new Error('nobody is there to be asked')),
    signal: new AbortController().signal,
    signalExitCode: () => 143,
    startedAt: clock.now(),
    clock,
    random: Math.random,
    ...host,
  });
  return ranOf(exitCode, out, err);
}

function ranOf(exitCode: number | null, out: string, err: string): Ran {
  return { exitCode, out, err, json: () => JSON.parse(out) as Document };
}

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** A process of the built program. */
export interface Spawned {
  readonly done: Promise<Ran & { readonly signal: NodeJS.Signals | null }>;
  kill(signal: NodeJS.Signals): void;
  /** Resolves with the first group when stdout has matched. */
  printed(pattern: RegExp): Promise<string>;
}

/** Starts the built program. Killed when the test ends, if it still runs. */
export function spawnCli(
  argv: readonly string[],
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>>; readonly node?: readonly string[] },
): Spawned {
  if (!existsSync(MAIN))
    throw new Error('dist/main.js is missing: run `npm run generate && npm run build`, as `npm test` does');
  const child = spawn(process.execPath, [...(options.node ?? []), MAIN, ...argv], {
    cwd: options.cwd,
    env: { PATH: process.env['PATH'] ?? '', HOME: options.cwd, ...AWS_ENV, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  return {
    kill: (signal) => void child.kill(signal),
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(out);
          if (match !== null) resolve(match[1] ?? '');
        };
        child.stdout.on('data', look);
        child.once('close', () => reject(new Error(`ended without printing ${String(pattern)}:\n${out}${err}`)));
        look();
      }),
    done: new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({ ...ranOf(code, out, err), signal }));
    }),
  };
}
