import { createHash } from 'node:crypto';
import { DeployError } from '../errors.js';
import { isUnreadable, type LiveFunction } from '../model/function.js';
import type { LambdaPort, RecordStore } from '../model/ports.js';
import type { DeployRecord } from '../model/record.js';
import { decode, encode } from './encoding.js';

/** Every tag of this tool's. A file's own tags never have it, see the schema. */
export const TAG_PREFIX = 'lambda-deploy:';

/** Hexadecimal digits of sha256 in a key: two aliases of one function would have to collide in 32 bits. */
const HASH_DIGITS = 8;

/**
 * Tags on one function, not counting AWS's own.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html
 */
const MAX_TAGS = 50;

/** The key of the tag that holds an alias's records; `null`: those of a function without aliases (no alias has an empty name). */
export function tagKey(alias: string | null): string {
  const hash = createHash('sha256')
    .update(alias ?? '')
    .digest('hex');
  return TAG_PREFIX + hash.slice(0, HASH_DIGITS);
}

/**
 * Records in the function's own tags, one tag an alias, see specs/0004-records.md. Reading costs nothing beyond GetFunction;
 * writing is one TagResource call for all aliases. Keeps the newest records that fit, digests and commits shortened.
 *
 * `list` throws AWS_UNREADABLE when AWS does not show the tags and RECORD_STORE for a newer format; `open` and `close` throw
 * RECORD_STORE when the function would have more than 50 tags, and what TagResource throws.
 */
export function tagsStore(lambda: Pick<LambdaPort, 'tagResource'>): RecordStore {
  const write: RecordStore['close'] = async (live, records, known) => {
    const tags = tagsFor(records, known);
    refuseOverfull(live.name, [...Object.keys(readable(live)), ...Object.keys(tags)]);
    await lambda.tagResource(live.arn, tags);
  };
  return {
    kind: 'tags',
    list(live, alias) {
      try {
        const value = readable(live)[tagKey(alias)];
        return Promise.resolve(value === undefined ? [] : decode(value, live.name, alias));
      } catch (error) {
        return Promise.reject(error as Error);
      }
    },
    read: (_live, record) => Promise.resolve(record),
    open: write,
    close: write,
    tagsFor,
  };
}

function tagsFor(records: readonly DeployRecord[], known: readonly DeployRecord[]): Readonly<Record<string, string>> {
  const aliases = [...new Set(records.map(({ alias }) => alias))];
  // The new record of an id comes first and so replaces the known one.
  const all = [...records, ...known];
  return Object.fromEntries(
    aliases.map((alias) => [tagKey(alias), encode(all.filter((record) => record.alias === alias))]),
  );
}

function readable(live: Pick<LiveFunction, 'name' | 'tags'>): Readonly<Record<string, string>> {
  if (!isUnreadable(live.tags)) return live.tags as Readonly<Record<string, string>>;
  const detail = `The tags of function ${live.name} hold its deployment records and cannot be read. ${live.tags.unreadable}`;
  throw new DeployError('AWS_UNREADABLE', detail, {
    source: 'aws',
    subject: live.name,
    fix: 'allow lambda:ListTags for this identity, or keep records elsewhere (metadata: s3://BUCKET/PREFIX or file:DIR).',
  });
}

function refuseOverfull(name: string, keys: readonly string[]): void {
  const own = new Set(keys.filter((key) => !key.startsWith('aws:')));
  if (own.size <= MAX_TAGS) return;
  const detail = `Function ${name} would have ${own.size} tags with its deployment records; Lambda allows ${MAX_TAGS}.`;
  throw new DeployError('RECORD_STORE', detail, {
    subject: name,
    fix: 'remove tags that nobody needs, or keep records elsewhere (metadata: s3://BUCKET/PREFIX or file:DIR).',
  });
}
