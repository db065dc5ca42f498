import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { AWS_ENV } from '../e2e/support.js';

const run = promisify(execFile);

/** Starting Python and its AWS libraries on a busy machine. */
const PROBE_TIMEOUT_MS = 60_000;
const START_TIMEOUT_MS = 60_000;

/** Whether a program works when it is run: a name on PATH may be a dead shim. Says so when it does not. */
export async function works(what: string, command: string, ...words: string[]): Promise<boolean> {
  try {
    await run(command, words, { timeout: PROBE_TIMEOUT_MS });
    return true;
  } catch {
    console.log(`skipped: ${what} (\`${[command, ...words].join(' ')}\` does not run here).`);
    return false;
  }
}

/** What a program printed and answered. */
export interface Answer {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a program that talks to `endpoint`, with none of the machine's own AWS settings. Never throws for an exit code. */
export async function program(
  endpoint: string,
  cwd: string,
  command: string,
  words: readonly string[],
): Promise<Answer> {
  const { PATH = '', HOME = cwd } = process.env;
  // HOME stays: a shim looks for its interpreter there. AWS_ENV names files that do not exist in place of ~/.aws.
  const env = { PATH, HOME, ...AWS_ENV, AWS_ENDPOINT_URL: endpoint, AWS_DEFAULT_REGION: 'us-east-1', AWS_PAGER: '' };
  try {
    const { stdout, stderr } = await run(command, [...words], { cwd, env, timeout: PROBE_TIMEOUT_MS });
    return { exitCode: 0, out: stdout, err: stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: unknown; stdout?: string; stderr?: string };
    if (typeof code !== 'number') throw error;
    return { exitCode: code, out: stdout ?? '', err: stderr ?? '' };
  }
}

/** A moto server of this test's own. */
export interface Moto {
  readonly url: string;
  /** Forgets everything but the role that the example names; Invoke answers without Docker. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

/** @throws Error when the server does not answer in time; it is stopped then */
export async function startMoto(): Promise<Moto> {
  const folder = await mkdtemp(path.join(tmpdir(), 'lambda-deploy-moto-'));
  const port = await freePort();
  const child = spawn('moto_server', ['-H', '127.0.0.1', '-p', String(port)], { cwd: folder, stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    await end(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await untilAnswers(`${url}/moto-api/data.json`, child);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    stop,
    async reset() {
      await post(`${url}/moto-api/reset`, '');
      await post(`${url}/moto-api/config`, JSON.stringify({ lambda: { use_docker: false } }));
      const body = 'Action=CreateRole&Version=2010-05-08&RoleName=echo&AssumeRolePolicyDocument={}';
      // moto takes the service from the scope and checks no signature.
      const scope = 'Credential=x/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=x';
      await post(url, body, {
        authorization: `AWS4-HMAC-SHA256 ${scope}`,
        'content-type': 'application/x-www-form-urlencoded',
      });
    },
  };
}

async function post(url: string, body: string, headers: Record<string, string> = {}): Promise<void> {
  const response = await fetch(url, { method: 'POST', body, headers });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
}

async function untilAnswers(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`moto_server ended with ${child.exitCode} before it answered`);
    const answered = await fetch(url).catch(() => undefined);
    if (answered?.ok) return;
    await sleep(100);
  }
  throw new Error(`moto_server did not answer within ${START_TIMEOUT_MS / 1000} s`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), 3_000);
  await ended;
  clearTimeout(force);
}
