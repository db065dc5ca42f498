import { LambdaClient, UpdateFunctionConfigurationCommand, GetAliasCommand } from '@aws-sdk/client-lambda';
import { expect, it, onTestFinished } from 'vitest';
import { startSandbox } from '../../src/sandbox/server.js';
import { CREDENTIALS } from '../sandbox/support.js';
import { type Document, fileOf, hello, okHandler, project, type Ran, spawnCli, throwingHandler } from './support.js';

/** Long enough to be seen, short enough to be waited for in real time. */
const SETTLE_MS = 60;

it.each([
  ['tags', {}],
  ['file', { metadata: 'file:records' }],
])(
  'the whole story on the built program, records in %s',
  async (_store, metadata: Document) => {
    const sandbox = await startSandbox({ settleMs: SETTLE_MS });
    onTestFinished(() => sandbox.close());
    const client = new LambdaClient({ endpoint: sandbox.url, region: 'us-east-1', credentials: CREDENTIALS });
    onTestFinished(() => client.destroy());
    const { file, code, folder } = await project();
    const cli = async (...argv: string[]): Promise<Ran> =>
      spawnCli(argv, { cwd: folder, env: { AWS_ENDPOINT_URL: sandbox.url } }).done;
    const served = async (): Promise<string | undefined> =>
      (await client.send(new GetAliasCommand({ FunctionName: 'hello', Name: 'live' }))).FunctionVersion;
    await file(fileOf({ hello: hello() }, metadata));
    await code(okHandler('one'));

    expect(await cli('validate')).toMatchObject({ exitCode: 0, out: 'Valid. 1 function: hello\n', err: '' });
    expect(sandbox.calls).toHaveLength(0);

    const planned = await cli('plan', '--detailed-exitcode');
    expect(planned).toMatchObject({ exitCode: 2, err: '' });
    expect(planned.out).toMatch(/CreateFunction[^]*PublishVersion[^]*Invoke[^]*CreateAlias/);
    expect(sandbox.calls.some(({ mutating }) => mutating)).toBe(false);

    const first = await cli('apply', '--yes');
    expect(first).toMatchObject({ exitCode: 0 });
    expect(first.out).toMatch(/Apply succeeded/);
    expect(await served()).toBe('1');
    expect(await cli('plan', '--detailed-exitcode')).toMatchObject({ exitCode: 0, err: '' });
    expect(await cli('drift')).toMatchObject({ exitCode: 0, err: '' });

    await client.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'hello', MemorySize: 512 }));
    const drifted = await cli('drift');
    expect(drifted).toMatchObject({ exitCode: 2, err: '' });
    expect(drifted.out).toMatch(/memorySize.*recorded 128, live 512/);
    expect((await cli('plan')).out).toMatch(/memorySize.*512 → 128.*drift/);
    expect(await cli('apply', '--yes')).toMatchObject({ exitCode: 0 });
    expect(await cli('drift')).toMatchObject({ exitCode: 0 });
    // The alias was right all the time: $LATEST is repaired, nothing is published, nothing moves.
    expect(await served()).toBe('1');

    await code(throwingHandler('the database is gone'));
    const stopped = await cli('apply', '--yes');
    expect(stopped.exitCode).toBe(4);
    expect(stopped.out).toMatch(/HEALTH_CHECK_FAILED.*the database is gone/);
    expect(stopped.err).toMatch(/about to fail/);
    expect(await served()).toBe('1');
    expect((await cli('history', '--format', 'json')).json().records[0]).toMatchObject({
      result: 'failed',
      version: '1',
    });

    await code(okHandler('two'));
    expect(await cli('apply', '--yes')).toMatchObject({ exitCode: 0 });
    expect(await served()).toBe('3');

    const back = await cli('rollback', '--yes');
    expect(back).toMatchObject({ exitCode: 0 });
    expect(back.out).toMatch(/live: version 1 \(was 3\)/);
    expect(await served()).toBe('1');
    expect(await cli('drift')).toMatchObject({ exitCode: 0 });

    const { records } = (await cli('history', '--format', 'json')).json();
    expect(records.map(({ action, result, version }: Document) => [action, result, version])).toEqual([
      ['rollback', 'succeeded', '1'],
      ['deploy', 'succeeded', '3'],
      ['deploy', 'failed', '1'],
      ['deploy', 'succeeded', '1'],
      ['deploy', 'succeeded', '1'],
    ]);
    expect(records[1]).toMatchObject({ takenBack: true });
    const table = (await cli('history')).out;
    expect(table).toMatch(/3 \(was 1\) +succeeded .*taken back/);
    expect(table).toMatch(/1 \(was 3\) +succeeded .*rollback to/);
    // Git is ahead of what is live, and the plan says so.
    expect(await cli('plan', '--detailed-exitcode')).toMatchObject({ exitCode: 2 });
  },
  60_000,
);
