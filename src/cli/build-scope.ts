import { createHash } from 'node:crypto';
import { relative } from 'node:path';
import type { PlanInputs } from '../model/plan.js';
import type { Subject } from '../render/annotation.js';
import type { LoadedSpec } from '../spec/load.js';
import type { Context } from './context.js';
import type { Options } from './options.js';

/** An annotation's context has no more; a key of the meta-data that is as long can still be typed. */
const MAX_CHARACTERS = 100;

const HASH_DIGITS = 16;

/** What a job is about: other jobs of the build that are about something else keep their own annotations. */
export type Scope = Subject;

/** What annotations are of: plans, what came of a run, and drift. */
export type Kind = 'plan' | 'result' | 'drift';

/** The scope of this run. */
export function scopeOf(
  { host, options }: Pick<Context, 'host'> & { readonly options: Options },
  { file, environment }: Pick<LoadedSpec, 'file' | 'environment'>,
): Scope {
  const region = options.region === undefined ? [] : [options.region];
  return {
    file: relative(host.cwd, file),
    ...(environment === undefined ? {} : { environment }),
    narrowed: [...options.function, ...options.alias, ...region],
  };
}

/** The scope of the run that made a plan file. */
export function scopeOfPlan({ file, environment, functions, aliases, region, regionChosen }: PlanInputs): Scope {
  const narrowed = [...functions, ...aliases, ...(region === undefined || regionChosen !== true ? [] : [region])];
  return { file, ...(environment === undefined ? {} : { environment }), narrowed };
}

/**
 * `lambda-deploy:plan:lambda.deploy.yaml:production`, the context of an annotation and the key of a plan's digest: one for each file,
 * environment and choice of functions. Longer than 100 characters: their beginning, and a hash of the whole.
 */
export function scopeName(kind: Kind, { file, environment, narrowed }: Scope): string {
  const name = ['lambda-deploy', kind, file, environment ?? '', ...narrowed].join(':').replace(/:$/, '');
  const characters = [...name];
  if (characters.length <= MAX_CHARACTERS) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, HASH_DIGITS);
  return `${characters.slice(0, MAX_CHARACTERS - HASH_DIGITS - 1).join('')}:${hash}`;
}
