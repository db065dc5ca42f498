import { isJsonObject, type Json, type JsonObject } from '../model/json.js';
import { constraintErrors, serializationError } from './errors.js';

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
  {
    at: 'CodeSigningConfigArn',
    type: 'string',
    maxLength: 200,
    pattern:
      'arn:(aws[a-zA-Z-]*)?:lambda:[a-z]{2}((-gov)|(-iso(b?)))?-[a-z]+-\\d{1}:\\d{12}:code-signing-config:csc-[a-z0-9]{17}',
  },
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

/**
 * Checks a request against the API model: first the types, then gives every broken constraint in AWS's words.
 *
 * @throws AwsError SerializationException for a value of another type
 */
export function brokenConstraints(body: JsonObject): readonly string[] {
  const problems: string[] = [];
  for (const rule of RULES) {
    const value = given(body, rule.at);
    if (value === undefined) continue;
    if (!hasType(value, rule.type)) throw serializationError(`${rule.at} must be of type ${rule.type}`);
    const constraint = broken(rule, value);
    if (constraint === undefined) continue;
    problems.push(problem(String(value), rule.at.split('.').map(lowerFirst).join('.'), constraint));
  }
  const architecture = architectureProblem(body);
  return architecture === undefined ? problems : [...problems, architecture];
}
