import { prune as deleteVersions } from '../apply/prune.js';
import { DeployError, type ExitCode } from '../errors.js';
import { FORMAT_VERSION } from '../model/plan.js';
import type {
  DeleteVersionResult,
  FunctionPrune,
  FunctionPruneResult,
  PrunePlan,
  PruneResult,
} from '../model/prune.js';
import { pruneMarkdown, pruneResultMarkdown } from '../render/prune-markdown.js';
import { renderPrunePlan, renderPruneResult } from '../render/prune.js';
import { toDesired } from '../spec/load.js';
import { confirm, requireConfirmable } from './confirm.js';
import type { Context } from './context.js';
import { readPins } from './prune-pins.js';
import { preparePrune, pruneWarnings, type PruneJob } from './prune-read.js';
import { openSessions } from './session.js';
import { loadSelected } from './spec.js';

/**
 * Deletes old published versions: plans, asks, deletes one after the other. Never one that an alias, a weight or a rollback needs, also
 * where somebody came to need it while the question was open.
 *
 * @throws USAGE, CONFIRMATION_REQUIRED before anything is touched; what reading throws
 */
export async function prune(context: Context): Promise<ExitCode> {
  const keep = keepOf(context);
  requireConfirmable(context);
  const desired = toDesired(await loadSelected(context, { keepUnset: true }), new Map());
  const pins = await readPins(context);
  const read = async (): Promise<PruneJob[]> => {
    const sessions = openSessions(context, desired);
    const jobs: PruneJob[] = [];
    // One after the other: what hangs on versions is read within the slow quota.
    for (const one of desired.functions)
      jobs.push(await preparePrune(context, await sessions(one), { one, pins, account: desired.account, keep }));
    return jobs;
  };
  const jobs = await read();
  const functions = jobs.map(({ plan }) => plan);
  const changes = functions.some(({ operations }) => operations.length > 0);
  const warnings = pruneWarnings(functions, desired.metadata.store);
  const plan: PrunePlan = { formatVersion: FORMAT_VERSION, command: 'prune', keep, changes, functions, warnings };
  if (context.options['planOnly'] === true || !changes) {
    context.output.result(plan, renderPrunePlan(plan), pruneMarkdown);
    return 0;
  }
  context.output.preface([...renderPrunePlan(plan), []]);
  await confirm(context, 'Delete these versions?');
  // Whoever was asked may have taken an hour to answer.
  const current = context.options['yes'] === true ? jobs : await read();
  const results: FunctionPruneResult[] = [];
  for (const [index, job] of current.entries())
    results.push(await carryOut(context, functions[index] ?? job.plan, job));
  const result = resultOf(results);
  context.output.result(result, renderPruneResult(result), pruneResultMarkdown);
  return Math.max(...results.map(({ exitCode }) => exitCode)) as ExitCode;
}

/** @throws USAGE */
function keepOf({ options }: Context): number {
  const { keep, alias } = options;
  if (alias.length > 0)
    throw new DeployError('USAGE', 'prune takes no --alias: a version is of the function, and any alias may need it.', {
      fix: 'leave it out, or choose functions with --function.',
    });
  if (typeof keep === 'string' && /^[1-9]\d{0,8}$/.test(keep)) return Number(keep);
  const given = keep === undefined ? 'is missing' : `is ${JSON.stringify(keep)}`;
  throw new DeployError('USAGE', `--keep ${given}; it takes a whole number, 1 or more. Nothing was called.`, {
    fix: 'say how many of the newest versions stay, such as --keep 10.',
  });
}

/** @param plan what was confirmed; nothing else is deleted, whatever the job's own plan is by now */
function carryOut(
  { host, output }: Context,
  plan: FunctionPrune,
  { session, planAgain }: PruneJob,
): Promise<FunctionPruneResult> {
  const tell = (version: string, what: string): void => output.progress([[`${plan.name}: version ${version} ${what}`]]);
  const said: Readonly<Record<DeleteVersionResult['status'], string>> = {
    done: 'deleted',
    recovered: 'deleted (the answer was lost)',
    failed: 'not deleted',
    skipped: 'not deleted',
    kept: 'kept',
  };
  return deleteVersions(plan, {
    lambda: session.lambda,
    planAgain,
    clock: host.clock,
    random: host.random,
    signal: host.signal,
    onRetry: (version, reason, seconds) => tell(version, `again in ${seconds.toFixed(1)} s: ${reason}`),
    onEnd: ({ version, status }) => tell(version, said[status]),
  });
}

function resultOf(functions: readonly FunctionPruneResult[]): PruneResult {
  const has = (result: PruneResult['result']): boolean => functions.some((one) => one.result === result);
  const result = has('failed') ? 'failed' : has('succeeded') ? 'succeeded' : 'no_changes';
  return { formatVersion: FORMAT_VERSION, command: 'prune', result, functions };
}
