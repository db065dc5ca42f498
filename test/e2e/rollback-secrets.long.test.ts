import { describe, expect, it } from 'vitest';
import { deployed, fileOf, hello, okHandler, type Stage } from './support.js';

const OLD = 'sk-old-4f9d2c7b1a';
const NEW = 'sk-new-8e1b7d3c55';

/** Version 1 and 2 with the secret as it was; it has been rotated since. */
async function rotated(more: Record<string, unknown> = {}): Promise<Stage> {
  const environment = { API_KEY: '${ssm:/api/key}', BUILD: '${BUILDKITE_BUILD_NUMBER:-0}' };
  const it = await deployed(
    { seed: { parameters: { '/api/key': OLD } } },
    fileOf({ hello: hello({ environment, ...more }) }),
  );
  await it.code(okHandler('two'));
  expect((await it.run('apply', '--yes')).exitCode).toBe(0);
  it.sandbox.state.stores.parameters.set('/api/key', NEW);
  it.mutations();
  return it;
}

const variablesOf = (it: Stage, version?: string): unknown => {
  const found = version === undefined ? it.fn().latest : it.fn().versions.get(version);
  return (found?.content.config['Environment'] as { Variables?: unknown } | undefined)?.Variables;
};
const codesOf = (ran: { json(): Record<string, unknown> }): unknown =>
  (ran.json()['warnings'] as { code: string }[]).map(({ code }) => code);

describe('a version whose secrets have been rotated since', () => {
  it('is said to have the old ones, which names the way out, and serves as it is', async () => {
    const it = await rotated();
    const plan = await it.run('rollback', '--plan-only');
    expect(plan.out).toMatch(/version 1 of hello has API_KEY as it was.*--fresh-secrets/);
    expect((await it.run('rollback', '--yes')).exitCode).toBe(0);
    expect(variablesOf(it)).toMatchObject({ API_KEY: OLD });
    expect(it.outputs.join('')).not.toMatch(new RegExp(`${OLD}|${NEW}`));
  });

  it('is published again with today’s: old code, new secrets, checked before the alias moves', async () => {
    const it = await rotated();
    const first = it.fn().versions.get('1')?.content;
    const plan = await it.run('rollback', '--fresh-secrets', '--plan-only', '--format', 'json');
    expect(plan.json()['functions'][0].operations.map((one: { type: string }) => one.type)).toEqual([
      'TagResource',
      'UpdateFunctionConfiguration',
      'UpdateFunctionCode',
      'PublishVersion',
      'Invoke',
      'UpdateAlias',
      'Invoke',
      'TagResource',
    ]);
    const ran = await it.run('rollback', '--fresh-secrets', '--yes', '--format', 'json');
    expect(ran.json()['functions'][0].aliases).toEqual([{ name: 'live', version: '3', previousVersion: '2' }]);
    for (const version of [undefined, '3']) expect(variablesOf(it, version)).toMatchObject({ API_KEY: NEW });
    expect(it.fn().versions.get('3')?.content.code.codeSha256).toBe(first?.code.codeSha256);
    expect((await it.run('drift')).exitCode).toBe(0);
    const history = (await it.run('history', '--format', 'json')).json()['records'] as {
      id: string;
      restores?: string;
    }[];
    expect(history[0]?.restores).toBe(history[2]?.id);
    // The commit that was gone back to is what is live.
    await it.write('function.zip', first?.code.zip ?? '');
    const clean = await it.run('plan', '--detailed-exitcode');
    expect(clean.exitCode, clean.out).toBe(0);
    expect(it.outputs.join('')).not.toMatch(new RegExp(`${OLD}|${NEW}`));
  });

  it('is not published twice: the version that has it is gone to', async () => {
    const it = await rotated();
    await it.run('rollback', '--fresh-secrets', '--yes');
    await it.run('rollback', '--to', '2', '--yes');
    it.mutations();
    const again = await it.run('rollback', '--fresh-secrets', '--yes', '--format', 'json');
    expect(again.json()['functions'][0].aliases).toEqual([{ name: 'live', version: '3', previousVersion: '2' }]);
    expect(it.mutations()).not.toContain('PublishVersion');
  });

  it('is left alone where today’s secret cannot be read', async () => {
    const it = await rotated();
    it.sandbox.state.stores.parameters.delete('/api/key');
    const ran = await it.run('rollback', '--fresh-secrets', '--yes', '--format', 'json');
    expect([ran.exitCode, ran.json()['error'].code]).toEqual([1, 'SECRET_UNKNOWN']);
    expect(it.mutations()).toEqual([]);
    const doubtful = await it.run('rollback', '--plan-only', '--format', 'json');
    expect(codesOf(doubtful)).toEqual(['SECRETS_FROZEN']);
    expect((await it.run('rollback', '--yes')).exitCode).toBe(0);
  });
});

it('--fresh-secrets where none has changed is a rollback like any other', async () => {
  const it = await rotated();
  it.sandbox.state.stores.parameters.set('/api/key', OLD);
  const ran = await it.run('rollback', '--fresh-secrets', '--yes', '--format', 'json');
  expect(ran.json()['functions'][0].aliases).toEqual([{ name: 'live', version: '1', previousVersion: '2' }]);
});

it('needs no variable of the build, but for the checks of the alias', async () => {
  const it = await deployed();
  await it.code(okHandler('two'));
  await it.run('apply', '--yes');
  await it.file(fileOf({ hello: hello({ environment: { BUILD: '${BUILDKITE_BUILD_NUMBER}' } }) }));
  expect((await it.run('rollback', '--plan-only')).exitCode).toBe(0);
  const checked = { aliases: { live: { healthCheck: { payload: { build: '${BUILDKITE_BUILD_NUMBER}' } } } } };
  await it.file(fileOf({ hello: hello(checked) }));
  const refused = await it.run('rollback', '--plan-only', '--format', 'json');
  expect([refused.exitCode, refused.json()['error'].code]).toEqual([1, 'UNSET_VARIABLE']);
  expect((await it.run('rollback', '--skip-check', '--yes')).exitCode).toBe(0);
});
