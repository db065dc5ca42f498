import type { JsonObject } from '../model/json.js';
import { type Answer, type Call, json, part, queryValue } from './call.js';
import { given, problem } from './constraints.js';
import { constraintErrors, notFound } from './errors.js';
import { findFunction, findVersion, parseFunctionName, withQualifier } from './names.js';
import { page } from './paging.js';
import type { FunctionState } from './state.js';

/** Bounds by member. @see https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html */
const BOUNDS: Readonly<Record<string, readonly [least: number, most: number]>> = {
  MaximumRetryAttempts: [0, 2],
  MaximumEventAgeInSeconds: [60, 21_600],
};

/** PutFunctionEventInvokeConfig: replaces the whole configuration (recorded: lambda_eventinvokeconfig_lifecycle). */
export function putInvokeConfig(call: Call): Answer {
  return write(call, {});
}

/** UpdateFunctionEventInvokeConfig: replaces the members that it names. */
export function updateInvokeConfig(call: Call): Answer {
  return write(call, found(call));
}

/** GetFunctionEventInvokeConfig. */
export function getInvokeConfig(call: Call): Answer {
  return json(200, found(call));
}

/** ListFunctionEventInvokeConfigs: of the function and of its versions and aliases. */
export function listInvokeConfigs(call: Call): Answer {
  const { fn } = target(call);
  return json(200, page('FunctionEventInvokeConfigs', [...fn.attached.invokeConfigs.values()], call.query));
}

/** DeleteFunctionEventInvokeConfig. */
export function deleteInvokeConfig(call: Call): Answer {
  found(call);
  const { fn, key } = target(call);
  fn.attached.invokeConfigs.delete(key);
  return { status: 204 };
}

function write(call: Call, before: JsonObject): Answer {
  const { fn, key, arn } = target(call);
  const members = Object.keys(BOUNDS).flatMap((member): [string, number][] => {
    const value = given(call.body, member);
    return typeof value === 'number' ? [[member, bounded(member, value)]] : [];
  });
  const config = {
    DestinationConfig: { OnSuccess: {}, OnFailure: {} },
    ...before,
    FunctionArn: arn,
    // A number of seconds on the wire, unlike Lambda's other times.
    LastModified: call.state.now() / 1000,
    ...Object.fromEntries(members),
  };
  fn.attached.invokeConfigs.set(key, config);
  return json(200, config);
}

function bounded(member: string, value: number): number {
  const [least, most] = BOUNDS[member] ?? [value, value];
  const name = member.charAt(0).toLowerCase() + member.slice(1);
  if (value < least)
    throw constraintErrors([problem(String(value), name, `Member must have value greater than or equal to ${least}`)]);
  if (value > most)
    throw constraintErrors([problem(String(value), name, `Member must have value less than or equal to ${most}`)]);
  return value;
}

function found(call: Call): JsonObject {
  const { fn, key, arn } = target(call);
  const config = fn.attached.invokeConfigs.get(key);
  if (config === undefined) throw notFound(`The function ${arn} doesn't have an EventInvokeConfig`);
  return config;
}

/** The function itself counts as `$LATEST`. */
function target(call: Call): { fn: FunctionState; key: string; arn: string } {
  const parsed = parseFunctionName(call.state, call.region, part(call, 'FunctionName'));
  const { name, qualifier = '$LATEST' } = withQualifier(parsed, queryValue(call, 'Qualifier'));
  const fn = findFunction(call.state, call.region, name);
  if (!fn.aliases.has(qualifier)) findVersion(fn, qualifier);
  return { fn, key: qualifier, arn: `${fn.arn}:${qualifier}` };
}
