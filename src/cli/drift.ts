import { latestDigest } from '../apply/records.js';
import type { ExitCode } from '../errors.js';
import type { Desired, DesiredFunction, LiveFunction } from '../model/function.js';
import type { DriftDocument, FunctionDrift } from '../model/drift.js';
import { FORMAT_VERSION } from '../model/plan.js';
import { detectDrift } from '../planner/drift.js';
import { contentOf } from '../planner/normalize.js';
import { renderDrift } from '../render/drift.js';
import type { Context } from './context.js';
import { readCodes } from './code.js';
import { openSessions, readState, type FunctionState, type Session } from './session.js';
import { toDesired } from '../spec/load.js';
import { loadSelected } from './spec.js';

/** Compares AWS with the last record. Needs no archive, makes no mutating call. Exit 2 when something moved. */
export async function drift(context: Context): Promise<ExitCode> {
  const spec = await loadSelected(context);
  const codes = await readCodes(spec, undefined);
  await codes.close();
  const desired = toDesired(spec, codes.refs);
  const sessions = openSessions(context, desired);
  const functions = await Promise.all(
    desired.functions.map(async (one) => driftOf(context, await sessions(one), desired, one)),
  );
  const document: DriftDocument = {
    formatVersion: FORMAT_VERSION,
    command: 'drift',
    drifted: functions.some(({ drifted }) => drifted),
    functions,
  };
  context.output.result(document, renderDrift(document));
  return document.drifted ? 2 : 0;
}

async function driftOf(
  context: Context,
  session: Session,
  { account }: Desired,
  desired: DesiredFunction,
): Promise<FunctionDrift> {
  const state = await readState(context, session, account, desired);
  const live = await withRecordedVersions(session, state);
  const digest = live === undefined ? undefined : latestDigest(contentOf(live.latest, live.name));
  return detectDrift({ desired, live, records: state.records, latestDigest: digest });
}

/** The versions that the newest records name are the snapshots to compare with. */
async function withRecordedVersions(
  { lambda }: Session,
  { live, records }: FunctionState,
): Promise<LiveFunction | undefined> {
  if (live === undefined) return undefined;
  const newest = [...records.values()].flatMap((list) => list.filter(({ result }) => result !== 'open').slice(0, 1));
  const named = newest.flatMap(({ version, triedVersion }) => [version, triedVersion ?? null]);
  const missing = [...new Set(named)].filter(
    (number) => number !== null && !live.versions.some(({ version }) => version === number),
  );
  const read = await Promise.all(missing.map((number) => lambda.getFunction(live.name, number ?? undefined)));
  return { ...live, versions: [...live.versions, ...read.flatMap((one) => (one === undefined ? [] : [one.version]))] };
}
