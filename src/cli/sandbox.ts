import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { DeployError, type ExitCode } from '../errors.js';
import { parseSeed } from '../sandbox/seed.js';
import { startSandbox, type Seed } from '../sandbox/server.js';
import type { Context } from './context.js';

/**
 * Serves a local Lambda endpoint until a signal comes. The first line on stdout is `AWS_ENDPOINT_URL=…`, written when it is ready.
 *
 * @throws USAGE for a number that is none, a seed file or folder that cannot be used, or an address that cannot be listened on
 */
export async function sandbox({ host, options }: Context): Promise<ExitCode> {
  const account = String(options['account']);
  if (!/^\d{12}$/.test(account))
    throw new DeployError('USAGE', `--account ${account} is not twelve digits.`, { fix: 'give twelve digits.' });
  const server = await startSandbox({
    host: String(options['host']),
    port: numberOf(options, 'port', 65_535),
    latencyMs: numberOf(options, 'latency', 60_000),
    settleMs: numberOf(options, 'settle', 600_000),
    account,
    seed: await seedOf(host, options['seed']),
    images: await imagesOf(host, options['image']),
  });
  host.writeOut(`AWS_ENDPOINT_URL=${server.url}\n`);
  try {
    await stopped(host.signal);
  } finally {
    await server.close();
  }
  return 0;
}

async function seedOf({ cwd }: Context['host'], file: unknown): Promise<Seed> {
  if (typeof file !== 'string') return {};
  try {
    return parseSeed(await readFile(path.resolve(cwd, file), 'utf8'));
  } catch (error) {
    const why = error instanceof Error ? error.message : 'it cannot be read';
    throw new DeployError('USAGE', `--seed ${file}: ${why}`, { fix: 'see specs/0007-sandbox.md for its format.' });
  }
}

async function imagesOf({ cwd }: Context['host'], given: unknown): Promise<Readonly<Record<string, string>>> {
  const images: Record<string, string> = {};
  for (const pair of Array.isArray(given) ? given.map(String) : []) {
    const at = pair.indexOf('=');
    const folder = path.resolve(cwd, pair.slice(at + 1));
    const isFolder = await stat(folder).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (at < 1 || !isFolder)
      throw new DeployError('USAGE', `--image ${pair} is not an image, = and an existing folder.`, {
        fix: 'write --image ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG=DIR.',
      });
    images[pair.slice(0, at)] = folder;
  }
  return images;
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
