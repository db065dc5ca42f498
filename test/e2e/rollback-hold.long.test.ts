import { describe, expect, it } from 'vitest';
import { deployed, fileOf, hello, okHandler, type Stage } from './support.js';

/** Two deployments, and a rollback to the first. */
async function rolledBack(more: Record<string, unknown> = {}): Promise<Stage> {
  const it = await deployed({}, fileOf({ hello: hello() }, more));
  await it.code(okHandler('two'));
  expect((await it.run('apply', '--yes')).exitCode).toBe(0);
  expect((await it.run('rollback', '--yes')).exitCode).toBe(0);
  it.mutations();
  return it;
}

describe.each([
  ['tags', {}],
  ['files', { metadata: 'file:records' }],
])('an alias that was rolled back, records in %s', (_, more) => {
  it('is held against the same spec and code: plan says so, apply refuses before any write', async () => {
    const it = await rolledBack(more);
    const plan = await it.run('plan', '--detailed-exitcode');
    expect(plan.exitCode).toBe(2);
    expect(plan.out).toMatch(/warning: alias live of hello is held at version 1 since a rollback on 20\d\d-/);
    expect(plan.out).toContain('git is ahead of what is live. apply refuses it. fix:');
    const document = (await it.run('plan', '--format', 'json')).json();
    expect(document['functions'][0].holds).toEqual([expect.objectContaining({ version: '1', takenBack: '2' })]);
    const refused = await it.run('apply', '--yes', '--format', 'json');
    expect([refused.exitCode, refused.json()['error'].code]).toEqual([3, 'ALIAS_HELD']);
    expect(refused.json()['error'].hint).toContain('--release-hold');
    expect(it.mutations()).toEqual([]);
  });

  it('is free for another spec, and then held no more', async () => {
    const it = await rolledBack(more);
    await it.code(okHandler('three'));
    expect((await it.run('plan')).out).not.toContain('held');
    expect((await it.run('apply', '--yes')).exitCode).toBe(0);
    await it.code(okHandler('two'));
    expect((await it.run('apply', '--yes')).exitCode).toBe(0);
  });

  it('goes forward by hand, and then back again', async () => {
    const it = await rolledBack(more);
    const forward = await it.run('rollback', '--to', '2', '--yes', '--format', 'json');
    expect(forward.json()['functions'][0].aliases).toEqual([{ name: 'live', version: '2', previousVersion: '1' }]);
    expect((await it.run('plan', '--detailed-exitcode')).exitCode).toBe(0);
    const back = await it.run('rollback', '--yes', '--format', 'json');
    expect(back.json()['functions'][0].aliases).toEqual([{ name: 'live', version: '1', previousVersion: '2' }]);
  });

  it('gets the same spec again with --release-hold, and the plan says that too', async () => {
    const it = await rolledBack(more);
    expect((await it.run('plan', '--release-hold')).out).toContain('deployed again, because --release-hold says so');
    const again = await it.run('apply', '--yes', '--release-hold', '--format', 'json');
    expect(again.json()['functions'][0].aliases).toEqual([{ name: 'live', version: '2', previousVersion: '1' }]);
    expect((await it.run('plan', '--detailed-exitcode')).exitCode).toBe(0);
    const back = await it.run('rollback', '--yes', '--format', 'json');
    expect(back.json()['functions'][0].aliases).toEqual([{ name: 'live', version: '1', previousVersion: '2' }]);
  });
});

describe('a plan file for an alias that is held', () => {
  it('is refused without the flag', async () => {
    const it = await rolledBack();
    await it.run('plan', '--out', 'plan.bin');
    const ran = await it.run('apply', 'plan.bin', '--format', 'json');
    expect([ran.exitCode, ran.json()['error'].code]).toEqual([3, 'ALIAS_HELD']);
    const late = await it.run('apply', 'plan.bin', '--release-hold', '--format', 'json');
    expect([late.exitCode, late.json()['error'].code]).toEqual([1, 'USAGE']);
    expect(it.mutations()).toEqual([]);
  });

  it('carries the flag: it is part of what was approved', async () => {
    const it = await rolledBack();
    const held = (await it.run('plan', '--format', 'json')).json()['digest'] as string;
    const released = await it.run('plan', '--release-hold', '--out', 'plan.bin', '--format', 'json');
    expect(released.json()['digest']).not.toBe(held);
    expect((await it.run('apply', 'plan.bin')).exitCode).toBe(0);
    expect(it.fn().aliases.get('live')?.functionVersion).toBe('2');
  });

  it('is refused where the rollback came after it', async () => {
    const it = await deployed();
    await it.code(okHandler('two'));
    await it.run('plan', '--out', 'plan.bin');
    await it.run('apply', '--yes');
    await it.run('rollback', '--yes');
    const ran = await it.run('apply', 'plan.bin', '--format', 'json');
    expect([ran.exitCode, ran.json()['error'].code]).toEqual([3, 'PLAN_STALE']);
  });
});
