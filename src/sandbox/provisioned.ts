import type { JsonObject } from '../model/json.js';
import { type Answer, type Call, json, part, queryValue } from './call.js';
import { constraintErrors, conflict, invalidParameter, notFound, serializationError, userError } from './errors.js';
import { findUnqualified, findVersion } from './names.js';
import { page } from './paging.js';
import { type FunctionState, type ProvisionedState, timestamp } from './state.js';
import { given, problem } from './constraints.js';

/** AWS's words when weights and provisioned concurrency meet, in either order. */
const NOT_WITH_WEIGHTS = 'Alias with weights can not be used with Provisioned Concurrency';

/** PutProvisionedConcurrencyConfig, on a version or an alias, never on both of one version (recorded: lambda_provisioned_lifecycle). */
export function putProvisionedConcurrency(call: Call): Answer {
  const requested = given(call.body, 'ProvisionedConcurrentExecutions');
  if (typeof requested !== 'number' || !Number.isInteger(requested))
    throw serializationError('ProvisionedConcurrentExecutions must be of type integer');
  if (requested < 1)
    throw constraintErrors([
      problem(
        String(requested),
        'provisionedConcurrentExecutions',
        'Member must have value greater than or equal to 1',
      ),
    ]);
  const { fn, qualifier } = find(call);
  if (qualifier === '$LATEST')
    throw invalidParameter('Provisioned Concurrency Configs cannot be applied to unpublished function versions.');
  const alias = fn.aliases.get(qualifier);
  if (alias !== undefined) {
    if (Object.keys(alias.weights).length > 0) throw invalidParameter(NOT_WITH_WEIGHTS);
    if (fn.provisioned.has(alias.functionVersion))
      throw conflict("Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version");
  } else if ([...fn.aliases.values()].some((one) => one.functionVersion === qualifier && fn.provisioned.has(one.name)))
    throw conflict('Version is pointed by a Provisioned Concurrency alias');
  const { state } = call;
  const put = { requested, readyAt: state.now() + state.settleMs, lastModified: timestamp(state) };
  fn.provisioned.set(qualifier, put);
  // In progress in this answer also where it settles at once.
  return json(202, describe(put, false));
}

/** GetProvisionedConcurrencyConfig. */
export function getProvisionedConcurrency(call: Call): Answer {
  const { fn, qualifier } = find(call);
  const found = fn.provisioned.get(qualifier);
  if (found === undefined)
    throw userError(
      404,
      'ProvisionedConcurrencyConfigNotFoundException',
      'No Provisioned Concurrency Config found for this function',
    );
  return json(200, describe(found, found.readyAt <= call.state.now()));
}

/** ListProvisionedConcurrencyConfigs: of every version and alias that has one. */
export function listProvisionedConcurrency(call: Call): Answer {
  const fn = findUnqualified(call.state, call.region, part(call, 'FunctionName'));
  const all = [...fn.provisioned].map(([qualifier, one]) => {
    return { FunctionArn: `${fn.arn}:${qualifier}`, ...describe(one, one.readyAt <= call.state.now()) };
  });
  return json(200, page('ProvisionedConcurrencyConfigs', all, call.query));
}

/** DeleteProvisionedConcurrencyConfig: also where there is none. */
export function deleteProvisionedConcurrency(call: Call): Answer {
  const { fn, qualifier } = find(call);
  fn.provisioned.delete(qualifier);
  return { status: 204 };
}

/**
 * Refuses to spread an alias with provisioned concurrency over versions. The words are those that AWS has for the opposite order.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
 */
export function checkNotProvisioned(fn: FunctionState, alias: string, weights: Readonly<Record<string, number>>): void {
  if (Object.keys(weights).length > 0 && fn.provisioned.has(alias)) throw invalidParameter(NOT_WITH_WEIGHTS);
}

function describe({ requested, lastModified }: ProvisionedState, isReady: boolean): JsonObject {
  const running = isReady ? requested : 0;
  return {
    RequestedProvisionedConcurrentExecutions: requested,
    AvailableProvisionedConcurrentExecutions: running,
    AllocatedProvisionedConcurrentExecutions: running,
    Status: isReady ? 'READY' : 'IN_PROGRESS',
    LastModified: lastModified,
  };
}

/** @throws AwsError ResourceNotFoundException for a function, version or alias that is not there */
function find(call: Call): { fn: FunctionState; qualifier: string } {
  const fn = findUnqualified(call.state, call.region, part(call, 'FunctionName'));
  const qualifier = queryValue(call, 'Qualifier');
  if (qualifier === undefined)
    throw constraintErrors([`Value null at 'qualifier' failed to satisfy constraint: Member must not be null`]);
  if (/^(\$LATEST|[0-9]+)$/.test(qualifier)) findVersion(fn, qualifier);
  else if (!fn.aliases.has(qualifier)) throw notFound(`Cannot find alias arn: ${fn.arn}:${qualifier}`);
  return { fn, qualifier };
}
