import { describe, expect, it } from 'vitest';
import { commit, git, NO_GIT } from '../cli/repository.js';
import { type Document, fileOf, hello, okHandler, type Stage, stage } from './support.js';

interface Scene extends Stage {
  readonly one: string;
  readonly two: string;
  /** Checks a commit out, with a change to deploy. */
  at(id: string, body: string): Promise<void>;
}

/** `one` ← `two`; both were deployed, in this order. */
async function scene(metadata: Document = {}): Promise<Scene> {
  const run = await stage();
  await run.file(fileOf({ hello: hello() }, metadata));
  git(run.folder, 'init', '--quiet', '--initial-branch=main');
  const deploy = async (body: string): Promise<string> => {
    const id = commit(run.folder, body);
    await run.code(okHandler(body));
    expect(await run.run('apply', '--yes')).toMatchObject({ exitCode: 0 });
    return id;
  };
  const [one, two] = [await deploy('one'), await deploy('two')];
  run.mutations();
  return {
    ...run,
    one,
    two,
    async at(id, body) {
      git(run.folder, 'checkout', '--quiet', id);
      await run.code(okHandler(body));
    },
  };
}

const served = (run: Stage): string | undefined => run.fn().aliases.get('live')?.functionVersion;

describe.skipIf(NO_GIT !== undefined).each([
  ['tags', {}],
  ['file', { metadata: 'file:records' }],
])('an apply of an older commit, records in %s', (_store, metadata: Document) => {
  it('is refused before anything is written or asked; plan warns; --allow-older lets it pass', async () => {
    const run = await scene(metadata);
    await run.at(run.one, 'one again');
    const refused = await run.run('apply', '--yes', '--format', 'json');
    expect(refused.exitCode).toBe(3);
    expect(refused.json().error).toMatchObject({
      code: 'OLDER_COMMIT',
      message: `commit ${run.one.slice(0, 12)} is older than ${run.two.slice(0, 12)}, which was deployed to alias live of hello. Nothing was changed.`,
      hint: expect.stringContaining('--allow-older') as string,
    });
    const terminal = { stdin: true, stdout: true, stderr: true };
    expect(await run.runWith({ isTerminal: terminal }, 'apply')).toMatchObject({ exitCode: 3 });
    expect(run.mutations()).toEqual([]);
    const plan = await run.run('plan', '--detailed-exitcode');
    expect(plan.exitCode).toBe(2);
    expect(plan.out).toContain('warning: commit');
    expect(plan.out).toContain('apply refuses it');
    const allowed = await run.run('apply', '--yes', '--allow-older');
    expect(allowed).toMatchObject({ exitCode: 0, out: expect.stringContaining('is older than') as string });
    expect(served(run)).toBe('3');
  });

  it('is refused also after the newer one was taken back; the rollback itself is not', async () => {
    const run = await scene(metadata);
    git(run.folder, 'checkout', '--quiet', run.one);
    expect(await run.run('rollback', '--yes')).toMatchObject({ exitCode: 0 });
    expect(served(run)).toBe('1');
    await run.at(run.one, 'one again');
    run.mutations();
    const refused = await run.run('apply', '--yes');
    expect(refused).toMatchObject({ exitCode: 3, err: expect.stringContaining('OLDER_COMMIT') as string });
    expect(run.mutations()).toEqual([]);
  });

  it('is refused also with a plan file that was approved before the newer one came and went', async () => {
    const run = await scene(metadata);
    expect(await run.run('rollback', '--yes')).toMatchObject({ exitCode: 0 });
    await run.at(run.one, 'one again');
    expect(await run.run('plan', '--out', 'plan.zip')).toMatchObject({ exitCode: 0 });
    run.mutations();
    const refused = await run.run('apply', 'plan.zip');
    expect(refused).toMatchObject({ exitCode: 3, err: expect.stringContaining('OLDER_COMMIT') as string });
    expect(run.mutations()).toEqual([]);
    expect(await run.run('apply', 'plan.zip', '--allow-older')).toMatchObject({ exitCode: 0 });
  });

  it('is no matter where there is nothing to do', async () => {
    const run = await scene(metadata);
    git(run.folder, 'checkout', '--quiet', run.one);
    expect(await run.run('apply', '--yes')).toMatchObject({ exitCode: 0, err: '' });
  });

  it('a newer one goes on without a word, one beside it with a warning', async () => {
    const run = await scene(metadata);
    git(run.folder, 'checkout', '--quiet', '-b', 'side', run.one);
    await run.at(commit(run.folder, 'side'), 'side');
    const side = await run.run('apply', '--yes');
    expect(side).toMatchObject({ exitCode: 0, out: expect.stringContaining('does not contain') as string });
    git(run.folder, 'merge', '--quiet', '-s', 'ours', '--no-edit', run.two);
    await run.at(commit(run.folder, 'three'), 'three');
    const newer = await run.run('apply', '--yes');
    expect(newer).toMatchObject({ exitCode: 0 });
    expect(newer.out + newer.err).not.toMatch(/warning|commit/);
  });
});

describe.skipIf(NO_GIT !== undefined)('what git cannot tell', () => {
  const gone = 'abcdef0123456789abcdef0123456789abcdef01';
  /** As in a build whose clone lacks a commit. */
  const build = (id: string) => ({ env: { BUILDKITE: 'true', BUILDKITE_COMMIT: id } });
  const asks = { requireAncestry: true };

  it('is a warning, and refused with requireAncestry', async () => {
    const run = await scene({});
    await run.code(okHandler('three'));
    expect(await run.runWith(build(gone), 'plan')).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(/warning: nothing proves [^]*git fetch origin abcdef0123456789/) as string,
    });
    await run.file(fileOf({ hello: hello() }, asks));
    const refused = await run.runWith(build(gone), 'apply', '--yes');
    expect(refused).toMatchObject({ exitCode: 3, err: expect.stringContaining('ANCESTRY_UNPROVEN') as string });
    expect(refused.err).toContain('requireAncestry: true');
    expect(run.mutations()).toEqual([]);
    expect(await run.run('apply', '--yes')).toMatchObject({ exitCode: 0 });
  });

  it('no checkout at all is a note of --verbose; a first deployment needs no proof', async () => {
    const run = await stage();
    await run.file(fileOf({ hello: hello() }, asks));
    await run.code(okHandler('one'));
    expect(await run.run('apply', '--yes')).toMatchObject({ exitCode: 0 });
    await run.code(okHandler('two'));
    expect(await run.run('apply', '--yes')).toMatchObject({ exitCode: 3 });
    await run.file(fileOf({ hello: hello() }));
    expect((await run.run('plan')).err).toBe('');
    expect((await run.run('plan', '--verbose')).err).toContain('note: nothing proves');
    expect(await run.run('apply', '--yes')).toMatchObject({ exitCode: 0 });
  });
});
