import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as lambda from '@aws-sdk/client-lambda';
import { CloudWatchClient, SetAlarmStateCommand } from '@aws-sdk/client-cloudwatch';
import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { blobsOf, decodeState, encodeState, type Kept } from '../../src/sandbox/data-format.js';
import { openData } from '../../src/sandbox/data.js';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/server.js';
import { functionsOf } from '../../src/sandbox/state.js';
import { createStores } from '../../src/sandbox/stores.js';
import { spawnCli } from '../e2e/support.js';
import { clientOf, CREDENTIALS, OTHER_ZIP, PYTHON_ZIP, refusal, ROLE } from './support.js';

const NAME = { FunctionName: 'orders' };
const SEED = {
  parameters: { '/a': 'planted-value' },
  secrets: { text: 'hidden', bytes: { binary: 'AAEC' } },
  buckets: { kept: { versioning: true, objects: { seeded: 'seeded' } }, plain: {} },
  images: { '123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1': `sha256:${'0'.repeat(64)}` },
  alarms: { errors: { type: 'metric', state: 'OK', reason: 'fine' } },
  denied: ['ssm:/b'],
} as const;

async function folder(): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'data-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

interface Running {
  readonly sandbox: Sandbox;
  readonly client: lambda.LambdaClient;
  readonly s3: S3Client;
}

async function start(data: string, more: SandboxOptions = {}): Promise<Running> {
  const sandbox = await startSandbox({ data, seed: SEED, ...more });
  const config = { endpoint: sandbox.url, region: 'us-east-1', credentials: CREDENTIALS, maxAttempts: 1 };
  const [client, s3] = [clientOf(sandbox.url), new S3Client({ ...config, forcePathStyle: true })];
  onTestFinished(async () => {
    client.destroy();
    s3.destroy();
    await sandbox.close().catch(() => undefined);
  });
  return { sandbox, client, s3 };
}

const create = { ...NAME, Role: ROLE, Runtime: 'python3.12', Handler: 'index.handler', Code: { ZipFile: PYTHON_ZIP } };

/** One call of everything that a restart must keep, in an order that AWS takes. */
const CALLS: readonly ((it: Running) => Promise<unknown>)[] = [
  ({ client }) => client.send(new lambda.CreateFunctionCommand({ ...create, Tags: { team: 'us' } } as never)),
  ({ client }) => client.send(new lambda.PublishVersionCommand(NAME)),
  ({ client }) => client.send(new lambda.UpdateFunctionCodeCommand({ ...NAME, ZipFile: OTHER_ZIP })),
  ({ client }) => client.send(new lambda.PublishVersionCommand(NAME)),
  ({ client }) => client.send(new lambda.UpdateFunctionConfigurationCommand({ ...NAME, MemorySize: 512 })),
  ({ client }) => client.send(new lambda.PublishVersionCommand(NAME)),
  ({ client }) => client.send(new lambda.DeleteFunctionCommand({ ...NAME, Qualifier: '3' })),
  ({ client }) =>
    client.send(
      new lambda.CreateAliasCommand({
        ...NAME,
        Name: 'live',
        FunctionVersion: '1',
        RoutingConfig: { AdditionalVersionWeights: { '2': 0.1 } },
      }),
    ),
  ({ client }) =>
    client.send(
      new lambda.TagResourceCommand({
        Resource: 'arn:aws:lambda:us-east-1:123456789012:function:orders',
        Tags: { size: 'Größe +1' },
      }),
    ),
  ({ client }) => client.send(new lambda.PutFunctionConcurrencyCommand({ ...NAME, ReservedConcurrentExecutions: 7 })),
  ({ client }) =>
    client.send(
      new lambda.PutProvisionedConcurrencyConfigCommand({
        ...NAME,
        Qualifier: '2',
        ProvisionedConcurrentExecutions: 1,
      }),
    ),
  ({ client }) =>
    client.send(
      new lambda.PutFunctionCodeSigningConfigCommand({
        ...NAME,
        CodeSigningConfigArn: 'arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0123456789abcdef0',
      }),
    ),
  ({ client }) => client.send(new lambda.CreateFunctionUrlConfigCommand({ ...NAME, AuthType: 'NONE' })),
  ({ client }) =>
    client.send(
      new lambda.AddPermissionCommand({
        ...NAME,
        StatementId: 's3',
        Action: 'lambda:InvokeFunction',
        Principal: 's3.amazonaws.com',
      }),
    ),
  ({ client }) =>
    client.send(
      new lambda.CreateEventSourceMappingCommand({
        ...NAME,
        EventSourceArn: 'arn:aws:sqs:us-east-1:123456789012:queue',
      }),
    ),
  ({ client }) =>
    client.send(new lambda.PutFunctionEventInvokeConfigCommand({ ...NAME, MaximumRetryAttempts: 1 } as never)),
  ({ s3 }) => s3.send(new PutObjectCommand({ Bucket: 'kept', Key: 'a/né', Body: 'first', ContentType: 'text/plain' })),
  ({ s3 }) => s3.send(new PutObjectCommand({ Bucket: 'kept', Key: 'a/né', Body: 'second' })),
  ({ s3 }) => s3.send(new DeleteObjectCommand({ Bucket: 'kept', Key: 'a/né' })),
  async ({ sandbox }) => {
    const config = { endpoint: sandbox.url, region: 'us-east-1', credentials: CREDENTIALS };
    const cloudwatch = new CloudWatchClient(config);
    await cloudwatch.send(
      new SetAlarmStateCommand({ AlarmName: 'errors', StateValue: 'ALARM', StateReason: 'too many' }),
    );
    cloudwatch.destroy();
  },
  ({ client }) => client.send(new lambda.UpdateFunctionConfigurationCommand({ ...NAME, Timeout: 9 })),
];

/** What is compared: metrics and the folders of images are of one process. */
function kept({ state: { account, regions, stores, trail } }: Pick<Sandbox, 'state'>): Kept {
  return { account, regions, stores: { ...stores, metrics: new Map(), imageFolders: new Map() }, trail };
}

/** What a start would read if the process died now. */
async function afterCrash(file: string): Promise<Kept | undefined> {
  const copy = await folder();
  await cp(file, path.join(copy, 'state'));
  await cp(`${file}.blobs`, path.join(copy, 'state.blobs'), { recursive: true });
  const data = await openData(path.join(copy, 'state'));
  await data.release();
  return data.kept;
}

describe('a data file', () => {
  it('holds everything at every answer, as a crash right after it would show', async () => {
    const file = path.join(await folder(), 'made', 'state');
    const it = await start(file);
    for (const call of CALLS) {
      await call(it);
      expect(await afterCrash(file)).toEqual(kept(it.sandbox));
    }
    await it.sandbox.close();
    const again = await start(file);
    expect(again.sandbox.isResumed).toBe(true);
    expect(kept(again.sandbox)).toEqual(kept(it.sandbox));
    const { Configuration, Code } = await again.client.send(
      new lambda.GetFunctionCommand({ ...NAME, Qualifier: 'live' }),
    );
    expect([Configuration?.Version, Configuration?.CodeSha256]).toEqual(['1', expect.stringMatching(/=$/)]);
    const bytes = new Uint8Array(await (await fetch(Code?.Location ?? '')).arrayBuffer());
    expect(bytes).toEqual(PYTHON_ZIP);
    // Version 3 was deleted: its number is not given again.
    const { Version } = await again.client.send(new lambda.PublishVersionCommand(NAME));
    expect(Version).toBe('4');
  });

  it('lets what was in progress settle, with the RevisionId that a reader saw before', async () => {
    let now = Date.parse('2026-01-02T03:04:05Z');
    const clock = { settleMs: 1000, now: () => now };
    const file = path.join(await folder(), 'state');
    const first = await start(file, clock);
    await first.client.send(new lambda.CreateFunctionCommand(create as never));
    const state = async ({ client }: Running) => {
      const { State, LastUpdateStatus, RevisionId } = await client.send(
        new lambda.GetFunctionConfigurationCommand(NAME),
      );
      return { State, LastUpdateStatus, RevisionId };
    };
    const crashed = path.join(await folder(), 'state');
    await cp(file, crashed);
    await cp(`${file}.blobs`, `${crashed}.blobs`, { recursive: true });
    const second = await start(crashed, clock);
    expect(await state(second)).toMatchObject({ State: 'Pending' });
    now += 1000;
    const settled = await state(first);
    expect(settled).toMatchObject({ State: 'Active', LastUpdateStatus: 'Successful' });
    expect(await state(second)).toEqual(settled);
  });

  it('keeps what a fault did: a foreign write at a read, and an update that never settles', async () => {
    const file = path.join(await folder(), 'state');
    const it = await start(file);
    await it.client.send(new lambda.CreateFunctionCommand(create as never));
    it.sandbox.faults.arm([
      { operation: 'GetFunction', fault: { foreignWriter: true } },
      { operation: 'UpdateFunctionConfiguration', fault: { neverSettles: true } },
    ]);
    await it.client.send(new lambda.GetFunctionCommand(NAME));
    expect(await afterCrash(file)).toEqual(kept(it.sandbox));
    await it.client.send(new lambda.UpdateFunctionConfigurationCommand({ ...NAME, Timeout: 9 }));
    const [fn] = functionsOf((await afterCrash(file)) as never, 'us-east-1').values();
    expect(fn?.latest).toMatchObject({ pending: { at: Infinity }, content: { config: { MemorySize: 512 } } });
  });

  it('is for its owner only, and has bytes once, beside it', async () => {
    const file = path.join(await folder(), 'state');
    const it = await start(file);
    await it.client.send(new lambda.CreateFunctionCommand(create as never));
    await it.s3.send(new PutObjectCommand({ Bucket: 'plain', Key: 'code.zip', Body: PYTHON_ZIP }));
    const text = await readFile(file, 'utf8');
    expect(text).toContain('planted-value');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(`${file}.blobs`)).mode & 0o777).toBe(0o700);
    // The seeded object, and one archive that is code and object.
    const blobs = await readdir(`${file}.blobs`);
    expect(blobs.sort()).toEqual([...blobsOf(text)].sort());
    expect(blobs).toHaveLength(2);
    for (const blob of blobs) expect((await stat(path.join(`${file}.blobs`, blob))).mode & 0o777).toBe(0o600);
    await it.client.send(new lambda.DeleteFunctionCommand(NAME));
    await it.s3.send(new DeleteObjectCommand({ Bucket: 'plain', Key: 'code.zip' }));
    expect(await readdir(`${file}.blobs`)).toHaveLength(1);
  });

  it('is written again by the next call when the disk refused, and no call is answered as done meanwhile', async () => {
    const own = await folder();
    const file = path.join(own, 'deep', 'state');
    const it = await start(file);
    await rm(path.join(own, 'deep'), { recursive: true });
    const refused = await refusal(it.client.send(new lambda.CreateFunctionCommand(create as never)));
    expect(refused).toMatchObject({
      status: 500,
      message: expect.stringContaining('cannot be used (ENOENT)') as string,
    });
    await mkdir(path.join(own, 'deep'));
    await it.client.send(new lambda.TagResourceCommand({ Resource: functionArn(it), Tags: { a: 'b' } }));
    expect(await afterCrash(file)).toEqual(kept(it.sandbox));
    expect(functionsOf(it.sandbox.state, 'us-east-1').get('orders')?.tags).toEqual({ a: 'b' });
  });

  it('without a change is not written, whatever is read', async () => {
    const file = path.join(await folder(), 'state');
    const it = await start(file);
    await it.client.send(new lambda.CreateFunctionCommand(create as never));
    const { ino } = await stat(file);
    await it.client.send(new lambda.GetFunctionCommand(NAME));
    await refusal(it.client.send(new lambda.CreateFunctionCommand(create as never)));
    expect((await stat(file)).ino).toBe(ino);
  });
});

const functionArn = ({ sandbox }: Running): string =>
  functionsOf(sandbox.state, 'us-east-1').get('orders')?.arn ?? 'none';

describe('a file that cannot be used is refused in one sentence, and left as it is', () => {
  const good = encodeState({
    account: '123456789012',
    regions: new Map(),
    stores: createStores({}, 0),
    trail: [],
  }).text;
  const withBytes = encodeState({
    account: '123456789012',
    regions: new Map(),
    stores: createStores({ buckets: { b: { objects: { k: 'x' } } } }, 0),
    trail: [],
  }).text;
  it.each([
    ['empty', '', /is no data of a sandbox\.$/],
    ['a note', 'planted', /is no data of a sandbox\.$/],
    ['null', 'null\n', /is no data of a sandbox\.$/],
    ['JSON of something else', '{"name":"app"}\n', /is no data of a sandbox\.$/],
    [
      'of a newer format',
      good.replace('"formatVersion":1', '"formatVersion":2'),
      /has format 2, and .* reads format 1\.$/,
    ],
    ['cut off in its last line', good.slice(0, -20), /is damaged, or was cut off\.$/],
    ['without its last line', good.split('\n')[0] ?? '', /is damaged, or was cut off\.$/],
    ['edited', good.replace('"trail":[]', '"trail":[1]'), /is damaged, or was cut off\.$/],
    ['with something behind it', `${good}more`, /is damaged, or was cut off\.$/],
    ['without its bytes', withBytes, /state\.blobs\/[0-9a-f]{64} is missing or damaged\.$/],
  ])('%s', async (_why, text, message) => {
    const file = path.join(await folder(), 'state');
    await writeFile(file, text);
    await expect(startSandbox({ data: file })).rejects.toThrow(message);
    await expect(startSandbox({ data: file })).rejects.toThrow(file);
    expect(await readFile(file, 'utf8')).toBe(text);
    expect(await readdir(path.dirname(file))).toEqual(['state']);
  });

  it('a folder, another account, a path too long for the lock', async () => {
    const own = await folder();
    await expect(startSandbox({ data: own })).rejects.toThrow(/cannot be used \(EISDIR\)\.$/);
    const file = path.join(own, 'state');
    await (await startSandbox({ data: file, account: '111111111111' })).close();
    const other = startSandbox({ data: file, account: '222222222222' });
    await expect(other).rejects.toThrow('holds account 111111111111, not 222222222222.');
    expect((await start(file)).sandbox.state.account).toBe('111111111111');
    await expect(startSandbox({ data: path.join(own, 'x'.repeat(90)) })).rejects.toThrow(/path too long for a lock/);
  });
});

describe('two sandboxes', () => {
  it('do not share a file, whatever it is called by; the next gets it when the first stops', async () => {
    const own = await folder();
    const file = path.join(own, 'state');
    const first = await start(file);
    await symlink(file, path.join(own, 'link'));
    for (const name of ['state', 'link', './x/../state'])
      await expect(startSandbox({ data: path.join(own, name) })).rejects.toThrow(/is in use by another sandbox\.$/);
    await first.sandbox.close();
    await (await startSandbox({ data: path.join(own, 'link') })).close();
    expect((await readdir(own)).sort()).toEqual(['link', 'state', 'state.blobs']);
  });

  it('that start at the same moment: one at most', async () => {
    const file = path.join(await folder(), 'state');
    const all = await Promise.allSettled(Array.from({ length: 8 }, () => startSandbox({ data: file })));
    const running = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(running.length).toBeLessThanOrEqual(1);
    await Promise.all(running.map((one) => one.close()));
    await (await startSandbox({ data: file })).close();
  });
});

it('values of every kind come back as they were, also such as look like the encoding', () => {
  const key = fc.oneof(fc.string(), fc.constantFrom('$map', '$bytes', '$object', '$set', '__proto__', '1'));
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.string({ unit: 'binary' }),
      fc.integer(),
      fc.boolean(),
      fc.constantFrom(null, Infinity),
      fc.uint8Array({ maxLength: 8 }),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(key, tie('value'), { maxKeys: 3, noNullPrototype: true }),
      fc.array(fc.tuple(key, tie('value')), { maxLength: 3 }).map((pairs) => new Map(pairs)),
      fc.array(fc.string(), { maxLength: 3 }).map((items) => new Set(items)),
    ),
  }));
  fc.assert(
    fc.property(value, (trail) => {
      const state = {
        account: '1',
        regions: new Map(),
        stores: createStores({}, 0),
        trail: [trail],
      } as unknown as Kept;
      const { text, blobs } = encodeState(state);
      expect([...blobs.keys()].sort()).toEqual([...blobsOf(text)].sort());
      expect(decodeState(text, (digest) => blobs.get(digest) ?? new Uint8Array()).trail).toEqual([trail]);
    }),
    { numRuns: 100 },
  );
});

describe('the built program, killed', () => {
  it.each([1, 4, 9])('at the %ith answer, with calls under way: what was answered is there', async (at) => {
    const cwd = await folder();
    const serve = () => spawnCli(['sandbox', '--data', 'state.json', '--settle', '0'], { cwd });
    const first = serve();
    const client = clientOf(await first.printed(/AWS_ENDPOINT_URL=(\S+)/));
    const answered: string[] = [];
    const one = async (name: string): Promise<void> => {
      await client.send(new lambda.CreateFunctionCommand({ ...create, FunctionName: name } as never));
      answered.push(name);
      if (answered.length === at) first.kill('SIGKILL');
    };
    await Promise.allSettled(Array.from({ length: 12 }, (_, n) => one(`fn-${n}`)));
    client.destroy();
    expect((await first.done).signal).toBe('SIGKILL');
    // The lock is no hindrance, though nobody let it go.
    const second = serve();
    const again = clientOf(await second.printed(/AWS_ENDPOINT_URL=(\S+)/));
    const { Functions = [] } = await again.send(new lambda.ListFunctionsCommand({}));
    expect(Functions.map(({ FunctionName }) => FunctionName)).toEqual(expect.arrayContaining(answered));
    for (const { FunctionName } of Functions) {
      const { Code } = await again.send(new lambda.GetFunctionCommand({ FunctionName }));
      expect(new Uint8Array(await (await fetch(Code?.Location ?? '')).arrayBuffer())).toEqual(PYTHON_ZIP);
    }
    again.destroy();
    second.kill('SIGTERM');
    expect((await second.done).exitCode).toBe(0);
    expect((await readdir(cwd)).sort()).toEqual(['state.json', 'state.json.blobs']);
  });
});
