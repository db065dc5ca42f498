import type { JsonObject } from '../model/json.js';
import { acceptArchive } from './archive.js';
import { given, optionalString } from './constraints.js';
import { invalidParameter } from './errors.js';
import type { Code, SandboxState } from './state.js';
import { digestOf, findVersion, repositoryOf } from './stores.js';

export type PackageType = 'Zip' | 'Image';

/**
 * The code that a request brings for a function of this package type: an archive, an object in the sandbox's S3, or an image that
 * its registry knows.
 *
 * @throws AwsError InvalidParameterValueException when there is none, or none of this type, or what it names is not there
 */
export async function acceptCode(state: SandboxState, source: JsonObject, type: PackageType): Promise<Code> {
  const kmsKeyArn = optionalString(source, 'SourceKMSKeyArn');
  const code = type === 'Image' ? imageOf(state, source) : await archiveOf(state, source);
  return kmsKeyArn === undefined ? code : { ...code, kmsKeyArn };
}

async function archiveOf(state: SandboxState, source: JsonObject): Promise<Code> {
  const zip = optionalString(source, 'ZipFile');
  if (zip !== undefined) return acceptArchive(Buffer.from(zip, 'base64'), 'direct');
  if (given(source, 'S3Bucket') !== undefined) return acceptArchive(objectOf(state, source), 's3');
  if (given(source, 'ImageUri') !== undefined)
    throw invalidParameter("Please don't provide ImageUri when updating a function with packageType Zip.");
  throw invalidParameter('Please provide a source for function code.');
}

/** The texts are recorded in lambda_code_location_s3_errors. */
function objectOf(state: SandboxState, source: JsonObject): Uint8Array {
  const refuse = (code: string, text: string): Error =>
    invalidParameter(`Error occurred while GetObject. S3 Error Code: ${code}. S3 Error Message: ${text}`);
  const bucket = state.stores.buckets.get(optionalString(source, 'S3Bucket') ?? '');
  if (bucket === undefined) throw refuse('NoSuchBucket', 'The specified bucket does not exist');
  const versionId = optionalString(source, 'S3ObjectVersion');
  const version = findVersion(bucket, optionalString(source, 'S3Key') ?? '', versionId);
  if (version?.body !== undefined) return version.body;
  if (versionId !== undefined) throw refuse('NoSuchVersion', 'The specified version does not exist.');
  throw refuse('NoSuchKey', 'The specified key does not exist.');
}

/** The texts are AWS's: recorded in lambda_image_crud, or known from public issue threads. */
function imageOf(state: SandboxState, source: JsonObject): Code {
  const uri = optionalString(source, 'ImageUri');
  if (uri === undefined)
    throw invalidParameter('Please provide ImageUri when updating a function with packageType Image.');
  const digest = digestOf(state.stores, uri);
  if (digest === undefined) throw invalidParameter(`Source image ${uri} does not exist. Provide a valid source image.`);
  return {
    codeSha256: digest.replace('sha256:', ''),
    zip: new Uint8Array(),
    image: { uri, resolvedUri: `${repositoryOf(uri)}@${digest}` },
  };
}
