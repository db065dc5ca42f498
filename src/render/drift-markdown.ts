import type { DriftDifference, DriftDocument, FunctionDrift } from '../model/drift.js';
import { LATEST } from '../model/function.js';
import type { Json } from '../model/json.js';
import { changeOf, closing, fileLines, nextText, rolloutText, stateOf } from './drift.js';
import { block, code, details, strong, table, text } from './markdown.js';
import { oneLine, plain, shortDigest } from './text.js';

/** Drift as Markdown: a table a function, for a comment or an annotation. */
export function driftMarkdown(document: DriftDocument): string {
  return [...document.functions.map(driftSection), plain([closing(document)])]
    .map((part) => `${part.trim()}\n`)
    .join('\n');
}

/** One function: a table of what is not the same, and what else is to be said of it. */
export function driftSection(one: FunctionDrift): string {
  const { name, region, differences, rollouts, notes, adopted = [], left = [] } = one;
  const place = region === undefined ? '' : ` (${text(region)})`;
  const isBlamed = differences.some(({ by }) => by !== undefined);
  const head = ['', 'path', 'recorded', 'live', 'file', ...(isBlamed ? ['by'] : [])];
  const items = [
    ...rollouts.map((rollout) => text(rolloutText(rollout))),
    ...notes.map(text),
    ...adopted.map((path) => `adopted: ${code(path)}`),
    ...[nextText(one) ?? []].flat().map(text),
    ...left.map(({ path, reason }) => `left: ${code(path)}: ${text(reason)}`),
  ];
  const files = plain(fileLines(one)).replace(/^ {4}/gm, '');
  return [
    `${strong(name)}${place}: ${stateOf(one)}\n`,
    table(head, differences.map(row)),
    files === '' ? '' : details('Files', block([[files]])),
    items.map((item) => `- ${item}\n`).join(''),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function row(difference: DriftDifference): readonly string[] {
  const { path, recorded, live, desired, unknown, sensitive, by } = difference;
  const isCode = path === 'code' || path === LATEST;
  const show = (value: Json): string => code(isCode && typeof value === 'string' ? shortDigest(value) : oneLine(value));
  const side = (of: 'recorded' | 'desired', value: Json): string => (unknown?.includes(of) ? 'not known' : show(value));
  const values = [side('recorded', recorded), show(live), side('desired', desired)];
  const hidden = ['', text(changeOf(difference)), ''];
  const who = by === undefined ? '' : text(`${by.who}, ${by.at}, ${by.operation}`);
  return [difference.class, code(path), ...(sensitive === true ? hidden : values), who];
}
