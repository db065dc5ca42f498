import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Unzip, UnzipInflate } from 'fflate';
import { describe, expect, it } from 'vitest';
import { newRevision } from '../../src/sandbox/state.js';
import { deployed, type Document, fileOf, hello, okHandler, type Stage, stage } from './support.js';

/** A change of everything pending, planned into plan.out. */
async function planned(more: Document = {}): Promise<Stage & { readonly digest: string }> {
  const run = await deployed({}, fileOf({ hello: hello() }, more));
  await run.code(okHandler('two'));
  await run.file(fileOf({ hello: hello({ timeout: 6, environment: { GREETING: '${GREETING}' } }) }, more));
  const ran = await run.runWith({ env: { GREETING: 'planned' } }, 'plan', '--out', 'plan.out', '--format', 'json');
  expect(ran.exitCode, ran.err).toBe(0);
  run.mutations();
  return Object.assign(run, { digest: ran.json()['digest'] as string });
}

function members(bytes: Uint8Array): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  const unzip = new Unzip((file) => {
    const parts: Uint8Array[] = [];
    file.ondata = (_, chunk, isLast) => {
      parts.push(chunk);
      if (isLast) found.set(file.name, Buffer.concat(parts));
    };
    file.start();
  });
  unzip.register(UnzipInflate);
  unzip.push(bytes, true);
  return found;
}

describe('a plan file', () => {
  it('is applied from another folder’s state: file, archive and variables come from it', async () => {
    const run = await planned();
    await rm(path.join(run.folder, 'function.zip'));
    await run.file('broken: [');
    const ran = await run.runWith(
      { env: { GREETING: 'elsewhere' } },
      'apply',
      'plan.out',
      '--expect',
      run.digest,
      '--format',
      'json',
    );
    expect(ran.exitCode, ran.out + ran.err).toBe(0);
    expect(run.fn().aliases.get('live')).toMatchObject({ functionVersion: '2' });
    expect(run.fn().latest.content.config['Environment']).toMatchObject({ Variables: { GREETING: 'planned' } });
    expect(ran.json()).toMatchObject({ result: 'succeeded' });
  });

  it('has to be named where a digest is expected of it', async () => {
    const run = await deployed();
    const ran = await run.run('apply', '--yes', '--expect', `sha256:${'0'.repeat(64)}`, '--plan-step', 'plan');
    expect(ran.exitCode).toBe(1);
    expect(ran.err).toMatch(/^error\[USAGE\][^]*--expect and --plan-step are about a plan file/);
  });

  it('has the events that health checks send from files of their own', async () => {
    const run = await deployed();
    await run.write('event.json', '\ufeff{ "body": "planned" }');
    const healthCheck = { payloadFile: 'event.json', expect: { body: { body: 'planned' } } };
    await run.file(fileOf({ hello: hello({ aliases: { live: { healthCheck } } }) }));
    await run.code('export const handler = async (event) => event;\n');
    expect((await run.run('plan', '--out', 'plan.out')).exitCode).toBe(0);
    await rm(path.join(run.folder, 'event.json'));
    const ran = await run.run('apply', 'plan.out');
    expect(ran.exitCode, ran.out + ran.err).toBe(0);
    expect(run.fn().aliases.get('live')).toMatchObject({ functionVersion: '2' });
  });

  it('applied a second time finds nothing to do', async () => {
    const run = await planned();
    expect((await run.run('apply', 'plan.out')).exitCode).toBe(0);
    run.mutations();
    const again = await run.run('apply', 'plan.out', '--format', 'json');
    expect([again.exitCode, again.json()['result']], again.err).toEqual([0, 'no_changes']);
    expect(run.mutations()).toEqual([]);
  });

  it('the same plan makes the same bytes', async () => {
    const run = await planned();
    const read = async (): Promise<string> =>
      createHash('sha256')
        .update(await readFile(path.join(run.folder, 'plan.out')))
        .digest('hex');
    const first = await read();
    await run.runWith({ env: { GREETING: 'planned' } }, 'plan', '--out', 'plan.out');
    expect(await read()).toBe(first);
  });

  it('without a change in it is applied without a call that writes', async () => {
    const run = await deployed();
    expect((await run.run('plan', '--out', 'plan.out')).exitCode).toBe(0);
    expect((await run.run('apply', 'plan.out')).exitCode).toBe(0);
    expect(run.mutations()).toEqual([]);
  });

  it('creates a function that is not there', async () => {
    const run = await stage();
    await run.file(fileOf({ hello: hello() }));
    await run.code(okHandler('one'));
    expect((await run.run('plan', '--out', 'plan.out')).exitCode).toBe(0);
    expect((await run.run('apply', 'plan.out')).exitCode).toBe(0);
    expect(run.fn().aliases.get('live')).toMatchObject({ functionVersion: '1' });
  });
});

/** As in the console: another size, and another RevisionId. */
function editMemory(run: Stage): void {
  const { latest } = run.fn();
  latest.content = { ...latest.content, config: { ...latest.content.config, MemorySize: 512 } };
  latest.revisionId = newRevision();
}

describe('a plan file that no longer fits', () => {
  it.each([
    ['memory changed by hand', editMemory, 'memorySize'],
    [
      'the alias moved',
      (run: Stage) => void Object.assign(run.fn().aliases.get('live') ?? {}, { weights: { '1': 0.5 } }),
      'weights',
    ],
  ])('%s: exit 3 naming it, nothing written', async (_, edit, path_) => {
    const run = await planned();
    edit(run);
    const ran = await run.run('apply', 'plan.out', '--format', 'json');
    expect([ran.exitCode, ran.json()['error']?.code], ran.out + ran.err).toEqual([3, 'PLAN_STALE']);
    expect(ran.json()['error'].message).toContain(path_);
    expect(run.mutations()).toEqual([]);
  });

  it('another digest than the approved one: exit 3', async () => {
    const run = await planned();
    const ran = await run.run('apply', 'plan.out', '--expect', `sha256:${'0'.repeat(64)}`, '--format', 'json');
    expect([ran.exitCode, ran.json()['error'].code]).toEqual([3, 'PLAN_STALE']);
    expect(run.mutations()).toEqual([]);
  });
});

describe('a plan file that cannot be used', () => {
  it.each([
    ['is absent', () => Promise.resolve()],
    ['is text', (file: string) => writeFile(file, 'hello')],
    ['is empty', (file: string) => writeFile(file, '')],
    [
      'is an archive of something else',
      async (file: string, run: Stage) => writeFile(file, await readFile(path.join(run.folder, 'function.zip'))),
    ],
    [
      'was cut off',
      async (file: string, run: Stage) =>
        writeFile(file, (await readFile(path.join(run.folder, 'plan.out'))).subarray(0, -30)),
    ],
  ])('%s: exit 1 before any call', async (_, make) => {
    const run = await planned();
    await make(path.join(run.folder, 'other.out'), run);
    const ran = await run.run('apply', 'other.out', '--format', 'json');
    expect([ran.exitCode, ran.json()['error'].code], ran.out).toEqual([1, 'PLAN_FILE']);
    expect(run.seen()).toEqual([]);
  });

  it('a digest that is not that of the content: somebody changed it', async () => {
    const run = await planned();
    const text = Buffer.from(
      members(await readFile(path.join(run.folder, 'plan.out'))).get('plan.json') ?? [],
    ).toString();
    expect(text).toContain('"planned"');
    const { zipOf } = await import('./support.js');
    await run.write('other.out', zipOf({ 'plan.json': text.replace('"planned"', '"forged"') }));
    const ran = await run.run('apply', 'other.out', '--format', 'json');
    expect([ran.exitCode, ran.json()['error'].code]).toEqual([1, 'PLAN_FILE']);
    expect(ran.json()['error'].message).toContain('digest');
  });

  it.each([
    ['--function', 'hello'],
    ['--environment', 'x'],
    ['--alias', 'live'],
  ])('%s beside it is refused', async (...options) => {
    const run = await planned();
    const ran = await run.run('apply', 'plan.out', ...options, '--format', 'json');
    expect([ran.exitCode, ran.json()['error'].code]).toEqual([1, 'USAGE']);
  });
});

describe('secrets and plan files', () => {
  it('holds none, and takes those of the place where it is applied', async () => {
    const run = await deployed();
    await run.code(okHandler('two'));
    await run.file(fileOf({ hello: hello({ environment: { API_TOKEN: '${API_TOKEN}', PLAIN: '${PLAIN}' } }) }));
    const env = { API_TOKEN: 'planted-secret-93412', PLAIN: 'plain' };
    expect((await run.runWith({ env }, 'plan', '--out', 'plan.out')).exitCode).toBe(0);
    for (const [name, bytes] of members(await readFile(path.join(run.folder, 'plan.out'))))
      expect(Buffer.from(bytes).toString('latin1'), name).not.toContain('planted-secret-93412');
    expect((await run.runWith({ env: { API_TOKEN: env.API_TOKEN } }, 'apply', 'plan.out')).exitCode).toBe(0);
    expect(run.fn().latest.content.config['Environment']).toMatchObject({ Variables: env });
  });

  it('a parameter that the plan step may not read is unknown there, and read by apply', async () => {
    const run = await deployed({ seed: { parameters: { '/api/key': 'planted-parameter-5521' } } });
    await run.code(okHandler('two'));
    await run.file(fileOf({ hello: hello({ environment: { API_KEY: '${ssm:/api/key}' } }) }));
    const plan = await run.runWith(
      { env: { BUILDKITE_PULL_REQUEST: '7' } },
      'plan',
      '--out',
      'plan.out',
      '--format',
      'json',
    );
    expect(plan.json()['warnings']).toContainEqual(expect.objectContaining({ code: 'UNKNOWN_UNTIL_APPLY' }));
    const ran = await run.run('apply', 'plan.out');
    expect(ran.exitCode, ran.out + ran.err).toBe(0);
    expect(run.fn().latest.content.config['Environment']).toMatchObject({
      Variables: { API_KEY: 'planted-parameter-5521' },
    });
  });
});
