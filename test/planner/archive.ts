import { createHash } from 'node:crypto';
import { strToU8, zipSync } from 'fflate';

/** Bytes that an archive called `large…` has more than the others, so that code can shrink. */
const LARGE_BYTES = 4096;

/** An archive with a handler that runs and answers its own name. Equal names give equal bytes on every machine. */
export function archiveOf(name: string): Uint8Array {
  const handler = `exports.handler = async () => ({ statusCode: 200, body: ${JSON.stringify(name)} });\n`;
  const padding = name.startsWith('large') ? { 'padding.txt': strToU8('x'.repeat(LARGE_BYTES)) } : {};
  // Stored, not deflated: a digest in a golden file must not depend on a compressor. Local components, as zip keeps them.
  return zipSync({ 'index.js': strToU8(handler), ...padding }, { level: 0, mtime: new Date(1980, 0, 1) });
}

/** base64(sha256), AWS's CodeSha256. */
export function digestOf(name: string): string {
  return createHash('sha256').update(archiveOf(name)).digest('base64');
}

/** The `a` of `<zip:a>`; `undefined` when the text is no such token. */
export function archiveName(text: string): string | undefined {
  return /^<zip:([a-z][a-z0-9-]*)>$/.exec(text)?.[1];
}

/** The archive whose digest this is, among those that the cases use. */
export function resolveDigest(text: string): string {
  const name = archiveName(text);
  return name === undefined ? text : digestOf(name);
}
