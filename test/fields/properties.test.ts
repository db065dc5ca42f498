import type { FunctionConfiguration } from '@aws-sdk/client-lambda';
import {
  GetAliasCommand,
  GetFunctionCodeSigningConfigCommand,
  GetFunctionCommand,
  ListTagsCommand,
} from '@aws-sdk/client-lambda';
import { strToU8, zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { toLiveVersion } from '../../src/aws/mapping.js';
import { fieldOf, resetOf, type FieldKey } from '../../src/model/fields.js';
import type { Json, JsonObject } from '../../src/model/json.js';
import type { PlanDocument } from '../../src/model/plan.js';
import { contentOf } from '../../src/planner/normalize.js';
import { digestOf } from '../planner/archive.js';
import { stubCredentials } from '../planner/cli.js';
import { ROLE } from '../planner/live-file.js';
import { BARE, openBench, type Bench } from './bench.js';
import { functionPaths } from './schema.js';

beforeEach(stubCredentials);
afterEach(() => vi.unstubAllEnvs());

type See = (live: FunctionConfiguration) => unknown;

/** A setting of AWS's: set, seen, changed, seen, reset, seen. */
interface Row {
  /** As the schema has it. */
  readonly path: string;
  /** Beside the property: what AWS needs it with. */
  readonly beside?: JsonObject;
  /** The settings with this value, where path and `beside` do not say it. */
  readonly settings?: (value: Json) => JsonObject;
  readonly set: Json;
  readonly change: Json;
  /** What the plan shows for the change; the path itself unless AWS moves something with it. */
  readonly shows?: readonly string[];
  /** Where the SDK's answer has it. */
  readonly see: See;
  /** What the SDK answers after `null`; `refused`: AWS has no default, and the schema takes no null. */
  readonly after: 'refused' | { readonly see: unknown };
}

const arn = (service: string, rest: string): string => `arn:aws:${service}:us-east-1:123456789012:${rest}`;
const layer = (name: string): string => arn('lambda', `layer:${name}:1`);
const accessPoint = (name: string): string => arn('elasticfilesystem', `access-point/${name}`);
const POOL = 'capacityProviderConfig.lambdaManagedInstancesCapacityProviderConfig';
const nothing = { see: undefined };

const ROWS: readonly Row[] = [
  row('description', 'takes orders', 'takes returns', (live) => live.Description, { see: '' }),
  row('runtime', 'nodejs24.x', 'nodejs22.x', (live) => live.Runtime, 'refused'),
  row('handler', 'index.other', 'index.handler', (live) => live.Handler, 'refused'),
  row('role', `${ROLE}-2`, `${ROLE}-3`, (live) => live.Role, 'refused'),
  row('timeout', 30, 60, (live) => live.Timeout, { see: 3 }),
  row('memorySize', 256, 512, (live) => live.MemorySize, { see: 128 }),
  row('architectures', ['arm64'], ['x86_64'], (live) => live.Architectures, { see: ['x86_64'] }),
  row('layers', [layer('a')], [layer('b'), layer('a')], (live) => live.Layers?.map(({ Arn }) => Arn), nothing),
  row('vpcConfig.subnetIds', ['subnet-1'], ['subnet-2'], (live) => live.VpcConfig?.SubnetIds, { see: [] }),
  row('vpcConfig.securityGroupIds', ['sg-1'], ['sg-1', 'sg-2'], (live) => live.VpcConfig?.SecurityGroupIds, {
    see: [],
  }),
  row('vpcConfig.ipv6AllowedForDualStack', true, false, (live) => live.VpcConfig?.Ipv6AllowedForDualStack, {
    see: false,
  }),
  row(
    'deadLetterConfig.targetArn',
    arn('sqs', 'a'),
    arn('sqs', 'b'),
    (live) => live.DeadLetterConfig?.TargetArn,
    nothing,
  ),
  row('kmsKeyArn', arn('kms', 'key/a'), arn('kms', 'key/b'), (live) => live.KMSKeyArn, nothing),
  row('tracingConfig.mode', 'Active', 'PassThrough', (live) => live.TracingConfig?.Mode, { see: 'PassThrough' }),
  {
    ...row('fileSystemConfigs[].arn', accessPoint('a'), accessPoint('b'), mount('Arn'), nothing),
    beside: { localMountPath: '/mnt/a' },
    shows: ['fileSystemConfigs'],
  },
  {
    ...row('fileSystemConfigs[].localMountPath', '/mnt/a', '/mnt/b', mount('LocalMountPath'), nothing),
    beside: { arn: accessPoint('a') },
    shows: ['fileSystemConfigs'],
  },
  {
    ...row(
      'fileSystemConfigs[].s3FilesConfig.directS3Read',
      'DISABLED',
      'ENABLED',
      (live) => live.FileSystemConfigs?.[0]?.S3FilesConfig?.DirectS3Read,
      nothing,
    ),
    settings: (directS3Read) => ({
      fileSystemConfigs: [{ arn: accessPoint('a'), localMountPath: '/mnt/a', s3FilesConfig: { directS3Read } }],
    }),
    shows: ['fileSystemConfigs'],
  },
  row('imageConfig.entryPoint', ['/a'], ['/b'], image('EntryPoint'), nothing),
  row('imageConfig.command', ['a'], ['b', 'c'], image('Command'), nothing),
  row('imageConfig.workingDirectory', '/a', '/b', image('WorkingDirectory'), nothing),
  row('ephemeralStorage.size', 1024, 2048, (live) => live.EphemeralStorage?.Size, { see: 512 }),
  {
    ...row('snapStart.applyOn', 'PublishedVersions', 'None', (live) => live.SnapStart?.ApplyOn, { see: 'None' }),
    settings: (applyOn) => ({ runtime: 'java21', snapStart: { applyOn } }),
  },
  {
    ...row('loggingConfig.logFormat', 'JSON', 'Text', (live) => live.LoggingConfig?.LogFormat, { see: 'Text' }),
    // With text AWS has no levels, with JSON it fills them in.
    shows: ['loggingConfig.applicationLogLevel', 'loggingConfig.logFormat', 'loggingConfig.systemLogLevel'],
  },
  {
    ...row(
      'loggingConfig.applicationLogLevel',
      'DEBUG',
      'WARN',
      (live) => live.LoggingConfig?.ApplicationLogLevel,
      nothing,
    ),
    beside: { logFormat: 'JSON' },
  },
  {
    ...row('loggingConfig.systemLogLevel', 'DEBUG', 'WARN', (live) => live.LoggingConfig?.SystemLogLevel, nothing),
    beside: { logFormat: 'JSON' },
  },
  row('loggingConfig.logGroup', '/acme/a', '/acme/b', (live) => live.LoggingConfig?.LogGroup, {
    see: '/aws/lambda/app',
  }),
  row(
    `${POOL}.capacityProviderArn`,
    arn('lambda', 'capacity-provider:a'),
    arn('lambda', 'capacity-provider:b'),
    pool('CapacityProviderArn'),
    'refused',
  ),
  {
    ...row(
      `${POOL}.perExecutionEnvironmentMaxConcurrency`,
      8,
      16,
      pool('PerExecutionEnvironmentMaxConcurrency'),
      'refused',
    ),
    beside: { capacityProviderArn: arn('lambda', 'capacity-provider:a') },
  },
  {
    ...row(
      `${POOL}.executionEnvironmentMemoryGiBPerVCpu`,
      2,
      4,
      pool('ExecutionEnvironmentMemoryGiBPerVCpu'),
      'refused',
    ),
    beside: { capacityProviderArn: arn('lambda', 'capacity-provider:a') },
  },
  row(
    'durableConfig.kmsKeyArn',
    arn('kms', 'key/a'),
    arn('kms', 'key/b'),
    (live) => live.DurableConfig?.KMSKeyArn,
    'refused',
  ),
  row('durableConfig.retentionPeriodInDays', 7, 14, (live) => live.DurableConfig?.RetentionPeriodInDays, 'refused'),
  row('durableConfig.executionTimeout', 60, 120, (live) => live.DurableConfig?.ExecutionTimeout, 'refused'),
];

function row(path: string, set: Json, change: Json, see: See, after: Row['after']): Row {
  return { path, set, change, see, after };
}

function mount(member: 'Arn' | 'LocalMountPath'): See {
  return (live) => live.FileSystemConfigs?.[0]?.[member];
}

function image(member: 'EntryPoint' | 'Command' | 'WorkingDirectory'): See {
  return (live) => live.ImageConfigResponse?.ImageConfig?.[member];
}

function pool(
  member: 'CapacityProviderArn' | 'PerExecutionEnvironmentMaxConcurrency' | 'ExecutionEnvironmentMemoryGiBPerVCpu',
): See {
  return (live) => live.CapacityProviderConfig?.LambdaManagedInstancesCapacityProviderConfig?.[member];
}

/** `loggingConfig.logGroup` with a value, as the settings of a file. */
function settingsOf({ path, beside, settings }: Row, value: Json): JsonObject {
  if (settings !== undefined) return settings(value);
  const [key = '', ...members] = path.split('.');
  const inner = members.reduceRight<Json>((content, member, index) => {
    const isLast = index === members.length - 1;
    return { ...(isLast ? beside : {}), [member]: content };
  }, value);
  return key.endsWith('[]') ? { [key.slice(0, -2)]: [inner] } : { [key]: inner };
}

describe('every setting of AWS', () => {
  it.each(ROWS)('$path: set, changed and reset', async (one) => {
    const { path, set, change, see, after } = one;
    const bench = await openBench();
    const key = (path.split(/[.[]/)[0] ?? '') as FieldKey;
    await bench.apply({});

    await bench.apply(settingsOf(one, set));
    expect(see(await bench.live())).toEqual(set);

    expect(await bench.paths(settingsOf(one, change))).toEqual(one.shows ?? [path]);
    await bench.apply(settingsOf(one, change));
    expect(see(await bench.live())).toEqual(change);

    // A file that no longer names it leaves it alone.
    const { [key]: _, ...rest } = settingsOf(one, change);
    expect(await bench.paths(key in BARE ? { [key]: change } : rest)).toEqual([]);

    if (after === 'refused') {
      expect(fieldOf(key)?.reset).toBeUndefined();
      expect((await bench.run({ [key]: null }, 'validate')).exitCode).toBe(1);
      return;
    }
    await bench.apply({ ...rest, [key]: null });
    const live = await bench.live();
    expect(see(live)).toEqual(after.see);
    const field = fieldOf(key);
    expect(field?.reset).toBeDefined();
    const { settings } = contentOf(toLiveVersion(live), 'app');
    expect(settings[key as Exclude<FieldKey, 'environment'>]).toEqual(field && resetOf(field, 'app'));
  });
});

/** Structs, lists and maps whose members have the rows. */
const HAVE_MEMBERS: readonly string[] = [
  'vpcConfig',
  'deadLetterConfig',
  'tracingConfig',
  'fileSystemConfigs',
  'fileSystemConfigs[].s3FilesConfig',
  'imageConfig',
  'ephemeralStorage',
  'snapStart',
  'loggingConfig',
  'capacityProviderConfig',
  POOL,
  'durableConfig',
  'aliases.*.healthCheck.expect',
];

/** Properties that are no member of UpdateFunctionConfiguration, each with the reason why it has a test of its own. */
const OWN: Readonly<Record<string, { readonly why: string; readonly test: () => Promise<void> }>> = {
  name: {
    why: 'is the identity: another name is another function',
    async test() {
      const bench = await openBench();
      await bench.apply({});
      const planned = await bench.run({ name: 'other' }, 'plan', '--format', 'json');
      expect((JSON.parse(planned.stdout) as PlanDocument).summary).toEqual({ create: 1, update: 0, unchanged: 0 });
      await bench.apply({ name: 'other' });
      const { Configuration } = await bench.client.send(new GetFunctionCommand({ FunctionName: 'other' }));
      expect(Configuration?.FunctionName).toBe('other');
    },
  },
  code: {
    why: 'is compared by digest, and absent it is not managed',
    async test() {
      const bench = await openBench();
      await bench.apply({});
      const { code: _, ...rest } = BARE;
      const planned = await bench.run({ ...rest, memorySize: 256 }, 'plan', '--format', 'json');
      expect(planned.stdout).not.toContain('UpdateFunctionCode');
      expect((await bench.run({ code: null }, 'validate')).exitCode).toBe(1);
    },
  },
  'code.zip': {
    why: 'is the archive',
    async test() {
      const bench = await openBench();
      await bench.apply({});
      expect((await bench.live()).CodeSha256).toBe(digestOf('a'));
      expect(await bench.paths({ code: { zip: 'b.zip' } })).toEqual(['code']);
      await bench.apply({ code: { zip: 'b.zip' } });
      expect((await bench.live()).CodeSha256).toBe(digestOf('b'));
    },
  },
  environment: {
    why: 'is a map of secrets: complete, and shown by name only',
    async test() {
      const bench = await openBench();
      await bench.apply({ environment: { STAGE: 'test-stage', constructor: 'kept-value' } });
      expect((await bench.live()).Environment?.Variables).toEqual({ STAGE: 'test-stage', constructor: 'kept-value' });
      const changed = { STAGE: 'other-stage', constructor: 'kept-value' };
      expect(await bench.paths({ environment: changed })).toEqual(['environment.STAGE']);
      await bench.apply({ environment: changed });
      expect(await bench.paths({ environment: { constructor: 'kept-value' } })).toEqual(['environment.STAGE']);
      await bench.apply({ environment: { constructor: 'kept-value' } });
      expect((await bench.live()).Environment?.Variables).toEqual({ constructor: 'kept-value' });
      await bench.apply({ environment: null });
      expect((await bench.live()).Environment?.Variables ?? {}).toEqual({});
    },
  },
  tags: {
    why: 'are managed key by key with calls of their own',
    async test() {
      const bench = await openBench();
      const tags = async (): Promise<unknown> =>
        (await bench.client.send(new ListTagsCommand({ Resource: (await bench.live()).FunctionArn }))).Tags;
      await bench.apply({ tags: { team: 'orders', stage: 'test' } });
      expect(await tags()).toEqual({ team: 'orders', stage: 'test' });
      expect(await bench.paths({ tags: { team: 'payments' } })).toEqual(['tags.team']);
      await bench.apply({ tags: { team: 'payments' } });
      expect(await tags()).toEqual({ team: 'payments', stage: 'test' });
      expect(await bench.paths({ tags: { team: null } })).toEqual(['tags.team']);
      await bench.apply({ tags: { team: null } });
      expect(await tags()).toEqual({ stage: 'test' });
    },
  },
  versionDescription: {
    why: 'is written on publish and never compared',
    async test() {
      const bench = await openBench();
      const aliases = { live: {} };
      await bench.apply({ aliases, versionDescription: 'build 1' });
      expect((await bench.live('1')).Description).toBe('build 1');
      expect(await bench.paths({ aliases, versionDescription: 'build 2' })).toEqual([]);
      await bench.apply({ aliases, versionDescription: 'build 2', memorySize: 256 });
      expect((await bench.live('2')).Description).toBe('build 2');
      expect((await bench.live()).Description).toBe('');
    },
  },
  ignoreChanges: {
    why: 'leaves a path to others',
    async test() {
      const bench = await openBench();
      await bench.apply({ memorySize: 256 });
      expect(await bench.paths({ memorySize: 512 })).toEqual(['memorySize']);
      expect(await bench.paths({ memorySize: 512, ignoreChanges: ['memorySize'] })).toEqual([]);
      await bench.apply({ memorySize: 512, timeout: 30, ignoreChanges: ['memorySize'] });
      expect((await bench.live()).MemorySize).toBe(256);
    },
  },
  aliases: {
    why: 'are made and moved with calls of their own, and never deleted',
    async test() {
      const bench = await openBench();
      await bench.apply({ aliases: { live: {} } });
      expect(await aliasOf(bench)).toMatchObject({ FunctionVersion: '1' });
      expect(await bench.paths({ memorySize: 256, aliases: { live: {} } })).toEqual([
        'aliases.live.version',
        'memorySize',
      ]);
      await bench.apply({ memorySize: 256, aliases: { live: null } });
      expect(await aliasOf(bench)).toMatchObject({ FunctionVersion: '2' });
      await bench.apply({});
      expect(await aliasOf(bench)).toMatchObject({ FunctionVersion: '2' });
    },
  },
  codeSigningConfigArn: {
    why: 'has calls of its own, and none is made for a file that does not name it',
    async test() {
      const bench = await openBench();
      const signing = (id: string): string => arn('lambda', `code-signing-config:csc-${id.repeat(17)}`);
      const live = async (): Promise<unknown> =>
        (await bench.client.send(new GetFunctionCodeSigningConfigCommand({ FunctionName: 'app' })))
          .CodeSigningConfigArn;
      await bench.apply({ codeSigningConfigArn: signing('a') });
      expect(await live()).toBe(signing('a'));
      expect(await bench.paths({ codeSigningConfigArn: signing('b') })).toEqual(['codeSigningConfigArn']);
      await bench.apply({ codeSigningConfigArn: signing('b') });
      expect(await live()).toBe(signing('b'));
      const before = bench.sandbox.calls.length;
      expect(await bench.paths({})).toEqual([]);
      const operations = bench.sandbox.calls.slice(before).map(({ operation }) => operation);
      expect(operations).toContain('GetFunction');
      expect(operations).not.toContain('GetFunctionCodeSigningConfig');
      await bench.apply({ codeSigningConfigArn: null });
      expect(await live()).toBeUndefined();
    },
  },
  'aliases.*.description': {
    why: 'belongs to the alias',
    async test() {
      const bench = await openBench();
      const withText = (description: string | null): JsonObject => ({ aliases: { live: { description } } });
      await bench.apply(withText('for customers'));
      expect(await aliasOf(bench)).toMatchObject({ Description: 'for customers' });
      expect(await bench.paths(withText('for everybody'))).toEqual(['aliases.live.description']);
      await bench.apply(withText('for everybody'));
      expect(await aliasOf(bench)).toMatchObject({ Description: 'for everybody', FunctionVersion: '1' });
      await bench.apply(withText(null));
      expect(await aliasOf(bench)).toMatchObject({ Description: '' });
    },
  },
  'aliases.*.version': {
    why: 'pins the alias',
    async test() {
      const bench = await openBench();
      await bench.apply({ aliases: { live: {} } });
      await bench.apply({ memorySize: 256, aliases: { live: {} } });
      expect(await bench.paths({ memorySize: 256, aliases: { live: { version: 1 } } })).toEqual([
        'aliases.live.version',
      ]);
      await bench.apply({ memorySize: 256, aliases: { live: { version: 1 } } });
      expect(await aliasOf(bench)).toMatchObject({ FunctionVersion: '1' });
      await bench.apply({ memorySize: 256, aliases: { live: { version: '$LATEST' } } });
      expect(await aliasOf(bench)).toMatchObject({ FunctionVersion: '$LATEST' });
    },
  },
  'aliases.*.healthCheck': {
    why: 'is invoked: one, or each of a list, before and after the shift',
    async test() {
      const bench = await openBench();
      await bench.apply({ aliases: { live: { healthCheck: [{ payload: 1 }, { payload: 2 }] } } });
      expect(payloads(bench)).toEqual([1, 2, 1, 2]);
      expect(await bench.paths({ aliases: { live: { healthCheck: { payload: 3 } } } })).toEqual([]);
    },
  },
  'aliases.*.healthCheck.payload': {
    why: 'is the event, {} where it is absent',
    async test() {
      const bench = await openBench();
      await bench.apply({ aliases: { live: { healthCheck: { payload: { path: '/health' } } } } });
      await bench.apply({ memorySize: 256, aliases: { live: { healthCheck: {} } } });
      expect(payloads(bench)).toEqual([{ path: '/health' }, { path: '/health' }, {}, {}]);
    },
  },
  'aliases.*.healthCheck.expect.status': {
    why: 'decides whether the alias moves',
    async test() {
      const bench = await openBench();
      const expecting = (status: number, memorySize: number): JsonObject => ({
        memorySize,
        aliases: { live: { healthCheck: { expect: { status } } } },
      });
      await bench.apply(expecting(200, 256));
      const failed = await bench.run(expecting(201, 512), 'apply', '--yes');
      expect([failed.exitCode, await aliasOf(bench)]).toMatchObject([4, { FunctionVersion: '1' }]);
    },
  },
  'aliases.*.healthCheck.timeout': {
    why: 'bounds the check, in seconds whatever its spelling',
    async test() {
      const bench = await openBench();
      const check = async (healthCheck: JsonObject): Promise<unknown> => {
        const planned = await bench.run({ aliases: { live: { healthCheck } } }, 'plan', '--format', 'json');
        const { functions } = JSON.parse(planned.stdout) as PlanDocument;
        return functions[0]?.operations.flatMap((step) => (step.type === 'Invoke' ? [step.check.timeoutSeconds] : []));
      };
      expect(await check({ timeout: '2m' })).toEqual([120, 120]);
      expect(await check({ timeout: 15 })).toEqual([15, 15]);
      expect(await check({})).toEqual([60, 60]);
    },
  },
  'aliases.*.autoRollback': {
    why: 'decides where the alias stays when the check after the shift fails',
    async test() {
      const handler = `exports.handler = async (event, context) => {
        if (context.invokedFunctionArn.endsWith(':live')) throw new Error('not through the alias');
      };`;
      const bench = await openBench({ bad: zipSync({ 'index.js': strToU8(handler) }) });
      await bench.apply({ aliases: { live: {} } });
      const bad = (live: JsonObject): JsonObject => ({
        code: { zip: 'bad.zip' },
        aliases: { live: { healthCheck: {}, ...live } },
      });
      const back = await bench.run(bad({}), 'apply', '--yes');
      expect([back.exitCode, await aliasOf(bench)]).toMatchObject([4, { FunctionVersion: '1' }]);
      const stays = await bench.run(bad({ autoRollback: false }), 'apply', '--yes');
      expect([stays.exitCode, await aliasOf(bench)]).toMatchObject([5, { FunctionVersion: '2' }]);
    },
  },
};

async function aliasOf({ client }: Bench): Promise<unknown> {
  return client.send(new GetAliasCommand({ FunctionName: 'app', Name: 'live' }));
}

function payloads({ sandbox }: Bench): readonly unknown[] {
  return sandbox.calls
    .filter(({ operation }) => operation === 'Invoke')
    .map(({ body }) => JSON.parse(String(body['Payload'])) as unknown);
}

describe('every property of this tool’s own', () => {
  it.each(Object.entries(OWN).map(([path, { why, test }]) => ({ path, why, test })))('$path $why', ({ test }) =>
    test(),
  );
});

/** Where code comes from, and the region, need more than one function on one endpoint: test/e2e/code-sources.test.ts, code-in-s3.long.test.ts, environments.test.ts. */
const OF_THE_CODE = [
  'region',
  'code.bucket',
  'code.dir',
  'code.image',
  'code.reproducible',
  'code.s3',
  'code.s3.bucket',
  'code.s3.key',
  'code.s3.version',
  'code.sourceKmsKeyArn',
];
/** Time has to pass: test/spec/rollout.test.ts reads them, test/e2e/rollouts.long.test.ts shows what each does. */
const OF_ROLLOUTS = [
  'aliases.*.onCancel',
  'aliases.*.rollout',
  'aliases.*.rollout.alarms',
  'aliases.*.rollout.bake',
  'aliases.*.rollout.errorRate',
  'aliases.*.rollout.errorRate.maximum',
  'aliases.*.rollout.errorRate.minimumInvocations',
  'aliases.*.rollout.interval',
  'aliases.*.rollout.promotion',
  'aliases.*.rollout.steps',
];
/** What a check expects of an answer: test/apply/judge.test.ts, test/apply/check.test.ts, test/spec/payload-files.test.ts. */
const OF_CHECKS = [
  'aliases.*.healthCheck.attempts',
  'aliases.*.healthCheck.expect.body',
  'aliases.*.healthCheck.expect.maxDuration',
  'aliases.*.healthCheck.interval',
  'aliases.*.healthCheck.payloadFile',
];
/** A matter of the file alone: test/spec/code.test.ts. */
const OF_THE_FILE = ['manage'];

it('every property of the schema has a row here, and every row a property', () => {
  const rows = [
    ...ROWS.map(({ path }) => path),
    ...HAVE_MEMBERS,
    ...Object.keys(OWN),
    ...OF_THE_CODE,
    ...OF_ROLLOUTS,
    ...OF_CHECKS,
    ...OF_THE_FILE,
  ];
  expect(rows.toSorted()).toEqual(functionPaths());
});
