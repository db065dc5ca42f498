import * as lambda from '@aws-sdk/client-lambda';
import { unzipSync } from 'fflate';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { LAMBDA_OPERATIONS } from '../../src/sandbox/routes.js';
import { formsOf } from '../e2e/planted.js';
import { type Document, fileOf, hello, okHandler } from '../e2e/support.js';
import type { Build } from './runner.js';
import { type BuildStage, buildStage } from './stage.js';

/** With everything that an encoding changes. */
const FROM_SSM = 'pl4nted "s3cret"+/ vàlue %41';
const FROM_THE_AGENT = 'an-agent-s3cret/of+its own';
const SET_BY_HAND = 'f0reign s3cret of "somebody"';
const PLANTED = [FROM_SSM, FROM_THE_AGENT, SET_BY_HAND];

const LEAKS = `export const handler = async () => {
  for (const form of [String, JSON.stringify, encodeURIComponent, (text) => Buffer.from(text).toString('base64')])
    for (const value of [process.env.KEY, process.env.TOKEN]) console.log('leak', form(value));
  throw new Error('no access with ' + process.env.KEY);
};`;

const FILE: Document = fileOf({
  hello: hello({ environment: { KEY: '${ssm:/hello/key}', TOKEN: '${secret:AGENT_TOKEN}', GREETING: 'Hello' } }),
});

const team = (): Promise<BuildStage> =>
  buildStage({
    file: FILE,
    code: okHandler('one'),
    steps: ['apply', 'rollback'],
    seed: { parameters: { '/hello/key': FROM_SSM } },
  });

const env = { AGENT_TOKEN: FROM_THE_AGENT };

async function deploy(it: BuildStage): Promise<Build> {
  const build = await it.build({ env });
  await build.run();
  await build.unblock('approve');
  return build;
}

/** Everything that a build has left anywhere, archives opened; what the agent's redactor was told is what must not be elsewhere. */
async function leftBy(build: Build): Promise<readonly string[]> {
  const { folder } = build.agent;
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name !== 'secrets.jsonl');
  const read = await Promise.all(files.map((entry) => readFile(path.join(entry.parentPath, entry.name))));
  return [...read.flatMap(opened), ...build.jobs.map(({ log }) => log)];
}

function opened(bytes: Uint8Array): string[] {
  if (bytes[0] !== 0x50 || bytes[1] !== 0x4b) return [Buffer.from(bytes).toString()];
  return Object.values(unzipSync(bytes)).flatMap(opened);
}

it('no secret is in a log, an annotation, an artifact, the meta-data or an uploaded step', async () => {
  const it = await team();
  const first = await deploy(it);
  expect(first.state('apply'), first.job('apply').log).toBe('passed');
  const arrived = await it.client.send(new lambda.GetFunctionConfigurationCommand({ FunctionName: 'hello' }));
  expect(arrived.Environment?.Variables).toMatchObject({ KEY: FROM_SSM, TOKEN: FROM_THE_AGENT });
  const Variables = { ...arrived.Environment?.Variables, EXTRA: SET_BY_HAND };
  await it.client.send(
    new lambda.UpdateFunctionConfigurationCommand({ FunctionName: 'hello', Environment: { Variables } }),
  );

  await it.code(LEAKS);
  const second = await deploy(it);
  expect(second.job('apply').exitCode, second.job('apply').log).toBe(4);
  expect(second.job('apply').log).toContain('leak');
  await it.client.send(
    new lambda.UpdateFunctionConfigurationCommand({ FunctionName: 'hello', Environment: { Variables } }),
  );
  const pull = await it.build({ env, branch: 'feature', pullRequest: { number: 7, isFork: false } });
  const night = await it.build({ env, source: 'schedule' });
  for (const build of [pull, night]) await build.run();
  expect([pull.job('plan').exitCode, night.job('drift').exitCode]).toEqual([0, 2]);

  const texts = (await Promise.all([first, second, pull, night].map(leftBy))).flat();
  expect((await first.agent.annotations()).length).toBeGreaterThan(0);
  expect(texts.some((text) => text.includes('concurrency_group'))).toBe(true);
  expect(texts.some((text) => text.includes('"inputs"'))).toBe(true);
  for (const text of texts)
    for (const value of PLANTED)
      for (const form of formsOf(value)) expect(text, `a planted value, as ${form}`).not.toContain(form);
  console.log(`searched ${texts.length} logs, annotations, artifacts, meta-data and uploads of four builds`);
}, 240_000);

/** What an operation may need to be sent at all. */
const INPUT = {
  FunctionName: 'hello',
  Name: 'live',
  FunctionVersion: '1',
  Qualifier: '1',
  Resource: 'arn:aws:lambda:us-east-1:123456789012:function:hello',
  Tags: { a: 'b' },
  TagKeys: ['a'],
  Role: 'arn:aws:iam::123456789012:role/hello',
  Code: { ZipFile: new Uint8Array([1]) },
  ReservedConcurrentExecutions: 0,
  CodeSigningConfigArn: 'arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0123456789abcdef0',
  AuthType: 'NONE',
  StatementId: 'a',
  Action: 'lambda:InvokeFunction',
  Principal: '*',
  ProvisionedConcurrentExecutions: 1,
  EventSourceArn: 'arn:aws:sqs:us-east-1:123456789012:queue',
  UUID: '01890000-0000-4000-8000-000000000042',
  LayerName: 'a',
  Content: {},
};

it('whoever has the role of a pull request’s plan changes nothing: every operation that would is refused', async () => {
  const it = await team();
  const first = await deploy(it);
  expect(first.state('apply'), first.job('apply').log).toBe('passed');
  const look = async (): Promise<unknown> => {
    const { Configuration, Tags } = await it.client.send(new lambda.GetFunctionCommand({ FunctionName: 'hello' }));
    const { Aliases } = await it.client.send(new lambda.ListAliasesCommand({ FunctionName: 'hello' }));
    return { Configuration, Tags, Aliases };
  };
  const before = await look();
  const pull = new lambda.LambdaClient({
    endpoint: await it.client.config.endpoint?.(),
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'lambda-deploy-plan', secretAccessKey: 'sandbox' },
  } as lambda.LambdaClientConfig);
  onTestFinished(() => pull.destroy());
  const changing = LAMBDA_OPERATIONS.filter((name) => !/^(Get|List)/.test(name));
  const answers = changing.map(async (name) => {
    const Command = (lambda as unknown as Record<string, new (input: object) => lambda.GetFunctionCommand>)[
      `${name}Command`
    ];
    if (Command === undefined) return [name, 'no such command'];
    const answer = await pull.send(new Command(INPUT)).then(
      () => 'done',
      (error: Error) => error.name,
    );
    return [name, answer];
  });
  const told = Object.fromEntries((await Promise.all(answers)) as [string, string][]);
  expect(told).toEqual(Object.fromEntries(changing.map((name) => [name, 'AccessDeniedException'])));
  expect(changing).toEqual(expect.arrayContaining(['UpdateFunctionCode', 'UpdateAlias', 'Invoke', 'TagResource']));
  expect(await look()).toEqual(before);
  console.log(`${changing.length} operations were refused`);
}, 120_000);
