import type { DeployRecord } from '../model/record.js';

/**
 * The records of one alias newest first, one of each id (the first given wins), with `takenBack` on those that a rollback left by
 * going back, unless a later one went to them again. A rollback that went forward took nothing back, nor did one that failed. With a
 * deployment every earlier one of the same version is left. Idempotent; what is not contradicted by a rollback stays as it is given.
 */
export function arrange(records: readonly DeployRecord[]): readonly DeployRecord[] {
  const byId = new Map<string, DeployRecord>();
  for (const record of records) if (!byId.has(record.id)) byId.set(record.id, record);
  const sorted = [...byId.values()].sort((one, other) => (one.id < other.id ? 1 : -1));
  const rollbacks = sorted.filter(({ action, result }) => action === 'rollback' && result === 'succeeded');
  return sorted.map((record) => {
    const { takenBack: _, ...rest } = record;
    const isNamed = servesItsVersion(record, byId);
    for (const rollback of rollbacks) {
      if (rollback.id <= record.id) break;
      if (rollback.restores === record.id) return rest;
      const isLeft = rollback.leaves === record.id || (isNamed && leftVersion(rollback, byId) === record.version);
      if (isLeft && isBackward(rollback)) return { ...rest, takenBack: true };
    }
    return record;
  });
}

/** One that finished what a dead one had begun found the alias moved already. */
function leftVersion({ leaves = '', previousVersion, version }: DeployRecord, byId: ById): DeployRecord['version'] {
  return previousVersion === version ? (byId.get(leaves)?.version ?? null) : previousVersion;
}

/** Whether it went to an older deployment than it left. To one that nobody recorded counts as back, too. */
function isBackward({ restores, leaves }: DeployRecord): boolean {
  return restores === undefined || leaves === undefined || restores < leaves;
}

/**
 * Whether the record's version is what it deployed. One that failed has the version of the one before it; a rollback stands for the
 * deployment that it went to only where there is no record of that.
 */
function servesItsVersion({ action, result, restores = '' }: DeployRecord, byId: ById): boolean {
  return result === 'succeeded' && (action === 'deploy' || !byId.has(restores));
}

type ById = ReadonlyMap<string, DeployRecord>;
