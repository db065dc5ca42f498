import { isUnreadable, type LiveFunction } from '../model/function.js';
import type { Operation } from '../model/plan.js';
import { ownValue } from './compare.js';
import type { RollbackTarget } from './rollback-target.js';

/**
 * The tags of the target's record, which no version keeps. A tag that only the deployment which is left had set goes; what neither
 * named stays. Nothing where the target's record has none, or AWS does not show the tags.
 */
export function restoreTags(
  { tags: live }: Pick<LiveFunction, 'tags'>,
  { record, leaves }: RollbackTarget,
): Operation[] {
  const wanted = record?.unversioned?.tags;
  if (wanted === undefined || isUnreadable(live)) return [];
  const set = Object.entries(wanted).filter(([key, value]) => ownValue(live, key) !== value);
  const remove = Object.keys(leaves?.unversioned?.tags ?? {}).filter(
    (key) => !Object.hasOwn(wanted, key) && Object.hasOwn(live, key),
  );
  return [
    ...(set.length === 0
      ? []
      : [{ type: 'TagResource', reason: 'restore the tags', tags: Object.fromEntries(set) } as const]),
    ...(remove.length === 0
      ? []
      : [{ type: 'UntagResource', reason: 'it was set after the version', keys: remove } as const]),
  ];
}
