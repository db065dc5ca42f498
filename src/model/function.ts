import type { FieldKey } from './fields.js';
import type { Json, JsonObject } from './json.js';
import type { Secret } from './secret.js';

/** `$LATEST` or a published number in decimal digits, as AWS writes it. */
export type Version = string;

/** The mutable head of a function: every update lands here, a publish snapshots it. */
export const LATEST: Version = '$LATEST';

/** Variables by name. The values are never shown. */
export type Variables = Readonly<Record<string, Secret>>;

/** A part of a live function that AWS answered with an error: neither present nor absent. */
export interface Unreadable {
  /** Why, in AWS's words, and the permission that is missing where it is known. */
  readonly unreadable: string;
}

/** Narrows a part that AWS may have refused to show. */
export function isUnreadable(value: object | undefined): value is Unreadable {
  return value !== undefined && typeof (value as { unreadable?: unknown }).unreadable === 'string';
}

/**
 * Settings by file key, in the file's spelling (camelCase members). In a {@link DesiredFunction} an absent key is not
 * managed and `null` resets; in a {@link LiveVersion} an absent key was absent from AWS's answer.
 * `environment` is never in here, see `environment` beside it.
 */
export type Settings = Readonly<Partial<Record<Exclude<FieldKey, 'environment'>, Json>>>;

/** A function's code with the digest that decides whether it changed. */
export type CodeRef = ArchiveRef | ImageRef;

/** A zip archive, given or packed. */
export interface ArchiveRef {
  readonly kind: 'zip';
  /** As the file names it, relative to the file's folder; for a rollback `version N of NAME`. */
  readonly source: string;
  /** base64(sha256(archive bytes)), AWS's CodeSha256. */
  readonly codeSha256: string;
  /** Size of the archive in bytes. */
  readonly zipBytes: number;
  /** Size of all entries unpacked, in bytes; 0 where it is not known. */
  readonly unzippedBytes: number;
  /** Where Lambda takes it from; absent: it travels in the request. */
  readonly object?: ObjectRef;
  /** The customer's key that shall encrypt it in Lambda's storage; absent: not managed. */
  readonly sourceKmsKeyArn?: string;
}

/** An object in S3 as a plan pins it: nothing else is deployed in its place. */
export interface ObjectPin {
  readonly bucket: string;
  readonly key: string;
  /** Absent in a bucket without versioning. */
  readonly versionId?: string;
  /** What the object must still have when Lambda takes it. Absent where the version says all, and for archives of our own. */
  readonly etag?: string;
}

/** An archive's object in S3. */
export interface ObjectRef extends ObjectPin {
  /** False: it has to be uploaded first. */
  readonly isThere: boolean;
}

/** A container image, pinned: a tag may stand for another one tomorrow. */
export interface ImageRef {
  readonly kind: 'image';
  /** As the file names it. */
  readonly source: string;
  /** `REPOSITORY@sha256:…`. */
  readonly imageUri: string;
  /** 64 hex digits of the image's digest, AWS's CodeSha256 for images ◉ lambda_image_crud. */
  readonly codeSha256: string;
}

/** One probe of a version or an alias. Passed when an invocation succeeds and its answer is as expected. */
export interface HealthCheck {
  /** The event; absent: `{}`. References stand as they are written where `payloadSecrets` or `payloadUnknown` names a leaf. */
  readonly payload?: Json;
  /** The file that `payload` was read from, which names its bytes in place of it. Absent: `payload` stands in the file itself. */
  readonly payloadFile?: { readonly path: string; /** Lower-case hex. */ readonly sha256: string };
  /** Secret leaves of `payload` by JSON pointer (RFC 6901), to be put in place by the call alone. Absent: none. */
  readonly payloadSecrets?: Readonly<Record<string, Secret>>;
  /** Leaves of `payload` whose references have no value, by JSON pointer, with the reason: the check cannot run. Absent: none. */
  readonly payloadUnknown?: Readonly<Record<string, string>>;
  /** Absent: any answer but an error. */
  readonly expect?: Expectation;
  /** How often it is tried before it counts as failed. Absent: once. */
  readonly attempts?: number;
  /** The pause after a failed attempt, in seconds; there where `attempts` is. */
  readonly intervalSeconds?: number;
  /** How long the check may take in all, every attempt and pause included, in seconds. */
  readonly timeoutSeconds: number;
}

/** What an answer must be: all of what is named. */
export interface Expectation {
  /** Compared with the payload's `statusCode` where it has one, otherwise with the HTTP status of Invoke. */
  readonly status?: number;
  /** What the body must contain: of a map these keys, of a list all entries. */
  readonly body?: Json;
  /** How long the handler may take, in milliseconds. */
  readonly maxDurationMs?: number;
}

/** How an alias gets a new version, share by share (specs/0008). */
export interface Rollout {
  /** Shares of the new version before it gets all, ascending fractions 0 < share < 1. Empty: all at once. */
  readonly steps: readonly number[];
  /** How long each share is held before the next, in seconds. */
  readonly intervalSeconds: number;
  /** How long alarms and errors are watched after the last share, before the deployment counts as good, in seconds; 0: not at all. */
  readonly bakeSeconds: number;
  /** CloudWatch alarms, metric or composite, by name: one in ALARM takes the rollout back. */
  readonly alarms: readonly string[];
  /** Takes the rollout back when more of the new version's invocations fail. Absent: not asked. */
  readonly errorRate?: ErrorRate;
  /** `manual`: stops after the first share until somebody promotes or aborts it. */
  readonly promotion: 'auto' | 'manual';
  /** What a cancelled run leaves: the alias as it was before, or the share that was reached. */
  readonly onCancel: 'abort' | 'hold';
}

/** The failed part of a version's invocations behind an alias. */
export interface ErrorRate {
  /** Fraction 0–1 of the invocations. */
  readonly maximum: number;
  /** Fewer invocations than this say nothing. */
  readonly minimumInvocations: number;
}

/** An alias as the file wants it. */
export interface DesiredAlias {
  readonly name: string;
  /** Absent: not managed; `null`: empty. */
  readonly description?: string | null;
  /** A pinned number or `$LATEST`; absent: the version that carries this spec. */
  readonly version?: Version;
  readonly healthChecks: readonly HealthCheck[];
  /** Absent: all traffic moves at once, and nothing is watched afterwards. */
  readonly rollout?: Rollout;
  /** Whether the alias returns to where it was when the check after the shift fails. */
  readonly autoRollback: boolean;
}

/** One function as the file wants it, after defaults and interpolation. */
export interface DesiredFunction {
  /** The key in the file. */
  readonly key: string;
  /** The function's name in AWS. */
  readonly name: string;
  /** Where the function lives; absent: in the file's region. */
  readonly region?: string;
  /** Absent keys are not managed, `null` resets to the AWS default. */
  readonly settings: Settings;
  /** The whole variables map but for `unknownVariables`; absent: not managed; `null`: reset to empty. */
  readonly environment?: Variables | null;
  /** Variables whose references have no value, by name with the reason: unknown until apply, never compared. Absent: none. */
  readonly unknownVariables?: Readonly<Record<string, string>>;
  /** Paths that the file manages and whose values cannot be had here: not in `settings`, never compared. Absent: none. */
  readonly unknownPaths?: readonly string[];
  /** Absent: not managed. */
  readonly code?: CodeRef;
  /** The code signing configuration by ARN; absent: not managed; `null`: none. */
  readonly codeSigningConfigArn?: string | null;
  /** Managed tags by key, `null` removes; keys that are not named are not managed. */
  readonly tags: Readonly<Record<string, string | null>>;
  /** Written on publish, never compared. */
  readonly versionDescription?: string;
  /** Paths left to others: `layers`, `environment.NAME`, `loggingConfig.logGroup`, `tags.KEY`. */
  readonly ignoreChanges: readonly string[];
  /** In file order; empty: `$LATEST` is updated and nothing is published. */
  readonly aliases: readonly DesiredAlias[];
  /** The function after `defaults`, with `${…}` in place of what they stand for; absent where no file was read. */
  readonly asWritten?: JsonObject;
  /** sha256 in hex over `asWritten` and the code's digest. */
  readonly specDigest: string;
}

/** Where deployment records live. */
export type MetadataStore =
  | { readonly store: 'tags' }
  /** The meta-data of the build that this is a job of. */
  | { readonly store: 'buildkite' }
  | { readonly store: 'file'; readonly directory: string }
  /** `prefix`: of every key, without a slash at either end; empty for none. */
  | { readonly store: 's3'; readonly bucket: string; readonly prefix: string };

/** What the file says, resolved: the input of a plan. */
export interface Desired {
  /** Absolute path of the file. */
  readonly file: string;
  readonly region?: string;
  /** Twelve digits; any other account is refused. */
  readonly account?: string;
  readonly metadata: MetadataStore;
  /** In file order. */
  readonly functions: readonly DesiredFunction[];
}

/** `$LATEST` or a published version, as AWS answered. Members that AWS left out are absent. */
export interface LiveVersion {
  readonly version: Version;
  /** Lambda's lock token; absent only behind an endpoint that has none. */
  readonly revisionId?: string;
  readonly description: string;
  readonly packageType: 'Zip' | 'Image';
  readonly settings: Settings;
  readonly environment: Variables | Unreadable;
  /** base64(sha256(zip)) or the image's digest. */
  readonly codeSha256: string;
  readonly codeSize: number;
  /** `Pending`, `Active`, `Inactive`, `Failed`; absent from ListVersionsByFunction, which has no states. */
  readonly state?: string;
  readonly stateReason?: string;
  readonly stateReasonCode?: string;
  /** `Successful`, `InProgress`, `Failed`; absent in a listing. */
  readonly lastUpdateStatus?: string;
  readonly lastUpdateStatusReason?: string;
  readonly lastUpdateStatusReasonCode?: string;
  /** ISO 8601. */
  readonly lastModified: string;
  /** The patch level of a managed runtime, which AWS moves by itself; absent for images, and from ListVersionsByFunction. */
  readonly runtimeVersionArn?: string;
  /** A presigned link to the archive, good for ten minutes; absent when it was not asked for or not given. */
  readonly codeLocation?: Secret;
  /** The customer's key that encrypts the archive; absent for AWS's own, and from ListVersionsByFunction. */
  readonly sourceKmsKeyArn?: string;
}

/** An alias as AWS answered. */
export interface LiveAlias {
  readonly name: string;
  readonly version: Version;
  readonly description: string;
  readonly revisionId?: string;
  /** Fractions 0–1 of the *additional* versions; empty: the primary has it all. */
  readonly weights: Readonly<Record<Version, number>>;
  /** Whether it has provisioned concurrency, which no weights go with; absent: not asked, only a weighted rollout has to know. */
  readonly hasProvisionedConcurrency?: boolean;
}

/** A function as AWS has it now. */
export interface LiveFunction {
  readonly name: string;
  /** Without a qualifier. */
  readonly arn: string;
  readonly latest: LiveVersion;
  /** Every alias, declared or not, by name. */
  readonly aliases: readonly LiveAlias[];
  /** Published versions that were read one by one (with State): those behind aliases, and candidates for re-use. */
  readonly versions: readonly LiveVersion[];
  /** All tags, records included. */
  readonly tags: Readonly<Record<string, string>> | Unreadable;
  /** The code signing configuration by ARN, `null`: none; absent: nobody asked, because the file does not manage it. */
  readonly codeSigningConfigArn?: string | null;
  /** Absent: none is reserved. 0: every invocation is throttled. */
  readonly reservedConcurrentExecutions?: number;
}
