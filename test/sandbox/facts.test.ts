import { inspect } from 'node:util';
import {
  CreateAliasCommand,
  CreateFunctionCommand,
  DeleteAliasCommand,
  DeleteFunctionCommand,
  GetAliasCommand,
  GetFunctionCommand,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  type LambdaClient,
  ListVersionsByFunctionCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { describe, expect, it } from 'vitest';
import { FIELDS } from '../../src/model/fields.js';
import { STORED_MEMBERS } from '../../src/sandbox/configuration.js';
import { bench, OTHER_ZIP, PYTHON_ZIP, refusal, ROLE } from './support.js';

const FunctionName = 'f';
const ARN = 'arn:aws:lambda:us-east-1:123456789012:function:f';
const latest = (client: LambdaClient, Qualifier?: string) =>
  client.send(new GetFunctionConfigurationCommand({ FunctionName, Qualifier }));
const configure = (client: LambdaClient, input: object) =>
  client.send(new UpdateFunctionConfigurationCommand({ FunctionName, ...input }));
const upload = (client: LambdaClient, input: object = {}) =>
  client.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: OTHER_ZIP, ...input }));
const publish = (client: LambdaClient, input: object = {}) =>
  client.send(new PublishVersionCommand({ FunctionName, ...input }));

describe('states', () => {
  it('a creation is Pending with a reason and settles to Active and Successful', async () => {
    const { client, wait } = await bench();
    const created = await client.send(
      new CreateFunctionCommand({
        FunctionName,
        Role: ROLE,
        Runtime: 'python3.12',
        Handler: 'index.handler',
        Code: { ZipFile: PYTHON_ZIP },
      }),
    );
    expect(created).toMatchObject({
      State: 'Pending',
      StateReason: 'The function is being created.',
      StateReasonCode: 'Creating',
    });
    expect(created.LastUpdateStatus).toBeUndefined();
    wait();
    const settled = await latest(client);
    expect(settled).toMatchObject({ State: 'Active', LastUpdateStatus: 'Successful' });
    expect(settled.StateReason).toBeUndefined();
    expect(settled.RevisionId).not.toBe(created.RevisionId);
  });

  it('an update is InProgress until it settles, also when it changes nothing', async () => {
    const { client, create, wait } = await bench();
    await create(FunctionName, { Description: 'same' });
    const before = await latest(client);
    const updated = await configure(client, { Description: 'same' });
    expect(updated).toMatchObject({
      State: 'Active',
      LastUpdateStatus: 'InProgress',
      LastUpdateStatusReason: 'The function is being created.',
      LastUpdateStatusReasonCode: 'Creating',
    });
    wait();
    const after = await latest(client);
    expect(after.LastUpdateStatus).toBe('Successful');
    expect(new Set([before.RevisionId, updated.RevisionId, after.RevisionId]).size).toBe(3);
  });

  it.each([
    ['UpdateFunctionCode', (client: LambdaClient) => upload(client)],
    ['UpdateFunctionConfiguration', (client: LambdaClient) => configure(client, { Timeout: 4 })],
    ['PublishVersion', (client: LambdaClient) => publish(client)],
  ])('%s is refused while an update is in progress, and while the function is created', async (_name, send) => {
    const { client, create, wait } = await bench();
    await create(FunctionName);
    await configure(client, { Timeout: 5 });
    expect(await refusal(send(client))).toEqual({
      status: 409,
      code: 'ResourceConflictException',
      message: `The operation cannot be performed at this time. An update is in progress for resource: ${ARN}`,
    });
    wait();
    await client.send(new DeleteFunctionCommand({ FunctionName }));
    await client.send(
      new CreateFunctionCommand({
        FunctionName,
        Role: ROLE,
        Runtime: 'python3.12',
        Handler: 'index.handler',
        Code: { ZipFile: PYTHON_ZIP },
      }),
    );
    expect(await refusal(send(client))).toMatchObject({ status: 409, code: 'ResourceConflictException' });
  });

  it('a function that is created cannot be invoked before it is Active', async () => {
    const { client, create } = await bench({ now: Date.now, settleMs: 3_600_000 });
    await create(FunctionName);
    expect(await refusal(client.send(new InvokeCommand({ FunctionName })))).toMatchObject({
      status: 409,
      code: 'ResourceConflictException',
    });
  });
});

describe('RevisionId', () => {
  it.each([
    ['an update of the configuration', (client: LambdaClient) => configure(client, { Timeout: 9 })],
    ['an update of the code', (client: LambdaClient) => upload(client)],
    ['a publish that makes a version', (client: LambdaClient) => publish(client)],
    [
      'a tag, also one that is there already',
      (client: LambdaClient) => client.send(new TagResourceCommand({ Resource: ARN, Tags: { a: 'b' } })),
    ],
    [
      'an untag, also of a key that is not there',
      (client: LambdaClient) => client.send(new UntagResourceCommand({ Resource: ARN, TagKeys: ['none'] })),
    ],
  ])('of $LATEST moves with %s', async (_name, change) => {
    const { client, create } = await bench();
    await create(FunctionName, { Tags: { a: 'b' } });
    const before = await latest(client);
    await change(client);
    expect((await latest(client)).RevisionId).not.toBe(before.RevisionId);
  });

  it('of $LATEST stays with a publish that finds its version, and with reads', async () => {
    const { client, create } = await bench();
    await create(FunctionName);
    await publish(client);
    const before = await latest(client);
    await publish(client);
    expect((await latest(client)).RevisionId).toBe(before.RevisionId);
  });

  it.each([
    ['UpdateFunctionCode', (client: LambdaClient) => upload(client, { RevisionId: 'stale' })],
    ['UpdateFunctionConfiguration', (client: LambdaClient) => configure(client, { Timeout: 4, RevisionId: 'stale' })],
    ['PublishVersion', (client: LambdaClient) => publish(client, { RevisionId: 'stale' })],
    [
      'UpdateAlias',
      (client: LambdaClient) =>
        client.send(new UpdateAliasCommand({ FunctionName, Name: 'live', RevisionId: 'stale' })),
    ],
  ])('a stale one makes %s fail with 412 and changes nothing', async (_name, send) => {
    const { client, create, sandbox } = await bench();
    await create(FunctionName);
    await publish(client);
    await client.send(new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '1' }));
    const before = inspect(sandbox.state.regions, { depth: null });
    expect(await refusal(send(client))).toEqual({
      status: 412,
      code: 'PreconditionFailedException',
      message:
        'The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id',
    });
    expect(inspect(sandbox.state.regions, { depth: null })).toBe(before);
  });

  it('of an alias does not move when states settle', async () => {
    const { client, create, wait } = await bench();
    await create(FunctionName);
    await publish(client);
    const alias = await client.send(new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '1' }));
    await upload(client);
    wait();
    const read = await client.send(new GetAliasCommand({ FunctionName, Name: 'live' }));
    expect(read.RevisionId).toBe(alias.RevisionId);
  });
});

describe('publishing', () => {
  it('answers the same version while nothing was updated, without the new description', async () => {
    const { client, create } = await bench();
    await create(FunctionName);
    const first = await publish(client, { Description: 'one' });
    const second = await publish(client, { Description: 'two' });
    expect(second).toMatchObject({ Version: '1', Description: 'one', RevisionId: first.RevisionId });
    expect(second.$metadata.httpStatusCode).toBe(201);
  });

  it.each([
    ['a redundant configuration', (client: LambdaClient) => configure(client, { Timeout: 3 })],
    ['the same code', (client: LambdaClient) => upload(client, { ZipFile: PYTHON_ZIP })],
  ])('makes a new version after %s', async (_name, update) => {
    const { client, create, wait } = await bench();
    await create(FunctionName);
    await publish(client);
    await update(client);
    wait();
    expect((await publish(client)).Version).toBe('2');
  });

  it('never gives a number again, also when the newest version was deleted', async () => {
    const { client, create } = await bench();
    await create(FunctionName);
    await publish(client);
    await client.send(new DeleteFunctionCommand({ FunctionName, Qualifier: '1' }));
    expect((await publish(client)).Version).toBe('2');
  });

  it('is refused for another CodeSha256 than that of $LATEST', async () => {
    const { client, create } = await bench();
    await create(FunctionName);
    const { CodeSha256 } = await latest(client);
    expect(await refusal(publish(client, { CodeSha256: 'other' }))).toMatchObject({
      status: 400,
      code: 'InvalidParameterValueException',
    });
    expect((await publish(client, { CodeSha256 })).Version).toBe('1');
  });

  it('with an upload answers the Pending version while $LATEST is InProgress', async () => {
    const { client, create, wait } = await bench();
    await create(FunctionName);
    const answer = await upload(client, { Publish: true });
    expect(answer).toMatchObject({ Version: '1', State: 'Pending', FunctionArn: `${ARN}:1` });
    expect(await latest(client)).toMatchObject({ Version: '$LATEST', LastUpdateStatus: 'InProgress' });
    wait();
    expect(await latest(client, '1')).toMatchObject({ State: 'Active', LastUpdateStatus: 'Successful' });
  });

  it('freezes code and configuration', async () => {
    const { client, create, wait } = await bench();
    await create(FunctionName, { Environment: { Variables: { AA: '1' } } });
    const version = await publish(client);
    await configure(client, { Environment: { Variables: { AA: '2' } } });
    wait();
    await upload(client);
    wait();
    const read = await latest(client, '1');
    expect(read).toMatchObject({ CodeSha256: version.CodeSha256, Environment: { Variables: { AA: '1' } } });
    expect((await latest(client)).CodeSha256).not.toBe(version.CodeSha256);
  });
});

describe('versions and deletion', () => {
  it('lists $LATEST, then the oldest first, without states', async () => {
    const { client, create, wait } = await bench();
    await create(FunctionName);
    for (const Timeout of [4, 5, 6]) {
      await configure(client, { Timeout });
      wait();
      await publish(client);
    }
    const { Versions = [] } = await client.send(new ListVersionsByFunctionCommand({ FunctionName }));
    expect(Versions.map((version) => version.FunctionArn)).toEqual(
      ['$LATEST', '1', '2', '3'].map((v) => `${ARN}:${v}`),
    );
    for (const member of ['State', 'LastUpdateStatus', 'RuntimeVersionConfig'] as const)
      expect(Versions.map((version) => version[member])).toEqual([undefined, undefined, undefined, undefined]);
  });

  it.each([
    ['its primary version', { FunctionVersion: '1' }, '1'],
    [
      'its additional version',
      { FunctionVersion: '1', RoutingConfig: { AdditionalVersionWeights: { '2': 0.1 } } },
      '2',
    ],
  ])('a version that an alias uses as %s cannot be deleted', async (_name, alias, Qualifier) => {
    const { client, create, wait } = await bench();
    await create(FunctionName);
    await publish(client);
    await configure(client, { Timeout: 4 });
    wait();
    await publish(client);
    await client.send(new CreateAliasCommand({ FunctionName, Name: 'live', ...alias }));
    expect(await refusal(client.send(new DeleteFunctionCommand({ FunctionName, Qualifier })))).toEqual({
      status: 409,
      code: 'ResourceConflictException',
      message: 'Unable to delete version because the following aliases reference it: [live]',
    });
  });

  it.each([
    ['$LATEST alone', '$LATEST', 400],
    ['an alias through DeleteFunction', 'live', 400],
  ])('%s cannot be deleted', async (_name, Qualifier, status) => {
    const { client, create } = await bench();
    await create(FunctionName);
    expect(await refusal(client.send(new DeleteFunctionCommand({ FunctionName, Qualifier })))).toMatchObject({
      status,
    });
  });

  it('a second creation is refused', async () => {
    const { create } = await bench();
    await create(FunctionName);
    expect(await refusal(create(FunctionName))).toEqual({
      status: 409,
      code: 'ResourceConflictException',
      message: 'Function already exist: f',
    });
  });
});

describe('aliases', () => {
  async function withVersions() {
    const made = await bench();
    await made.create(FunctionName);
    await publish(made.client);
    await configure(made.client, { Timeout: 4 });
    made.wait();
    await publish(made.client);
    await configure(made.client, { Role: `${ROLE}-2` });
    made.wait();
    await publish(made.client);
    return made;
  }
  const weights = (AdditionalVersionWeights: Record<string, number>) => ({
    RoutingConfig: { AdditionalVersionWeights },
  });

  it('an update replaces what it names and keeps the rest', async () => {
    const { client } = await withVersions();
    const created = { FunctionVersion: '1', Description: 'text', ...weights({ '2': 0.25 }) };
    await client.send(new CreateAliasCommand({ FunctionName, Name: 'live', ...created }));
    const update = (input: object) => client.send(new UpdateAliasCommand({ FunctionName, Name: 'live', ...input }));
    expect(await update({ Description: '' })).toMatchObject({ ...created, Description: '' });
    expect((await update(weights({}))).RoutingConfig).toBeUndefined();
    expect(await update({ FunctionVersion: '2' })).toMatchObject({ FunctionVersion: '2', Description: '' });
  });

  it.each([
    ['two additional versions', '1', weights({ '2': 0.1, '3': 0.1 }), 400, 'InvalidParameterValueException'],
    ['a weight over 1', '1', weights({ '2': 1.1 }), 400, 'ValidationException'],
    ['a negative weight', '1', weights({ '2': -0.1 }), 400, 'ValidationException'],
    ['a weight on its own version', '1', weights({ '1': 0.1 }), 400, 'InvalidParameterValueException'],
    ['a weight beside $LATEST', '$LATEST', weights({ '1': 0.1 }), 400, 'InvalidParameterValueException'],
    ['a weight on $LATEST', '1', weights({ $LATEST: 0.1 }), 400, 'InvalidParameterValueException'],
    ['a weight on a name', '1', weights({ beta: 0.1 }), 400, 'ValidationException'],
    ['a weight on a version that does not exist', '1', weights({ '9': 0.1 }), 404, 'ResourceNotFoundException'],
    ['a weight on a version with another role', '1', weights({ '3': 0.1 }), 400, 'InvalidParameterValueException'],
    ['a version that does not exist', '9', {}, 404, 'ResourceNotFoundException'],
  ])('%s is refused, on creation and on update', async (_name, FunctionVersion, more, status, code) => {
    const { client } = await withVersions();
    const create = new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion, ...more });
    expect(await refusal(client.send(create))).toMatchObject({ status, code });
    await client.send(new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '2' }));
    const update = new UpdateAliasCommand({ FunctionName, Name: 'live', FunctionVersion, ...more });
    expect(await refusal(client.send(update))).toMatchObject({ status, code });
  });

  it.each([['123'], ['has space'], ['a'.repeat(129)]])('the name %s is refused', async (Name) => {
    const { client } = await withVersions();
    const create = new CreateAliasCommand({ FunctionName, Name, FunctionVersion: '1' });
    expect(await refusal(client.send(create))).toMatchObject({ status: 400, code: 'ValidationException' });
  });

  it('one that exists is refused with 409, one that is gone with AWS’s three texts', async () => {
    const { client } = await withVersions();
    const create = () => client.send(new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '1' }));
    await create();
    expect(await refusal(create())).toEqual({
      status: 409,
      code: 'ResourceConflictException',
      message: `Alias already exists: ${ARN}:live`,
    });
    const Name = 'gone';
    const messages = await Promise.all([
      refusal(client.send(new GetAliasCommand({ FunctionName, Name }))),
      refusal(client.send(new UpdateAliasCommand({ FunctionName, Name }))),
      refusal(client.send(new GetFunctionCommand({ FunctionName, Qualifier: Name }))),
    ]);
    expect(messages.map(({ status, message }) => `${status} ${message}`)).toEqual([
      `404 Cannot find alias arn: ${ARN}:gone`,
      `404 Alias not found: ${ARN}:gone`,
      `404 Function not found: ${ARN}:gone`,
    ]);
    const { $metadata } = await client.send(new DeleteAliasCommand({ FunctionName, Name }));
    expect($metadata.httpStatusCode).toBe(204);
  });
});

describe('configuration', () => {
  it('stores every member of the field table', () => {
    expect([...STORED_MEMBERS].sort()).toEqual(FIELDS.map((field) => field.member).sort());
  });

  it.each([
    ['Environment', { Environment: { Variables: {} } }, { Variables: {} }],
    ['Layers', { Layers: [] }, undefined],
    ['KMSKeyArn', { KMSKeyArn: '' }, undefined],
    ['DeadLetterConfig', { DeadLetterConfig: { TargetArn: '' } }, undefined],
    ['FileSystemConfigs', { FileSystemConfigs: [] }, undefined],
    ['ImageConfigResponse', { ImageConfig: {} }, undefined],
    ['LoggingConfig', { LoggingConfig: { LogFormat: 'Text' } }, { LogFormat: 'Text', LogGroup: '/mine' }],
  ] as const)('%s is reset by the empty value', async (member, reset, expected) => {
    const { client, create, wait } = await bench();
    await create(FunctionName, {
      Environment: { Variables: { AA: '1' } },
      Layers: ['arn:aws:lambda:us-east-1:123456789012:layer:l:1'],
      KMSKeyArn: 'arn:aws:kms:us-east-1:123456789012:key/1',
      DeadLetterConfig: { TargetArn: 'arn:aws:sqs:us-east-1:123456789012:q' },
      FileSystemConfigs: [
        { Arn: 'arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/a', LocalMountPath: '/mnt/a' },
      ],
      ImageConfig: { Command: ['x'] },
      LoggingConfig: { LogFormat: 'JSON', ApplicationLogLevel: 'DEBUG', LogGroup: '/mine' },
    });
    expect((await latest(client))[member]).not.toEqual(expected);
    await configure(client, reset);
    wait();
    expect((await latest(client))[member]).toEqual(expected);
  });

  it('a dry run of an upload answers the new digest and changes nothing', async () => {
    const { client, create } = await bench();
    await create(FunctionName);
    const before = await latest(client);
    const answer = await upload(client, { DryRun: true });
    expect(answer.CodeSha256).not.toBe(before.CodeSha256);
    expect(await latest(client)).toMatchObject({ RevisionId: before.RevisionId, CodeSha256: before.CodeSha256 });
  });

  it('an upload takes the architecture with it', async () => {
    const { client, create } = await bench();
    await create(FunctionName);
    expect((await upload(client, { Architectures: ['arm64'] })).Architectures).toEqual(['arm64']);
  });

  it('the link serves the very bytes that were uploaded, for ten minutes and without a signature', async () => {
    let now = Date.now();
    const { client, create } = await bench({ now: () => now, settleMs: 0 });
    await create(FunctionName);
    const { Code } = await client.send(new GetFunctionCommand({ FunctionName }));
    await upload(client);
    const served = await fetch(Code?.Location ?? '');
    expect(new Uint8Array(await served.arrayBuffer())).toEqual(PYTHON_ZIP);
    now += 600_000;
    expect((await fetch(Code?.Location ?? '')).status).toBe(403);
  });

  it('a name may be a partial or full ARN with a qualifier, but not two different qualifiers', async () => {
    const { client, create } = await bench();
    await create(FunctionName);
    await publish(client);
    const get = (name: string, Qualifier?: string) =>
      client.send(new GetFunctionConfigurationCommand({ FunctionName: name, Qualifier }));
    for (const name of ['f:1', '123456789012:function:f:1', `${ARN}:1`]) expect((await get(name)).Version).toBe('1');
    expect((await get(`${ARN}:1`, '1')).FunctionArn).toBe(`${ARN}:1`);
    expect(await refusal(get('f:1', '$LATEST'))).toMatchObject({ code: 'InvalidParameterValueException' });
    expect(await refusal(get('arn:aws:lambda:eu-west-1:123456789012:function:f'))).toMatchObject({ status: 404 });
    expect(await refusal(get('arn:aws:lambda:us-east-1:999999999999:function:f'))).toMatchObject({ status: 403 });
    expect(await refusal(configure(client, { FunctionName: 'f:1', Timeout: 5 }))).toMatchObject({ status: 400 });
  });

  it('reserved concurrency of 0 throttles every invocation and shows in GetFunction', async () => {
    const { client, create } = await bench();
    await create(FunctionName);
    await client.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 0 }));
    expect(await refusal(client.send(new InvokeCommand({ FunctionName })))).toMatchObject({
      status: 429,
      code: 'TooManyRequestsException',
    });
    const { Concurrency } = await client.send(new GetFunctionCommand({ FunctionName }));
    expect(Concurrency).toEqual({ ReservedConcurrentExecutions: 0 });
  });
});
