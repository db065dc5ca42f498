import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '../model/json.js';
import { authenticate, type Identity } from './auth.js';
import type { Answer, Call } from './call.js';
import { type DataFile, openData } from './data.js';
import type { Kept } from './data-format.js';
import { type AwsError, gatewayError } from './errors.js';
import { decryptionOf, type Need, needsOf } from './iam-actions.js';
import { type Policies, refusalOf, withoutTags, withoutVariables } from './iam-policy.js';
import { errorAnswer, parseBody, receive, reset, send, type WireRequest } from './http.js';
import { Faults, type FaultRule, type FiredFault } from './faults.js';
import { type AnswerEvent, InProcess } from './in-process.js';
import type { Invoker } from './invoke.js';
import { faultError, type Intercept, type SandboxCall, seenCall } from './intercept.js';
import { Links } from './links.js';
import { findOperation, type Match } from './routes.js';
import { dialectOf, findAction, findS3, findTarget, serviceOf } from './services.js';
import { RuntimePool } from './runtime.js';
import type { SandboxState } from './state.js';
import { createStores, mapImages, type Seed } from './stores.js';
import { keepEvent } from './trail.js';
import { MAX_REQUEST_BYTES, requestTooLarge } from './validate.js';

export type { FaultAction, FaultRule, FiredFault } from './faults.js';
export type { AnswerEvent, InvokedVersion } from './in-process.js';
export { parsePolicies } from './iam-policy.js';
export type { Fault, Intercept, SandboxCall } from './intercept.js';
export type { SandboxState } from './state.js';
export type { Seed } from './stores.js';

/** How the sandbox behaves; everything has a default. */
export interface SandboxOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** Added before every answer, in milliseconds; default 0. */
  readonly latencyMs?: number;
  /** How long states take to settle, in milliseconds; default 0: pending in the answer, settled at the next call. */
  readonly settleMs?: number;
  /** Twelve digits; default 123456789012. */
  readonly account?: string;
  /** Milliseconds since the epoch, for settling, timestamps and links; default the system's clock. */
  readonly now?: () => number;
  /** Asked before the faults; for what a rule cannot say. */
  readonly intercept?: Intercept;
  /** What goes wrong, from the first call on; {@link Sandbox.faults} arms others later. Default nothing. */
  readonly faults?: readonly FaultRule[];
  /** Told of every fault that takes place. */
  readonly onFault?: (fired: FiredFault) => void;
  /** Waits for slow answers, in milliseconds; default the system's clock. */
  readonly sleep?: (milliseconds: number) => Promise<unknown>;
  /** Answers Invoke in this process in place of the handlers; default: handlers run in processes of their own. */
  readonly invoke?: AnswerEvent;
  /** What other services hold at the start; default nothing. Not used where {@link data} holds a state already. */
  readonly seed?: Seed;
  /** A file that keeps the state, made where there is none; default: it ends with the sandbox. */
  readonly data?: string;
  /** Folders with a handler by image, for Invoke; default none. */
  readonly images?: Readonly<Record<string, string>>;
  /** What each access key may do, see `parsePolicies`; default: everybody everything. */
  readonly iamPolicy?: Policies;
}

/** A sandbox that listens. */
export interface Sandbox {
  /** Without a slash at the end. */
  readonly url: string;
  /** Everything authenticated that came over the wire, in order; the newest 10,000. */
  readonly calls: readonly SandboxCall[];
  /** The model, live: a test may edit it "as a console user". */
  readonly state: SandboxState;
  /** What goes wrong, and how often it did. */
  readonly faults: Faults;
  /** Whether the state is one that {@link SandboxOptions.data} held. */
  readonly isResumed: boolean;
  /** Stops listening, ends every process and removes every file. */
  close(): Promise<void>;
}

/** Enough for every test, and a bound for a sandbox that is polled for days. */
const KEPT_CALLS = 10_000;
/** The largest object that its bucket keeps, in bytes: the largest archive, and room for how it is framed. */
const MAX_OBJECT_BYTES = 300_000_000;
/** A client that reuses a connection just as the server closes it sees a lost answer: never close first. */
const KEEP_ALIVE_MS = 600_000;

interface Context {
  readonly options: SandboxOptions;
  readonly state: SandboxState;
  readonly links: Links;
  readonly faults: Faults;
  readonly invoker: Invoker;
  readonly calls: SandboxCall[];
  readonly counts: Map<string, number>;
  readonly data: DataFile | undefined;
}

/**
 * Starts a Lambda endpoint that the AWS SDK and the aws CLI use unchanged.
 *
 * @throws Error in one sentence when the address cannot be listened on, or the data file cannot be used
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const data = options.data === undefined ? undefined : await openData(options.data);
  try {
    const state = createState(options, data?.kept);
    await data?.keep(state);
    return await serveState(options, state, data);
  } catch (error) {
    await data?.release();
    throw error;
  }
}

function createState(options: SandboxOptions, kept: Kept | undefined): SandboxState {
  const { account = kept?.account ?? '123456789012', settleMs = 0, now = Date.now } = options;
  if (kept !== undefined && kept.account !== account)
    throw new Error(`${options.data} holds account ${kept.account}, not ${account}.`);
  const { regions, stores, trail } = kept ?? {
    regions: new Map(),
    stores: createStores(options.seed ?? {}, now()),
    trail: [],
  };
  mapImages(stores, options.images ?? {});
  return { account, settleMs, now, regions, stores, trail };
}

async function serveState(options: SandboxOptions, state: SandboxState, data: DataFile | undefined): Promise<Sandbox> {
  const pool = new RuntimePool();
  const links = new Links(state.now);
  const onFault = (fired: FiredFault): void => {
    data?.changed();
    options.onFault?.(fired);
  };
  const faults = new Faults(options.faults ?? [], onFault, options.sleep);
  const invoker = options.invoke === undefined ? pool : new InProcess(options.invoke);
  const context: Context = { options, state, links, faults, invoker, calls: [], counts: new Map(), data };
  const server = createServer((request, response) => {
    serve(context, request, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  const host = options.host ?? '127.0.0.1';
  await listen(server, host, options.port ?? 0);
  const { port } = server.address() as AddressInfo;
  const name = host.includes(':') ? `[${host}]` : host;
  return {
    url: `http://${name}:${port}`,
    calls: context.calls,
    state,
    faults,
    isResumed: data?.kept !== undefined,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await pool.close();
      await closed;
      await put(data);
    },
  };
}

/** Writes what a test edited, too, and lets the file go. */
async function put(data: DataFile | undefined): Promise<void> {
  data?.changed();
  await data?.saved().finally(() => data.release());
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve());
  });
}

async function serve(context: Context, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const service = serviceOf(request.headers.authorization);
  const wire = await receive(request, service === 's3' ? MAX_OBJECT_BYTES : MAX_REQUEST_BYTES);
  const archive = wire.method === 'GET' ? context.links.open(wire.path) : undefined;
  if (archive !== undefined) {
    response.writeHead(200, { 'content-type': 'application/zip', 'content-length': archive.byteLength }).end(archive);
    return;
  }
  if (context.options.latencyMs) await (context.options.sleep ?? sleep)(context.options.latencyMs);
  const failed = (error: unknown): Answer => errorAnswer(error, dialectOf(service), wire.method);
  let answer = await handle(context, wire, service).catch(failed);
  // Nothing is told, not even by a read, that a crash right after it would take back.
  await context.data?.saved().catch((error: unknown) => void (answer = failed(error)));
  if (answer === 'reset') reset(request.socket);
  else send(response, answer);
}

function matchOf(wire: WireRequest, service: string): Match | undefined {
  if (service === 's3') return findS3(wire.method, wire.path, wire.query);
  if (wire.path !== '/' || wire.method !== 'POST') return findOperation(wire.method, wire.path, wire.query);
  const target = wire.headers['x-amz-target'];
  if (target !== undefined) return findTarget(target);
  return findAction(new URLSearchParams(Buffer.from(wire.body).toString('utf8')).get('Action'));
}

function unknownOperation(wire: WireRequest, service: string): AwsError {
  const { 'x-amz-target': target = `${wire.method} ${wire.path}` } = wire.headers;
  const action = new URLSearchParams(Buffer.from(wire.body).toString('utf8')).get('Action');
  const what = service === 'sts' ? (action ?? 'this action') : target;
  // For S3, 404 would say that an object does not exist.
  const status = service === 's3' ? 501 : 404;
  return gatewayError(status, 'UnknownOperationException', `The sandbox does not know ${what}.`);
}

async function handle(context: Context, wire: WireRequest, service: string): Promise<Answer | 'reset'> {
  const match = matchOf(wire, service);
  // Its signature cannot be checked without its bytes.
  if (wire.tooLarge)
    throw requestTooLarge(service === 's3' ? MAX_OBJECT_BYTES : MAX_REQUEST_BYTES, match?.operation ?? 'unknown');
  const identity = await authenticate(wire);
  if (match === undefined) throw unknownOperation(wire, service);
  const body = match.body === 'json' ? parseBody(wire) : {};
  const call = noted(context, match, wire, body, identity.region);
  const fault = await context.options.intercept?.(call);
  if (fault?.kind === 'reset-before') return 'reset';
  if (fault?.kind === 'error') throw faultError(fault);
  const asked: Call = {
    state: context.state,
    region: identity.region,
    path: match.path,
    query: wire.query,
    headers: wire.headers,
    body,
    rawBody: wire.body,
    link: (code) => `http://${wire.headers.host ?? ''}${context.links.create(code)}`,
    invoker: context.invoker,
  };
  const run = async (): Promise<Answer> => {
    const answer = await authorised(context, identity, service, match, asked);
    const userAgent = wire.headers['user-agent'] ?? '';
    if (match.mutating) context.data?.changed();
    if (match.mutating && service === 'lambda') keepEvent(context.state, call, { ...identity, userAgent });
    return answer;
  };
  if (fault === undefined)
    return context.faults.around({ state: context.state, region: identity.region, service, call }, run);
  // Whether the operation succeeded or was refused: only the answer is lost.
  await run().catch(() => undefined);
  return 'reset';
}

/** Runs the operation for who may; a policy comes before everything that the operation itself would object to. */
async function authorised(
  { options: { iamPolicy: policies }, state }: Context,
  { accessKeyId }: Identity,
  service: string,
  { operation, handler }: Match,
  call: Call,
): Promise<Answer> {
  if (policies === undefined) return handler(call);
  const caller = { account: state.account, accessKeyId };
  const refusal = refusalOf(policies, caller, needsOf(operation, call), dialectOf(service));
  if (refusal !== undefined) throw refusal;
  const answer = await handler(call);
  if (operation !== 'GetFunction') return answer;
  const refused = (needs: readonly Need[]): AwsError | undefined => refusalOf(policies, caller, needs, 'json');
  const noTags = call.query.has('Qualifier') ? undefined : refused(needsOf('ListTags', call));
  const noVariables = refused(decryptionOf(answer));
  const tagless = noTags === undefined ? answer : withoutTags(answer, noTags);
  return noVariables === undefined ? tagless : withoutVariables(tagless, noVariables);
}

function noted(context: Context, match: Match, wire: WireRequest, body: JsonObject, region: string): SandboxCall {
  const n = (context.counts.get(match.operation) ?? 0) + 1;
  context.counts.set(match.operation, n);
  const call = seenCall(match, { n, region }, wire.query, body, wire.body);
  context.calls.push(call);
  if (context.calls.length > KEPT_CALLS) context.calls.shift();
  return call;
}
