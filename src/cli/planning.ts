import { resolve } from 'node:path';
import { isDeployError } from '../errors.js';
import type { CodeSource } from '../code/source.js';
import { readZip } from '../code/zip.js';
import type { CodeRef, Desired, DesiredFunction } from '../model/function.js';
import type { PlanDocument } from '../model/plan.js';
import { planDeploy, type PlannedFunction } from '../planner/deploy.js';
import type { CodePath } from '../spec/desired.js';
import { toDesired, type LoadedSpec } from '../spec/load.js';
import type { Context } from './context.js';
import { assemblePlan } from './digest.js';
import { openSessions, readState, type FunctionState, type Session } from './session.js';

/** The plan of one function with everything it was made from. */
export interface PlannedJob extends FunctionState, PlannedFunction {
  readonly desired: DesiredFunction;
  readonly session: Session;
}

export interface Planning {
  readonly document: PlanDocument;
  readonly jobs: readonly PlannedJob[];
  /** The archive of a function as it is on disk now; the caller checks its digest against the plan's. */
  readonly readZip: (desired: DesiredFunction) => Promise<Uint8Array>;
}

/** Reads the archives, then AWS and the records of all functions side by side, and plans. @throws the first error, before any write */
export async function planAll(context: Context, spec: LoadedSpec): Promise<Planning> {
  const desired = toDesired(spec, await readCodes(spec, 'error'));
  const sessions = openSessions(context, desired);
  const jobs = await Promise.all(
    desired.functions.map(async (one) => planOne(context, await sessions(one), desired, one)),
  );
  const warnings = jobs.flatMap((job) => job.warnings);
  const bytesOf = async ({ key }: DesiredFunction): Promise<Uint8Array> => {
    const codePath = spec.functions.find((one) => one.key === key)?.codePath;
    if (codePath === undefined) throw new Error(`no code for ${key}`);
    return (await readZip(sourceOf(codePath, spec.directory))).bytes;
  };
  return {
    jobs,
    readZip: bytesOf,
    document: assemblePlan(
      'plan',
      jobs.map(({ plan }) => plan),
      warnings,
    ),
  };
}

async function planOne(
  context: Context,
  session: Session,
  { account }: Desired,
  desired: DesiredFunction,
): Promise<PlannedJob> {
  const state = await readState(context, session, account, desired);
  const records = [...state.records.values()].flat();
  const planned = planDeploy({ desired, live: state.live, records, recordsInTags: session.records.kind === 'tags' });
  return { ...state, ...planned, desired, session };
}

/** The archives by function key. `absent`: one that cannot be used counts as not named. @throws ZIP_* with the place in the file */
export async function readCodes(spec: LoadedSpec, missing: 'error' | 'absent'): Promise<ReadonlyMap<string, CodeRef>> {
  const codes = new Map<string, CodeRef>();
  for (const { key, codePath } of spec.functions) {
    if (codePath === undefined) continue;
    try {
      codes.set(key, (await readZip(sourceOf(codePath, spec.directory))).ref);
    } catch (error) {
      if (missing === 'error' || !isDeployError(error)) throw error;
    }
  }
  return codes;
}

function sourceOf({ zip, location, entryPoint }: CodePath, directory: string): CodeSource {
  return { path: resolve(directory, zip), source: zip, location, ...(entryPoint === undefined ? {} : { entryPoint }) };
}
