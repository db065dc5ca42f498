import type * as S3 from '@aws-sdk/client-s3';
import { DeployError } from '../errors.js';
import type { DocumentsPort, StoredDocument } from '../model/ports.js';
import { clientConfig, READ_ATTEMPTS, READ_TIMEOUT_MS, send, WRITE_TIMEOUT_MS } from './client.js';
import type { Call } from './errors.js';
import type { ObjectStoreOptions } from './object-store.js';

/**
 * What S3 answers where a condition does not hold, or another request came in between: nothing was written.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
 */
const REFUSED: ReadonlySet<unknown> = new Set(['PreconditionFailed', 'ConditionalRequestConflict', 'NoSuchKey']);

/** S3 through the SDK, which is loaded by the first call. The bucket may be in any region. */
export function createDocuments(options: ObjectStoreOptions, bucket: string): DocumentsPort {
  return new SdkDocuments(options, bucket);
}

interface Clients {
  readonly sdk: typeof S3;
  readonly reads: S3.S3Client;
  /** Never repeats a call. */
  readonly writes: S3.S3Client;
}

class SdkDocuments implements DocumentsPort {
  private clients: Promise<Clients> | undefined;

  constructor(
    private readonly options: ObjectStoreOptions,
    private readonly bucket: string,
  ) {}

  async list(prefix: string): Promise<readonly string[]> {
    const { sdk, reads } = await this.connect();
    const input = { Bucket: this.bucket, Prefix: prefix };
    const answer = await this.read('ListObjectsV2', 's3:ListBucket', prefix, (limits) =>
      reads.send(new sdk.ListObjectsV2Command(input), limits),
    );
    return (answer.Contents ?? []).flatMap(({ Key: key }) => key ?? []);
  }

  async get(key: string): Promise<StoredDocument | undefined> {
    const { sdk, reads } = await this.connect();
    return this.read('GetObject', 's3:GetObject', key, async (limits) => {
      try {
        const answer = await reads.send(new sdk.GetObjectCommand({ Bucket: this.bucket, Key: key }), limits);
        return { text: (await answer.Body?.transformToString()) ?? '', etag: answer.ETag ?? '' };
      } catch (error) {
        if (nameOf(error) === 'NoSuchKey') return undefined;
        throw error;
      }
    });
  }

  async put(key: string, text: string, over: string | null): Promise<boolean> {
    const { sdk, writes } = await this.connect();
    const condition = over === null ? { IfNoneMatch: '*' } : { IfMatch: over };
    const input = { Bucket: this.bucket, Key: key, Body: text, ContentType: 'application/json', ...condition };
    return this.write('PutObject', key, (limits) => writes.send(new sdk.PutObjectCommand(input), limits));
  }

  async remove(key: string, etag: string): Promise<boolean> {
    const { sdk, writes } = await this.connect();
    const input = { Bucket: this.bucket, Key: key, IfMatch: etag };
    return this.write('DeleteObject', key, (limits) => writes.send(new sdk.DeleteObjectCommand(input), limits));
  }

  private read<T>(operation: string, action: string, key: string, run: Parameters<typeof send<T>>[2]): Promise<T> {
    return this.send({ operation, action, subject: this.subject(key), timeoutMs: READ_TIMEOUT_MS }, READ_ATTEMPTS, run);
  }

  private write(operation: string, key: string, run: Parameters<typeof send<unknown>>[2]): Promise<boolean> {
    const subject = this.subject(key);
    const call = { operation, action: `s3:${operation}`, subject, timeoutMs: WRITE_TIMEOUT_MS, changes: true } as const;
    return this.send(call, 1, async (limits) => {
      try {
        await run(limits);
        return true;
      } catch (error) {
        if (REFUSED.has(nameOf(error))) return false;
        throw error;
      }
    });
  }

  private send<T>(call: Call, attempts: number, run: Parameters<typeof send<T>>[2]): Promise<T> {
    const named: typeof run = (limits) =>
      run(limits).catch((error: unknown) => {
        throw nameOf(error) === 'NoSuchBucket' ? noBucket(this.bucket) : error;
      });
    return send(call, attempts, named, this.options.stop);
  }

  private subject(key: string): string {
    return `s3://${this.bucket}/${key}`;
  }

  private connect(): Promise<Clients> {
    this.clients ??= import('@aws-sdk/client-s3').then((sdk) => {
      const forcePathStyle = this.options.isOverridden === true || this.options.endpoint !== undefined;
      const more = { forcePathStyle, followRegionRedirects: true };
      const reads = new sdk.S3Client({ ...clientConfig(this.options, READ_ATTEMPTS), ...more });
      const writes = new sdk.S3Client({
        ...clientConfig(this.options, 1),
        ...more,
        region: reads.config.region,
        credentials: reads.config.credentials,
        requestHandler: reads.config.requestHandler,
      });
      return { sdk, reads, writes };
    });
    return this.clients;
  }
}

function nameOf(error: unknown): unknown {
  return (error as { readonly name?: unknown } | null)?.name;
}

function noBucket(bucket: string): DeployError {
  return new DeployError('AWS_NOT_FOUND', `bucket ${bucket} does not exist.`, {
    source: 'aws',
    subject: bucket,
    fix: 'create the bucket, or correct `metadata` in the file.',
  });
}
