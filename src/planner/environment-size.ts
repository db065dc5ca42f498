import { DeployError } from '../errors.js';
import { tooLargeEnvironment } from '../model/environment-size.js';
import { isUnreadable, type DesiredFunction } from '../model/function.js';
import { ownValue } from './compare.js';
import type { Content } from './normalize.js';
import { isIgnored } from './target.js';

/**
 * Refuses variables that Lambda would refuse, now that references have their values and what is left to others is known. What is
 * unknown until apply is not counted.
 *
 * @throws ENVIRONMENT_TOO_LARGE
 */
export function refuseLargeEnvironment(desired: DesiredFunction, { environment }: Content): void {
  if (desired.environment === undefined || isUnreadable(environment)) return;
  const known = Object.entries(environment).filter(
    ([name]) => ownValue(desired.unknownVariables ?? {}, name) === undefined,
  );
  const problem = tooLargeEnvironment(
    known.map(([name, { jsonBytes }]) => ({ name, jsonBytes, live: isIgnored(desired, `environment.${name}`) })),
  );
  if (problem === undefined) return;
  const detail = `the variables of ${desired.name} take ${problem.what} Nothing was changed.`;
  throw new DeployError('ENVIRONMENT_TOO_LARGE', detail, { subject: desired.name, fix: problem.fix });
}
