import { type ChildProcess, spawn } from 'node:child_process';
import { kill } from 'node:process';
import type { Readable, Writable } from 'node:stream';
import { isJsonObject, type Json, type JsonObject } from '../model/json.js';

/** How much of an invocation's log is kept, in characters; a tail is far shorter. */
const KEPT_LOG = 65_536;
/** How long after its end a process's last words are waited for, in milliseconds. */
const DRAIN_MS = 200;

/** What a process says, or what befell it. */
export type WorkerEvent =
  | { readonly type: 'ready' }
  | { readonly type: 'result'; readonly payload: string; readonly rssBytes: number }
  | { readonly type: 'error'; readonly error: JsonObject; readonly fatal?: boolean; readonly rssBytes?: number }
  | { readonly type: 'exit'; readonly code: number | null; readonly signal: string | null }
  | { readonly type: 'timeout' };

/** How a process is started. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment: nothing of this process's is passed on. */
  readonly env: Readonly<Record<string, string>>;
}

/** One process that runs a handler. */
export class Worker {
  private readonly child: ChildProcess;
  private readonly ended: Promise<void>;
  private readonly arrived: WorkerEvent[] = [];
  private exit: WorkerEvent | undefined;
  private waiter: ((event: WorkerEvent) => void) | undefined;
  private text = '';
  private rest = '';

  constructor(launch: Launch) {
    // A process group of its own, so that what a handler starts ends with it.
    this.child = spawn(launch.command, launch.args, {
      cwd: launch.cwd,
      env: launch.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    });
    const collect = (chunk: Buffer): void => this.append(chunk.toString('utf8'));
    this.child.stdout?.on('data', collect);
    this.child.stderr?.on('data', collect);
    const output = this.child.stdio[4] as Readable;
    output.setEncoding('utf8');
    output.on('data', (chunk: string) => this.read(chunk));
    // A process that dies while it is written to is reported by its exit.
    (this.child.stdio[3] as Writable).on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      const finish = (code: number | null, signal: string | null): void => {
        this.deliver({ type: 'exit', code, signal });
        resolve();
      };
      this.child.once('error', () => finish(null, null));
      this.child.once('exit', (code, signal) => setTimeout(finish, DRAIN_MS, code, signal).unref());
      this.child.once('close', finish);
    });
  }

  /** Whether the process has ended. */
  get gone(): boolean {
    return this.exit !== undefined;
  }

  /** Gives the process an invocation. */
  send(message: JsonObject): void {
    (this.child.stdio[3] as Writable).write(`${JSON.stringify(message)}\n`);
  }

  /** The next event that is no log; `exit` for ever after the process has ended. One caller at a time. */
  next(timeoutMs: number): Promise<WorkerEvent> {
    const early = this.arrived.shift() ?? this.exit;
    if (early !== undefined) return Promise.resolve(early);
    return new Promise((resolve) => {
      const finish = (event: WorkerEvent): void => {
        clearTimeout(timer);
        this.waiter = undefined;
        resolve(event);
      };
      const timer = setTimeout(finish, timeoutMs, { type: 'timeout' });
      this.waiter = finish;
    });
  }

  /** What was printed since the last time. */
  takeLog(): string {
    const { text } = this;
    this.text = '';
    return text;
  }

  /** Ends the process and everything it started; returns when it is gone. */
  async end(): Promise<void> {
    const { pid } = this.child;
    try {
      if (pid !== undefined) kill(-pid, 'SIGKILL');
    } catch {
      // The group is gone already, or the system has none.
      this.child.kill('SIGKILL');
    }
    await this.ended;
  }

  private append(text: string): void {
    this.text = (this.text + text).slice(-KEPT_LOG);
  }

  private read(chunk: string): void {
    const lines = (this.rest + chunk).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) this.readLine(line);
  }

  private readLine(line: string): void {
    const event = parseEvent(line);
    // The handler may write to the channel itself; what is no message of the bootstrap's was printed.
    if (event === undefined) this.append(`${line}\n`);
    else if (event.type === 'log') this.append(event.text);
    else this.deliver(event);
  }

  private deliver(event: WorkerEvent): void {
    if (this.exit !== undefined) return;
    if (event.type === 'exit') this.exit = event;
    if (this.waiter !== undefined) this.waiter(event);
    else if (event.type !== 'exit') this.arrived.push(event);
  }
}

type Message = Exclude<WorkerEvent, { type: 'exit' | 'timeout' }> | { readonly type: 'log'; readonly text: string };

function parseEvent(line: string): Message | undefined {
  let value: Json;
  try {
    value = JSON.parse(line) as Json;
  } catch {
    return undefined;
  }
  if (!isJsonObject(value)) return undefined;
  const { type, text, payload, error } = value;
  const complete =
    type === 'ready' ||
    (type === 'log' && typeof text === 'string') ||
    (type === 'result' && typeof payload === 'string') ||
    (type === 'error' && isJsonObject(error));
  return complete ? (value as unknown as Message) : undefined;
}
