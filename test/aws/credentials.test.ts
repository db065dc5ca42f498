import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLambda } from '../../src/aws/lambda.js';

const END = '2099-01-02T03:04:05Z';

beforeEach(() => vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true'));
afterEach(() => vi.unstubAllEnvs());

async function end(env: Readonly<Record<string, string>>): Promise<number | undefined> {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const lambda = await createLambda({ region: 'us-east-1', allowMissingRevisionId: false });
  return lambda.credentialsEnd();
}

const KEYS = { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'y', AWS_SESSION_TOKEN: 't' };

it('of variables end when those say so', async () => {
  expect(await end({ ...KEYS, AWS_CREDENTIAL_EXPIRATION: END })).toBe(Date.parse(END));
});

it.each([
  ['say nothing', {}],
  ['say something that is no time', { AWS_CREDENTIAL_EXPIRATION: 'soon' }],
])('of variables that %s end nobody knows when', async (_why, more) => {
  expect(await end({ ...KEYS, ...more })).toBeUndefined();
});

it('that the SDK gets anew do not end, whatever time they bear', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'credentials-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const answer = { Version: 1, AccessKeyId: 'x', SecretAccessKey: 'y', SessionToken: 't', Expiration: END };
  await writeFile(path.join(folder, 'answer.json'), JSON.stringify(answer));
  const config = path.join(folder, 'config');
  await writeFile(config, `[profile p]\ncredential_process = cat ${path.join(folder, 'answer.json')}\n`);
  expect(await end({ AWS_PROFILE: 'p', AWS_CONFIG_FILE: config })).toBeUndefined();
});
