import { DeployError, type ExitCode } from '../errors.js';
import type { DesiredAlias, DesiredFunction, LiveFunction, Version } from '../model/function.js';
import type { DeployRecord, Origin } from '../model/record.js';
import type { PlannedFunction } from '../planner/deploy.js';
import { planFinish, requireShare, type RolloutInput } from '../planner/promote.js';
import { planDigestOf } from '../planner/waiting.js';
import { renderPlan } from '../render/plan.js';
import { toDesired } from '../spec/load.js';
import { requireOtherApprover } from './approval.js';
import { scopeOf } from './build-scope.js';
import { checksOf, chooseOne } from './choose-alias.js';
import { confirm, requireConfirmable } from './confirm.js';
import { conclude } from './conclude.js';
import type { Context } from './context.js';
import { assemblePlan } from './digest.js';
import type { Job } from './execute.js';
import { alreadyPromoted, expectedPlan, expectedStanding } from './expected-rollout.js';
import { readOrigin } from './origin.js';
import { takesOverWarnings } from './running.js';
import { requireSecrets, withSecrets } from './secrets.js';
import { openSessions, readState, type Session } from './session.js';
import { loadSelected } from './spec.js';

/** What `promote` and `abort` differ in. */
export interface Ending {
  readonly command: 'promote' | 'abort';
  readonly question: string;
  readonly plan: (input: RolloutInput) => PlannedFunction;
  readonly endsAs?: 'rolled_back';
  /** True: the alias has been moved already, by a run that died. */
  readonly finishes?: true;
}

/**
 * Ends, or takes further, the rollout that one alias stands in: plans, asks, applies. Needs no archive, and works from any build or
 * laptop: the state is the alias itself.
 *
 * @throws USAGE when it is not clear which alias; NOT_APPROVED, NO_ROLLOUT, PLAN_STALE before anything is touched
 */
export async function endRollout(context: Context, ending: Ending): Promise<ExitCode> {
  if (ending.command === 'promote') requireOtherApprover(context);
  const expected = expectedPlan(context);
  requireConfirmable(context);
  context.output.group('Reading the file, AWS and the records');
  const spec = await loadSelected(context);
  const scope = scopeOf(context, spec);
  context.build?.concerns(scope);
  const what = ending.command === 'promote' ? 'A promotion' : 'An abort';
  const checks = await withSecrets(context, checksOf(spec, chooseOne(spec, what)));
  const desired = toDesired(checks, new Map());
  const { one, alias } = chooseOne(desired, what);
  const session = await openSessions(context, desired)(one);
  const [{ live, records }, origin] = await Promise.all([
    readState(context, session, desired.account, one),
    readOrigin(context.host),
  ]);
  const known = records.get(alias.name) ?? [];
  const served = live?.aliases.find(({ name }) => name === alias.name);
  const standing = expected === undefined ? 'waits' : expectedStanding(expected, one.name, alias.name, served, known);
  if (standing === 'promoted') return alreadyPromoted(context, one.name, alias.name);
  const isMoved = standing === 'moved';
  const way: Ending = isMoved
    ? { ...ending, question: 'Finish the promotion?', plan: planFinish, finishes: true }
    : ending;
  const job = await rolloutJob(context, { session, one, alias, live, known, origin }, way);
  const { plan, warnings } = job.planned;
  const document = assemblePlan(ending.command, [plan], warnings);
  if (context.options['planOnly'] === true) {
    context.output.result(document, renderPlan(document));
    return 0;
  }
  context.output.group('Plan');
  context.output.preface([...renderPlan(document), []]);
  if (plan.operations.some(({ type }) => type === 'Invoke')) requireSecrets(checks);
  await confirm(context, way.question);
  return conclude(context, ending.command, [job], scope);
}

/** One alias as it was read, with what a run needs. */
export interface Standing {
  readonly one: DesiredFunction;
  readonly alias: DesiredAlias;
  readonly session: Session;
  readonly live: LiveFunction | undefined;
  /** The alias's records, newest first. */
  readonly known: readonly DeployRecord[];
  readonly origin: Origin;
}

/** The job that ends a rollout. @throws NO_ROLLOUT, VERSION_NOT_FOUND, AWS_* */
export async function rolloutJob(
  context: Context,
  { session, one, alias, live, known, origin }: Standing,
  ending: Ending,
): Promise<Job> {
  const { name } = one;
  const served = live?.aliases.find((other) => other.name === alias.name);
  const share = ending.finishes === true ? undefined : requireShare(name, alias.name, served).version;
  if (live === undefined || served === undefined) throw new Error('the alias was read');
  const wanted =
    ending.command === 'promote' && share !== undefined && 'number' in share ? share.number : served.version;
  const read = await session.lambda.getFunction(name, wanted);
  if (read === undefined) throw gone(name, wanted);
  context.output.redactor.learnVersion(read.version);
  const recordsInTags = session.records.kind === 'tags';
  const specDigest = digestOf(known);
  const planDigest = ending.command === 'promote' ? planDigestOf(served, known) : undefined;
  const planned = ending.plan({ name, alias, live, version: read.version, specDigest, recordsInTags });
  return {
    session,
    planned: { ...planned, warnings: [...planned.warnings, ...takesOverWarnings(context, known)] },
    desired: { name, aliases: [alias], specDigest },
    // The run compares the version that it shifts to with what was seen here.
    live: { ...live, versions: [...live.versions.filter(({ version }) => version !== wanted), read.version] },
    known,
    code: () => Promise.reject(new Error('a rollout sends no code')),
    takesOver: true,
    meta: {
      action: 'deploy',
      origin,
      leavesLatest: true,
      ...(planDigest === undefined ? {} : { planDigest }),
      ...(ending.endsAs === undefined ? {} : { endsAs: ending.endsAs }),
    },
  };
}

/** The deployment that the rollout belongs to. */
function digestOf([newest]: readonly DeployRecord[]): string {
  return newest?.specDigest ?? '';
}

function gone(name: string, version: Version): DeployError {
  return new DeployError('VERSION_NOT_FOUND', `version ${version} of ${name} no longer exists. Nothing was changed.`, {
    subject: name,
    fix: 'point the alias at an existing version, then apply.',
  });
}
