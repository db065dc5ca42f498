import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createLambda, type LambdaOptions } from '../../src/aws/lambda.js';
import { DeployError } from '../../src/errors.js';
import { isUnreadable } from '../../src/model/function.js';
import type { LambdaPort } from '../../src/model/ports.js';
import { reveal, Secret } from '../../src/model/secret.js';
import { awsError, CannedServer, type Arrival, type Canned } from './server.js';

const ARN = 'arn:aws:lambda:eu-west-1:123456789012:function:orders';
const SIGNING = 'arn:aws:lambda:eu-west-1:123456789012:code-signing-config:csc-0123456789abcdef0';
const CONFIGURATION = {
  FunctionName: 'orders',
  FunctionArn: ARN,
  Version: '$LATEST',
  RevisionId: 'r1',
  CodeSha256: 'abc=',
  CodeSize: 10,
  Description: '',
  LastModified: '2026-01-01T00:00:00.000+0000',
  PackageType: 'Zip',
  State: 'Active',
  LastUpdateStatus: 'Successful',
};
const ALIAS = { Name: 'live', FunctionVersion: '2', RevisionId: 'a1', Description: '' };

let server: CannedServer;

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
  vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await server?.stop();
});

async function port(
  answer: Canned | ((arrival: Arrival) => Canned),
  more: Partial<LambdaOptions> = {},
): Promise<LambdaPort> {
  server = new CannedServer(typeof answer === 'function' ? answer : () => answer);
  const endpoint = await server.start();
  return createLambda({ region: 'eu-west-1', endpoint, allowMissingRevisionId: false, ...more });
}

async function failure(run: Promise<unknown>): Promise<DeployError> {
  const error: unknown = await run.then(
    () => new Error('it did not fail'),
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(DeployError);
  return error as DeployError;
}

describe('what goes over the wire', () => {
  const zip = new TextEncoder().encode('zip');
  const ZIP = Buffer.from(zip).toString('base64');
  const cases: readonly [why: string, (lambda: LambdaPort) => Promise<unknown>, string, unknown, Canned][] = [
    [
      'a configuration has exactly the named members, empty ones included',
      (lambda) =>
        lambda.updateFunctionConfiguration(
          'orders',
          {
            settings: {
              description: '',
              kmsKeyArn: '',
              layers: [],
              imageConfig: {},
              deadLetterConfig: { targetArn: '' },
              vpcConfig: { subnetIds: [], securityGroupIds: [], ipv6AllowedForDualStack: false },
              durableConfig: { kmsKeyArn: 'k', retentionPeriodInDays: 0 },
            },
            environment: {},
          },
          'r1',
        ),
      'PUT /2015-03-31/functions/orders/configuration',
      {
        Description: '',
        KMSKeyArn: '',
        Layers: [],
        ImageConfig: {},
        DeadLetterConfig: { TargetArn: '' },
        VpcConfig: { SubnetIds: [], SecurityGroupIds: [], Ipv6AllowedForDualStack: false },
        DurableConfig: { KMSKeyArn: 'k', RetentionPeriodInDays: 0 },
        Environment: { Variables: {} },
        RevisionId: 'r1',
      },
      { body: CONFIGURATION },
    ],
    [
      'without variables and lock token neither is sent',
      (lambda) => lambda.updateFunctionConfiguration('orders', { settings: { timeout: 3 } }),
      'PUT /2015-03-31/functions/orders/configuration',
      { Timeout: 3 },
      { body: CONFIGURATION },
    ],
    [
      'a function is created from its settings, opened variables, archive and tags',
      (lambda) =>
        lambda.createFunction('orders', {
          settings: { role: 'arn:r', architectures: ['arm64'] },
          environment: { KEY: new Secret('value') },
          code: { zip },
          tags: { team: 'a' },
        }),
      'POST /2015-03-31/functions',
      {
        FunctionName: 'orders',
        PackageType: 'Zip',
        Code: { ZipFile: ZIP },
        Role: 'arn:r',
        Architectures: ['arm64'],
        Environment: { Variables: { KEY: 'value' } },
        Tags: { team: 'a' },
      },
      { status: 201, body: CONFIGURATION },
    ],
    [
      'a function without tags is created without the member, which needs a permission',
      (lambda) => lambda.createFunction('orders', { settings: {}, code: { zip }, tags: {} }),
      'POST /2015-03-31/functions',
      { FunctionName: 'orders', PackageType: 'Zip', Code: { ZipFile: ZIP } },
      { status: 201, body: CONFIGURATION },
    ],
    [
      'code carries the architectures and never publishes',
      (lambda) => lambda.updateFunctionCode('orders', { code: { zip }, architectures: ['x86_64'] }, 'r1'),
      'PUT /2015-03-31/functions/orders/code',
      { ZipFile: ZIP, Architectures: ['x86_64'], RevisionId: 'r1' },
      { body: CONFIGURATION },
    ],
    [
      'code in S3 is named with its version and the key that encrypts it',
      (lambda) =>
        lambda.updateFunctionCode('orders', {
          code: { s3Bucket: 'b', s3Key: 'k.zip', s3ObjectVersion: 'v1' },
          sourceKmsKeyArn: 'arn:k',
        }),
      'PUT /2015-03-31/functions/orders/code',
      { S3Bucket: 'b', S3Key: 'k.zip', S3ObjectVersion: 'v1', SourceKMSKeyArn: 'arn:k' },
      { body: CONFIGURATION },
    ],
    [
      'an unversioned object is named without a version',
      (lambda) => lambda.updateFunctionCode('orders', { code: { s3Bucket: 'b', s3Key: 'k.zip' } }),
      'PUT /2015-03-31/functions/orders/code',
      { S3Bucket: 'b', S3Key: 'k.zip' },
      { body: CONFIGURATION },
    ],
    [
      'an image makes a function of package type Image',
      (lambda) => lambda.createFunction('orders', { settings: {}, code: { imageUri: 'r/app@sha256:1' }, tags: {} }),
      'POST /2015-03-31/functions',
      { FunctionName: 'orders', PackageType: 'Image', Code: { ImageUri: 'r/app@sha256:1' } },
      { status: 201, body: CONFIGURATION },
    ],
    [
      'a publish carries what it expects to find',
      (lambda) => lambda.publishVersion('orders', { description: '', codeSha256: 'abc=', revisionId: 'r1' }),
      'POST /2015-03-31/functions/orders/versions',
      { Description: '', CodeSha256: 'abc=', RevisionId: 'r1' },
      { status: 201, body: CONFIGURATION },
    ],
    [
      'an alias is created with its version alone',
      (lambda) => lambda.createAlias('orders', { name: 'live', version: '2' }),
      'POST /2015-03-31/functions/orders/aliases',
      { Name: 'live', FunctionVersion: '2' },
      { status: 201, body: ALIAS },
    ],
    [
      'moving an alias clears leftover weights in the same call',
      (lambda) =>
        lambda.updateAlias('orders', { name: 'live', version: '2', weights: {}, description: '', revisionId: 'a1' }),
      'PUT /2015-03-31/functions/orders/aliases/live',
      { FunctionVersion: '2', RoutingConfig: { AdditionalVersionWeights: {} }, Description: '', RevisionId: 'a1' },
      { body: ALIAS },
    ],
    [
      'tags go to the function',
      (lambda) => lambda.tagResource(ARN, { a: '' }),
      `POST /2017-03-31/tags/${encodeURIComponent(ARN)}`,
      { Tags: { a: '' } },
      { status: 204 },
    ],
    [
      'tags are removed by key',
      (lambda) => lambda.untagResource(ARN, ['a', 'b']),
      `DELETE /2017-03-31/tags/${encodeURIComponent(ARN)}?tagKeys=a&tagKeys=b`,
      undefined,
      { status: 204 },
    ],
    [
      'code signing is set by the ARN of a configuration',
      (lambda) => lambda.putFunctionCodeSigningConfig('orders', SIGNING),
      'PUT /2020-06-30/functions/orders/code-signing-config',
      { CodeSigningConfigArn: SIGNING },
      { body: { CodeSigningConfigArn: SIGNING, FunctionName: 'orders' } },
    ],
    [
      'code signing is removed',
      (lambda) => lambda.deleteFunctionCodeSigningConfig('orders'),
      'DELETE /2020-06-30/functions/orders/code-signing-config',
      undefined,
      { status: 204 },
    ],
    [
      'an invocation asks for the log and names the version',
      (lambda) => lambda.invoke('orders', '3', { payload: { ping: true } }, 5),
      'POST /2015-03-31/functions/orders/invocations?Qualifier=3',
      { ping: true },
      { body: {} },
    ],
  ];

  it.each(cases)('%s', async (_why, run, path, body, answer) => {
    const lambda = await port(answer);
    await run(lambda);
    expect(server.arrivals.map((arrival) => `${arrival.method} ${arrival.path}`)).toEqual([path]);
    expect(server.arrivals[0]?.body).toEqual(body);
  });

  it.each([
    ['a key that is no setting', { memory: 128 }],
    ['a setting that travels with the code', { architectures: ['arm64'] }],
    ['null, which the SDK would drop', { timeout: null }],
  ])('refuses %s before anything is sent', async (_why, settings) => {
    const lambda = await port({ body: CONFIGURATION });
    const error = await failure(lambda.updateFunctionConfiguration('orders', { settings: settings as object }));
    expect(error.code).toBe('INTERNAL');
    expect(server.arrivals).toEqual([]);
  });
});

describe('what comes back', () => {
  it('maps a whole function into the file’s spelling, variables and link secret', async () => {
    const lambda = await port({
      body: {
        Configuration: {
          ...CONFIGURATION,
          FunctionArn: `${ARN}:live`,
          Version: '7',
          KMSKeyArn: 'k',
          Timeout: 3,
          Architectures: ['x86_64'],
          Layers: [{ Arn: 'arn:layer:1', CodeSize: 9 }],
          VpcConfig: { SubnetIds: [], SecurityGroupIds: [], VpcId: '', Ipv6AllowedForDualStack: false },
          SnapStart: { ApplyOn: 'None', OptimizationStatus: 'Off' },
          LoggingConfig: { LogFormat: 'Text', LogGroup: '/aws/lambda/orders' },
          ImageConfigResponse: { ImageConfig: { EntryPoint: ['/x'] } },
          DurableConfig: { KMSKeyArn: 'd' },
          Environment: { Variables: { TOKEN: 'hunter2hunter2' } },
        },
        Code: { Location: 'https://bucket/key?X-Amz-Signature=s3cr3t' },
        Tags: { team: 'a' },
      },
    });
    const read = await lambda.getFunction('orders', 'live');
    expect(read?.arn).toBe(ARN);
    expect(read?.tags).toEqual({ team: 'a' });
    expect(read?.version.version).toBe('7');
    expect(read?.version.settings).toEqual({
      description: '',
      kmsKeyArn: 'k',
      timeout: 3,
      architectures: ['x86_64'],
      layers: ['arn:layer:1'],
      vpcConfig: { subnetIds: [], securityGroupIds: [], ipv6AllowedForDualStack: false },
      snapStart: { applyOn: 'None' },
      loggingConfig: { logFormat: 'Text', logGroup: '/aws/lambda/orders' },
      imageConfig: { entryPoint: ['/x'] },
      durableConfig: { kmsKeyArn: 'd' },
    });
    const environment = read?.version.environment as Record<string, Secret>;
    expect(reveal(environment['TOKEN'] as Secret)).toBe('hunter2hunter2');
    expect(JSON.stringify(read)).not.toMatch(/hunter2|s3cr3t/);
  });

  it('takes variables that AWS cannot decrypt for unreadable, not for none', async () => {
    const Environment = { Error: { ErrorCode: 'AccessDeniedException', Message: 'no kms:Decrypt' } };
    const lambda = await port({ body: { Configuration: { ...CONFIGURATION, Environment }, Tags: {} } });
    const read = await lambda.getFunction('orders');
    expect(read?.version.environment).toEqual({
      unreadable: 'AWS said: AccessDeniedException: no kms:Decrypt (needs kms:Decrypt on the function’s key)',
    });
  });

  it('takes an image configuration that AWS cannot read for unreadable', async () => {
    const ImageConfigResponse = { Error: { ErrorCode: 'AccessDenied', Message: 'no ecr' } };
    const lambda = await port({ body: { Configuration: { ...CONFIGURATION, ImageConfigResponse }, Tags: {} } });
    const read = await lambda.getFunction('orders');
    expect(isUnreadable(read?.version.settings.imageConfig as object)).toBe(true);
  });

  const withoutTags = { Configuration: CONFIGURATION };
  const tagCases: readonly [why: string, Canned, Canned, number, unknown][] = [
    ['no Tags in the answer: asks, and there are none', { body: withoutTags }, { body: { Tags: {} } }, 2, {}],
    [
      'no Tags in the answer: asks, and there are some',
      { body: withoutTags },
      { body: { Tags: { a: 'b' } } },
      2,
      { a: 'b' },
    ],
    [
      'no Tags and ListTags denied: unreadable',
      { body: withoutTags },
      awsError(403, 'AccessDeniedException', 'no lambda:ListTags'),
      2,
      { unreadable: expect.stringContaining('lambda:ListTags is denied') as string },
    ],
    [
      'TagsError: unreadable, naming the permission',
      { body: { ...withoutTags, TagsError: { ErrorCode: 'AccessDenied', Message: 'no' } } },
      { status: 500 },
      1,
      { unreadable: 'AWS said: AccessDenied: no (needs lambda:ListTags)' },
    ],
  ];
  it.each(tagCases)('%s', async (_why, fn, tags, calls, expected) => {
    const lambda = await port((arrival) => (arrival.path.includes('/tags/') ? tags : fn));
    expect((await lambda.getFunction('orders'))?.tags).toEqual(expected);
    expect(server.arrivals).toHaveLength(calls);
  });

  it('asks for the tags of an untagged function again only when its RevisionId moved', async () => {
    let revision = 'r1';
    const lambda = await port((arrival) =>
      arrival.path.includes('/tags/')
        ? { body: { Tags: {} } }
        : { body: { Configuration: { ...CONFIGURATION, RevisionId: revision } } },
    );
    for (revision of ['r1', 'r1', 'r1', 'r2']) await lambda.getFunction('orders');
    expect(server.arrivals.filter(({ path }) => path.includes('/tags/'))).toHaveLength(2);
  });

  it('reads every page of versions, without $LATEST', async () => {
    const lambda = await port((arrival) => {
      const second = arrival.path.includes('Marker=m1');
      const versions = second ? ['2'] : ['$LATEST', '1'];
      const Versions = versions.map((Version) => ({ ...CONFIGURATION, Version }));
      return { body: { Versions, ...(second ? {} : { NextMarker: 'm1' }) } };
    });
    expect((await lambda.listVersions('orders')).map(({ version }) => version)).toEqual(['1', '2']);
    expect(server.arrivals.map(({ path }) => path.split('?')[1])).toEqual(['MaxItems=50', 'Marker=m1&MaxItems=50']);
  });

  it('reads every page of aliases with their weights', async () => {
    const lambda = await port((arrival) =>
      arrival.path.includes('Marker')
        ? { body: { Aliases: [{ ...ALIAS, Name: 'b', RoutingConfig: { AdditionalVersionWeights: { '3': 0.1 } } }] } }
        : { body: { Aliases: [{ ...ALIAS, Name: 'a' }], NextMarker: 'm' } },
    );
    expect(await lambda.listAliases('orders')).toEqual([
      { name: 'a', version: '2', description: '', revisionId: 'a1', weights: {} },
      { name: 'b', version: '2', description: '', revisionId: 'a1', weights: { '3': 0.1 } },
    ]);
  });

  it('tells a handler that threw from its answer', async () => {
    const lambda = await port({
      headers: {
        'x-amz-function-error': 'Unhandled',
        'x-amz-executed-version': '3',
        'x-amz-log-result': Buffer.from('log é').toString('base64'),
      },
      body: { errorMessage: 'boom' },
    });
    expect(await lambda.invoke('orders', '3', {}, 5)).toEqual({
      statusCode: 200,
      functionError: 'Unhandled',
      executedVersion: '3',
      payload: '{"errorMessage":"boom"}',
      logTail: 'log é',
    });
  });
});

describe('provisioned concurrency', () => {
  const ask = async (answer: Canned) => (await port(answer)).hasProvisionedConcurrency('orders', 'live');
  const none = 'ProvisionedConcurrencyConfigNotFoundException';

  it('is there where AWS shows a configuration, and absent only where it says so', async () => {
    expect(await ask({ body: { Status: 'READY' } })).toBe(true);
    expect(await ask(awsError(404, none, 'No Provisioned Concurrency Config found for this function'))).toBe(false);
  });

  it.each([
    ['the alias is gone', awsError(404, 'ResourceNotFoundException', 'Cannot find alias arn: x'), 'AWS_NOT_FOUND'],
    ['it may not be read', awsError(403, 'AccessDeniedException', 'no'), 'AWS_ACCESS_DENIED'],
  ])('is not absent where %s', async (_why, answer, code) => {
    expect((await failure(ask(answer))).code).toBe(code);
  });
});

describe('RevisionIds', () => {
  const { RevisionId: _, ...without } = CONFIGURATION;

  it('are missed on AWS’s own endpoints', async () => {
    const lambda = await port({ body: { Configuration: without, Tags: {} } });
    expect((await failure(lambda.getFunction('orders'))).code).toBe('AWS_UNREADABLE');
  });

  it('are done without behind an override, which is said once', async () => {
    const notes: string[] = [];
    const lambda = await port(
      { body: { Configuration: without, Tags: {} } },
      { allowMissingRevisionId: true, onNote: (note) => notes.push(note) },
    );
    await lambda.getFunction('orders');
    expect((await lambda.getFunction('orders'))?.version).not.toHaveProperty('revisionId');
    expect(notes).toHaveLength(1);
  });
});

describe('failures', () => {
  const write = (lambda: LambdaPort) =>
    lambda.updateFunctionConfiguration('orders', {
      settings: {},
      environment: { TOKEN: new Secret('hunter2hunter2') },
    });
  const read = (lambda: LambdaPort) => lambda.getFunction('orders');
  const alias = (lambda: LambdaPort) => lambda.createAlias('orders', { name: 'live', version: '1' });
  const invoke = (lambda: LambdaPort) => lambda.invoke('orders', '1', {}, 5);

  const cases: readonly [why: string, Canned, (lambda: LambdaPort) => Promise<unknown>, string, RegExp, number][] = [
    [
      'a moved RevisionId',
      awsError(412, 'PreconditionFailedException', 'The Revision Id provided does not match'),
      write,
      'AWS_PRECONDITION_FAILED',
      /changed since it was read.*Revision Id.*request id req-1/,
      1,
    ],
    [
      'an update in progress',
      awsError(409, 'ResourceConflictException', 'An update is in progress for resource'),
      write,
      'AWS_CONFLICT',
      /another change is in progress/,
      1,
    ],
    [
      'an alias that exists',
      awsError(409, 'ResourceConflictException', 'Alias already exists'),
      alias,
      'AWS_CONFLICT',
      /^alias live of function orders exists already/,
      1,
    ],
    [
      'an alias that exists, in moto’s words',
      awsError(409, 'ConflictException', 'Conflict'),
      alias,
      'AWS_CONFLICT',
      /exists already/,
      1,
    ],
    [
      'a throttled write is not repeated by the SDK',
      awsError(429, 'TooManyRequestsException', 'Rate exceeded', { 'retry-after': '7' }),
      write,
      'AWS_THROTTLED',
      /Rate exceeded/,
      1,
    ],
    ['a 5xx to a write is ambiguous', awsError(500, 'ServiceException', 'oops'), write, 'AWS_AMBIGUOUS', /may have/, 1],
    [
      'a 5xx to an invocation is not repeated',
      awsError(500, 'ServiceException', 'oops'),
      invoke,
      'AWS_AMBIGUOUS',
      /x*/,
      1,
    ],
    [
      'a 502 of Invoke with a name is a definite answer',
      awsError(502, 'KMSAccessDeniedException', 'key'),
      invoke,
      'AWS_REFUSED',
      /KMSAccessDeniedException/,
      1,
    ],
    ['a dead connection after the request is ambiguous', { fault: 'reset' }, write, 'AWS_AMBIGUOUS', /ECONNRESET/, 1],
    ['a read is repeated before it fails', { fault: 'reset' }, read, 'AWS_AMBIGUOUS', /GetFunction/, 3],
    [
      'HTML in place of JSON, with the status of a failure',
      { status: 500, type: 'text/html', body: '<html>KeyError hunter2hunter2</html>' },
      write,
      'AWS_AMBIGUOUS',
      /not JSON/,
      1,
    ],
    [
      'HTML in place of JSON, with success: who knows',
      { status: 200, type: 'text/html', body: '<html>hunter2hunter2</html>' },
      write,
      'AWS_AMBIGUOUS',
      /not JSON/,
      1,
    ],
    [
      'a 404 that is not AWS’s is not absence',
      { status: 404, type: 'text/html', body: '<html></html>' },
      read,
      'AWS_REFUSED',
      /HTTP 404/,
      1,
    ],
    [
      'the 4 KB error repeats the map: own words',
      awsError(
        400,
        'InvalidParameterValueException',
        'environment variables you have provided exceeded the 4KB limit. String measured: {"TOKEN":"hunter2hunter2"}',
      ),
      write,
      'AWS_REFUSED',
      /exceed the limit of 4 KB.*request id req-1/,
      1,
    ],
    [
      'any message that repeats a variable: own words',
      awsError(400, 'ValidationException', "Value '{TOKEN=hunter2hunter2}' failed to satisfy constraint"),
      write,
      'AWS_REFUSED',
      /withheld/,
      1,
    ],
    [
      'a short value is hidden by the wording too',
      awsError(400, 'ValidationException', "Value '{A=hu}' at 'environment' failed to satisfy constraint"),
      write,
      'AWS_REFUSED',
      /withheld/,
      1,
    ],
    [
      'denied: the action and the resource',
      awsError(
        403,
        'AccessDeniedException',
        `User: u is not authorized to perform: lambda:GetFunction on resource: ${ARN}`,
      ),
      read,
      'AWS_ACCESS_DENIED',
      /lambda:GetFunction is denied for function orders/,
      1,
    ],
    [
      'denied invocation: the permission is called otherwise than the operation',
      awsError(403, 'AccessDeniedException', 'no'),
      invoke,
      'AWS_ACCESS_DENIED',
      /lambda:InvokeFunction is denied/,
      1,
    ],
    [
      'an expired token',
      awsError(403, 'ExpiredTokenException', 'The security token included in the request is expired'),
      read,
      'AWS_EXPIRED_CREDENTIALS',
      /expired/,
      1,
    ],
    [
      'an unknown key',
      awsError(403, 'UnrecognizedClientException', 'The security token is invalid'),
      write,
      'AWS_EXPIRED_CREDENTIALS',
      /invalid/,
      1,
    ],
    [
      'an oversized request',
      awsError(413, 'RequestEntityTooLargeException', 'Request must be smaller than 70167211 bytes'),
      write,
      'AWS_REFUSED',
      /70167211/,
      1,
    ],
    [
      'a write to what is not there',
      awsError(404, 'ResourceNotFoundException', 'Function not found'),
      write,
      'AWS_NOT_FOUND',
      /Function not found/,
      1,
    ],
  ];

  it.each(cases)('%s', async (_why, answer, run, code, detail, calls) => {
    const lambda = await port(answer);
    const error = await failure(run(lambda));
    expect(error.code).toBe(code);
    expect(error.detail).toMatch(detail);
    expect(error.detail).not.toContain('[object Object]');
    expect(`${error.message}${error.stack ?? ''}${JSON.stringify(error)}`).not.toContain('hunter2');
    expect(error.cause).toBeUndefined();
    expect(server.arrivals).toHaveLength(calls);
  });

  it('hands on how long AWS asks to wait', async () => {
    const lambda = await port(awsError(429, 'TooManyRequestsException', 'Rate exceeded', { 'retry-after': '7' }));
    expect((await failure(write(lambda))).retryAfterSeconds).toBe(7);
  });

  it('names the permission in the fix', async () => {
    const lambda = await port(awsError(403, 'AccessDeniedException', 'no'));
    expect((await failure(read(lambda))).fix).toBe('allow lambda:GetFunction for this identity.');
  });

  it('ends an invocation after its own timeout', async () => {
    const lambda = await port({ fault: 'hang' });
    const error = await failure(lambda.invoke('orders', '1', {}, 0.2));
    expect(error.code).toBe('AWS_AMBIGUOUS');
    expect(error.detail).toContain('0.2 s');
    expect(server.arrivals).toHaveLength(1);
  });

  it.each([
    ['a closed port', 'http://127.0.0.1:1'],
    ['a name that does not exist', 'http://nowhere.invalid'],
  ])('%s: nothing was sent', async (_why, endpoint) => {
    const lambda = await createLambda({ region: 'eu-west-1', endpoint, allowMissingRevisionId: true });
    const error = await failure(write(lambda));
    expect(error.code).toBe('AWS_UNREACHABLE');
    expect(error.detail).toContain('was not sent');
  });

  it('asks for a login when there are no credentials', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', '');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', '');
    const lambda = await port({ body: {} });
    const error = await failure(write(lambda));
    expect(error.code).toBe('AWS_EXPIRED_CREDENTIALS');
    expect(error.fix).toContain('log in');
    expect(server.arrivals).toEqual([]);
  });

  it.each([
    ['nothing names one', undefined],
    ['the environment has it empty', ''],
    ['it can be no host name', 'eu west 1'],
  ])('asks for a region when %s', async (_why, region) => {
    vi.stubEnv('AWS_REGION', region);
    const error = await failure(createLambda({ allowMissingRevisionId: false }));
    expect(error.code).toBe('REGION_MISSING');
  });

  it.each([
    ['the function is missing', (lambda: LambdaPort) => lambda.getFunction('orders')],
    ['the qualifier is missing', (lambda: LambdaPort) => lambda.getFunction('orders', 'live')],
    ['no aliases because no function', (lambda: LambdaPort) => lambda.listAliases('orders')],
    ['the alias is missing', (lambda: LambdaPort) => lambda.getAlias('orders', 'live')],
  ])('absent: %s', async (_why, run) => {
    const lambda = await port(awsError(404, 'ResourceNotFoundException', 'not found'));
    expect(await run(lambda)).toBeUndefined();
  });
});

describe('download', () => {
  it('brings the archive', async () => {
    const lambda = await port({ type: 'application/zip', body: 'PK' });
    const folder = await mkdtemp(join(tmpdir(), 'download-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const link = new Secret(`${server.address}/key?X-Amz-Signature=s3cr3t`);
    const sha256 = createHash('sha256').update('PK').digest('base64');
    const path = join(folder, 'a.zip');
    expect(await lambda.download(link, path)).toEqual({ path, bytes: 2, sha256 });
    expect(await readFile(path, 'utf8')).toBe('PK');
  });

  it.each([
    ['the link is not accepted', { status: 403, body: 's3cr3t' } as Canned, 'AWS_REFUSED'],
    ['the connection dies', { fault: 'reset' } as Canned, 'AWS_UNREACHABLE'],
  ])('%s, and the link is not told', async (_why, answer, code) => {
    const lambda = await port(answer);
    const link = new Secret(`${server.address}/key?X-Amz-Signature=s3cr3t`);
    const error = await failure(lambda.download(link, join(tmpdir(), 'never-written.zip')));
    expect(error.code).toBe(code);
    expect(`${error.message}${String(error.cause)}`).not.toContain('s3cr3t');
  });
});
