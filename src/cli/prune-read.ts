import type { DesiredFunction, MetadataStore } from '../model/function.js';
import type { Warning } from '../model/plan.js';
import type { FunctionPrune } from '../model/prune.js';
import { keepUsed, planPrune, type Pin, type PruneInput } from '../planner/prune.js';
import type { Context } from './context.js';
import { readSubject, type Session } from './session.js';

/** What is deleted of one function, and through what. */
export interface PruneJob {
  readonly plan: FunctionPrune;
  readonly session: Session;
  /** The plan from the aliases and records as they are now; everything else is as it was read. */
  readonly planAgain: () => Promise<FunctionPrune>;
}

interface Wanted {
  readonly one: DesiredFunction;
  /** By the function's name. */
  readonly pins: ReadonlyMap<string, readonly Pin[]>;
  readonly account: string | undefined;
  readonly keep: number;
}

/**
 * Reads a function with all its versions and aliases, their records, and what hangs on the versions that could go.
 *
 * @throws WRONG_ACCOUNT, AWS_*, RECORD_STORE: what cannot be read is never taken for absent
 */
export async function preparePrune(context: Context, session: Session, wanted: Wanted): Promise<PruneJob> {
  const { one, pins, keep } = wanted;
  const { name, region } = one;
  const place = { name, ...(region === undefined ? {} : { region }) };
  const gone: FunctionPrune = { ...place, operations: [], kept: [], skipped: 'the function does not exist' };
  const first = await readMoving(context, session, wanted);
  if (first === undefined) return { session, plan: gone, planAgain: () => Promise.resolve(gone) };
  const versions = await session.lambda.listVersions(name);
  versions.forEach((version) => context.output.redactor.learnVersion(version));
  const planFrom = (moving: Moving): FunctionPrune =>
    planPrune({ ...place, keep, pins: pins.get(name) ?? [], versions, ...moving });
  const candidates = planFrom(first).operations.map(({ version }) => version);
  if (candidates.length > 0)
    context.output.progress([[`${name}: looking at what hangs on ${candidates.length} versions by their numbers`]]);
  const uses = await session.readVersionUses(name, candidates);
  const planAgain = async (): Promise<FunctionPrune> => {
    const now = await readMoving(context, session, wanted);
    // What is gone with its function needs no keeping.
    return now === undefined ? { ...place, operations: [], kept: [] } : keepUsed(planFrom(now), uses);
  };
  return { session, plan: keepUsed(planFrom(first), uses), planAgain };
}

/** What a deployment moves. */
type Moving = Pick<PruneInput, 'latest' | 'aliases' | 'records' | 'now'>;

/** `undefined`: the function does not exist. */
async function readMoving(
  context: Context,
  session: Session,
  { one: { name, aliases: declared }, account }: Wanted,
): Promise<Moving | undefined> {
  const [{ subject, latest }, aliases = []] = await Promise.all([
    readSubject(context, session, account, name),
    session.lambda.listAliases(name),
  ]);
  if (latest === undefined) return undefined;
  // An alias that this file does not name may be another file's, with the same store.
  const keys = [null, ...new Set([...declared, ...aliases].map((alias) => alias.name))];
  const lists = await Promise.all(keys.map((alias) => session.records.list(subject, alias)));
  const records = new Map(keys.map((alias, index) => [alias, lists[index] ?? []]));
  return { latest, aliases, records, now: new Date(context.host.clock.now()).toISOString() };
}

/** What nobody can see from here, and what cannot be had again. */
export function pruneWarnings(functions: readonly FunctionPrune[], store: MetadataStore['store']): readonly Warning[] {
  const changed = functions.filter(({ operations }) => operations.length > 0);
  if (changed.length === 0) return [];
  const unseen =
    'callers that name a version by its number are not seen: state machines, API Gateway, rules, other accounts, other tools’ files. Their calls fail once it is deleted.';
  const gone =
    'records in the function’s own tags cannot publish a deleted version again: no rollback goes there any more.';
  const others =
    'records in the build’s meta-data are of this build alone: what other builds deploy, and where they would go back to, is not seen.';
  return [
    { code: 'REFERENCES_BY_NUMBER', message: unseen },
    ...(store === 'tags' ? [{ code: 'NOT_PUBLISHED_AGAIN', message: gone }] : []),
    ...(store === 'buildkite' ? [{ code: 'RECORDS_OF_THIS_BUILD', message: others }] : []),
  ];
}
