#!/usr/bin/env node
import { setMaxListeners } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { DeployError } from '../errors.js';
import { renderError } from '../render/errors.js';
import { plain } from '../render/text.js';
import type { Host } from './host.js';
import { run } from './run.js';

// The SDK warns on stderr about Node versions it will drop; stderr of a clean plan is empty.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

const LAST_RESORT_MS = 8_500;

/** Ends the process where it stands. */
function stopNow(why: string, code: 130 | 143): never {
  const detail = `${why} Nothing more was taken back: where an apply or a rollback was under way, an alias may stand between two versions, and its record is open.`;
  const fix = 'run plan to see where things stand, then apply or rollback.';
  process.stderr.write(plain(renderError(new DeployError('INTERRUPTED', detail, { fix }))));
  process.exit(code);
}

const stop = new AbortController();
// One listener for each call under way: with a dozen functions Node would take that for a leak, and say so on stderr.
setMaxListeners(0, stop.signal);
let signalExitCode: 130 | 143 = 143;
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) stopNow(`${signal} came in, the second signal.`, code);
    // What cannot be given up (a read of a pipe, say) must not outlive the nine seconds that Buildkite gives.
    const late = `${signal} came in, and the tidying up took longer than ${LAST_RESORT_MS / 1000} seconds.`;
    setTimeout(() => stopNow(late, code), LAST_RESORT_MS).unref();
    signalExitCode = code;
    stop.abort(
      new DeployError('INTERRUPTED', `${signal} came in; no further change is started.`, {
        fix: 'run plan to see where things stand.',
      }),
    );
  });
}
// A reader that went away (`| head`) is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const host: Host = {
  env: process.env,
  cwd: process.cwd(),
  writeOut: (text) => void process.stdout.write(text),
  writeErr: (text) => void process.stderr.write(text),
  isTerminal: { stdin: process.stdin.isTTY, stdout: process.stdout.isTTY, stderr: process.stderr.isTTY },
  ...(process.stderr.isTTY ? { terminal: process.stderr } : {}),
  async ask(question) {
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    // While it asks, readline takes Ctrl+C for itself.
    terminal.on('SIGINT', () => process.emit('SIGINT'));
    try {
      return await terminal.question(question, { signal: stop.signal });
    } catch {
      stop.signal.throwIfAborted();
      process.stderr.write('\n');
      return ''; // Ctrl+D: the end of the input is no yes
    } finally {
      terminal.close();
    }
  },
  signal: stop.signal,
  signalExitCode: () => signalExitCode,
  startedAt: performance.timeOrigin,
  clock: {
    now: () => Date.now(),
    sleep: async (milliseconds, signal) => (await import('../aws/clock.js')).systemClock.sleep(milliseconds, signal),
  },
  random: Math.random,
};

process.exitCode = await run(process.argv.slice(2), host);
