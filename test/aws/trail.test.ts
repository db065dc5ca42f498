import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { LambdaClient, TagResourceCommand, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { createTrail } from '../../src/aws/trail.js';
import { isDeployError } from '../../src/errors.js';
import type { TrailPort } from '../../src/model/ports.js';
import type { TrailEvent } from '../../src/model/trail.js';
import { startSandbox } from '../../src/sandbox/server.js';
import { CREDENTIALS, zipOf } from '../sandbox/support.js';
import { type Arrival, type Canned, CannedServer } from './server.js';
import { CreateFunctionCommand } from '@aws-sdk/client-lambda';

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', CREDENTIALS.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', CREDENTIALS.secretAccessKey);
  vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
});

afterEach(() => vi.unstubAllEnvs());

const ARN = 'arn:aws:lambda:us-east-1:123456789012:function:orders';

/** What the contract's colleague does, in this order: creates `orders` and `other`, changes and tags `orders`. */
interface Bench {
  readonly port: TrailPort;
  readonly startedAt: number;
}

/** In memory; held to the contract below. */
function fakeTrail(events: readonly TrailEvent[], byName: (event: TrailEvent) => string | undefined): TrailPort {
  return {
    lookupEvents: async (name, since) =>
      events.filter((one) => Date.parse(one.at) >= since && (name === undefined || byName(one) === name)),
  };
}

async function withFake(): Promise<Bench> {
  const at = '2026-01-02T03:04:05.000Z';
  const event = (operation: string, name: string, members: readonly string[]): TrailEvent => {
    return { operation, at, who: 'arn:aws:iam::123456789012:user/alice', userAgent: 'cli', function: name, members };
  };
  const events = [
    event('TagResource', 'orders', ['resource', 'tags']),
    event('UpdateFunctionConfiguration', 'orders', ['functionName', 'memorySize']),
    event('CreateFunction', 'other', ['functionName']),
    event('CreateFunction', 'orders', ['functionName']),
  ];
  const byName = ({ operation, function: name }: TrailEvent): string | undefined =>
    operation === 'TagResource' ? ARN : name;
  return { port: fakeTrail(events, byName), startedAt: Date.parse(at) };
}

async function withSandbox(): Promise<Bench> {
  const startedAt = Math.floor(Date.now() / 1000) * 1000;
  const sandbox = await startSandbox();
  const credentials = { ...CREDENTIALS, accessKeyId: 'alice' };
  const client = new LambdaClient({ endpoint: sandbox.url, region: 'us-east-1', credentials });
  onTestFinished(async () => {
    client.destroy();
    await sandbox.close();
  });
  for (const FunctionName of ['orders', 'other'])
    await client.send(
      new CreateFunctionCommand({
        FunctionName,
        Role: 'arn:aws:iam::123456789012:role/r',
        Runtime: 'nodejs22.x',
        Handler: 'index.handler',
        Code: { ZipFile: zipOf({ 'index.mjs': '' }) },
        Environment: { Variables: { TOKEN: 'planted-value' } },
      }),
    );
  await client.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'orders', MemorySize: 512 }));
  await client.send(new TagResourceCommand({ Resource: ARN, Tags: { a: 'b' } }));
  expect(JSON.stringify(sandbox.state.trail)).not.toContain('planted-value');
  return { port: createTrail({ endpoint: sandbox.url, region: 'us-east-1' }), startedAt };
}

// moto has no LookupEvents.
describe.each([
  ['the fake', withFake],
  ['signed requests to the sandbox', withSandbox],
])('the trail: %s', (_, open) => {
  it('tells the calls of one function newest first, and those of all', async () => {
    const { port, startedAt } = await open();
    const brief = (events: readonly TrailEvent[]): unknown =>
      events.map(({ operation, function: name, who }) => [operation, name, who.replace(/^.*\//, '')]);
    expect(brief(await port.lookupEvents('orders', startedAt))).toEqual([
      ['UpdateFunctionConfiguration', 'orders', 'alice'],
      ['CreateFunction', 'orders', 'alice'],
    ]);
    // A call by ARN is not found by the name, but is that function's.
    expect(brief(await port.lookupEvents(undefined, startedAt))).toEqual([
      ['TagResource', 'orders', 'alice'],
      ['UpdateFunctionConfiguration', 'orders', 'alice'],
      ['CreateFunction', 'other', 'alice'],
      ['CreateFunction', 'orders', 'alice'],
    ]);
    const [update] = await port.lookupEvents('orders', startedAt);
    expect(update?.members).toContain('memorySize');
    expect(await port.lookupEvents('nobody', startedAt)).toEqual([]);
    expect(await port.lookupEvents('orders', startedAt + 3_600_000)).toEqual([]);
  });
});

async function canned(answer: (arrival: Arrival) => Canned): Promise<{ port: TrailPort; server: CannedServer }> {
  const server = new CannedServer(answer);
  onTestFinished(() => server.stop());
  return { server, port: createTrail({ endpoint: await server.start(), region: 'us-east-1', userAgent: 'x/1' }) };
}

const DETAIL = {
  eventSource: 'lambda.amazonaws.com',
  eventName: 'UpdateAlias20150331',
  eventTime: '2026-01-02T03:04:05Z',
  userAgent: 'console.amazonaws.com',
  readOnly: false,
  userIdentity: { type: 'AssumedRole', arn: 'arn:aws:sts::123456789012:assumed-role/Admin/alice' },
  requestParameters: { functionName: `${ARN}:live`, name: 'live', functionVersion: '3' },
};

describe('what CloudTrail answers', () => {
  it.each<[reason: string, detail: unknown, operations: string[]]>([
    ['a call', DETAIL, ['UpdateAlias']],
    ['a call that was refused', { ...DETAIL, errorCode: 'AccessDenied' }, []],
    ['a call that reads', { ...DETAIL, readOnly: true }, []],
    ['a call of another service', { ...DETAIL, eventSource: 's3.amazonaws.com' }, []],
    ['without an identity', { ...DETAIL, userIdentity: null }, []],
    ['without a time', { ...DETAIL, eventTime: 'yesterday' }, []],
    ['no object', [], []],
  ])('%s', async (_, detail, operations) => {
    const { port } = await canned(() => ({
      status: 200,
      body: { Events: [{ CloudTrailEvent: JSON.stringify(detail) }] },
    }));
    expect((await port.lookupEvents('orders', 0)).map(({ operation }) => operation)).toEqual(operations);
  });

  it('says who, when, which function and alias', async () => {
    const { port } = await canned(() => ({
      status: 200,
      body: { Events: [{ CloudTrailEvent: JSON.stringify(DETAIL) }] },
    }));
    expect(await port.lookupEvents('orders', 0)).toEqual([
      {
        operation: 'UpdateAlias',
        at: '2026-01-02T03:04:05.000Z',
        who: 'arn:aws:sts::123456789012:assumed-role/Admin/alice',
        userAgent: 'console.amazonaws.com',
        function: 'orders',
        alias: 'live',
        members: ['functionName', 'name', 'functionVersion'],
      },
    ]);
  });

  it.each<[status: number, type: string, code: string]>([
    [400, 'AccessDeniedException', 'AWS_ACCESS_DENIED'],
    [400, 'com.amazonaws.cloudtrail#ThrottlingException', 'AWS_THROTTLED'],
    [400, 'InvalidTimeRangeException', 'AWS_REFUSED'],
    [500, 'InternalFailure', 'AWS_AMBIGUOUS'],
  ])('HTTP %s %s', async (status, type, code) => {
    const { port, server } = await canned(() => ({ status, body: { __type: type, message: 'no' } }));
    const error: unknown = await port.lookupEvents('orders', 0).catch((thrown: unknown) => thrown);
    expect(isDeployError(error) && error.code).toBe(code);
    expect(server.arrivals).toHaveLength(1);
  });

  it('nobody there is an error, never an empty answer', async () => {
    const { port, server } = await canned(() => ({}));
    await server.stop();
    const error: unknown = await port.lookupEvents('orders', 0).catch((thrown: unknown) => thrown);
    expect(isDeployError(error) && error.code).toBe('AWS_UNREACHABLE');
  });
});
