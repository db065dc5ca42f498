import { askGit, type GitAnswer } from './git.js';
import type { Host } from './host.js';

/** Why git cannot tell, and what to do. */
export interface Unknown {
  readonly why: string;
  readonly fix: string;
}

/** How our commit stands to another one. */
export type Relation = 'same' | 'newer' | 'older' | 'diverged' | Unknown;

/** What stands for a commit in a record. Anybody may write a tag: nothing else is passed to git. */
const COMMIT = /^[0-9a-f]{7,64}$/i;

/** A whole object id, of SHA-1 or SHA-256: only such a one can be fetched by name. */
const WHOLE_ID_DIGITS = [40, 64];

const SHOWN_DIGITS = 12;

const FETCH_ALL = "git fetch origin '+refs/heads/*:refs/remotes/origin/*'";

/** The history of the checkout in the working directory, asked of git; each question once. */
export class CommitGraph {
  private readonly answers = new Map<string, Promise<GitAnswer>>();

  constructor(private readonly host: Pick<Host, 'env' | 'cwd'>) {}

  /** Why there is no history to ask; `quiet`: because there is none, not because git refuses. */
  async problem(): Promise<(Unknown & { readonly quiet: boolean }) | undefined> {
    const answer = await this.ask('rev-parse', '--is-shallow-repository');
    if (!('problem' in answer)) return undefined;
    const { problem } = answer;
    if (problem === 'missing')
      return { why: 'git is not installed', fix: 'install git where apply runs.', quiet: true };
    if (problem.includes('not a git repository'))
      return { why: 'the working directory is no git checkout', fix: 'run it in the checkout.', quiet: true };
    if (!problem.includes('dubious ownership'))
      return { why: `git fails: ${problem}`, fix: 'mend the checkout.', quiet: false };
    const why = 'git does not trust the checkout, which belongs to another user (safe.directory)';
    return { why, fix: `git config --global --add safe.directory ${quoted(this.host.cwd)}`, quiet: false };
  }

  /**
   * How `ours` stands to `other`, by ancestry, never by time.
   *
   * @param other a commit or its first digits, as a record has it
   */
  async relate(ours: string, other: string): Promise<Relation> {
    if (!COMMIT.test(other))
      return { why: `a record names ${JSON.stringify(other)} as its commit`, fix: 'deploy once with --allow-older.' };
    if (ours.toLowerCase().startsWith(other.toLowerCase())) return 'same';
    const [isShallow, mine, theirs] = await Promise.all([this.isShallow(), this.find(ours), this.find(other)]);
    if (mine === undefined) return unknownCommit(ours, isShallow);
    if (theirs === undefined) return unknownCommit(other, isShallow);
    if (mine === theirs) return 'same';
    const [isOlder, isNewer] = await Promise.all([this.isAncestor(mine, theirs), this.isAncestor(theirs, mine)]);
    if (isOlder === true) return 'older';
    if (isNewer === true) return 'newer';
    const why = `git cannot compare it with ${other.slice(0, SHOWN_DIGITS)}`;
    if (isOlder === undefined || isNewer === undefined) return { why, fix: `${FETCH_ALL}, then git fsck.` };
    // Where the history is cut off, the link between the two may be in the part that is missing.
    return isShallow ? { why: 'the clone is shallow', fix: 'git fetch --unshallow' } : 'diverged';
  }

  private async isShallow(): Promise<boolean> {
    const answer = await this.ask('rev-parse', '--is-shallow-repository');
    return 'out' in answer && answer.out === 'true';
  }

  /** The whole id. Looked up as an object, never as a name: a branch may be called like a commit. */
  private async find(commit: string): Promise<string | undefined> {
    if (!COMMIT.test(commit)) return undefined;
    const answer = await this.ask('rev-parse', `--disambiguate=${commit}`);
    return 'out' in answer && /^[0-9a-f]+$/.test(answer.out) ? answer.out : undefined;
  }

  private async isAncestor(one: string, other: string): Promise<boolean | undefined> {
    const { exitCode } = await this.ask('merge-base', '--is-ancestor', one, other);
    return exitCode === 0 ? true : exitCode === 1 ? false : undefined;
  }

  private ask(...words: string[]): Promise<GitAnswer> {
    const question = words.join(' ');
    const answer = this.answers.get(question) ?? askGit(this.host, ...words);
    this.answers.set(question, answer);
    return answer;
  }
}

function unknownCommit(commit: string, isShallow: boolean): Unknown {
  const why = `the clone does not have commit ${commit.slice(0, SHOWN_DIGITS)}${isShallow ? ', because it is shallow' : ''}`;
  if (isShallow) return { why, fix: 'git fetch --unshallow' };
  return {
    why,
    fix: WHOLE_ID_DIGITS.includes(commit.length) && COMMIT.test(commit) ? `git fetch origin ${commit}` : FETCH_ALL,
  };
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}
