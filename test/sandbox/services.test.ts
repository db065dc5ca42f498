import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { CreateFunctionCommand, GetFunctionCommand, InvokeCommand } from '@aws-sdk/client-lambda';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { DescribeParametersCommand, GetParametersCommand, SSMClient } from '@aws-sdk/client-ssm';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createStores, mapImages } from '../../src/sandbox/stores.js';
import { bench, CREDENTIALS, PYTHON_ZIP, refusal, ROLE } from './support.js';

const Bucket = 'b';
const REGISTRY = '123456789012.dkr.ecr.us-east-1.amazonaws.com';

async function s3Bench(versioning = false) {
  const run = await bench({ seed: { buckets: { b: { versioning, objects: { 'seeded.txt': 'seeded' } } } } });
  const config = { endpoint: run.sandbox.url, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1 };
  const s3 = new S3Client({ ...config, credentials: CREDENTIALS });
  const bad = new S3Client({ ...config, credentials: { ...CREDENTIALS, secretAccessKey: 'wrong' } });
  return { ...run, s3, bad };
}

describe('S3', () => {
  it('gives back what a seed or a caller put', async () => {
    const { s3 } = await s3Bench();
    const seeded = await s3.send(new GetObjectCommand({ Bucket, Key: 'seeded.txt' }));
    expect(await seeded.Body?.transformToString()).toBe('seeded');
    await s3.send(new PutObjectCommand({ Bucket, Key: 'a/b c+ü', Body: 'text', ContentType: 'text/plain' }));
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'a/b c+ü' }));
    expect(got).toMatchObject({ ContentType: 'text/plain', ContentLength: 4 });
    expect(await got.Body?.transformToString()).toBe('text');
  });

  it('takes a stream whose checksum comes after it in a chunked body', async () => {
    const { s3 } = await s3Bench();
    const Body = Readable.from([Buffer.alloc(100_000, 'a'), Buffer.alloc(50_000, 'b')]);
    const put = new PutObjectCommand({ Bucket, Key: 'k', Body, ContentLength: 150_000, ChecksumAlgorithm: 'SHA256' });
    await s3.send(put);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'k', ChecksumMode: 'ENABLED' }));
    expect(head).toMatchObject({ ContentLength: 150_000, ChecksumType: 'FULL_OBJECT' });
    expect(head.ChecksumSHA256).toMatch(/^.{43}=$/);
  });

  it('writes only where a condition holds', async () => {
    const { s3 } = await s3Bench();
    const put = (more: object) => s3.send(new PutObjectCommand({ Bucket, Key: 'lock', Body: 'x', ...more }));
    const { ETag } = await put({ IfNoneMatch: '*' });
    const failed = { status: 412, code: 'PreconditionFailed' };
    expect(await refusal(put({ IfNoneMatch: '*' }))).toMatchObject(failed);
    expect(await refusal(put({ IfMatch: '"other"' }))).toMatchObject(failed);
    const { ETag: next } = await put({ IfMatch: ETag, Body: 'y' });
    expect(await refusal(put({ IfMatch: ETag }))).toMatchObject(failed);
    const remove = (IfMatch?: string) => s3.send(new DeleteObjectCommand({ Bucket, Key: 'lock', IfMatch }));
    expect(await refusal(remove(ETag))).toMatchObject(failed);
    await remove(next);
    expect(await refusal(put({ IfMatch: next }))).toMatchObject({ status: 404, code: 'NoSuchKey' });
  });

  it('keeps versions under a delete marker where the bucket does', async () => {
    const { s3 } = await s3Bench(true);
    const { VersionId } = await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'first' }));
    const deleted = await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
    expect(deleted.DeleteMarker).toBe(true);
    expect(await refusal(s3.send(new GetObjectCommand({ Bucket, Key: 'k' })))).toMatchObject({ code: 'NoSuchKey' });
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'k', VersionId }));
    expect(await got.Body?.transformToString()).toBe('first');
    const marker = new GetObjectCommand({ Bucket, Key: 'k', VersionId: deleted.VersionId });
    expect(await refusal(s3.send(marker))).toMatchObject({ status: 405, code: 'MethodNotAllowed' });
  });

  it('lists by prefix, page by page, in the order of the bytes', async () => {
    const { s3 } = await s3Bench();
    for (const Key of ['r/b', 'r/a', 'r/ü', 'r/B', 'other'])
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
    const keys: (string | undefined)[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'r/', MaxKeys: 2, ContinuationToken }));
      keys.push(...(page.Contents ?? []).map(({ Key }) => Key));
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    expect(keys).toEqual(['r/B', 'r/a', 'r/b', 'r/ü']);
  });

  it('refuses in its own words what it does not know, and callers it cannot verify', async () => {
    const { s3, bad } = await s3Bench();
    expect(await refusal(s3.send(new GetObjectCommand({ Bucket: 'none', Key: 'k' })))).toMatchObject({
      status: 404,
      code: 'NoSuchBucket',
    });
    const copy = new CopyObjectCommand({ Bucket, Key: 'k', CopySource: 'b/seeded.txt' });
    expect(await refusal(s3.send(copy))).toMatchObject({ status: 501, code: 'NotImplemented' });
    const list = new ListObjectsV2Command({ Bucket, Delimiter: '/' });
    expect(await refusal(s3.send(list))).toMatchObject({ status: 501, code: 'NotImplemented' });
    const signed = await refusal(bad.send(new GetObjectCommand({ Bucket, Key: 'seeded.txt' })));
    expect(signed).toMatchObject({ status: 403, code: 'SignatureDoesNotMatch' });
  });

  it('shows its calls to tests', async () => {
    const { s3, sandbox } = await s3Bench();
    await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'four' }));
    expect(sandbox.calls.at(-1)).toMatchObject({
      operation: 'PutObject',
      mutating: true,
      body: { Bucket, Key: 'k', Bytes: 4 },
    });
  });
});

describe('services of the JSON protocol', () => {
  it('deny a whole batch for one name, and name the operation that they do not have', async () => {
    const { sandbox } = await bench({ seed: { parameters: { '/a': 'x', '/b': 'x' }, denied: ['ssm:/b'] } });
    const config = { endpoint: sandbox.url, region: 'us-east-1', credentials: CREDENTIALS, maxAttempts: 1 };
    const ssm = new SSMClient(config);
    const both = new GetParametersCommand({ Names: ['/a', '/b'] });
    expect(await refusal(ssm.send(both))).toMatchObject({ status: 400, code: 'AccessDeniedException' });
    expect(await refusal(ssm.send(new DescribeParametersCommand({})))).toMatchObject({
      code: 'UnknownOperationException',
      message: 'The sandbox does not know AmazonSSM.DescribeParameters.',
    });
  });
});

describe('code from elsewhere', () => {
  const create = (more: object) =>
    new CreateFunctionCommand({
      FunctionName: 'f',
      Role: ROLE,
      Runtime: 'python3.12',
      Handler: 'index.handler',
      Code: {},
      ...more,
    });

  it('is the version of the object that is named, and keeps the key that encrypts it', async () => {
    const { s3, client } = await s3Bench(true);
    const { VersionId } = await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: PYTHON_ZIP }));
    await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'no zip' }));
    const code = { S3Bucket: Bucket, S3Key: 'k' };
    expect(await refusal(client.send(create({ Code: code })))).toMatchObject({
      code: 'InvalidParameterValueException',
    });
    const wrong = { ...code, S3ObjectVersion: 'none' };
    expect((await refusal(client.send(create({ Code: wrong })))).message).toMatch(/NoSuchVersion/);
    const SourceKMSKeyArn = 'arn:aws:kms:us-east-1:123456789012:key/k';
    await client.send(create({ Code: { ...code, S3ObjectVersion: VersionId, SourceKMSKeyArn } }));
    const got = await client.send(new GetFunctionCommand({ FunctionName: 'f' }));
    expect(got.Code).toMatchObject({ RepositoryType: 'S3', SourceKMSKeyArn });
    expect(got.Configuration?.CodeSize).toBe(PYTHON_ZIP.byteLength);
  });

  it('as an image takes neither handler nor a tag that is not there', async () => {
    const { client } = await bench({ seed: { images: { [`${REGISTRY}/app:1`]: `sha256:${'0'.repeat(64)}` } } });
    const image = { PackageType: 'Image', Code: { ImageUri: `${REGISTRY}/app:1` } };
    expect((await refusal(client.send(create(image)))).message).toMatch(/don't provide Handler or Runtime/);
    const none = { Runtime: undefined, Handler: undefined };
    const missing = { ...image, ...none, Code: { ImageUri: `${REGISTRY}/app:2` } };
    expect((await refusal(client.send(create(missing)))).message).toMatch(/app:2 does not exist/);
  });

  it.each([
    ['by its tag', `${REGISTRY}/app:1`],
    ['by the digest that a plan pins', 'pinned'],
  ])('as an image that has a folder runs the handler in it, %s', async (_why, uri) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'image-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(path.join(folder, 'app.mjs'), 'export const go = async (event) => ({ got: event.n });');
    const images = { [`${REGISTRY}/app:1`]: folder };
    const stores = createStores({}, 0);
    mapImages(stores, images);
    const [pinned = ''] = stores.imageFolders.keys();
    const { client, wait } = await bench({ images });
    await client.send(
      create({
        PackageType: 'Image',
        Code: { ImageUri: uri === 'pinned' ? pinned : uri },
        ImageConfig: { Command: ['app.go'] },
        Runtime: undefined,
        Handler: undefined,
      }),
    );
    wait();
    const answer = await client.send(new InvokeCommand({ FunctionName: 'f', Payload: Buffer.from('{"n":7}') }));
    expect(answer.FunctionError).toBeUndefined();
    expect(Buffer.from(answer.Payload ?? []).toString()).toBe('{"got":7}');
  });

  it('as an image without a folder cannot be invoked, and says what to do', async () => {
    const { client, wait } = await bench({ seed: { images: { [`${REGISTRY}/app:1`]: `sha256:${'0'.repeat(64)}` } } });
    const image = { PackageType: 'Image', Code: { ImageUri: `${REGISTRY}/app:1` } };
    await client.send(create({ ...image, Runtime: undefined, Handler: undefined }));
    wait();
    const answer = await client.send(new InvokeCommand({ FunctionName: 'f' }));
    expect(answer.FunctionError).toBe('Unhandled');
    expect(JSON.parse(Buffer.from(answer.Payload ?? []).toString())).toEqual({
      errorType: 'Sandbox.ImageNotMapped',
      errorMessage: expect.stringContaining(`--image ${REGISTRY}/app:1=DIR`),
    });
  });
});
