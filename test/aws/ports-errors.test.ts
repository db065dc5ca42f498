import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createImageRegistry } from '../../src/aws/image-registry.js';
import { createObjectStore } from '../../src/aws/object-store.js';
import { createSecrets } from '../../src/aws/secrets.js';
import type { Fault, SandboxCall } from '../../src/sandbox/server.js';
import { startSandbox } from '../../src/sandbox/server.js';
import { type Arrival, type Canned, CannedServer } from './server.js';

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'sandbox');
  vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
});

afterEach(() => vi.unstubAllEnvs());

const REFUSED = 'AWS_REFUSED';

async function canned(answer: (arrival: Arrival) => Canned) {
  const server = new CannedServer(answer);
  onTestFinished(() => server.stop());
  return { server, options: { endpoint: await server.start(), region: 'us-east-1' } };
}

async function sandboxWith(intercept: (call: SandboxCall) => Fault | undefined) {
  const seed = { buckets: { b: {} }, parameters: { '/a': 'x' } };
  const sandbox = await startSandbox({ seed, intercept });
  onTestFinished(() => sandbox.close());
  return { sandbox, options: { endpoint: sandbox.url, region: 'us-east-1' } };
}

async function archive(content: string) {
  const folder = await mkdtemp(path.join(tmpdir(), 'upload-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = path.join(folder, 'code.zip');
  await writeFile(file, content);
  const sha256 = createHash('sha256').update(content).digest('base64');
  return { path: file, bytes: content.length, sha256 };
}

describe('an upload', () => {
  it.each<[string, Fault]>([
    ['the connection broke before it', { kind: 'reset-before' }],
    ['the answer was lost', { kind: 'reset-after' }],
    [
      'S3 asked to slow down',
      { kind: 'error', status: 503, code: 'SlowDown', message: 'Please reduce your request rate.' },
    ],
  ])('is sent again where %s', async (_why, fault) => {
    const { sandbox, options } = await sandboxWith(({ operation, n }) =>
      operation === 'PutObject' && n === 1 ? fault : undefined,
    );
    const store = createObjectStore(options);
    const put = await store.putFile('b', 'k', await archive('x'));
    expect(sandbox.calls.map(({ operation }) => operation)).toEqual(['PutObject', 'PutObject']);
    expect(await store.head('b', 'k')).toEqual(put);
  });

  it('that is denied is sent once, and names the permission', async () => {
    const { sandbox, options } = await sandboxWith(() => {
      return { kind: 'error', status: 403, code: 'AccessDenied', message: 'Access Denied' };
    });
    await expect(createObjectStore(options).putFile('b', 'k', await archive('x'))).rejects.toMatchObject({
      code: 'AWS_ACCESS_DENIED',
      fix: 'allow s3:PutObject for this identity.',
    });
    expect(sandbox.calls).toHaveLength(1);
  });

  it('of a file that changed or is gone is not begun', async () => {
    const { sandbox, options } = await sandboxWith(() => undefined);
    const file = await archive('x');
    const store = createObjectStore(options);
    const changed = expect.objectContaining({ code: 'CODE_CHANGED' });
    await expect(store.putFile('b', 'k', { ...file, bytes: 2 })).rejects.toEqual(changed);
    await expect(store.putFile('b', 'k', { ...file, path: `${file.path}.gone` })).rejects.toEqual(changed);
    expect(sandbox.calls).toEqual([]);
  });

  it('is one request with its length and digest, not chunked', async () => {
    const { server, options } = await canned(() => ({ headers: { etag: '"e"' }, body: '' }));
    const file = await archive('x');
    await createObjectStore(options).putFile('b', 'k', file);
    expect(server.arrivals).toHaveLength(1);
    const { headers, path: asked } = server.arrivals[0] ?? {};
    expect(asked).toBe('/b/k?x-id=PutObject');
    expect(headers).toMatchObject({ 'content-length': '1', 'x-amz-checksum-sha256': file.sha256 });
    expect(headers?.['content-encoding']).toBeUndefined();
    expect(headers?.['x-amz-trailer']).toBeUndefined();
  });
});

describe('an object', () => {
  const head = (headers: Record<string, string>, status = 200): Canned => ({ status, headers, body: '' });
  const digest = { 'x-amz-checksum-sha256': 'abc=-2', 'content-length': '0' };

  it.each([
    ['of parts', { ...digest, 'x-amz-checksum-type': 'COMPOSITE' }],
    ['that does not say of what', digest],
  ])('has no digest where its checksum is one %s', async (_why, headers) => {
    const { options } = await canned(() => head(headers));
    expect(await createObjectStore(options).head('b', 'k')).not.toHaveProperty('sha256');
  });

  it.each([
    ['a bucket of another region', 301, REFUSED, /in another region/],
    ['a caller who may not read', 403, 'AWS_ACCESS_DENIED', /s3:GetObject.*s3:ListBucket/],
    ['a version id that is none', 400, REFUSED, /HeadObject of s3:\/\/b\/k failed/],
  ])('is neither there nor absent for %s', async (_why, status, code, detail) => {
    const { options } = await canned(() => head({}, status));
    const error = createObjectStore(options).head('b', 'k', 'v');
    await expect(error).rejects.toMatchObject({ code, detail: expect.stringMatching(detail) });
  });
});

describe('a secret', () => {
  const refused = (type: string, message: string, status = 400): Canned => ({
    status,
    headers: { 'x-amzn-errortype': type },
    body: { message },
  });

  it.each([
    [
      'its key may not be used',
      'AccessDeniedException',
      'Access to KMS is not allowed',
      /needs kms:Decrypt on its key/,
    ],
    ['its key is disabled', 'DecryptionFailure', 'cannot decrypt', /needs kms:Decrypt on its key/],
    ['it is being deleted', 'InvalidRequestException', 'marked for deletion', /marked for deletion/],
  ])('is unknown where %s', async (_why, type, message, reason) => {
    const { options } = await canned(() => refused(type, message));
    expect(await createSecrets(options).getSecret('db')).toEqual({ unknown: expect.stringMatching(reason) });
  });

  it('is an error, not unknown, where the credentials are expired', async () => {
    const { options } = await canned(() => refused('ExpiredTokenException', 'expired', 403));
    const expired = { code: 'AWS_EXPIRED_CREDENTIALS' };
    await expect(createSecrets(options).getSecret('db')).rejects.toMatchObject(expired);
    await expect(createSecrets(options).getParameters(['/a'])).rejects.toMatchObject(expired);
  });

  it('of ten, one ill-formed, is asked for alone and leaves the others their values', async () => {
    const { options } = await canned(({ body }) => {
      const { Names } = body as { Names: string[] };
      if (Names.includes('bad name')) return refused('ValidationException', 'Parameter name must match');
      return { body: { Parameters: Names.map((Name) => ({ Name, Value: 'x' })), InvalidParameters: [] } };
    });
    const reads = await createSecrets(options).getParameters(['/a', 'bad name', '/b']);
    expect([...reads.keys()]).toEqual(['/a', 'bad name', '/b']);
    expect(reads.get('/b')).toHaveProperty('value');
    expect(reads.get('bad name')).toEqual({ unknown: expect.stringContaining('Parameter name must match') });
  });

  it.each([
    ['/a:3', { Name: '/a', Selector: ':3' }],
    ['arn:aws:ssm:us-east-1:1:parameter/a', { Name: '/a', ARN: 'arn:aws:ssm:us-east-1:1:parameter/a' }],
  ])('asked for as %s is found in the answer', async (name, parameter) => {
    const { options } = await canned(() => ({ body: { Parameters: [{ ...parameter, Value: 'x' }] } }));
    expect((await createSecrets(options).getParameters([name])).get(name)).toHaveProperty('value');
  });
});

describe('an image', () => {
  it('that may not be read names the permission', async () => {
    const { options } = await canned(() => {
      return { status: 400, headers: { 'x-amzn-errortype': 'AccessDeniedException' }, body: { message: 'no' } };
    });
    const image = '123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:1';
    await expect(createImageRegistry(options).resolveDigest(image)).rejects.toMatchObject({
      code: 'AWS_ACCESS_DENIED',
      fix: 'allow ecr:BatchGetImage for this identity.',
    });
  });

  it('is asked for in the account and region of its name, whatever kind of manifest it has', async () => {
    const digest = `sha256:${'1'.repeat(64)}`;
    const { server, options } = await canned(() => ({ body: { images: [{ imageId: { imageDigest: digest } }] } }));
    const image = '210987654321.dkr.ecr.eu-west-1.amazonaws.com/team/app:1';
    expect(await createImageRegistry(options).resolveDigest(image)).toBe(digest);
    const { body, headers } = server.arrivals[0] ?? {};
    expect(headers?.authorization).toContain('/eu-west-1/ecr/');
    expect(body).toMatchObject({
      registryId: '210987654321',
      repositoryName: 'team/app',
      imageIds: [{ imageTag: '1' }],
    });
    expect((body as { acceptedMediaTypes: string[] }).acceptedMediaTypes).toHaveLength(4);
  });
});
