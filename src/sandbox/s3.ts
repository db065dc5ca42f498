import { createHash } from 'node:crypto';
import { type Answer, type Call, part, queryValue } from './call.js';
import { decodeChunks, escapeXml, s3Error, xml } from './s3-wire.js';
import { type Bucket, findVersion, type ObjectVersion, putVersion } from './stores.js';

/** Keys in one answer of a listing. @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
const MAX_KEYS = 1000;
/** What an object keeps of its request and answers again. */
const KEPT = /^(content-type|x-amz-checksum-(crc32|crc32c|crc64nvme|sha1|sha256))$/;

function bucketOf(call: Call): Bucket {
  const name = part(call, 'Bucket');
  const bucket = call.state.stores.buckets.get(name);
  if (bucket === undefined) throw s3Error(404, 'NoSuchBucket', 'The specified bucket does not exist');
  return bucket;
}

/** Refuses a write whose If-Match or If-None-Match does not hold. @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html */
function checkConditions(call: Call, current: ObjectVersion | undefined): void {
  const exists = current?.body !== undefined;
  const { 'if-match': match, 'if-none-match': noneMatch } = call.headers;
  if (noneMatch !== undefined && noneMatch !== '*')
    throw s3Error(501, 'NotImplemented', 'A header you provided implies functionality that is not implemented');
  if (match !== undefined && !exists) throw s3Error(404, 'NoSuchKey', 'The specified key does not exist.');
  const fails = (noneMatch === '*' && exists) || (match !== undefined && match !== '*' && !sameTag(match, current));
  if (fails) throw s3Error(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold');
}

function sameTag(given: string, version: ObjectVersion | undefined): boolean {
  return given.replaceAll('"', '') === version?.etag.replaceAll('"', '');
}

/** PutObject, whole. A SHA-256 that is given is checked; a copy or a part of an upload is refused. */
export function putObject(call: Call): Answer {
  const bucket = bucketOf(call);
  if (call.headers['x-amz-copy-source'] !== undefined || call.query.has('uploadId'))
    throw s3Error(501, 'NotImplemented', 'The sandbox takes whole objects only: no copies and no multipart uploads.');
  const key = part(call, 'Key');
  const chunked = (call.headers['x-amz-content-sha256'] ?? '').startsWith('STREAMING-');
  const { content, trailers } = chunked ? decodeChunks(call.rawBody) : { content: call.rawBody, trailers: {} };
  checkConditions(call, findVersion(bucket, key));
  const headers = Object.fromEntries(
    Object.entries({ ...call.headers, ...trailers }).filter(([name]) => KEPT.test(name)),
  );
  const sha256 = headers['x-amz-checksum-sha256'];
  if (sha256 !== undefined && sha256 !== createHash('sha256').update(content).digest('base64'))
    throw s3Error(400, 'BadDigest', 'The SHA256 you specified did not match the calculated checksum.');
  const version = putVersion(bucket, key, { body: content, headers, now: call.state.now() });
  const { 'content-type': _type, ...checksums } = headers;
  return { status: 200, headers: { etag: version.etag, ...typed(checksums), ...identified(bucket, version) } };
}

/** An object that came in one piece has a checksum of the whole. */
function typed(checksums: Readonly<Record<string, string>>): Record<string, string> {
  return Object.keys(checksums).length === 0 ? {} : { ...checksums, 'x-amz-checksum-type': 'FULL_OBJECT' };
}

function identified(bucket: Bucket, { versionId }: ObjectVersion): Record<string, string> {
  return bucket.versioning ? { 'x-amz-version-id': versionId } : {};
}

/** GetObject, and HeadObject with the same headers. */
export function getObject(call: Call): Answer {
  const bucket = bucketOf(call);
  const versionId = queryValue(call, 'versionId');
  const version = findVersion(bucket, part(call, 'Key'), versionId);
  if (version === undefined && versionId !== undefined)
    throw s3Error(404, 'NoSuchVersion', 'The specified version does not exist.');
  if (version?.body === undefined) throw gone(version, versionId);
  const { 'if-match': match, 'if-none-match': noneMatch, 'x-amz-checksum-mode': mode } = call.headers;
  if (match !== undefined && !sameTag(match, version))
    throw s3Error(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold');
  if (noneMatch !== undefined && sameTag(noneMatch, version)) return { status: 304, headers: { etag: version.etag } };
  const { 'content-type': type = 'binary/octet-stream', ...checksums } = version.headers;
  return {
    status: 200,
    bytes: version.body,
    headers: {
      etag: version.etag,
      'content-type': type,
      'last-modified': new Date(version.modified).toUTCString(),
      ...identified(bucket, version),
      ...(mode === 'ENABLED' ? typed(checksums) : {}),
    },
  };
}

function gone(marker: ObjectVersion | undefined, versionId: string | undefined): Error {
  const headers: Record<string, string> = marker === undefined ? {} : { 'x-amz-delete-marker': 'true' };
  if (versionId === undefined) return s3Error(404, 'NoSuchKey', 'The specified key does not exist.', headers);
  return s3Error(405, 'MethodNotAllowed', 'The specified method is not allowed against this resource.', headers);
}

/** DeleteObject: a delete marker in a bucket with versioning. What is not there is deleted, too. */
export function deleteObject(call: Call): Answer {
  const bucket = bucketOf(call);
  const key = part(call, 'Key');
  const versionId = queryValue(call, 'versionId');
  const current = findVersion(bucket, key);
  if (call.headers['if-match'] !== undefined) checkConditions(call, current);
  if (versionId !== undefined) {
    const rest = (bucket.objects.get(key) ?? []).filter((version) => version.versionId !== versionId);
    if (rest.length === 0) bucket.objects.delete(key);
    else bucket.objects.set(key, rest);
    return { status: 204, headers: { 'x-amz-version-id': versionId } };
  }
  if (!bucket.versioning) {
    bucket.objects.delete(key);
    return { status: 204 };
  }
  const marker = putVersion(bucket, key, { now: call.state.now() });
  return { status: 204, headers: { 'x-amz-delete-marker': 'true', 'x-amz-version-id': marker.versionId } };
}

/** ListObjectsV2: prefix, pages; the continuation token is the last key. Delimiters are refused. */
export function listObjects(call: Call): Answer {
  const bucket = bucketOf(call);
  if (call.query.get('list-type') !== '2' || call.query.get('delimiter'))
    throw s3Error(501, 'NotImplemented', 'The sandbox lists objects with ListObjectsV2 and without a delimiter only.');
  const prefix = call.query.get('prefix') ?? '';
  const token = call.query.get('continuation-token');
  const after = token === null ? (call.query.get('start-after') ?? '') : Buffer.from(token, 'base64').toString('utf8');
  const asked = Number(call.query.get('max-keys') ?? MAX_KEYS);
  const found = [...bucket.objects]
    .map(([key, versions]) => ({ key, version: versions.at(-1) }))
    .filter(({ key, version }) => key.startsWith(prefix) && key > after && version?.body !== undefined)
    .sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
  const shown = found.slice(0, Math.min(asked, MAX_KEYS));
  const more = shown.length < found.length;
  const next = Buffer.from(shown.at(-1)?.key ?? '').toString('base64');
  const encode = (text: string): string =>
    call.query.get('encoding-type') === 'url' ? encodeURIComponent(text).replaceAll('%2F', '/') : escapeXml(text);
  const contents = shown.map(
    ({ key, version }) =>
      `<Contents><Key>${encode(key)}</Key><LastModified>${new Date(version?.modified ?? 0).toISOString()}</LastModified>` +
      `<ETag>${escapeXml(version?.etag ?? '')}</ETag><Size>${version?.body?.byteLength ?? 0}</Size>` +
      `<StorageClass>STANDARD</StorageClass></Contents>`,
  );
  return xml(
    'ListBucketResult',
    `<Name>${escapeXml(part(call, 'Bucket'))}</Name><Prefix>${encode(prefix)}</Prefix><MaxKeys>${asked}</MaxKeys>` +
      (call.query.get('encoding-type') === 'url' ? '<EncodingType>url</EncodingType>' : '') +
      `<KeyCount>${shown.length}</KeyCount><IsTruncated>${more}</IsTruncated>` +
      (more ? `<NextContinuationToken>${next}</NextContinuationToken>` : '') +
      contents.join(''),
  );
}
