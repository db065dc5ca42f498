import { rm } from 'node:fs/promises';
import type { FindInterpreter, Interpreter } from './interpreter.js';
import type { Invocation, Outcome, Runnable } from './invoke.js';
import { chooseInterpreter, failure, InitError, launchOf, prepareDirectory } from './launch.js';
import { type Course, errorOf, exited, failed, logOf, timedOut } from './outcome.js';
import { Worker } from './worker.js';

/** How long loading a handler may take. @see https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html */
const INIT_TIMEOUT_MS = 10_000;

/**
 * An execution environment: one version's unpacked archive and one warm process, which takes one invocation after the
 * other. A process that ended or timed out is replaced at the next invocation.
 */
export class Environment {
  private queue: Promise<unknown> = Promise.resolve();
  private waiting = 0;
  private worker: Worker | undefined;
  private interpreter: Interpreter | undefined;
  private prepared = false;
  private closed = false;

  /** @param directory private to this environment; made when it is first needed, removed by {@link close} */
  constructor(
    readonly runnable: Runnable,
    private readonly directory: string,
    private readonly findPython: FindInterpreter,
  ) {}

  /** Whether no invocation runs or waits. */
  get idle(): boolean {
    return this.waiting === 0;
  }

  /** Runs the handler after every invocation that was asked for before. */
  run(invocation: Invocation): Promise<Outcome> {
    this.waiting += 1;
    const outcome = this.queue.then(() => this.invoke(invocation)).finally(() => (this.waiting -= 1));
    this.queue = outcome.catch(() => undefined);
    return outcome;
  }

  /** Lets what was asked for finish, then ends the process and removes the files. */
  async retire(): Promise<void> {
    await this.queue;
    await this.close();
  }

  /** Ends the process at once and removes the files. */
  async close(): Promise<void> {
    this.closed = true;
    await this.worker?.end();
    // An archive that is being unpacked would come back after its removal.
    await this.queue;
    await rm(this.directory, { recursive: true, force: true });
  }

  private async invoke(invocation: Invocation): Promise<Outcome> {
    const { runnable } = this;
    const asked = performance.now();
    let initMs: number | undefined;
    if (this.worker === undefined || this.worker.gone) {
      try {
        this.worker = await this.start();
      } catch (error) {
        if (!(error instanceof InitError)) throw error;
        const { interpreter } = this;
        const before = error.log;
        return failed(
          { runnable, invocation, interpreter, before, printed: '', elapsedMs: 0, rssBytes: 0 },
          error.error,
        );
      }
      initMs = performance.now() - asked;
    }
    return this.invokeWarm(this.worker, invocation, initMs);
  }

  private async invokeWarm(worker: Worker, invocation: Invocation, initMs: number | undefined): Promise<Outcome> {
    const { runnable } = this;
    const before = worker.takeLog();
    const started = performance.now();
    const timeoutMs = runnable.timeoutSeconds * 1000;
    worker.send({ ...invocation, deadlineMs: Date.now() + timeoutMs });
    const event = await worker.next(timeoutMs);
    const elapsedMs = performance.now() - started;
    if (event.type === 'timeout' || event.type === 'exit' || (event.type === 'error' && event.fatal === true)) {
      await worker.end();
      this.worker = undefined;
    }
    const note = `${new Date().toISOString()} ${invocation.requestId} ${timedOut(runnable)}\n`;
    const course: Course = {
      runnable,
      invocation,
      interpreter: this.interpreter,
      before,
      printed: worker.takeLog() + (event.type === 'timeout' ? note : ''),
      elapsedMs,
      initMs,
      rssBytes: 'rssBytes' in event ? (event.rssBytes ?? 0) : 0,
    };
    const error = errorOf(event, runnable, invocation);
    if (error !== undefined) return failed(course, error);
    return { payload: event.type === 'result' ? event.payload : 'null', log: logOf(course) };
  }

  private async start(): Promise<Worker> {
    if (this.closed) throw new Error('the sandbox is closed');
    const { runnable } = this;
    this.interpreter ??= await chooseInterpreter(runnable.runtime, this.findPython);
    if (!this.prepared) await prepareDirectory(runnable, this.directory);
    this.prepared = true;
    const worker = new Worker(await launchOf(runnable, this.interpreter, this.directory));
    this.worker = worker;
    // The sandbox may have been closed while the archive was unpacked.
    if (this.closed) await worker.end();
    const event = await worker.next(INIT_TIMEOUT_MS);
    if (event.type === 'ready') return worker;
    await worker.end();
    this.worker = undefined;
    const log = worker.takeLog();
    if (event.type === 'error') throw new InitError(event.error, log);
    if (event.type === 'exit') throw new InitError(failure('Runtime.ExitError', `Error: ${exited(event)}`), log);
    const text = `Error: Loading the handler took longer than ${INIT_TIMEOUT_MS / 1000} seconds`;
    throw new InitError(failure('Sandbox.Timedout', text), log);
  }
}
