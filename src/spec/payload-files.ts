import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { MAX_PAYLOAD_BYTES } from '../model/limits.js';
import type { Json } from '../model/json.js';
import { checksOf } from './check-rules.js';
import type { Finding } from './findings.js';
import { findJsonProblem } from './json-text.js';
import { formatPath, mapAt, mapScalars, nodeAt, textAt, type Node } from './node.js';

/** An event that stands in a file of its own. */
export interface PayloadFile {
  readonly text: string;
  readonly payload: Json;
  /** Lower-case hex, of the text as UTF-8. */
  readonly sha256: string;
}

const KEY = 'payloadFile';

/** Payloads by their path as the file names it. */
export type PayloadFiles = ReadonlyMap<string, PayloadFile>;

/**
 * Reads what the health checks of a merged tree name as `payloadFile`, each file once. A file that cannot be used is a finding.
 *
 * @param given their texts by name, instead of what is on the disk
 */
export async function readPayloadFiles(
  root: Node,
  directory: string,
  given?: Readonly<Record<string, string>>,
): Promise<{ readonly files: PayloadFiles; readonly findings: readonly Finding[] }> {
  const named = [...(mapAt(root, 'functions')?.entries ?? [])].flatMap(([key, { node }]) =>
    checksOf(node).map((check) => [nodeAt(check.node, KEY), ['functions', key, ...check.path, KEY]] as const),
  );
  const read = new Map<string, Promise<PayloadFile | Refusal>>();
  const files = new Map<string, PayloadFile>();
  const findings: Finding[] = [];
  for (const [node, path] of named) {
    const name = textAt(node);
    if (node === undefined || name === undefined || name === '') continue;
    const reading = read.get(name) ?? readPayload(resolve(directory, name), name, given);
    read.set(name, reading);
    const file = await reading;
    if ('payload' in file) files.set(name, file);
    else {
      const message = `${formatPath(path)} is ${name}, which ${file.what}.`;
      findings.push({ code: 'PAYLOAD_FILE', position: node.position, path, message, fix: file.fix });
    }
  }
  return { files, findings };
}

interface Refusal {
  readonly what: string;
  readonly fix: string;
}

async function readPayload(
  path: string,
  name: string,
  given: Readonly<Record<string, string>> | undefined,
): Promise<PayloadFile | Refusal> {
  const text = given === undefined ? await readText(path) : Object.hasOwn(given, name) ? given[name] : undefined;
  if (text === undefined) return { what: 'is not in the plan file', fix: 'plan again.' };
  if (typeof text !== 'string') return text;
  const problem = findJsonProblem(text);
  if (problem === undefined)
    return { text, payload: JSON.parse(text) as Json, sha256: createHash('sha256').update(text).digest('hex') };
  const before = text.slice(0, problem.offset).split('\n');
  const place = `${name}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
  return problem.kind === 'syntax'
    ? { what: `is no JSON at ${place}`, fix: `correct ${place}.` }
    : { what: `has a number at ${place} that JSON cannot carry exactly`, fix: `quote it at ${place}.` };
}

async function readText(path: string): Promise<string | Refusal> {
  const bytes = await readBytes(path);
  if (!(bytes instanceof Uint8Array)) return bytes;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { what: 'is not UTF-8', fix: 'save it as UTF-8.' };
  }
}

async function readBytes(path: string): Promise<Uint8Array | Refusal> {
  try {
    const about = await stat(path);
    // A pipe or a device may never end.
    if (!about.isFile()) return { what: 'is no regular file', fix: 'name a JSON file.' };
    if (about.size > MAX_PAYLOAD_BYTES)
      return {
        what: `has ${about.size} bytes; Lambda takes an event of at most ${MAX_PAYLOAD_BYTES}`,
        fix: 'send a smaller event.',
      };
    return await readFile(path);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code;
    if (reason === 'ENOENT')
      return { what: 'does not exist', fix: 'check the path: it starts at the folder of this file.' };
    return { what: `cannot be read: ${reason ?? 'unknown reason'}`, fix: 'name a file that can be read.' };
  }
}

/**
 * The function with the digest of each payload file beside its name, `events/health.json@sha256:…`: another content is another spec.
 */
export function pinPayloadFiles(node: Node, files: PayloadFiles): Node {
  const places = new Set(checksOf(node).map(({ path }) => JSON.stringify([...path, KEY])));
  return mapScalars(node, (scalar, path) => {
    const sha256 = places.has(JSON.stringify(path)) ? files.get(String(scalar.value))?.sha256 : undefined;
    if (sha256 === undefined) return scalar;
    const written = `${scalar.interpolated?.written ?? String(scalar.value)}@sha256:${sha256}`;
    return {
      ...scalar,
      interpolated: { shown: written, whole: false, failed: false, ...scalar.interpolated, written },
    };
  });
}
