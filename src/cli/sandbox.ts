import path from 'node:path';
import { DeployError, type ExitCode } from '../errors.js';
import { parseFaults } from '../sandbox/fault-file.js';
import { explainFault } from '../sandbox/faults.js';
import { parseSeed } from '../sandbox/seed.js';
import { parsePolicies, type Sandbox, type SandboxOptions, startSandbox, type Seed } from '../sandbox/server.js';
import type { Context } from './context.js';
import { parseImages, parseOption } from './sandbox-inputs.js';

/**
 * Serves a local Lambda endpoint until a signal comes. The first line on stdout is `AWS_ENDPOINT_URL=…`, written when it is ready.
 *
 * Faults are told on stderr as they fire, and at the end those that never did.
 *
 * @throws USAGE for a number that is none, a seed, faults or data file or a folder that cannot be used, or an address that cannot be listened on
 */
export async function sandbox({ host, options }: Context): Promise<ExitCode> {
  const account = String(options['account']);
  if (!/^\d{12}$/.test(account))
    throw new DeployError('USAGE', `--account ${account} is not twelve digits.`, { fix: 'give twelve digits.' });
  const iamPolicy = await parseOption(host, 'iam-policy', options['iamPolicy'], parsePolicies, undefined);
  const data = typeof options['data'] === 'string' ? path.resolve(host.cwd, options['data']) : undefined;
  const server = await started({
    host: String(options['host']),
    port: numberOf(options, 'port', 65_535),
    latencyMs: numberOf(options, 'latency', 60_000),
    settleMs: numberOf(options, 'settle', 600_000),
    account,
    seed: await parseOption(host, 'seed', options['seed'], parseSeed, {} satisfies Seed),
    faults: await parseOption(host, 'faults', options['faults'], parseFaults, []),
    onFault: ({ index, rule }) => host.writeErr(`fault ${index + 1} fired: ${explainFault(rule)}\n`),
    images: await parseImages(host, options['image']),
    ...(iamPolicy === undefined ? {} : { iamPolicy }),
    ...(data === undefined ? {} : { data }),
  });
  if (server.isResumed && options['seed'] !== undefined)
    host.writeErr(
      `--seed ${String(options['seed'])} is not used: --data ${String(options['data'])} holds a state already\n`,
    );
  host.writeOut(`AWS_ENDPOINT_URL=${server.url}\n`);
  try {
    await stopped(host.signal);
  } finally {
    await server.close();
  }
  for (const [index, rule] of server.faults.rules.entries())
    if (server.faults.fired[index] === 0) host.writeErr(`fault ${index + 1} never fired: ${explainFault(rule)}\n`);
  return 0;
}

async function started(options: SandboxOptions): Promise<Sandbox> {
  try {
    return await startSandbox(options);
  } catch (error) {
    const why = error instanceof Error ? error.message : 'no reason was given';
    throw new DeployError('USAGE', `the sandbox cannot start: ${why}`, {
      cause: error,
      fix: 'stop what has the address or the file, or give another --port or --data.',
    });
  }
}

function numberOf(options: Context['options'], name: string, max: number): number {
  const text = String(options[name]);
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= max) return value;
  throw new DeployError('USAGE', `--${name} ${text} is not a number from 0 to ${max}.`, {
    fix: 'give a whole number.',
  });
}

async function stopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  // The listening server keeps the process alive meanwhile.
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
