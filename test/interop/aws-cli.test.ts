import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { backBackForward, digestBehind, type Look } from '../e2e/journey.js';
import { type Document, fileOf, hello, okHandler, type Stage, stage } from '../e2e/support.js';
import { type Answer, program, works } from './support.js';

const hasAws = await works('the aws CLI against the sandbox', 'aws', '--version');
const ROLE = 'arn:aws:iam::123456789012:role/cli';

interface Aws extends Stage {
  /** `aws lambda …` as typed; its JSON answer. Fails the test when it is refused. */
  aws(line: string): Promise<Document>;
  refused(line: string): Promise<Answer>;
}

async function awsStage(): Promise<Aws> {
  const run = await stage({ settleMs: 0 });
  await run.code(okHandler('one'));
  const call = (line: string): Promise<Answer> => {
    const words = ['lambda', ...line.trim().split(/\s+/), '--output', 'json'];
    return program(run.sandbox.url, run.folder, 'aws', words);
  };
  return {
    ...run,
    async aws(line) {
      const answer = await call(line);
      expect(answer.exitCode, `aws lambda ${line}\n${answer.err}`).toBe(0);
      return answer.out.trim() === '' ? {} : JSON.parse(answer.out);
    },
    async refused(line) {
      const answer = await call(line);
      expect(answer.exitCode, `aws lambda ${line}\n${answer.out}`).not.toBe(0);
      return answer;
    },
  };
}

const withCli: Look = async ({ sandbox, folder }, qualifier) => {
  // The folder of the deployments may be gone.
  const cwd = existsSync(folder) ? folder : tmpdir();
  const name = qualifier === undefined ? 'hello' : `hello:${qualifier}`;
  const words = ['lambda', 'get-function', '--function-name', name, '--output', 'json'];
  const answer = await program(sandbox.url, cwd, 'aws', words);
  expect(answer.exitCode, answer.err).toBe(0);
  const { Configuration: seen, Code, Tags = {} } = JSON.parse(answer.out) as Document;
  return {
    version: seen.Version,
    timeout: seen.Timeout,
    memorySize: seen.MemorySize,
    variables: seen.Environment?.Variables ?? {},
    codeSha256: seen.CodeSha256,
    bytes: await digestBehind(Code.Location),
    tags: Object.fromEntries(
      Object.entries(Tags as Record<string, string>).filter(([key]) => !key.startsWith('lambda-deploy:')),
    ),
  };
};

describe.skipIf(!hasAws)('the aws CLI sees every step of two rollbacks and a way forward', () => {
  it.each(['tags', 's3', 'file'] as const)(
    'as the records say, with the folder of the deployments gone (%s)',
    (store) => backBackForward(withCli, store),
    120_000,
  );
});

describe.skipIf(!hasAws)('the aws CLI sees what the tool did', () => {
  it('every value of the plan, the version, the alias and the tags are as the plan said', async () => {
    const run = await awsStage();
    await run.file(fileOf({ hello: hello({ tags: { team: 'a' } }) }));
    const plan = (await run.run('plan', '--format', 'json')).json()['functions'][0];
    expect((await run.run('apply', '--yes')).exitCode).toBe(0);
    const seen = await run.aws('get-function --function-name hello:live');
    const after = Object.fromEntries(plan.differences.map((one: Document) => [one['path'], one['after']]));
    expect(seen['Configuration']).toMatchObject({
      Runtime: after['runtime'],
      Handler: after['handler'],
      Role: after['role'],
      Timeout: after['timeout'],
      MemorySize: after['memorySize'],
      Environment: { Variables: { GREETING: 'Hello' } },
      CodeSha256: after['code'],
      Version: '1',
      State: 'Active',
    });
    expect(seen['Tags']['team']).toBe(after['tags.team']);
    expect(Object.keys(seen['Tags']).filter((key) => key.startsWith('lambda-deploy:'))).toHaveLength(1);
    const alias = await run.aws('get-alias --function-name hello --name live');
    expect(alias).toMatchObject({ Name: 'live', FunctionVersion: '1' });
    expect(alias).not.toHaveProperty('RoutingConfig');
  });

  it('what the aws CLI hangs on a function is found by drift --strict, and it reads the trail that blame reads', async () => {
    const run = await awsStage();
    await run.file(fileOf({ hello: hello() }));
    expect((await run.run('apply', '--yes')).exitCode).toBe(0);
    await run.aws('create-function-url-config --function-name hello --qualifier live --auth-type NONE');
    await run.aws(
      'add-permission --function-name hello --statement-id s3 --action lambda:InvokeFunction --principal s3.amazonaws.com',
    );
    const { Policy } = await run.aws('get-policy --function-name hello');
    expect(JSON.parse(Policy as string)).toMatchObject({ Statement: [{ Sid: 's3' }] });
    const queue = 'arn:aws:sqs:us-east-1:123456789012:jobs';
    await run.aws(`create-event-source-mapping --function-name hello --event-source-arn ${queue}`);
    await run.aws('put-function-event-invoke-config --function-name hello --maximum-retry-attempts 0');
    const ran = await run.run('drift', '--strict', '--blame', '--format', 'json');
    const { differences } = ran.json().functions[0];
    const told = differences.map((one: Document) => [
      one['path'].replace(/[0-9a-f-]{36}$/, 'UUID'),
      one['by']?.operation,
    ]);
    expect([ran.exitCode, told]).toEqual([
      2,
      [
        ['aliases.live.url', 'CreateFunctionUrlConfig'],
        ['eventInvokeConfig', 'PutFunctionEventInvokeConfig'],
        ['eventSources.UUID', 'CreateEventSourceMapping'],
        ['permissions.s3', 'AddPermission'],
      ],
    ]);
    const lookup = 'cloudtrail lookup-events --lookup-attributes AttributeKey=ResourceName,AttributeValue=hello';
    const answer = await program(run.sandbox.url, run.folder, 'aws', [...lookup.split(' '), '--output', 'json']);
    expect(answer.exitCode, answer.err).toBe(0);
    const [newest] = (JSON.parse(answer.out) as Document)['Events'];
    expect(newest).toMatchObject({ EventName: 'PutFunctionEventInvokeConfig', EventSource: 'lambda.amazonaws.com' });
  });

  it('what the aws CLI changes is drift, and apply mends it', async () => {
    const run = await awsStage();
    await run.file(fileOf({ hello: hello() }));
    expect((await run.run('apply', '--yes')).exitCode).toBe(0);
    await run.aws('update-function-configuration --function-name hello --timeout 9');
    const drift = await run.run('drift', '--format', 'json');
    expect(drift.exitCode).toBe(2);
    const found = drift.json()['functions'][0].differences;
    expect(found).toEqual([expect.objectContaining({ path: 'timeout', recorded: 5, live: 9 })]);
    expect((await run.run('apply', '--yes')).exitCode).toBe(0);
    expect(await run.aws('get-function-configuration --function-name hello')).toMatchObject({ Timeout: 5 });
  });
});

describe.skipIf(!hasAws)('the aws CLI and alarms', () => {
  it('sets one, which the next look sees, and is told of one that does not exist', async () => {
    const run = await awsStage();
    run.sandbox.state.stores.alarms.set('orders-errors', { type: 'metric', state: 'OK', reason: 'quiet' });
    const call = (line: string) => program(run.sandbox.url, run.folder, 'aws', ['cloudwatch', ...line.split(' ')]);
    const set = 'set-alarm-state --state-value ALARM --state-reason test --alarm-name';
    expect(await call(`${set} orders-errors`)).toMatchObject({ exitCode: 0, err: '' });
    const seen = await call('describe-alarms --alarm-names orders-errors --output json');
    expect(JSON.parse(seen.out)['MetricAlarms']).toMatchObject([{ StateValue: 'ALARM', StateReason: 'test' }]);
    expect((await call(`${set} gone`)).err).toContain('An error occurred (ResourceNotFound)');
  });
});

describe.skipIf(!hasAws)('the aws CLI uses the sandbox unchanged', () => {
  const create = `create-function --function-name cli --role ${ROLE} --runtime nodejs22.x --handler index.handler`;

  it('create, wait, update, publish, alias with weights, invoke with its log, tag, delete', async () => {
    const run = await awsStage();
    await run.aws(`${create} --zip-file fileb://function.zip`);
    await run.aws('wait function-active-v2 --function-name cli');
    expect(await run.aws('publish-version --function-name cli --description one')).toMatchObject({ Version: '1' });
    await run.code(okHandler('two'));
    await run.aws('update-function-code --function-name cli --zip-file fileb://function.zip');
    await run.aws('wait function-updated-v2 --function-name cli');
    expect(await run.aws('publish-version --function-name cli')).toMatchObject({ Version: '2' });

    const weights = '{"AdditionalVersionWeights":{"2":0.25}}';
    const alias = `--function-name cli --name live --function-version 1 --routing-config ${weights}`;
    expect(await run.aws(`create-alias ${alias}`)).toMatchObject({
      FunctionVersion: '1',
      RoutingConfig: { AdditionalVersionWeights: { '2': 0.25 } },
    });
    const clear =
      '--function-name cli --name live --function-version 2 --routing-config {"AdditionalVersionWeights":{}}';
    expect(await run.aws(`update-alias ${clear}`)).not.toHaveProperty('RoutingConfig');
    const invoked = await run.aws('invoke --function-name cli --qualifier live --log-type Tail answer.json');
    expect(invoked).toMatchObject({ StatusCode: 200, ExecutedVersion: '2' });
    expect(Buffer.from(invoked['LogResult'], 'base64').toString('utf8')).toContain('REPORT RequestId');
    expect(JSON.parse(await readFile(path.join(run.folder, 'answer.json'), 'utf8'))).toMatchObject({ body: 'two' });

    const arn = 'arn:aws:lambda:us-east-1:123456789012:function:cli';
    await run.aws(`tag-resource --resource ${arn} --tags team=a,cost=b`);
    await run.aws(`untag-resource --resource ${arn} --tag-keys cost`);
    expect(await run.aws(`list-tags --resource ${arn}`)).toEqual({ Tags: { team: 'a' } });
    await run.aws('delete-alias --function-name cli --name live');
    await run.aws('delete-function --function-name cli');
    expect((await run.refused('get-function --function-name cli')).err).toContain('ResourceNotFoundException');
  }, 240_000);

  it('lists page by page', async () => {
    const run = await awsStage();
    await run.aws(`${create} --zip-file fileb://function.zip --publish`);
    for (const name of ['a', 'b', 'c'])
      await run.aws(`create-alias --function-name cli --name ${name} --function-version 1`);
    const whole = await run.aws('list-aliases --function-name cli --page-size 1');
    expect(whole['Aliases'].map((one: Document) => one['Name'])).toEqual(['a', 'b', 'c']);
    expect(run.seen().filter((operation) => operation === 'ListAliases')).toHaveLength(3);
    const versions = await run.aws('list-versions-by-function --function-name cli --page-size 1');
    expect(versions['Versions'].map((one: Document) => one['Version'])).toEqual(['$LATEST', '1']);
  });

  it.each([
    ['a function twice', `${create} --zip-file fileb://function.zip`, 'ResourceConflictException', 'already exist'],
    ['a missing function', 'get-function --function-name nobody', 'ResourceNotFoundException', 'nobody'],
    [
      'a stale revision',
      'update-alias --function-name cli --name a --revision-id old',
      'PreconditionFailedException',
      '',
    ],
    ['a timeout over the limit', 'update-function-configuration --function-name cli --timeout 901', 'Exception', '900'],
    ['an alias on a missing version', 'create-alias --function-name cli --name b --function-version 9', 'NotFound', ''],
  ])('refuses %s as AWS does', async (_why, line, code, words) => {
    const run = await awsStage();
    await run.aws(`${create} --zip-file fileb://function.zip --publish`);
    await run.aws('create-alias --function-name cli --name a --function-version 1');
    const { err } = await run.refused(line);
    expect(err).toMatch(new RegExp(`An error occurred \\(\\w*${code}\\w*\\)`));
    expect(err).toContain(words);
  });
});
