import { DeployError } from '../errors.js';
import { isJsonObject } from '../model/json.js';
import { FORMAT_VERSION } from '../model/plan.js';
import type { DeployRecord } from '../model/record.js';
import { RECORD_ID } from '../model/record-id.js';
import { isRecord, parseStored } from './check.js';

/** Where the record of an alias that has not ended is. It sorts before the others, so that the first page of a listing has it. */
export const OPEN = 'open';
const RECORDS = 'records/';
const FINISHED = '.json';
/** Kept of a run that died, beside what it may still write itself. */
const ABANDONED = '.open.json';

/** Rows that one object carries: what a listing and one read can tell. */
const MAX_ROWS = 500;
const MAX_ROW_BYTES = 1_000_000;
/** Rows that keep the function as it was written, so that a usual rollback needs no read of its own. */
const ROWS_WITH_SPEC = 10;

/** The key of one record under its alias's folder. Newer ones sort first, because keys are listed in ascending order. */
export function keyOf({ id, result }: Pick<DeployRecord, 'id' | 'result'>): string {
  return RECORDS + inverted(id) + (result === 'open' ? ABANDONED : FINISHED);
}

/** What a key under an alias's folder says; `undefined`: it is no record's. */
export function idOf(key: string): { readonly id: string; readonly isFinished: boolean } | undefined {
  const [, name, ending] = /^records\/([0-9a-z]{12})(\.open\.json|\.json)$/.exec(key) ?? [];
  return name === undefined ? undefined : { id: inverted(name), isFinished: ending === FINISHED };
}

/** 0 for z, 1 for y: its own inverse. */
function inverted(id: string): string {
  return id.replace(/./g, (digit) => (35 - Number.parseInt(digit, 36)).toString(36));
}

/** One object of the store. */
export interface Stored {
  readonly record: DeployRecord;
  /** Earlier ones, newest first, without what decides nothing. */
  readonly rows: readonly DeployRecord[];
  /** Still earlier ones were left out, for there are too many. */
  readonly isCut: boolean;
}

/** @param earlier newest first */
export function format(record: DeployRecord, earlier: readonly DeployRecord[]): string {
  const rows: DeployRecord[] = [];
  let bytes = 0;
  for (const { operations: _, spec, ...rest } of earlier.slice(0, MAX_ROWS)) {
    const row = spec === undefined || rows.length >= ROWS_WITH_SPEC ? rest : { ...rest, spec };
    bytes += Buffer.byteLength(JSON.stringify(row));
    if (bytes > MAX_ROW_BYTES) break;
    rows.push(row);
  }
  const isCut = rows.length < earlier.length;
  return `${JSON.stringify({ formatVersion: FORMAT_VERSION, record, rows, isCut })}\n`;
}

/**
 * @param of what the key says: another alias's record under it is none
 * @throws RECORD_STORE for what is no record of this format
 */
export function parse(text: string, url: string, of: Pick<DeployRecord, 'function' | 'alias'>): Stored {
  const value = parseStored(text, (...what) => unusable(url, ...what));
  const { record, rows, isCut } = isJsonObject(value) ? value : {};
  const isOurs = (one: unknown): one is DeployRecord =>
    isRecord(one) && one.function === of.function && one.alias === of.alias;
  if (!isOurs(record) || !Array.isArray(rows) || !rows.every(isOurs) || typeof isCut !== 'boolean')
    throw unusable(url, 'is not a deployment record of its alias');
  return { record, rows, isCut };
}

/** @throws RECORD_STORE for an id that would make another key than it says */
export function refuseBadId({ id }: DeployRecord): void {
  if (!RECORD_ID.test(id)) throw unusable(JSON.stringify(id), 'cannot be the id of a record');
}

/** An object that cannot be used, and why. */
export function unusable(
  url: string,
  why: string,
  fix = 'mend the object or move it away, then run again.',
): DeployError {
  return new DeployError('RECORD_STORE', `${url} ${why}.`, {
    subject: url,
    fix,
  });
}
