import type { DeployRecord } from '../model/record.js';

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
