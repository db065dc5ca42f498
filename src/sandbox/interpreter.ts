import { execFile } from 'node:child_process';
import { execPath, version } from 'node:process';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** A name on PATH may be a dead shim, or hang. */
const PROBE_TIMEOUT_MS = 10_000;
const PROBE = 'import sys; print(sys.executable); print("%d.%d.%d" % sys.version_info[:3])';

/** A program that runs handlers. */
export interface Interpreter {
  readonly command: string;
  /** For the log: `Python 3.11.7`. */
  readonly name: string;
}

/** Finds what runs a Python runtime's handlers; `undefined`: nothing on this machine does. */
export type FindInterpreter = (runtime: string) => Promise<Interpreter | undefined>;

/**
 * The first Python that answers when it is run: the runtime's own name, then `python3.13`, then `python3`.
 *
 * @param env the environment in which the names are looked up; absent: this process's
 */
export async function findPython(
  runtime: string,
  env?: Readonly<Record<string, string>>,
): Promise<Interpreter | undefined> {
  for (const name of pythonNames(runtime)) {
    try {
      const { stdout } = await run(name, ['-c', PROBE], {
        timeout: PROBE_TIMEOUT_MS,
        ...(env === undefined ? {} : { env }),
      });
      const [command, found] = stdout.trim().split(/\r?\n/);
      if (command && found) return { command, name: `Python ${found}` };
    } catch {
      // Not there, or a shim without a Python behind it: the next name.
    }
  }
  return undefined;
}

/** The names that are tried for a Python runtime, in order. */
export function pythonNames(runtime: string): readonly string[] {
  return [...new Set([runtime, 'python3.13', 'python3'])];
}

/** The Node.js that runs the sandbox, whatever Node.js runtime the function names. */
export const NODE: Interpreter = { command: execPath, name: `Node.js ${version.slice(1)}` };
