import type { DesiredFunction, LiveFunction } from '../model/function.js';
import type { DeployRecord } from '../model/record.js';
import { newestOnLatest, newestSettled } from '../planner/recorded.js';
import { specDigest } from '../spec/digest.js';
import type { FunctionState } from './session.js';

/**
 * The records, the newest settled one of each alias and the newest that tells of `$LATEST` with their spec where the store has none and the file is still what was deployed
 * then: its digest says so, with the code of today's file or with any that AWS has, because the archive need not be here.
 */
export function withSpecs(desired: DesiredFunction, { live, records }: FunctionState): FunctionState['records'] {
  return new Map(
    [...records].map(([alias, own]) => {
      const asked = new Set([newestSettled(own), newestOnLatest(own)]);
      const withSpec = (record: DeployRecord): DeployRecord => {
        const spec = record.spec ?? unchangedSpec(desired, live, record);
        return spec === undefined ? record : { ...record, spec };
      };
      return [alias, own.map((record) => (asked.has(record) ? withSpec(record) : record))];
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
