import { UpdateFunctionConfigurationCommand, CreateAliasCommand } from '@aws-sdk/client-lambda';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parsePolicies } from '../../src/sandbox/iam-policy.js';
import { deployed, type Document, fileOf, hello, okHandler, spawnCli, stage } from './support.js';

const widest = (text: string): number => Math.max(...text.split('\n').map((line) => line.length));

const MANUAL = {
  live: { rollout: { steps: ['10%'], interval: '1m', promotion: 'manual' } },
};

describe('status', () => {
  it('shows state, aliases, the last record, drift and what nobody declared, on a screen, with three reads', async () => {
    const it = await deployed();
    await it.client.send(new CreateAliasCommand({ FunctionName: 'hello', Name: 'by-hand', FunctionVersion: '1' }));
    await it.client.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'hello', MemorySize: 512 }));
    it.mutations();
    const ran = await it.runWith({ env: { BUILDKITE_COMMIT: 'x' } }, 'status');
    expect(ran.exitCode, ran.err).toBe(0);
    expect(it.seen().sort()).toEqual(['GetFunction', 'GetFunction', 'ListAliases']);
    expect(ran.out).toMatch(/^hello {2}Active, last update InProgress$/m);
    expect(ran.out).toMatch(/^ {2}live {2}version 1 {2}since \d+ s {2}succeeded \d+ s ago/m);
    expect(ran.out).toContain('not declared: alias by-hand → version 1');
    expect(ran.out).toContain('drift: memorySize');
    expect(widest(ran.out)).toBeLessThanOrEqual(100);
    expect(it.mutations()).toEqual([]);
  });

  it('needs neither archive nor variables, and says that a function does not exist', async () => {
    const it = await deployed();
    await rm(path.join(it.folder, 'function.zip'));
    const secret = { KEY: '${NOT_SET_HERE}' };
    await it.file(fileOf({ hello: hello({ environment: secret }), other: hello({ name: 'not-there' }) }));
    const ran = await it.run('status', '--format', 'json');
    expect(ran.exitCode, ran.err).toBe(0);
    expect(ran.json()).toMatchObject({
      formatVersion: '1',
      command: 'status',
      functions: [
        {
          name: 'hello',
          status: 'found',
          latest: { state: 'Active', lastUpdateStatus: 'Successful' },
          aliases: [
            {
              name: 'live',
              version: '1',
              weights: {},
              sinceFrom: 'record',
              lastRecord: { action: 'deploy', result: 'succeeded' },
              markers: [],
            },
          ],
          undeclaredAliases: [],
        },
        { name: 'not-there', status: 'missing', drift: { state: 'unrecorded' } },
      ],
    });
    expect((await it.run('status')).out).toContain('not-there  does not exist');
  });

  it('a function that cannot be read is an error of its own, and the others are shown', async () => {
    const allow = { Effect: 'Allow', Action: '*', Resource: '*' };
    const policies = parsePolicies(
      JSON.stringify({
        Statement: [allow, { Effect: 'Deny', Action: '*', Resource: 'arn:aws:lambda:*:*:function:closed*' }],
      }),
    );
    const it = await stage({ settleMs: 0, iamPolicy: policies });
    await it.code(okHandler('one'));
    await it.file(fileOf({ hello: hello() }));
    expect((await it.run('apply', '--yes')).exitCode).toBe(0);
    await it.file(fileOf({ closed: hello(), hello: hello() }));
    const ran = await it.run('status');
    expect(ran.exitCode).toBe(1);
    expect(ran.out).toMatch(/^closed {2}cannot be read\n {2}error\[AWS_ACCESS_DENIED\]/m);
    expect(ran.out).toMatch(/^hello {2}Active$/m);
    const json = await it.run('status', '--format', 'json');
    expect(json.json()['functions'].map((one: Document) => one['status'])).toEqual(['unreadable', 'found']);
    const alone = await it.run('status', '--function', 'closed');
    expect([alone.exitCode, alone.err]).toEqual([1, expect.stringContaining('error[AWS_ACCESS_DENIED]')]);
  });

  it('a rollout that waits, and then is past its time', async () => {
    const it = await deployed({ settleMs: 0 }, fileOf({ hello: hello({ aliases: MANUAL }) }));
    await it.code(okHandler('two'));
    expect((await it.run('apply', '--yes')).exitCode).toBe(0);
    const waits = await it.run('status');
    expect(waits.out).toContain('version 1, 10 % on 2');
    expect(waits.out).toMatch(/waits: live, version 2 with 10 % since .*; promote or abort/);
    await it.clock.sleep(120_000);
    expect((await it.run('status')).out).toMatch(/abandoned: live, version 2 with 10 %/);
  });

  it('an alias that a rollback holds, until the code changes', async () => {
    const it = await deployed({ settleMs: 0 });
    await it.code(okHandler('two'));
    expect((await it.run('apply', '--yes')).exitCode).toBe(0);
    expect((await it.run('rollback', '--yes')).exitCode).toBe(0);
    const ran = await it.run('status');
    expect(ran.out).toMatch(/held: live, a rollback( by .*)? took back version 2/);
    expect(ran.out).toContain('rollback succeeded');
    await it.code(okHandler('three'));
    expect((await it.run('status')).out).not.toContain('held:');
  });

  it('a long name moves nothing out of the screen', async () => {
    const alias = 'a'.repeat(64);
    const file = fileOf({ [`f${'n'.repeat(63)}`]: hello({ aliases: { [alias]: {} } }) });
    const it = await deployed({ settleMs: 0 }, file);
    const ran = await it.run('status');
    expect(ran.out).toContain(`\n  ${alias}\n`);
    expect(widest(ran.out)).toBeLessThanOrEqual(100);
    const markdown = await it.run('status', '--format', 'markdown');
    expect(markdown.out).toMatch(/^\| function \| \\\$LATEST \| alias \|/);
  });
});

it('status on the built program', async () => {
  const it = await deployed({ settleMs: 0 });
  const ran = await spawnCli(['status', '--endpoint-url', it.sandbox.url], { cwd: it.folder }).done;
  expect([ran.exitCode, ran.err]).toEqual([0, '']);
  expect(ran.out).toMatch(/^hello {2}Active\n {2}live {2}version 1 {2}since/);
});
