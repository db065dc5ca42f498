import type { CodeChange, ConfigurationChange } from '../model/ports.js';
import { reveal } from '../model/secret.js';
import { SLOWEST_UPLOAD_BYTES_PER_MS, WRITE_TIMEOUT_MS } from './client.js';
import type { Call } from './errors.js';
import { present } from './mapping.js';

/** What a request sends that AWS may echo in an error. */
export function secretsOf(change: ConfigurationChange): readonly string[] {
  return Object.values(change.environment ?? {}).map((value) => reveal(value));
}

/** The members that CreateFunction has under `Code` and UpdateFunctionCode has itself. */
export function toCode({ code, sourceKmsKeyArn }: CodeChange): Readonly<Record<string, string | Uint8Array>> {
  const key = present({ SourceKMSKeyArn: sourceKmsKeyArn });
  if ('zip' in code) return { ZipFile: code.zip, ...key };
  if ('imageUri' in code) return { ImageUri: code.imageUri, ...key };
  const version = present({ S3ObjectVersion: code.s3ObjectVersion });
  return { S3Bucket: code.s3Bucket, S3Key: code.s3Key, ...version, ...key };
}

/** How long a request that carries code may take, and what it sends that must not be echoed. */
export function upload({ code }: CodeChange, change?: ConfigurationChange): Partial<Call> {
  const bytes = 'zip' in code ? code.zip.byteLength : 0;
  const timeoutMs = WRITE_TIMEOUT_MS + Math.ceil(bytes / SLOWEST_UPLOAD_BYTES_PER_MS);
  return { timeoutMs, ...(change === undefined ? {} : { secrets: secretsOf(change) }) };
}
