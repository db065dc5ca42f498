import { DeployError } from '../errors.js';
import { LATEST } from '../model/function.js';
import { isJsonObject, type Json } from '../model/json.js';
import { FORMAT_VERSION } from '../model/plan.js';
import type { DeployRecord, RecordResult } from '../model/record.js';
import { RECORD_ID } from '../model/record-id.js';

/** Names of functions and aliases in AWS: one folder each, never a way out of the store. */
const SAFE_NAME = /^[A-Za-z0-9_-]{1,140}$/;

/** The folder of a function without aliases. No alias can be called so. */
const NO_ALIAS = LATEST;

/** The folders of an alias's records: the function's, and its own. @throws RECORD_STORE for what is no name in AWS */
export function foldersOf(functionName: string, alias: string | null): readonly [string, string] {
  return [safe(functionName), alias === null ? NO_ALIAS : safe(alias)];
}

function safe(name: string): string {
  if (SAFE_NAME.test(name)) return name;
  throw new DeployError('RECORD_STORE', `${JSON.stringify(name)} cannot name a folder of records.`, {
    fix: 'use letters, digits, - and _ only, as Lambda does.',
  });
}

/** Nothing is wrong with it: whoever moved it away would lose what it knows. */
const NEWER = 'use the lambda-deploy that wrote it, or a newer one.';

/**
 * The JSON of a file or an object that is part of a store, of this format.
 *
 * @param refuse makes the error from what is wrong, and from the way out where it is not the store’s usual one
 */
export function parseStored(text: string, refuse: (why: string, fix?: string) => DeployError): Json {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    throw refuse('is not JSON');
  }
  const format = isJsonObject(value) ? value['formatVersion'] : undefined;
  if (typeof format === 'string' && format !== FORMAT_VERSION)
    throw refuse(`has format ${format}, which this lambda-deploy does not know`, NEWER);
  return value;
}

const RESULTS: Readonly<Record<RecordResult, true>> = {
  open: true,
  pending: true,
  succeeded: true,
  failed: true,
  rolled_back: true,
};

/** Whether everything that decisions are taken from is there. schemas/record.schema.json says the rest. */
export function isRecord(value: unknown): value is DeployRecord {
  if (!isJsonObject(value)) return false;
  const text = (key: string): boolean => typeof value[key] === 'string';
  const textOrNull = (key: string): boolean => value[key] === null || text(key);
  return (
    value['formatVersion'] === FORMAT_VERSION &&
    typeof value['id'] === 'string' &&
    RECORD_ID.test(value['id']) &&
    (value['action'] === 'deploy' || value['action'] === 'rollback') &&
    typeof value['result'] === 'string' &&
    Object.hasOwn(RESULTS, value['result']) &&
    ['function', 'startedAt'].every(text) &&
    ['alias', 'version', 'previousVersion', 'codeSha256', 'finishedAt'].every(textOrNull)
  );
}
