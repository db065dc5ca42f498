import { fileURLToPath } from 'node:url';
import { GetAliasCommand, GetFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { describe, expect, it } from 'vitest';
import {
  deployed,
  type Document,
  failsFromSecondCall,
  fileOf,
  hello,
  okHandler,
  type Ran,
  type Stage,
  stage,
  throwingHandler,
} from '../e2e/support.js';
import { Build } from './runner.js';
import { jobEnv, standIn } from './support.js';

/*
 * What the aws-lambda-deploy plugin (v1.0.0) gets wrong, as far as its own code and documentation show: each line says what it does,
 * and each test has an assertion that fails for whoever does the same.
 */

const LIVE = { FunctionName: 'hello', Qualifier: 'live' };

const servedBy = ({ client }: Stage) => client.send(new GetFunctionConfigurationCommand(LIVE));

async function aliasOf({ client }: Stage): Promise<{ readonly version: string | undefined; readonly weights: object }> {
  const { FunctionVersion: version, RoutingConfig } = await client.send(
    new GetAliasCommand({ FunctionName: 'hello', Name: 'live' }),
  );
  return { version, weights: RoutingConfig?.AdditionalVersionWeights ?? {} };
}

const apply = (it: Stage): Promise<Ran> => it.run('apply', '--yes');

describe('1. it publishes a version, and updates the configuration afterwards', () => {
  it('so that what the alias serves never has it; here it has', async () => {
    const it = await deployed();
    await it.file(fileOf({ hello: hello({ timeout: 9, environment: { GREETING: 'Servus' } }) }));
    expect((await apply(it)).exitCode).toBe(0);
    expect(await servedBy(it)).toMatchObject({ Timeout: 9, Environment: { Variables: { GREETING: 'Servus' } } });
  });
});

describe('2. `auto-rollback: true` writes meta-data and exits 1; `mode: rollback` does nothing after a deployment that succeeded', () => {
  it('so that callers stay on the bad version; here the alias is back before the run ends', async () => {
    const it = await deployed();
    await it.code(failsFromSecondCall);
    expect((await apply(it)).exitCode).toBe(4);
    expect(await aliasOf(it)).toEqual({ version: '1', weights: {} });
  });

  it('here a rollback goes back from a deployment that succeeded', async () => {
    const it = await deployed();
    await it.code(okHandler('two'));
    expect((await apply(it)).exitCode).toBe(0);
    expect((await it.run('rollback', '--yes')).exitCode).toBe(0);
    expect(await aliasOf(it)).toEqual({ version: '1', weights: {} });
  });
});

describe('3. it leaves the weights of a canary: a linear rollout ends with the additional version at 1.0', () => {
  it('so that the primary version stays the old one; here the primary moves, and no weight is left', async () => {
    const rollout = { steps: ['25%', '50%'], interval: '1s' };
    const aliases = { live: { healthCheck: { expect: { status: 200 } }, rollout } };
    const it = await deployed({}, fileOf({ hello: hello({ aliases }) }));
    await it.code(okHandler('two'));
    expect((await apply(it)).exitCode).toBe(0);
    expect(await aliasOf(it)).toEqual({ version: '2', weights: {} });
  });
});

describe('4. its health check looks for `FunctionError` in the payload, and does not use its timeout', () => {
  it('so that a handler that throws is healthy; here it gets no traffic', async () => {
    const it = await deployed();
    await it.code(throwingHandler('broken'));
    const ran = await apply(it);
    expect([ran.exitCode, await aliasOf(it)]).toEqual([4, { version: '1', weights: {} }]);
  });

  it('so that a handler that is slower than the check allows is healthy; here it gets no traffic', async () => {
    const aliases = { live: { healthCheck: { expect: { status: 200 }, timeout: '1s' } } };
    const it = await deployed({}, fileOf({ hello: hello({ aliases }) }));
    await it.code(
      'export const handler = () => new Promise((end) => setTimeout(() => end({ statusCode: 200 }), 1500));',
    );
    const ran = await apply(it);
    expect([ran.exitCode, await aliasOf(it)]).toEqual([4, { version: '1', weights: {} }]);
  });
});

describe('5. it drops the maps `environment` and `image-config`, which the agent flattens', () => {
  const image = '123456789012.dkr.ecr.us-east-1.amazonaws.com/hello:stable';

  it('so that a function has no variable and no command; here it has both', async () => {
    const it = await stage({
      images: { [image]: fileURLToPath(new URL('../../examples/buildkite-container/handler', import.meta.url)) },
    });
    const imageConfig = { command: ['app.handler'], workingDirectory: '/tmp' };
    const environment = { FORMAT: 'png' };
    const { role, aliases } = hello() as { role: string; aliases: Document };
    await it.file(fileOf({ hello: { code: { image }, imageConfig, environment, role, aliases } }));
    const ran = await apply(it);
    expect(ran.exitCode, ran.out + ran.err).toBe(0);
    expect(await servedBy(it)).toMatchObject({
      Environment: { Variables: environment },
      ImageConfigResponse: { ImageConfig: { Command: imageConfig.command, WorkingDirectory: '/tmp' } },
    });
  });
});

describe('6. it is a post-command hook, which runs after a command that failed or was cancelled, too', () => {
  it.each([
    ['failed', 'exit 1', 1],
    ['was cancelled', 'kill -TERM $$', 143],
  ])('so that it deploys what a build that %s left; here nothing is called', async (_, broken, exitCode) => {
    const it = await stage();
    await it.file(fileOf({ hello: hello() }));
    await it.code(okHandler('one'));
    const { out } = await it.run('pipeline', '--build', broken);
    const env = { AWS_ENDPOINT_URL: it.sandbox.url, AWS_ACCESS_KEY_ID: 'me', AWS_SECRET_ACCESS_KEY: 'sandbox' };
    const build = await Build.of(out, { checkout: it.folder, env });
    await build.run();
    expect(build.job('plan').exitCode, build.job('plan').log).toBe(exitCode);
    expect([build.keys.includes('apply'), it.seen(), await build.agent.calls()]).toEqual([false, [], []]);
  });
});

describe('7. it writes an empty value to the meta-data at a first deployment, which the agent refuses', () => {
  it('so that a first deployment fails; here it succeeds, and every key has a value', async () => {
    const build = await standIn();
    const it = await stage();
    await it.file(fileOf({ hello: hello() }));
    await it.code(okHandler('one'));
    const plan = await it.runWith({ env: jobEnv(build, 'plan') }, 'plan', '--out', 'plan.zip');
    expect(plan.exitCode, plan.err).toBe(0);
    const ran = await it.runWith({ env: jobEnv(build, 'apply') }, 'apply', 'plan.zip', '--plan-step', 'plan');
    expect(ran.exitCode, ran.out + ran.err).toBe(0);
    const metaData = await build.metaData();
    expect(metaData).toMatchObject({ 'deployment:aws_lambda:hello:current_version': '1' });
    expect(Object.values(metaData).filter((value) => value.trim() === '')).toEqual([]);
    expect((await build.calls()).filter((call) => call.exitCode !== 0)).toEqual([]);
  });
});

describe('8. its state is in the meta-data of one build', () => {
  it('so that no other build can roll back; here one can, from a checkout without the archive', async () => {
    const it = await deployed();
    await it.code(okHandler('two'));
    expect((await it.runWith({ env: jobEnv(await standIn(), 'apply') }, 'apply', '--yes')).exitCode).toBe(0);
    await it.write('function.zip', 'no archive');
    const other = await standIn();
    const ran = await it.runWith({ env: jobEnv(other, 'rollback') }, 'rollback', '--yes');
    expect(ran.exitCode, ran.out + ran.err).toBe(0);
    expect(await aliasOf(it)).toEqual({ version: '1', weights: {} });
  });
});

describe('9. it changes AWS in every build: three writes to deploy what is deployed already', () => {
  it('so that every build is a deployment; here the second one writes nothing', async () => {
    const it = await deployed();
    const ran = await apply(it);
    expect([ran.exitCode, it.mutations()]).toEqual([0, []]);
  });
});
