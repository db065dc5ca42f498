import equal from 'fast-deep-equal';
import { FIELDS, type Field } from '../model/fields.js';
import { isUnreadable, LATEST, type LiveAlias, type LiveFunction } from '../model/function.js';
import type { ImportedAlias, ImportedFunction, ImportNote } from '../model/import.js';
import { isJsonObject, type Json, type JsonObject } from '../model/json.js';
import { versionOf } from './aliases.js';
import { diffContent } from './compare.js';
import { contentOf, normalizeValue } from './normalize.js';

/** Tags that are not a file's to say: AWS's own, and the records of this tool. */
const FOREIGN_TAG = /^(?:aws|lambda-deploy):/;

/**
 * The live function as a file would say it, so that a plan of that file finds nothing to do: AWS's defaults left out, an alias
 * that serves something else than `$LATEST` pinned to its version. What no file can say without a change is left out, with a
 * note. Pure: equal inputs make equal results.
 */
export function describeLive(live: LiveFunction): ImportedFunction {
  const { settings, notes } = describeSettings(live);
  const aliases = [...live.aliases].sort((left, right) => (left.name < right.name ? -1 : 1));
  const described = aliases.map((alias) => describeAlias(alias, live));
  const { environment } = live.latest;
  const hasVariables = !isUnreadable(environment) && Object.keys(environment).length > 0;
  return {
    name: live.name,
    settings,
    ...(hasVariables ? { environment } : {}),
    ...(typeof live.codeSigningConfigArn === 'string' ? { codeSigningConfigArn: live.codeSigningConfigArn } : {}),
    tags: isUnreadable(live.tags)
      ? {}
      : Object.fromEntries(Object.entries(live.tags).filter(([key]) => !FOREIGN_TAG.test(key))),
    aliases: described.flatMap(({ alias }) => (alias === undefined ? [] : [alias])),
    notes: [...stateNotes(live), ...notes, ...described.flatMap(({ note }) => (note === undefined ? [] : [note]))],
  };
}

function stateNotes({ latest, tags }: LiveFunction): ImportNote[] {
  const isBad = latest.lastUpdateStatus === 'Failed' || latest.state === 'Failed';
  const reason = latest.lastUpdateStatusReason ?? latest.stateReason ?? 'AWS gave no reason';
  return [
    ...(isBad ? [{ path: '$LATEST', message: `the last update failed (${reason}): a plan sends it again` }] : []),
    ...(isUnreadable(latest.environment) ? [hidden('environment', latest.environment.unreadable)] : []),
    ...(isUnreadable(tags) ? [hidden('tags', tags.unreadable)] : []),
  ];
}

function hidden(path: string, why: string): ImportNote {
  return { path, message: `not in the file and left alone: ${why}` };
}

function describeSettings({ latest, name }: LiveFunction): { settings: JsonObject; notes: ImportNote[] } {
  const settings: Record<string, Json> = {};
  const notes: ImportNote[] = [];
  for (const field of FIELDS) {
    if (field.key === 'environment') continue;
    const value = latest.settings[field.key];
    if (isJsonObject(value) && isUnreadable(value)) notes.push(hidden(field.key, value.unreadable));
    else {
      const said = sparse(field, value, name);
      if (said !== undefined) settings[field.key] = said;
    }
  }
  return { settings, notes };
}

/** A setting without what AWS fills in by itself; `undefined` where that is all of it. */
function sparse(field: Field, value: Json | undefined, name: string): Json | undefined {
  const whole = normalizeValue(field, value, name);
  if (whole === undefined || equal(whole, normalizeValue(field, undefined, name))) return undefined;
  if (field.struct !== true || !isJsonObject(whole)) return whole;
  return Object.keys(whole).reduce((members, member): JsonObject => {
    const { [member]: _, ...rest } = members;
    const isImplied = Object.keys(rest).length > 0 && equal(normalizeValue(field, rest, name), whole);
    return isImplied ? rest : members;
  }, whole);
}

interface Described {
  readonly alias?: ImportedAlias;
  readonly note?: ImportNote;
}

function describeAlias({ name, version, description, weights }: LiveAlias, live: LiveFunction): Described {
  const path = `aliases.${name}`;
  const [split] = Object.entries(weights);
  if (split !== undefined) {
    const share = Math.round(split[1] * 1000) / 10;
    const message = `not in the file and left alone: it sends ${share} % of its traffic to version ${split[0]}, the rest to ${version}; any file would end that. Add it once the shift is over`;
    return { note: { path, message } };
  }
  const alias = { name, ...(description === '' ? {} : { description }) };
  if (version === LATEST) return { alias: { ...alias, version } };
  const served = versionOf(live, version);
  if (served === undefined || served.state === 'Failed') {
    const message = `not in the file and left alone: its version ${version} is Failed; add it to have it moved`;
    return { note: { path, message } };
  }
  const differing = diffContent(contentOf(served, live.name), contentOf(live.latest, live.name), 'version')
    .map((difference) => difference.path)
    // Variables as a whole differ only where AWS does not show them.
    .filter((differs) => differs !== 'environment');
  if (differing.length === 0) return { alias };
  const message = `pinned, because version ${version} is not what $LATEST is: ${differing.join(', ')}. Without this line the next apply moves the alias to $LATEST’s content`;
  return { alias: { ...alias, version }, note: { path: `${path}.version`, message } };
}
