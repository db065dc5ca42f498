import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as httpRequest,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { findOperation } from '../../src/sandbox/routes.js';
import type { Document } from '../e2e/support.js';

/** A request of one process to Lambda. */
export interface Request {
  readonly operation: string;
  /** How often this wire saw the operation, this time included. */
  readonly n: number;
  /** Of an invocation; an alias's own name is in `name`. */
  readonly qualifier: string | null;
  readonly name: string | undefined;
  readonly mutating: boolean;
  /** `{}` for what is no JSON. */
  readonly body: Document;
}

/** What the sandbox answered. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
}

/** A promise that never resolves keeps the request from the sandbox, or its answer from the process. */
export interface Hooks {
  readonly before?: (request: Request) => Promise<unknown> | void;
  readonly after?: (request: Request, answer: Answer) => Promise<unknown> | void;
}

/** What stands between one process and the sandbox, and sees both sides. */
export interface Wire {
  /** In place of the sandbox's. */
  readonly url: string;
  /** In order of arrival. */
  readonly requests: readonly Request[];
}

/** Never: what is held with it never goes on. */
export const held = (): Promise<never> => new Promise(() => undefined);

/** A wire to the sandbox at `target`, cut when the test ends. */
export async function startWire(target: string, hooks: Hooks = {}): Promise<Wire> {
  const requests: Request[] = [];
  const server = createServer((incoming, outgoing) => {
    pass(target, hooks, requests, incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

async function pass(
  target: string,
  hooks: Hooks,
  requests: Request[],
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const bytes = await all(incoming);
  const seen = requestOf(incoming, bytes, requests);
  if (seen !== undefined) {
    requests.push(seen);
    await hooks.before?.(seen);
  }
  const answer = await forward(target, incoming, bytes);
  if (seen !== undefined) await hooks.after?.(seen, answer);
  outgoing.writeHead(answer.status, answer.headers).end(answer.bytes);
}

function requestOf(incoming: IncomingMessage, bytes: Buffer, earlier: readonly Request[]): Request | undefined {
  const url = new URL(incoming.url ?? '/', 'http://wire');
  const match = findOperation(incoming.method ?? '', url.pathname, url.searchParams);
  if (match === undefined) return undefined;
  return {
    operation: match.operation,
    n: earlier.filter(({ operation }) => operation === match.operation).length + 1,
    qualifier: url.searchParams.get('Qualifier'),
    name: match.path['Name'],
    mutating: match.mutating,
    body: bytes.byteLength > 0 && match.body === 'json' ? (JSON.parse(bytes.toString('utf8')) as Document) : {},
  };
}

function forward(target: string, incoming: IncomingMessage, bytes: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers, url = '/' } = incoming;
    // The headers as they came, the host's name among them: they are signed.
    const sent = httpRequest(`${target}${url}`, { method, headers }, (response) => {
      all(response).then(
        (read) => resolve({ status: response.statusCode ?? 500, headers: response.headers, bytes: read }),
        reject,
      );
    });
    sent.once('error', reject);
    sent.end(bytes);
  });
}

async function all(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
