import type { AliasConfiguration, FunctionCodeLocation, FunctionConfiguration } from '@aws-sdk/client-lambda';
import { DeployError } from '../errors.js';
import { FIELDS, fieldOf, type Field } from '../model/fields.js';
import type { LiveAlias, LiveVersion, Settings, Unreadable, Variables } from '../model/function.js';
import { isJsonObject, type Json } from '../model/json.js';
import type { ConfigurationChange } from '../model/ports.js';
import { reveal, Secret } from '../model/secret.js';

/** File keys whose member is more than the key with its first letter raised. Holds for nested members too. */
const ACRONYMS: Readonly<Record<string, string>> = { kmsKeyArn: 'KMSKeyArn' };
const ACRONYM_KEYS = new Map(Object.entries(ACRONYMS).map(([key, member]) => [member, key]));

/**
 * Members of an answer that no request has: AWS works them out by itself.
 * @see https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfigResponse.html
 * @see https://docs.aws.amazon.com/lambda/latest/api/API_SnapStartResponse.html
 */
const ANSWER_ONLY: ReadonlySet<string> = new Set(['VpcConfig.VpcId', 'SnapStart.OptimizationStatus']);

/** `memorySize` → `MemorySize`, `kmsKeyArn` → `KMSKeyArn`. */
export function toMember(key: string): string {
  return ACRONYMS[key] ?? key.charAt(0).toUpperCase() + key.slice(1);
}

/** The inverse of {@link toMember}. */
export function toKey(member: string): string {
  return ACRONYM_KEYS.get(member) ?? member.charAt(0).toLowerCase() + member.slice(1);
}

function rename(value: Json, name: (key: string) => string): Json {
  if (Array.isArray(value)) return value.map((item: Json) => rename(item, name));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [name(key), rename(inner, name)]));
}

/** The object without its undefined members: what is left out stays out of requests and of live state. */
export function present<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/**
 * Settings as members of a request: exactly the named ones, `""`, `0`, `false`, `[]` and `{}` included.
 * `allowed` are the updates that the request stands for.
 *
 * @throws INTERNAL for a key that is no setting, travels with the other update, or is null: the SDK would drop it in silence.
 */
export function toMembers(settings: Settings, allowed: readonly Field['sentWith'][]): Readonly<Record<string, Json>> {
  const members: Record<string, Json> = {};
  for (const [key, value] of Object.entries(settings)) {
    const field = fieldOf(key);
    if (field === undefined || key === 'environment' || !allowed.includes(field.sentWith) || value === null)
      throw new DeployError('INTERNAL', `${key} cannot be sent with this request.`, { source: 'internal' });
    members[field.member] = rename(value, toMember);
  }
  return members;
}

/** {@link toMembers} and, where it is given, the whole variables map, opened: the result must never be printed. */
export function toRequest(
  change: ConfigurationChange,
  allowed: readonly Field['sentWith'][],
): Readonly<Record<string, Json>> {
  const members = toMembers(change.settings, allowed);
  if (change.environment === undefined) return members;
  const variables = Object.entries(change.environment).map(([name, value]) => [name, reveal(value)] as const);
  return { ...members, Environment: { Variables: Object.fromEntries(variables) } };
}

/** AWS's reason why it does not show a part, with the permission that is missing where it is known. */
export function unreadable(
  error: { readonly ErrorCode?: string | undefined; readonly Message?: string | undefined },
  permission: string,
): Unreadable {
  const words = [error.ErrorCode, error.Message].filter((part) => part !== undefined && part !== '').join(': ');
  return { unreadable: `AWS said: ${words || 'nothing'} (needs ${permission})` };
}

function toEnvironment(configuration: FunctionConfiguration): Variables | Unreadable {
  const { Error: error, Variables: variables } = configuration.Environment ?? {};
  // AWS answers so when the caller may not use the key that encrypts the variables.
  if (error !== undefined) return unreadable(error, 'kms:Decrypt on the function’s key');
  return Object.fromEntries(Object.entries(variables ?? {}).map(([name, value]) => [name, new Secret(value)]));
}

/** The part of AWS's answer that belongs to a field; undefined when AWS left it out. */
function partOf(configuration: FunctionConfiguration, field: Field): Json | undefined {
  if (field.key === 'layers') return configuration.Layers?.map((layer) => layer.Arn ?? '');
  if (field.key === 'imageConfig') {
    const { Error: error, ImageConfig: image } = configuration.ImageConfigResponse ?? {};
    if (error !== undefined) return { unreadable: unreadable(error, 'access to the image').unreadable };
    return image && (rename({ ...image } as Json, toKey) as Json);
  }
  const value = configuration[field.member as keyof FunctionConfiguration] as Json | undefined;
  if (!isJsonObject(value)) return value === undefined || value === null ? undefined : rename(value, toKey);
  const own = Object.entries(value).filter(
    ([member, inner]) => inner !== undefined && !ANSWER_ONLY.has(`${field.member}.${member}`),
  );
  return rename(Object.fromEntries(own), toKey);
}

function toSettings(configuration: FunctionConfiguration): Settings {
  const settings: Record<string, Json> = {};
  for (const field of FIELDS) {
    const part = field.key === 'environment' ? undefined : partOf(configuration, field);
    if (part !== undefined) settings[field.key] = part;
  }
  return settings;
}

/** A configuration as AWS answered it, in the file's spelling; variables become secrets at once. */
export function toLiveVersion(configuration: FunctionConfiguration, code: FunctionCodeLocation = {}): LiveVersion {
  return {
    version: configuration.Version ?? '',
    description: configuration.Description ?? '',
    packageType: configuration.PackageType === 'Image' ? 'Image' : 'Zip',
    settings: toSettings(configuration),
    environment: toEnvironment(configuration),
    codeSha256: configuration.CodeSha256 ?? '',
    codeSize: configuration.CodeSize ?? 0,
    lastModified: configuration.LastModified ?? '',
    ...present({
      revisionId: configuration.RevisionId,
      state: configuration.State,
      stateReason: configuration.StateReason,
      stateReasonCode: configuration.StateReasonCode,
      lastUpdateStatus: configuration.LastUpdateStatus,
      lastUpdateStatusReason: configuration.LastUpdateStatusReason,
      lastUpdateStatusReasonCode: configuration.LastUpdateStatusReasonCode,
      runtimeVersionArn: configuration.RuntimeVersionConfig?.RuntimeVersionArn,
      codeLocation: code.Location === undefined ? undefined : new Secret(code.Location),
      sourceKmsKeyArn: code.SourceKMSKeyArn,
    }),
  };
}

/** An alias as AWS answered it. */
export function toLiveAlias(alias: AliasConfiguration): LiveAlias {
  return {
    name: alias.Name ?? '',
    version: alias.FunctionVersion ?? '',
    description: alias.Description ?? '',
    weights: { ...alias.RoutingConfig?.AdditionalVersionWeights },
    ...present({ revisionId: alias.RevisionId }),
  };
}

/** The function's own ARN: AWS appends the qualifier that it was asked with. */
export function unqualified(arn: string): string {
  return arn.split(':').slice(0, 7).join(':');
}
