import type { DesiredFunction, LiveFunction } from '../model/function.js';
import type { DeployRecord } from '../model/record.js';
import { newestSettled } from '../planner/recorded.js';
import { specDigest } from '../spec/digest.js';
import type { FunctionState } from './session.js';

/**
 * The records, the newest settled one of each alias with its spec where the store has none and the file is still what was deployed
 * then: its digest says so, with the code of today's file or with any that AWS has, because the archive need not be here.
 */
export function withSpecs(desired: DesiredFunction, { live, records }: FunctionState): FunctionState['records'] {
  return new Map(
    [...records].map(([alias, own]) => {
      const newest = newestSettled(own);
      const spec = newest?.spec ?? (newest && unchangedSpec(desired, live, newest));
      if (newest === undefined || spec === undefined) return [alias, own];
      return [alias, own.map((record) => (record === newest ? { ...record, spec } : record))];
    }),
  );
}

function unchangedSpec(
  { asWritten, code }: DesiredFunction,
  live: LiveFunction | undefined,
  { specDigest: was = '' }: DeployRecord,
): DesiredFunction['asWritten'] {
  if (asWritten === undefined || was === '') return undefined;
  const versions = live === undefined ? [] : [live.latest, ...live.versions];
  const codes = new Set([code?.codeSha256, undefined, ...versions.map(({ codeSha256 }) => codeSha256)]);
  return [...codes].some((one) => specDigest(asWritten, one).startsWith(was)) ? asWritten : undefined;
}
