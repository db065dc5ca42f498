import type { Secret } from '../model/secret.js';

/** A secret that AWS keeps and the file names. */
export interface Reference {
  readonly source: 'ssm' | 'secretsmanager';
  /** The parameter's name or the secret's id; either may be an ARN. */
  readonly id: string;
  /** Where the value stands in a secret that is JSON: keys from the root, joined by dots. */
  readonly member?: string;
}

/** A value in pieces: text that is known, and what AWS must be asked for. */
export type Template = readonly (Secret | Reference)[];

/** What a value is filed under once it was read: `ssm:/path`, `secretsmanager:id`. */
export type ReferenceKey = `${Reference['source']}:${string}`;

/**
 * A name, with version or label after a colon where one is meant.
 *
 * @see https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html
 */
const PARAMETER = /^(?:arn:aws[a-z-]*:ssm:[a-z0-9-]+:\d{12}:parameter\/)?[\w.\-/]+(?::[\w.][\w.-]*)?$/;

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html */
const SECRET = /^(?:arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:)?[\w/+=.@!-]+$/;

/** What `${ssm:…}` or `${secretsmanager:…}` refers to; `undefined` when AWS has no such names. */
export function parseReference(source: Reference['source'], argument: string): Reference | undefined {
  if (source === 'ssm') return PARAMETER.test(argument) ? { source, id: argument } : undefined;
  const [, id = '', , member] = /^([^#]*)(#(.*))?$/s.exec(argument) ?? [];
  if (!SECRET.test(id) || member === '') return undefined;
  return { source, id, ...(member === undefined ? {} : { member }) };
}

/** The key of a reference; two members of one secret share it. */
export function keyOf({ source, id }: Reference): ReferenceKey {
  return `${source}:${id}`;
}
