import { createHash } from 'node:crypto';
import { isJsonObject, type Json, type JsonObject } from '../model/json.js';
import type { PackageType } from './code.js';
import type { Config, FunctionState, VersionState } from './state.js';
import { given } from './constraints.js';

/** Turns what a request gives for a member into what AWS answers for it; `undefined`: the member disappears. */
type Store = (value: Json, before: Json | undefined, functionName: string) => Json | undefined;

const asGiven: Store = (value) => value;
const unlessEmpty: Store = (value) => (isEmpty(value) ? undefined : value);

function isEmpty(value: Json): boolean {
  return value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** The sandbox has no networks: every subnet is in this one. */
const VPC_ID = 'vpc-0123456789abcdef0';

const vpc: Store = (value) => {
  const subnets = given(value as JsonObject, 'SubnetIds') ?? [];
  const groups = given(value as JsonObject, 'SecurityGroupIds') ?? [];
  return {
    SubnetIds: subnets,
    SecurityGroupIds: groups,
    // Recorded in vpc_config: an empty list reads back with an empty VpcId.
    VpcId: isEmpty(subnets) ? '' : VPC_ID,
    Ipv6AllowedForDualStack: given(value as JsonObject, 'Ipv6AllowedForDualStack') ?? false,
  };
};

const logging: Store = (value, before) => {
  const asked = value as JsonObject;
  const last = isJsonObject(before) ? before : {};
  const merged: JsonObject = { ...last, ...asked };
  const { ApplicationLogLevel, SystemLogLevel, ...rest } = merged;
  // Levels exist only for JSON. https://docs.aws.amazon.com/lambda/latest/api/API_LoggingConfig.html
  if (rest.LogFormat !== 'JSON') return rest;
  return { ...rest, ApplicationLogLevel: ApplicationLogLevel ?? 'INFO', SystemLogLevel: SystemLogLevel ?? 'INFO' };
};

const STORES: Readonly<Record<string, Store>> = {
  Description: asGiven,
  Role: asGiven,
  Handler: asGiven,
  Runtime: asGiven,
  Timeout: asGiven,
  MemorySize: asGiven,
  Architectures: asGiven,
  EphemeralStorage: asGiven,
  TracingConfig: (value) => ({ Mode: given(value as JsonObject, 'Mode') ?? 'PassThrough' }),
  Environment: (value) => ({ Variables: given(value as JsonObject, 'Variables') ?? {} }),
  Layers: (value) =>
    isEmpty(value) ? undefined : (value as readonly Json[]).map((arn) => ({ Arn: arn, CodeSize: 0 })),
  VpcConfig: vpc,
  DeadLetterConfig: (value) => (text(given(value as JsonObject, 'TargetArn')) === '' ? undefined : value),
  KMSKeyArn: unlessEmpty,
  FileSystemConfigs: unlessEmpty,
  ImageConfig: unlessEmpty,
  SnapStart: (value) => ({ ApplyOn: given(value as JsonObject, 'ApplyOn') ?? 'None', OptimizationStatus: 'Off' }),
  LoggingConfig: logging,
  CapacityProviderConfig: asGiven,
  DurableConfig: asGiven,
};

/** The members that CreateFunction and UpdateFunctionConfiguration store. For the test that holds them to the table. */
export const STORED_MEMBERS: readonly string[] = Object.keys(STORES);

/** What a function has that was created with nothing but code and a role (recorded: function_lifecycle). */
export function defaultConfig(functionName: string, packageType: PackageType): Config {
  return {
    Description: '',
    Timeout: 3,
    MemorySize: 128,
    PackageType: packageType,
    Architectures: ['x86_64'],
    EphemeralStorage: { Size: 512 },
    TracingConfig: { Mode: 'PassThrough' },
    SnapStart: { ApplyOn: 'None', OptimizationStatus: 'Off' },
    LoggingConfig: { LogFormat: 'Text', LogGroup: `/aws/lambda/${functionName}` },
  };
}

/** The configuration after a request: every member that it names is replaced, LoggingConfig is merged, the rest stays. */
export function applyMembers(config: Config, body: JsonObject, functionName: string): Config {
  const result: Config = { ...config };
  for (const [member, store] of Object.entries(STORES)) {
    const value = given(body, member);
    if (value === undefined) continue;
    // ImageConfig is the one member that AWS answers under another name.
    const name = member === 'ImageConfig' ? 'ImageConfigResponse' : member;
    const stored = store(value, config[name], functionName);
    if (stored === undefined) delete result[name];
    else result[name] = name === 'ImageConfigResponse' ? { ImageConfig: stored } : stored;
  }
  return result;
}

function runtimeVersion(region: string, runtime: string): JsonObject {
  const digest = createHash('sha256').update(runtime).digest('hex');
  return { RuntimeVersionArn: `arn:aws:lambda:${region}::runtime:${digest}` };
}

/** How a FunctionConfiguration is answered. */
export interface Shown {
  /** What the ARN ends with: a version or an alias. Absent: nothing. */
  readonly qualifier?: string | undefined;
  /** Listings leave out state, update status and runtime version (recorded: publish_version_on_create). */
  readonly listing?: true;
}

/** The FunctionConfiguration of a version. */
export function describe(fn: FunctionState, version: VersionState, shown: Shown = {}): JsonObject {
  const { config, code } = version.content;
  const runtime = text(config.Runtime);
  return {
    ...config,
    FunctionName: fn.name,
    FunctionArn: shown.qualifier === undefined ? fn.arn : `${fn.arn}:${shown.qualifier}`,
    Version: version.version,
    RevisionId: version.revisionId,
    LastModified: version.lastModified,
    CodeSha256: code.codeSha256,
    CodeSize: code.zip.byteLength,
    ...(shown.listing === true ? {} : version.status),
    ...(shown.listing === true || runtime === '' ? {} : { RuntimeVersionConfig: runtimeVersion(fn.region, runtime) }),
  };
}
