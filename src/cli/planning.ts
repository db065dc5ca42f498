import type { Desired, DesiredFunction } from '../model/function.js';
import type { FunctionPlan, PlanDocument, Warning } from '../model/plan.js';
import { alarmsOf, requireAll } from '../apply/watch.js';
import { planDeploy, type PlannedFunction } from '../planner/deploy.js';
import { toDesired, type LoadedSpec } from '../spec/load.js';
import { readCodes, type Codes } from './code.js';
import type { Context } from './context.js';
import { assemblePlan } from './digest.js';
import { withSpecs } from './recorded.js';
import { withoutLock, withRunning } from './running.js';
import { codeEdges, openSessions, readState, type FunctionState, type Session } from './session.js';

/** The plan of one function with everything it was made from. */
export interface PlannedJob extends FunctionState, PlannedFunction {
  readonly desired: DesiredFunction;
  readonly session: Session;
  /** What the plan of the same live state would be for another file. */
  readonly replan: (other: DesiredFunction) => PlannedFunction;
}

export interface Planning {
  readonly document: PlanDocument;
  readonly jobs: readonly PlannedJob[];
  readonly codes: Codes;
}

/**
 * Reads the code, then AWS and the records of all functions side by side, and plans. Whoever calls it closes `codes` when the plan
 * is done with.
 *
 * @throws the first error, before any write
 */
export async function planAll(context: Context, spec: LoadedSpec): Promise<Planning> {
  const codes = await readCodes(spec, codeEdges(context, spec.region));
  try {
    const desired = toDesired(spec, codes.refs);
    const { jobs, document } = await planDesired(context, desired, codes.warnings);
    return { jobs, document: withoutLock(context, desired.metadata, document), codes };
  } catch (error) {
    await codes.close();
    throw error;
  }
}

/** The same with code that was read already. @throws the first error, before any write */
export async function planDesired(
  context: Context,
  desired: Desired,
  about: readonly Warning[] = [],
): Promise<Omit<Planning, 'codes'>> {
  const sessions = openSessions(context, desired);
  const jobs = await Promise.all(
    desired.functions.map(async (one) => planOne(context, await sessions(one), desired, one)),
  );
  await context.build?.handOverSecrets();
  const plans = jobs.map(({ plan }) => plan);
  const warnings = [...about, ...jobs.flatMap((job) => job.warnings)];
  return { jobs, document: assemblePlan('plan', plans, warnings) };
}

async function planOne(
  context: Context,
  session: Session,
  { account }: Desired,
  desired: DesiredFunction,
): Promise<PlannedJob> {
  const state = await readState(context, session, account, desired);
  const records = [...withSpecs(desired, state).values()].flat();
  const common = {
    live: state.live,
    records,
    recordsInTags: session.records.kind === 'tags',
    releaseHold: context.options['releaseHold'] === true,
  };
  const replan = (other: DesiredFunction): PlannedFunction => planDeploy({ desired: other, ...common });
  const planned = replan(desired);
  const warnings = [...withRunning(context, planned, state.records), ...(await raisedAlarms(session, planned.plan))];
  return { ...state, ...planned, warnings, desired, session, replan };
}

/** Alarms that the plan watches have to exist; one that is raised now would refuse the apply. @throws ALARM_NOT_FOUND, AWS_* */
async function raisedAlarms({ alarms }: Session, { name, operations }: FunctionPlan): Promise<Warning[]> {
  const names = alarmsOf(operations);
  if (names.length === 0) return [];
  const states = await alarms.describeAlarms(names);
  requireAll(names, states);
  const raised = names.filter((one) => states.get(one)?.state === 'ALARM');
  const message = `alarm ${raised.join(', ')} is in ALARM: apply refuses to change ${name} until it is OK.`;
  return raised.length === 0 ? [] : [{ code: 'ALARM_RAISED', function: name, message }];
}
