import {
  CreateFunctionCommand,
  DeleteFunctionCodeSigningConfigCommand,
  GetFunctionCodeSigningConfigCommand,
  PutFunctionCodeSigningConfigCommand,
} from '@aws-sdk/client-lambda';
import { expect, it, onTestFinished } from 'vitest';
import { startSandbox } from '../../src/sandbox/server.js';
import { clientOf } from './support.js';

const FunctionName = 'app';
const CodeSigningConfigArn = 'arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0123456789abcdef0';
const IMAGE = '123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1';

async function open() {
  const sandbox = await startSandbox({ images: { [IMAGE]: '/nonexistent' } });
  onTestFinished(() => sandbox.close());
  const client = clientOf(sandbox.url);
  onTestFinished(() => client.destroy());
  return client;
}

it('is refused for an image, on a create and later', async () => {
  const client = await open();
  const image = {
    FunctionName,
    PackageType: 'Image',
    Role: 'arn:aws:iam::123456789012:role/app',
    Code: { ImageUri: IMAGE },
  } as const;
  const refused = { name: 'InvalidParameterValueException' };
  await expect(client.send(new CreateFunctionCommand({ ...image, CodeSigningConfigArn }))).rejects.toMatchObject(
    refused,
  );
  await client.send(new CreateFunctionCommand(image));
  const put = new PutFunctionCodeSigningConfigCommand({ FunctionName, CodeSigningConfigArn });
  await expect(client.send(put)).rejects.toMatchObject(refused);
  expect(await client.send(new GetFunctionCodeSigningConfigCommand({ FunctionName }))).not.toHaveProperty(
    'CodeSigningConfigArn',
  );
});

it('of a function that does not exist is not found, and an ARN of another form is refused', async () => {
  const client = await open();
  const missing = { name: 'ResourceNotFoundException' };
  await expect(client.send(new GetFunctionCodeSigningConfigCommand({ FunctionName }))).rejects.toMatchObject(missing);
  await expect(client.send(new DeleteFunctionCodeSigningConfigCommand({ FunctionName }))).rejects.toMatchObject(
    missing,
  );
  const bad = new PutFunctionCodeSigningConfigCommand({ FunctionName, CodeSigningConfigArn: 'arn:aws:lambda:x' });
  await expect(client.send(bad)).rejects.toMatchObject({ name: 'ValidationException' });
});
