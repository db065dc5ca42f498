import { toMembers } from '../../src/aws/mapping.js';
import { isUnreadable, type LiveFunction, type LiveVersion } from '../../src/model/function.js';
import { reveal } from '../../src/model/secret.js';
import { isJsonObject, type Json } from '../../src/model/json.js';
import {
  functionsOf,
  newRevision,
  type Config,
  type SandboxState,
  type VersionState,
  nothingAttached,
} from '../../src/sandbox/state.js';
import { archiveName, archiveOf, digestOf } from './archive.js';
import { REGION } from './live-file.js';

const VPC_ID = 'vpc-0123456789abcdef0';

/** What the adapter makes of AWS's `Environment.Error`; taken apart again here. */
const UNREADABLE = /^AWS said: (\w+): (.*) \(needs .*\)$/;

/**
 * Puts a function into a sandbox exactly as a case has it, states and weights included, which no sequence of calls could.
 *
 * @param archives names of the archives that the case uses, to find the bytes behind a digest
 */
export function seed(state: SandboxState, live: LiveFunction, archives: readonly string[]): void {
  const bytesOf = (digest: string): Uint8Array => {
    const name = archives.find((candidate) => digestOf(candidate) === digest);
    return name === undefined ? new Uint8Array() : archiveOf(name);
  };
  const versionState = (version: LiveVersion): VersionState => ({
    version: version.version,
    revisionId: newRevision(),
    lastModified: version.lastModified,
    content: {
      config: toConfig(version),
      code: { codeSha256: version.codeSha256, zip: bytesOf(version.codeSha256) },
    },
    status: statusOf(version),
  });
  const numbers = live.versions.map(({ version }) => Number(version));
  const newest = live.versions.find(({ version }) => Number(version) === Math.max(...numbers));
  const latest = versionState(live.latest);
  functionsOf(state, REGION).set(live.name, {
    name: live.name,
    region: REGION,
    arn: live.arn,
    latest,
    versions: new Map(
      [...live.versions]
        .sort((left, right) => Number(left.version) - Number(right.version))
        .map((version) => [version.version, versionState(version)]),
    ),
    nextVersion: Math.max(0, ...numbers) + 1,
    changedSincePublish:
      newest === undefined || JSON.stringify(versionState(newest).content) !== JSON.stringify(latest.content),
    provisioned: new Map(),
    attached: nothingAttached(),
    aliases: new Map(
      live.aliases.map(({ name, version, description, weights }) => [
        name,
        { name, functionVersion: version, description, weights, revisionId: newRevision() },
      ]),
    ),
    tags: isUnreadable(live.tags) ? {} : { ...live.tags },
    ...(typeof live.codeSigningConfigArn === 'string' ? { codeSigningConfigArn: live.codeSigningConfigArn } : {}),
  });
}

/** The names behind `<zip:NAME>` in a text. */
export function archivesIn(text: string): readonly string[] {
  return [...new Set([...text.matchAll(/<zip:[a-z0-9-]+>/g)].flatMap(([token]) => archiveName(token) ?? []))];
}

function toConfig(version: LiveVersion): Config {
  const { Layers, VpcConfig, SnapStart, ImageConfig, ...rest } = toMembers(version.settings, ['configuration', 'code']);
  const config: Record<string, Json> = { ...rest, PackageType: version.packageType };
  if (Array.isArray(Layers) && Layers.length > 0)
    config['Layers'] = Layers.map((arn: Json) => ({ Arn: arn, CodeSize: 0 }));
  if (isJsonObject(VpcConfig)) config['VpcConfig'] = { ...VpcConfig, VpcId: VPC_ID };
  if (isJsonObject(SnapStart)) config['SnapStart'] = { ...SnapStart, OptimizationStatus: 'Off' };
  if (isJsonObject(ImageConfig)) config['ImageConfigResponse'] = { ImageConfig };
  const environment = toEnvironment(version.environment);
  return environment === undefined ? config : { ...config, Environment: environment };
}

function toEnvironment(environment: LiveVersion['environment']): Json | undefined {
  if (isUnreadable(environment)) {
    const [, code, message] = UNREADABLE.exec(environment.unreadable) ?? [];
    if (code === undefined || message === undefined)
      throw new Error(`write it as the adapter does: ${UNREADABLE.source}`);
    return { Error: { ErrorCode: code, Message: message } };
  }
  const variables = Object.entries(environment).map(([name, value]) => [name, reveal(value)]);
  return variables.length === 0 ? undefined : { Variables: Object.fromEntries(variables) as Record<string, string> };
}

function statusOf(version: LiveVersion): Record<string, string> {
  const members = {
    State: version.state,
    StateReason: version.stateReason,
    StateReasonCode: version.stateReasonCode,
    LastUpdateStatus: version.lastUpdateStatus,
    LastUpdateStatusReason: version.lastUpdateStatusReason,
    LastUpdateStatusReasonCode: version.lastUpdateStatusReasonCode,
  };
  return Object.fromEntries(
    Object.entries(members).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
