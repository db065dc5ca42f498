import { createHash } from 'node:crypto';
import { relative } from 'node:path';
import type { PlanInputs } from '../model/plan.js';
import type { Subject } from '../render/annotation.js';
import type { LoadedSpec } from '../spec/load.js';
import type { Context } from './context.js';
import { regionOf } from './host.js';
import type { Options } from './options.js';

/** An annotation's context has no more; a key of the meta-data that is as long can still be typed. */
const MAX_CHARACTERS = 100;

const HASH_DIGITS = 16;

/** What a job is about: other jobs of the build that are about something else keep their own annotations. */
export type Scope = Subject;

/** What annotations are of: plans, what came of a run, and drift. */
export type Kind = 'plan' | 'result' | 'drift';

/** What is known of the file: before it is read its name, and that a region may be in it. */
type About = Pick<LoadedSpec, 'file' | 'environment'> & Partial<Pick<LoadedSpec, 'region' | 'functions'>>;

/** The scope of this run. */
export function scopeOf({ host, options }: Pick<Context, 'host'> & { readonly options: Options }, about: About): Scope {
  const { file, environment } = about;
  const region = options.region === undefined ? [] : [options.region];
  return {
    file: relative(host.cwd, file),
    ...(environment === undefined ? {} : { environment }),
    narrowed: [...options.function, ...options.alias, ...region],
    ...environmentsRegion(host, about),
  };
}

/**
 * The region of the job's environment, where it alone says where a function of the file is: two jobs that differ in it are about two
 * things, by the same names.
 */
export function environmentsRegion(host: Context['host'], { region, functions = [] }: Omit<About, 'file'>): Where {
  const found = regionOf(host);
  const isNeeded = region === undefined && functions.some((one) => one.region === undefined);
  return isNeeded && found !== undefined ? { region: found } : {};
}

type Where = Pick<Scope, 'region'>;

/** The scope of the run that made a plan file. */
export function scopeOfPlan(inputs: PlanInputs): Scope {
  const { file, environment, functions, aliases, region, regionChosen, environmentsRegion: there } = inputs;
  const narrowed = [...functions, ...aliases, ...(region === undefined || regionChosen !== true ? [] : [region])];
  return {
    file,
    ...(environment === undefined ? {} : { environment }),
    narrowed,
    ...(there === undefined ? {} : { region: there }),
  };
}

/**
 * `lambda-deploy:plan:lambda.deploy.yaml:production`, the context of an annotation and the key of a plan's digest: one for each file,
 * environment and choice of functions, and each region of a job's environment that decides. Longer than 100 characters: their beginning, and a hash of the whole.
 */
export function scopeName(kind: Kind, { file, environment, narrowed, region }: Scope): string {
  const where = region === undefined ? [] : [region];
  const name = ['lambda-deploy', kind, file, environment ?? '', ...narrowed, ...where].join(':').replace(/:$/, '');
  const characters = [...name];
  if (characters.length <= MAX_CHARACTERS) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, HASH_DIGITS);
  return `${characters.slice(0, MAX_CHARACTERS - HASH_DIGITS - 1).join('')}:${hash}`;
}
