import type { ExitCode } from '../errors.js';
import type { HistoryDocument, HistoryRow } from '../model/drift.js';
import { FORMAT_VERSION } from '../model/plan.js';
import type { DeployRecord } from '../model/record.js';
import { renderHistory } from '../render/drift.js';
import { toDesired } from '../spec/load.js';
import type { Context } from './context.js';
import { openSessions, readState } from './session.js';
import { loadSelected } from './spec.js';

/** Lists the recorded deployments, newest first. Needs no archive, makes no mutating call. */
export async function history(context: Context): Promise<ExitCode> {
  const desired = toDesired(await loadSelected(context), new Map());
  const sessions = openSessions(context, desired);
  const states = await Promise.all(
    desired.functions.map(async (one) => readState(context, await sessions(one), desired.account, one)),
  );
  const records = states
    .flatMap((state) => [...state.records.values()].flat())
    .sort((left, right) => (left.id < right.id ? 1 : -1));
  const document: HistoryDocument = { formatVersion: FORMAT_VERSION, command: 'history', records: records.map(toRow) };
  context.output.result(document, renderHistory(document));
  return 0;
}

function toRow(record: DeployRecord): HistoryRow {
  const milliseconds = record.finishedAt === null ? 0 : Date.parse(record.finishedAt) - Date.parse(record.startedAt);
  // A store that keeps no end gives the start: that is not a duration.
  return { ...record, durationMs: milliseconds > 0 ? milliseconds : null };
}
