import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type {
  AlarmsPort,
  AlarmState,
  ImageRegistryPort,
  ObjectHead,
  ObjectStorePort,
  SecretRead,
  SecretsPort,
} from '../../src/model/ports.js';
import { reveal } from '../../src/model/secret.js';
import type { SecretsSeed } from './fakes.js';

function text(read: SecretRead | undefined): string {
  if (read === undefined || !('value' in read)) throw new Error(`no value: ${JSON.stringify(read)}`);
  return reveal(read.value);
}

/** What every {@link SecretsPort} does. `cannotDeny`: why this one cannot be made to deny, where it cannot. */
export function secretsContract(
  name: string,
  open: (seed: SecretsSeed) => Promise<SecretsPort>,
  cannotDeny?: string,
): void {
  describe(`secrets: ${name}`, () => {
    it('values arrive as secrets, that print as such', async () => {
      const port = await open({ parameters: { '/orders/key': 'planted' }, secrets: { db: '{"a":1}' } });
      const read = (await port.getParameters(['/orders/key'])).get('/orders/key');
      expect(text(read)).toBe('planted');
      expect(text(await port.getSecret('db'))).toBe('{"a":1}');
      expect(JSON.stringify(read)).not.toContain('planted');
    });

    it('more names than one call takes are all read, a name asked twice once', async () => {
      const names = Array.from({ length: 23 }, (_, at) => `/many/${at}`);
      const port = await open({ parameters: Object.fromEntries(names.map((one) => [one, `value ${one}`])) });
      const reads = await port.getParameters([...names, '/many/3']);
      expect(reads.size).toBe(23);
      for (const one of names) expect(text(reads.get(one))).toBe(`value ${one}`);
    });

    it('no names are no values', async () => {
      expect((await (await open({})).getParameters([])).size).toBe(0);
    });

    it('a name that does not exist is unknown, with its name in the reason, beside values', async () => {
      const port = await open({ parameters: { '/here': 'x' } });
      const reads = await port.getParameters(['/here', '/gone']);
      expect(text(reads.get('/here'))).toBe('x');
      expect(reads.get('/gone')).toEqual({ unknown: expect.stringContaining('/gone') });
      expect(await port.getSecret('gone')).toEqual({ unknown: expect.stringContaining('gone') });
    });

    it('a binary secret is unknown', async () => {
      const port = await open({ secrets: { blob: { binary: 'AAEC' } } });
      expect(await port.getSecret('blob')).toEqual({ unknown: expect.stringContaining('binary') });
    });

    if (cannotDeny !== undefined) return void console.log(`skipped on ${name}: denied secrets (${cannotDeny}).`);
    it('what AWS denies is unknown and names the permission, and takes no other value with it', async () => {
      const port = await open({
        parameters: { '/mine': 'x', '/theirs': 'hidden' },
        secrets: { theirs: 'hidden' },
        denied: ['ssm:/theirs', 'secretsmanager:theirs'],
      });
      const reads = await port.getParameters(['/mine', '/theirs']);
      expect(text(reads.get('/mine'))).toBe('x');
      expect(reads.get('/theirs')).toEqual({ unknown: expect.stringMatching(/ssm:GetParameters.*\/theirs/) });
      const secret = await port.getSecret('theirs');
      expect(secret).toEqual({ unknown: expect.stringMatching(/secretsmanager:GetSecretValue.*theirs/) });
      expect(JSON.stringify([...reads, secret])).not.toContain('hidden');
    });
  });
}

/** A store with the buckets `plain` and `versioned`. */
export interface ObjectStoreBench {
  readonly port: ObjectStorePort;
  /** An object that somebody else wrote, without a SHA-256. */
  put(bucket: string, key: string, content: Uint8Array): Promise<unknown>;
}

/** Where an implementation is not as S3 is. */
export interface ObjectStoreDeviations {
  /** It takes any SHA-256 for granted. */
  readonly checksUnchecked?: string;
  /** It does not say whether a checksum is one of the whole, so that none counts when an object is read again. */
  readonly noChecksumType?: string;
}

async function fileOf(content: string): Promise<{ path: string; bytes: number; sha256: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'object-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = path.join(folder, 'code.zip');
  await writeFile(file, content);
  return { path: file, bytes: Buffer.byteLength(content), sha256: sha256(content) };
}

function sha256(content: string): string {
  return createHash('sha256').update(content).digest('base64');
}

/** What every {@link ObjectStorePort} does. */
export function objectStoreContract(
  name: string,
  open: () => Promise<ObjectStoreBench>,
  deviations: ObjectStoreDeviations = {},
): void {
  const { noChecksumType } = deviations;
  if (noChecksumType !== undefined)
    console.log(`not checked on ${name}: the digest of what is there (${noChecksumType}).`);
  const readAgain = ({ sha256: digest, ...head }: ObjectHead): ObjectHead =>
    noChecksumType !== undefined || digest === undefined ? head : { ...head, sha256: digest };
  describe(`object store: ${name}`, () => {
    it('an object that is not there is undefined', async () => {
      const { port } = await open();
      expect(await port.head('plain', 'gone.zip')).toBeUndefined();
    });

    it.each(['code.zip', 'folder/a b+c&ü.zip'])(
      '%s is found as it was put, with the digest of the whole',
      async (key) => {
        const { port } = await open();
        const put = await port.putFile('plain', key, await fileOf('content'));
        expect(put).toEqual({ bytes: 7, sha256: sha256('content'), etag: expect.stringMatching(/^".+"$/) });
        expect(await port.head('plain', key)).toEqual(readAgain(put));
      },
    );

    it('the same content under the same key is the same object again', async () => {
      const { port } = await open();
      const file = await fileOf('content');
      expect(await port.putFile('plain', 'k', file)).toEqual(await port.putFile('plain', 'k', file));
    });

    it('each version is found by its id, the newest without', async () => {
      const { port } = await open();
      const first = await port.putFile('versioned', 'k', await fileOf('first'));
      const second = await port.putFile('versioned', 'k', await fileOf('second'));
      expect(first.versionId).not.toBe(second.versionId);
      expect(await port.head('versioned', 'k')).toEqual(readAgain(second));
      expect(await port.head('versioned', 'k', first.versionId)).toEqual(readAgain(first));
    });

    it('the version of another object is no version of this one', async () => {
      const { port } = await open();
      await port.putFile('versioned', 'k', await fileOf('k'));
      const other = await port.putFile('versioned', 'other', await fileOf('other'));
      expect(await port.head('versioned', 'k', other.versionId)).toBeUndefined();
    });

    it('an object that came without a SHA-256 has none', async () => {
      const { port, put } = await open();
      await put('plain', 'theirs.zip', Buffer.from('theirs'));
      const head = await port.head('plain', 'theirs.zip');
      expect(head).toEqual({ bytes: 6, etag: expect.any(String) });
    });

    it('an object without a SHA-256 is read whole, and one that was replaced is not taken for it', async () => {
      const { port, put } = await open();
      for (const bucket of ['plain', 'versioned']) {
        await put(bucket, 'theirs.zip', Buffer.from('theirs'));
        const head = await port.head(bucket, 'theirs.zip');
        if (head === undefined) throw new Error('it was put');
        expect(await port.digest(bucket, 'theirs.zip', head)).toBe(sha256('theirs'));
        await put(bucket, 'theirs.zip', Buffer.from('others'));
        const again = port.digest(bucket, 'theirs.zip', head);
        if (bucket === 'plain') await expect(again).rejects.toMatchObject({ code: 'CODE_CHANGED' });
        else expect(await again).toBe(sha256('theirs'));
      }
    });

    it('a bucket that is not there takes nothing', async () => {
      const { port } = await open();
      await expect(port.putFile('nowhere', 'k', await fileOf('x'))).rejects.toMatchObject({ code: 'AWS_NOT_FOUND' });
    });

    if (deviations.checksUnchecked !== undefined)
      return void console.log(`skipped on ${name}: a wrong digest (${deviations.checksUnchecked}).`);
    it('content that has another digest than it should is refused and not kept', async () => {
      const { port } = await open();
      const file = { ...(await fileOf('content')), sha256: sha256('other') };
      await expect(port.putFile('plain', 'k', file)).rejects.toMatchObject({ code: 'AWS_REFUSED' });
      expect(await port.head('plain', 'k')).toBeUndefined();
    });
  });
}

export interface ImageRegistryBench {
  readonly port: ImageRegistryPort;
  /** Pushes an image and answers its digest. */
  push(region: string, repository: string, tag: string, content: string): Promise<string>;
}

const ACCOUNT = '123456789012';
const at = (region: string, rest: string): string => `${ACCOUNT}.dkr.ecr.${region}.amazonaws.com/${rest}`;

/** What every {@link ImageRegistryPort} does. */
export function imageRegistryContract(name: string, open: () => Promise<ImageRegistryBench>): void {
  describe(`image registry: ${name}`, () => {
    it('a tag stands for its digest, and for another one after a push', async () => {
      const { port, push } = await open();
      const first = await push('us-east-1', 'team/app', '1.2', 'first');
      expect(first).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect(await port.resolveDigest(at('us-east-1', 'team/app:1.2'))).toBe(first);
      const second = await push('us-east-1', 'team/app', '1.2', 'second');
      expect(second).not.toBe(first);
      expect(await port.resolveDigest(at('us-east-1', 'team/app:1.2'))).toBe(second);
    });

    it('the registry’s region is that of the name', async () => {
      const { port, push } = await open();
      const digest = await push('eu-west-1', 'app', 'a', 'europe');
      expect(await port.resolveDigest(at('eu-west-1', 'app:a'))).toBe(digest);
      await expect(port.resolveDigest(at('us-east-1', 'app:a'))).rejects.toMatchObject({ code: 'AWS_NOT_FOUND' });
    });

    it('a digest is answered as it is', async () => {
      const { port } = await open();
      const digest = `sha256:${'0'.repeat(64)}`;
      expect(await port.resolveDigest(at('us-east-1', `app@${digest}`))).toBe(digest);
      expect(await port.resolveDigest(at('us-east-1', `app:tag@${digest}`))).toBe(digest);
    });

    it.each([
      ['a tag that nobody pushed', 'app:none'],
      ['a repository that is not there', 'none:a'],
    ])('%s is not found, and the error names the image', async (_why, rest) => {
      const { port, push } = await open();
      await push('us-east-1', 'app', 'a', 'content');
      const image = at('us-east-1', rest);
      await expect(port.resolveDigest(image)).rejects.toMatchObject({
        code: 'AWS_NOT_FOUND',
        detail: expect.stringContaining(image),
      });
    });

    it.each(['nginx:1', 'public.ecr.aws/x/app:1', at('us-east-1', 'app'), at('us-east-1', 'App:1'), ''])(
      '%s is no image that Lambda runs',
      async (image) => {
        const { port } = await open();
        await expect(port.resolveDigest(image)).rejects.toMatchObject({ code: 'SCHEMA' });
      },
    );
  });
}

/** An alarm before a test. */
export interface AlarmGiven extends AlarmState {
  readonly type: 'metric' | 'composite';
}

export interface AlarmsBench {
  readonly port: AlarmsPort;
  /** Sets an alarm that is there. */
  setState(name: string, state: AlarmState['state'], reason: string): Promise<unknown>;
  /** Makes it known that `version` answered behind `alias` at a time, in milliseconds since the epoch. */
  invoked(name: string, alias: string, version: string, at: number, failed: boolean): Promise<unknown>;
}

const MINUTE = 60_000;
/** A whole minute, long enough ago that all of what a test counts is over. */
const NOON = Math.floor(Date.now() / MINUTE) * MINUTE - 60 * MINUTE;

/** What every {@link AlarmsPort} does. `noComposite`: why this one cannot have composite alarms, where it cannot. */
export function alarmsContract(
  name: string,
  open: (alarms: Readonly<Record<string, AlarmGiven>>) => Promise<AlarmsBench>,
  noComposite?: string,
): void {
  if (noComposite !== undefined) console.log(`not checked on ${name}: composite alarms (${noComposite}).`);
  const quiet: AlarmGiven = { type: 'metric', state: 'OK', reason: 'below the threshold' };

  describe(`alarms: ${name}`, () => {
    it('both types are found with their state and reason, and one that does not exist is absent', async () => {
      const { port } = await open({
        errors: { ...quiet, state: 'ALARM', reason: 'three of three' },
        both: {
          type: noComposite === undefined ? 'composite' : 'metric',
          state: 'INSUFFICIENT_DATA',
          reason: 'no data',
        },
        unasked: quiet,
      });
      expect(Object.fromEntries(await port.describeAlarms(['errors', 'gone', 'both']))).toEqual({
        errors: { state: 'ALARM', reason: 'three of three' },
        both: { state: 'INSUFFICIENT_DATA', reason: 'no data' },
      });
    });

    it('a state that changes is seen at the next look', async () => {
      const { port, setState } = await open({ errors: quiet });
      expect((await port.describeAlarms(['errors'])).get('errors')).toEqual({ state: 'OK', reason: quiet.reason });
      await setState('errors', 'ALARM', 'too many');
      expect((await port.describeAlarms(['errors'])).get('errors')).toEqual({ state: 'ALARM', reason: 'too many' });
    });

    it('more names than one call takes are all found, a name asked twice once', async () => {
      const names = Array.from({ length: 103 }, (_, index) => `many-${index}`);
      const { port } = await open(Object.fromEntries(names.map((one) => [one, quiet])));
      const found = await port.describeAlarms([...names, 'many-3']);
      expect([...found.keys()].sort()).toEqual([...names].sort());
    });

    it('no names are no alarms, not all of them', async () => {
      const { port } = await open({ errors: quiet });
      expect((await port.describeAlarms([])).size).toBe(0);
    });

    it('nothing is counted where nothing was invoked', async () => {
      const { port } = await open({});
      const counted = await port.countInvocations('orders', 'live', '4', NOON, NOON + MINUTE);
      expect(counted).toEqual({ invocations: 0, errors: 0 });
    });

    it('a version’s own invocations behind its own alias are counted, and how many failed', async () => {
      const { port, invoked } = await open({});
      for (const failed of [false, true, false]) await invoked('orders', 'live', '4', NOON + 5_000, failed);
      await invoked('orders', 'live', '4', NOON + MINUTE, true);
      await invoked('orders', 'live', '3', NOON, true);
      await invoked('orders', 'test', '4', NOON, true);
      await invoked('other', 'live', '4', NOON, true);
      const counted = await port.countInvocations('orders', 'live', '4', NOON, NOON + 2 * MINUTE);
      expect(counted).toEqual({ invocations: 4, errors: 2 });
    });

    it('only the minutes between the two times are counted, each of them whole', async () => {
      const { port, invoked } = await open({});
      for (const minute of [-1, 0, 1, 2, 3]) await invoked('orders', 'live', '4', NOON + minute * MINUTE, false);
      const count = async (since: number, until: number) =>
        (await port.countInvocations('orders', 'live', '4', NOON + since, NOON + until)).invocations;
      expect(await count(0, 2 * MINUTE)).toBe(2);
      expect(await count(40_000, 2 * MINUTE + 1)).toBe(3);
      expect(await count(40_000, 40_000)).toBe(1);
    });
  });
}
