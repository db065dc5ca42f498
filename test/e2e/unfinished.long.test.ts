import { describe, expect, it, onTestFinished } from 'vitest';
import { startSandbox } from '../../src/sandbox/server.js';
import { deployed, failsFromSecondCall, fileOf, hello, okHandler, project, spawnCli, stage } from './support.js';

/** Closing the record is denied, so that it stays open for good, as it does when the process dies there. */
function deniedClosing(): { options: NonNullable<Parameters<typeof stage>[0]>; deny: { on: boolean } } {
  const deny = { on: false };
  let opened = false;
  return {
    deny,
    options: {
      intercept: ({ operation }) => {
        if (!deny.on || operation !== 'TagResource') return undefined;
        if (!opened) {
          opened = true;
          return undefined;
        }
        return { kind: 'error', status: 403, code: 'AccessDeniedException', message: 'no' };
      },
    },
  };
}

describe('a run that never closed its record', () => {
  it('is no drift, is checked and closed by the next apply, and can be rolled back', async () => {
    const { deny, options } = deniedClosing();
    const it = await deployed(options);
    await it.code(okHandler('two'));
    deny.on = true;
    const first = await it.run('apply', '--yes');
    expect([first.exitCode, first.out]).toEqual([0, expect.stringContaining('record could not be closed')]);
    deny.on = false;

    expect((await it.run('drift')).exitCode).toBe(0);
    const plan = await it.run('plan', '--detailed-exitcode');
    expect([plan.exitCode, plan.out]).toEqual([2, expect.stringContaining('an earlier deployment did not finish')]);
    const again = await it.run('apply', '--yes', '--format', 'json');
    expect(again.json()['functions'][0].operations.map((one: { type: string }) => one.type)).toEqual([
      'TagResource',
      'Invoke',
      'TagResource',
    ]);
    expect((await it.run('plan', '--detailed-exitcode')).exitCode).toBe(0);
    expect((await it.run('drift')).exitCode).toBe(0);
    const back = await it.run('rollback', '--yes', '--format', 'json');
    expect(back.json()['functions'][0].aliases).toEqual([{ name: 'live', version: '1', previousVersion: '2' }]);
  });

  it('can be rolled back at once, without an apply between', async () => {
    const { deny, options } = deniedClosing();
    const it = await deployed(options);
    await it.code(okHandler('two'));
    deny.on = true;
    await it.run('apply', '--yes');
    deny.on = false;
    const back = await it.run('rollback', '--yes', '--format', 'json');
    expect(back.json()['functions'][0].aliases).toEqual([{ name: 'live', version: '1', previousVersion: '2' }]);
  });

  it('whose version turns out bad ends in exit 5 with the command that goes back', async () => {
    const { deny, options } = deniedClosing();
    const it = await deployed(
      options,
      fileOf({ hello: hello({ aliases: { live: { healthCheck: { payload: {} } } } }) }),
    );
    await it.code(
      'let n = 0; export const handler = async () => { n += 1; if (n > 2) throw new Error("worn out"); return {}; };\n',
    );
    deny.on = true;
    expect((await it.run('apply', '--yes')).exitCode).toBe(0);
    deny.on = false;
    const again = await it.run('apply', '--yes');
    expect(again.exitCode).toBe(5);
    expect(again.out).toContain('lambda-deploy rollback --function hello --alias live');
    expect((await it.run('rollback', '--yes')).exitCode).toBe(0);
  });
});

it('a new alias whose own check fails serves it all the same: exit 5 says how to mend it', async () => {
  const it = await stage();
  await it.file(fileOf({ hello: hello({ aliases: { live: { healthCheck: { payload: {} } } } }) }));
  await it.code(failsFromSecondCall);
  const ran = await it.run('apply', '--yes');
  expect(ran.exitCode).toBe(5);
  expect(ran.out).toContain('aws lambda delete-alias --function-name hello --name live');
});

it.each([
  ['plan', ['plan']],
  ['drift', ['drift']],
  ['apply before its first write', ['apply', '--yes']],
])('SIGTERM while a read gets no answer ends %s at once', async (_what, argv) => {
  let reached = (): void => undefined;
  const reading = new Promise<void>((resolve) => (reached = resolve));
  const sandbox = await startSandbox({
    intercept: () => {
      reached();
      return new Promise<undefined>(() => undefined);
    },
  });
  onTestFinished(() => sandbox.close());
  const own = await project();
  await own.file(fileOf({ hello: hello() }));
  await own.code(okHandler('one'));
  const child = spawnCli(argv, { cwd: own.folder, env: { AWS_ENDPOINT_URL: sandbox.url } });
  await reading;
  const started = Date.now();
  child.kill('SIGTERM');
  expect((await child.done).exitCode).toBe(143);
  expect(Date.now() - started).toBeLessThan(5_000);
});

it('SIGTERM while a handler thinks: the version is not moved to, and the run ends in time', async () => {
  const sandbox = await startSandbox();
  onTestFinished(() => sandbox.close());
  const own = await project();
  await own.file(fileOf({ hello: hello({ timeout: 60 }) }));
  await own.code(okHandler('one'));
  const env = { AWS_ENDPOINT_URL: sandbox.url };
  expect((await spawnCli(['apply', '--yes'], { cwd: own.folder, env }).done).exitCode).toBe(0);
  await own.code('export const handler = () => new Promise((resolve) => setTimeout(resolve, 50_000));\n');
  const child = spawnCli(['apply', '--yes'], { cwd: own.folder, env });
  await expect
    .poll(() => sandbox.calls.filter(({ operation }) => operation === 'Invoke').length, { timeout: 15_000 })
    .toBe(3);
  const started = Date.now();
  child.kill('SIGTERM');
  const ran = await child.done;
  expect(ran.exitCode).toBe(143);
  expect(Date.now() - started).toBeLessThan(9_000);
  expect((await spawnCli(['history'], { cwd: own.folder, env }).done).out).toMatch(/Z  1 +failed /);
}, 40_000);
