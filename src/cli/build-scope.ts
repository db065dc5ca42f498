import { createHash } from 'node:crypto';
import { relative } from 'node:path';
import type { LoadedSpec } from '../spec/load.js';
import type { Context } from './context.js';

/** An annotation's context has no more; a key of the meta-data that is as long can still be typed. */
const MAX_CHARACTERS = 100;

const HASH_DIGITS = 16;

/** What a job is about: other jobs of the build that are about something else keep their own annotations. */
export interface Scope {
  /** The file, relative to the working directory. */
  readonly file: string;
  readonly environment?: string;
  /** What options narrow it down to: functions, aliases, a region; empty: the whole file. */
  readonly narrowed: readonly string[];
}

/** The scope of this run. */
export function scopeOf(
  { host, options }: Context,
  { file, environment }: Pick<LoadedSpec, 'file' | 'environment'>,
): Scope {
  const region = options.region === undefined ? [] : [options.region];
  return {
    file: relative(host.cwd, file),
    ...(environment === undefined ? {} : { environment }),
    narrowed: [...options.function, ...options.alias, ...region],
  };
}

/**
 * `lambda-deploy:plan:lambda.deploy.yaml:production`, the context of an annotation and the key of a plan's digest: one for each file,
 * environment and choice of functions. Longer than 100 characters: their beginning, and a hash of the whole.
 */
export function scopeName(kind: 'plan' | 'result' | 'drift', { file, environment, narrowed }: Scope): string {
  const name = ['lambda-deploy', kind, file, environment ?? '', ...narrowed].join(':').replace(/:$/, '');
  const characters = [...name];
  if (characters.length <= MAX_CHARACTERS) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, HASH_DIGITS);
  return `${characters.slice(0, MAX_CHARACTERS - HASH_DIGITS - 1).join('')}:${hash}`;
}
