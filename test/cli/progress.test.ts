import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Host } from '../../src/cli/host.js';
import { Output } from '../../src/cli/output.js';
import { type Progress, ProgressLines, startProgress } from '../../src/cli/progress.js';
import { Redactor } from '../../src/cli/redact.js';
import type { ApplyEvent } from '../../src/model/events.js';
import type { FunctionPlan, Operation } from '../../src/model/plan.js';
import { type Screen, screen } from './screen.js';

const OPEN: Operation = { type: 'TagResource', record: 'open', reason: '' };
const CODE: Operation = { type: 'UpdateFunctionCode', codeSha256: '', reason: '' };
const PUBLISH: Operation = { type: 'PublishVersion', purpose: 'release', description: '', codeSha256: '', reason: '' };
const CLOSE: Operation = { type: 'TagResource', record: 'close', reason: '' };

function planOf(name: string, more: Partial<FunctionPlan> = {}): FunctionPlan {
  // Steps of their own, as in a plan: two functions never share one.
  const operations = [OPEN, CODE, PUBLISH, CLOSE].map((one) => ({ ...one }));
  const nothing = { differences: [], alsoGoesLive: [], effects: [], unmanagedAliases: [], specDigest: '' };
  return { name, action: 'update', operations, ...nothing, ...more };
}

const SECRET = 'planted\nsecret';

const HIDE_CURSOR = '\u001b[?25l';

interface Bench {
  readonly progress: Progress;
  readonly screen: Screen;
  readonly stop: AbortController;
  /** What was written in lines. */
  readonly err: () => string;
  pass(seconds: number): Promise<void>;
  start(job: number, step: number): void;
  end(job: number, step: number, more?: Partial<ApplyEvent & { type: 'step-ended' }>): void;
  tell(job: number, event: { readonly type: string } & Record<string, unknown>): void;
}

async function bench(
  plans: readonly FunctionPlan[],
  more: Partial<Host> & { readonly options?: object } = {},
): Promise<Bench> {
  const { options, ...rest } = more;
  const out = screen();
  const stop = new AbortController();
  let now = 1_000_000;
  let err = '';
  const host = {
    env: {},
    isTerminal: { stdin: true, stdout: true, stderr: true },
    terminal: out.stream,
    // As the process's stream: a list that draws holds back what others write.
    writeErr: (text: string) => ((err += text), out.stream.write(text)),
    writeOut: () => expect.unreachable('stdout is for the result'),
    clock: { now: () => now, sleep: () => expect.unreachable('progress waits for nobody') },
    signal: stop.signal,
    ...rest,
  } as unknown as Host;
  const all = { format: 'text', color: true, quiet: false, verbose: false, ...options } as never;
  const output = new Output(host, all);
  output.redactor = Object.assign(new Redactor(''), { redact: (text: string) => text.replaceAll(SECRET, '(secret)') });
  const progress = await startProgress({ host, output, options: all }, plans);
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  };
  // The list loads what it draws with; the test's own time limit ends a list that never comes.
  while (!(progress instanceof ProgressLines) && !out.raw().includes(HIDE_CURSOR))
    await new Promise((resolve) => setTimeout(resolve, 1));
  await settle();
  const operation = (job: number, step: number): Operation => plans[job]?.operations[step] as Operation;
  const tell = (job: number, event: object): void =>
    progress.tell(job, { function: plans[job]?.name ?? '', ...event } as ApplyEvent);
  return {
    progress,
    screen: out,
    stop,
    err: () => err,
    async pass(seconds) {
      now += seconds * 1000;
      await vi.advanceTimersByTimeAsync(seconds * 1000);
      await settle();
    },
    start: (job, step) => tell(job, { type: 'step-started', index: step, total: 4, operation: operation(job, step) }),
    end: (job, step, event = {}) =>
      tell(job, { type: 'step-ended', operation: operation(job, step), status: 'done', durationMs: 1200, ...event }),
    tell,
  };
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
afterEach(() => void vi.useRealTimers());

const SPINNER = /^(\s*)[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/;
const seen = (run: Bench): string[] => run.screen.lines().map((line) => line.replace(SPINNER, '$1~'));

describe('lines', () => {
  const LOG = { env: { CI: 'true', NO_COLOR: '1' } };

  it('say the time since the start', async () => {
    const run = await bench([planOf('orders')], LOG);
    run.start(0, 0);
    run.end(0, 0);
    await run.pass(12.3);
    run.end(0, 1, { detail: 'x' });
    await run.pass(240);
    run.tell(0, { type: 'log-tail', text: 'one\ntwo\n' });
    await run.pass(3600);
    run.tell(0, { type: 'taking-back', alias: 'live', version: '4' });
    expect(run.err()).toBe(
      [
        '[  0.0s] orders: done TagResource (open the record)  1.2 s',
        '[ 12.3s] orders: done UpdateFunctionCode: x  1.2 s',
        '[ 4m12s] orders: log tail of the failed invocation',
        '           | one',
        '           | two',
        '[1h04m12s] orders: taking alias live back to version 4',
        '',
      ].join('\n'),
    );
  });

  it('say every ten seconds of a wait what it is for and how long it has been, also when nobody polls', async () => {
    const run = await bench([planOf('orders'), planOf('users')], LOG);
    run.start(0, 1);
    const wait = (seconds: number): void => run.tell(0, { type: 'waiting', waitingFor: 'the update', seconds });
    for (let second = 1; second <= 25; second += 1) {
      await run.pass(1);
      if (second <= 21) wait(second);
    }
    await run.pass(6);
    expect(run.err().split('\n')).toEqual([
      '[ 10.0s] orders: waiting for the update (10 s)',
      '[ 20.0s] orders: waiting for the update (20 s)',
      '[ 31.0s] orders: waiting for the update (31 s)',
      '',
    ]);
  });

  it('name a call that takes long, of each function, and none that is over', async () => {
    const run = await bench([planOf('orders'), planOf('users'), planOf('done')], LOG);
    run.start(0, 1);
    await run.pass(4);
    run.start(1, 2);
    run.start(2, 2);
    run.end(2, 2);
    run.tell(2, { type: 'ended', result: 'succeeded' });
    for (let second = 0; second < 11; second += 1) await run.pass(1);
    expect(run.err().split('\n').slice(1)).toEqual([
      '[ 10.0s] orders: UpdateFunctionCode is under way (10 s)',
      '[ 14.0s] users: PublishVersion is under way (10 s)',
      '',
    ]);
    await run.progress.close();
    await run.pass(60);
    expect(run.err().split('\n')).toHaveLength(4);
  });

  it.each([
    ['CI', { env: { CI: 'true' } }],
    ['Buildkite, which gives jobs a terminal', { env: { BUILDKITE: 'true' } }],
    ['a dumb terminal', { env: { TERM: 'dumb' } }],
    ['--format json', { options: { format: 'json' } }],
    ['no terminal', { terminal: undefined, isTerminal: { stdin: true, stdout: true, stderr: false } }],
  ] as const)('are what %s gets', async (_why, more) => {
    const run = await bench([planOf('orders')], {
      ...more,
      options: { color: false, ...('options' in more && more.options) },
    } as never);
    run.end(0, 1);
    await run.progress.close();
    expect(run.err()).toContain('done UpdateFunctionCode');
    expect(run.screen.raw()).not.toContain(HIDE_CURSOR);
  });

  it('--quiet gets none, nor a list', async () => {
    const run = await bench([planOf('orders')], { options: { quiet: true } });
    run.end(0, 1);
    await run.progress.close();
    expect(run.screen.raw()).toBe('');
  });
});

describe('the list', () => {
  it('of one function shows its calls as they come, and stays', async () => {
    const run = await bench([planOf('unchanged', { action: 'none', operations: [] }), planOf('orders')]);
    await run.pass(0.1);
    expect(seen(run)).toEqual(['~ orders']);
    run.start(1, 0);
    run.end(1, 0);
    run.start(1, 1);
    await run.pass(3);
    expect(seen(run)).toEqual([
      '❯ orders',
      '  ✔ TagResource (open the record)  1.2 s',
      '  ~ UpdateFunctionCode  3 s',
      '  ◼ PublishVersion',
      '  ◼ TagResource (close the record)',
    ]);
    run.tell(1, { type: 'waiting', waitingFor: 'the update', seconds: 3 });
    await run.pass(0.1);
    expect(seen(run)).toContain('    › waiting for the update (3 s)');
    run.end(1, 1, { status: 'recovered' });
    run.start(1, 2);
    run.end(1, 2, { detail: 'version 5' });
    run.start(1, 3);
    run.end(1, 3);
    run.tell(1, { type: 'ended', result: 'succeeded' });
    await run.progress.close();
    expect(seen(run)).toEqual([
      '✔ orders  succeeded',
      '  ✔ TagResource (open the record)  1.2 s',
      '  ✔ UpdateFunctionCode (its answer was lost, its effect was found)  1.2 s',
      '  ✔ PublishVersion: version 5  1.2 s',
      '  ✔ TagResource (close the record)  1.2 s',
    ]);
    // The cursor is there again, and nothing goes on drawing.
    expect(run.screen.raw()).toMatch(/\u001b\[\?25h$/);
    const { length } = run.screen.raw();
    await run.pass(5);
    expect(run.screen.raw()).toHaveLength(length);
    expect(run.err()).toBe('');
  });

  it('of several takes their events in any order; one that is done folds up, one that failed says where', async () => {
    const run = await bench([planOf('orders'), planOf('users', { region: 'eu-west-1' }), planOf('waits')]);
    run.start(1, 0);
    run.start(0, 0);
    run.end(1, 0);
    run.end(0, 0);
    run.start(0, 1);
    run.start(1, 1);
    run.end(1, 1, { status: 'failed', durationMs: 500 });
    run.tell(1, { type: 'log-tail', text: 'a\nb\n' });
    await run.pass(0.2);
    expect(seen(run).at(-1)).toBe('~ waits');
    run.tell(1, { type: 'taking-back', alias: 'live', version: '4' });
    await run.pass(0.2);
    expect(seen(run)).toContain('  › taking alias live back to version 4');
    run.start(1, 3);
    run.end(1, 3);
    run.tell(1, { type: 'ended', result: 'rolled_back' });
    for (const step of [1, 2, 3]) {
      run.start(0, step);
      run.end(0, step);
    }
    run.tell(0, { type: 'ended', result: 'succeeded' });
    run.tell(2, { type: 'ended', result: 'failed' });
    await run.progress.close();
    expect(seen(run)).toEqual([
      '✔ orders  succeeded',
      '⚠ users (eu-west-1)  rolled back',
      '  ✔ TagResource (open the record)  1.2 s',
      '  ✖ UpdateFunctionCode  500 ms',
      '  ↓ PublishVersion',
      '  ✔ TagResource (close the record)  1.2 s',
      '✔ waits  failed',
      '[  0.4s] users: log tail of the failed invocation',
      '           | a',
      '           | b',
    ]);
  });

  it('stops at a signal as it stands; what is done then is told in lines, log tails whole', async () => {
    const run = await bench([planOf('orders')]);
    run.start(0, 0);
    run.end(0, 0);
    run.start(0, 1);
    const tail = Array.from({ length: 100 }, (_, index) => `line ${index} ${'x'.repeat(200)}`);
    run.tell(0, { type: 'log-tail', text: tail.join('\n') });
    await run.pass(0.2);
    run.stop.abort(new Error('stopped'));
    // At once, before the list has ended.
    run.end(0, 1, { status: 'failed' });
    run.tell(0, { type: 'taking-back', alias: 'live', version: '4' });
    await run.pass(0.1);
    const [head, open, code, publish, close, ...rest] = run.screen.lines();
    expect([head, open, code, publish, close]).toEqual([
      '⚠ orders',
      '  ✔ TagResource (open the record)  1.2 s',
      '  ✖ UpdateFunctionCode: stopping, what becomes of it follows',
      '  ↓ PublishVersion',
      '  ↓ TagResource (close the record)',
    ]);
    expect(rest.slice(1, 101)).toEqual(tail.map((line) => `           | ${line}`));
    expect(rest.slice(101)).toEqual([
      '[  0.3s] orders: failed UpdateFunctionCode  1.2 s',
      '[  0.3s] orders: taking alias live back to version 4',
    ]);
    expect(run.screen.raw()).toContain('\u001b[?25h');
    run.end(0, 3);
    await run.progress.close();
    expect(run.screen.lines().at(-1)).toContain('done TagResource (close the record)');
  });

  it('writes no secret, no control character of others, and no colour where none is wanted', async () => {
    const run = await bench([planOf('orders')], { env: { NO_COLOR: '1' } });
    run.start(0, 1);
    run.tell(0, { type: 'retrying', reason: 'AWS said \u001b[2J\u0007', seconds: 2 });
    run.tell(0, { type: 'log-tail', text: `a\u001b[2Jb ${SECRET}` });
    await run.pass(0.2);
    run.end(0, 1, { detail: `\u001b[31mx ${SECRET}` });
    run.tell(0, { type: 'ended', result: 'succeeded' });
    await run.progress.close();
    const written = run.screen.raw();
    expect(written).toContain('AWS said');
    expect(written).toMatch(/x \(secret\)[^]*b \(secret\)/);
    expect(written).not.toContain('planted');
    expect(written).not.toMatch(/\u001b\[\d*m|\u001b\[2J|\u0007|\u001b\[31m/);
    const red = await bench([planOf('orders')]);
    red.start(0, 1);
    red.end(0, 1, { status: 'failed' });
    await red.progress.close();
    expect(red.screen.raw()).toContain('\u001b[31m✖');
    const forced = await bench([planOf('orders')], { env: { FORCE_COLOR: '0' } });
    forced.start(0, 1);
    await forced.progress.close();
    expect(forced.screen.raw()).not.toMatch(/\u001b\[\d+m/);
  });
});
