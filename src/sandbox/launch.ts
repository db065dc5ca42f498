import { cp, mkdir, realpath, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { JsonObject } from '../model/json.js';
import { unpack } from './archive.js';
import { NODE_BOOTSTRAP } from './bootstrap-node.js';
import { PYTHON_BOOTSTRAP } from './bootstrap-python.js';
import { type FindInterpreter, type Interpreter, NODE, pythonNames } from './interpreter.js';
import type { Runnable } from './invoke.js';
import type { Launch } from './worker.js';

/** A handler that could not be made ready: what the invocation answers, and what was printed meanwhile. */
export class InitError extends Error {
  constructor(
    readonly error: JsonObject,
    readonly log = '',
  ) {
    super('init failed');
  }
}

/** A function error that the sandbox makes itself. */
export function failure(errorType: string, errorMessage: string): JsonObject {
  return { errorType, errorMessage };
}

/** The program that runs a runtime's handlers. @throws InitError when the sandbox has none, saying what was tried */
export async function chooseInterpreter(runtime: string, findPython: FindInterpreter): Promise<Interpreter> {
  if (runtime.startsWith('nodejs')) return NODE;
  if (!runtime.startsWith('python'))
    throw new InitError(
      failure('Sandbox.RuntimeNotSupported', `The sandbox runs nodejs and python handlers, not ${runtime}.`),
    );
  const found = await findPython(runtime);
  if (found !== undefined) return found;
  const tried = pythonNames(runtime).join(', ');
  throw new InitError(
    failure(
      'Sandbox.NoInterpreter',
      `No Python runs on this machine: tried ${tried}. Install Python 3 and put it on PATH.`,
    ),
  );
}

/**
 * Fills the directory: the archive, or a copy of the folder that stands for an image, under `task`, an empty `tmp`, and the program that loads the handler.
 *
 * @throws InitError when the archive cannot be unpacked, or nothing stands for the image
 */
export async function prepareDirectory(runnable: Runnable, directory: string): Promise<void> {
  const task = path.join(directory, 'task');
  await rm(directory, { recursive: true, force: true });
  await mkdir(task, { recursive: true });
  await mkdir(path.join(directory, 'tmp'));
  try {
    if (runnable.image === undefined) await unpack(runnable.code, task);
    else await cp(folderOf(runnable.image), task, { recursive: true });
  } catch (error) {
    if (error instanceof InitError) throw error;
    const why = error instanceof Error ? error.message : 'it is damaged';
    throw new InitError(failure('Sandbox.UnpackError', `The archive cannot be unpacked: ${why}`));
  }
  await writeFile(path.join(directory, 'bootstrap.cjs'), NODE_BOOTSTRAP);
  await writeFile(path.join(directory, 'bootstrap.py'), PYTHON_BOOTSTRAP);
}

function folderOf({ uri, folder }: NonNullable<Runnable['image']>): string {
  if (folder !== undefined) return folder;
  throw new InitError(
    failure(
      'Sandbox.ImageNotMapped',
      `The sandbox runs no container images. Start it with --image ${uri}=DIR, where DIR has the handler.`,
    ),
  );
}

/** How to start the handler's process in a prepared directory. */
export async function launchOf(runnable: Runnable, interpreter: Interpreter, prepared: string): Promise<Launch> {
  // Loaders resolve links, and traces are shown relative to this path.
  const directory = await realpath(prepared);
  const cwd = path.join(directory, 'task');
  return {
    command: interpreter.command,
    args: [path.join(directory, interpreter === NODE ? 'bootstrap.cjs' : 'bootstrap.py')],
    cwd,
    env: environmentOf(runnable, cwd, path.join(directory, 'tmp')),
  };
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
