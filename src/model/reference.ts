import { isJsonObject, type Json } from './json.js';

/**
 * A value of the file without references, `$${` as it reads; `undefined` where it has one, and so is not known by itself. Of a map
 * the known members.
 */
export function literal(value: Json | undefined): Json | undefined {
  if (typeof value === 'string') {
    const parts = value.split('$${');
    return parts.some((part) => part.includes('${')) ? undefined : parts.join('${');
  }
  if (Array.isArray(value)) {
    const items = value.map(literal);
    return items.includes(undefined) ? undefined : (items as Json[]);
  }
  if (!isJsonObject(value)) return value;
  const members = Object.entries(value).map(([name, member]) => [name, literal(member)] as const);
  return Object.fromEntries(members.filter((member): member is [string, Json] => member[1] !== undefined));
}
