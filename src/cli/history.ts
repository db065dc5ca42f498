import { DeployError, type ExitCode } from '../errors.js';
import type { DesiredFunction, LiveVersion } from '../model/function.js';
import type { HistoryAlias, HistoryDocument, HistoryRow, PublishedVersion } from '../model/history.js';
import { FORMAT_VERSION } from '../model/plan.js';
import type { DeployRecord } from '../model/record.js';
import { heldRecords } from '../planner/hold.js';
import { deployedCommit } from '../planner/rollback-target.js';
import { renderHistory } from '../render/history.js';
import { historyMarkdown } from '../render/history-markdown.js';
import { toDesired } from '../spec/load.js';
import type { Context } from './context.js';
import { openSessions, readSubject, type Session } from './session.js';
import { loadSelected } from './spec.js';

/** Records shown of an alias where nobody says how many; a machine gets all. */
const SHOWN = 20;

/**
 * Lists the recorded deployments of each alias, newest first; where there is none, the versions that AWS has. GetFunction and the
 * records are all that is read. Needs no archive and no variable of a build, makes no mutating call.
 */
export async function history(context: Context): Promise<ExitCode> {
  const desired = toDesired(await loadSelected(context, { keepUnset: true }), new Map());
  const sessions = openSessions(context, desired);
  const limit = limitOf(context);
  const found = await Promise.all(
    desired.functions.map(async (one) => readHistory(context, await sessions(one), desired.account, one, limit)),
  );
  const all = found.flat();
  const document: HistoryDocument = {
    formatVersion: FORMAT_VERSION,
    command: 'history',
    records: all.flatMap(({ rows }) => rows).sort((left, right) => (left.id < right.id ? 1 : -1)),
    aliases: all.map(({ alias }) => alias),
  };
  context.output.result(document, renderHistory(document), historyMarkdown);
  return 0;
}

/** @throws USAGE */
function limitOf({ options }: Context): number {
  const { limit, format } = options;
  if (limit === undefined) return format === 'json' ? Infinity : SHOWN;
  if (typeof limit === 'string' && /^[1-9]\d{0,8}$/.test(limit)) return Number(limit);
  throw new DeployError('USAGE', `--limit is ${JSON.stringify(limit)}; it takes a whole number, 1 or more.`, {
    fix: 'give it one, or leave it out.',
  });
}

interface Found {
  readonly alias: HistoryAlias;
  readonly rows: readonly HistoryRow[];
}

async function readHistory(
  context: Context,
  session: Session,
  account: string | undefined,
  { name, region, aliases }: DesiredFunction,
  limit: number,
): Promise<Found[]> {
  const { subject, latest } = await readSubject(context, session, account, name);
  const exists = latest !== undefined;
  const keys = aliases.length === 0 ? [null] : aliases.map((alias) => alias.name);
  const lists = await Promise.all(keys.map((alias) => session.records.list(subject, alias)));
  const isUnrecorded = lists.some((own) => own.length === 0);
  const versions = exists && isUnrecorded ? (await session.lambda.listVersions(name)).map(published).reverse() : [];
  const where = region === undefined ? {} : { region };
  return keys.map((alias, index) => {
    const own = lists[index] ?? [];
    const rows = toRows(own, context.host.clock.now()).slice(0, limit);
    const omitted = Math.max(0, (own.length || versions.length) - limit);
    const instead = own.length > 0 ? {} : { versions: exists ? versions.slice(0, limit) : null };
    return {
      alias: { function: name, ...where, alias, omitted, ...instead },
      rows: rows.map((one) => ({ ...one, ...where })),
    };
  });
}

function published({ version, lastModified, description }: LiveVersion): PublishedVersion {
  return { version, publishedAt: lastModified, description };
}

/** @param own the records of one alias, newest first */
function toRows(own: readonly DeployRecord[], now: number): HistoryRow[] {
  const held = new Set(heldRecords(own).map(({ id }) => id));
  return own.map((record, index) => {
    const milliseconds = record.finishedAt === null ? 0 : Date.parse(record.finishedAt) - Date.parse(record.startedAt);
    const commit = deployedCommit(record, own);
    const state = record.result === 'open' ? stateOf(record, index === 0, now) : undefined;
    return {
      ...record,
      // A store that keeps no end gives the start: that is not a duration.
      durationMs: milliseconds > 0 ? milliseconds : null,
      ...(commit === undefined ? {} : { deployedCommit: commit }),
      ...(state === undefined ? {} : { state }),
      ...(held.has(record.id) ? { held: true as const } : {}),
    };
  });
}

/** Without a deadline nobody can tell whether the newest one still runs. */
function stateOf({ deadline }: DeployRecord, isNewest: boolean, now: number): HistoryRow['state'] {
  if (deadline !== undefined) return Date.parse(deadline) > now ? 'running' : 'dead';
  return isNewest ? undefined : 'dead';
}
