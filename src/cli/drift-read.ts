import { latestDigest } from '../apply/records.js';
import type { DesiredFunction, LiveFunction } from '../model/function.js';
import type { DeployRecord } from '../model/record.js';
import type { DriftInput } from '../planner/drift.js';
import { newestOnLatest, newestSettled } from '../planner/recorded.js';
import type { Context } from './context.js';
import { withSpecs } from './recorded.js';
import { readState, type FunctionState, type Session } from './session.js';

/**
 * What {@link DriftInput} needs of AWS and of the records.
 *
 * @param read how the function is read; {@link readNow} waits for nothing
 * @throws WRONG_ACCOUNT, AWS_*, RECORD_STORE
 */
export async function readDrift(
  context: Context,
  session: Session,
  account: string | undefined,
  desired: DesiredFunction,
  read: typeof readState = readState,
): Promise<DriftInput> {
  const state = await read(context, session, account, desired);
  const records = await wholeRecords(session, state);
  const live = await withRecordedVersions(session, { ...state, records });
  const strict = context.options['strict'] === true;
  const names = (live?.aliases ?? []).map(({ name }) => name);
  const [known, attached] = await Promise.all([
    live && withProvisionedConcurrency(session, live, records),
    strict && live !== undefined ? session.readAttached(live.name, names) : [],
  ]);
  return {
    desired,
    live: known,
    records: withSpecs(desired, { live: known, records }),
    digestOf: latestDigest,
    attached,
    strict,
    overdue: overdueOf(desired, records, context.host.clock.now()),
  };
}

/** The newest settled record of each alias, and the newest that tells of `$LATEST`, as whole as the store keeps it. */
async function wholeRecords(
  { records: store }: Session,
  { live, records }: FunctionState,
): Promise<DriftInput['records']> {
  if (live === undefined) return records;
  const lists = [...records].map(async ([alias, own]) => {
    const asked = new Set([newestSettled(own), newestOnLatest(own)]);
    const isAsked = (record: DeployRecord): boolean => asked.has(record) && record.spec === undefined;
    const whole = await Promise.all(own.map((record) => (isAsked(record) ? store.read(live, record) : record)));
    return [alias, whole] as const;
  });
  return new Map(await Promise.all(lists));
}

/** The versions that the newest records name are the snapshots to compare with. */
async function withRecordedVersions(
  { lambda }: Session,
  { live, records }: FunctionState,
): Promise<LiveFunction | undefined> {
  if (live === undefined) return undefined;
  const newest = [...records.values()].flatMap((list) => [newestSettled(list), newestOnLatest(list)]);
  const named = newest.flatMap((one) => [one?.version ?? null, one?.triedVersion ?? null]);
  const missing = [...new Set(named)].filter(
    (number) => number !== null && !live.versions.some(({ version }) => version === number),
  );
  const read = await Promise.all(missing.map((number) => lambda.getFunction(live.name, number ?? undefined)));
  return { ...live, versions: [...live.versions, ...read.flatMap((one) => (one === undefined ? [] : [one.version]))] };
}

/** Asked only where weights are nobody's of ours: then they may be Lambda's own. */
async function withProvisionedConcurrency(
  { lambda }: Session,
  live: LiveFunction,
  records: DriftInput['records'],
): Promise<LiveFunction> {
  const isStrange = ({ name, weights }: LiveFunction['aliases'][number]): boolean => {
    const newest = records.get(name)?.[0];
    return (
      Object.keys(weights).length > 0 && newest !== undefined && newest.result !== 'open' && newest.result !== 'pending'
    );
  };
  const aliases = live.aliases.map(async (alias) =>
    isStrange(alias)
      ? { ...alias, hasProvisionedConcurrency: await lambda.hasProvisionedConcurrency(live.name, alias.name) }
      : alias,
  );
  return { ...live, aliases: await Promise.all(aliases) };
}

/** An open record is overdue past its deadline, a rollout that waits once its interval is over. */
function overdueOf({ aliases }: DesiredFunction, records: DriftInput['records'], now: number): ReadonlySet<string> {
  const isOverdue = ({ alias, result, deadline, finishedAt }: DeployRecord): boolean => {
    if (result === 'open') return deadline !== undefined && Date.parse(deadline) < now;
    const interval = aliases.find(({ name }) => name === alias)?.rollout?.intervalSeconds ?? 0;
    return result === 'pending' && finishedAt !== null && Date.parse(finishedAt) + interval * 1000 < now;
  };
  return new Set([...records.values()].flatMap((own) => own.filter(isOverdue).map(({ id }) => id)));
}
