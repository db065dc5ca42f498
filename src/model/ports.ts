import type { DeployRecord } from './record.js';
import type { LiveAlias, LiveFunction, LiveVersion, Settings, Variables, Version } from './function.js';
import type { Json } from './json.js';
import type { Secret } from './secret.js';

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
}

/** A configuration to send: exactly these members, `environment` only where it is given. */
export interface ConfigurationChange {
  readonly settings: Settings;
  readonly environment?: Variables;
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
    create: ConfigurationChange & { readonly zip: Uint8Array; readonly tags: Readonly<Record<string, string>> },
  ): Promise<LiveVersion>;
  updateFunctionConfiguration(name: string, change: ConfigurationChange, revisionId?: string): Promise<LiveVersion>;
  updateFunctionCode(
    name: string,
    code: { readonly zip: Uint8Array; readonly architectures?: readonly string[] },
    revisionId?: string,
  ): Promise<LiveVersion>;
  publishVersion(
    name: string,
    publish: { readonly description: string; readonly codeSha256: string; readonly revisionId?: string },
  ): Promise<LiveVersion>;
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
  tagResource(arn: string, tags: Readonly<Record<string, string>>): Promise<void>;
  untagResource(arn: string, keys: readonly string[]): Promise<void>;
  invoke(name: string, qualifier: string, payload: Json, timeoutSeconds: number): Promise<InvokeAnswer>;
  /** The archive behind a presigned link, whole. Never prints the link. */
  download(location: Secret): Promise<Uint8Array>;
}

/** Deployment records of one function, by alias. */
export interface RecordStore {
  /** `tags`: writing a record is a TagResource call and belongs in the plan. */
  readonly kind: 'tags' | 'file';
  /** Newest first. A store that cannot be read throws; it never answers "none". */
  list(live: Pick<LiveFunction, 'name' | 'arn' | 'tags'>, alias: string | null): Promise<readonly DeployRecord[]>;
  /** Writes or replaces (by id) in one call for all aliases of one function. `known`: what {@link list} answered. */
  write(
    live: Pick<LiveFunction, 'name' | 'arn' | 'tags'>,
    records: readonly DeployRecord[],
    known: readonly DeployRecord[],
  ): Promise<void>;
  /** The tags that would carry these records, for CreateFunction; empty for a store elsewhere. */
  tagsFor(records: readonly DeployRecord[], known: readonly DeployRecord[]): Readonly<Record<string, string>>;
}
