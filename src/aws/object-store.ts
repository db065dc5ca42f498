import type * as S3 from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { DeployError, isDeployError } from '../errors.js';
import type { ArchiveFile, ObjectHead, ObjectStorePort } from '../model/ports.js';
import {
  clientConfig,
  READ_ATTEMPTS,
  READ_TIMEOUT_MS,
  send,
  SLOWEST_UPLOAD_BYTES_PER_MS,
  WRITE_TIMEOUT_MS,
  type AwsOptions,
} from './client.js';
import { systemClock } from './clock.js';
import { present } from './mapping.js';

/** How {@link createObjectStore} reaches S3. */
export interface ObjectStoreOptions extends AwsOptions {
  /**
   * True behind an endpoint override that the environment or the profile names: such endpoints have no name for each bucket, so
   * the bucket goes into the path. Follows from `endpoint` where that is given.
   */
  readonly isOverridden?: boolean;
}

/** An upload that the SDK cannot repeat, because it is a stream, is repeated here: same key, same bytes. */
const UPLOAD_ATTEMPTS = 3;
const PAUSE_MS = 500;
const WORTH_REPEATING = ['AWS_AMBIGUOUS', 'AWS_THROTTLED', 'AWS_UNREACHABLE'] as const;

const ignore = (): void => undefined;
/** The SDK warns on the console about an upload that it cannot repeat, unless it is given a logger. */
const SILENT = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };

/** For a whole object: 250 MB at the pace of a slow line. */
const DOWNLOAD_TIMEOUT_MS = 10 * 60_000;
/** The object has another tag than the one that is asked for. @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html */
const PRECONDITION_FAILED = 412;

/** S3's answers to a caller in the wrong region. @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#RedirectErrorList */
const MOVED: ReadonlySet<unknown> = new Set([301, 307]);
/** Not found, and a version that is a delete marker. @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html */
const ABSENT: ReadonlySet<unknown> = new Set([404, 405]);

/** S3 through the SDK, which is loaded by the first call. Never a multipart upload: its digest would be one of parts. */
export function createObjectStore(options: ObjectStoreOptions): ObjectStorePort {
  return new SdkObjectStore(options);
}

interface Clients {
  readonly sdk: typeof S3;
  readonly reads: S3.S3Client;
  /** Never repeats a call. */
  readonly writes: S3.S3Client;
}

class SdkObjectStore implements ObjectStorePort {
  private clients: Promise<Clients> | undefined;

  constructor(private readonly options: ObjectStoreOptions) {}

  async head(bucket: string, key: string, versionId?: string): Promise<ObjectHead | undefined> {
    const { sdk, reads } = await this.connect();
    const input = { Bucket: bucket, Key: key, ChecksumMode: 'ENABLED', ...present({ VersionId: versionId }) } as const;
    const call = {
      operation: 'HeadObject',
      subject: `s3://${bucket}/${key}`,
      // The answer has no body that would say which: who may not list a bucket is not told that an object is missing.
      action: `s3:${versionId === undefined ? 'GetObject' : 'GetObjectVersion'} or s3:ListBucket`,
      timeoutMs: READ_TIMEOUT_MS,
    };
    try {
      const answer = await send(
        call,
        READ_ATTEMPTS,
        async (limits) => {
          try {
            return await reads.send(new sdk.HeadObjectCommand(input), limits);
          } catch (error) {
            if (ABSENT.has(statusOf(error))) return undefined;
            throw elsewhere(error, bucket);
          }
        },
        this.options.stop,
      );
      return answer === undefined ? undefined : toHead(answer);
    } catch (error) {
      if (isDeployError(error, 'AWS_ACCESS_DENIED')) throw denied(error, bucket);
      throw error;
    }
  }

  async digest(bucket: string, key: string, head: Pick<ObjectHead, 'versionId' | 'etag'>): Promise<string> {
    const { sdk, reads } = await this.connect();
    // The version says all; where there is none, the tag must still be the same.
    const pin = head.versionId === undefined ? { IfMatch: head.etag } : { VersionId: head.versionId };
    const call = {
      operation: 'GetObject',
      subject: `s3://${bucket}/${key}`,
      timeoutMs: DOWNLOAD_TIMEOUT_MS,
    };
    return send(
      call,
      1,
      async (limits) => {
        try {
          const { Body: body } = await reads.send(
            new sdk.GetObjectCommand({ Bucket: bucket, Key: key, ...pin }),
            limits,
          );
          const hash = createHash('sha256');
          for await (const piece of body as AsyncIterable<Uint8Array>) hash.update(piece);
          return hash.digest('base64');
        } catch (error) {
          if (statusOf(error) === PRECONDITION_FAILED || ABSENT.has(statusOf(error))) throw objectChanged(bucket, key);
          throw elsewhere(error, bucket);
        }
      },
      this.options.stop,
    );
  }

  async putFile(bucket: string, key: string, file: ArchiveFile): Promise<ObjectHead> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.put(bucket, key, file);
      } catch (error) {
        const repeat = WORTH_REPEATING.some((code) => isDeployError(error, code)) && attempt < UPLOAD_ATTEMPTS;
        if (!repeat || this.options.stop?.aborted === true) throw error;
        await systemClock.sleep(PAUSE_MS * attempt, this.options.stop);
      }
    }
  }

  private async put(bucket: string, key: string, file: ArchiveFile): Promise<ObjectHead> {
    const { sdk, writes } = await this.connect();
    const handle = await openUnchanged(file);
    try {
      const input = {
        Bucket: bucket,
        Key: key,
        Body: handle.createReadStream({ autoClose: false }),
        ContentLength: file.bytes,
        // Given, so that the SDK adds none of its own, which would come in a trailer after a chunked body.
        ChecksumSHA256: file.sha256,
      };
      const call = {
        operation: 'PutObject',
        subject: `s3://${bucket}/${key}`,
        action: 's3:PutObject',
        timeoutMs: WRITE_TIMEOUT_MS + Math.ceil(file.bytes / SLOWEST_UPLOAD_BYTES_PER_MS),
        changes: true,
      } as const;
      const answer = await send(
        call,
        1,
        (limits) =>
          writes.send(new sdk.PutObjectCommand(input), limits).catch((error) => {
            throw elsewhere(error, bucket);
          }),
        this.options.stop,
      );
      const version = present({ versionId: answer.VersionId });
      // S3 computed it from what arrived and would have refused another one.
      return { bytes: file.bytes, sha256: file.sha256, etag: answer.ETag ?? '', ...version };
    } finally {
      await handle.close();
    }
  }

  private connect(): Promise<Clients> {
    this.clients ??= import('@aws-sdk/client-s3').then((sdk) => {
      const forcePathStyle = this.options.isOverridden === true || this.options.endpoint !== undefined;
      const reads = new sdk.S3Client({ ...clientConfig(this.options, READ_ATTEMPTS), forcePathStyle });
      const writes = new sdk.S3Client({
        ...clientConfig(this.options, 1),
        forcePathStyle,
        region: reads.config.region,
        credentials: reads.config.credentials,
        requestHandler: reads.config.requestHandler,
        logger: SILENT,
      });
      return { sdk, reads, writes };
    });
    return this.clients;
  }
}

function toHead(answer: S3.HeadObjectCommandOutput): ObjectHead {
  // The checksum of a multipart upload is one of its parts' checksums, and equals no CodeSha256.
  const sha256 = answer.ChecksumType === 'FULL_OBJECT' ? answer.ChecksumSHA256 : undefined;
  return {
    bytes: answer.ContentLength ?? 0,
    etag: answer.ETag ?? '',
    ...present({ versionId: answer.VersionId, sha256 }),
  };
}

async function openUnchanged(file: { readonly path: string; readonly bytes: number }): Promise<FileHandle> {
  const handle = await open(file.path).catch((error: NodeJS.ErrnoException) => {
    throw new DeployError('CODE_CHANGED', `${file.path} cannot be read any more (${error.code ?? 'unknown error'}).`, {
      fix: 'run plan again.',
    });
  });
  const { size } = await handle.stat();
  if (size === file.bytes) return handle;
  await handle.close();
  throw new DeployError('CODE_CHANGED', `${file.path} has ${size} bytes and had ${file.bytes}.`, {
    fix: 'run plan again.',
  });
}

/** Somebody put another object under the key. */
function objectChanged(bucket: string, key: string): DeployError {
  return new DeployError('CODE_CHANGED', `s3://${bucket}/${key} is not the object that was planned.`, {
    subject: `s3://${bucket}/${key}`,
    fix: 'run plan again; a bucket with versioning would keep the version that was planned.',
  });
}

function statusOf(error: unknown): number | undefined {
  return (error as { readonly $metadata?: { readonly httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

function elsewhere(error: unknown, bucket: string): unknown {
  if (!MOVED.has(statusOf(error))) return error;
  return new DeployError('AWS_REFUSED', `bucket ${bucket} is in another region than the function.`, {
    source: 'aws',
    subject: bucket,
    fix: 'use a bucket in the function’s region: Lambda takes code from no other.',
  });
}

/** S3 hides from a caller who may not list a bucket whether an object exists. */
function denied(error: DeployError, bucket: string): DeployError {
  return new DeployError(
    'AWS_ACCESS_DENIED',
    `${error.detail} S3 answers so too for an object that does not exist, where s3:ListBucket is missing.`,
    {
      source: 'aws',
      subject: bucket,
      fix: `allow s3:GetObject (and s3:GetObjectVersion) on the object and s3:ListBucket on ${bucket}, and kms:Decrypt where the object is encrypted with a key.`,
    },
  );
}
