import equal from 'fast-deep-equal';
import type { DesiredFunction, LiveFunction } from '../model/function.js';
import type { Attachment, DriftDifference, FunctionDrift } from '../model/drift.js';
import type { DeployRecord } from '../model/record.js';
import { aliasesDrift } from './drift-aliases.js';
import { latestDrift, type DigestOf } from './drift-latest.js';
import { functionDrift, openRollouts, undeclared } from './drift-parts.js';
import { newestSettled, tellingOfLatest } from './recorded.js';

export interface DriftInput {
  /** The function as the file has it; its code is absent when the archive is not there. */
  readonly desired: DesiredFunction;
  /** With the versions that the newest records name. */
  readonly live: LiveFunction | undefined;
  /**
   * Newest first, by alias name; `null` stands for a function without aliases. With `spec` where what was deployed is known: from
   * the store, or because the file has not changed since.
   */
  readonly records: ReadonlyMap<string | null, readonly DeployRecord[]>;
  /** The digest of `$LATEST` that records keep. Absent: it is not asked. */
  readonly digestOf?: DigestOf;
  /** Which declared aliases are told of. Absent: all. */
  readonly aliases?: readonly string[];
  /** Ids of open and pending records whose time is over. Absent: none. */
  readonly overdue?: ReadonlySet<string>;
  /** What hangs on the function: no file declares any of it yet. Absent: nobody looked. */
  readonly attached?: readonly Attachment[];
  /** Whether what nobody declared counts as drift. */
  readonly strict?: boolean;
}

/**
 * Recorded, live and desired against each other (semantics 25). Needs no artifact. A deployment of ours that failed or is still
 * open is never somebody's edit: what it left is told in a note.
 *
 * @throws AWS_UNREADABLE when the file manages what AWS does not show
 */
export function detectDrift(input: DriftInput): FunctionDrift {
  const { desired, live, records, digestOf, attached = [], overdue = new Set(), strict = false } = input;
  const { name, region } = desired;
  const isTold = (alias: string | null): boolean => alias === null || input.aliases?.includes(alias) !== false;
  const all = [...records.values()].flat();
  const newest = newestSettled(all);
  if (live === undefined) return missing(desired, newest);
  const open = all.find(({ id, result }) => result === 'open' && (newest === undefined || id > newest.id));
  const latest =
    open === undefined ? latestDrift(desired, live, tellingOfLatest(desired, live, all), digestOf) : inProgress(open);
  const differences = [
    ...aliasesDrift(
      { ...desired, aliases: desired.aliases.filter(({ name: alias }) => isTold(alias)) },
      live,
      records,
      open === undefined && !latest.differences.some(isDrift),
    ),
    ...latest.differences,
    ...(open === undefined ? functionDrift(desired, live, newest) : []),
    ...undeclared(desired, live, attached),
  ];
  return {
    name,
    ...(region === undefined ? {} : { region }),
    drifted: differences.some((one) => isDrift(one) || (strict && one.class === 'unmanaged')),
    differences,
    rollouts: openRollouts(records, live, overdue).filter(({ alias }) => isTold(alias)),
    notes: [...(all.length === 0 ? [NOTHING_RECORDED] : []), ...latest.notes],
  };
}

/** Whether somebody moved this in AWS. */
export function isDrift(difference: Pick<DriftDifference, 'class'>): boolean {
  return difference.class === 'drift' || difference.class === 'conflict';
}

/** Whether this moved in AWS since the record, and the file has come to say the same. */
export function isAccepted({ class: who, recorded, live, unknown = [] }: DriftDifference): boolean {
  return who === 'pending' && !unknown.includes('recorded') && !equal(recorded, live);
}

const NOTHING_RECORDED = 'no deployment is recorded, so nothing can have drifted';
const NEVER_OR_DELETED =
  'AWS has no such function, and no deployment of it is recorded: it was never deployed, or it was deleted, and records in its own tags with it';

function missing({ name }: DesiredFunction, newest: DeployRecord | undefined): FunctionDrift {
  if (newest === undefined) return { name, drifted: false, differences: [], rollouts: [], notes: [NEVER_OR_DELETED] };
  const gone: DriftDifference = { path: 'function', recorded: name, live: null, desired: name, class: 'drift' };
  return { name, drifted: true, differences: [gone], rollouts: [], notes: [] };
}

function inProgress({ startedAt }: DeployRecord): ReturnType<typeof latestDrift> {
  return {
    differences: [],
    notes: [`$LATEST is not compared: a deployment that started at ${startedAt} has not finished`],
  };
}
