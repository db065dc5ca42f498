import type { DeployRecord } from './record.js';
import type { HealthCheck, LiveAlias, LiveFunction, LiveVersion, Settings, Variables, Version } from './function.js';
import type { Secret } from './secret.js';
import type { TrailEvent } from './trail.js';

/** Time, passed in: tests run without waiting. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `milliseconds`; rejects with the signal's reason when it is aborted first. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** What GetFunction answers, whatever the qualifier. */
export interface FunctionRead {
  readonly version: LiveVersion;
  /** Without a qualifier. */
  readonly arn: string;
  readonly tags: LiveFunction['tags'];
  /** `REGISTRY/REPOSITORY@sha256:…`: the image that a container function runs, whatever its tag says now; absent for a zip. */
  readonly resolvedImageUri?: string;
  /** Absent: none is reserved. */
  readonly reservedConcurrentExecutions?: number;
}

/** A configuration to send: exactly these members, `environment` only where it is given. */
export interface ConfigurationChange {
  readonly settings: Settings;
  readonly environment?: Variables;
}

/** Where a function's code comes from, as the request carries it. An image makes a function of package type `Image`, the rest `Zip`. */
export type CodePayload =
  | { readonly zip: Uint8Array }
  | { readonly s3Bucket: string; readonly s3Key: string; readonly s3ObjectVersion?: string }
  | { readonly imageUri: string };

/** Code to send. */
export interface CodeChange {
  readonly code: CodePayload;
  /** The customer's key that encrypts the archive; absent: AWS's own. */
  readonly sourceKmsKeyArn?: string;
}

export interface InvokeAnswer {
  /** HTTP status of the Invoke call itself. */
  readonly statusCode: number;
  /** `Handled` or `Unhandled` when the handler failed; from the response's metadata, not its payload. */
  readonly functionError?: string;
  /** Absent behind an endpoint that does not say. */
  readonly executedVersion?: Version;
  /** The answer's text, at most 6 MB. */
  readonly payload: string;
  /** The last 4 KB of the log, decoded; empty when there is none. */
  readonly logTail: string;
}

/**
 * AWS Lambda, one method an API operation. Implementations never retry a mutating call or an invocation.
 *
 * Every method throws {@link DeployError}: `AWS_THROTTLED`, `AWS_CONFLICT` (409, an update is in progress or the resource
 * exists), `AWS_PRECONDITION_FAILED` (412), `AWS_ACCESS_DENIED`, `AWS_NOT_FOUND` where the text does not say otherwise,
 * `AWS_AMBIGUOUS` (the call was sent and no answer came, or 5xx: it may have taken effect), `AWS_UNREACHABLE` (nothing was
 * sent), `AWS_EXPIRED_CREDENTIALS`, `AWS_REFUSED` (any other 4xx).
 */
export interface LambdaPort {
  /** `undefined` only when AWS says ResourceNotFoundException for the function or the qualifier. */
  getFunction(name: string, qualifier?: string): Promise<FunctionRead | undefined>;
  /** Every page. `undefined` only when the function does not exist. */
  listAliases(name: string): Promise<readonly LiveAlias[] | undefined>;
  /** `undefined` only when AWS says ResourceNotFoundException. */
  getAlias(name: string, alias: string): Promise<LiveAlias | undefined>;
  /** Every page, oldest first, `$LATEST` left out; without State. */
  listVersions(name: string): Promise<readonly LiveVersion[]>;
  createFunction(
    name: string,
    create: ConfigurationChange &
      CodeChange & { readonly tags: Readonly<Record<string, string>>; readonly codeSigningConfigArn?: string },
  ): Promise<LiveVersion>;
  updateFunctionConfiguration(name: string, change: ConfigurationChange, revisionId?: string): Promise<LiveVersion>;
  updateFunctionCode(
    name: string,
    code: CodeChange & { readonly architectures?: readonly string[] },
    revisionId?: string,
  ): Promise<LiveVersion>;
  /** The configuration's ARN, `null`: none. `undefined` only when the function does not exist. */
  getFunctionCodeSigningConfig(name: string): Promise<string | null | undefined>;
  putFunctionCodeSigningConfig(name: string, codeSigningConfigArn: string): Promise<void>;
  deleteFunctionCodeSigningConfig(name: string): Promise<void>;
  publishVersion(
    name: string,
    publish: { readonly description: string; readonly codeSha256: string; readonly revisionId?: string },
  ): Promise<LiveVersion>;
  /**
   * Deletes one published version, and can delete nothing else: not `$LATEST`, not an alias, not the function.
   *
   * @param number a published number: digits, the first of them none of zero
   * @throws INTERNAL before any call for anything else; AWS_CONFLICT where an alias uses it
   */
  deleteVersion(name: string, number: Version): Promise<void>;
  createAlias(name: string, alias: { name: string; version: Version; description?: string }): Promise<LiveAlias>;
  /** Always sends the weights, so that leftovers are cleared by the same call. */
  updateAlias(
    name: string,
    alias: {
      readonly name: string;
      readonly version: Version;
      readonly weights: Readonly<Record<Version, number>>;
      readonly description?: string;
      readonly revisionId?: string;
    },
  ): Promise<LiveAlias>;
  /** Whether the alias has provisioned concurrency: false only when AWS says ProvisionedConcurrencyConfigNotFoundException. */
  hasProvisionedConcurrency(name: string, alias: string): Promise<boolean>;
  tagResource(arn: string, tags: Readonly<Record<string, string>>): Promise<void>;
  untagResource(arn: string, keys: readonly string[]): Promise<void>;
  /** @param event its secrets stand in for the leaves they name, see HealthCheck; they are in no error */
  invoke(
    name: string,
    qualifier: string,
    event: Pick<HealthCheck, 'payload' | 'payloadSecrets'>,
    timeoutSeconds: number,
  ): Promise<InvokeAnswer>;
  /** Writes the archive behind a presigned link to a file. Never prints the link. */
  download(location: Secret, path: string): Promise<ArchiveFile>;
}

/** Deployment records of one function, by alias. */
export interface RecordStore {
  /** `tags`: writing a record is a TagResource call and belongs in the plan. */
  readonly kind: 'tags' | 's3' | 'file' | 'buildkite';
  /**
   * Newest first, in at most one listing and one read. A store that cannot be read throws; it never answers "none". What decides
   * is there; the bulky members (`spec`, `operations`, `error`) may be missing, see {@link read}.
   */
  list(live: RecordSubject, alias: string | null): Promise<readonly DeployRecord[]>;
  /** One record of {@link list}, as whole as the store keeps it. */
  read(live: RecordSubject, record: DeployRecord): Promise<DeployRecord>;
  /**
   * Writes the open records of one run, before its first change, in one call for all aliases of one function where the store can.
   * The same records opened twice are opened once. `known`: what {@link list} answered. `takesOver`: an alias that another run
   * holds is taken from it.
   *
   * @throws DEPLOYMENT_RUNNING where the store itself knows that another run holds an alias: nothing of this run is then open;
   *   RECORD_STORE, AWS_*
   */
  open(
    live: RecordSubject,
    records: readonly DeployRecord[],
    known: readonly DeployRecord[],
    takesOver?: boolean,
  ): Promise<void>;
  /** Writes the closed records of the run that opened them (by id), and lets the aliases go. Closing twice is closing once. */
  close(live: RecordSubject, records: readonly DeployRecord[], known: readonly DeployRecord[]): Promise<void>;
  /** The tags that would carry these records, for CreateFunction; empty for a store elsewhere. */
  tagsFor(records: readonly DeployRecord[], known: readonly DeployRecord[]): Readonly<Record<string, string>>;
}

/** The function that records are of. `arn` is empty and `tags` have nothing where it does not exist yet. */
export type RecordSubject = Pick<LiveFunction, 'name' | 'arn' | 'tags'>;

/** A value that a reference stands for, or why it could not be had: then it is unknown, never empty. */
export type SecretRead = { readonly value: Secret } | { readonly unknown: string };

/** SSM Parameter Store and Secrets Manager. */
export interface SecretsPort {
  /**
   * Parameters by name, decrypted, ten a call. A name that does not exist, or that AWS denies, is `unknown` with the reason.
   * @see https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html
   * @throws AWS_THROTTLED, AWS_UNREACHABLE, AWS_AMBIGUOUS, AWS_EXPIRED_CREDENTIALS
   */
  getParameters(names: readonly string[]): Promise<ReadonlyMap<string, SecretRead>>;
  /**
   * A secret's current string; `unknown` as above, also when it is binary.
   * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
   */
  getSecret(id: string): Promise<SecretRead>;
}

/** What an object store says of one object. */
export interface ObjectHead {
  /** Absent in a bucket without versioning. */
  readonly versionId?: string;
  readonly bytes: number;
  /** base64(sha256(object)); only a checksum of the full object counts, never one of parts. */
  readonly sha256?: string;
  readonly etag: string;
}

/** S3, as far as code needs it. */
export interface ObjectStorePort {
  /** `undefined` only when AWS says that the object, or this version of it, does not exist. */
  head(bucket: string, key: string, versionId?: string): Promise<ObjectHead | undefined>;
  /** One streamed PutObject of a file with its SHA-256, which S3 checks. Same key and content: the same object again. */
  putFile(bucket: string, key: string, file: ArchiveFile): Promise<ObjectHead>;
  /**
   * base64(sha256(object)) by reading it whole, for an object that has no such checksum.
   * @throws CODE_CHANGED when the object is not the one of `head` any more
   */
  digest(bucket: string, key: string, head: Pick<ObjectHead, 'versionId' | 'etag'>): Promise<string>;
}

/** A small text in a bucket, as it was read. */
export interface StoredDocument {
  readonly text: string;
  readonly etag: string;
}

/**
 * Small texts in one bucket of S3, written under conditions. A write is sent once.
 *
 * Every method throws {@link DeployError}: `AWS_NOT_FOUND` for a bucket that does not exist, otherwise as {@link LambdaPort}.
 */
export interface DocumentsPort {
  /** The first 1,000 keys with this prefix, in the order of their bytes. */
  list(prefix: string): Promise<readonly string[]>;
  /** `undefined` only when AWS says that there is no such object. */
  get(key: string): Promise<StoredDocument | undefined>;
  /**
   * Writes where nothing is (`null`), or over the object with this ETag.
   *
   * @returns false: nothing was written, because it is not so (any more), or somebody else was writing
   */
  put(key: string, text: string, over: string | null): Promise<boolean>;
  /** Deletes the object with this ETag; false as for {@link put}. */
  remove(key: string, etag: string): Promise<boolean>;
}

/** An archive on disk. */
export interface ArchiveFile {
  /** Absolute. */
  readonly path: string;
  readonly bytes: number;
  /** base64(sha256(bytes)). */
  readonly sha256: string;
}

/** ECR, as far as code needs it. */
export interface ImageRegistryPort {
  /**
   * The digest (`sha256:…`) that a tag stands for now.
   * @param image `ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG` or `…@sha256:…` (answered as it is)
   * @throws AWS_NOT_FOUND when there is no such image; AWS_*
   */
  resolveDigest(image: string): Promise<string>;
}

/** One CloudWatch alarm, metric or composite. */
export interface AlarmState {
  readonly state: 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';
  /** Why, in CloudWatch's words. */
  readonly reason: string;
}

/** CloudWatch, as far as a rollout needs it. */
export interface AlarmsPort {
  /**
   * The named alarms, metric and composite types both asked for. A name that the answer lacks does not exist.
   * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
   * @throws AWS_*
   */
  describeAlarms(names: readonly string[]): Promise<ReadonlyMap<string, AlarmState>>;
  /**
   * How often a version answered behind an alias, and failed, between two times (milliseconds since the epoch). Metrics come
   * minutes late: zero invocations prove nothing.
   * @see https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
   * @throws AWS_*
   */
  countInvocations(
    name: string,
    alias: string,
    version: Version,
    since: number,
    until: number,
  ): Promise<{ readonly invocations: number; readonly errors: number }>;
}

/** CloudTrail's event history, as far as blame needs it. */
export interface TrailPort {
  /**
   * Calls of Lambda in this region that succeeded and changed something, newest first, of one page of fifty: those of one function by
   * its name, or of any. Events come up to fifteen minutes late, and stay for ninety days.
   *
   * @param since milliseconds since the epoch
   * @throws AWS_ACCESS_DENIED, AWS_THROTTLED (two requests a second), AWS_*
   * @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
   */
  lookupEvents(name: string | undefined, since: number): Promise<readonly TrailEvent[]>;
}

/** How an annotation is coloured. */
export type AnnotationStyle = 'default' | 'info' | 'success' | 'warning' | 'error';

/** A note on the build's page. */
export interface Annotation {
  /** At most 100 characters; one with the same context is replaced. */
  readonly context: string;
  readonly style: AnnotationStyle;
  /** CommonMark with GitHub's extensions, at most 1 MiB of UTF-8, not empty. */
  readonly body: string;
  /** 1 to 10, higher ones first; absent: 3. */
  readonly priority?: number;
}

/**
 * The build that this process is a job of, through `buildkite-agent`. Whatever is more than a name goes by stdin. Every call takes a
 * bounded time, a short one after a signal. Every method throws {@link DeployError} `BUILD_AGENT` where the agent is absent, too slow,
 * says no, or would: names are not empty and begin with no hyphen.
 */
export interface BuildAgentPort {
  annotate(annotation: Annotation): Promise<void>;
  /** @param value at most 100,000 bytes, not blank; @param key not one of `buildkite:…` */
  setMetaData(key: string, value: string): Promise<void>;
  /** Without the line feed that the agent adds. `undefined`: not set. */
  getMetaData(key: string): Promise<string | undefined>;
  /** @param path relative to the working directory, without characters of a pattern */
  uploadArtifact(path: string): Promise<void>;
  /** Into `directory`, under the path it was uploaded with, from this build, of one step where it is named (its key). */
  downloadArtifact(path: string, directory: string, step?: string): Promise<void>;
  /**
   * Adds steps to the running build, after this job.
   * @param pipeline YAML or JSON, which the agent takes as it is (`--no-interpolation`): a `$` stands for itself, and is not doubled
   */
  uploadSteps(pipeline: string): Promise<void>;
  /** Values that the job's log shows no more, nor what the agent sends; those under six bytes are left out. */
  addSecrets(values: readonly string[]): Promise<void>;
}
