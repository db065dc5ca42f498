import type { Attachment } from '../model/drift.js';
import type { DesiredFunction, MetadataStore, Version } from '../model/function.js';
import type { Warning } from '../model/plan.js';
import type { FunctionPrune } from '../model/prune.js';
import { keepAttached, planPrune, type Pin } from '../planner/prune.js';
import type { Context } from './context.js';
import { readSubject, type Session } from './session.js';

/** What is deleted of one function, and through what. */
export interface PruneJob {
  readonly plan: FunctionPrune;
  readonly session: Session;
}

interface Wanted {
  readonly one: DesiredFunction;
  /** By the function's name. */
  readonly pins: ReadonlyMap<string, readonly Pin[]>;
  readonly account: string | undefined;
  readonly keep: number;
}

/** Versions whose attachments are read side by side; each is three calls of the class of fifteen a second. */
const VERSIONS_AT_ONCE = 5;

/**
 * Reads a function with all its versions and aliases, their records, and what hangs on the versions that could go.
 *
 * @throws WRONG_ACCOUNT, AWS_*, RECORD_STORE: what cannot be read is never taken for absent
 */
export async function preparePrune(
  context: Context,
  session: Session,
  { one: { name, region, aliases: declared }, pins, account, keep }: Wanted,
): Promise<PruneJob> {
  const place = { name, ...(region === undefined ? {} : { region }) };
  const { subject, latest } = await readSubject(context, session, account, name);
  if (latest === undefined)
    return { session, plan: { ...place, operations: [], kept: [], skipped: 'the function does not exist' } };
  const [aliases = [], versions] = await Promise.all([
    session.lambda.listAliases(name),
    session.lambda.listVersions(name),
  ]);
  versions.forEach((version) => context.output.redactor.learnVersion(version));
  // An alias that this file does not name may be another file's, with the same store.
  const keys = [null, ...new Set([...declared, ...aliases].map((alias) => alias.name))];
  const lists = await Promise.all(keys.map((alias) => session.records.list(subject, alias)));
  const records = new Map(keys.map((alias, index) => [alias, lists[index] ?? []]));
  const now = new Date(context.host.clock.now()).toISOString();
  const input = { ...place, keep, latest, aliases, pins: pins.get(name) ?? [], versions, records, now };
  const plan = planPrune(input);
  const candidates = plan.operations.map(({ version }) => version);
  return { session, plan: keepAttached(plan, await readOwn(session, name, candidates)) };
}

/** What hangs on each version by its number: permissions, event sources, settings of asynchronous events, provisioned concurrency. */
async function readOwn(
  { lambda, readAttached }: Session,
  name: string,
  versions: readonly Version[],
): Promise<ReadonlyMap<Version, readonly string[]>> {
  const found = new Map<Version, Set<string>>();
  const note = (version: Version, what: string): void =>
    void found.set(version, (found.get(version) ?? new Set()).add(what));
  for (let start = 0; start < versions.length; start += VERSIONS_AT_ONCE) {
    const some = versions.slice(start, start + VERSIONS_AT_ONCE);
    const [attached, provisioned] = await Promise.all([
      readAttached(name, some),
      Promise.all(some.map((version) => lambda.hasProvisionedConcurrency(name, version))),
    ]);
    for (const { on, kind } of attached) if (on !== null && some.includes(on)) note(on, WHAT[kind]);
    some.forEach((version, index) => {
      if (provisioned[index] === true) note(version, 'provisioned concurrency');
    });
  }
  return new Map([...found].map(([version, what]) => [version, [...what].sort()]));
}

const WHAT: Readonly<Record<Attachment['kind'], string>> = {
  url: 'a URL',
  permissions: 'a policy',
  eventSources: 'an event source',
  eventInvokeConfig: 'settings for asynchronous events',
};

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
