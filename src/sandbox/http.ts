import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { isJsonObject, type JsonObject } from '../model/json.js';
import type { SignedRequest } from './auth.js';
import type { Answer } from './call.js';
import { AwsError, serializationError } from './errors.js';
import { s3ErrorAnswer } from './s3-wire.js';
import type { Dialect } from './services.js';
import { queryError } from './sts.js';

/** A request with its whole body; over the service's limit the body is cut and `tooLarge` says so. */
export interface WireRequest extends SignedRequest {
  readonly tooLarge: boolean;
}

/** Reads a request to its end, and keeps so many bytes of its body. */
export async function receive(request: IncomingMessage, maxBytes: number): Promise<WireRequest> {
  const [path = '/', search = ''] = (request.url ?? '/').split('?', 2);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    // The rest is read and dropped: a client that is cut off while it sends never sees the answer.
    if (size <= maxBytes) chunks.push(chunk);
  }
  const headers = Object.entries(request.headers).map(([key, value]) => [key, String(value)]);
  return {
    method: request.method ?? 'GET',
    path,
    query: new URLSearchParams(search.replaceAll('+', '%2B')),
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: Buffer.concat(chunks),
    tooLarge: size > maxBytes,
  };
}

/** Cuts the connection, so that the client sees no answer. */
export function reset(socket: Socket): void {
  socket.resetAndDestroy();
}

/** The JSON body of a request; `{}` for none. @throws AwsError SerializationException */
export function parseBody(wire: WireRequest): JsonObject {
  if (wire.body.byteLength === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(wire.body).toString('utf8'));
  } catch {
    throw serializationError('Could not parse request body into json');
  }
  if (!isJsonObject(value)) throw serializationError('The request body must be a JSON object');
  return value;
}

/** How an error is answered: JSON, or the XML of the query protocol or of S3. */
export function errorAnswer(error: unknown, dialect: Dialect, method: string): Answer {
  const known =
    error instanceof AwsError
      ? error
      : new AwsError(500, 'ServiceException', {
          Type: 'Service',
          Message: `The sandbox failed: ${error instanceof Error ? error.message : 'unknown error'}`,
        });
  const { status, code, body, headers } = known;
  if (dialect === 's3') return s3ErrorAnswer(known, method);
  if (dialect === 'query') return queryError(status, code, String(body.message ?? body.Message ?? ''));
  const named = dialect === 'target' ? { __type: code, ...body } : body;
  return { status, body: named, headers: { ...headers, 'x-amzn-errortype': code } };
}

/** Answers. */
export function send(response: ServerResponse, answer: Answer): void {
  const text = answer.bytes ?? answer.text ?? (answer.body === undefined ? '' : JSON.stringify(answer.body));
  const type = answer.body === undefined ? {} : { 'content-type': 'application/json' };
  // Also the answer to HEAD says how long the object is.
  const length = answer.bytes === undefined ? {} : { 'content-length': answer.bytes.byteLength };
  response.writeHead(answer.status, { 'x-amzn-requestid': randomUUID(), ...type, ...length, ...answer.headers });
  response.end(text);
}
