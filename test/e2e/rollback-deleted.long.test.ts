import { createHash } from 'node:crypto';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { describe, expect, it } from 'vitest';
import { putVersion } from '../../src/sandbox/stores.js';
import { type Document, fileOf, hello, okHandler, stage, type Stage, zipOf } from './support.js';

const FILES = { metadata: 'file:records' };

const SEED = { parameters: { '/api/key': 'sk-planted-1234' }, buckets: { plain: {}, versioned: { versioning: true } } };

/** Two deployments in a build that has some variables; the first version is deleted then. */
async function pruned(
  second: (it: Stage) => unknown,
  first: Document = {},
  more: Document = FILES,
  prepare: (it: Stage) => unknown = (it) => it.code(okHandler('one')),
): Promise<Stage> {
  const it = await stage({ seed: SEED });
  const env = { STAGE_OF_THEN: 'then' };
  await it.file(fileOf({ hello: hello(first) }, more));
  await prepare(it);
  expect((await it.runWith({ env }, 'apply', '--yes')).exitCode).toBe(0);
  await second(it);
  expect((await it.runWith({ env }, 'apply', '--yes')).exitCode).toBe(0);
  expect(it.fn().aliases.get('live')?.functionVersion).toBe('2');
  it.fn().versions.delete('1');
  it.mutations();
  return it;
}

/** Puts an archive into S3, as somebody else's build does. */
function put(it: Stage, name: string, source: string, key = 'code.zip'): void {
  const bucket = it.sandbox.state.stores.buckets.get(name);
  if (bucket === undefined) throw new Error(`no bucket ${name}`);
  const body = zipOf({ 'index.mjs': source });
  const sha256 = createHash('sha256').update(body).digest('base64');
  putVersion(bucket, key, { body, headers: { 'x-amz-checksum-sha256': sha256 }, now: 0 });
}
const timeout6 = (it: Stage): Promise<void> => it.file(fileOf({ hello: hello({ timeout: 6 }) }, FILES));

describe('a version that was deleted', () => {
  it('is published again from its record, with the code of a version that has it', async () => {
    const it = await pruned(timeout6, { tags: { team: 'a' } });
    const plan = await it.run('rollback', '--plan-only');
    expect(plan.out).toContain('version 1 of hello no longer exists: what its record says is deployed again');
    const ran = await it.run('rollback', '--yes', '--format', 'json');
    expect(ran.json()['functions'][0]).toMatchObject({
      result: 'succeeded',
      aliases: [{ name: 'live', version: '3', previousVersion: '2' }],
    });
    expect(it.fn().versions.get('3')?.content.config).toMatchObject({ Timeout: 5 });
    expect(it.seen().indexOf('Invoke')).toBeLessThan(it.seen().indexOf('UpdateAlias'));
    const [newest, , first] = (await it.run('history', '--format', 'json')).json()['records'];
    expect(newest).toMatchObject({ action: 'rollback', restores: first.id, version: '3' });
    const refused = await it.run('apply', '--yes', '--format', 'json');
    expect(refused.json()['error'].code).toBe('ALIAS_HELD');
  });

  it('has the tags of its record alone: what only the later one had set goes, what nobody named stays', async () => {
    const later = hello({ timeout: 6, tags: { team: 'b', cost: '1' } });
    const it = await pruned((one) => one.file(fileOf({ hello: later }, FILES)), { tags: { team: 'a' } });
    it.fn().tags['owner'] = 'bob';
    expect((await it.run('rollback', '--yes')).exitCode).toBe(0);
    expect(it.fn().tags).toEqual({ team: 'a', owner: 'bob' });
  });

  it('is not published twice', async () => {
    const it = await pruned(timeout6);
    await it.run('rollback', '--yes');
    await it.run('rollback', '--to', '2', '--yes');
    it.mutations();
    const again = await it.run('rollback', '--yes', '--format', 'json');
    expect(again.json()['functions'][0].aliases).toEqual([{ name: 'live', version: '3', previousVersion: '2' }]);
    expect(it.mutations()).not.toContain('PublishVersion');
  });

  it('gets the secrets of today', async () => {
    const it = await pruned(timeout6, { environment: { KEY: '${ssm:/api/key}' } });
    it.sandbox.state.stores.parameters.set('/api/key', 'sk-rotated-9876');
    expect((await it.run('rollback', '--yes')).exitCode).toBe(0);
    expect(it.fn().versions.get('3')?.content.config).toMatchObject({
      Environment: { Variables: { KEY: 'sk-rotated-9876' } },
    });
    expect(it.outputs.join('')).not.toMatch(/sk-planted|sk-rotated/);
  });

  it.each([
    ['by its version, whatever is there now', 'versioned', 'code.zip'],
    ['by its SHA-256, where the bucket keeps no versions', 'plain', 'other.zip'],
  ])('gets its code from S3 %s', async (_, bucket, next) => {
    const s3 = (key: string): Document => ({ code: { s3: { bucket, key } } });
    const it = await pruned(
      async (it) => {
        put(it, bucket, okHandler('two'), next);
        await it.file(fileOf({ hello: hello(s3(next)) }, FILES));
      },
      s3('code.zip'),
      FILES,
      (it) => put(it, bucket, okHandler('one')),
    );
    const ran = await it.run('rollback', '--yes', '--format', 'json');
    expect(ran.json()['functions'][0].aliases).toEqual([{ name: 'live', version: '3', previousVersion: '2' }]);
    const answer = await it.client.send(new InvokeCommand({ FunctionName: 'hello', Qualifier: 'live' }));
    expect(Buffer.from(answer.Payload ?? []).toString()).toContain('one');
  });

  it('is an error where the object in S3 is another one now', async () => {
    const s3 = { code: { s3: { bucket: 'plain', key: 'code.zip' } } };
    const it = await pruned(
      (it) => put(it, 'plain', okHandler('two')),
      s3,
      FILES,
      (it) => put(it, 'plain', okHandler('one')),
    );
    const ran = await it.run('rollback', '--yes', '--format', 'json');
    expect([ran.exitCode, ran.json()['error'].code]).toEqual([1, 'VERSION_NOT_FOUND']);
    expect(it.mutations()).toEqual([]);
  });

  it.each<
    [
      reason: string,
      first: Document,
      more: Document,
      second: (it: Stage) => Promise<unknown>,
      code: string,
      why: RegExp,
    ]
  >([
    [
      'its code is nowhere',
      {},
      FILES,
      (it) => it.code(okHandler('two')),
      'VERSION_NOT_FOUND',
      /no other version, no object in S3/,
    ],
    [
      'its record is in tags',
      {},
      {},
      (it) => it.code(okHandler('two')),
      'VERSION_NOT_FOUND',
      /records in tags do not keep/,
    ],
    [
      'a variable of then is not set now',
      { environment: { STAGE: '${STAGE_OF_THEN}' } },
      FILES,
      timeout6,
      'UNSET_VARIABLE',
      /STAGE_OF_THEN/,
    ],
  ])('is an error before anything is touched where %s', async (_, first, more, second, code, why) => {
    const it = await pruned(second, first, more);
    const ran = await it.run('rollback', '--yes', '--format', 'json');
    expect([ran.exitCode, ran.json()['error'].code]).toEqual([1, code]);
    expect(ran.json()['error'].message).toMatch(why);
    expect(it.mutations()).toEqual([]);
  });
});
