import { isUnreadable, type LiveAlias, type LiveFunction, type LiveVersion } from '../../src/model/function.js';
import type { Json } from '../../src/model/json.js';
import type { DeployRecord } from '../../src/model/record.js';
import { Secret } from '../../src/model/secret.js';
import { newRecordId } from '../../src/model/record-id.js';
import { archiveName, archiveOf, resolveDigest } from './archive.js';

export const REGION = 'us-east-1';
export const ACCOUNT = '123456789012';
export const ROLE = 'arn:aws:iam::123456789012:role/app';

type PlainEnvironment = Readonly<Record<string, string>> | { readonly unreadable: string };

/** A version in `live.json`: a LiveVersion with plain variables; what is left out is as AWS has it on a fresh function. */
export interface PlainVersion {
  readonly version?: string;
  readonly packageType?: 'Zip' | 'Image';
  readonly settings?: Readonly<Record<string, Json>>;
  readonly environment?: PlainEnvironment;
  /** `<zip:a>` stands for the digest of the archive `a.zip`. */
  readonly codeSha256: string;
  readonly codeSize?: number;
  readonly state?: string;
  readonly stateReason?: string;
  readonly stateReasonCode?: string;
  readonly lastUpdateStatus?: string;
  readonly lastUpdateStatusReason?: string;
  readonly lastUpdateStatusReasonCode?: string;
  readonly runtimeVersionArn?: string;
}

/** A function in `live.json`. */
export interface PlainFunction {
  readonly latest: PlainVersion;
  readonly versions?: readonly (PlainVersion & { readonly version: string })[];
  readonly aliases?: readonly (Pick<LiveAlias, 'name' | 'version'> & Partial<LiveAlias>)[];
  readonly tags?: LiveFunction['tags'];
  readonly codeSigningConfigArn?: string;
  readonly reservedConcurrentExecutions?: number;
}

/** What GetFunction answers for a function that was created with nothing but code, runtime, handler and role. */
export function freshSettings(name: string): Readonly<Record<string, Json>> {
  return {
    description: '',
    runtime: 'nodejs22.x',
    handler: 'index.handler',
    role: ROLE,
    timeout: 3,
    memorySize: 128,
    architectures: ['x86_64'],
    tracingConfig: { mode: 'PassThrough' },
    ephemeralStorage: { size: 512 },
    snapStart: { applyOn: 'None' },
    loggingConfig: { logFormat: 'Text', logGroup: `/aws/lambda/${name}` },
  };
}

/** One function of `live.json` as the planner gets it. */
export function toLive(name: string, plain: PlainFunction): LiveFunction {
  return {
    name,
    arn: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`,
    latest: toVersion(name, plain.latest),
    aliases: (plain.aliases ?? []).map((alias) => ({
      description: '',
      weights: {},
      revisionId: `revision of ${alias.name}`,
      ...alias,
    })),
    versions: (plain.versions ?? []).map((version) => toVersion(name, version)),
    tags: plain.tags ?? {},
    ...(plain.codeSigningConfigArn === undefined ? {} : { codeSigningConfigArn: plain.codeSigningConfigArn }),
    ...(plain.reservedConcurrentExecutions === undefined
      ? {}
      : { reservedConcurrentExecutions: plain.reservedConcurrentExecutions }),
  };
}

function toVersion(name: string, plain: PlainVersion): LiveVersion {
  const { settings, environment, codeSha256, ...rest } = plain;
  const all: Record<string, Json> = { ...freshSettings(name), ...settings };
  if (plain.packageType === 'Image') for (const key of ['runtime', 'handler']) delete all[key];
  const archive = archiveName(codeSha256);
  return {
    version: '$LATEST',
    revisionId: `revision of ${plain.version ?? '$LATEST'}`,
    packageType: 'Zip',
    codeSize: archive === undefined ? 0 : archiveOf(archive).byteLength,
    state: 'Active',
    lastUpdateStatus: 'Successful',
    lastModified: '2026-01-02T03:04:05.678+0000',
    ...rest,
    description: String(all['description']),
    settings: all,
    environment: toEnvironment(environment),
    codeSha256: resolveDigest(codeSha256),
  };
}

function toEnvironment(plain: PlainEnvironment = {}): LiveVersion['environment'] {
  if (isUnreadable(plain)) return plain;
  return Object.fromEntries(Object.entries(plain).map(([name, value]) => [name, new Secret(value)]));
}

/** A record in `record.json`: what is left out is usual; `startedAt` gives the id. */
export type PlainRecord = Pick<DeployRecord, 'startedAt'> & Partial<DeployRecord>;

/** How long the runs behind the records took. */
const RUN_MS = 5_000;

/** One record of `record.json`. */
export function toRecord(plain: PlainRecord): DeployRecord {
  const started = Date.parse(plain.startedAt);
  const { codeSha256 } = plain;
  return {
    formatVersion: '1',
    id: newRecordId(started, () => 0),
    action: 'deploy',
    function: 'app',
    alias: 'live',
    result: 'succeeded',
    version: null,
    previousVersion: null,
    finishedAt: plain.result === 'open' ? null : new Date(started + RUN_MS).toISOString(),
    ...plain,
    codeSha256: codeSha256 === undefined || codeSha256 === null ? null : resolveDigest(codeSha256),
  };
}
