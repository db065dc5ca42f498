import { DeployError } from '../errors.js';
import { isUnreadable, type DesiredFunction, type LiveFunction } from '../model/function.js';
import type { Operation } from '../model/plan.js';
import { ownValue } from './compare.js';
import { isIgnored } from './target.js';

/**
 * Tags on one function, not counting AWS's own.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html
 */
const MAX_TAGS = 50;

/** A plan that AWS must refuse half-way is refused before it begins. @throws RECORD_STORE */
export function refuseTooMany(desired: DesiredFunction, tags: LiveFunction['tags'], recordsInTags: boolean): void {
  const present = isUnreadable(tags) ? [] : Object.keys(tags).filter((key) => !key.startsWith('aws:'));
  const due = recordsInTags ? Math.max(desired.aliases.length, 1) : 0;
  const records = Math.max(present.filter((key) => key.startsWith(RECORD_PREFIX)).length, due);
  const kept = present.filter((key) => !key.startsWith(RECORD_PREFIX) && ownValue(desired.tags, key) !== null);
  const set = Object.entries(desired.tags).flatMap(([key, value]) => (value === null ? [] : [key]));
  const count = new Set([...kept, ...set]).size + records;
  if (count <= MAX_TAGS) return;
  const detail = `function ${desired.name} would have ${count} tags, its deployment records included; Lambda allows ${MAX_TAGS}.`;
  throw new DeployError('RECORD_STORE', detail, {
    subject: desired.name,
    fix: 'remove tags that nobody needs, or keep records elsewhere (metadata: s3://BUCKET/PREFIX or file:DIR).',
  });
}

/** Of the tags that hold records: never the file's. */
export const RECORD_PREFIX = 'lambda-deploy:';

/**
 * Sets and removes only tags that the file names (semantics 3).
 *
 * @throws AWS_UNREADABLE when the file names tags and AWS does not show the live ones
 */
export function planTags(desired: DesiredFunction, live: LiveFunction): Operation[] {
  const managed = Object.entries(desired.tags).filter(([key]) => !isIgnored(desired, `tags.${key}`));
  if (managed.length === 0) return [];
  const tags = refuseUnreadableTags(desired, live.tags);
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

/** The tags that the file sets, as a record keeps them. */
export function tagsSet(desired: DesiredFunction): Readonly<Record<string, string>> {
  const set = Object.entries(desired.tags).filter(
    (entry): entry is [string, string] => entry[1] !== null && !isIgnored(desired, `tags.${entry[0]}`),
  );
  return Object.fromEntries(set);
}

/** The live tags, for a file that manages some. @throws AWS_UNREADABLE when AWS does not show them */
export function refuseUnreadableTags(
  { name }: Pick<DesiredFunction, 'name'>,
  tags: LiveFunction['tags'],
): Readonly<Record<string, string>> {
  if (!isUnreadable(tags)) return tags;
  const detail = `the tags of ${name} are managed by the file, but AWS does not show the live ones: ${tags.unreadable}`;
  throw new DeployError('AWS_UNREADABLE', detail, {
    source: 'aws',
    subject: name,
    fix: 'allow lambda:ListTags on the function, or leave tags out of the file.',
  });
}
