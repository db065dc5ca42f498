import type { LiveVersion } from '../model/function.js';
import type { DeployRecord } from '../model/record.js';

/** Nine digits of base 36 hold the milliseconds of the years up to 5188, so that ids sort as text. */
const TIME_DIGITS = 9;
const RANDOM_DIGITS = 3;

/** What every record id looks like; a store refuses others, ids become file names. */
export const RECORD_ID = /^[0-9a-z]{12}$/;

/**
 * An id that sorts by time: milliseconds in base 36 and three random digits.
 *
 * @param now milliseconds since the epoch
 * @param random 0 ≤ x < 1
 */
export function newRecordId(now: number, random: () => number): string {
  const digits = Math.floor(random() * 36 ** RANDOM_DIGITS);
  return digitsOf(now, TIME_DIGITS) + digitsOf(digits, RANDOM_DIGITS);
}

function digitsOf(value: number, length: number): string {
  return value.toString(36).padStart(length, '0');
}

/** When the run of this record started, in milliseconds since the epoch. The id must match {@link RECORD_ID}. */
export function recordTime(id: string): number {
  return Number.parseInt(id.slice(0, TIME_DIGITS), 36);
}

/**
 * The records of one alias newest first, one of each id (the first given wins), with `takenBack` on those that a finished
 * rollback left, unless a later one restored them. A rollback that failed took nothing back. Idempotent.
 */
export function arrange(records: readonly DeployRecord[]): readonly DeployRecord[] {
  const byId = new Map<string, DeployRecord>();
  for (const record of records) if (!byId.has(record.id)) byId.set(record.id, record);
  const sorted = [...byId.values()].sort((one, other) => (one.id < other.id ? 1 : -1));
  const rollbacks = sorted.filter(({ action, result }) => action === 'rollback' && result === 'succeeded');
  return sorted.map((record) => {
    const last = rollbacks.find(({ leaves, restores }) => leaves === record.id || restores === record.id);
    if (last === undefined) return record;
    const { takenBack: _, ...rest } = record;
    return last.leaves === record.id ? { ...rest, takenBack: true } : rest;
  });
}

/**
 * Whether AWS has the version that the record names, with the code that the record saw: anybody may write a tag, so no record
 * is believed without. False for a record without a version.
 */
export function believable(
  record: Pick<DeployRecord, 'version' | 'codeSha256'>,
  versions: readonly Pick<LiveVersion, 'version' | 'codeSha256'>[],
): boolean {
  const { version, codeSha256 } = record;
  if (version === null || codeSha256 === null || codeSha256 === '') return false;
  return versions.some((live) => live.version === version && live.codeSha256.startsWith(codeSha256));
}
