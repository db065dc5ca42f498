import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../model/json.js';
import { type Answer, type Call, json, part, queryValue } from './call.js';
import { given, oneOfText, problem, requiredString } from './constraints.js';
import { conflict, constraintErrors, notFound } from './errors.js';
import { findFunction, parseFunctionName, withQualifier } from './names.js';
import { page } from './paging.js';
import { type FunctionState, timestamp } from './state.js';

const AUTH_TYPES = ['AWS_IAM', 'NONE'];

/** CreateFunctionUrlConfig, of the function or of an alias (recorded: url_config_lifecycle). */
export function createFunctionUrl(call: Call): Answer {
  const { fn, key, arn } = target(call);
  const authType = requiredAuthType(call);
  if (fn.attached.urls.has(key))
    throw conflict(
      `Failed to create function url config for [functionArn = ${arn}]. Error message:  FunctionUrlConfig exists for this Lambda function`,
    );
  const now = timestamp(call.state);
  const id = randomUUID().replaceAll('-', '');
  const url = {
    AuthType: authType,
    CreationTime: now,
    FunctionArn: arn,
    FunctionUrl: `https://${id}.lambda-url.${call.region}.on.aws/`,
  };
  fn.attached.urls.set(key, { ...url, InvokeMode: 'BUFFERED', LastModifiedTime: now });
  return json(201, url);
}

/** GetFunctionUrlConfig. */
export function getFunctionUrl(call: Call): Answer {
  return json(200, found(call));
}

/** UpdateFunctionUrlConfig: the way of signing in. */
export function updateFunctionUrl(call: Call): Answer {
  const { fn, key } = target(call);
  const auth = given(call.body, 'AuthType') === undefined ? {} : { AuthType: requiredAuthType(call) };
  const url = { ...found(call), ...auth, LastModifiedTime: timestamp(call.state) };
  fn.attached.urls.set(key, url);
  const { InvokeMode: _, ...shown } = url;
  return json(200, shown);
}

/** DeleteFunctionUrlConfig. */
export function deleteFunctionUrl(call: Call): Answer {
  found(call);
  const { fn, key } = target(call);
  fn.attached.urls.delete(key);
  return { status: 204 };
}

/** ListFunctionUrlConfigs: the function's and its aliases'. */
export function listFunctionUrls(call: Call): Answer {
  const { fn } = target(call);
  return json(200, page('FunctionUrlConfigs', [...fn.attached.urls.values()], call.query));
}

function requiredAuthType(call: Call): string {
  const value = requiredString(call.body, 'AuthType');
  if (!AUTH_TYPES.includes(value)) throw constraintErrors([problem(value, 'authType', oneOfText(AUTH_TYPES))]);
  return value;
}

function found(call: Call): JsonObject & { readonly InvokeMode?: string } {
  const { fn, key } = target(call);
  const url = fn.attached.urls.get(key);
  if (url === undefined) throw notFound('The resource you requested does not exist.');
  return url;
}

/** @throws AwsError ResourceNotFoundException for a function or an alias that is not there */
function target(call: Call): { fn: FunctionState; key: string; arn: string } {
  const parsed = parseFunctionName(call.state, call.region, part(call, 'FunctionName'));
  const { name, qualifier } = withQualifier(parsed, queryValue(call, 'Qualifier'));
  const fn = findFunction(call.state, call.region, name);
  if (qualifier === undefined) return { fn, key: '', arn: fn.arn };
  if (!fn.aliases.has(qualifier)) throw notFound(`Cannot find alias arn: ${fn.arn}:${qualifier}`);
  return { fn, key: qualifier, arn: `${fn.arn}:${qualifier}` };
}
