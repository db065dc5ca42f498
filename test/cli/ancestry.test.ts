import { existsSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Doubt, findDoubts, refuseDoubts, withDoubts } from '../../src/cli/ancestry.js';
import { CommitGraph } from '../../src/cli/commit-graph.js';
import { readOrigin } from '../../src/cli/origin.js';
import type { PlanDocument } from '../../src/model/plan.js';
import type { DeployRecord } from '../../src/model/record.js';
import { decode, encode } from '../../src/record/encoding.js';
import { sample } from '../record/sample.js';
import { clone, commit, emptyFolder, git, NO_GIT, repository } from './repository.js';

const hostOf = (cwd: string, env: Readonly<Record<string, string>> = {}) => ({
  host: { cwd, env: { PATH: process.env['PATH'], GIT_CONFIG_GLOBAL: '/dev/null', ...env } } as never,
});

/** Records newest first, each with a version of its own. */
function records(...parts: Partial<DeployRecord>[]): DeployRecord[] {
  return parts.map((part, index) => sample(parts.length - index, part));
}

const job = (list: readonly DeployRecord[], action: 'update' | 'none' = 'update') => [
  { plan: { name: 'orders', action } as never, records: new Map([['live', list]]) },
];

describe.skipIf(NO_GIT !== undefined)('a commit against what was deployed', () => {
  const doubtOf = async (cwd: string, ours: string | undefined, ...parts: Partial<DeployRecord>[]) => {
    const doubts = await findDoubts(hostOf(cwd), job(records(...parts)), ours);
    expect(doubts.length).toBeLessThan(2);
    return doubts[0];
  };

  it('newer, the same, and its first digits: no doubt', async () => {
    const { folder, one, two, three } = await repository();
    for (const recorded of [one, two, three, one.slice(0, 12), three.slice(0, 12)])
      expect(await doubtOf(folder, three, { commit: recorded })).toBeUndefined();
  });

  it('an ancestor is older, whatever the clock says', async () => {
    const { folder, one, three } = await repository();
    for (const recorded of [three, three.slice(0, 12)]) {
      const doubt = await doubtOf(folder, one, { commit: recorded });
      expect(doubt).toMatchObject({ code: 'OLDER_COMMIT', function: 'orders', quiet: false });
      expect(doubt?.message).toBe(
        `commit ${one.slice(0, 12)} is older than ${three.slice(0, 12)}, which was deployed to alias live of orders.`,
      );
    }
    git(folder, 'checkout', '--quiet', three);
    const back = commit(folder, 'dated back', '2001-01-01T00:00:00Z');
    expect(await doubtOf(folder, back, { commit: three })).toBeUndefined();
  });

  it('what a rollback took back counts, the commit of who ran the rollback does not', async () => {
    const { folder, one, two, three } = await repository();
    const taken = { commit: two, takenBack: true } as const;
    expect(await doubtOf(folder, one, { action: 'rollback', commit: one }, taken, { commit: one })).toMatchObject({
      code: 'OLDER_COMMIT',
    });
    expect(await doubtOf(folder, two, { action: 'rollback', commit: three }, taken)).toBeUndefined();
  });

  it.each([
    ['failed', false],
    ['rolled_back', false],
    ['pending', true],
    ['open', true],
  ] as const)('a deployment that ended as %s counts: %s', async (result, counts) => {
    const { folder, one, two } = await repository();
    const doubt = await doubtOf(folder, one, { commit: two, result }, { commit: one });
    expect(doubt?.code).toBe(counts ? 'OLDER_COMMIT' : undefined);
  });

  it('older than one of before, since --allow-older went back, is older still', async () => {
    const { folder, one, two, three } = await repository();
    expect(await doubtOf(folder, two, { commit: one }, { commit: three })).toMatchObject({ code: 'OLDER_COMMIT' });
  });

  it('a branch beside it is allowed, with a warning', async () => {
    const { folder, two, side } = await repository();
    const doubt = await doubtOf(folder, side, { commit: two });
    expect(doubt).toMatchObject({ code: 'DIVERGED_COMMIT', quiet: false });
    expect(() => refuseDoubts({ options: {} as never }, [doubt as Doubt], true)).not.toThrow();
  });

  it('a commit that the clone lacks: how to get it', async () => {
    const { folder, three } = await repository();
    const gone = 'abcdef0123456789abcdef0123456789abcdef01';
    expect(await doubtOf(folder, three, { commit: gone })).toMatchObject({
      code: 'ANCESTRY_UNPROVEN',
      message: expect.stringContaining('the clone does not have commit abcdef012345.') as string,
      fix: `git fetch origin ${gone}`,
      quiet: false,
    });
    expect((await doubtOf(folder, three, { commit: gone.slice(0, 12) }))?.fix).toMatch(/^git fetch origin '\+refs/);
    expect((await doubtOf(folder, gone, { commit: three }))?.fix).toBe(`git fetch origin ${gone}`);
  });

  it('a shallow clone cannot prove it, and says how it could', async () => {
    const whole = await repository();
    const copy = await clone(whole, 1);
    expect(await doubtOf(copy, whole.three, { commit: whole.two })).toMatchObject({
      code: 'ANCESTRY_UNPROVEN',
      message: expect.stringContaining('because it is shallow') as string,
      fix: 'git fetch --unshallow',
    });
    // Known both, but the link between them is in the part that is missing.
    git(copy, 'fetch', '--quiet', '--depth', '1', 'origin', 'side:side');
    expect(await doubtOf(copy, whole.three, { commit: whole.side })).toMatchObject({
      code: 'ANCESTRY_UNPROVEN',
      fix: 'git fetch --unshallow',
    });
    expect((await doubtOf(await clone(whole, 2), whole.two, { commit: whole.three }))?.code).toBe('OLDER_COMMIT');
  });

  it('a branch that is called like the commit is not taken for it', async () => {
    const { folder, one, two, three } = await repository();
    git(folder, 'branch', two.slice(0, 12), one);
    git(folder, 'tag', three.slice(0, 12), one);
    expect(await doubtOf(folder, one, { commit: two.slice(0, 12) })).toMatchObject({ code: 'OLDER_COMMIT' });
  });

  it.each(['HEAD', '--upload-pack=touch pwned', 'main', 'HEAD~1'])(
    'a record that names %j as its commit: not passed to git',
    async (name) => {
      const { folder, three } = await repository();
      expect(await doubtOf(folder, three, { commit: name })).toMatchObject({ code: 'ANCESTRY_UNPROVEN', quiet: false });
    },
  );

  it('nothing deployed, or nothing to change: nothing to compare', async () => {
    const { folder, one, three } = await repository();
    expect(await doubtOf(folder, one)).toBeUndefined();
    expect(await findDoubts(hostOf(folder), job(records({ commit: three }), 'none'), one)).toEqual([]);
  });

  it('records without a commit, no checkout, no git: quiet', async () => {
    const { folder, three } = await repository();
    expect(await doubtOf(folder, three, {})).toMatchObject({ code: 'ANCESTRY_UNPROVEN', quiet: true });
    const empty = await emptyFolder();
    expect(await doubtOf(empty, undefined, { commit: three })).toMatchObject({
      message: expect.stringContaining('no git checkout') as string,
      quiet: true,
    });
    const without = await findDoubts(hostOf(folder, { PATH: empty }), job(records({ commit: three })), three);
    expect(without).toMatchObject([
      { message: expect.stringContaining('git is not installed') as string, quiet: true },
    ]);
  });

  it('a checkout that git does not trust: said, with the command', async () => {
    const { folder, one, three } = await repository();
    // Git's own switch to play another owner.
    const graph = new CommitGraph(hostOf(folder, { GIT_TEST_ASSUME_DIFFERENT_OWNER: '1' }).host);
    expect(await graph.problem()).toMatchObject({
      why: expect.stringContaining('safe.directory') as string,
      fix: `git config --global --add safe.directory '${folder}'`,
      quiet: false,
    });
    expect(await graph.relate(one, three)).toMatchObject({ why: expect.any(String) as string });
  });

  it('runs nothing that the checkout configures', async () => {
    const { folder, one, three } = await repository();
    const trap = path.join(folder, 'trap.sh');
    await writeFile(trap, `#!/bin/sh\ntouch ${path.join(folder, 'sprung')}\n`);
    await chmod(trap, 0o755);
    const traps = {
      'core.fsmonitor': trap,
      'core.hooksPath': folder,
      'core.pager': trap,
      'core.sshCommand': trap,
      'alias.rev-parse': `!${trap}`,
      'remote.origin.url': `ext::${trap}`,
      'remote.origin.promisor': 'true',
      'remote.origin.partialclonefilter': 'blob:none',
      'protocol.ext.allow': 'always',
      'core.repositoryformatversion': '1',
      'extensions.partialclone': 'origin',
    };
    for (const [key, value] of Object.entries(traps)) git(folder, 'config', key, value);
    expect(await doubtOf(folder, one, { commit: three })).toMatchObject({ code: 'OLDER_COMMIT' });
    const gone = 'abcdef0123456789abcdef0123456789abcdef01';
    expect(await doubtOf(folder, three, { commit: gone })).toMatchObject({ code: 'ANCESTRY_UNPROVEN' });
    expect(await doubtOf(folder, gone, { commit: three })).toMatchObject({ code: 'ANCESTRY_UNPROVEN' });
    expect(await readOrigin(hostOf(folder).host)).toMatchObject({ commit: three, branch: 'main' });
    expect(existsSync(path.join(folder, 'sprung'))).toBe(false);
  });
});

describe('what becomes of doubts', () => {
  const doubt = (code: Doubt['code'], quiet = false): Doubt => ({
    code,
    function: 'orders',
    message: `${code}.`,
    fix: 'mend it.',
    quiet,
  });
  const OLDER = doubt('OLDER_COMMIT');
  const UNPROVEN = doubt('ANCESTRY_UNPROVEN');
  const QUIET = doubt('ANCESTRY_UNPROVEN', true);
  const DIVERGED = doubt('DIVERGED_COMMIT');

  it.each([
    ['older', OLDER, false, 'OLDER_COMMIT'],
    ['unproven', UNPROVEN, false, undefined],
    ['unproven, and the file asks for proof', UNPROVEN, true, 'ANCESTRY_UNPROVEN'],
    ['no git, and the file asks for proof', QUIET, true, 'ANCESTRY_UNPROVEN'],
    ['diverged, and the file asks for proof', DIVERGED, true, undefined],
  ] as const)('%s', (_why, one, requireAncestry, code) => {
    const refuse = (options: object) => () => refuseDoubts({ options: options as never }, [one], requireAncestry);
    if (code === undefined) expect(refuse({})).not.toThrow();
    else expect(refuse({})).toThrow(expect.objectContaining({ code, exit: 3, subject: 'orders', fix: 'mend it.' }));
    expect(refuse({ allowOlder: true })).not.toThrow();
  });

  it('in a plan they are warnings, the quiet ones a note of --verbose', () => {
    const told: unknown[] = [];
    const output = { diagnostics: (lines: unknown[]) => told.push(...lines) } as never;
    const document = { warnings: [] } as unknown as PlanDocument;
    const warned = (verbose: boolean, requireAncestry: boolean) =>
      withDoubts({ output, options: { verbose } as never }, document, [OLDER, DIVERGED, QUIET], requireAncestry)
        .warnings;
    expect(warned(false, false).map(({ message }) => message)).toEqual([
      'OLDER_COMMIT. apply refuses it. fix: mend it.',
      'DIVERGED_COMMIT. fix: mend it.',
    ]);
    expect(told).toEqual([]);
    expect(warned(true, true)).toHaveLength(3);
    expect(told).toEqual([]);
    expect(warned(true, false)).toHaveLength(2);
    expect(told).toHaveLength(1);
  });
});

it('the tags keep the commit of the newest deployment beside the rollback that took it back', () => {
  const [one, two, three] = ['a', 'b', 'c'].map((digit) => digit.repeat(40)) as [string, string, string];
  const list = records({ action: 'rollback', commit: three }, { commit: two }, { commit: one });
  const kept = decode(encode(list), 'orders', 'live').map(({ commit: id }) => id);
  expect(kept).toEqual([three.slice(0, 12), two.slice(0, 12), undefined]);
});
