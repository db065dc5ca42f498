import equal from 'fast-deep-equal';
import { isUnreadable, type Unreadable, type Variables } from '../model/function.js';
import { FIELDS } from '../model/fields.js';
import { isJsonObject, type Json } from '../model/json.js';
import type { Content } from './normalize.js';

/** One path in which two contents differ. Variables say only that they do. */
export interface PathDifference {
  readonly path: string;
  readonly before: Json;
  readonly after: Json;
  readonly sensitive?: true;
}

/**
 * Every path in which `after` is not `before`: a struct member by member, anything else whole, variables one by one.
 * An unreadable side is never equal. Empty exactly when both are the same content. Order: the field table's, then variables,
 * then code.
 */
export function diffContent(before: Content, after: Content, scope: 'all' | 'version' = 'all'): PathDifference[] {
  const differences: PathDifference[] = [];
  for (const field of FIELDS) {
    if (field.key === 'environment' || (scope === 'version' && field.versionScoped === false)) continue;
    differences.push(
      ...diffValue(field.key, before.settings[field.key], after.settings[field.key], field.struct === true),
    );
  }
  differences.push(...diffEnvironment(before.environment, after.environment));
  if (before.codeSha256 !== after.codeSha256) {
    differences.push({ path: 'code', before: before.codeSha256, after: after.codeSha256 });
  }
  return differences;
}

/** Whether a published version's content is this content, field by field. */
export function sameVersionContent(left: Content, right: Content): boolean {
  return diffContent(left, right, 'version').length === 0;
}

/**
 * Whether `live` is what a step predicted. Members that AWS fills in by itself inside a struct the step sent (a default
 * nobody named) are no difference, nor are variables that AWS showed neither before nor now; anything else is.
 * @returns the paths that are not as predicted
 */
export function unpredicted(
  predicted: Content,
  live: Content,
  sentKeys: readonly string[],
  scope: 'all' | 'version' = 'all',
): string[] {
  const hidden = isUnreadable(predicted.environment) && isUnreadable(live.environment);
  return diffContent(predicted, live, scope)
    .filter(({ before, path }) => !(before === null && sentKeys.some((key) => path.startsWith(`${key}.`))))
    .map(({ path }) => path)
    .filter((path) => !(hidden && path === 'environment'));
}

/** Variables by what happens to them, names only. */
export function diffEnvironment(before: Variables | Unreadable, after: Variables | Unreadable): PathDifference[] {
  if (isUnreadable(before) || isUnreadable(after)) {
    return [{ path: 'environment', before: shown(before), after: shown(after), sensitive: true }];
  }
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((name): PathDifference[] => {
    const [old, now] = [ownValue(before, name), ownValue(after, name)];
    if (old !== undefined && now !== undefined && old.equals(now)) return [];
    const change = old === undefined ? '(set)' : '(changed)';
    return [
      {
        path: `environment.${name}`,
        before: old === undefined ? null : '(set)',
        after: now === undefined ? null : change,
        sensitive: true,
      },
    ];
  });
}

/** A variable by its own name; a name like `constructor` is never found on the prototype. */
export function ownValue<T>(map: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(map, name) ? map[name] : undefined;
}

function shown(environment: Variables | Unreadable): string {
  return isUnreadable(environment) ? '(unreadable)' : '(set)';
}

function diffValue(path: string, before: Json | undefined, after: Json | undefined, struct: boolean): PathDifference[] {
  if (equal(before, after)) return [];
  if (!struct || !isJsonObject(before) || !isJsonObject(after)) {
    return [{ path, before: before ?? null, after: after ?? null }];
  }
  const members = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return members.flatMap((member) =>
    diffValue(`${path}.${member}`, ownValue(before, member), ownValue(after, member), true),
  );
}
