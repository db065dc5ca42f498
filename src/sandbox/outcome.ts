import type { JsonObject } from '../model/json.js';
import type { Interpreter } from './interpreter.js';
import { type Invocation, MAX_PAYLOAD_BYTES, type Outcome, type Runnable } from './invoke.js';
import { failure } from './launch.js';
import type { WorkerEvent } from './worker.js';

const MB = 1_048_576;

/** What is known of an invocation when it is over. */
export interface Course {
  readonly runnable: Runnable;
  readonly invocation: Invocation;
  /** Absent: none was found. */
  readonly interpreter: Interpreter | undefined;
  /** Printed while the handler was loaded. */
  readonly before: string;
  /** Printed by this invocation. */
  readonly printed: string;
  readonly elapsedMs: number;
  /** Absent: the process was warm. */
  readonly initMs?: number | undefined;
  readonly rssBytes: number;
}

/** AWS's words for a handler that took too long. */
export function timedOut(runnable: Runnable): string {
  return `Task timed out after ${runnable.timeoutSeconds.toFixed(2)} seconds`;
}

/** AWS's words for a process that ended by itself. */
export function exited(event: Extract<WorkerEvent, { type: 'exit' }>): string {
  if (event.signal !== null) return `Runtime exited with error: signal: ${event.signal}`;
  if (event.code === null) return 'Runtime could not be started';
  if (event.code === 0) return 'Runtime exited without providing a reason';
  return `Runtime exited with error: exit status ${event.code}`;
}

/** The function error that an event means; `undefined`: success. */
export function errorOf(event: WorkerEvent, runnable: Runnable, { requestId }: Invocation): JsonObject | undefined {
  if (event.type === 'error') return event.error;
  if (event.type === 'timeout')
    return failure('Sandbox.Timedout', `RequestId: ${requestId} Error: ${timedOut(runnable)}`);
  if (event.type === 'exit') return failure('Runtime.ExitError', `RequestId: ${requestId} Error: ${exited(event)}`);
  if (event.type !== 'result' || Buffer.byteLength(event.payload) <= MAX_PAYLOAD_BYTES) return undefined;
  return failure(
    'Function.ResponseSizeTooLarge',
    `Response payload size exceeded maximum allowed payload size (${MAX_PAYLOAD_BYTES} bytes).`,
  );
}

/** An invocation that failed. */
export function failed(course: Course, error: JsonObject): Outcome {
  return { payload: JSON.stringify(error), functionError: 'Unhandled', log: logOf(course) };
}

/** The log as CloudWatch has it, after a line that says what ran the handler. */
export function logOf(course: Course): string {
  const { runnable, interpreter, before, printed, elapsedMs, initMs } = course;
  const { requestId } = course.invocation;
  const program =
    interpreter === undefined
      ? `no interpreter for ${runnable.runtime}`
      : `${interpreter.name} (${interpreter.command}) stands in for ${runnable.runtime}`;
  const layers = runnable.layers === 0 ? '' : `; ${runnable.layers} layers are not loaded`;
  const report = [
    `REPORT RequestId: ${requestId}`,
    `Duration: ${elapsedMs.toFixed(2)} ms`,
    `Billed Duration: ${Math.ceil(elapsedMs)} ms`,
    `Memory Size: ${runnable.memoryMb} MB`,
    `Max Memory Used: ${Math.ceil(course.rssBytes / MB)} MB`,
    ...(initMs === undefined ? [] : [`Init Duration: ${initMs.toFixed(2)} ms`]),
  ];
  return (
    `[sandbox] ${program}${layers}\n${wholeLines(before)}START RequestId: ${requestId} Version: ${runnable.version}\n` +
    `${wholeLines(printed)}END RequestId: ${requestId}\n${report.join('\t')}\n`
  );
}

function wholeLines(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
