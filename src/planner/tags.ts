import { DeployError } from '../errors.js';
import { isUnreadable, type DesiredFunction, type LiveFunction } from '../model/function.js';
import type { Operation } from '../model/plan.js';
import { ownValue } from './compare.js';
import { isIgnored } from './target.js';

/**
 * Sets and removes only tags that the file names (semantics 3).
 *
 * @throws AWS_UNREADABLE when the file names tags and AWS does not show the live ones
 */
export function planTags(desired: DesiredFunction, live: LiveFunction): Operation[] {
  const managed = Object.entries(desired.tags).filter(([key]) => !isIgnored(desired, `tags.${key}`));
  if (managed.length === 0) return [];
  const { tags } = live;
  if (isUnreadable(tags)) {
    throw new DeployError(
      'AWS_UNREADABLE',
      `the tags of ${desired.name} are managed by the file, but AWS does not show the live ones: ${tags.unreadable}`,
      {
        source: 'aws',
        subject: desired.name,
        fix: 'allow lambda:ListTags on the function, or leave tags out of the file.',
      },
    );
  }
  const set = managed.filter(
    (entry): entry is [string, string] => entry[1] !== null && ownValue(tags, entry[0]) !== entry[1],
  );
  const remove = managed
    .filter(([key, value]) => value === null && ownValue(tags, key) !== undefined)
    .map(([key]) => key);
  const count = (number: number): string => (number === 1 ? '1 tag differs' : `${number} tags differ`);
  return [
    ...(set.length === 0
      ? []
      : [{ type: 'TagResource', reason: count(set.length), tags: Object.fromEntries(set) } as const]),
    ...(remove.length === 0 ? [] : [{ type: 'UntagResource', reason: count(remove.length), keys: remove } as const]),
  ];
}
