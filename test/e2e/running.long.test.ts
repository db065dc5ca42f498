import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { UpdateAliasCommand } from '@aws-sdk/client-lambda';
import { afterEach, describe, expect, it } from 'vitest';
import type { Intercept } from '../../src/sandbox/server.js';
import { deployed, type Document, fileOf, hello, okHandler, type Ran, type Stage } from './support.js';

const STORES: readonly (readonly [string, Document])[] = [
  ['tags', {}],
  ['files', { metadata: 'file:records' }],
  ['S3', { metadata: 's3://acme-deploys/lambda' }],
];
const BUILD = { BUILDKITE: 'true', BUILDKITE_BUILD_NUMBER: '7', BUILDKITE_BUILD_CREATOR: 'Ada' };

/** What is done when a call comes in, before its effect. */
let at: { operation: string; act: () => Promise<unknown> } | undefined;
afterEach(() => (at = undefined));
const intercept: Intercept = async ({ operation }) => {
  if (at?.operation !== operation) return undefined;
  const { act } = at;
  at = undefined;
  await act();
  return undefined;
};

/** Version 1 live, and another file, which differs in its memory. */
async function two(metadata: Document): Promise<Stage> {
  const seed = { buckets: { 'acme-deploys': {} } };
  const it = await deployed({ seed, intercept }, fileOf({ hello: hello() }, metadata));
  await it.write('other.yaml', JSON.stringify(fileOf({ hello: hello({ memorySize: 512 }) }, metadata)));
  return it;
}

/** An apply of new code by build 7, in the middle of which, after its last change of `$LATEST`, something else is done. */
async function during(stage: Stage, act: () => Promise<unknown>): Promise<Ran> {
  await stage.code(okHandler('two'), 'two.zip');
  const file = await readFile(path.join(stage.folder, 'lambda.deploy.yaml'), 'utf8');
  await stage.write('mine.yaml', file.replace('function.zip', 'two.zip'));
  at = { operation: 'UpdateAlias', act };
  return stage.runWith({ env: BUILD }, 'apply', '--yes', '--format', 'json', '-c', 'mine.yaml');
}

describe.each(STORES)('while another run deploys, records in %s', (_store, metadata) => {
  it('an apply of another spec is refused before any write, and the plan warns', async () => {
    const stage = await two(metadata);
    let plan: Ran | undefined;
    let second: Ran | undefined;
    let seen: string[] = [];
    const first = await during(stage, async () => {
      plan = await stage.run('plan', '-c', 'other.yaml');
      stage.mutations();
      second = await stage.run('apply', '--yes', '--format', 'json', '-c', 'other.yaml');
      seen = stage.mutations();
    });
    expect(first.exitCode, first.out + first.err).toBe(0);
    expect(plan?.exitCode).toBe(0);
    expect(plan?.out).toMatch(
      /alias live of hello is being deployed by another run of build 7.*apply refuses until then/,
    );
    expect(plan?.out).not.toContain('has not finished');
    expect(second?.exitCode, second?.out).toBe(3);
    expect(seen).toEqual([]);
    const { error, operations } = second?.json()['functions'][0];
    expect(error).toMatchObject({
      code: 'DEPLOYMENT_RUNNING',
      message: expect.stringMatching(/of build 7.*, since .*until .*\. Nothing was changed\.$/) as string,
      hint: expect.stringContaining('--take-over') as string,
    });
    expect(operations.every(({ status }: Document) => status === 'skipped')).toBe(true);
    // It left no trace, and is free to go once the first has ended.
    expect(stage.fn().aliases.get('live')?.functionVersion).toBe('2');
    expect((await stage.run('apply', '--yes', '-c', 'other.yaml')).exitCode).toBe(0);
  });

  it('a rollback goes on, says whose deployment it takes over, and the other stops', async () => {
    const stage = await two(metadata);
    await stage.code(okHandler('zero'));
    expect((await stage.run('apply', '--yes')).exitCode).toBe(0);
    let back: Ran | undefined;
    const first = await during(stage, async () => {
      back = await stage.run('rollback', '--yes', '--to', '1');
    });
    expect(back?.exitCode, back?.out).toBe(0);
    expect((back?.out ?? '') + (back?.err ?? '')).toContain('this command takes it from that run');
    expect(back?.out).toMatch(/note: this run took over alias live of hello from a run of build 7/);
    expect(first.exitCode, first.out).toBe(3);
    expect(stage.fn().aliases.get('live')?.functionVersion).toBe('1');
    const history = (await stage.run('history', '--format', 'json')).json()['records'] as Document[];
    expect(history.filter(({ result }) => result === 'open')).toEqual([]);
    expect(history.find(({ action }) => action === 'rollback')).toMatchObject({ result: 'succeeded', version: '1' });
    // The loser says nothing of $LATEST that it did not leave.
    const drift = await stage.run('drift', '--format', 'json');
    expect(drift.exitCode, drift.out).toBe(0);
  });
});

it('a rollout that somebody takes back while it lives has lost, and its alias is where it belongs: exit 3', async () => {
  const rollout = { steps: ['10%'], interval: '1m' };
  const aliases = { live: { rollout, healthCheck: { expect: { status: 200 }, timeout: '10s' } } };
  const stage = await deployed({ intercept }, fileOf({ hello: hello({ aliases }) }));
  await stage.code(okHandler('two'));
  let aborted: Ran | undefined;
  const back = async (): Promise<void> => void (aborted = await stage.run('abort', '--yes'));
  // Before the second of its two moves.
  at = { operation: 'UpdateAlias', act: () => Promise.resolve((at = { operation: 'UpdateAlias', act: back })) };
  const ran = await stage.run('apply', '--yes', '--format', 'json');
  expect(aborted?.exitCode, aborted?.out).toBe(0);
  expect(ran.exitCode, ran.out).toBe(3);
  expect(ran.json()['functions'][0]).toMatchObject({ result: 'rolled_back', error: { code: 'LIVE_CHANGED' } });
  expect(ran.out).toContain('alias live is back on version 1.');
  expect(stage.fn().aliases.get('live')).toMatchObject({ functionVersion: '1', weights: {} });
  expect((await stage.run('drift')).exitCode).toBe(0);
});

describe.each(STORES)('a rollout that somebody promotes while it lives, records in %s', (_store, metadata) => {
  it('has lost, and the promoted version stays: exit 3, and nobody is asked to move it', async () => {
    const rollout = { steps: ['10%', '50%'], interval: '1m' };
    const aliases = { live: { rollout, healthCheck: { expect: { status: 200 }, timeout: '10s' } } };
    const seed = { buckets: { 'acme-deploys': {} } };
    const stage = await deployed({ seed, intercept }, fileOf({ hello: hello({ aliases }) }, metadata));
    await stage.code(okHandler('two'));
    let other: Ran | undefined;
    const act = async (): Promise<void> => {
      other = await stage.runWith({ env: BUILD }, 'promote', '--yes');
    };
    // Before the second of its three moves.
    at = { operation: 'UpdateAlias', act: () => Promise.resolve((at = { operation: 'UpdateAlias', act })) };
    const ran = await stage.run('apply', '--yes', '--format', 'json');
    expect(other?.exitCode, other?.out).toBe(0);
    expect(ran.exitCode, ran.out).toBe(3);
    expect(ran.json()['functions'][0]).toMatchObject({
      result: 'failed',
      aliases: [{ name: 'live', version: '2' }],
      error: {
        code: 'LIVE_CHANGED',
        message: expect.stringMatching(/another run of build 7.* took the rollout over at .*, and succeeded/) as string,
      },
    });
    expect(ran.out + ran.err).not.toMatch(/update-alias|taking/);
    expect(stage.fn().aliases.get('live')).toMatchObject({ functionVersion: '2', weights: {} });
    expect((await stage.run('drift')).exitCode).toBe(0);
    expect((await stage.run('plan', '--detailed-exitcode')).exitCode).toBe(0);
  });
});

it('a rollout whose alias somebody moved to its new version without a record asks for a person: exit 5', async () => {
  const rollout = { steps: ['10%', '50%'], interval: '1m' };
  const stage = await deployed({ intercept }, fileOf({ hello: hello({ aliases: { live: { rollout } } }) }));
  await stage.code(okHandler('two'));
  const move = new UpdateAliasCommand({
    FunctionName: 'hello',
    Name: 'live',
    FunctionVersion: '2',
    RoutingConfig: { AdditionalVersionWeights: {} },
  });
  const act = (): Promise<unknown> => stage.client.send(move);
  at = { operation: 'UpdateAlias', act: () => Promise.resolve((at = { operation: 'UpdateAlias', act })) };
  const ran = await stage.run('apply', '--yes');
  expect([ran.exitCode, ran.out]).toEqual([5, expect.stringContaining('update-alias')]);
});

/** What a run leaves that is killed after its last change: its record is open, for good. */
async function killed(stage: Stage): Promise<void> {
  let open: Record<string, string> = {};
  at = {
    operation: 'UpdateFunctionConfiguration',
    act: () => Promise.resolve(void (open = structuredClone(stage.fn().tags))),
  };
  expect((await stage.run('apply', '--yes', '-c', 'other.yaml')).exitCode).toBe(0);
  stage.fn().tags = open;
}

describe('after a run that died', () => {
  it('its own spec needs no flag', async () => {
    const stage = await two({});
    await killed(stage);
    const again = await stage.run('apply', '--yes', '-c', 'other.yaml');
    expect(again.exitCode, again.out).toBe(0);
  });

  it('another spec is refused until its deadline, or takes over by name', async () => {
    const stage = await two({});
    await killed(stage);
    expect((await stage.run('apply', '--yes')).exitCode).toBe(3);
    const plan = await stage.run('plan', '--out', 'plan.bin');
    expect(plan.out).toContain('apply refuses until then');
    expect((await stage.run('apply', 'plan.bin')).exitCode).toBe(3);
    const taken = await stage.run('apply', 'plan.bin', '--take-over');
    expect(taken.exitCode, taken.out).toBe(0);
    expect(taken.out).toMatch(/--take-over takes it from that run[^]*note: this run took over alias live of hello/);
  });

  it('its deadline ends it: the longest that it can wait, a minute to take it back, and two for the clocks', async () => {
    const stage = await two({});
    await killed(stage);
    const [open] = (await stage.run('history', '--format', 'json')).json()['records'] as Document[];
    const seconds = (Date.parse(open?.['deadline']) - Date.parse(open?.['startedAt'])) / 1000;
    // Configuration and version ten minutes each, two calls for the records and one for the alias, two checks of ten seconds.
    expect(seconds).toBe(600 + 600 + 3 * 2 + 2 * 10 + 60 + 120);
    await stage.clock.sleep(seconds * 1000);
    const late = await stage.run('apply', '--yes');
    expect(late.exitCode, late.out).toBe(0);
  });
});

describe('a tag that is written over while its run ends', () => {
  /** An apply whose closing tag is gone so many times when it is read again: another run has put there what it knew before. */
  async function overwritten(times: number): Promise<{ stage: Stage; ran: Ran }> {
    let isArmed = false;
    let tags: Record<string, string> = {};
    let writes = 0;
    let left = times;
    const stage: Stage = await deployed({
      intercept: ({ operation }) => {
        if (!isArmed) return undefined;
        if (operation === 'TagResource') writes += 1;
        if (operation === 'PublishVersion') tags = structuredClone(stage.fn().tags);
        if (operation === 'GetFunction' && writes > 1 && left-- > 0) stage.fn().tags = { ...tags };
        return undefined;
      },
    });
    await stage.code(okHandler('two'));
    isArmed = true;
    const ran = await stage.run('apply', '--yes');
    isArmed = false;
    return { stage, ran };
  }

  it('is written again', async () => {
    const { stage, ran } = await overwritten(1);
    expect(ran.exitCode, ran.out).toBe(0);
    expect(ran.out).not.toContain('could not be closed');
    expect(stage.mutations().filter((operation) => operation === 'TagResource')).toHaveLength(3);
    const [newest] = (await stage.run('history', '--format', 'json')).json()['records'] as Document[];
    expect(newest).toMatchObject({ result: 'succeeded', version: '2' });
  });

  it('again and again is told, and is no failure', async () => {
    const { stage, ran } = await overwritten(99);
    expect(ran.exitCode, ran.out).toBe(0);
    expect(ran.out).toMatch(/note: the deployment record could not be closed: other runs write over/);
    expect(stage.mutations().filter((operation) => operation === 'TagResource')).toHaveLength(4);
  });
});

it('a run that lost the race for $LATEST says nothing of it: no drift', async () => {
  const stage = await two({});
  await stage.write('mine.yaml', JSON.stringify(fileOf({ hello: hello({ memorySize: 256 }) })));
  let reached = (): void => undefined;
  let release = (): void => undefined;
  const isThere = new Promise<void>((resolve) => (reached = resolve));
  const isOver = new Promise<void>((resolve) => (release = resolve));
  let loser: Promise<Ran> | undefined;
  at = {
    operation: 'UpdateFunctionConfiguration',
    act: () => {
      at = { operation: 'UpdateFunctionConfiguration', act: () => (reached(), isOver) };
      // It begins later, so that its record is the newest, and is held before its first change.
      loser = stage.run('apply', '--yes', '--take-over', '-c', 'other.yaml');
      return isThere;
    },
  };
  const winner = await stage.run('apply', '--yes', '-c', 'mine.yaml');
  release();
  const lost = await loser;
  expect([winner.exitCode, lost?.exitCode], `${winner.out}\n${lost?.out}`).toEqual([0, 3]);
  const drift = await stage.run('drift', '-c', 'mine.yaml');
  expect(drift.exitCode, drift.out).toBe(0);
});

describe.each(STORES)('a job that is killed and tried again with other code, records in %s', (_store, metadata) => {
  const JOB = {
    ...BUILD,
    BUILDKITE_BUILD_ID: '01890000-0000-4000-8000-000000000001',
    BUILDKITE_STEP_ID: '01890000-0000-4000-8000-000000000002',
    BUILDKITE_LABEL: 'deploy',
    BUILDKITE_COMMAND: 'lambda-deploy apply --yes',
    BUILDKITE_RETRY_COUNT: '0',
  };

  it.each<[string, Readonly<Record<string, string>>, boolean]>([
    ['goes on', { BUILDKITE_RETRY_COUNT: '1' }, true],
    ['is refused in the same try', {}, false],
    ['is refused as another step', { BUILDKITE_RETRY_COUNT: '1', BUILDKITE_STEP_ID: 'other' }, false],
    ['is refused as another parallel job', { BUILDKITE_RETRY_COUNT: '1', BUILDKITE_PARALLEL_JOB: '1' }, false],
    ['is refused as another job of a matrix', { BUILDKITE_RETRY_COUNT: '1', BUILDKITE_LABEL: 'deploy eu' }, false],
    ['is refused in another build', { BUILDKITE_RETRY_COUNT: '1', BUILDKITE_BUILD_ID: 'other' }, false],
  ])('%s', async (_what, more, goesOn) => {
    const stage = await two(metadata);
    let end = (): void => undefined;
    const isOver = new Promise<void>((resolve) => (end = resolve));
    // The first try is held at its first change, as if it were dead.
    let dead: Promise<Ran> | undefined;
    await new Promise<void>((resolve) => {
      at = { operation: 'UpdateFunctionConfiguration', act: () => (resolve(), isOver) };
      dead = stage.runWith({ env: JOB }, 'apply', '--yes', '-c', 'other.yaml');
    });
    await stage.code(okHandler('again'));
    const retry = await stage.runWith({ env: { ...JOB, ...more } }, 'apply', '--yes', '-c', 'other.yaml');
    end();
    const lost = await dead;
    expect([retry.exitCode, lost?.exitCode], `${retry.out}${retry.err}${lost?.out}`).toEqual(goesOn ? [0, 3] : [3, 0]);
    expect(stage.fn().versions.size).toBe(2);
    if (!goesOn) return expect(retry.out).toContain('DEPLOYMENT_RUNNING');
    expect(retry.out).toMatch(
      /note: this try of the job goes on in place of an earlier one, which began with alias live of hello/,
    );
    expect(retry.out + retry.err).not.toContain('apply refuses until then');
    expect((await stage.run('plan', '--detailed-exitcode', '-c', 'other.yaml')).exitCode).toBe(0);
  });
});
