import { readdir, readFile } from 'node:fs/promises';
import { DeleteFunctionCommand } from '@aws-sdk/client-lambda';
import { describe, expect, it } from 'vitest';
import { createLambda } from '../../src/aws/lambda.js';
import { deployed, okHandler } from '../e2e/support.js';

describe('deleteVersion', () => {
  it('deletes the version with that number and nothing else', async () => {
    const it = await deployed();
    await it.code(okHandler('two'));
    expect((await it.run('apply', '--yes')).exitCode).toBe(0);
    it.mutations();
    const lambda = await createLambda({ region: 'us-east-1', endpoint: it.sandbox.url, allowMissingRevisionId: true });
    await lambda.deleteVersion('hello', '1');
    expect([...it.fn().versions.keys()]).toEqual(['2']);
    await expect(lambda.deleteVersion('hello', '2')).rejects.toMatchObject({ code: 'AWS_CONFLICT' });
    expect([...it.fn().versions.keys()]).toEqual(['2']);
    await expect(it.client.send(new DeleteFunctionCommand({ FunctionName: 'none', Qualifier: '1' }))).rejects.toThrow();
  });

  it.each([
    ...[
      '',
      ' ',
      '$LATEST',
      'live',
      '0',
      '00',
      '01',
      '-1',
      '+1',
      '1.0',
      '1e3',
      ' 1',
      '1 ',
      '1\n',
      '\n1',
      '١',
      '１',
      '*',
    ],
    ...['1,2', '1&Qualifier=2', '../1', '1/../..', 'null', 'undefined', '%31', '0x1'],
    ...([undefined, null, 0, -1, 1.5, Number.NaN, {}, [], ['live'], ['1', '2']] as unknown as string[]),
  ])('%j is refused before any call', async (number) => {
    // Nobody listens there: a call that is made answers AWS_UNREACHABLE.
    const lambda = await createLambda({
      region: 'us-east-1',
      endpoint: 'http://127.0.0.1:1',
      allowMissingRevisionId: true,
    });
    await expect(lambda.deleteVersion('hello', number)).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  it('is the only place that can delete a version or a function', async () => {
    const files = (await readdir('src', { recursive: true })).filter((file) => file.endsWith('.ts'));
    const hits = await Promise.all(
      files.map(async (file) => (await readFile(`src/${file}`, 'utf8')).split('DeleteFunctionCommand').length - 1),
    );
    expect(hits.reduce((sum, count) => sum + count, 0)).toBe(1);
  });
});
