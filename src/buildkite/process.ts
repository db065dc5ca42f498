import { type ChildProcess, spawn } from 'node:child_process';
import { kill } from 'node:process';

/** More than this on stdout is no answer that anybody asked for. */
const MAX_OUT_BYTES = 1_048_576;

/** Enough of stderr to show its last lines. */
const KEPT_ERR_CHARACTERS = 4_096;

export interface ProgramRun {
  readonly input: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Ends the program, and whatever it started, where it stands. */
  readonly cut: AbortSignal;
}

/** How a program ended. `exitCode` is `null` where it was cut off or killed. */
export type ProgramEnd =
  | { readonly status: 'ended'; readonly exitCode: number | null; readonly out: string; readonly err: string }
  /** `reason` is the system's code, ENOENT where the PATH has no such program. */
  | { readonly status: 'unstarted'; readonly reason: string }
  | { readonly status: 'cut' };

/**
 * Runs a program found on the PATH of `env`, without a shell, with `input` on its stdin. It stands in a process group of its own: a
 * signal to this job does not end it half-way through a write, and cutting it off ends its children too. Never throws.
 */
export function runProgram(name: string, args: readonly string[], run: ProgramRun): Promise<ProgramEnd> {
  if (run.cut.aborted) return Promise.resolve({ status: 'cut' });
  return new Promise((resolve) => {
    const child = start(name, args, run);
    if (typeof child === 'string') return resolve({ status: 'unstarted', reason: child });
    const out: Buffer[] = [];
    let outBytes = 0;
    let err = '';
    const end = (how: ProgramEnd): void => {
      run.cut.removeEventListener('abort', cutOff);
      if (how.status !== 'ended') [child.stdin, child.stdout, child.stderr].forEach((stream) => stream?.destroy());
      resolve(how);
    };
    const cutOff = (): void => {
      killGroup(child.pid);
      end({ status: 'cut' });
    };
    child.on('error', (error) => end({ status: 'unstarted', reason: codeOf(error) }));
    child.on('close', (exitCode) => end({ status: 'ended', exitCode, out: Buffer.concat(out).toString(), err }));
    run.cut.addEventListener('abort', cutOff, { once: true });
    child.stdout?.on('data', (chunk: Buffer) => {
      outBytes += chunk.length;
      if (outBytes > MAX_OUT_BYTES) cutOff();
      else out.push(chunk);
    });
    child.stderr?.on('data', (chunk: Buffer) => (err = (err + chunk.toString()).slice(-KEPT_ERR_CHARACTERS)));
    // A program that does not read its input to the end says by its exit code what it thinks of it.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(run.input);
  });
}

/**
 * The program as it starts, or the code of what node throws at once (E2BIG, ENOMEM, ETXTBSY, a zero byte). Others come as its `error`;
 * out of file descriptors (EMFILE, ENFILE) it has no streams until then.
 */
function start(name: string, args: readonly string[], { cwd, env }: ProgramRun): ChildProcess | string {
  try {
    return spawn(name, args, { cwd, env, detached: true, stdio: 'pipe' });
  } catch (error) {
    return codeOf(error);
  }
}

function codeOf(error: unknown): string {
  const { code, name } = error as NodeJS.ErrnoException;
  return code ?? name;
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
