import { parse } from 'yaml';
import { isJsonObject, type Json, type JsonObject } from '../model/json.js';
import { isAlarmState } from './alarms.js';
import type { Alarm, BucketSeed, Seed } from './stores.js';

const KEYS = ['parameters', 'secrets', 'buckets', 'images', 'alarms', 'denied'];
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/**
 * A seed file's text, YAML or JSON. Unknown keys are refused, so that a misspelt one does not leave a store empty.
 *
 * @throws Error in one sentence that names the path and never a value, because values are secrets
 */
export function parseSeed(text: string): Seed {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    // The parser's later lines quote the file.
    const [first] = (error instanceof Error ? error.message : '').split('\n');
    throw new Error(`it is no YAML: ${first}`);
  }
  const seed = objectAt(value as Json, 'the file');
  const unknown = Object.keys(seed).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw new Error(`${unknown} is none of ${KEYS.join(', ')}.`);
  return {
    parameters: texts(seed.parameters, 'parameters'),
    secrets: each(seed.secrets, 'secrets', (secret, at) =>
      isJsonObject(secret) ? { binary: textAt(secret.binary, `${at}.binary`) } : textAt(secret, at),
    ),
    buckets: each(seed.buckets, 'buckets', bucketAt),
    images: each(seed.images, 'images', (digest, at) => {
      if (typeof digest === 'string' && DIGEST.test(digest)) return digest;
      throw new Error(`${at} is no digest: write sha256: and 64 hex digits.`);
    }),
    alarms: each(seed.alarms, 'alarms', alarmAt),
    denied: deniedAt(seed.denied ?? []),
  };
}

function bucketAt(value: Json, at: string): BucketSeed {
  const bucket = objectAt(value, at);
  const unknown = Object.keys(bucket).find((key) => key !== 'versioning' && key !== 'objects');
  if (unknown !== undefined) throw new Error(`${at}.${unknown} is neither versioning nor objects.`);
  const { versioning = false } = bucket;
  if (typeof versioning !== 'boolean') throw new Error(`${at}.versioning is neither true nor false.`);
  return { versioning, objects: texts(bucket.objects, `${at}.objects`) };
}

function alarmAt(value: Json, at: string): Alarm {
  const alarm = objectAt(value, at);
  const unknown = Object.keys(alarm).find((key) => !['type', 'state', 'reason'].includes(key));
  if (unknown !== undefined) throw new Error(`${at}.${unknown} is none of type, state, reason.`);
  const { type = 'metric', state = 'OK', reason = 'Unchecked: Initial alarm creation' } = alarm;
  if (type !== 'metric' && type !== 'composite') throw new Error(`${at}.type is neither metric nor composite.`);
  if (!isAlarmState(state)) throw new Error(`${at}.state is none of OK, ALARM, INSUFFICIENT_DATA.`);
  return { type, state, reason: textAt(reason, `${at}.reason`) };
}

function deniedAt(value: Json): readonly string[] {
  const isName = (one: unknown): one is string => typeof one === 'string' && /^(ssm|secretsmanager):./.test(one);
  if (Array.isArray(value) && value.every(isName)) return value;
  throw new Error('denied is no list of ssm:NAME and secretsmanager:NAME.');
}

function texts(value: Json | undefined, at: string): Readonly<Record<string, string>> {
  return each(value, at, textAt);
}

function each<T>(value: Json | undefined, at: string, read: (one: Json, at: string) => T): Readonly<Record<string, T>> {
  const pairs = Object.entries(objectAt(value ?? {}, at));
  return Object.fromEntries(pairs.map(([key, one]) => [key, read(one, `${at}.${key}`)]));
}

function objectAt(value: Json, at: string): JsonObject {
  if (isJsonObject(value)) return value;
  throw new Error(`${at} is no map.`);
}

function textAt(value: Json | undefined, at: string): string {
  if (typeof value === 'string') return value;
  throw new Error(`${at} is no text: put it in quotes.`);
}
