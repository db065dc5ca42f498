import type { Json } from './json.js';

/**
 * One version-scoped setting of a function, as `lambda.deploy.yaml`, the planner and the AWS adapter know it.
 *
 * The table {@link FIELDS} is the whole mapping between the file and the Lambda API: a new setting of AWS's is a new row
 * here, a property in the schema and a row in the property test, and nothing else.
 */
export interface Field {
  /** The key in the file: AWS's member with its leading acronym lowered (`KMSKeyArn` → `kmsKeyArn`). */
  readonly key: FieldKey;
  /** The member of UpdateFunctionConfiguration (of UpdateFunctionCode where `sentWith` is `code`). */
  readonly member: string;
  /** Which update carries it. */
  readonly sentWith: 'configuration' | 'code';
  /**
   * What `null` in the file sends, and what a live function without the member is taken to have; `undefined`: AWS has no
   * default to return to, so `null` is an error of the schema.
   */
  readonly reset?: Json;
  /** A struct is compared and merged member by member; everything else is compared and sent whole. */
  readonly struct?: true;
  /** Lists whose order AWS does not keep: `''` is the value itself, otherwise a member of the struct. */
  readonly sets?: readonly string[];
  /** False: belongs to the function alone, a published version's own value says nothing about the spec. */
  readonly versionScoped?: false;
}

export type FieldKey =
  | 'description'
  | 'runtime'
  | 'handler'
  | 'role'
  | 'timeout'
  | 'memorySize'
  | 'architectures'
  | 'environment'
  | 'layers'
  | 'vpcConfig'
  | 'deadLetterConfig'
  | 'kmsKeyArn'
  | 'tracingConfig'
  | 'fileSystemConfigs'
  | 'imageConfig'
  | 'ephemeralStorage'
  | 'snapStart'
  | 'loggingConfig'
  | 'capacityProviderConfig'
  | 'durableConfig';

/**
 * Every member of the SDK's UpdateFunctionConfiguration, plus `architectures`, which travels with the code.
 * `environment` is the variables map itself; its values are secrets and are compared apart from the rest.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html
 */
export const FIELDS: readonly Field[] = [
  { key: 'description', member: 'Description', sentWith: 'configuration', reset: '', versionScoped: false },
  { key: 'runtime', member: 'Runtime', sentWith: 'configuration' },
  { key: 'handler', member: 'Handler', sentWith: 'configuration' },
  { key: 'role', member: 'Role', sentWith: 'configuration' },
  { key: 'timeout', member: 'Timeout', sentWith: 'configuration', reset: 3 },
  { key: 'memorySize', member: 'MemorySize', sentWith: 'configuration', reset: 128 },
  { key: 'architectures', member: 'Architectures', sentWith: 'code', reset: ['x86_64'], sets: [''] },
  { key: 'environment', member: 'Environment', sentWith: 'configuration', reset: {} },
  { key: 'layers', member: 'Layers', sentWith: 'configuration', reset: [] },
  {
    key: 'vpcConfig',
    member: 'VpcConfig',
    sentWith: 'configuration',
    reset: { subnetIds: [], securityGroupIds: [], ipv6AllowedForDualStack: false },
    struct: true,
    sets: ['subnetIds', 'securityGroupIds'],
  },
  {
    key: 'deadLetterConfig',
    member: 'DeadLetterConfig',
    sentWith: 'configuration',
    reset: { targetArn: '' },
    struct: true,
  },
  { key: 'kmsKeyArn', member: 'KMSKeyArn', sentWith: 'configuration', reset: '' },
  {
    key: 'tracingConfig',
    member: 'TracingConfig',
    sentWith: 'configuration',
    reset: { mode: 'PassThrough' },
    struct: true,
  },
  { key: 'fileSystemConfigs', member: 'FileSystemConfigs', sentWith: 'configuration', reset: [] },
  { key: 'imageConfig', member: 'ImageConfig', sentWith: 'configuration', reset: {}, struct: true },
  {
    key: 'ephemeralStorage',
    member: 'EphemeralStorage',
    sentWith: 'configuration',
    reset: { size: 512 },
    struct: true,
  },
  { key: 'snapStart', member: 'SnapStart', sentWith: 'configuration', reset: { applyOn: 'None' }, struct: true },
  {
    key: 'loggingConfig',
    member: 'LoggingConfig',
    sentWith: 'configuration',
    // The function's own name completes logGroup, see `resetOf`.
    reset: { logFormat: 'Text', logGroup: '/aws/lambda/' },
    struct: true,
  },
  { key: 'capacityProviderConfig', member: 'CapacityProviderConfig', sentWith: 'configuration', struct: true },
  { key: 'durableConfig', member: 'DurableConfig', sentWith: 'configuration', struct: true },
];

const BY_KEY: ReadonlyMap<string, Field> = new Map(FIELDS.map((field) => [field.key, field]));

/** The row of a key; `undefined` when the key is no setting of a function. */
export function fieldOf(key: string): Field | undefined {
  return BY_KEY.get(key);
}

/** What AWS has when nobody set the field, for this function; `undefined` where there is no such default. */
export function resetOf(field: Field, functionName: string): Json | undefined {
  if (field.key === 'loggingConfig') return { logFormat: 'Text', logGroup: `/aws/lambda/${functionName}` };
  return field.reset;
}
