import type { HealthCheck } from '../model/function.js';
import { jsonPointer, type Json } from '../model/json.js';
import { reveal } from '../model/secret.js';

/**
 * An event with its secrets in place, each as text. Leaves that `secrets` does not name stay as they are, `${…}` in them too.
 *
 * @param secrets by JSON pointer; the empty one is the event itself
 * @param path where `payload` stands in the event
 */
export function fillPayload(
  payload: Json,
  secrets: NonNullable<HealthCheck['payloadSecrets']>,
  path: readonly (string | number)[] = [],
): Json {
  const pointer = jsonPointer(path);
  const secret = Object.hasOwn(secrets, pointer) ? secrets[pointer] : undefined;
  if (secret !== undefined) return reveal(secret);
  if (typeof payload !== 'object' || payload === null) return payload;
  const inside = (value: Json, step: string | number): Json => fillPayload(value, secrets, [...path, step]);
  if (Array.isArray(payload)) return payload.map(inside);
  return Object.fromEntries(Object.entries(payload).map(([key, value]) => [key, inside(value, key)]));
}
