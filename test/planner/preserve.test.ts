import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { GetAliasCommand } from '@aws-sdk/client-lambda';
import { strToU8, zipSync } from 'fflate';
import { openBench } from '../fields/bench.js';
import { stubCredentials } from './cli.js';

beforeEach(stubCredentials);
afterEach(() => vi.unstubAllEnvs());

it('an alias on $LATEST goes back to the version that keeps it, never to a $LATEST that has changed', async () => {
  const bad = zipSync({
    'index.js': strToU8(`exports.handler = async (event, context) => {
      if (context.invokedFunctionArn.endsWith(':live')) throw new Error('not through the alias');
    };`),
  });
  const bench = await openBench({ bad });
  await bench.apply({ aliases: { live: { version: '$LATEST' } } });

  const failed = await bench.run(
    { code: { zip: 'bad.zip' }, aliases: { live: { healthCheck: { timeout: 10 } } } },
    'apply',
    '--yes',
  );

  expect(failed.exitCode, failed.stdout + failed.stderr).toBe(4);
  const alias = await bench.client.send(new GetAliasCommand({ FunctionName: 'app', Name: 'live' }));
  expect(alias.FunctionVersion).toBe('1');
  expect((await bench.live('1')).CodeSha256).not.toBe((await bench.live()).CodeSha256);
});
