import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

/** Nothing of the machine's own configuration. */
const GIT_ENV = {
  PATH: process.env['PATH'] ?? '',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@example.com',
};

/** Why tests with a repository are skipped; `undefined`: they are not. */
export const NO_GIT = spawnSync('git', ['--version']).error === undefined ? undefined : 'git is not installed';
if (NO_GIT !== undefined) console.warn(`Skipped: the tests of the ancestry guard; ${NO_GIT}.`);

/** Runs git in a folder and answers what it prints; a failure fails the test. */
export function git(folder: string, ...words: string[]): string {
  return gitWith({}, folder, ...words);
}

function gitWith(env: Readonly<Record<string, string>>, folder: string, ...words: string[]): string {
  const ran = spawnSync('git', words, { cwd: folder, env: { ...GIT_ENV, ...env }, encoding: 'utf8' });
  if (ran.status !== 0) throw new Error(`git ${words.join(' ')}: ${ran.stderr}`);
  return ran.stdout.trim();
}

/** Makes an empty commit, at a date of its own if told, and answers its id. The message makes it another one than the others. */
export function commit(folder: string, message: string, date?: string): string {
  const dates = date === undefined ? {} : { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
  gitWith(dates, folder, 'commit', '--quiet', '--allow-empty', '-m', message);
  return git(folder, 'rev-parse', 'HEAD');
}

/** `one` ← `two` ← `three` on main, and `side` beside `two`; main is checked out. */
export interface Repository {
  readonly folder: string;
  readonly one: string;
  readonly two: string;
  readonly three: string;
  readonly side: string;
}

export async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'lambda-deploy-git-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function repository(): Promise<Repository> {
  const folder = await emptyFolder();
  git(folder, 'init', '--quiet', '--initial-branch=main');
  const one = commit(folder, 'one');
  git(folder, 'checkout', '--quiet', '-b', 'side');
  const side = commit(folder, 'side');
  git(folder, 'checkout', '--quiet', 'main');
  const two = commit(folder, 'two');
  const three = commit(folder, 'three');
  return { folder, one, two, three, side };
}

/** A clone of the main branch as deep as told. */
export async function clone({ folder }: Repository, depth: number): Promise<string> {
  const copy = await emptyFolder();
  git(
    copy,
    'clone',
    '--quiet',
    '--branch',
    'main',
    '--single-branch',
    '--depth',
    String(depth),
    `file://${folder}`,
    '.',
  );
  return copy;
}
