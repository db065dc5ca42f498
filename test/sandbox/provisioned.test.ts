import {
  CreateAliasCommand,
  DeleteProvisionedConcurrencyConfigCommand,
  GetProvisionedConcurrencyConfigCommand,
  PublishVersionCommand,
  PutProvisionedConcurrencyConfigCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
} from '@aws-sdk/client-lambda';
import { expect, it, vi } from 'vitest';
import { createLambda } from '../../src/aws/lambda.js';
import { bench, OTHER_ZIP, refusal } from './support.js';

const FunctionName = 'f';
const put = (Qualifier: string, ProvisionedConcurrentExecutions = 2) =>
  new PutProvisionedConcurrencyConfigCommand({ FunctionName, Qualifier, ProvisionedConcurrentExecutions });
const shift = (weights: Record<string, number>) =>
  new UpdateAliasCommand({ FunctionName, Name: 'live', RoutingConfig: { AdditionalVersionWeights: weights } });

/** A function with two versions and `live` on the first. */
async function open() {
  const run = await bench();
  await run.create(FunctionName);
  await run.client.send(new PublishVersionCommand({ FunctionName }));
  await run.client.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: OTHER_ZIP }));
  run.wait();
  await run.client.send(new PublishVersionCommand({ FunctionName }));
  await run.client.send(new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '1' }));
  return run;
}

it('is in progress until it settles', async () => {
  const { client, wait } = await open();
  const get = () => client.send(new GetProvisionedConcurrencyConfigCommand({ FunctionName, Qualifier: 'live' }));
  await client.send(put('live'));
  expect(await get()).toMatchObject({ Status: 'IN_PROGRESS', AvailableProvisionedConcurrentExecutions: 0 });
  wait();
  expect(await get()).toMatchObject({ Status: 'READY', AvailableProvisionedConcurrentExecutions: 2 });
});

it('does not go with weights, whichever came first', async () => {
  const { client } = await open();
  const refused = {
    status: 400,
    code: 'InvalidParameterValueException',
    message: 'Alias with weights can not be used with Provisioned Concurrency',
  };
  await client.send(shift({ '2': 0.1 }));
  expect(await refusal(client.send(put('live')))).toEqual(refused);
  await client.send(shift({}));
  await client.send(put('live'));
  expect(await refusal(client.send(shift({ '2': 0.1 })))).toEqual(refused);
  await client.send(new UpdateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '2' }));
  await client.send(new DeleteProvisionedConcurrencyConfigCommand({ FunctionName, Qualifier: 'live' }));
  await client.send(shift({ '1': 0.1 }));
});

it.each([
  ['$LATEST', '$LATEST', 1, 400, 'InvalidParameterValueException'],
  ['nothing at all', 'live', 0, 400, 'ValidationException'],
  ['a version that is not there', '9', 1, 404, 'ResourceNotFoundException'],
  ['an alias that is not there', 'gone', 1, 404, 'ResourceNotFoundException'],
])('is refused for %s', async (_why, qualifier, executions, status, code) => {
  const { client } = await open();
  expect(await refusal(client.send(put(qualifier, executions)))).toMatchObject({ status, code });
});

it('is told by the adapter of the tool, of an alias that has it and one that has not', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'x');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'sandbox');
  try {
    const { client, sandbox } = await open();
    const lambda = await createLambda({ endpoint: sandbox.url, region: 'us-east-1', allowMissingRevisionId: false });
    expect(await lambda.hasProvisionedConcurrency(FunctionName, 'live')).toBe(false);
    await client.send(put('live'));
    expect(await lambda.hasProvisionedConcurrency(FunctionName, 'live')).toBe(true);
  } finally {
    vi.unstubAllEnvs();
  }
});
