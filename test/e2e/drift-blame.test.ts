import {
  LambdaClient,
  TagResourceCommand,
  UpdateAliasCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { expect, it, onTestFinished } from 'vitest';
import { CREDENTIALS } from '../sandbox/support.js';
import { deployed, type Document, fileOf, hello, type Stage } from './support.js';

function colleague({ sandbox }: Stage, accessKeyId: string): LambdaClient {
  const credentials = { ...CREDENTIALS, accessKeyId };
  const client = new LambdaClient({ endpoint: sandbox.url, region: 'us-east-1', credentials });
  onTestFinished(() => client.destroy());
  return client;
}

const arn = (name: string): string => `arn:aws:iam::123456789012:user/${name}`;

async function blamed(own: Stage, ...argv: string[]): Promise<[number | null, Document]> {
  const ran = await own.run('drift', '--blame', ...argv, '--format', 'json');
  return [ran.exitCode, ran.json().functions[0]];
}

it('--blame names who and when, by the newest call of somebody else that names the member', async () => {
  const own = await deployed({}, fileOf({ hello: hello({ tags: { team: 'us' } }) }));
  const [alice, bob] = [colleague(own, 'alice'), colleague(own, 'bob')];
  const FunctionName = 'hello';
  await own.clock.sleep(60_000);
  await alice.send(new UpdateFunctionConfigurationCommand({ FunctionName, MemorySize: 512 }));
  await own.clock.sleep(60_000);
  await bob.send(new UpdateFunctionConfigurationCommand({ FunctionName, Timeout: 60 }));
  await own.clock.sleep(60_000);
  await bob.send(new UpdateAliasCommand({ FunctionName, Name: 'live', Description: 'x' }));
  await alice.send(new TagResourceCommand({ Resource: own.fn().arn, Tags: { team: 'them' } }));
  const [exitCode, found] = await blamed(own);
  expect(exitCode).toBe(2);
  const by = found['differences'].map((one: Document) => [one['path'], one['by']?.who, one['by']?.operation]);
  expect(by).toEqual([
    ['timeout', arn('bob'), 'UpdateFunctionConfiguration'],
    ['memorySize', arn('alice'), 'UpdateFunctionConfiguration'],
    ['tags.team', arn('alice'), 'TagResource'],
  ]);
  expect((await own.run('drift', '--blame')).out).toMatch(
    /memorySize +recorded 128, live 512 +by arn:aws:iam::123456789012:user\/alice, 20\d\d-.*Z, UpdateFunctionConfiguration\n/,
  );
  expect(own.seen().filter((operation) => operation === 'LookupEvents')).toHaveLength(4);
});

it('--blame asks nothing where nothing moved, and nobody is blamed for what lambda-deploy did', async () => {
  const own = await deployed();
  expect(await blamed(own)).toMatchObject([0, { differences: [], notes: [] }]);
  expect(own.seen()).not.toContain('LookupEvents');
  // As if somebody edited without a trace: the only calls are the deployment's own.
  const { latest } = own.fn();
  latest.content = { ...latest.content, config: { ...latest.content.config, MemorySize: 512 } };
  const [exitCode, found] = await blamed(own);
  expect([exitCode, found['differences'][0].by]).toEqual([2, undefined]);
  expect(found['notes']).toEqual([expect.stringMatching(/^who changed it is not known: CloudTrail shows no call/)]);
});

it.each<[reason: string, status: number, code: string, note: RegExp]>([
  ['denied', 403, 'AccessDeniedException', /cloudtrail:LookupEvents is denied/],
  ['throttled', 400, 'ThrottlingException', /LookupEvents of CloudTrail's events failed/],
])('--blame, %s: a note, and the same exit code', async (_, status, code, note) => {
  const own = await deployed({
    intercept: ({ operation }) =>
      operation === 'LookupEvents' ? { kind: 'error', status, code, message: 'no' } : undefined,
  });
  await colleague(own, 'alice').send(
    new UpdateFunctionConfigurationCommand({ FunctionName: 'hello', MemorySize: 512 }),
  );
  const [exitCode, found] = await blamed(own);
  expect([exitCode, found['notes']]).toEqual([2, [expect.stringMatching(note)]]);
});
