import { createAlias, deleteAlias, getAlias, listAliases, updateAlias } from './aliases.js';
import type { Answer, Call } from './call.js';
import { deleteFunctionConcurrency, getFunctionConcurrency, putFunctionConcurrency } from './concurrency.js';
import {
  deleteFunctionCodeSigningConfig,
  getFunctionCodeSigningConfig,
  putFunctionCodeSigningConfig,
} from './code-signing.js';
import { createEventSource, deleteEventSource, listEventSources } from './event-sources.js';
import {
  createFunction,
  deleteFunction,
  getFunction,
  getFunctionConfiguration,
  listFunctions,
  updateFunctionCode,
  updateFunctionConfiguration,
} from './functions.js';
import { invoke } from './invoke.js';
import {
  deleteInvokeConfig,
  getInvokeConfig,
  listInvokeConfigs,
  putInvokeConfig,
  updateInvokeConfig,
} from './invoke-configs.js';
import { addPermission, getPolicy, removePermission } from './permissions.js';
import {
  deleteProvisionedConcurrency,
  getProvisionedConcurrency,
  listProvisionedConcurrency,
  putProvisionedConcurrency,
} from './provisioned.js';
import { listTags, tagResource, untagResource } from './tags.js';
import { createFunctionUrl, deleteFunctionUrl, getFunctionUrl, listFunctionUrls, updateFunctionUrl } from './urls.js';
import { listVersions, publishVersion } from './versions.js';

export type Handler = (call: Call) => Answer | Promise<Answer>;

interface Route {
  readonly method: string;
  readonly template: string;
  /** A parameter with its value that must be there, where two operations share a path: the one with it stands first. */
  readonly query?: readonly [name: string, value: string];
  readonly operation: string;
  readonly handler: Handler;
}

const FUNCTIONS = '/2015-03-31/functions';
const FUNCTION = `${FUNCTIONS}/{FunctionName}`;
const CODE_SIGNING = '/2020-06-30/functions/{FunctionName}/code-signing-config';
const PROVISIONED = '/2019-09-30/functions/{FunctionName}/provisioned-concurrency';
const URL = '/2021-10-31/functions/{FunctionName}/url';
const POLICY = `${FUNCTION}/policy`;
const MAPPINGS = '/2015-03-31/event-source-mappings';
const INVOKE_CONFIG = '/2019-09-25/functions/{FunctionName}/event-invoke-config';
const TAGS = '/2017-03-31/tags/{Resource}';

/** The paths of the API model. @see https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html */
const ROUTES: readonly Route[] = [
  { method: 'POST', template: FUNCTIONS, operation: 'CreateFunction', handler: createFunction },
  { method: 'GET', template: FUNCTIONS, operation: 'ListFunctions', handler: listFunctions },
  { method: 'GET', template: FUNCTION, operation: 'GetFunction', handler: getFunction },
  { method: 'DELETE', template: FUNCTION, operation: 'DeleteFunction', handler: deleteFunction },
  {
    method: 'GET',
    template: `${FUNCTION}/configuration`,
    operation: 'GetFunctionConfiguration',
    handler: getFunctionConfiguration,
  },
  {
    method: 'PUT',
    template: `${FUNCTION}/configuration`,
    operation: 'UpdateFunctionConfiguration',
    handler: updateFunctionConfiguration,
  },
  { method: 'PUT', template: `${FUNCTION}/code`, operation: 'UpdateFunctionCode', handler: updateFunctionCode },
  { method: 'POST', template: `${FUNCTION}/versions`, operation: 'PublishVersion', handler: publishVersion },
  { method: 'GET', template: `${FUNCTION}/versions`, operation: 'ListVersionsByFunction', handler: listVersions },
  { method: 'POST', template: `${FUNCTION}/aliases`, operation: 'CreateAlias', handler: createAlias },
  { method: 'GET', template: `${FUNCTION}/aliases`, operation: 'ListAliases', handler: listAliases },
  { method: 'GET', template: `${FUNCTION}/aliases/{Name}`, operation: 'GetAlias', handler: getAlias },
  { method: 'PUT', template: `${FUNCTION}/aliases/{Name}`, operation: 'UpdateAlias', handler: updateAlias },
  { method: 'DELETE', template: `${FUNCTION}/aliases/{Name}`, operation: 'DeleteAlias', handler: deleteAlias },
  { method: 'POST', template: `${FUNCTION}/invocations`, operation: 'Invoke', handler: invoke },
  { method: 'GET', template: TAGS, operation: 'ListTags', handler: listTags },
  { method: 'POST', template: TAGS, operation: 'TagResource', handler: tagResource },
  { method: 'DELETE', template: TAGS, operation: 'UntagResource', handler: untagResource },
  {
    method: 'GET',
    template: '/2019-09-30/functions/{FunctionName}/concurrency',
    operation: 'GetFunctionConcurrency',
    handler: getFunctionConcurrency,
  },
  {
    method: 'PUT',
    template: '/2017-10-31/functions/{FunctionName}/concurrency',
    operation: 'PutFunctionConcurrency',
    handler: putFunctionConcurrency,
  },
  {
    method: 'DELETE',
    template: '/2017-10-31/functions/{FunctionName}/concurrency',
    operation: 'DeleteFunctionConcurrency',
    handler: deleteFunctionConcurrency,
  },
  {
    method: 'GET',
    template: PROVISIONED,
    query: ['List', 'ALL'],
    operation: 'ListProvisionedConcurrencyConfigs',
    handler: listProvisionedConcurrency,
  },
  {
    method: 'GET',
    template: PROVISIONED,
    operation: 'GetProvisionedConcurrencyConfig',
    handler: getProvisionedConcurrency,
  },
  {
    method: 'PUT',
    template: PROVISIONED,
    operation: 'PutProvisionedConcurrencyConfig',
    handler: putProvisionedConcurrency,
  },
  {
    method: 'DELETE',
    template: PROVISIONED,
    operation: 'DeleteProvisionedConcurrencyConfig',
    handler: deleteProvisionedConcurrency,
  },
  {
    method: 'GET',
    template: CODE_SIGNING,
    operation: 'GetFunctionCodeSigningConfig',
    handler: getFunctionCodeSigningConfig,
  },
  {
    method: 'PUT',
    template: CODE_SIGNING,
    operation: 'PutFunctionCodeSigningConfig',
    handler: putFunctionCodeSigningConfig,
  },
  {
    method: 'DELETE',
    template: CODE_SIGNING,
    operation: 'DeleteFunctionCodeSigningConfig',
    handler: deleteFunctionCodeSigningConfig,
  },
  { method: 'POST', template: URL, operation: 'CreateFunctionUrlConfig', handler: createFunctionUrl },
  { method: 'GET', template: URL, operation: 'GetFunctionUrlConfig', handler: getFunctionUrl },
  { method: 'PUT', template: URL, operation: 'UpdateFunctionUrlConfig', handler: updateFunctionUrl },
  { method: 'DELETE', template: URL, operation: 'DeleteFunctionUrlConfig', handler: deleteFunctionUrl },
  { method: 'GET', template: `${URL}s`, operation: 'ListFunctionUrlConfigs', handler: listFunctionUrls },
  { method: 'POST', template: POLICY, operation: 'AddPermission', handler: addPermission },
  { method: 'GET', template: POLICY, operation: 'GetPolicy', handler: getPolicy },
  { method: 'DELETE', template: `${POLICY}/{StatementId}`, operation: 'RemovePermission', handler: removePermission },
  { method: 'POST', template: MAPPINGS, operation: 'CreateEventSourceMapping', handler: createEventSource },
  { method: 'GET', template: MAPPINGS, operation: 'ListEventSourceMappings', handler: listEventSources },
  {
    method: 'DELETE',
    template: `${MAPPINGS}/{UUID}`,
    operation: 'DeleteEventSourceMapping',
    handler: deleteEventSource,
  },
  { method: 'PUT', template: INVOKE_CONFIG, operation: 'PutFunctionEventInvokeConfig', handler: putInvokeConfig },
  {
    method: 'POST',
    template: INVOKE_CONFIG,
    operation: 'UpdateFunctionEventInvokeConfig',
    handler: updateInvokeConfig,
  },
  { method: 'GET', template: INVOKE_CONFIG, operation: 'GetFunctionEventInvokeConfig', handler: getInvokeConfig },
  {
    method: 'DELETE',
    template: INVOKE_CONFIG,
    operation: 'DeleteFunctionEventInvokeConfig',
    handler: deleteInvokeConfig,
  },
  {
    method: 'GET',
    template: `${INVOKE_CONFIG}/list`,
    operation: 'ListFunctionEventInvokeConfigs',
    handler: listInvokeConfigs,
  },
];

/** An operation with the parts of the path, decoded. */
export interface Match {
  readonly operation: string;
  readonly handler: Handler;
  readonly path: Readonly<Record<string, string>>;
  /** Whether it changes the state; an invocation does not. */
  readonly mutating: boolean;
  /** Whether the body is a JSON object, or something that the handler reads itself. */
  readonly body: 'json' | 'raw';
}

/** The operations of Lambda that are served, by AWS's names. */
export const LAMBDA_OPERATIONS: readonly string[] = ROUTES.map(({ operation }) => operation);

function matchTemplate(template: string, path: string): Record<string, string> | undefined {
  const wanted = template.split('/');
  const found = path.replace(/\/+$/, '').split('/');
  if (wanted.length !== found.length) return undefined;
  const parts: Record<string, string> = {};
  for (const [index, segment] of wanted.entries()) {
    const text = found[index] ?? '';
    if (segment.startsWith('{')) parts[segment.slice(1, -1)] = decode(text);
    else if (segment !== text) return undefined;
  }
  return parts;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A broken escape is no name; the name's own check says so.
    return text;
  }
}

/** The operation of a request to Lambda; `undefined` for what the sandbox does not know. `path` is still percent-encoded. */
export function findOperation(method: string, path: string, query: URLSearchParams): Match | undefined {
  for (const { operation, handler, ...route } of ROUTES) {
    if (route.query !== undefined && query.get(route.query[0]) !== route.query[1]) continue;
    const parts = route.method === method ? matchTemplate(route.template, path) : undefined;
    if (parts === undefined) continue;
    const isInvoke = operation === 'Invoke';
    const body = isInvoke ? 'raw' : 'json';
    return { operation, handler, path: parts, mutating: method !== 'GET' && !isInvoke, body };
  }
  return undefined;
}
