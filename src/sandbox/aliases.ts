import { isDeepStrictEqual } from 'node:util';
import { isJsonObject, type JsonObject } from '../model/json.js';
import { type Answer, type Call, json, part, queryValue } from './call.js';
import { conflict, constraintErrors, invalidParameter, notFound, serializationError, staleRevision } from './errors.js';
import { findUnqualified, findVersion, isVersionNumber } from './names.js';
import { page } from './paging.js';
import { checkNotProvisioned } from './provisioned.js';
import { type AliasState, type FunctionState, newRevision } from './state.js';
import { given, optionalString, problem, requiredString } from './constraints.js';
import { checkConfiguration } from './validate.js';

// https://docs.aws.amazon.com/lambda/latest/api/API_CreateAlias.html
const MAX_NAME_LENGTH = 128;
const NAME_PATTERN = '(?!^[0-9]+$)([a-zA-Z0-9-_]+)';

function find(call: Call): FunctionState {
  return findUnqualified(call.state, call.region, part(call, 'FunctionName'));
}

function describeAlias(fn: FunctionState, alias: AliasState): JsonObject {
  return {
    AliasArn: `${fn.arn}:${alias.name}`,
    Name: alias.name,
    FunctionVersion: alias.functionVersion,
    Description: alias.description,
    RevisionId: alias.revisionId,
    ...(Object.keys(alias.weights).length === 0 ? {} : { RoutingConfig: { AdditionalVersionWeights: alias.weights } }),
  };
}

function checkName(name: string): void {
  if (name.length > MAX_NAME_LENGTH)
    throw constraintErrors([problem(name, 'name', `Member must have length less than or equal to ${MAX_NAME_LENGTH}`)]);
  if (!new RegExp(`^${NAME_PATTERN}$`).test(name))
    throw constraintErrors([problem(name, 'name', `Member must satisfy regular expression pattern: ${NAME_PATTERN}`)]);
}

/**
 * The weights of a request against the alias's primary version: at most one additional version, a fraction, neither
 * side `$LATEST`, both with the same role and dead-letter queue.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
 */
function checkWeights(fn: FunctionState, primary: string, weights: Readonly<Record<string, number>>): void {
  const entries = Object.entries(weights);
  if (entries.length > 1)
    throw invalidParameter('Number of items in AdditionalVersionWeights cannot be greater than 1');
  for (const [version, weight] of entries) {
    const shown = `{${version}=${weight}}`;
    const at = 'routingConfig.additionalVersionWeights';
    if (typeof weight !== 'number') throw serializationError('AdditionalVersionWeights must be a map of numbers');
    if (weight < 0 || weight > 1)
      throw constraintErrors([
        problem(
          shown,
          at,
          'Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]',
        ),
      ]);
    if (version === primary)
      throw invalidParameter(
        `Invalid function version ${primary}. Function version ${primary} is already included in routing configuration.`,
      );
    if (primary === '$LATEST' || version === '$LATEST')
      throw invalidParameter('$LATEST is not supported for an alias pointing to more than 1 version');
    if (!isVersionNumber(version))
      throw constraintErrors([
        problem(
          shown,
          at,
          'Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+, Member must not be null]',
        ),
      ]);
    checkPair(fn, primary, version);
  }
}

function checkPair(fn: FunctionState, primary: string, additional: string): void {
  const a = findVersion(fn, primary).content.config;
  const b = findVersion(fn, additional).content.config;
  const differing = ['Role', 'DeadLetterConfig'].find((member) => !isDeepStrictEqual(a[member], b[member]));
  if (differing !== undefined)
    throw invalidParameter(`Both versions in an alias's routing configuration must have the same ${differing}.`);
}

/** `undefined` when the request does not name a routing; an empty one clears. */
function weightsIn(body: JsonObject): Readonly<Record<string, number>> | undefined {
  const routing = given(body, 'RoutingConfig');
  if (routing === undefined) return undefined;
  const weights = given(body, 'RoutingConfig.AdditionalVersionWeights') ?? {};
  if (!isJsonObject(routing) || !isJsonObject(weights)) throw serializationError('RoutingConfig must be of type map');
  return weights as Readonly<Record<string, number>>;
}

function checkDescription(body: JsonObject): string | undefined {
  checkConfiguration({ Description: given(body, 'Description') ?? null });
  return optionalString(body, 'Description');
}

/** CreateAlias. */
export function createAlias(call: Call): Answer {
  const { body } = call;
  const name = requiredString(body, 'Name');
  checkName(name);
  const functionVersion = requiredString(body, 'FunctionVersion');
  const description = checkDescription(body) ?? '';
  const fn = find(call);
  if (fn.aliases.has(name)) throw conflict(`Alias already exists: ${fn.arn}:${name}`);
  findVersion(fn, functionVersion);
  const weights = weightsIn(body) ?? {};
  checkWeights(fn, functionVersion, weights);
  const alias: AliasState = { name, description, functionVersion, weights, revisionId: newRevision() };
  fn.aliases.set(name, alias);
  return json(201, describeAlias(fn, alias));
}

/** GetAlias. */
export function getAlias(call: Call): Answer {
  const fn = find(call);
  const name = part(call, 'Name');
  const alias = fn.aliases.get(name);
  if (alias === undefined) throw notFound(`Cannot find alias arn: ${fn.arn}:${name}`);
  return json(200, describeAlias(fn, alias));
}

/** UpdateAlias: replaces what it names. Its RevisionId moves also when nothing is different (recorded: alias_lifecycle). */
export function updateAlias(call: Call): Answer {
  const { body } = call;
  const description = checkDescription(body);
  const fn = find(call);
  const name = part(call, 'Name');
  const alias = fn.aliases.get(name);
  if (alias === undefined) throw notFound(`Alias not found: ${fn.arn}:${name}`);
  const revisionId = optionalString(body, 'RevisionId');
  if (revisionId !== undefined && revisionId !== alias.revisionId) throw staleRevision();
  const functionVersion = optionalString(body, 'FunctionVersion') ?? alias.functionVersion;
  findVersion(fn, functionVersion);
  const weights = weightsIn(body) ?? alias.weights;
  checkWeights(fn, functionVersion, weights);
  checkNotProvisioned(fn, name, weights);
  Object.assign(alias, { functionVersion, weights, revisionId: newRevision() });
  if (description !== undefined) alias.description = description;
  return json(200, describeAlias(fn, alias));
}

/** DeleteAlias. An alias that is gone is fine; a function that is gone is not. */
export function deleteAlias(call: Call): Answer {
  const fn = find(call);
  fn.aliases.delete(part(call, 'Name'));
  const { urls, policies, invokeConfigs } = fn.attached;
  for (const attached of [fn.provisioned, urls, policies, invokeConfigs]) attached.delete(part(call, 'Name'));
  return { status: 204 };
}

/** ListAliases, by name; `FunctionVersion` keeps those whose primary version it is. */
export function listAliases(call: Call): Answer {
  const fn = find(call);
  const version = queryValue(call, 'FunctionVersion');
  const aliases = [...fn.aliases.values()]
    .filter((alias) => version === undefined || alias.functionVersion === version)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return json(
    200,
    page(
      'Aliases',
      aliases.map((alias) => describeAlias(fn, alias)),
      call.query,
    ),
  );
}
