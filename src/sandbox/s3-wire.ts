import { randomUUID } from 'node:crypto';
import type { Answer } from './call.js';
import { AwsError } from './errors.js';

const XML = { 'content-type': 'application/xml' };

/** Text inside of an XML element. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** An XML document of S3's. */
export function xml(root: string, inner: string): Answer {
  const text = `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</${root}>`;
  return { status: 200, text, headers: XML };
}

/** An error of S3's. @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
export function s3Error(status: number, code: string, message: string, headers: Record<string, string> = {}): AwsError {
  return new AwsError(status, code, { message }, headers);
}

/** S3's form of any error. It names some of them otherwise than the gateway that the sandbox's checks speak for. */
export function s3ErrorAnswer({ status, code, body, headers }: AwsError, method: string): Answer {
  const name = code === 'InvalidSignatureException' ? 'SignatureDoesNotMatch' : code.replace(/Exception$/, '');
  const message = escapeXml(String(body.message ?? body.Message ?? ''));
  const text =
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${escapeXml(name)}</Code><Message>${message}</Message>` +
    `<RequestId>${randomUUID()}</RequestId></Error>`;
  // An answer to HEAD has no body: callers see the status alone.
  return { status, headers: { ...headers, ...XML }, ...(method === 'HEAD' ? {} : { text }) };
}

/**
 * The content of an `aws-chunked` body, in which SDKs send what they cannot hash before they send it: chunks with their size in
 * hex, then trailers with the checksum.
 *
 * @throws AwsError IncompleteBody for a body that ends too early
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
export function decodeChunks(body: Uint8Array): {
  readonly content: Uint8Array;
  readonly trailers: Readonly<Record<string, string>>;
} {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const parts: Buffer[] = [];
  for (let at = 0; ;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.toString('latin1', at, Math.max(lineEnd, at)), 16);
    const start = lineEnd + 2;
    if (lineEnd < 0 || Number.isNaN(size) || start + size > bytes.byteLength)
      throw s3Error(400, 'IncompleteBody', 'The request body terminated unexpectedly');
    if (size === 0) return { content: Buffer.concat(parts), trailers: trailersOf(bytes.toString('latin1', start)) };
    parts.push(bytes.subarray(start, start + size));
    at = start + size + 2;
  }
}

function trailersOf(text: string): Readonly<Record<string, string>> {
  const lines = text.split('\r\n').filter((line) => line.includes(':'));
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}
