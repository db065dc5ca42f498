import { mkdir, realpath, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Json, JsonObject } from '../model/json.js';
import { unpack } from './archive.js';
import { NODE_BOOTSTRAP } from './bootstrap-node.js';
import { PYTHON_BOOTSTRAP } from './bootstrap-python.js';
import { type FindInterpreter, type Interpreter, NODE, pythonNames } from './interpreter.js';
import { type Invocation, MAX_PAYLOAD_BYTES, type Outcome, type Runnable } from './invoke.js';
import { Worker, type WorkerEvent } from './worker.js';

/** How long loading a handler may take. @see https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html */
const INIT_TIMEOUT_MS = 10_000;
const MB = 1_048_576;

/** A process could not be made ready; this is what the invocation answers. */
class InitError extends Error {
  constructor(
    readonly error: JsonObject,
    readonly log: string,
  ) {
    super('init failed');
  }
}

function failure(errorType: string, errorMessage: string): JsonObject {
  return { errorType, errorMessage };
}

/**
 * An execution environment: one version's unpacked archive and one warm process, which takes one invocation after the
 * other. A process that ended or timed out is replaced at the next invocation.
 */
export class Environment {
  private queue: Promise<unknown> = Promise.resolve();
  private waiting = 0;
  private worker: Worker | undefined;
  private interpreter: Interpreter | undefined;
  private unpacked = false;
  private closed = false;

  /** @param directory private to this environment; made when it is first needed, removed by {@link close} */
  constructor(
    readonly runnable: Runnable,
    private readonly directory: string,
    private readonly findInterpreter: FindInterpreter,
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
    const coldStart = performance.now();
    let init = '';
    if (this.worker === undefined || this.worker.gone)
      try {
        this.worker = await this.start();
        init = `\tInit Duration: ${(performance.now() - coldStart).toFixed(2)} ms`;
      } catch (error) {
        if (!(error instanceof InitError)) throw error;
        return this.outcome(invocation, error.log, 0, '', 0, undefined, error.error);
      }
    const { worker } = this;
    const before = worker.takeLog();
    const started = performance.now();
    const timeoutMs = runnable.timeoutSeconds * 1000;
    worker.send({ ...invocation, deadlineMs: Date.now() + timeoutMs });
    const event = await worker.next(timeoutMs);
    const elapsed = performance.now() - started;
    const rssBytes = 'rssBytes' in event ? (event.rssBytes ?? 0) : 0;
    const error = this.errorOf(event, invocation);
    if (event.type === 'timeout' || event.type === 'exit' || (event.type === 'error' && event.fatal === true)) {
      await worker.end();
      this.worker = undefined;
    }
    const note =
      event.type === 'timeout' ? `${new Date().toISOString()} ${invocation.requestId} ${timedOut(runnable)}\n` : '';
    const payload = event.type === 'result' ? event.payload : undefined;
    return this.outcome(invocation, before, elapsed, worker.takeLog() + note, rssBytes, payload, error, init);
  }

  /** What an event means for the caller; `undefined`: success. */
  private errorOf(event: WorkerEvent, { requestId }: Invocation): JsonObject | undefined {
    if (event.type === 'error') return event.error;
    if (event.type === 'timeout')
      return failure('Sandbox.Timedout', `RequestId: ${requestId} Error: ${timedOut(this.runnable)}`);
    if (event.type === 'exit') return failure('Runtime.ExitError', `RequestId: ${requestId} Error: ${exited(event)}`);
    if (event.type !== 'result' || Buffer.byteLength(event.payload) <= MAX_PAYLOAD_BYTES) return undefined;
    return failure(
      'Function.ResponseSizeTooLarge',
      `Response payload size exceeded maximum allowed payload size (${MAX_PAYLOAD_BYTES} bytes).`,
    );
  }

  private outcome(
    { requestId }: Invocation,
    before: string,
    elapsedMs: number,
    printed: string,
    rssBytes: number,
    payload: string | undefined,
    error: JsonObject | undefined,
    init = '',
  ): Outcome {
    const { runnable } = this;
    const log =
      `[sandbox] ${this.interpreterText()}\n${before}START RequestId: ${requestId} Version: ${runnable.version}\n` +
      `${printed}${printed === '' || printed.endsWith('\n') ? '' : '\n'}END RequestId: ${requestId}\n` +
      `REPORT RequestId: ${requestId}\tDuration: ${elapsedMs.toFixed(2)} ms\tBilled Duration: ${Math.ceil(elapsedMs)} ms\t` +
      `Memory Size: ${runnable.memoryMb} MB\tMax Memory Used: ${Math.ceil(rssBytes / MB)} MB${init}\n`;
    if (error === undefined) return { payload: payload ?? 'null', log };
    return { payload: JSON.stringify(error as Json), functionError: 'Unhandled', log };
  }

  private interpreterText(): string {
    const { interpreter, runnable } = this;
    const layers = runnable.layers === 0 ? '' : `; ${runnable.layers} layers are not loaded`;
    if (interpreter === undefined) return `no interpreter for ${runnable.runtime}${layers}`;
    return `${interpreter.name} (${interpreter.command}) stands in for ${runnable.runtime}${layers}`;
  }

  private async start(): Promise<Worker> {
    if (this.closed) throw new Error('the sandbox is closed');
    const { runnable } = this;
    const python = runnable.runtime.startsWith('python');
    if (!python && !runnable.runtime.startsWith('nodejs'))
      throw new InitError(
        failure('Sandbox.RuntimeNotSupported', `The sandbox runs nodejs and python handlers, not ${runnable.runtime}.`),
        '',
      );
    this.interpreter ??= python ? await this.findInterpreter(runnable.runtime) : NODE;
    if (this.interpreter === undefined)
      throw new InitError(
        failure(
          'Sandbox.NoInterpreter',
          `No Python runs on this machine: tried ${pythonNames(runnable.runtime).join(', ')}. Install Python 3 and put it on PATH.`,
        ),
        '',
      );
    await this.unpackOnce();
    const worker = new Worker(await this.launch(this.interpreter, python));
    this.worker = worker;
    // The sandbox may have been closed while the archive was unpacked.
    if (this.closed) await worker.end();
    const event = await worker.next(INIT_TIMEOUT_MS);
    if (event.type === 'ready') return worker;
    await worker.end();
    this.worker = undefined;
    const error =
      event.type === 'error'
        ? event.error
        : failure(
            event.type === 'timeout' ? 'Sandbox.Timedout' : 'Runtime.ExitError',
            event.type === 'exit'
              ? `Error: ${exited(event)}`
              : `Error: Loading the handler took longer than ${INIT_TIMEOUT_MS / 1000} seconds`,
          );
    throw new InitError(error, worker.takeLog());
  }

  private async unpackOnce(): Promise<void> {
    if (this.unpacked) return;
    const task = path.join(this.directory, 'task');
    await rm(this.directory, { recursive: true, force: true });
    await mkdir(task, { recursive: true });
    await mkdir(path.join(this.directory, 'tmp'));
    try {
      await unpack(this.runnable.code, task);
    } catch (error) {
      throw new InitError(
        failure(
          'Sandbox.UnpackError',
          `The archive cannot be unpacked: ${error instanceof Error ? error.message : 'damaged'}`,
        ),
        '',
      );
    }
    await writeFile(path.join(this.directory, 'bootstrap.cjs'), NODE_BOOTSTRAP);
    await writeFile(path.join(this.directory, 'bootstrap.py'), PYTHON_BOOTSTRAP);
    this.unpacked = true;
  }

  private async launch(interpreter: Interpreter, python: boolean): Promise<ConstructorParameters<typeof Worker>[0]> {
    // Loaders resolve links, and traces are shown relative to this path.
    const directory = await realpath(this.directory);
    const cwd = path.join(directory, 'task');
    return {
      command: interpreter.command,
      args: [path.join(directory, python ? 'bootstrap.py' : 'bootstrap.cjs')],
      cwd,
      env: environmentOf(this.runnable, cwd, path.join(directory, 'tmp')),
    };
  }
}

function timedOut(runnable: Runnable): string {
  return `Task timed out after ${runnable.timeoutSeconds.toFixed(2)} seconds`;
}

function exited(event: Extract<WorkerEvent, { type: 'exit' }>): string {
  if (event.signal !== null) return `Runtime exited with error: signal: ${event.signal}`;
  if (event.code === 0) return 'Runtime exited without providing a reason';
  return `Runtime exited with error: exit status ${event.code}`;
}

/** What Lambda sets, and the function's own variables. @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html */
function environmentOf(runnable: Runnable, task: string, temporary: string): Record<string, string> {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    TMPDIR: temporary,
    HOME: temporary,
    PYTHONDONTWRITEBYTECODE: '1',
    ...runnable.variables,
    _HANDLER: runnable.handler,
    AWS_REGION: runnable.region,
    AWS_DEFAULT_REGION: runnable.region,
    AWS_EXECUTION_ENV: `AWS_Lambda_${runnable.runtime}`,
    AWS_LAMBDA_FUNCTION_NAME: runnable.functionName,
    AWS_LAMBDA_FUNCTION_VERSION: runnable.version,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(runnable.memoryMb),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: runnable.logGroup,
    AWS_LAMBDA_LOG_STREAM_NAME: `sandbox/[${runnable.version}]`,
    LAMBDA_TASK_ROOT: task,
    LAMBDA_RUNTIME_DIR: '/var/runtime',
  };
}
