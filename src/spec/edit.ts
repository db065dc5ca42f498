import {
  isCollection,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  stringify,
  type Pair,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { isJsonObject, type Json } from '../model/json.js';
import { printableJson } from '../model/printable.js';
import { escapeExpressions } from './interpolate.js';
import type { Path } from './node.js';
import { FAITHFUL } from './render-desired.js';

/**
 * The text with one value set, or removed where it is `undefined`; every other character stays, comments and blank lines too. Maps
 * that are missing on the way are made. A literal `${` is escaped. Knows nothing of what the value means: whoever asks checks that.
 *
 * @param text YAML or JSON that parses
 * @returns `undefined` where something that is no map stands in the way, or nothing is there to be removed
 */
export function editText(text: string, path: Path, value: Json | undefined): string | undefined {
  const { contents } = parseDocument(text, { schema: 'core', logLevel: 'error' });
  let map: unknown = contents;
  for (const [depth, step] of path.entries()) {
    if (!isMap(map)) return undefined;
    const rest = path.slice(depth + 1);
    const pair = pairOf(map, String(step));
    if (pair === undefined)
      return value === undefined ? undefined : inserted(text, map, String(step), nested(rest, value));
    if (rest.length === 0) return value === undefined ? removed(text, map, pair) : replaced(text, map, pair, value);
    const isNothing = isScalar(pair.value) && pair.value.value === null;
    if (isNothing && value !== undefined) return replaced(text, map, pair, nested(rest, value));
    map = pair.value;
  }
  return undefined;
}

type YamlPair = Pair<unknown, unknown>;

function pairOf(map: YAMLMap, key: string): YamlPair | undefined {
  return map.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === key);
}

function nested(path: Path, value: Json): Json {
  return path.reduceRight<Json>((inner, step) => ({ [step]: inner }), value);
}

function replaced(text: string, map: YAMLMap, pair: YamlPair, value: Json): string {
  const isQuoted = hasQuotedKeys(map);
  const node = pair.value;
  if (isSeq(node) && node.flow !== true && Array.isArray(value)) return withItems(text, node, value, isQuoted);
  const written = inStyleOf(node, value, isQuoted, map.flow === true);
  const [start, end] = rangeOf(node);
  const isInline = start < end && !(isCollection(node) && node.flow !== true);
  if (isInline) return splice(text, start, endOf(text, node), written);
  // An empty value, or one that begins on a line of its own: the new one stands behind the colon.
  const colon = text.indexOf(':', rangeOf(pair.key)[1]) + 1;
  return splice(text, colon, Math.max(colon, start < end ? endOf(text, node) : colon), ` ${written}`);
}

/** A list of one line an item: of an equal number of items only those that differ are touched. */
function withItems(text: string, list: YAMLSeq, value: readonly Json[], isQuoted: boolean): string {
  const [start] = rangeOf(list);
  const items = list.items.filter(isScalar);
  if (value.length === 0) return splice(text, start, endOf(text, list), '[]');
  const written = value.map((item) => rendered(item, isQuoted, false));
  if (items.length !== value.length || items.length !== list.items.length) {
    const indent = ' '.repeat(start - lineStart(text, start));
    return splice(
      text,
      start,
      endOf(text, list),
      written.map((item) => `- ${item}`).join(`${newlineOf(text)}${indent}`),
    );
  }
  return items.reduceRight((result, item, index) => {
    const isSame = item.value === escaped(value[index] ?? null);
    const [from, to] = rangeOf(item);
    return isSame ? result : splice(result, from, to, inStyleOf(item, value[index] ?? null, isQuoted, false));
  }, text);
}

function inserted(text: string, map: YAMLMap, key: string, value: Json): string {
  const isQuoted = hasQuotedKeys(map);
  const last = map.items.at(-1);
  const [start, end] = rangeOf(map);
  if (map.flow !== true) {
    if (last === undefined) return text;
    const at = lineEnd(text, endOfPair(text, last));
    const column = rangeOf(last.key)[0] - lineStart(text, rangeOf(last.key)[0]);
    const written = `${rendered(key, isQuoted, false)}: ${rendered(value, isQuoted, false)}`;
    return splice(text, at, at, `${newlineOf(text)}${' '.repeat(column)}${written}`);
  }
  const written = `${rendered(key, isQuoted, true)}: ${rendered(value, isQuoted, true)}`;
  if (last === undefined) return splice(text, start, end, isQuoted ? `{${written}}` : `{ ${written} }`);
  const [from] = rangeOf(last.key);
  const before = text.slice(lineStart(text, from), from);
  // One pair a line stays one pair a line.
  const gap = before.trim() === '' ? `${newlineOf(text)}${before}` : ' ';
  const at = endOfPair(text, last);
  return splice(text, at, at, `,${gap}${written}`);
}

function removed(text: string, map: YAMLMap, pair: YamlPair): string {
  const index = map.items.indexOf(pair);
  const [next, previous] = [map.items[index + 1], map.items[index - 1]];
  const [start] = rangeOf(pair.key);
  if (map.flow === true) {
    if (next !== undefined) return splice(text, start, rangeOf(next.key)[0], '');
    return splice(text, previous === undefined ? start : endOfPair(text, previous), endOfPair(text, pair), '');
  }
  const end = lineEnd(text, endOfPair(text, pair));
  return splice(text, lineStart(text, start), end + (text.startsWith('\r\n', end) ? 2 : 1), '');
}

/** JSON, or a YAML map that is written like it. */
function hasQuotedKeys(map: YAMLMap): boolean {
  return map.items.length > 0 && map.items.every(({ key }) => styleOf(key) === 'QUOTE_DOUBLE');
}

function styleOf(node: unknown): string | undefined {
  return isScalar(node) ? node.type : undefined;
}

/** Between single quotes nothing can be escaped: text of one line that can be seen. */
const SINGLE_QUOTABLE = /^[^\p{C}\p{Zl}\p{Zp}]*$/u;

/** A value with the quotes of the one that stands there. */
function inStyleOf(node: unknown, value: Json, isQuoted: boolean, inFlow: boolean): string {
  const style = styleOf(node);
  if (style === 'QUOTE_SINGLE' && typeof value === 'string' && SINGLE_QUOTABLE.test(value))
    return `'${escapeExpressions(value).replaceAll("'", "''")}'`;
  return rendered(value, isQuoted || style === 'QUOTE_DOUBLE', inFlow);
}

function rendered(value: Json, isQuoted: boolean, inFlow: boolean): string {
  const own = escaped(value);
  const json = printableJson(
    JSON.stringify(own, null, 1)
      .replace(/\n */g, ' ')
      .replace(/^([[{]) | ([\]}])$/g, '$1$2'),
  );
  if (isQuoted) return json;
  // Inside of brackets a comma ends a plain scalar, so it is written as there.
  const text = stringify(inFlow ? [own] : own, { ...FAITHFUL, collectionStyle: 'flow' }).trim();
  // Quoted text of several lines would have to be indented, and what hides or poses as other text escaped: as JSON it is.
  if (text.includes('\n') || printableJson(text) !== text) return json;
  return inFlow ? text.replace(/^\[ ?| ?\]$/g, '') : text;
}

function escaped(value: Json): Json {
  if (typeof value === 'string') return escapeExpressions(value);
  if (Array.isArray(value)) return value.map(escaped);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, escaped(inner)]));
}

function rangeOf(node: unknown): readonly [number, number] {
  const { range } = node as { range?: readonly [number, number, number] | null };
  if (range === undefined || range === null) throw new Error('a node of a parsed text has a range');
  return [range[0], range[1]];
}

function endOfPair(text: string, { key, value }: YamlPair): number {
  if (value !== null && value !== undefined) {
    const [start, end] = rangeOf(value);
    if (start < end) return endOf(text, value);
  }
  return text.indexOf(':', rangeOf(key)[1]) + 1;
}

/**
 * The library counts the end of the last line, and comments behind it, to a collection of lines, and to text of several lines (`|`)
 * its last line break.
 */
function endOf(text: string, node: unknown): number {
  if (!isCollection(node) || node.flow === true || node.items.length === 0) {
    const [start, end] = rangeOf(node);
    return start + text.slice(start, end).trimEnd().length;
  }
  const last: unknown = node.items.at(-1);
  if (!isMap(node)) return endOf(text, last);
  const { key, value } = last as YamlPair;
  return value === null || value === undefined || rangeOf(value)[0] === rangeOf(value)[1]
    ? rangeOf(key)[1] + 1
    : endOf(text, value);
}

function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1;
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  if (end === -1) return text.length;
  return text[end - 1] === '\r' ? end - 1 : end;
}

function newlineOf(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}

function splice(text: string, start: number, end: number, written: string): string {
  return text.slice(0, start) + written + text.slice(end);
}
