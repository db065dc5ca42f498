import { isJsonObject, type Json, type JsonObject } from '../model/json.js';
import { MAX_ENVIRONMENT_BYTES, RESERVED_VARIABLES } from '../model/limits.js';
import { brokenConstraints, given, oneOfText, optionalString } from './constraints.js';
import { AwsError, constraintErrors, invalidParameter, serializationError } from './errors.js';

/** A request with code, in bytes (recorded: oversized_request_create_lambda). */
export const MAX_REQUEST_BYTES = 70_167_211;
const MAX_LAYERS = 5;

/** The order is AWS's own in its error text (recorded: create_lambda_exceptions, January 2026). */
const RUNTIMES = (
  'nodejs20.x, python3.14, provided.al2023, python3.12, python3.13, nodejs24.x, nodejs22.x, java25, python3.10, ' +
  'python3.11, java21, ruby3.3, ruby3.4, ruby3.2, python3.8, python3.9, java17, nodejs16.x, dotnet10, dotnet8, ' +
  'java11, dotnet6, nodejs18.x, provided.al2, java8.al2'
).split(', ');

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
  const variables = variableProblem(body);
  const problems = [...brokenConstraints(body), ...(variables === undefined ? [] : [variables])];
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
