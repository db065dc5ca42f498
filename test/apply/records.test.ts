import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Fault, Intercept } from '../../src/sandbox/server.js';
import { deployed, type Document, fileOf, hello, okHandler, type Stage, throwingHandler } from '../e2e/support.js';

const DENIED: Fault = {
  kind: 'error',
  status: 403,
  code: 'AccessDeniedException',
  message: 'User: x is not authorized to perform: lambda:TagResource on resource: y',
};
const METADATA = { metadata: 'file:records' };

/** Calls on the function itself; records in tags are the TagResource calls among the rest. */
const CHANGES = ['UpdateFunctionCode', 'UpdateFunctionConfiguration', 'PublishVersion', 'UpdateAlias'];

function changes(run: Stage): string[] {
  return run.mutations().filter((operation) => CHANGES.includes(operation));
}

describe('records in tags', () => {
  it('are opened before the first change and closed after the last', async () => {
    const run = await deployed();
    await run.code(okHandler('two'));
    expect((await run.run('apply', '--yes')).exitCode).toBe(0);
    const mutations = run.mutations();
    expect(mutations[0]).toBe('TagResource');
    expect(mutations.at(-1)).toBe('TagResource');
    expect(mutations.filter((operation) => operation === 'TagResource')).toHaveLength(2);
  });

  it('one that cannot be opened: nothing is changed', async () => {
    const run = await deployed({ intercept: deniesFrom('TagResource', 2) });
    await run.code(okHandler('two'));
    const ran = await run.run('apply', '--yes');
    expect(ran.exitCode).toBe(1);
    expect(ran.out).toMatch(/AWS_ACCESS_DENIED.*lambda:TagResource/);
    expect(changes(run)).toEqual([]);
    expect(run.fn().versions.size).toBe(1);
  });

  it('one that cannot be closed: a note, the exit code is the deployment’s', async () => {
    const run = await deployed({ intercept: deniesFrom('TagResource', 3) });
    await run.code(okHandler('two'));
    const ran = await run.run('apply', '--yes');
    expect(ran.exitCode).toBe(0);
    expect(ran.out).toMatch(/note: the deployment record could not be closed: .*lambda:TagResource/);
    expect(run.fn().aliases.get('live')?.functionVersion).toBe('2');
    const [record] = (await run.run('history', '--format', 'json')).json().records;
    expect(record).toMatchObject({ result: 'open', version: '1', finishedAt: null });
  });

  it('one that cannot be closed after a failure: still exit 4', async () => {
    const run = await deployed({ intercept: deniesFrom('TagResource', 3) });
    await run.code(throwingHandler('no'));
    const ran = await run.run('apply', '--yes');
    expect(ran.exitCode).toBe(4);
    expect(ran.out).toMatch(/could not be closed/);
    expect(ran.out).toMatch(/HEALTH_CHECK_FAILED/);
  });

  it('that cannot be read stop the plan, and are never taken for none', async () => {
    const run = await deployed();
    const [key = ''] = Object.keys(run.fn().tags).filter((one) => one.startsWith('lambda-deploy:'));
    run.fn().tags[key] = '9 something newer';
    const ran = await run.run('apply', '--yes');
    expect(ran.exitCode).toBe(1);
    expect(ran.err).toMatch(/RECORD_STORE/);
    expect(changes(run)).toEqual([]);
  });
});

describe('records in files', () => {
  const folderOf = (run: Stage): string => path.join(run.folder, 'records', 'hello', 'live');

  async function records(run: Stage): Promise<Document[]> {
    const names = (await readdir(folderOf(run))).sort();
    return Promise.all(
      names.map(async (name) => JSON.parse(await readFile(path.join(folderOf(run), name), 'utf8')) as Document),
    );
  }

  it('are there, open, at the first change, and closed with everything afterwards', async () => {
    let atFirstChange: Promise<Document[]> | undefined;
    let look = false;
    const intercept: Intercept = async ({ operation }) => {
      if (look && operation === 'UpdateFunctionCode') atFirstChange ??= records(run);
      await atFirstChange;
      return undefined;
    };
    const run = await deployed({ intercept }, fileOf({ hello: hello() }, METADATA));
    await run.code(okHandler('two'));
    look = true;
    expect((await run.run('apply', '--yes')).exitCode).toBe(0);
    expect((await atFirstChange)?.at(-1)).toMatchObject({
      result: 'open',
      version: '1',
      previousVersion: '1',
      finishedAt: null,
    });
    expect((await records(run)).at(-1)).toMatchObject({
      formatVersion: '1',
      action: 'deploy',
      function: 'hello',
      alias: 'live',
      result: 'succeeded',
      version: '2',
      previousVersion: '1',
      spec: { environment: { GREETING: 'Hello' } },
      operations: [
        { type: 'UpdateFunctionCode', status: 'done' },
        { type: 'PublishVersion', status: 'done' },
        { type: 'Invoke', status: 'done' },
        { type: 'UpdateAlias', status: 'done' },
        { type: 'Invoke', status: 'done' },
      ],
    });
    expect(run.mutations()).not.toContain('TagResource');
  });

  it('one that cannot be opened: nothing is changed', async () => {
    const run = await deployed({}, fileOf({ hello: hello() }, METADATA));
    await run.code(okHandler('two'));
    await rm(path.join(run.folder, 'records'), { recursive: true });
    // The store is read before: only writing into it fails.
    await run.file(fileOf({ hello: hello() }, { metadata: 'file:/dev/null/records' }));
    const ran = await run.run('apply', '--yes', '--format', 'json');
    expect(ran.exitCode).toBe(1);
    expect(ran.out).toMatch(/RECORD_STORE/);
    expect(run.mutations()).toEqual([]);
  });

  it('one that cannot be closed: a note, the exit code is the deployment’s', async () => {
    let armed = false;
    const intercept: Intercept = async ({ operation }) => {
      if (!armed || operation !== 'PublishVersion') return undefined;
      await rm(folderOf(run), { recursive: true });
      await writeFile(folderOf(run), 'no folder');
      return undefined;
    };
    const run = await deployed({ intercept }, fileOf({ hello: hello() }, METADATA));
    await run.code(okHandler('two'));
    armed = true;
    const ran = await run.run('apply', '--yes');
    expect(ran.exitCode).toBe(0);
    expect(ran.out).toMatch(/note: the deployment record could not be closed/);
    expect(run.fn().aliases.get('live')?.functionVersion).toBe('2');
  });

  it('one that is broken stops the plan and is named', async () => {
    const run = await deployed({}, fileOf({ hello: hello() }, METADATA));
    const [name = ''] = await readdir(folderOf(run));
    await writeFile(path.join(folderOf(run), name), '{ half');
    const ran = await run.run('plan');
    expect(ran.exitCode).toBe(1);
    expect(ran.err).toMatch(/RECORD_STORE/);
    expect(ran.err).toContain(name);
  });
});

describe('a run that fails while it opens its records', () => {
  const recordsOf = async (run: Stage): Promise<Document[]> =>
    (await run.run('history', '--format', 'json')).json()['records'] as Document[];
  /** Another spec, which an open record would refuse. */
  const next = (more: Document = {}): Document => fileOf({ hello: hello({ memorySize: 512, ...more }) });

  it('closes what may be open, where no answer came for a minute: nobody has to wait for it', async () => {
    let isArmed = false;
    const opens = (body: unknown): boolean => /[0-9a-z]{12}o:/.test(JSON.stringify(body));
    const intercept: Intercept = ({ operation, body }) =>
      isArmed && operation === 'TagResource' && opens(body) ? { kind: 'reset-after' } : undefined;
    const run = await deployed({ intercept });
    await run.code(okHandler('two'));
    isArmed = true;
    const ran = await run.run('apply', '--yes', '--format', 'json');
    isArmed = false;
    expect([ran.exitCode, changes(run)], ran.out).toEqual([1, []]);
    expect(ran.json()['functions'][0]).toMatchObject({ result: 'failed', notes: [], error: { code: 'AWS_AMBIGUOUS' } });
    expect(await recordsOf(run)).toMatchObject([{ result: 'failed', version: '1' }, { result: 'succeeded' }]);
    await run.file(next());
    expect((await run.run('apply', '--yes')).exitCode).toBe(0);
  });

  it('leaves no record where AWS refused the only call', async () => {
    const run = await deployed({ intercept: deniesFrom('TagResource', 2) });
    await run.file(next());
    const ran = await run.run('apply', '--yes');
    expect([ran.exitCode, ran.out]).toEqual([1, expect.not.stringContaining('could not be closed')]);
    expect(run.mutations()).toEqual(['TagResource']);
    expect(await recordsOf(run)).toHaveLength(1);
  });

  it('closes the first of two aliases where the second cannot be written', async () => {
    const rollout = { steps: ['10%'], interval: '5m', alarms: ['errors'] };
    const seed = { alarms: { errors: { type: 'metric', state: 'OK', reason: 'quiet' } } } as never;
    let looks = -1;
    // The folder of b is one no more after the records were read for the last time: alarms are asked for the plan, and after that.
    const intercept: Intercept = async ({ operation }) => {
      if (operation !== 'DescribeAlarms' || looks < 0 || ++looks !== 2) return undefined;
      await rm(path.join(run.folder, 'records', 'hello', 'b'), { recursive: true });
      await writeFile(path.join(run.folder, 'records', 'hello', 'b'), 'no folder');
      return undefined;
    };
    const file = fileOf({ hello: hello({ aliases: { a: { rollout }, b: { rollout } } }) }, METADATA);
    const run: Stage = await deployed({ seed, intercept }, file);
    await run.code(okHandler('two'));
    looks = 0;
    const ran = await run.run('apply', '--yes');
    expect([ran.exitCode, run.mutations()], ran.out).toEqual([1, []]);
    expect(ran.out).toMatch(/RECORD_STORE/);
    const own = path.join(run.folder, 'records', 'hello', 'a');
    const texts = await Promise.all((await readdir(own)).sort().map((name) => readFile(path.join(own, name), 'utf8')));
    expect(texts.map((text) => (JSON.parse(text) as Document)['result'] as unknown)).toEqual(['succeeded', 'failed']);
  });
});

it('who deployed what is in the record: the build’s own variables', async () => {
  const run = await deployed({}, fileOf({ hello: hello() }, METADATA));
  await run.code(okHandler('two'));
  const env = {
    BUILDKITE: 'true',
    BUILDKITE_COMMIT: '0123456789abcdef0123456789abcdef01234567',
    BUILDKITE_BRANCH: 'main',
    BUILDKITE_BUILD_NUMBER: '42',
    BUILDKITE_BUILD_URL: 'https://buildkite.com/acme/hello/builds/42',
    BUILDKITE_BUILD_CREATOR: 'Ada',
    BUILDKITE_UNBLOCKER: 'Grace',
    BUILDKITE_UNBLOCKER_ID: '01890000-0000-4000-8000-000000000007',
    BUILDKITE_UNBLOCKER_EMAIL: 'grace@example.com',
  };
  expect((await run.runWith({ env }, 'apply', '--yes')).exitCode).toBe(0);
  const [record] = (await run.run('history', '--format', 'json')).json().records;
  expect(record).toMatchObject({
    commit: env.BUILDKITE_COMMIT,
    branch: 'main',
    build: '42',
    buildUrl: env.BUILDKITE_BUILD_URL,
    actor: 'Ada',
    approver: { name: 'Grace', id: env.BUILDKITE_UNBLOCKER_ID, email: env.BUILDKITE_UNBLOCKER_EMAIL },
  });
});

/** Denies an operation from its n-th call on, counted over the whole life of the sandbox. */
function deniesFrom(denied: string, first: number): Intercept {
  return ({ operation, n }) => (operation === denied && n >= first ? DENIED : undefined);
}
