import { DeployError, type ExitCode } from '../errors.js';
import { startSandbox } from '../sandbox/server.js';
import type { Context } from './context.js';

/**
 * Serves a local Lambda endpoint until a signal comes. The first line on stdout is `AWS_ENDPOINT_URL=…`, written when it is ready.
 *
 * @throws USAGE for a number that is none, or an address that cannot be listened on
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
  });
  host.writeOut(`AWS_ENDPOINT_URL=${server.url}\n`);
  try {
    await stopped(host.signal);
  } finally {
    await server.close();
  }
  return 0;
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
