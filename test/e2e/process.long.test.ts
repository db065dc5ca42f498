import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/server.js';
import { functionsOf } from '../../src/sandbox/state.js';
import { type Document, fileOf, hello, okHandler, project, spawnCli, type Project, type Spawned } from './support.js';

/** What Buildkite leaves a cancelled job between SIGTERM and SIGKILL, less a second. */
const MAX_STOP_MS = 9_000;

interface Scene extends Project {
  readonly sandbox: Sandbox;
  readonly env: Readonly<Record<string, string>>;
}

async function scene(options: SandboxOptions, metadata: Document): Promise<Scene> {
  const sandbox = await startSandbox(options);
  onTestFinished(() => sandbox.close());
  const own = await project();
  await own.file(fileOf({ hello: hello() }, metadata));
  await own.code(okHandler('one'));
  const env = { AWS_ENDPOINT_URL: sandbox.url };
  expect((await spawnCli(['apply', '--yes'], { cwd: own.folder, env }).done).exitCode).toBe(0);
  await own.code(okHandler('two'));
  return { ...own, sandbox, env };
}

describe.each([
  ['tags', {}],
  ['file', { metadata: 'file:records' }],
])('a signal during an apply, records in %s', (_store, metadata: Document) => {
  const cases = [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const;
  it.each(cases)(
    '%s: exit %i in time, the alias safe, the record closed, and the next run converges',
    async (signal, code) => {
      let reached = (): void => undefined;
      const uploading = new Promise<void>((resolve) => (reached = resolve));
      const skip = { ms: 0 };
      const { sandbox, env, folder } = await scene(
        {
          settleMs: 800,
          now: () => Date.now() + skip.ms,
          intercept: ({ operation }) => {
            if (operation === 'UpdateFunctionCode') reached();
            return undefined;
          },
        },
        metadata,
      );
      const child = spawnCli(['apply', '--yes'], { cwd: folder, env });
      await uploading;
      const started = Date.now();
      child.kill(signal);
      const ran = await child.done;
      expect({ ...ran, json: undefined }).toMatchObject({ exitCode: code, signal: null });
      expect(Date.now() - started).toBeLessThan(MAX_STOP_MS);
      expect(ran.out).toMatch(new RegExp(`INTERRUPTED[^]*${signal} came in`));
      // The update was under way when the signal came: it stays, and that is said.
      expect(ran.out).toMatch(/\$LATEST of hello has the new code/);
      const fn = functionsOf(sandbox.state, 'us-east-1').get('hello');
      expect(fn?.aliases.get('live')).toMatchObject({ functionVersion: '1', weights: {} });
      const history = await spawnCli(['history', '--format', 'json'], { cwd: folder, env }).done;
      expect(history.json().records[0]).toMatchObject({ result: 'failed', version: '1' });
      skip.ms = 60_000;
      const drift = await spawnCli(['drift'], { cwd: folder, env }).done;
      expect(drift).toMatchObject({ exitCode: 0 });
      expect((await spawnCli(['apply', '--yes'], { cwd: folder, env }).done).exitCode).toBe(0);
      expect(fn?.aliases.get('live')?.functionVersion).toBe('2');
      expect(fn?.versions.size).toBe(2);
    },
    40_000,
  );

  it('a second signal stops at once, and says what may be left', async () => {
    let reached = (): void => undefined;
    const uploading = new Promise<void>((resolve) => (reached = resolve));
    const { env, folder } = await scene(
      {
        settleMs: 20,
        intercept: async ({ operation }) => {
          if (operation !== 'UpdateFunctionCode') return undefined;
          reached();
          // Longer than a stopped run waits for an answer.
          await new Promise((resolve) => setTimeout(resolve, MAX_STOP_MS).unref());
          return undefined;
        },
      },
      metadata,
    );
    const child = spawnCli(['apply', '--yes'], { cwd: folder, env });
    await uploading;
    const started = Date.now();
    child.kill('SIGINT');
    child.kill('SIGTERM');
    const ran = await child.done;
    // Whichever was handled last; without it, the call in flight alone would get 2.5 seconds.
    const [, last] = /(SIGINT|SIGTERM) came in, the second signal/.exec(ran.err) ?? [];
    expect({ ...ran, json: undefined }).toMatchObject({ exitCode: last === 'SIGINT' ? 130 : 143, signal: null });
    expect(ran.out).not.toMatch(/Apply/);
    expect(Date.now() - started).toBeLessThan(2_000);
    expect(ran.err).toMatch(/an alias may stand between two versions[^]*fix: run plan/);
  });

  it('SIGTERM between the shift and its check: the alias goes back', async () => {
    const started: { child?: Spawned } = {};
    const { sandbox, env, folder } = await scene(
      {
        settleMs: 20,
        intercept: ({ operation, qualifier }) => {
          if (operation === 'Invoke' && qualifier === 'live') started.child?.kill('SIGTERM');
          // The answer comes late enough for the signal to be first.
          return operation === 'Invoke' && started.child !== undefined && qualifier === 'live'
            ? new Promise((resolve) =>
                setTimeout(
                  () =>
                    resolve({
                      kind: 'error',
                      status: 429,
                      code: 'TooManyRequestsException',
                      message: 'Rate Exceeded.',
                    }),
                  300,
                ),
              )
            : undefined;
        },
      },
      metadata,
    );
    started.child = spawnCli(['apply', '--yes'], { cwd: folder, env });
    const ran = await started.child.done;
    expect({ ...ran, json: undefined }).toMatchObject({ exitCode: 143 });
    expect(ran.err).toMatch(/taking alias live back to version 1/);
    const fn = functionsOf(sandbox.state, 'us-east-1').get('hello');
    expect(fn?.aliases.get('live')).toMatchObject({ functionVersion: '1', weights: {} });
    const history = await spawnCli(['history', '--format', 'json'], { cwd: folder, env }).done;
    expect(history.json().records[0]).toMatchObject({ result: 'rolled_back', version: '1' });
  }, 40_000);
});

it('a plan of a dozen functions prints nothing on stderr', async () => {
  const sandbox = await startSandbox();
  onTestFinished(() => sandbox.close());
  const { file, code, folder } = await project();
  await file(fileOf(Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`hello-${at}`, hello()]))));
  await code(okHandler('one'));
  const ran = await spawnCli(['plan'], { cwd: folder, env: { AWS_ENDPOINT_URL: sandbox.url } }).done;
  expect([ran.exitCode, ran.err]).toEqual([0, '']);
});

it('the sandbox command says its address first, and stops on SIGTERM with nothing left', async () => {
  const { folder } = await project();
  const child = spawnCli(['sandbox', '--port', '0'], { cwd: folder });
  const url = await child.printed(/^AWS_ENDPOINT_URL=(http:\/\/127\.0\.0\.1:\d+)\n/);
  expect((await fetch(url)).status).toBeGreaterThanOrEqual(400);
  child.kill('SIGTERM');
  expect(await child.done).toMatchObject({ exitCode: 0, err: '' });
});

/** Writes down every module that is loaded; runs in the loader's own thread. */
const TRACE = `
import { appendFileSync } from 'node:fs';
export async function load(url, context, next) {
  appendFileSync(new URL('loaded.txt', import.meta.url), url + '\\n');
  return next(url, context);
}`;

describe('what a command loads', () => {
  /** The source of everything that was loaded, bundled comments included, which name each module's origin. */
  async function sources(expected: number, ...argv: string[]): Promise<string> {
    const { folder, file, write } = await project();
    await file(fileOf({ hello: hello() }));
    await write('trace.mjs', TRACE);
    await write('register.mjs', `import { register } from 'node:module'; register('./trace.mjs', import.meta.url);`);
    const node = ['--import', path.join(folder, 'register.mjs')];
    const ran = await spawnCli(argv, { cwd: folder, node }).done;
    expect({ argv, exitCode: ran.exitCode }).toEqual({ argv, exitCode: expected });
    const urls = (await readFile(path.join(folder, 'loaded.txt'), 'utf8')).split('\n');
    const files = urls.filter((url) => url.startsWith('file:') && !url.includes(path.basename(folder)));
    return (await Promise.all(files.map((url) => readFile(new URL(url), 'utf8')))).join('\n');
  }
  const SDK = 'node_modules/@aws-sdk/client-lambda/';

  it.each([[['--help']], [['--version']], [['validate']], [['render']]])('%j loads no AWS SDK', async (argv) => {
    const text = await sources(0, ...argv);
    expect(text).toContain('src/cli/run.ts');
    expect(text.includes(SDK)).toBe(false);
  });

  it('--help loads neither the YAML parser nor the schema', async () => {
    const text = await sources(0, '--help');
    expect(text.includes('node_modules/yaml/')).toBe(false);
    expect(text.includes('src/spec/')).toBe(false);
  });

  it('and the trace does see the SDK where it is loaded', async () => {
    expect((await sources(1, 'drift', '--endpoint-url', 'http://127.0.0.1:9')).includes(SDK)).toBe(true);
  });
});
