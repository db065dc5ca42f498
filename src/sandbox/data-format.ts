import { createHash } from 'node:crypto';
import type { Json } from '../model/json.js';
import type { SandboxState } from './state.js';

/** What a restart keeps. */
export type Kept = Pick<SandboxState, 'account' | 'regions' | 'stores' | 'trail'>;

/** A state as text, and the bytes that the text names by their SHA-256 in hex. */
export interface Encoded {
  readonly text: string;
  readonly blobs: ReadonlyMap<string, Uint8Array>;
}

const FORMAT = 'lambda-deploy-sandbox';
/** Raised by every change that an older version would misread. */
const FORMAT_VERSION = 1;

/** Archives and objects are never changed in place, so each is digested once. */
const digests = new WeakMap<Uint8Array, string>();

/**
 * Two lines of JSON: the format with the digest of the second line, and the state. Metrics stay out, which count up without a
 * mutating call, and the folders of images, which every start names again.
 */
export function encodeState({ account, regions, stores, trail }: Kept): Encoded {
  const blobs = new Map<string, Uint8Array>();
  const kept: Kept = { account, regions, stores: { ...stores, metrics: new Map(), imageFolders: new Map() }, trail };
  const body = JSON.stringify(encode(kept, blobs));
  const header = JSON.stringify({ format: FORMAT, formatVersion: FORMAT_VERSION, sha256: sha256(body) });
  return { text: `${header}\n${body}\n`, blobs };
}

/**
 * What {@link encodeState} was given.
 *
 * @param blob gives the bytes of a digest
 * @throws Error in half a sentence, for a text that is anything else or was cut off
 */
export function decodeState(text: string, blob: (digest: string) => Uint8Array): Kept {
  const [first = '', body = '', ...rest] = text.split('\n');
  const { format, formatVersion, sha256: digest } = headerOf(first);
  if (format !== FORMAT) throw new Error('is no data of a sandbox');
  if (formatVersion !== FORMAT_VERSION)
    throw new Error(`has format ${String(formatVersion)}, and this version reads format ${FORMAT_VERSION}`);
  if (digest !== sha256(body) || rest.join('') !== '') throw new Error('is damaged, or was cut off');
  return decode(JSON.parse(body) as Json, blob) as Kept;
}

/** The digests that a text names. */
export function blobsOf(text: string): readonly string[] {
  return [...new Set([...text.matchAll(/\{"\$bytes":"([0-9a-f]{64})"\}/g)].map(([, digest = '']) => digest))];
}

function headerOf(line: string): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(line) ?? {}) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** The digest of bytes, as they are named. */
export function digestOfBytes(bytes: Uint8Array): string {
  const digest = digests.get(bytes) ?? sha256(bytes);
  digests.set(bytes, digest);
  return digest;
}

/** Everything that JSON has no word for is an object with one key that begins with `$`. */
function encode(value: unknown, blobs: Map<string, Uint8Array>): Json {
  const inner = (one: unknown): Json => encode(one, blobs);
  if (value instanceof Uint8Array) {
    const digest = digestOfBytes(value);
    blobs.set(digest, value);
    return { $bytes: digest };
  }
  if (value instanceof Map) return { $map: [...value].map(([key, one]) => [key as string, inner(one)]) };
  if (value instanceof Set) return { $set: [...value].map(inner) };
  if (value === Infinity) return { $number: 'Infinity' };
  if (Array.isArray(value)) return value.map(inner);
  if (typeof value !== 'object' || value === null) return value as Json;
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  const encoded = entries.map(([key, one]) => [key, inner(one)] as const);
  // What callers gave may have such keys of its own.
  return encoded.some(([key]) => key.startsWith('$')) ? { $object: encoded } : Object.fromEntries(encoded);
}

function decode(value: Json, blob: (digest: string) => Uint8Array): unknown {
  const inner = (one: Json): unknown => decode(one, blob);
  const pairs = (list: Json | undefined): [string, unknown][] =>
    (list as [string, Json][]).map(([key, one]) => [key, inner(one)]);
  if (Array.isArray(value)) return value.map(inner);
  if (typeof value !== 'object' || value === null) return value;
  const object = value as Readonly<Record<string, Json>>;
  switch (Object.keys(object)[0]) {
    case '$bytes':
      return blob(String(object['$bytes']));
    case '$map':
      return new Map(pairs(object['$map']));
    case '$set':
      return new Set((object['$set'] as Json[]).map(inner));
    case '$number':
      return Infinity;
    case '$object':
      return Object.fromEntries(pairs(object['$object']));
    default:
      return Object.fromEntries(Object.entries(object).map(([key, one]) => [key, inner(one)]));
  }
}
