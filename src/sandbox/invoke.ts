import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { isJsonObject, type Json } from '../model/json.js';
import { type Answer, type Call, part, queryValue } from './call.js';
import { AwsError, conflict, userError } from './errors.js';
import { countInvocation } from './metrics.js';
import { findFunction, parseFunctionName, resolveQualifier, withQualifier } from './names.js';
import type { Code, Content, FunctionState, VersionState } from './state.js';
import { given } from './constraints.js';
import type { Stores } from './stores.js';

/** The largest event and the largest answer of a synchronous invocation, in bytes. @see https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const MAX_PAYLOAD_BYTES = 6_291_456;
/** How much of the log a tail has, in bytes. @see https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
const LOG_TAIL_BYTES = 4096;

/** What a process has to know to be a version of a function. */
export interface Runnable {
  /** The function's ARN with the version: a process is kept for each. */
  readonly slot: string;
  /** Equal for equal code and configuration: with another one the process is replaced. */
  readonly content: string;
  readonly functionName: string;
  readonly version: string;
  readonly region: string;
  readonly runtime: string;
  readonly handler: string;
  readonly code: Code;
  readonly variables: Readonly<Record<string, string>>;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  readonly logGroup: string;
  /** How many layers it has: the sandbox has none to load. */
  readonly layers: number;
  /** For an image: its name, and the folder that stands for it; absent: nothing does. */
  readonly image?: { readonly uri: string; readonly folder?: string };
}

/** One invocation. */
export interface Invocation {
  readonly requestId: string;
  readonly invokedArn: string;
  /** JSON. */
  readonly payload: string;
}

/** What came of it. A handler that failed is a result, not an exception. */
export interface Outcome {
  /** JSON. */
  readonly payload: string;
  readonly functionError?: 'Unhandled';
  /** START, what was printed, END and REPORT. */
  readonly log: string;
}

/** Runs versions of functions. */
export interface Invoker {
  run(runnable: Runnable, invocation: Invocation): Promise<Outcome>;
  /** Ends the processes of a function, or of one version, after what they were asked for. */
  forget(arn: string, version?: string): void;
}

/** The version that answers: an alias's additional version with the probability of its weight. */
function pick(fn: FunctionState, qualifier: string | undefined): VersionState {
  const weights = Object.entries(fn.aliases.get(qualifier ?? '')?.weights ?? {});
  let roll = Math.random();
  for (const [version, weight] of weights) {
    if (roll < weight) return resolveQualifier(fn, version);
    roll -= weight;
  }
  return resolveQualifier(fn, qualifier);
}

function strings(value: Json | undefined): Record<string, string> {
  return isJsonObject(value) ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, String(v)])) : {};
}

/** The command that an image runs when its configuration names none. */
const DEFAULT_COMMAND = 'index.handler';

/** What is run. Of an image the command is the handler, and the file beside it says which runtime: no image is looked into. */
function entryOf(
  { config, code }: Content,
  stores: Stores,
): Pick<Runnable, 'runtime' | 'handler'> & Partial<Pick<Runnable, 'image'>> {
  if (code.image === undefined) return { runtime: String(config.Runtime ?? ''), handler: String(config.Handler ?? '') };
  const { uri, resolvedUri } = code.image;
  const folder = stores.imageFolders.get(resolvedUri);
  const command = given(config, 'ImageConfigResponse.ImageConfig.Command');
  const handler = Array.isArray(command) && command.length > 0 ? String(command[0]) : DEFAULT_COMMAND;
  const isPython = folder !== undefined && existsSync(path.join(folder, `${handler.replace(/\.[^.]*$/, '')}.py`));
  const image = folder === undefined ? { uri } : { uri, folder };
  return { runtime: isPython ? 'python3.13' : 'nodejs22.x', handler, image };
}

function runnable(fn: FunctionState, version: VersionState, content: Content, stores: Stores): Runnable {
  const { config, code } = content;
  const layers = given(config, 'Layers');
  return {
    slot: `${fn.arn}:${version.version}`,
    content: code.codeSha256 + JSON.stringify(config),
    functionName: fn.name,
    version: version.version,
    region: fn.region,
    ...entryOf(content, stores),
    code,
    variables: strings(given(config, 'Environment.Variables')),
    memoryMb: Number(config.MemorySize),
    timeoutSeconds: Number(config.Timeout),
    logGroup: String(given(config, 'LoggingConfig.LogGroup') ?? ''),
    layers: Array.isArray(layers) ? layers.length : 0,
  };
}

function eventOf(call: Call): string {
  if (call.rawBody.byteLength > MAX_PAYLOAD_BYTES)
    throw userError(
      413,
      'RequestTooLargeException',
      `Request must be smaller than ${MAX_PAYLOAD_BYTES} bytes for the InvokeFunction operation`,
    );
  const text = Buffer.from(call.rawBody).toString('utf8');
  if (text === '') return '{}';
  try {
    JSON.parse(text);
  } catch (error) {
    throw userError(
      400,
      'InvalidRequestContentException',
      `Could not parse request body into json: ${error instanceof Error ? error.message : 'not JSON'}`,
    );
  }
  return text;
}

function checkInvocable(fn: FunctionState, version: VersionState): void {
  if (fn.reservedConcurrency === 0)
    throw new AwsError(
      429,
      'TooManyRequestsException',
      { Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded', Type: 'User', message: 'Rate Exceeded.' },
      { 'retry-after': '1' },
    );
  const { State: state } = version.status;
  if (state === 'Active') return;
  throw conflict(
    `The operation cannot be performed at this time. The function is currently in the following state: ${state}`,
  );
}

/**
 * Invoke. RequestResponse runs the handler and answers 200 also when it fails (`X-Amz-Function-Error`); Event starts it
 * and answers 202; DryRun answers 204. While `$LATEST` is updated, its old content answers, as in AWS.
 */
export async function invoke(call: Call): Promise<Answer> {
  const parsed = parseFunctionName(call.state, call.region, part(call, 'FunctionName'));
  const { name, qualifier } = withQualifier(parsed, queryValue(call, 'Qualifier'));
  const fn = findFunction(call.state, call.region, name);
  const version = pick(fn, qualifier);
  const payload = eventOf(call);
  checkInvocable(fn, version);
  const type = call.headers['x-amz-invocation-type'] ?? 'RequestResponse';
  const executed = { 'x-amz-executed-version': version.version };
  if (type === 'DryRun') return { status: 204, headers: executed };
  const invokedArn = qualifier === undefined ? fn.arn : `${fn.arn}:${qualifier}`;
  const runs = runnable(fn, version, version.serving ?? version.content, call.state.stores);
  // A metric's time is when the function was invoked.
  const at = call.state.now();
  const running = call.invoker.run(runs, { requestId: randomUUID(), invokedArn, payload }).then((outcome) => {
    const failed = outcome.functionError !== undefined;
    countInvocation(call.state.stores.metrics, fn, { qualifier, version: version.version, at, failed });
    return outcome;
  });
  if (type === 'Event') {
    // Nobody waits for its outcome, and the sandbox may close before it has one.
    running.catch(() => undefined);
    return { status: 202 };
  }
  const outcome = await running;
  const tail = Buffer.from(outcome.log).subarray(-LOG_TAIL_BYTES).toString('base64');
  return {
    status: 200,
    text: outcome.payload,
    headers: {
      'content-type': 'application/json',
      ...executed,
      ...(outcome.functionError === undefined ? {} : { 'x-amz-function-error': outcome.functionError }),
      ...(call.headers['x-amz-log-type'] === 'Tail' ? { 'x-amz-log-result': tail } : {}),
    },
  };
}
