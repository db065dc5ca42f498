import type { JsonObject } from '../model/json.js';
import { constraintErrors, invalidParameter } from './errors.js';
import { problem } from './constraints.js';

/** Lambda's lists never give more at once. @see https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html */
const PAGE_SIZE = 50;
const MAX_ITEMS = 10_000;

/**
 * One page under `member`, with `NextMarker` when there is more. A marker is the position in base64; it stays good
 * as long as nothing is added or removed before it.
 *
 * @throws AwsError ValidationException for MaxItems out of range, InvalidParameterValueException for a foreign marker
 */
export function page(member: string, items: readonly JsonObject[], query: URLSearchParams): JsonObject {
  const asked = query.get('MaxItems') ?? String(PAGE_SIZE);
  const maxItems = Number(asked);
  if (!Number.isInteger(maxItems) || maxItems < 1)
    throw constraintErrors([problem(asked, 'maxItems', 'Member must have value greater than or equal to 1')]);
  if (maxItems > MAX_ITEMS)
    throw constraintErrors([problem(asked, 'maxItems', `Member must have value less than or equal to ${MAX_ITEMS}`)]);
  const start = position(query.get('Marker'));
  const end = start + Math.min(maxItems, PAGE_SIZE);
  const rest = end < items.length ? { NextMarker: Buffer.from(`item:${end}`).toString('base64') } : {};
  return { [member]: items.slice(start, end), ...rest };
}

function position(marker: string | null): number {
  if (marker === null || marker === '') return 0;
  const found = /^item:(\d+)$/.exec(Buffer.from(marker, 'base64').toString('utf8'))?.[1];
  if (found === undefined) throw invalidParameter('Invalid pagination marker');
  return Number(found);
}
