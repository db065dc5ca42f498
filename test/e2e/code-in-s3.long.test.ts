import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { GetFunctionCommand } from '@aws-sdk/client-lambda';
import { describe, expect, it } from 'vitest';
import { zipSync } from 'fflate';
import { MAX_ZIP_BYTES } from '../../src/model/limits.js';
import type { Fault, SandboxCall } from '../../src/sandbox/server.js';
import { putVersion } from '../../src/sandbox/stores.js';
import { type Document, fileOf, hello, okHandler, stage, type Stage } from './support.js';

const KEY_ARN = 'arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const BUCKETS = { plain: {}, versioned: { versioning: true } };

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64');

/** The same bytes at any time. */
function archiveOf(source: string, padding = 0): Uint8Array {
  const more = padding === 0 ? {} : { 'padding.bin': new Uint8Array(padding) };
  return zipSync({ 'index.mjs': Buffer.from(source), ...more }, { level: 0, mtime: new Date(1980, 0, 1) });
}

/** Puts an archive under `code.zip`, as somebody else's build does; answers its version. */
function put(it: Stage, name: string, source: string, checksum = true): string {
  const bucket = it.sandbox.state.stores.buckets.get(name);
  if (bucket === undefined) throw new Error(`no bucket ${name}`);
  const body = archiveOf(source);
  const headers: Record<string, string> = checksum ? { 'x-amz-checksum-sha256': sha256(body) } : {};
  return putVersion(bucket, 'code.zip', { body, headers, now: 0 }).versionId;
}

const inS3 = (bucket: string, more: Document = {}): Document =>
  fileOf({ hello: hello({ code: { s3: { bucket, key: 'code.zip' } } }) }, more);
const served = (it: Stage): string | undefined => it.fn().aliases.get('live')?.functionVersion;
const codeOf = (it: Stage, version: string): string | undefined =>
  it.fn().versions.get(version)?.content.code.codeSha256;

describe('an object in S3', () => {
  it.each(['plain', 'versioned'])(
    'in a %s bucket: unchanged is no change, changed under the same key is found',
    async (bucket) => {
      const it = await stage({ seed: { buckets: BUCKETS } });
      await it.file(inS3(bucket));
      put(it, bucket, okHandler('one'));
      expect((await it.run('apply', '--yes')).exitCode).toBe(0);
      it.mutations();
      put(it, bucket, okHandler('one'));
      expect((await it.run('apply', '--yes')).exitCode).toBe(0);
      expect(it.mutations()).toEqual([]);

      const version = put(it, bucket, okHandler('two'));
      const plan = (await it.run('plan', '--format', 'json')).json();
      const { type, from } = plan['functions'][0].operations[1];
      expect(type).toBe('UpdateFunctionCode');
      expect(from).toEqual({
        bucket,
        key: 'code.zip',
        ...(bucket === 'versioned' ? { versionId: version } : { etag: expect.stringMatching(/^"[0-9a-f]{32}"$/) }),
      });
      expect((await it.run('apply', '--yes')).exitCode).toBe(0);
      expect([served(it), codeOf(it, '2')]).toEqual(['2', sha256(archiveOf(okHandler('two')))]);
      expect((await it.run('drift')).exitCode).toBe(0);
      expect((await it.run('rollback', '--yes')).exitCode).toBe(0);
      expect([served(it), it.fn().latest.content.code.codeSha256]).toEqual(['1', codeOf(it, '1')]);
    },
  );

  it('a version that is named stays, whatever is newer', async () => {
    const it = await stage({ seed: { buckets: BUCKETS } });
    const version = put(it, 'versioned', okHandler('one'));
    put(it, 'versioned', okHandler('two'));
    await it.file(fileOf({ hello: hello({ code: { s3: { bucket: 'versioned', key: 'code.zip', version } } }) }));
    expect((await it.run('apply', '--yes')).exitCode).toBe(0);
    expect(codeOf(it, '1')).toBe(sha256(archiveOf(okHandler('one'))));
  });

  it('without a SHA-256 of its own it is read whole, said so, and unchanged is still no change', async () => {
    const it = await stage({ seed: { buckets: BUCKETS } });
    await it.file(inS3('plain'));
    put(it, 'plain', okHandler('one'), false);
    const ran = await it.run('apply', '--yes');
    expect([ran.exitCode, ran.out]).toEqual([0, expect.stringContaining('--checksum-algorithm SHA256')]);
    it.mutations();
    expect((await it.run('plan', '--detailed-exitcode')).exitCode).toBe(0);
    expect(it.seen()).toContain('GetObject');
    put(it, 'plain', okHandler('two'), false);
    expect((await it.run('plan', '--detailed-exitcode')).exitCode).toBe(2);
  });

  it('records on disk know the digest of an object that has none, until it is another object', async () => {
    const it = await stage({ seed: { buckets: BUCKETS } });
    await it.file(inS3('plain', { metadata: 'file:records' }));
    put(it, 'plain', okHandler('one'), false);
    expect((await it.run('apply', '--yes')).exitCode).toBe(0);
    it.mutations();
    expect((await it.run('plan', '--detailed-exitcode')).exitCode).toBe(0);
    expect(it.seen()).not.toContain('GetObject');
    put(it, 'plain', okHandler('two'), false);
    expect((await it.run('plan', '--detailed-exitcode')).exitCode).toBe(2);
    expect(it.seen()).toContain('GetObject');
  });

  it('that is replaced after the plan was shown is not deployed, and nothing is written', async () => {
    const it = await stage({ seed: { buckets: BUCKETS } });
    await it.file(inS3('plain'));
    put(it, 'plain', okHandler('one'));
    expect((await it.run('apply', '--yes')).exitCode).toBe(0);
    put(it, 'plain', okHandler('two'));
    it.mutations();
    const ask = async (): Promise<string> => {
      put(it, 'plain', okHandler('three'));
      return 'yes';
    };
    const isTerminal = { stdin: true, stdout: true, stderr: true };
    const ran = await it.runWith({ ask, isTerminal }, 'apply');
    expect([ran.exitCode, ran.out]).toEqual([3, expect.stringContaining('s3://plain/code.zip')]);
    expect(it.mutations()).toEqual([]);
    expect((await it.run('apply', '--yes')).exitCode).toBe(0);
    expect(codeOf(it, '2')).toBe(sha256(archiveOf(okHandler('three'))));
  });

  it('that is replaced while it is deployed is never published', async () => {
    let swap: (() => void) | undefined;
    const intercept = ({ operation }: SandboxCall): undefined => {
      if (operation === 'UpdateFunctionCode') swap?.();
    };
    const it = await stage({ seed: { buckets: BUCKETS }, intercept });
    await it.file(inS3('plain'));
    put(it, 'plain', okHandler('one'));
    expect((await it.run('apply', '--yes')).exitCode).toBe(0);
    put(it, 'plain', okHandler('two'));
    swap = () => void put(it, 'plain', okHandler('three'));
    const ran = await it.run('apply', '--yes');
    swap = undefined;
    expect([ran.exitCode, ran.out]).toEqual([3, expect.stringContaining('It was replaced while it was deployed')]);
    expect([served(it), [...it.fn().versions.keys()]]).toEqual(['1', ['1']]);
    expect((await it.run('apply', '--yes')).exitCode).toBe(0);
    expect([served(it), (await it.run('plan', '--detailed-exitcode')).exitCode]).toEqual(['2', 0]);
  });

  it('that is not there is refused with its place in the file', async () => {
    const it = await stage({ seed: { buckets: BUCKETS } });
    await it.file(inS3('plain'));
    const ran = await it.run('plan');
    expect([ran.exitCode, ran.err]).toEqual([1, expect.stringContaining('s3://plain/code.zip does not exist')]);
    expect(ran.err).toMatch(/lambda\.deploy\.yaml:\d+:\d+/);
    expect((await it.run('drift')).exitCode).toBe(0);
  });
});

/** Over the limit of a request. */
const ONE = archiveOf(okHandler('one'), MAX_ZIP_BYTES);
const TWO = archiveOf(okHandler('two'), MAX_ZIP_BYTES);
const keyOf = (bytes: Uint8Array): string => `lambda-deploy/${createHash('sha256').update(bytes).digest('hex')}.zip`;
const throughS3 = (more: Document = {}): Document =>
  fileOf({ hello: hello({ code: { zip: 'function.zip', bucket: 'plain' }, ...more }) });

async function largeStage(intercept?: (call: SandboxCall) => Fault | undefined): Promise<Stage> {
  const it = await stage({ seed: { buckets: BUCKETS }, ...(intercept === undefined ? {} : { intercept }) });
  await it.file(throughS3());
  await it.write('function.zip', ONE);
  const ran = await it.run('apply', '--yes');
  if (ran.exitCode !== 0) throw new Error(ran.out + ran.err);
  return it;
}

describe('an archive over 50 MB', () => {
  it('goes through the bucket once, by its digest, and comes back by a rollback', async () => {
    const it = await largeStage();
    expect(it.mutations().slice(0, 2)).toEqual(['PutObject', 'CreateFunction']);
    const objects = it.sandbox.state.stores.buckets.get('plain')?.objects;
    expect([...(objects?.keys() ?? [])]).toEqual([keyOf(ONE)]);
    expect((await it.run('plan', '--detailed-exitcode')).exitCode).toBe(0);

    await it.write('function.zip', TWO);
    const ran = await it.run('apply', '--yes', '--format', 'json');
    expect(ran.json()['functions'][0].operations[1]).toMatchObject({
      type: 'PutObject',
      status: 'done',
      target: `s3://plain/${keyOf(TWO)}`,
    });
    const update = ['TagResource', 'PutObject', 'UpdateFunctionCode', 'PublishVersion', 'UpdateAlias', 'TagResource'];
    expect(it.mutations()).toEqual(update);
    expect(codeOf(it, '2')).toBe(sha256(TWO));

    // Somebody emptied the bucket: the version's own archive is uploaded again.
    objects?.clear();
    expect((await it.run('rollback', '--yes')).exitCode).toBe(0);
    expect(it.mutations()).toEqual(['TagResource', 'UpdateAlias', 'PutObject', 'UpdateFunctionCode', 'TagResource']);
    expect([served(it), it.fn().latest.content.code.codeSha256]).toEqual(['1', sha256(ONE)]);
    expect([...(objects?.keys() ?? [])]).toEqual([keyOf(ONE)]);

    // It is there: nothing is uploaded.
    expect((await it.run('rollback', '--yes', '--to', '2')).exitCode).toBe(0);
    it.mutations();
    expect((await it.run('rollback', '--yes', '--to', '1')).exitCode).toBe(0);
    expect(it.mutations()).not.toContain('PutObject');
  });

  it('is refused without a bucket, by plan and by rollback, before anything is touched', async () => {
    const it = await largeStage();
    await it.write('function.zip', TWO);
    expect((await it.run('apply', '--yes')).exitCode).toBe(0);
    it.mutations();
    await it.file(fileOf({ hello: hello() }));
    for (const argv of [['plan'], ['rollback', '--yes']]) {
      const ran = await it.run(...argv);
      expect([ran.exitCode, ran.err]).toEqual([1, expect.stringContaining('ZIP_TOO_LARGE')]);
      expect(ran.err).toContain('fix: set `code.bucket`');
    }
    expect(it.mutations()).toEqual([]);
  });

  const FAULTS: readonly (readonly [string, Fault])[] = [
    ['is denied', { kind: 'error', status: 403, code: 'AccessDenied', message: 'Access Denied' }],
    ['is answered by nobody', { kind: 'reset-after' }],
  ];
  it('whose upload fails: nothing else is written, and the next run converges', async () => {
    let broken: Fault | undefined;
    const it = await largeStage(({ operation }) => (operation === 'PutObject' ? broken : undefined));
    let [live, next] = [ONE, TWO];
    for (const [why, fault] of FAULTS) {
      it.sandbox.state.stores.buckets.get('plain')?.objects.clear();
      await it.write('function.zip', next);
      const before = served(it);
      it.mutations();
      broken = fault;
      const ran = await it.run('apply', '--yes');
      broken = undefined;
      const context = `${why}: ${ran.out}`;
      expect(ran.exitCode, context).toBe(1);
      const [open, ...rest] = it.mutations().filter((operation) => operation !== 'PutObject');
      expect([open, rest], context).toEqual(['TagResource', ['TagResource']]);
      expect([served(it), it.fn().latest.content.code.codeSha256], context).toEqual([before, sha256(live)]);
      expect((await it.run('apply', '--yes')).exitCode, context).toBe(0);
      expect(codeOf(it, served(it) ?? ''), context).toBe(sha256(next));
      [live, next] = [next, live];
    }
    expect((await it.run('plan', '--detailed-exitcode')).exitCode).toBe(0);
  });

  it('that is not in the way: a small one goes with the request, and S3 is not asked', async () => {
    const it = await stage({ seed: { buckets: BUCKETS } });
    await it.file(throughS3());
    await it.code(okHandler('small'));
    expect((await it.run('apply', '--yes')).exitCode).toBe(0);
    expect(it.seen().filter((operation) => operation.endsWith('Object'))).toEqual([]);
  });

  it('that disappears between plan and apply is found before the upload', async () => {
    const it = await largeStage();
    await it.write('function.zip', TWO);
    it.mutations();
    const ask = async (): Promise<string> => {
      await rm(path.join(it.folder, 'function.zip'));
      return 'yes';
    };
    const ran = await it.runWith({ ask, isTerminal: { stdin: true, stdout: true, stderr: true } }, 'apply');
    expect([ran.exitCode, ran.out]).toEqual([3, expect.stringContaining('CODE_CHANGED')]);
    expect(it.mutations()).toEqual(['TagResource', 'TagResource']);
  });
});

it('the key that encrypts the archive is set, compared with $LATEST, publishes nothing alone, and stays when it is not named', async () => {
  const it = await stage();
  const keyOfLive = async (): Promise<string | undefined> =>
    (await it.client.send(new GetFunctionCommand({ FunctionName: 'hello' }))).Code?.SourceKMSKeyArn;
  const withKey = fileOf({ hello: hello({ code: { zip: 'function.zip', sourceKmsKeyArn: KEY_ARN } }) });
  await it.file(fileOf({ hello: hello() }));
  await it.code(okHandler('one'));
  expect((await it.run('apply', '--yes')).exitCode).toBe(0);
  it.mutations();

  await it.file(withKey);
  expect((await it.run('plan')).out).toContain('code.sourceKmsKeyArn');
  expect((await it.run('apply', '--yes')).exitCode).toBe(0);
  expect(it.mutations()).toEqual(['TagResource', 'UpdateFunctionCode', 'TagResource']);
  expect(await keyOfLive()).toBe(KEY_ARN);
  expect((await it.run('plan', '--detailed-exitcode')).exitCode).toBe(0);

  await it.file(fileOf({ hello: hello() }));
  await it.code(okHandler('two'));
  expect((await it.run('apply', '--yes')).exitCode).toBe(0);
  expect(await keyOfLive()).toBe(KEY_ARN);
});
