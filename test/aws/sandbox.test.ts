import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { readAccount } from '../../src/aws/account.js';
import { createLambda } from '../../src/aws/lambda.js';
import { readLive, readVersions } from '../../src/aws/read-live.js';
import { waitUntilSettled } from '../../src/aws/wait.js';
import type { LiveFunction } from '../../src/model/function.js';
import type { Clock, LambdaPort } from '../../src/model/ports.js';
import { Secret } from '../../src/model/secret.js';
import { tagsStore } from '../../src/record/tags.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/server.js';
import { sample } from '../record/sample.js';

const ZIP = zipSync({ 'index.mjs': new TextEncoder().encode('export const handler = async (event) => event;') });
const SHA = createHash('sha256').update(ZIP).digest('base64');
const CREATE = {
  settings: {
    runtime: 'nodejs20.x',
    handler: 'index.handler',
    role: 'arn:aws:iam::123456789012:role/orders',
    architectures: ['arm64'],
    layers: [],
    vpcConfig: { subnetIds: [], securityGroupIds: [] },
  },
  environment: { TOKEN: new Secret('hunter2hunter2') },
  code: { zip: ZIP },
};

/** Longer than a test takes: states settle because a wait sleeps, not because the machine is slow. */
const SETTLE_MS = 60_000;

let time = 0;
/** One time for the waits and for the sandbox. */
const clock: Clock = {
  now: () => time,
  sleep: (milliseconds) => Promise.resolve(void (time += milliseconds)),
};

let sandbox: Sandbox;
let lambda: LambdaPort;

beforeEach(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'sandbox');
  vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
  time = Date.now();
  sandbox = await startSandbox({ settleMs: SETTLE_MS, now: clock.now });
  lambda = await createLambda({ region: 'eu-west-1', endpoint: sandbox.url, allowMissingRevisionId: false });
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await sandbox.close();
});

async function settled(qualifier?: string) {
  const states: string[] = [];
  const onWait = (_seconds: number, status: string) => states.push(status);
  const read = await waitUntilSettled(lambda, clock, 'orders', qualifier, { maxWaitSeconds: 120, onWait });
  return { read, states };
}

async function live(): Promise<LiveFunction> {
  const read = await readLive(lambda, 'orders', { aliases: ['live'] });
  if (read === undefined) throw new Error('the function is missing');
  return read;
}

it('creates, waits, publishes, points an alias, invokes, and reads it all back', async () => {
  expect(await readLive(lambda, 'orders', { aliases: ['live'] })).toBeUndefined();
  await lambda.createFunction('orders', { ...CREATE, tags: { team: 'a' } });
  const { read, states } = await settled();
  expect(states).toContain('state Pending');
  const revision = read.version.revisionId ?? '';
  const published = await lambda.publishVersion('orders', {
    description: 'one',
    codeSha256: SHA,
    revisionId: revision,
  });
  expect((await settled(published.version)).read.version).toMatchObject({ version: '1', state: 'Active' });
  await lambda.createAlias('orders', { name: 'live', version: '1' });

  expect(await live()).toMatchObject({
    aliases: [{ name: 'live', version: '1', weights: {} }],
    versions: [{ version: '1', description: 'one', codeSha256: SHA, settings: { architectures: ['arm64'] } }],
    tags: { team: 'a' },
  });
  expect(await lambda.invoke('orders', 'live', { payload: { ping: 1 } }, 10)).toMatchObject({
    statusCode: 200,
    executedVersion: '1',
    payload: '{"ping":1}',
  });
  const candidates = await readVersions(lambda, 'orders', ({ codeSha256 }) => codeSha256 === SHA, []);
  expect(candidates).toMatchObject([{ version: '1', state: 'Active' }]);
  const location = read.version.codeLocation ?? (await settled()).read.version.codeLocation;
  const folder = await mkdtemp(join(tmpdir(), 'download-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const { path, sha256 } = await lambda.download(location as Secret, join(folder, 'a.zip'));
  expect([await readFile(path), sha256]).toEqual([Buffer.from(ZIP), SHA]);
});

it('refuses a stale lock token and a second alias, and tells a conflict while an update is in progress', async () => {
  await lambda.createFunction('orders', { ...CREATE, tags: {} });
  const { revisionId } = (await settled()).read.version;
  await lambda.updateFunctionConfiguration('orders', { settings: { timeout: 5 } }, revisionId);
  const again = lambda.updateFunctionConfiguration('orders', { settings: { timeout: 6 } });
  await expect(again).rejects.toMatchObject({ code: 'AWS_CONFLICT' });
  expect((await settled()).read.version.settings.timeout).toBe(5);
  const stale = lambda.updateFunctionConfiguration('orders', { settings: { timeout: 7 } }, revisionId);
  await expect(stale).rejects.toMatchObject({ code: 'AWS_PRECONDITION_FAILED' });
  await lambda.createAlias('orders', { name: 'live', version: '$LATEST' });
  const second = lambda.createAlias('orders', { name: 'live', version: '$LATEST' });
  await expect(second).rejects.toMatchObject({
    code: 'AWS_CONFLICT',
    detail: expect.stringContaining('exists already') as string,
  });
});

it('keeps records in the tags of the function, from its creation on', async () => {
  const open = sample(1, { result: 'open', finishedAt: null, version: null, previousVersion: null });
  const store = tagsStore(lambda);
  await lambda.createFunction('orders', { ...CREATE, tags: store.tagsFor([open], []) });
  await settled();
  const known = await store.list(await live(), 'live');
  expect(known).toMatchObject([{ id: open.id, result: 'open' }]);
  const before = sandbox.calls.length;
  await store.close(await live(), [sample(1)], known);
  expect(sandbox.calls.slice(before).filter(({ operation }) => operation === 'TagResource')).toHaveLength(1);
  expect(await store.list(await live(), 'live')).toMatchObject([{ id: open.id, result: 'succeeded' }]);
});

it('knows the account, and expired credentials', async () => {
  expect(await readAccount({ region: 'eu-west-1', endpoint: sandbox.url })).toBe('123456789012');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'EXPIRED');
  const expired = await createLambda({ region: 'eu-west-1', endpoint: sandbox.url, allowMissingRevisionId: false });
  await expect(expired.getFunction('orders')).rejects.toMatchObject({ code: 'AWS_EXPIRED_CREDENTIALS' });
});
