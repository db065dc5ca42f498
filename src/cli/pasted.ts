import type { ApplyJob } from '../apply/job.js';
import type { Scope } from './build-scope.js';
import type { Options } from './options.js';

/** The file that a command finds by itself. */
const DEFAULT_FILE = 'lambda.deploy.yaml';

/** What a printed command has to repeat, so that it is about the same function when it is pasted. @param region that was reached */
export function pastedOptions(
  options: Pick<Options, 'config' | 'environment' | 'region'>,
  scope: Scope | undefined,
  region: string,
): NonNullable<ApplyJob['pasted']> {
  const file = scope?.file ?? options.config ?? DEFAULT_FILE;
  const environment = scope?.environment ?? options.environment;
  const isChosen = options.region !== undefined || scope?.narrowed.includes(region) === true;
  const aws = ` --region ${quoted(region)}`;
  const own = [
    file === DEFAULT_FILE ? '' : ` --config ${quoted(file)}`,
    environment === undefined ? '' : ` --environment ${quoted(environment)}`,
    isChosen ? aws : '',
  ];
  return { own: own.join(''), aws };
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
