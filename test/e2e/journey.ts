import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished } from 'vitest';
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
 * @param metadata of the file; `{}`: the tags store, which keeps no tags to restore
 */
export async function backBackForward(look: Look, metadata: 'tags' | 'file'): Promise<void> {
  const it = await stage({ settleMs: 0 });
  const records = await mkdtemp(path.join(tmpdir(), 'lambda-deploy-records-'));
  onTestFinished(() => rm(records, { recursive: true, force: true }));
  const more = metadata === 'file' ? { metadata: `file:${records}` } : {};
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
    const { tags, ...then } = wanted ?? { tags: {} };
    const expected = { ...then, tags: metadata === 'file' ? tags : left };
    expect(await look(it, 'live')).toEqual(expected);
    expect(await look(it)).toEqual({ ...expected, version: '$LATEST' });
    const [newest] = await recordsOf(it, clone.folder);
    expect(newest).toMatchObject({ action: 'rollback', result: 'succeeded', version });
    expect(then).toMatchObject({ codeSha256: expect.stringMatching(RegExp(`^${escaped(newest?.['codeSha256'])}`)) });
    if (metadata === 'file') expect(await recordedTags(records, String(newest?.['id']))).toEqual(tags);
  }
  // Nothing was taken back by going forward: the next goes where it came from.
  expect((await it.runWith({ cwd: clone.folder }, 'rollback', '--yes')).exitCode).toBe(0);
  expect((await look(it, 'live')).version).toBe('3');
}

async function recordsOf(it: Stage, cwd: string): Promise<Document[]> {
  return (await it.runWith({ cwd }, 'history', '--format', 'json')).json()['records'];
}

async function recordedTags(directory: string, id: string): Promise<unknown> {
  const text = await readFile(path.join(directory, 'hello', 'live', `${id}.json`), 'utf8');
  return (JSON.parse(text) as Document)['unversioned'].tags;
}

function escaped(text: unknown): string {
  return String(text).replace(/[+/]/g, '\\$&');
}
