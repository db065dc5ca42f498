import {
  CreateAliasCommand,
  DeleteAliasCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  PutProvisionedConcurrencyConfigCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  type UpdateFunctionConfigurationCommandInput,
} from '@aws-sdk/client-lambda';
import { stringify } from 'yaml';
import { type Document, fileOf, hello, okHandler, stage, type Stage, zipOf } from './support.js';

const ARN = 'arn:aws:lambda:us-east-1:123456789012:';
export type Classes = Readonly<Record<string, string>>;

/** What somebody does in the console, and what `drift` finds. */
export interface Edit {
  readonly what: string;
  /** What somebody does in the console. */
  readonly edit: (it: Stage) => Promise<unknown>;
  /** By path, while the file is what was deployed. */
  readonly found: Classes;
  /** The same with a timeout committed meanwhile, where the stores differ: `tags`, and those that keep whole records. Absent: `found`, and the timeout pending. */
  readonly withCommit?: { readonly tags: Classes; readonly whole: Classes };
  /** Paths that `--adopt` names and leaves; absent: none. */
  readonly left?: readonly string[];
  /** Which function; default `hello`. */
  readonly of?: 'bare';
}

const configure =
  (change: Omit<UpdateFunctionConfigurationCommandInput, 'FunctionName'>, name = 'hello') =>
  ({ client }: Stage): Promise<unknown> =>
    client.send(new UpdateFunctionConfigurationCommand({ FunctionName: name, ...change }));

const ONLY_LISTED = 'unmanaged';

/** Everything that people change by hand, and what becomes of it. specs/0010-drift.md has the same table. */
export const EDITS: readonly Edit[] = [
  { what: 'memory', edit: configure({ MemorySize: 512 }), found: { memorySize: 'drift' } },
  {
    what: 'timeout',
    edit: configure({ Timeout: 60 }),
    found: { timeout: 'drift' },
    withCommit: {
      tags: { timeout: 'conflict', 'bare.timeout': 'pending' },
      whole: { timeout: 'conflict', 'bare.timeout': 'pending' },
    },
  },
  { what: 'handler', edit: configure({ Handler: 'index.other' }), found: { handler: 'drift' } },
  { what: 'role', edit: configure({ Role: 'arn:aws:iam::123456789012:role/other' }), found: { role: 'drift' } },
  { what: 'runtime', edit: configure({ Runtime: 'nodejs20.x' }), found: { runtime: 'drift' } },
  {
    what: 'description',
    edit: configure({ Description: 'theirs' }),
    found: { description: 'drift' },
    withCommit: {
      tags: { description: 'conflict', 'bare.timeout': 'pending', timeout: 'pending' },
      whole: { description: 'drift', 'bare.timeout': 'pending', timeout: 'pending' },
    },
  },
  {
    what: 'a variable changed',
    edit: configure({ Environment: { Variables: { GREETING: 'Hallo', LEFT: 'theirs' } } }),
    found: { 'environment.GREETING': 'drift' },
  },
  {
    what: 'a variable added',
    edit: configure({ Environment: { Variables: { GREETING: 'Hello', LEFT: 'theirs', DEBUG: '1' } } }),
    found: { 'environment.DEBUG': 'drift' },
  },
  {
    what: 'variables removed',
    edit: configure({ Environment: { Variables: {} } }),
    found: { 'environment.GREETING': 'drift' },
  },
  {
    what: 'a variable that the file leaves to others',
    edit: configure({ Environment: { Variables: { GREETING: 'Hello', LEFT: 'other' } } }),
    found: {},
  },
  { what: 'layers', edit: configure({ Layers: [`${ARN}layer:theirs:1`] }), found: { layers: 'drift' } },
  { what: 'tracing', edit: configure({ TracingConfig: { Mode: 'Active' } }), found: { 'tracingConfig.mode': 'drift' } },
  {
    what: 'VPC',
    edit: configure({ VpcConfig: { SubnetIds: ['subnet-1'], SecurityGroupIds: ['sg-1'] } }),
    found: { 'vpcConfig.securityGroupIds': 'drift', 'vpcConfig.subnetIds': 'drift' },
  },
  {
    what: 'the KMS key',
    edit: configure({ KMSKeyArn: 'arn:aws:kms:us-east-1:123456789012:key/1' }),
    found: { kmsKeyArn: 'drift' },
  },
  {
    what: 'ephemeral storage',
    edit: configure({ EphemeralStorage: { Size: 1024 } }),
    found: { 'ephemeralStorage.size': 'drift' },
  },
  {
    what: 'SnapStart',
    edit: configure({ SnapStart: { ApplyOn: 'PublishedVersions' } }),
    // No runtime of Node.js has it, so that no valid file says it.
    left: ['snapStart.applyOn'],
    found: { 'snapStart.applyOn': 'drift' },
  },
  {
    what: 'logging',
    edit: configure({ LoggingConfig: { LogFormat: 'JSON' } }),
    found: {
      'loggingConfig.applicationLogLevel': 'drift',
      'loggingConfig.logFormat': 'drift',
      'loggingConfig.systemLogLevel': 'drift',
    },
  },
  {
    what: 'the dead letter queue',
    edit: configure({ DeadLetterConfig: { TargetArn: 'arn:aws:sqs:us-east-1:123456789012:dead' } }),
    found: { 'deadLetterConfig.targetArn': 'drift' },
  },
  {
    what: 'code',
    edit: ({ client }) =>
      client.send(
        new UpdateFunctionCodeCommand({ FunctionName: 'hello', ZipFile: zipOf({ 'index.mjs': okHandler('theirs') }) }),
      ),
    left: ['code'],
    found: { code: 'drift' },
  },
  {
    what: 'architecture, with the code',
    edit: ({ client }) =>
      client.send(
        new UpdateFunctionCodeCommand({
          FunctionName: 'hello',
          ZipFile: zipOf({ 'index.mjs': okHandler('theirs') }),
          Architectures: ['arm64'],
        }),
      ),
    left: ['code'],
    found: { architectures: 'drift', code: 'drift' },
  },
  {
    what: 'the alias on another version',
    edit: ({ client }) =>
      client.send(new UpdateAliasCommand({ FunctionName: 'hello', Name: 'live', FunctionVersion: '1' })),
    left: ['aliases.live.version'],
    found: { 'aliases.live.version': 'drift' },
  },
  {
    what: 'weights',
    edit: ({ client }) =>
      client.send(
        new UpdateAliasCommand({
          FunctionName: 'hello',
          Name: 'live',
          RoutingConfig: { AdditionalVersionWeights: { '1': 0.1 } },
        }),
      ),
    left: ['aliases.live.weights'],
    found: { 'aliases.live.weights': 'drift' },
  },
  {
    what: 'the alias’s description',
    edit: ({ client }) =>
      client.send(new UpdateAliasCommand({ FunctionName: 'hello', Name: 'live', Description: 'theirs' })),
    found: { 'aliases.live.description': 'drift' },
    withCommit: {
      tags: { 'aliases.live.description': 'pending', 'bare.timeout': 'pending', timeout: 'pending' },
      whole: { 'aliases.live.description': 'drift', 'bare.timeout': 'pending', timeout: 'pending' },
    },
  },
  {
    what: 'a new alias',
    edit: ({ client }) =>
      client.send(new CreateAliasCommand({ FunctionName: 'hello', Name: 'beta', FunctionVersion: '1' })),
    found: { 'aliases.beta': ONLY_LISTED },
  },
  {
    what: 'a deleted alias',
    edit: ({ client }) => client.send(new DeleteAliasCommand({ FunctionName: 'hello', Name: 'live' })),
    left: ['aliases.live'],
    found: { 'aliases.live': 'drift' },
  },
  {
    what: 'a tag of the file changed',
    edit: ({ client }) =>
      client.send(new TagResourceCommand({ Resource: `${ARN}function:hello`, Tags: { team: 'theirs' } })),
    found: { 'tags.team': 'drift' },
    withCommit: {
      tags: { 'tags.team': 'pending', 'bare.timeout': 'pending', timeout: 'pending' },
      whole: { 'tags.team': 'drift', 'bare.timeout': 'pending', timeout: 'pending' },
    },
  },
  {
    what: 'a tag of the file removed',
    edit: ({ client }) =>
      client.send(new UntagResourceCommand({ Resource: `${ARN}function:hello`, TagKeys: ['team'] })),
    found: { 'tags.team': 'drift' },
    withCommit: {
      tags: { 'tags.team': 'pending', 'bare.timeout': 'pending', timeout: 'pending' },
      whole: { 'tags.team': 'drift', 'bare.timeout': 'pending', timeout: 'pending' },
    },
  },
  {
    what: 'a tag added',
    edit: ({ client }) =>
      client.send(new TagResourceCommand({ Resource: `${ARN}function:hello`, Tags: { theirs: 'x' } })),
    found: { 'tags.theirs': ONLY_LISTED },
  },
  {
    what: 'reserved concurrency',
    edit: ({ client }) =>
      client.send(new PutFunctionConcurrencyCommand({ FunctionName: 'hello', ReservedConcurrentExecutions: 0 })),
    found: { reservedConcurrentExecutions: ONLY_LISTED },
  },
  {
    what: 'provisioned concurrency: no setting of a version or of traffic',
    edit: ({ client }) =>
      client.send(
        new PutProvisionedConcurrencyConfigCommand({
          FunctionName: 'hello',
          Qualifier: 'live',
          ProvisionedConcurrentExecutions: 1,
        }),
      ),
    found: {},
  },
  {
    what: 'a version published of what is there',
    edit: ({ client }) => client.send(new PublishVersionCommand({ FunctionName: 'hello', Description: 'theirs' })),
    found: {},
  },
  {
    what: 'memory, changed and published and served',
    edit: async ({ client, clock, sandbox }) => {
      await configure({ MemorySize: 512 })({ client } as Stage);
      await clock.sleep(sandbox.state.settleMs);
      const { Version } = await client.send(new PublishVersionCommand({ FunctionName: 'hello' }));
      await client.send(new UpdateAliasCommand({ FunctionName: 'hello', Name: 'live', FunctionVersion: Version }));
    },
    found: { 'aliases.live.version': 'drift', memorySize: 'drift' },
  },
  {
    of: 'bare',
    what: 'memory, where nothing is published',
    edit: configure({ MemorySize: 512 }, 'bare'),
    found: { memorySize: 'drift' },
    withCommit: {
      tags: { memorySize: 'conflict', timeout: 'conflict', 'hello.timeout': 'pending' },
      whole: { memorySize: 'drift', timeout: 'pending', 'hello.timeout': 'pending' },
    },
  },
  {
    of: 'bare',
    what: 'a variable, where nothing is published: the digest has no values, the file has',
    edit: configure({ Environment: { Variables: { GREETING: 'Hallo' } } }, 'bare'),
    found: { 'environment.GREETING': 'drift' },
    withCommit: {
      tags: { 'environment.GREETING': 'pending', timeout: 'pending', 'hello.timeout': 'pending' },
      whole: { 'environment.GREETING': 'drift', timeout: 'pending', 'hello.timeout': 'pending' },
    },
  },
  {
    of: 'bare',
    what: 'a setting that the file does not name, where nothing is published',
    edit: configure({ EphemeralStorage: { Size: 1024 } }, 'bare'),
    left: ['$LATEST'],
    found: { $LATEST: 'drift' },
    withCommit: {
      tags: { timeout: 'conflict', 'hello.timeout': 'pending' },
      whole: { $LATEST: 'drift', timeout: 'pending', 'hello.timeout': 'pending' },
    },
  },
];

const METADATA = { tags: {}, s3: { metadata: 's3://records/drift' }, file: { metadata: 'file:records' } } as const;

const BARE: Document = { ...hello({ tags: { team: 'us' } }) };
delete BARE['aliases'];

export type Store = keyof typeof METADATA;

/** Two functions deployed twice: version 2 is served by `live` of `hello`, `bare` has no alias. */
export async function twoVersions(store: Store): Promise<{ it: Stage; commit: () => Promise<void> }> {
  const it = await stage({ seed: { buckets: { records: {} } } });
  const write = (greeting: string, timeout: number): Promise<void> =>
    it.file(
      stringify(
        {
          ...fileOf({
            hello: hello({
              description: 'ours',
              timeout,
              environment: { GREETING: greeting, LEFT: 'ours' },
              ignoreChanges: ['environment.LEFT'],
              tags: { team: 'us' },
              aliases: { live: { description: 'ours' } },
            }),
            bare: { ...BARE, timeout, environment: { GREETING: greeting } },
          }),
          ...METADATA[store],
        },
        { aliasDuplicateObjects: false },
      ),
    );
  await it.code(okHandler('one'));
  for (const greeting of ['Hi', 'Hello']) {
    await write(greeting, 5);
    const ran = await it.run('apply', '--yes');
    if (ran.exitCode !== 0) throw new Error(`apply failed:\n${ran.out}${ran.err}`);
  }
  return { it, commit: () => write('Hello', 9) };
}

/** Waits until what was changed has settled. */
export async function settled({ clock, sandbox }: Stage): Promise<void> {
  await clock.sleep(sandbox.state.settleMs);
}
