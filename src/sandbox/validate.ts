import { isJsonObject, type Json, type JsonObject } from '../model/json.js';
import { AwsError, constraintErrors, invalidParameter, serializationError } from './errors.js';

// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
/** Direct upload of an archive, in bytes. */
export const MAX_ZIP_BYTES = 52_428_800;
/** All files of an archive unpacked, in bytes. */
export const MAX_UNZIPPED_BYTES = 262_144_000;
/** A request with code, in bytes (recorded: oversized_request_create_lambda). */
export const MAX_REQUEST_BYTES = 70_167_211;
/** All variables as JSON, in bytes. */
const MAX_ENVIRONMENT_BYTES = 4096;
const MAX_LAYERS = 5;

/** The order is AWS's own in its error text (recorded: create_lambda_exceptions, January 2026). */
const RUNTIMES = (
  'nodejs20.x, python3.14, provided.al2023, python3.12, python3.13, nodejs24.x, nodejs22.x, java25, python3.10, ' +
  'python3.11, java21, ruby3.3, ruby3.4, ruby3.2, python3.8, python3.9, java17, nodejs16.x, dotnet10, dotnet8, ' +
  'java11, dotnet6, nodejs18.x, provided.al2, java8.al2'
).split(', ');

/** Names that Lambda sets itself. @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html */
const RESERVED_VARIABLES = new Set([
  '_HANDLER',
  '_X_AMZN_TRACE_ID',
  'AWS_DEFAULT_REGION',
  'AWS_REGION',
  'AWS_EXECUTION_ENV',
  'AWS_LAMBDA_FUNCTION_NAME',
  'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
  'AWS_LAMBDA_FUNCTION_VERSION',
  'AWS_LAMBDA_INITIALIZATION_TYPE',
  'AWS_LAMBDA_LOG_GROUP_NAME',
  'AWS_LAMBDA_LOG_STREAM_NAME',
  'AWS_ACCESS_KEY',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_LAMBDA_RUNTIME_API',
  'LAMBDA_TASK_ROOT',
  'LAMBDA_RUNTIME_DIR',
]);

type Rule = { readonly at: string } & (
  | {
      readonly type: 'string';
      readonly maxLength?: number;
      readonly pattern?: string;
      readonly oneOf?: readonly string[];
    }
  | { readonly type: 'integer'; readonly min: number; readonly max: number }
  | { readonly type: 'list' | 'map' }
);

const ARN_OR_EMPTY = '(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()';

/** @see https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html */
const RULES: readonly Rule[] = [
  {
    at: 'Role',
    type: 'string',
    pattern: 'arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+',
  },
  { at: 'Description', type: 'string', maxLength: 256 },
  { at: 'Handler', type: 'string', maxLength: 128, pattern: '[^\\s]+' },
  { at: 'Runtime', type: 'string' },
  { at: 'Timeout', type: 'integer', min: 1, max: 900 },
  { at: 'MemorySize', type: 'integer', min: 128, max: 10_240 },
  { at: 'EphemeralStorage', type: 'map' },
  { at: 'EphemeralStorage.Size', type: 'integer', min: 512, max: 10_240 },
  { at: 'TracingConfig', type: 'map' },
  { at: 'TracingConfig.Mode', type: 'string', oneOf: ['Active', 'PassThrough'] },
  { at: 'SnapStart', type: 'map' },
  { at: 'SnapStart.ApplyOn', type: 'string', oneOf: ['PublishedVersions', 'None'] },
  { at: 'LoggingConfig', type: 'map' },
  { at: 'LoggingConfig.LogFormat', type: 'string', oneOf: ['JSON', 'Text'] },
  { at: 'LoggingConfig.LogGroup', type: 'string', maxLength: 512, pattern: '[\\.\\-_/#A-Za-z0-9]+' },
  { at: 'KMSKeyArn', type: 'string', pattern: ARN_OR_EMPTY },
  { at: 'DeadLetterConfig', type: 'map' },
  { at: 'DeadLetterConfig.TargetArn', type: 'string', pattern: ARN_OR_EMPTY },
  { at: 'PackageType', type: 'string', oneOf: ['Zip', 'Image'] },
  { at: 'Environment', type: 'map' },
  { at: 'Environment.Variables', type: 'map' },
  { at: 'VpcConfig', type: 'map' },
  { at: 'ImageConfig', type: 'map' },
  { at: 'Layers', type: 'list' },
  { at: 'FileSystemConfigs', type: 'list' },
  { at: 'Architectures', type: 'list' },
  { at: 'CapacityProviderConfig', type: 'map' },
  { at: 'DurableConfig', type: 'map' },
  { at: 'Tags', type: 'map' },
];

/** A member that is absent or null counts as not given. */
export function given(body: JsonObject, at: string): Json | undefined {
  let value: Json | undefined = body;
  for (const member of at.split('.')) value = isJsonObject(value) ? value[member] : undefined;
  return value ?? undefined;
}

/** A string member. @throws AwsError SerializationException when it is something else */
export function optionalString(body: JsonObject, member: string): string | undefined {
  const value = given(body, member);
  if (value === undefined || typeof value === 'string') return value;
  throw serializationError(`${member} must be a string`);
}

/** A member that the API requires. @throws AwsError ValidationException when it is absent */
export function requiredString(body: JsonObject, member: string): string {
  const value = optionalString(body, member);
  if (value !== undefined) return value;
  throw constraintErrors([
    `Value null at '${lowerFirst(member)}' failed to satisfy constraint: Member must not be null`,
  ]);
}

/** One broken constraint in AWS's words. */
export function problem(value: string, at: string, constraint: string): string {
  return `Value '${value}' at '${at}' failed to satisfy constraint: ${constraint}`;
}

/** AWS's text for a value that is none of a list. */
export function oneOfText(allowed: readonly string[]): string {
  return `Member must satisfy enum value set: [${allowed.join(', ')}]`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function hasType(value: Json, type: Rule['type']): boolean {
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'list') return Array.isArray(value);
  return type === 'map' ? isJsonObject(value) : typeof value === 'string';
}

function broken(rule: Rule, value: Json): string | undefined {
  if (rule.type === 'integer') {
    const number = Number(value);
    if (number < rule.min) return `Member must have value greater than or equal to ${rule.min}`;
    return number > rule.max ? `Member must have value less than or equal to ${rule.max}` : undefined;
  }
  if (rule.type !== 'string') return undefined;
  const text = String(value);
  if (rule.maxLength !== undefined && text.length > rule.maxLength)
    return `Member must have length less than or equal to ${rule.maxLength}`;
  if (rule.oneOf !== undefined && !rule.oneOf.includes(text)) return oneOfText(rule.oneOf);
  if (rule.pattern !== undefined && !new RegExp(`^(?:${rule.pattern})$`).test(text))
    return `Member must satisfy regular expression pattern: ${rule.pattern}`;
  return undefined;
}

function architectureProblem(body: JsonObject): string | undefined {
  const list = given(body, 'Architectures');
  if (!Array.isArray(list)) return undefined;
  const shown = `[${list.join(', ')}]`;
  if (list.length > 1) return problem(shown, 'architectures', 'Member must have length less than or equal to 1');
  if (list.length === 0) return problem(shown, 'architectures', 'Member must have length greater than or equal to 1');
  if (list[0] === 'x86_64' || list[0] === 'arm64') return undefined;
  const allowed = oneOfText(['x86_64', 'arm64']);
  return problem(shown, 'architectures', `Member must satisfy constraint: [${allowed}, Member must not be null]`);
}

function variableProblem(body: JsonObject): string | undefined {
  const names = Object.keys(given(body, 'Environment.Variables') ?? {});
  if (names.every((name) => /^[a-zA-Z]([a-zA-Z0-9_])+$/.test(name) || RESERVED_VARIABLES.has(name))) return undefined;
  // AWS marks the map as sensitive: its text names the member, never the value.
  return "Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+, Member must not be null]";
}

/**
 * Checks the members that CreateFunction, UpdateFunctionConfiguration and UpdateFunctionCode share, first for their
 * types, then for every constraint at once, then for what Lambda itself refuses.
 *
 * @throws AwsError SerializationException, ValidationException or InvalidParameterValueException
 */
export function checkConfiguration(body: JsonObject): void {
  const problems: string[] = [];
  for (const rule of RULES) {
    const value = given(body, rule.at);
    if (value === undefined) continue;
    if (!hasType(value, rule.type)) throw serializationError(`${rule.at} must be of type ${rule.type}`);
    const constraint = broken(rule, value);
    if (constraint !== undefined)
      problems.push(problem(String(value), rule.at.split('.').map(lowerFirst).join('.'), constraint));
  }
  for (const found of [architectureProblem(body), variableProblem(body)]) if (found !== undefined) problems.push(found);
  if (problems.length > 0) throw constraintErrors(problems);
  checkRuntime(optionalString(body, 'Runtime'));
  checkVariables(given(body, 'Environment.Variables'));
  checkLayers(given(body, 'Layers'));
}

function checkRuntime(runtime: string | undefined): void {
  if (runtime === undefined || RUNTIMES.includes(runtime)) return;
  throw invalidParameter(
    `Value ${runtime} at 'runtime' failed to satisfy constraint: ${oneOfText(RUNTIMES)} or be a valid ARN`,
  );
}

function checkVariables(variables: Json | undefined): void {
  if (!isJsonObject(variables)) return;
  if (Object.values(variables).some((value) => typeof value !== 'string'))
    throw serializationError('Environment.Variables must be a map of strings');
  const reserved = Object.keys(variables).filter((name) => RESERVED_VARIABLES.has(name));
  if (reserved.length > 0)
    throw invalidParameter(
      `Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: ${reserved.join(', ')}`,
    );
  const text = JSON.stringify(variables);
  if (Buffer.byteLength(text) > MAX_ENVIRONMENT_BYTES)
    throw invalidParameter(
      `Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: ${text}`,
    );
}

function checkLayers(layers: Json | undefined): void {
  if (!Array.isArray(layers)) return;
  const arns: readonly string[] = layers.map(String);
  if (arns.length > MAX_LAYERS) throw invalidParameter(`Cannot reference more than ${MAX_LAYERS} layers.`);
  const seen = new Map<string, string>();
  for (const arn of arns) {
    const layer = /^(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\d{12}:layer:[a-zA-Z0-9-_]+):[0-9]+$/.exec(arn)?.[1];
    if (layer === undefined) throw invalidParameter(`Invalid layer version ARN: ${arn}`);
    const other = seen.get(layer);
    if (other !== undefined)
      throw invalidParameter(
        `Two different versions of the same layer are not allowed to be referenced in the same function. ${arn} and ${other} are versions of the same layer.`,
      );
    seen.set(layer, arn);
  }
}

/** 413 for a body that is too large. @see the recording oversized_request_create_lambda */
export function requestTooLarge(limit: number, operation: string): AwsError {
  return new AwsError(413, 'RequestEntityTooLargeException', {
    message: `Request must be smaller than ${limit} bytes for the ${operation} operation`,
  });
}
