import { isMap, isScalar, type YAMLMap } from 'yaml';
import { FIELDS } from '../model/fields.js';
import { LATEST } from '../model/function.js';
import type { ImportedAlias, ImportedEntry } from '../model/import.js';
import { isJsonObject, type Json, type JsonObject } from '../model/json.js';
import { toFileText } from './file-text.js';
import { escapeExpressions } from './interpolate.js';

/**
 * The file that says these functions, as YAML 1.2 that reads back as exactly these values: what looks like an expression is
 * escaped, what looks like a number is quoted. Notes stand as comments at what they are about.
 */
export function toImportFile(place: { region: string; account: string }, functions: readonly ImportedEntry[]): string {
  const bodies = new Map(functions.map((one) => [one.name, escaped(toBody(one))]));
  return toFileText({ version: 1, ...place }, bodies, [], (map) => {
    for (const one of functions) {
      const body = map.get(one.name);
      if (isMap(body)) annotate(body, one);
    }
  });
}

/** In the order of the format's reference. */
function toBody({ code, codeSigningConfigArn, settings, variables, tags, aliases }: ImportedEntry): JsonObject {
  const withheld = variables?.withheld ?? [];
  const values: Readonly<Record<string, Json | undefined>> = { ...settings, environment: variables?.clear };
  const members: readonly (readonly [string, Json | undefined])[] = [
    ['code', code],
    ['codeSigningConfigArn', codeSigningConfigArn],
    ...FIELDS.map(({ key }) => [key, values[key]] as const),
    ['tags', Object.keys(tags).length === 0 ? undefined : tags],
    ['ignoreChanges', withheld.length === 0 ? undefined : withheld.map((name) => `environment.${name}`)],
    ['aliases', aliases.length === 0 ? undefined : toAliases(aliases)],
  ];
  return Object.fromEntries(members.flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
}

function toAliases(aliases: readonly ImportedAlias[]): JsonObject {
  return Object.fromEntries(
    aliases.map(({ name, description, version }) => [
      name,
      {
        ...(description === undefined ? {} : { description }),
        ...(version === undefined ? {} : { version: version === LATEST ? version : Number(version) }),
      },
    ]),
  );
}

function escaped(value: Json): Json {
  if (typeof value === 'string') return escapeExpressions(value);
  if (Array.isArray(value)) return value.map(escaped);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, escaped(inner)]));
}

/** Each note goes before the key it is about, or to the top of the function where the key is not in the file. */
function annotate(body: YAMLMap, { notes, variables }: ImportedEntry): void {
  const top = notes.flatMap(({ path, message }) => {
    const alias = /^aliases\.(.+)\.version$/.exec(path)?.[1];
    const map = alias === undefined ? undefined : body.getIn(['aliases', alias]);
    if (!isMap(map)) return [comment(`${path}: ${message}`)];
    commentOn(map, 'version', message);
    return [];
  });
  if (top.length > 0) body.commentBefore = top.join('\n');
  const [example] = variables?.withheld ?? [];
  if (example === undefined) return;
  const how = `keep them in Parameter Store or Secrets Manager and write ${example}: "\${ssm:/path}", or "\${secret:${example}}" for one that the build has`;
  commentOn(body, 'ignoreChanges', `these may be secrets, so that their values are not in this file: ${how}`);
}

function commentOn(map: YAMLMap, key: string, text: string): void {
  const found = map.items.find((pair) => isScalar(pair.key) && pair.key.value === key)?.key;
  if (isScalar(found)) found.commentBefore = comment(text);
}

/** One line, whatever AWS's words are. */
function comment(text: string): string {
  return ` ${text.replace(/[\s\p{C}]+/gu, ' ')}`;
}
