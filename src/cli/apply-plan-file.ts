import { DeployError, type ExitCode } from '../errors.js';
import type { DesiredFunction } from '../model/function.js';
import { canonicalJson, type Json } from '../model/json.js';
import type { FunctionPlan, PlanFile } from '../model/plan.js';
import type { DeployRecord, Origin } from '../model/record.js';
import { changedSince, isRestOf } from '../planner/resume.js';
import { renderPlan } from '../render/plan.js';
import { loadSpec, toDesired, type LoadedSpec } from '../spec/load.js';
import { ABORT } from './abort.js';
import { findDoubts, refuseDoubts, withDoubts } from './ancestry.js';
import { scopeOfPlan } from './build-scope.js';
import { carryOut } from './carry-out.js';
import type { Context } from './context.js';
import { execute } from './execute.js';
import { refuseHolds } from './holds.js';
import { readOrigin } from './origin.js';
import { fetchPlanFile } from './plan-artifact.js';
import { readPlanFile } from './plan-file.js';
import { planDesired, type PlannedJob } from './planning.js';
import { rolloutJob } from './rollout.js';
import { requireSecrets, withSecrets } from './secrets.js';
import { learnSpec, select } from './spec.js';

/**
 * Applies exactly the plan that a file holds: the file, its variables and its code come from there, secrets are read now. Goes on
 * where live is as the plan saw it, or where a run of this very plan was lost half-way (semantics 28); else changes nothing more.
 *
 * @throws BUILD_AGENT, PLAN_FILE, PLAN_STALE naming what is different, OLDER_COMMIT, ANCESTRY_UNPROVEN, ALIAS_HELD, SECRET_UNKNOWN, USAGE for options that the plan file decides
 */
export async function applyPlanFile(here: Context, path: string): Promise<ExitCode> {
  refuseOptions(here);
  here.output.group('Reading the plan file, AWS and the records');
  await fetchPlanFile(here, path);
  const expect = here.options['expect'];
  const { file, codes } = await readPlanFile(here, path, typeof expect === 'string' ? expect : undefined);
  const context = inItsRegion(here, file);
  const scope = scopeOfPlan(file.inputs);
  context.build?.concerns(scope);
  try {
    const spec = await withSecrets(context, await loadFrom(context, file));
    requireSecrets(spec);
    const desired = toDesired(spec, codes.refs);
    const origin = await readOrigin(context.host);
    const planning = { ...(await planDesired(asPlanned(context, file), desired)), codes };
    const stale = asItWasPlanned(file, planning.jobs).filter(({ job, plan }) => !stillFits(file, job, plan));
    if (stale.length > 0) throw await refuse(context, path, file, origin, stale);
    // A build that waited for its approval may be older than what was deployed, and taken back, since.
    const doubts = await findDoubts(context, planning.jobs, origin.commit);
    refuseDoubts(context, doubts, spec.requireAncestry);
    refuseHolds(planning.document.functions);
    const document = withDoubts(context, planning.document, doubts, spec.requireAncestry);
    context.output.group('Plan');
    context.output.preface([...renderPlan({ ...document, digest: file.digest }), []]);
    return await carryOut(context, spec, planning, { origin, scope, planDigest: digestOf(file) });
  } finally {
    await codes.close();
  }
}

const DECIDED = ['config', 'environment', 'region'] as const;

function refuseOptions({ options }: Context): void {
  const given = [
    ...DECIDED.filter((name) => options[name] !== undefined),
    ...(options.function.length > 0 ? ['function'] : []),
    ...(options.alias.length > 0 ? ['alias'] : []),
    ...(options['releaseHold'] === true ? ['release-hold'] : []),
  ];
  if (given.length === 0) return;
  const names = given.map((name) => `--${name}`).join(', ');
  throw new DeployError('USAGE', `a plan file says itself what ${names} would say.`, {
    fix: `leave out ${names} (or LAMBDA_DEPLOY_…), or give it to plan.`,
  });
}

/** A region that only the environment named is the one that was planned for, and not that of whoever applies. */
function inItsRegion(context: Context, { inputs: { environmentsRegion: region } }: PlanFile): Context {
  if (region === undefined) return context;
  const { host } = context;
  return { ...context, host: { ...host, env: { ...host.env, AWS_REGION: region } } };
}

/** Whether a hold is released was decided, and approved, with the plan. */
function asPlanned(context: Context, { functions }: PlanFile): Context {
  const releaseHold = functions.some(({ releasesHold }) => releasesHold === true);
  return { ...context, options: { ...context.options, releaseHold } };
}

/** The file as it was planned; only secrets come from here. */
async function loadFrom(context: Context, { inputs }: PlanFile): Promise<LoadedSpec> {
  const planned = Object.entries(inputs.variables).map(([name, value]) => [name, value ?? undefined] as const);
  const spec = await loadSpec({
    cwd: context.host.cwd,
    config: inputs.file,
    text: inputs.text,
    payloads: inputs.payloads ?? {},
    variables: { ...context.host.env, ...Object.fromEntries(planned) },
    ...(inputs.environment === undefined ? {} : { environment: inputs.environment }),
    ...(inputs.region === undefined ? {} : { region: inputs.region }),
  });
  learnSpec(context, [spec]);
  return { ...spec, functions: select(spec.functions, inputs.functions, inputs.aliases) };
}

interface Compared {
  readonly job: PlannedJob;
  /** What the planner makes now of what it knew then. */
  readonly plan: FunctionPlan;
}

/** Variables that were unknown then have to be so again, or knowing them would look like a change. */
function asItWasPlanned({ inputs }: PlanFile, jobs: readonly PlannedJob[]): readonly Compared[] {
  return jobs.map((job) => {
    const names = inputs.unknown[job.desired.name] ?? [];
    return { job, plan: names.length === 0 ? job.plan : job.replan(withoutValues(job.desired, names)).plan };
  });
}

function withoutValues(one: DesiredFunction, names: readonly string[]): DesiredFunction {
  const known = Object.entries(one.environment ?? {}).filter(([name]) => !names.includes(name));
  const unknown = names.map((name) => [name, 'it was unknown when the plan was made'] as const);
  return {
    ...one,
    environment: Object.fromEntries(known),
    unknownVariables: { ...one.unknownVariables, ...Object.fromEntries(unknown) },
  };
}

function stillFits(file: PlanFile, job: PlannedJob, now: FunctionPlan): boolean {
  const then = file.functions.find(({ name }) => name === now.name);
  if (then === undefined) return false;
  if (canonicalJson(then as unknown as Json) === canonicalJson(now as unknown as Json)) return true;
  // Nothing is left to do: this plan, or another hand, has done it all.
  if (now.action === 'none') return true;
  return isOurs(file, newestOf(job)) && isRestOf(now, then);
}

function newestOf({ records }: PlannedJob): DeployRecord | undefined {
  return [...records.values()].flat().sort((left, right) => (left.id < right.id ? 1 : -1))[0];
}

/** Whether the last run was one of this plan and did not come to its end. A tag keeps only the digest's beginning. */
function isOurs(file: PlanFile, record: DeployRecord | undefined): boolean {
  const { planDigest = '', result } = record ?? {};
  return planDigest !== '' && digestOf(file).startsWith(planDigest) && result !== 'succeeded';
}

function digestOf({ digest }: PlanFile): string {
  return digest.replace(/^sha256:/, '');
}

/** A rollout of this very plan that cannot go on is taken back before the run ends (semantics 28). */
async function refuse(
  context: Context,
  path: string,
  file: PlanFile,
  origin: Origin,
  stale: readonly Compared[],
): Promise<DeployError> {
  const open = stale.flatMap(({ job }) =>
    job.desired.aliases.flatMap((alias) => {
      const share = job.live?.aliases.find(({ name }) => name === alias.name)?.weights ?? {};
      const known = job.records.get(alias.name) ?? [];
      const isOpen = Object.keys(share).length > 0 && isOurs(file, known[0]);
      return isOpen ? [{ session: job.session, one: job.desired, alias, live: job.live, known, origin }] : [];
    }),
  );
  for (const standing of open) await execute(context, 'abort', [await rolloutJob(context, standing, ABORT)]);
  const taken = open.map(({ one, alias }) => ` The rollout of alias ${alias.name} of ${one.name} was taken back.`);
  const changes = stale.map(({ job, plan }) => {
    const then = file.functions.find(({ name }) => name === plan.name);
    const lines = then === undefined ? ['it is not in the plan'] : changedSince(plan, then);
    return `${job.desired.name}: ${lines.length > 0 ? lines.join('; ') : 'other calls are needed now'}`;
  });
  const nothing = open.length === 0 ? ' Nothing was changed.' : '';
  return new DeployError('PLAN_STALE', `${path} no longer fits. ${changes.join('. ')}.${taken.join('')}${nothing}`, {
    fix: 'plan again and have the new plan approved.',
  });
}
