import { describe, expect, it } from 'vitest';
import type { Host } from '../../src/cli/host.js';
import { FORMAT_VERSION } from '../../src/model/plan.js';
import type { DeployRecord } from '../../src/model/record.js';
import { newRecordId } from '../../src/model/record-id.js';
import { format, keyOf } from '../../src/record/s3-format.js';
import { deployed, type Document, fileOf, hello, okHandler, spawnCli, stage, type Stage } from './support.js';

const S3 = { metadata: 's3://acme-deploys/lambda' };
const SEED = { seed: { buckets: { 'acme-deploys': { versioning: true } } } };
const FOLDER = 'lambda/123456789012/us-east-1/hello/live/';
const RECORDS = 200;

/** Two deployments, and 198 before them that only the store knows of. */
async function longHistory(): Promise<Stage> {
  const it = await deployed(SEED, fileOf({ hello: hello() }, S3));
  await it.code(okHandler('two'));
  expect((await it.run('apply', '--yes')).exitCode).toBe(0);
  const objects = it.sandbox.state.stores.buckets.get('acme-deploys')?.objects;
  const own = [...(objects?.values() ?? [])].flatMap((versions): DeployRecord[] => {
    const body = versions.at(-1)?.body;
    return body === undefined ? [] : [(JSON.parse(Buffer.from(body).toString()) as { record: DeployRecord }).record];
  });
  expect(own).toHaveLength(2);
  const first = Math.min(...own.map(({ startedAt }) => Date.parse(startedAt)));
  const older = Array.from({ length: RECORDS - own.length }, (_, index): DeployRecord => {
    const startedAt = first - (index + 1) * 60_000;
    return {
      formatVersion: FORMAT_VERSION,
      id: newRecordId(startedAt, () => 0),
      action: 'deploy',
      function: 'hello',
      alias: 'live',
      result: index % 3 === 0 ? 'failed' : 'succeeded',
      version: '1',
      previousVersion: '1',
      codeSha256: null,
      startedAt: new Date(startedAt).toISOString(),
      finishedAt: new Date(startedAt + 4000).toISOString(),
    };
  });
  const all = [...own, ...older].sort((one, other) => (one.id < other.id ? 1 : -1));
  all.forEach((record, index) => {
    const body = Buffer.from(format(record, all.slice(index + 1)));
    objects?.set(FOLDER + keyOf(record), [{ versionId: 'v', body, etag: `"${index}"`, headers: {}, modified: 0 }]);
  });
  it.mutations();
  return it;
}

describe('two hundred records in S3', () => {
  it('cost history, with the built program, GetFunction, one listing and one read', async () => {
    const it = await longHistory();
    const env = { LAMBDA_DEPLOY_ENDPOINT_URL: it.sandbox.url };
    const ran = await spawnCli(['history', '--format', 'json'], { cwd: it.folder, env }).done;
    expect(ran.exitCode, ran.err).toBe(0);
    expect(it.seen().filter((name) => name !== 'ListTags')).toEqual(['GetFunction', 'ListObjectsV2', 'GetObject']);
    const { records } = ran.json() as { records: Document[] };
    expect(records).toHaveLength(RECORDS);
    expect(records.map(({ id }) => String(id))).toEqual(
      records
        .map(({ id }) => String(id))
        .sort()
        .reverse(),
    );
  });

  it('cost rollback, with the built program, one listing and one read', async () => {
    const it = await longHistory();
    const env = { LAMBDA_DEPLOY_ENDPOINT_URL: it.sandbox.url, BUILDKITE_COMMIT: '' };
    const ran = await spawnCli(['rollback', '--plan-only'], { cwd: it.folder, env }).done;
    expect(ran.exitCode, ran.err).toBe(0);
    expect(ran.out).toContain('2 → 1');
    expect(it.seen().filter((name) => /Object/.test(name))).toEqual(['ListObjectsV2', 'GetObject']);
    expect(it.mutations()).toEqual([]);
  });

  it('are cut for people, who are told; --limit says where', async () => {
    const it = await longHistory();
    const text = await it.run('history');
    expect(text.out.split('\n').filter((line) => /^ {2}\d{4}-/.test(line))).toHaveLength(20);
    expect(text.out).toContain('and 180 older: --limit shows more');
    const markdown = await it.run('history', '--format', 'markdown', '--limit', '3');
    expect(markdown.out.match(/^\| \d/gm)).toHaveLength(3);
    const json = (await it.run('history', '--format', 'json', '--limit', '3')).json();
    expect(json).toMatchObject({ aliases: [{ function: 'hello', alias: 'live', omitted: 197 }] });
    expect(json['records']).toHaveLength(3);
    for (const limit of ['0', '-1', '1.5', 'all', '1e3']) {
      const ran = await it.run('history', `--limit=${limit}`);
      expect([ran.exitCode, ran.err]).toEqual([1, expect.stringContaining(`--limit is "${limit}"`)]);
    }
  });
});

describe('history', () => {
  it('needs no archive, no variable of a build and no check, and makes one call where records are tags', async () => {
    const it = await deployed();
    const file = fileOf({
      hello: hello({
        code: { zip: 'gone.zip' },
        environment: { BUILD: '${BUILDKITE_BUILD_NUMBER}', KEY: '${ssm:/none}' },
        aliases: { live: { healthCheck: { payload: { token: '${ssm:/none}' }, expect: { status: 200 } } } },
      }),
    });
    await it.file(file);
    const ran = await it.run('history');
    expect([ran.exitCode, ran.out]).toEqual([0, expect.stringMatching(/^hello {2}live\n.*\n.* succeeded /)]);
    expect(it.seen()).toEqual(['GetFunction']);
  });

  it('says what a rollback restored and left, and what is taken back and held', async () => {
    const [first, second, third] = ['a', 'b', 'c'].map((digit) => digit.repeat(40));
    const at = (commit = ''): Partial<Host> => ({ env: { BUILDKITE: 'true', BUILDKITE_COMMIT: commit } });
    const it = await stage(SEED);
    await it.file(fileOf({ hello: hello() }, S3));
    await it.code(okHandler('one'));
    await it.runWith(at(first), 'apply', '--yes');
    await it.code(okHandler('two'));
    await it.runWith(at(second), 'apply', '--yes');
    expect((await it.runWith(at(third), 'rollback', '--yes')).exitCode).toBe(0);
    const { records } = (await it.run('history', '--format', 'json')).json() as { records: Document[] };
    const [back, two, one] = records;
    expect(back).toMatchObject({ action: 'rollback', restores: one?.['id'], leaves: two?.['id'], version: '1' });
    expect(two).toMatchObject({ takenBack: true, held: true });
    // Whoever rolls back may have any commit checked out: what is told is the one that is served.
    expect([back, two].map((row) => [row?.['commit'], row?.['deployedCommit']])).toEqual([
      [third, first],
      [second, second],
    ]);
    expect((await it.run('status')).out).toContain('rollback succeeded');
    expect((await it.run('status')).out).toContain(`, ${String(first).slice(0, 8)}`);
    const { out } = await it.run('history');
    expect(out).toContain(`rollback to ${String(one?.['id'])}, left ${String(two?.['id'])}`);
    expect(out).toContain('taken back, held');
  });

  it('falls back to the versions that AWS has where the tag is gone, and says so', async () => {
    const it = await deployed();
    await it.code(okHandler('two'));
    await it.run('apply', '--yes');
    for (const key of Object.keys(it.fn().tags)) delete it.fn().tags[key];
    const ran = await it.run('history');
    expect(ran.exitCode).toBe(0);
    expect(ran.out).toMatch(/the records are gone. The versions that AWS has:\n {2}2 .*\n {2}1 /);
    const json = (await it.run('history', '--format', 'json')).json();
    expect(json).toMatchObject({ records: [], aliases: [{ versions: [{ version: '2' }, { version: '1' }] }] });
  });

  it('of a function that does not exist is empty, and says so', async () => {
    const it = await deployed();
    await it.file(fileOf({ other: hello() }));
    const ran = await it.run('history');
    expect([ran.exitCode, ran.out]).toEqual([0, expect.stringContaining('AWS has no such function')]);
  });

  it('names the run that is going on, and the one that died', async () => {
    const it = await deployed({}, fileOf({ hello: hello() }, { metadata: 'file:records' }));
    const [record] = (await it.run('history', '--format', 'json')).json()['records'] as Document[];
    const open = async (minutes: number, id: string): Promise<void> => {
      const deadline = new Date(it.clock.now() + minutes * 60_000).toISOString();
      const { durationMs: _, ...rest } = record ?? {};
      const text = JSON.stringify({ ...rest, id, result: 'open', finishedAt: null, deadline });
      await it.write(`records/hello/live/${id}.json`, text);
    };
    await open(-5, 'zzzzzzzzz000');
    expect((await it.run('history')).out).toContain('open (dead)');
    await open(5, 'zzzzzzzzz001');
    expect((await it.run('history')).out).toMatch(/open \(running\).*until \d{4}-.*\n.*open \(dead\)/);
  });
});
