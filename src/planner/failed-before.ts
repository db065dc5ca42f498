import type { DesiredFunction } from '../model/function.js';
import type { Warning } from '../model/plan.js';
import type { DeployRecord } from '../model/record.js';

/** Ends of a run that say something of the version itself; any other error may be gone by now. */
const FAILED: Readonly<Record<string, string>> = {
  HEALTH_CHECK_FAILED: 'failed its health check',
  ALARM_RAISED: 'raised an alarm',
  ERROR_RATE_EXCEEDED: 'failed too often',
};

/**
 * Warns where an alias is to get what it did not keep the last time (semantics 24). It may be tried again: what failed may have been
 * something else. The tags store keeps no errors; there a version that was tried and did not stay is enough.
 *
 * @param moving the aliases that the plan moves or makes
 */
export function failedBefore(
  { name, specDigest }: Pick<DesiredFunction, 'name' | 'specDigest'>,
  records: readonly DeployRecord[],
  moving: readonly string[],
): Warning[] {
  return [...new Set(moving)].flatMap((alias): Warning[] => {
    const last = records
      .filter((record) => record.alias === alias && record.result !== 'open' && carries(record, specDigest))
      .sort((left, right) => (left.id < right.id ? 1 : -1))[0];
    if (last?.triedVersion === undefined || (last.result !== 'failed' && last.result !== 'rolled_back')) return [];
    const how = last.error === undefined ? 'was tried and did not stay' : FAILED[last.error.code];
    if (how === undefined) return [];
    const message = `this spec of ${name} ${how} on ${last.startedAt} (version ${last.triedVersion}, alias ${alias}); it is tried again.`;
    return [{ code: 'FAILED_BEFORE', function: name, message }];
  });
}

/** A tag keeps only the digest's beginning. */
function carries({ action, specDigest = '' }: DeployRecord, wanted: string): boolean {
  return action === 'deploy' && specDigest !== '' && wanted.startsWith(specDigest);
}
