import { DeployError } from '../errors.js';
import type { PlanDocument, Warning } from '../model/plan.js';
import type { DeployRecord } from '../model/record.js';
import { as } from '../render/text.js';
import { CommitGraph } from './commit-graph.js';
import type { Context } from './context.js';
import type { PlannedJob } from './planning.js';

/** Results whose commit served callers, or may have: an open record's run died on its way. */
const DEPLOYED: readonly DeployRecord['result'][] = ['succeeded', 'pending', 'open'];

/** Older records than these tell nothing new, and each costs a question to git. */
const COMPARED_COMMITS = 8;

const SHOWN_DIGITS = 12;

/** Why an apply of this commit may take an alias back in time. */
export interface Doubt {
  readonly code: 'OLDER_COMMIT' | 'DIVERGED_COMMIT' | 'ANCESTRY_UNPROVEN';
  readonly function: string;
  readonly message: string;
  readonly fix: string;
  /** True: there is nothing to ask git about, which is worth a word only where the file asks for proof. */
  readonly quiet: boolean;
}

type Refused = Doubt & { readonly code: 'OLDER_COMMIT' | 'ANCESTRY_UNPROVEN' };

/**
 * Compares the commit with the newest ones that were deployed to each alias that the plan changes, taken back or not, by git's
 * ancestry. A rollback's record counts for nothing: its commit is of whoever ran it. Calls git only; never throws.
 */
export async function findDoubts(
  { host }: Pick<Context, 'host'>,
  jobs: readonly Pick<PlannedJob, 'plan' | 'records'>[],
  commit: string | undefined,
): Promise<readonly Doubt[]> {
  const graph = new CommitGraph(host);
  const found = jobs.map(async ({ plan, records }) => {
    if (plan.action === 'none') return [];
    const judged = [...records].map(([alias, list]) => {
      const where = alias === null ? plan.name : `alias ${alias} of ${plan.name}`;
      return judge(graph, commit, list, { function: plan.name, where });
    });
    return (await Promise.all(judged)).filter((doubt) => doubt !== undefined);
  });
  return (await Promise.all(found)).flat();
}

async function judge(
  graph: CommitGraph,
  ours: string | undefined,
  records: readonly DeployRecord[],
  about: { readonly function: string; readonly where: string },
): Promise<Doubt | undefined> {
  const deployed = records.filter(({ action, result }) => action === 'deploy' && DEPLOYED.includes(result));
  if (deployed.length === 0) return undefined;
  const commits = [...new Set(deployed.flatMap(({ commit }) => commit ?? []))].slice(0, COMPARED_COMMITS);
  const [newest] = commits;
  const unproven = (why: string, fix: string, quiet: boolean): Doubt => ({
    code: 'ANCESTRY_UNPROVEN',
    function: about.function,
    message: `nothing proves that ${about.where} does not go back to an older commit: ${why}.`,
    fix,
    quiet,
  });
  if (newest === undefined)
    return unproven('its records name no commit', 'deploy once from a git checkout, with --allow-older.', true);
  const problem = await graph.problem();
  if (problem !== undefined) return unproven(problem.why, problem.fix, problem.quiet);
  if (ours === undefined) return unproven('the checkout has no commit yet', 'commit what is deployed.', true);
  const relations = await Promise.all(commits.map((recorded) => graph.relate(ours, recorded)));
  const newer = commits[relations.indexOf('older')];
  if (newer !== undefined)
    return {
      code: 'OLDER_COMMIT',
      function: about.function,
      message: `commit ${short(ours)} is older than ${short(newer)}, which was deployed to ${about.where}.`,
      fix: 'deploy a commit that contains it, or go back with lambda-deploy rollback; --allow-older applies this one all the same.',
      quiet: false,
    };
  const [relation] = relations;
  if (typeof relation === 'object') return unproven(relation.why, relation.fix, false);
  if (relation !== 'diverged') return undefined;
  return {
    code: 'DIVERGED_COMMIT',
    function: about.function,
    message: `commit ${short(ours)} does not contain ${short(newest)}, which was deployed to ${about.where}: what that one changed may go back.`,
    fix: `merge or rebase onto ${short(newest)}.`,
    quiet: false,
  };
}

function short(commit: string): string {
  return commit.slice(0, SHOWN_DIGITS);
}

/**
 * The plan with its doubts as warnings. A quiet one is told with `--verbose` only, unless the file asks for proof: then it is
 * what apply refuses for.
 */
export function withDoubts(
  { output, options }: Pick<Context, 'output' | 'options'>,
  document: PlanDocument,
  doubts: readonly Doubt[],
  requireAncestry: boolean,
): PlanDocument {
  const loud = doubts.filter(({ quiet }) => requireAncestry || !quiet);
  const notes = doubts.filter((doubt) => !loud.includes(doubt));
  if (options.verbose) output.diagnostics(notes.map(({ message }) => [as('dim', `note: ${message}`)]));
  const warnings = loud.map((doubt): Warning => {
    const refused = options['allowOlder'] !== true && isRefused(doubt, requireAncestry);
    const message = `${doubt.message}${refused ? ' apply refuses it.' : ''} fix: ${doubt.fix}`;
    return { code: doubt.code, function: doubt.function, message };
  });
  return { ...document, warnings: [...document.warnings, ...warnings] };
}

/**
 * Ends an apply that would go back in time, or that must prove that it does not; `--allow-older` lets both pass.
 *
 * @throws OLDER_COMMIT, ANCESTRY_UNPROVEN (with `requireAncestry`), before anything is written
 */
export function refuseDoubts(
  { options }: Pick<Context, 'options'>,
  doubts: readonly Doubt[],
  requireAncestry: boolean,
): void {
  if (options['allowOlder'] === true) return;
  const refused = doubts.flatMap((doubt) => (isRefused(doubt, requireAncestry) ? [doubt] : []));
  const worst = refused.find(({ code }) => code === 'OLDER_COMMIT') ?? refused[0];
  if (worst === undefined) return;
  const why = worst.code === 'ANCESTRY_UNPROVEN' ? ' The file has requireAncestry: true.' : '';
  throw new DeployError(worst.code, `${worst.message}${why} Nothing was changed.`, {
    subject: worst.function,
    fix: worst.fix,
  });
}

/** Commits that merely diverged are allowed: a branch may be deployed on purpose. */
function isRefused(doubt: Doubt, requireAncestry: boolean): doubt is Refused {
  return doubt.code === 'OLDER_COMMIT' || (doubt.code === 'ANCESTRY_UNPROVEN' && requireAncestry);
}
