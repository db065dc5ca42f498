import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { ObjectVersion } from '../../src/sandbox/stores.js';
import { type Document, fileOf, hello, okHandler, project, stage, type Stage } from './support.js';

/** What a client sees of the function behind a qualifier, `undefined` for the function itself. */
export interface Seen {
  readonly version: string;
  readonly timeout: number;
  readonly memorySize: number;
  readonly variables: Readonly<Record<string, string>>;
  readonly codeSha256: string;
  /** base64(sha256) over the bytes that the link gives. */
  readonly bytes: string;
  /** Without those that hold records. */
  readonly tags: Readonly<Record<string, string>>;
}

/** Reads with another client than the tool's. */
export type Look = (stage: Stage, qualifier?: string) => Promise<Seen>;

/** @param location the link of GetFunction */
export async function digestBehind(location: string): Promise<string> {
  const bytes = new Uint8Array(await (await fetch(location)).arrayBuffer());
  return createHash('sha256').update(bytes).digest('base64');
}

/** Three specs, and five versions of them. */
const SPEC_A = { timeout: 3, tags: { team: 'a' }, environment: { GREETING: 'a' } };
const SPEC_B = {
  timeout: 7,
  memorySize: 256,
  tags: { team: 'b', tier: 'gold' },
  environment: { GREETING: 'b', MORE: '1' },
};
const SPEC_C = { timeout: 9, tags: { team: 'c' }, environment: { GREETING: 'c' } };
const DEPLOYMENTS: readonly (readonly [spec: Document, code: string])[] = [
  [SPEC_A, 'one'],
  [SPEC_A, 'two'],
  [SPEC_B, 'two'],
  [SPEC_B, 'three'],
  [SPEC_C, 'four'],
];

/**
 * Five deployments from a folder that is then deleted with everything in it; from a fresh clone, which has the file alone, back,
 * back, and forward. After each the alias, `$LATEST`, the bytes of the code and the tags are what the records say, and what was seen
 * when it was deployed.
 *
 * @param store where records are; in tags it keeps no tags to restore
 */
export async function backBackForward(look: Look, store: 'tags' | 's3' | 'file'): Promise<void> {
  const it = await stage({ settleMs: 0, seed: { buckets: { records: {} } } });
  const records = await mkdtemp(path.join(tmpdir(), 'lambda-deploy-records-'));
  onTestFinished(() => rm(records, { recursive: true, force: true }));
  const more = { tags: {}, s3: { metadata: 's3://records/deploys' }, file: { metadata: `file:${records}` } }[store];
  const deployed = new Map<string, Seen>();
  for (const [spec, code] of DEPLOYMENTS) {
    await it.file(fileOf({ hello: hello(spec) }, more));
    await it.code(okHandler(code));
    expect((await it.run('apply', '--yes')).exitCode).toBe(0);
    const seen = await look(it, 'live');
    deployed.set(seen.version, seen);
  }
  expect([...deployed.keys()]).toEqual(['1', '2', '3', '4', '5']);
  const text = await readFile(path.join(it.folder, 'lambda.deploy.yaml'));
  await rm(it.folder, { recursive: true });

  const clone = await project();
  await clone.write('lambda.deploy.yaml', text);
  expect(await readdir(clone.folder)).toEqual(['lambda.deploy.yaml']);
  const left = (await look(it)).tags;
  for (const [words, version] of [
    [[], '4'],
    [[], '3'],
    [['--to', '4'], '4'],
  ] as const) {
    const ran = await it.runWith({ cwd: clone.folder }, 'rollback', ...words, '--yes');
    expect(ran.exitCode, ran.out + ran.err).toBe(0);
    const wanted = deployed.get(version);
    if (wanted === undefined) throw new Error(`version ${version} was deployed`);
    const { tags, ...then } = wanted;
    const expected = { ...then, tags: store === 'tags' ? left : tags };
    expect(await look(it, 'live')).toEqual(expected);
    expect(await look(it)).toEqual({ ...expected, version: '$LATEST' });
    const [newest] = await recordsOf(it, clone.folder);
    expect(newest).toMatchObject({ action: 'rollback', result: 'succeeded', version });
    expect(then).toMatchObject({ codeSha256: expect.stringMatching(RegExp(`^${escaped(newest?.['codeSha256'])}`)) });
    if (store === 'tags') continue;
    const whole = store === 's3' ? newestObject(it) : await recordIn(records, String(newest?.['id']));
    const { timeout, memorySize = 128, environment } = whole['spec'];
    expect(whole).toMatchObject({ id: newest?.['id'], codeSha256: then.codeSha256, unversioned: { tags } });
    expect({ timeout, memorySize, variables: environment }).toEqual({
      timeout: then.timeout,
      memorySize: then.memorySize,
      variables: then.variables,
    });
  }
  // Nothing was taken back by going forward: the next goes where it came from.
  expect((await it.runWith({ cwd: clone.folder }, 'rollback', '--yes')).exitCode).toBe(0);
  expect((await look(it, 'live')).version).toBe('3');
}

async function recordsOf(it: Stage, cwd: string): Promise<Document[]> {
  return (await it.runWith({ cwd }, 'history', '--format', 'json')).json()['records'];
}

async function recordIn(directory: string, id: string): Promise<Document> {
  return JSON.parse(await readFile(path.join(directory, 'hello', 'live', `${id}.json`), 'utf8')) as Document;
}

/** The record in the object whose key is the first: the newest. */
function newestObject({ sandbox }: Stage): Document {
  const objects = sandbox.state.stores.buckets.get('records')?.objects ?? new Map<string, readonly ObjectVersion[]>();
  const [key = ''] = [...objects.keys()].filter((one) => one.includes('/records/')).sort();
  return (JSON.parse(Buffer.from(objects.get(key)?.at(-1)?.body ?? '').toString('utf8')) as Document)['record'];
}

function escaped(text: unknown): string {
  return String(text).replace(/[+/]/g, '\\$&');
}
