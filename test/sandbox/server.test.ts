import { createHash, createHmac } from 'node:crypto';
import {
  CreateAliasCommand,
  GetAliasCommand,
  GetFunctionCommand,
  GetRuntimeManagementConfigCommand,
  ListFunctionsCommand,
  ListTagsCommand,
  PublishVersionCommand,
  TagResourceCommand,
} from '@aws-sdk/client-lambda';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Fault, type SandboxCall, startSandbox } from '../../src/sandbox/server.js';
import { bench, clientOf, CREDENTIALS, refusal } from './support.js';

const FunctionName = 'f';

describe('the signature', () => {
  const list = new ListFunctionsCommand({});

  it.each([
    ['sandbox', 'AKIAIOSFODNN7EXAMPLE'],
    ['test', 'test'],
  ])('with the secret %s and any key is taken', async (secretAccessKey, accessKeyId) => {
    const { sandbox } = await bench();
    const client = clientOf(sandbox.url, { credentials: { accessKeyId, secretAccessKey } });
    expect((await client.send(list)).Functions).toEqual([]);
  });

  it.each([
    [
      'another secret',
      { accessKeyId: 'x', secretAccessKey: 'wrong' },
      'InvalidSignatureException',
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
    ],
    [
      'an expired key',
      { accessKeyId: 'EXPIRED', secretAccessKey: 'sandbox' },
      'ExpiredTokenException',
      'The security token included in the request is expired',
    ],
  ])('with %s is refused', async (_name, credentials, code, message) => {
    const { sandbox } = await bench();
    const client = clientOf(sandbox.url, { credentials });
    expect(await refusal(client.send(list))).toEqual({ status: 403, code, message });
    expect(sandbox.calls).toEqual([]);
  });

  it('must be there', async () => {
    const { sandbox } = await bench();
    const answer = await fetch(`${sandbox.url}/2015-03-31/functions`);
    expect(answer.status).toBe(403);
    expect(answer.headers.get('x-amzn-errortype')).toBe('MissingAuthenticationTokenException');
    expect(await answer.json()).toEqual({ message: 'Missing Authentication Token' });
  });

  /** A request signed by hand, so that single parts of it can be tampered with. */
  function signed(
    host: string,
    changes: { at?: Date; body?: string; path?: string; scope?: string; sent?: string } = {},
  ) {
    const path = '/2015-03-31/functions/f/aliases';
    const stamp = (changes.at ?? new Date()).toISOString().replace(/[-:]|\.\d{3}/g, '');
    const scope = `${changes.scope ?? stamp.slice(0, 8)}/us-east-1/lambda/aws4_request`;
    const body = '{"Name":"live","FunctionVersion":"1"}';
    const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
    const canonical = `POST\n${path}\n\nhost:${host}\nx-amz-date:${stamp}\n\nhost;x-amz-date\n${sha256(body)}`;
    const key = scope
      .split('/')
      .reduce<Buffer | string>((k, part) => createHmac('sha256', k).update(part).digest(), 'AWS4sandbox');
    const signature = createHmac('sha256', key)
      .update(`AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${sha256(canonical)}`)
      .digest('hex');
    return fetch(`http://${host}${changes.path ?? path}`, {
      method: 'POST',
      headers: {
        'x-amz-date': changes.sent ?? stamp,
        authorization: `AWS4-HMAC-SHA256 Credential=x/${scope}, SignedHeaders=host;x-amz-date, Signature=${signature}`,
      },
      body: changes.body ?? body,
    });
  }

  it.each([
    ['nothing', {}, 201],
    ['the body', { body: '{"Name":"evil","FunctionVersion":"1"}' }, 403],
    ['the path', { path: '/2015-03-31/functions/g/aliases' }, 403],
    ['the query', { path: '/2015-03-31/functions/f/aliases?x=1' }, 403],
    ['a signed header', { sent: new Date(Date.now() + 60_000).toISOString().replace(/[-:]|\.\d{3}/g, '') }, 403],
    ['the scope’s date', { scope: '20200101' }, 403],
    ['the age: six minutes', { at: new Date(Date.now() - 360_000) }, 403],
  ])('after a change of %s', async (_name, changes, status) => {
    const { sandbox, client, create } = await bench();
    await create(FunctionName);
    await client.send(new PublishVersionCommand({ FunctionName }));
    expect((await signed(sandbox.url.replace('http://', ''), changes)).status).toBe(status);
  });
});

describe('the endpoint', () => {
  it('keeps the regions apart', async () => {
    const { sandbox, client, create } = await bench();
    await create(FunctionName);
    const other = clientOf(sandbox.url, { region: 'eu-central-1' });
    expect((await other.send(new ListFunctionsCommand({}))).Functions).toEqual([]);
    expect((await client.send(new ListFunctionsCommand({}))).Functions).toHaveLength(1);
  });

  it('answers who the caller is, and its errors in XML', async () => {
    const { sandbox } = await bench({ account: '210987654321' });
    const sts = (secretAccessKey: string) =>
      new STSClient({
        endpoint: sandbox.url,
        region: 'us-east-1',
        maxAttempts: 1,
        credentials: { ...CREDENTIALS, secretAccessKey },
      });
    const identity = await sts('sandbox').send(new GetCallerIdentityCommand({}));
    expect(identity).toMatchObject({ Account: '210987654321', Arn: 'arn:aws:iam::210987654321:user/sandbox' });
    expect(await refusal(sts('wrong').send(new GetCallerIdentityCommand({})))).toMatchObject({
      status: 403,
      code: 'SignatureDoesNotMatch',
    });
  });

  it('names the operation that it does not have', async () => {
    const { client } = await bench();
    const unknown = new GetRuntimeManagementConfigCommand({ FunctionName });
    expect(await refusal(client.send(unknown))).toEqual({
      status: 404,
      code: 'UnknownOperationException',
      message: 'The sandbox does not know GET /2021-07-20/functions/f/runtime-management-config.',
    });
  });

  it('gives every answer a request id', async () => {
    const { client } = await bench();
    const { $metadata } = await client.send(new ListFunctionsCommand({}));
    expect($metadata.requestId).toMatch(/^[0-9a-f-]{36}$/);
    const error = await client.send(new GetFunctionCommand({ FunctionName })).catch((e: unknown) => e);
    expect((error as { $metadata: { requestId: string } }).$metadata.requestId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('takes its latency before every answer', async () => {
    const { client } = await bench({ latencyMs: 80 });
    const started = performance.now();
    await client.send(new ListFunctionsCommand({}));
    expect(performance.now() - started).toBeGreaterThanOrEqual(79);
  });

  it('says why it cannot listen', async () => {
    const first = await startSandbox();
    onTestFinished(() => first.close());
    const port = Number(new URL(first.url).port);
    await expect(startSandbox({ port })).rejects.toThrow('EADDRINUSE');
  });

  it('lists what came over the wire, in order, without archives', async () => {
    const { sandbox, client, create } = await bench();
    await create(FunctionName);
    await client.send(new GetFunctionCommand({ FunctionName, Qualifier: '$LATEST' }));
    await client.send(new GetFunctionCommand({ FunctionName }));
    const seen = sandbox.calls.map(({ operation, n, mutating, qualifier }) => [operation, n, mutating, qualifier]);
    expect(seen).toEqual([
      ['CreateFunction', 1, true, undefined],
      ['GetFunction', 1, false, '$LATEST'],
      ['GetFunction', 2, false, undefined],
    ]);
    expect(sandbox.calls[0]).toMatchObject({
      functionName: 'f',
      body: { Runtime: 'python3.12', Code: { ZipFile: expect.stringMatching(/^\(\d+ bytes, CodeSha256 .{44}\)$/) } },
    });
  });
});

describe('a fault', () => {
  const ARN = 'arn:aws:lambda:us-east-1:123456789012:function:f';
  const tag = new TagResourceCommand({ Resource: ARN, Tags: { a: 'b' } });

  async function faulty(fault: Fault, operation = 'TagResource') {
    const seen: SandboxCall[] = [];
    const made = await bench({
      intercept: (call) => {
        seen.push(call);
        return call.operation === operation && call.n === 1 ? fault : undefined;
      },
    });
    await made.create(FunctionName);
    const tags = async () => (await made.client.send(new ListTagsCommand({ Resource: ARN }))).Tags;
    return { ...made, seen, tags };
  }

  it('before the effect cuts the connection and changes nothing', async () => {
    const { client, tags } = await faulty({ kind: 'reset-before' });
    expect(await refusal(client.send(tag))).toMatchObject({
      status: 0,
      message: expect.stringMatching(/ECONNRESET|socket hang up/),
    });
    expect(await tags()).toEqual({});
  });

  it('after the effect cuts the connection, and the effect is there', async () => {
    const { client, tags } = await faulty({ kind: 'reset-after' });
    expect(await refusal(client.send(tag))).toMatchObject({
      status: 0,
      message: expect.stringMatching(/ECONNRESET|socket hang up/),
    });
    expect(await tags()).toEqual({ a: 'b' });
  });

  it('after an upload is awaited cuts the connection too', async () => {
    const { client, create } = await faulty({ kind: 'reset-before' }, 'None');
    const { Configuration } = await client.send(new GetFunctionCommand({ FunctionName }));
    expect(Configuration?.State).toBe('Active');
    const other = await bench({ intercept: () => ({ kind: 'reset-after' }) });
    await refusal(other.create('late'));
    expect(other.sandbox.state.regions.get('us-east-1')?.has('late')).toBe(true);
    await create('another');
  });

  it('as an error answers it, with Retry-After, and changes nothing', async () => {
    const { client, tags, seen } = await faulty({
      kind: 'error',
      status: 429,
      code: 'TooManyRequestsException',
      message: 'Rate exceeded',
      retryAfterSeconds: 7,
    });
    const error = await client.send(tag).catch((e: unknown) => e);
    expect(error).toMatchObject({ name: 'TooManyRequestsException', retryAfterSeconds: '7', message: 'Rate exceeded' });
    expect(await tags()).toEqual({});
    await client.send(tag);
    expect(await tags()).toEqual({ a: 'b' });
    expect(seen.filter((call) => call.mutating).map((call) => `${call.operation} ${call.n}`)).toEqual([
      'CreateFunction 1',
      'TagResource 1',
      'TagResource 2',
    ]);
  });

  it('is not asked for a request that is not signed', async () => {
    let asked = 0;
    const { sandbox } = await bench({ intercept: () => void (asked += 1) });
    await fetch(`${sandbox.url}/2015-03-31/functions`);
    expect(asked).toBe(0);
  });

  it('after a refused operation cuts the connection', async () => {
    const { client, create } = await faulty({ kind: 'reset-after' }, 'CreateAlias');
    await create('g');
    const alias = new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '9' });
    expect(await refusal(client.send(alias))).toMatchObject({ status: 0 });
    const get = new GetAliasCommand({ FunctionName, Name: 'live' });
    expect(await refusal(client.send(get))).toMatchObject({ status: 404 });
  });
});
