import { isDeployError, type DeployError, type ExitCode } from '../errors.js';
import type { DesiredFunction } from '../model/function.js';
import { FORMAT_VERSION } from '../model/plan.js';
import type { DriftStatus, FunctionStatus, StatusDocument } from '../model/status.js';
import { detectDrift, type DriftInput } from '../planner/drift.js';
import { openRollouts } from '../planner/drift-parts.js';
import { errorDocument } from '../render/errors.js';
import { as } from '../render/text.js';
import { renderStatus, statusMarkdown } from '../render/status.js';
import type { Context } from './context.js';
import { readDrift } from './drift-read.js';
import { openSessions, readNow, readServed, type Session } from './session.js';
import { loadSelected, select } from './spec.js';
import { driftStatus, functionStatus, nameOf } from './status-function.js';
import { writeSnapshot, type Shot } from './take-snapshot.js';
import { withoutArchives } from './without-archives.js';

interface Told {
  readonly told: FunctionStatus;
  /** Absent: it cannot be read. */
  readonly shot?: Shot;
  readonly error?: DeployError;
}

/**
 * Shows every function of the file on one screen. Needs no archive and no variable of a build, waits for nothing, makes no mutating
 * call. A function that cannot be read does not hide the others; where none can, and for one reason, that is the error.
 */
export async function status(context: Context): Promise<ExitCode> {
  const { options, output } = context;
  const spec = await loadSelected({ ...context, options: { ...options, alias: [] } }, { keepUnset: true });
  const chosen = new Map(select(spec.functions, [], options.alias).map((one) => [one.key, one.aliases]));
  const desired = await withoutArchives({ ...spec, functions: spec.functions.filter(({ key }) => chosen.has(key)) });
  const sessions = openSessions(context, desired);
  const all = await Promise.all(
    desired.functions.map((one) => {
      const aliases = (chosen.get(one.key) ?? []).map(({ name }) => name);
      return tell(context, () => sessions(one), desired.account, one, aliases);
    }),
  );
  const unreadable = all.flatMap(({ told, error }) => (told.status === 'unreadable' && error ? [error] : []));
  const [first] = unreadable;
  if (first !== undefined && unreadable.length === all.length && unreadable.every(({ code }) => code === first.code))
    throw first;
  const document: StatusDocument = {
    formatVersion: FORMAT_VERSION,
    command: 'status',
    functions: all.map(({ told }) => told),
  };
  output.result(document, renderStatus(document), statusMarkdown);
  const { out } = options as { readonly out?: string };
  if (out !== undefined && first === undefined) {
    const shots = all.flatMap(({ shot }) => shot ?? []);
    await writeSnapshot(context, out, spec, shots);
    output.diagnostics([[`The snapshot is in ${out}: lambda-deploy plan --live-state ${out}`]]);
  } else if (out !== undefined)
    output.diagnostics([[as('bad', `The snapshot is not written to ${out}, because a function cannot be read.`)]]);
  return all.some(({ error }) => error !== undefined) ? 1 : 0;
}

async function tell(
  context: Context,
  open: () => Promise<Session>,
  account: string | undefined,
  desired: DesiredFunction,
  aliases: readonly string[],
): Promise<Told> {
  let session: Session;
  let input: DriftInput;
  try {
    session = await open();
    const read = context.options['out'] === undefined ? readNow : readServed;
    input = await readDrift(context, session, account, desired, read);
  } catch (error) {
    const known = ofThisFunction(error);
    return { told: { ...nameOf(desired), status: 'unreadable', error: errorDocument(known).error }, error: known };
  }
  const { drift, error } = judge({ ...input, aliases });
  const { live, records, overdue = new Set() } = input;
  const shot: Shot = { desired, session, live, records };
  if (live === undefined) return { told: { ...nameOf(desired), status: 'missing', drift }, shot };
  const rollouts = openRollouts(records, live, overdue);
  const told = functionStatus({ desired, aliases, live, records, rollouts, drift, now: context.host.clock.now() });
  return error === undefined ? { told, shot } : { told: { ...told, error: errorDocument(error).error }, shot, error };
}

/** What AWS does not show makes drift unknown, and hides nothing else. */
function judge(input: DriftInput): { readonly drift: DriftStatus; readonly error?: DeployError } {
  try {
    return { drift: driftStatus(detectDrift(input), [...input.records.values()].flat().length > 0) };
  } catch (error) {
    return { drift: { state: 'unknown', paths: [], pending: [], notes: [] }, error: ofThisFunction(error) };
  }
}

/** @throws what ends the whole run: a signal, or a defect of this tool */
function ofThisFunction(error: unknown): DeployError {
  if (isDeployError(error) && error.code !== 'INTERRUPTED') return error;
  throw error;
}
