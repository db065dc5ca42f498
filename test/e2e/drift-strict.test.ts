import {
  AddPermissionCommand,
  CreateEventSourceMappingCommand,
  CreateFunctionUrlConfigCommand,
  DeleteEventSourceMappingCommand,
  DeleteFunctionConcurrencyCommand,
  DeleteFunctionEventInvokeConfigCommand,
  DeleteFunctionUrlConfigCommand,
  PutFunctionConcurrencyCommand,
  PutFunctionEventInvokeConfigCommand,
  RemovePermissionCommand,
} from '@aws-sdk/client-lambda';
import { expect, it } from 'vitest';
import { type Document, deployed, type Stage } from './support.js';

const FunctionName = 'hello';
const Qualifier = 'live';

async function unmanaged(own: Stage, ...argv: string[]): Promise<[number | null, [string, unknown][]]> {
  const ran = await own.run('drift', ...argv, '--format', 'json');
  const { differences } = ran.json().functions[0];
  expect(differences.every((one: Document) => one['class'] === 'unmanaged')).toBe(true);
  return [ran.exitCode, differences.map((one: Document) => [one['path'], one['live']])];
}

it('--strict finds what nobody declared, and lets it count; without it nothing more is read', async () => {
  const own = await deployed();
  expect(await unmanaged(own, '--strict')).toEqual([0, []]);
  const send = own.client.send.bind(own.client);
  const { FunctionUrl: url } = await send(
    new CreateFunctionUrlConfigCommand({ FunctionName, Qualifier, AuthType: 'NONE' }),
  );
  const permission = { FunctionName, Action: 'lambda:InvokeFunction', Principal: 's3.amazonaws.com' };
  await send(new AddPermissionCommand({ ...permission, StatementId: 'own' }));
  await send(new AddPermissionCommand({ ...permission, StatementId: 'on-alias', Qualifier, Principal: '*' }));
  const queue = 'arn:aws:sqs:us-east-1:123456789012:jobs';
  const { UUID } = await send(
    new CreateEventSourceMappingCommand({ FunctionName: `${FunctionName}:${Qualifier}`, EventSourceArn: queue }),
  );
  await send(new PutFunctionEventInvokeConfigCommand({ FunctionName, MaximumRetryAttempts: 0 }));
  await send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 7 }));
  own.mutations();
  expect(await unmanaged(own)).toEqual([0, [['reservedConcurrentExecutions', 7]]]);
  expect(own.seen()).toEqual(expect.not.arrayContaining(['GetPolicy', 'ListFunctionUrlConfigs']));
  expect(await unmanaged(own, '--strict')).toEqual([
    2,
    [
      [`aliases.live.eventSources.${UUID}`, { eventSourceArn: queue, state: 'Enabled' }],
      ['aliases.live.permissions.on-alias', { principal: '*', action: 'lambda:InvokeFunction' }],
      ['aliases.live.url', { url, authType: 'NONE' }],
      ['eventInvokeConfig', { maximumRetryAttempts: 0 }],
      ['permissions.own', { principal: { Service: 's3.amazonaws.com' }, action: 'lambda:InvokeFunction' }],
      ['reservedConcurrentExecutions', 7],
    ],
  ]);
  expect((await own.run('drift', '--strict')).out).toContain('Undeclared. Nobody declared what is unmanaged');
  expect((await own.run('drift', '--strict', '--adopt')).exitCode).toBe(2);
  await send(new DeleteFunctionUrlConfigCommand({ FunctionName, Qualifier }));
  await send(new RemovePermissionCommand({ FunctionName, StatementId: 'own' }));
  await send(new RemovePermissionCommand({ FunctionName, StatementId: 'on-alias', Qualifier }));
  await send(new DeleteEventSourceMappingCommand({ UUID }));
  await send(new DeleteFunctionEventInvokeConfigCommand({ FunctionName }));
  await send(new DeleteFunctionConcurrencyCommand({ FunctionName }));
  expect(await unmanaged(own, '--strict')).toEqual([0, []]);
});

it('--strict without a permission that it needs is an error that names it', async () => {
  const own = await deployed({
    intercept: ({ operation }) =>
      operation === 'GetPolicy'
        ? { kind: 'error', status: 403, code: 'AccessDeniedException', message: 'not authorized' }
        : undefined,
  });
  const ran = await own.run('drift', '--strict');
  expect([ran.exitCode, ran.err]).toEqual([1, expect.stringContaining('lambda:GetPolicy')]);
});
