import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createDocuments } from '../../src/aws/documents.js';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/server.js';
import { MemoryDocuments } from '../record/memory-documents.js';
import { documentsContract } from './documents-contract.js';

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'sandbox');
  vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
});

afterEach(() => vi.unstubAllEnvs());

async function start(more: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = await startSandbox({ seed: { buckets: { plain: {}, versioned: { versioning: true } } }, ...more });
  onTestFinished(() => sandbox.close());
  return sandbox;
}

const portOf = ({ url }: Sandbox, bucket: string) => createDocuments({ endpoint: url, region: 'us-east-1' }, bucket);

documentsContract('in memory', () => Promise.resolve(new MemoryDocuments()));
documentsContract('the SDK on the sandbox', async () => portOf(await start(), 'plain'));
documentsContract('the SDK on the sandbox, with versions', async () => portOf(await start(), 'versioned'));

describe('documents in S3', () => {
  it('are refused by name where the bucket does not exist, by every call', async () => {
    const port = portOf(await start(), 'nowhere');
    const error = { code: 'AWS_NOT_FOUND', detail: 'bucket nowhere does not exist.', fix: /metadata/ };
    const calls = [
      () => port.list('a'),
      () => port.get('a'),
      () => port.put('a', 'text', null),
      () => port.put('a', 'text', '"e"'),
      () => port.remove('a', '"e"'),
    ];
    for (const call of calls)
      await expect(call()).rejects.toMatchObject({ ...error, fix: expect.stringMatching(error.fix) as string });
  });

  const answers = [
    ['another request came in between', 409, 'ConditionalRequestConflict', false],
    [
      'denied',
      403,
      'AccessDenied',
      { code: 'AWS_ACCESS_DENIED', detail: /s3:PutObject is denied for s3:\/\/plain\/a/ },
    ],
    ['slowed down', 503, 'SlowDown', { code: 'AWS_THROTTLED', detail: /./ }],
    ['an error of S3', 500, 'InternalError', { code: 'AWS_AMBIGUOUS', detail: /may have taken effect/ }],
  ] as const;
  it.each(answers)('a write that is answered: %s', async (_why, status, code, expected) => {
    const sandbox = await start({
      intercept: ({ operation }) =>
        operation === 'PutObject' ? { kind: 'error', status, code, message: 'as it is' } : undefined,
    });
    const write = portOf(sandbox, 'plain').put('a', 'text', null);
    if (expected === false) expect(await write).toBe(false);
    else
      await expect(write).rejects.toMatchObject({
        code: expected.code,
        detail: expect.stringMatching(expected.detail) as string,
      });
    expect(sandbox.calls.filter(({ operation }) => operation === 'PutObject')).toHaveLength(1);
  });
});
