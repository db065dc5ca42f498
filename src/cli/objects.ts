import { refuserOf } from '../code/source.js';
import type { ObjectPin, ObjectRef } from '../model/function.js';
import type { ObjectHead, ObjectStorePort } from '../model/ports.js';
import { fileStore } from '../record/file.js';
import type { CodeSource, SpecFunction } from '../spec/desired.js';
import type { LoadedSpec } from '../spec/load.js';
import type { Material } from './code.js';

/** Where archives over the limit of a request are kept, by their digest: what their keys begin with. */
export const UPLOAD_PREFIX = 'lambda-deploy/';

/**
 * The object that an archive goes through, and whether it is there already: then it is not uploaded again. Only a SHA-256 of the
 * whole object proves that it is.
 *
 * @param codeSha256 base64
 * @throws AWS_*
 */
export async function uploadOf(
  objects: Pick<ObjectStorePort, 'head'> | undefined,
  bucket: string,
  codeSha256: string,
): Promise<ObjectRef> {
  const key = `${UPLOAD_PREFIX}${Buffer.from(codeSha256, 'base64').toString('hex')}.zip`;
  const head = await objects?.head(bucket, key);
  return { bucket, key, isThere: head?.sha256 === codeSha256 };
}

/**
 * An archive that somebody else put into S3, pinned to its version, or to its tag where the bucket keeps no versions. Its digest is
 * the object's own SHA-256; otherwise the one that a record has for this very object; otherwise the object is read whole, and a
 * warning says how to avoid that.
 *
 * @throws ZIP_NOT_FOUND, CODE_CHANGED, AWS_*
 */
export async function pinObject(
  spec: Pick<LoadedSpec, 'metadata'>,
  { name, aliases }: Pick<SpecFunction, 'name' | 'aliases'>,
  code: CodeSource & { readonly kind: 's3' },
  objects: ObjectStorePort,
): Promise<Material> {
  const { bucket, key, version } = code;
  const source = `s3://${bucket}/${key}`;
  const head = await objects.head(bucket, key, version);
  if (head === undefined) {
    const refuse = refuserOf({ path: source, source, location: code.location });
    const which = version === undefined ? 'does not exist' : `has no version ${version}`;
    throw refuse('ZIP_NOT_FOUND', which, 'upload the archive first, or correct `code.s3`.');
  }
  const pin = pinOf(bucket, key, head);
  const known = head.sha256 ?? (await recordedDigest(spec, name, aliases, pin));
  const codeSha256 = known ?? (await objects.digest(bucket, key, head));
  const kms = code.sourceKmsKeyArn === undefined ? {} : { sourceKmsKeyArn: code.sourceKmsKeyArn };
  const warning = {
    code: 'OBJECT_WITHOUT_SHA256',
    function: name,
    message: `${source} was read whole, because it has no SHA-256 of its own. Upload it in one piece with one: aws s3api put-object --checksum-algorithm SHA256`,
  };
  return {
    ref: {
      kind: 'zip',
      source,
      codeSha256,
      zipBytes: head.bytes,
      unzippedBytes: 0,
      object: { ...pin, isThere: true },
      ...kms,
    },
    ...(known === undefined ? { warning } : {}),
  };
}

/** S3 calls the version of an object that came before versioning `null`: it may be replaced, so its tag is kept, too. */
const NO_VERSION = 'null';

function pinOf(bucket: string, key: string, { versionId, etag }: ObjectHead): ObjectPin {
  return versionId === undefined || versionId === NO_VERSION ? { bucket, key, etag } : { bucket, key, versionId };
}

/** Records on disk say which object had which digest; a tag has no room for it. */
async function recordedDigest(
  { metadata }: Pick<LoadedSpec, 'metadata'>,
  name: string,
  aliases: SpecFunction['aliases'],
  { bucket, key, versionId, etag }: ObjectPin,
): Promise<string | undefined> {
  if (metadata.store !== 'file') return undefined;
  const store = fileStore(metadata.directory);
  const keys = aliases.length === 0 ? [null] : aliases.map((alias) => alias.name);
  const lists = await Promise.all(keys.map((alias) => store.list({ name, arn: '', tags: {} }, alias)));
  const found = lists.flat().find(({ code }) => {
    const object = code?.object;
    return object?.bucket === bucket && object.key === key && object.versionId === versionId && object.etag === etag;
  });
  return found?.code?.codeSha256;
}
