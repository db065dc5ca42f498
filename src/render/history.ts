import type { HistoryAlias, HistoryDocument, HistoryRow } from '../model/history.js';
import { as, columns, duration, type Line, type Role, type Span } from './text.js';

/** Records for people: an alias after the other, each newest first. */
export function renderHistory(document: HistoryDocument): Line[] {
  return document.aliases.flatMap((one, index): Line[] => [
    ...(index === 0 ? [] : [[]]),
    [as('title', titleOf(one))],
    ...aliasLines(one, rowsOf(document, one)),
  ]);
}

function aliasLines(one: HistoryAlias, rows: readonly HistoryRow[]): Line[] {
  if (one.versions !== undefined) return versionLines(one);
  const head = HEAD.map((text) => as('dim', text));
  const notes = moreText(one);
  return [...columns([head, ...rows.map(row)], '  '), ...(notes === '' ? [] : [[as('dim', `  ${notes}`)]])];
}

function versionLines(one: HistoryAlias): Line[] {
  const rows = (one.versions ?? []).map(({ version, publishedAt, description }): Span[] => [
    version,
    minute(publishedAt),
    cut(description, DESCRIPTION_CHARACTERS),
  ]);
  const notes = moreText(one);
  return [
    [as('warn', `  ${unrecorded(one)}`)],
    ...columns(rows, '  '),
    ...(notes === '' ? [] : [[as('dim', `  ${notes}`)]]),
  ];
}

/** The columns of a record, in text and in Markdown. */
export const HEAD = ['when', 'version', 'result', 'record', 'commit', 'by', 'took', ''] as const;

const BY_CHARACTERS = 24;
const DESCRIPTION_CHARACTERS = 60;
const COMMIT_CHARACTERS = 8;

function row(record: HistoryRow): Span[] {
  const { result, deployedCommit: commit = '' } = record;
  const role: Role = result === 'succeeded' ? 'good' : result === 'open' || result === 'pending' ? 'warn' : 'bad';
  return [
    minute(record.startedAt),
    versionText(record),
    as(role, resultText(record)),
    record.id,
    cut(commit, COMMIT_CHARACTERS, ''),
    cut(byText(record), BY_CHARACTERS),
    tookText(record),
    notesText(record),
  ];
}

/** `orders (eu-west-1)  live` */
export function titleOf({ function: name, region, alias }: HistoryAlias): string {
  return `${name}${region === undefined ? '' : ` (${region})`}  ${alias ?? 'no alias'}`;
}

/** The records of one alias. */
export function rowsOf({ records }: HistoryDocument, one: HistoryAlias): readonly HistoryRow[] {
  return records.filter(
    (record) => record.function === one.function && record.region === one.region && record.alias === one.alias,
  );
}

/** Why there are versions in place of records. */
export function unrecorded({ versions }: HistoryAlias): string {
  if (versions === null) return 'No deployment is recorded, and AWS has no such function.';
  if (versions === undefined || versions.length === 0) return 'No deployment is recorded, and no version is published.';
  return 'No deployment is recorded: the first is still to come, or the records are gone. The versions that AWS has:';
}

/** What was left out; empty: nothing. */
export function moreText({ omitted }: HistoryAlias): string {
  return omitted === 0 ? '' : `and ${omitted} older: --limit shows more`;
}

/** A version, and where the alias was before. */
export function versionText({ version, previousVersion }: HistoryRow): string {
  const moved = previousVersion !== null && previousVersion !== version;
  return `${version ?? '-'}${moved ? ` (was ${previousVersion})` : ''}`;
}

/** How it ended; of what has not, what is known of it. */
export function resultText({ result, state }: HistoryRow): string {
  return `${result.replace('_', ' ')}${state === undefined ? '' : ` (${state})`}`;
}

/** The build and the person; empty: not known. */
export function byText({ build, actor }: HistoryRow): string {
  return [build === undefined ? '' : `build ${build}`, actor ?? ''].filter((part) => part !== '').join(' ');
}

/** How long it took; empty: not known. */
export function tookText({ durationMs }: HistoryRow): string {
  return durationMs === null ? '' : duration(durationMs);
}

/** What else there is to say of a record. */
export function notesText(record: HistoryRow): string {
  const { version, triedVersion, restores, leaves, deadline } = record;
  const went = restores === undefined ? 'by its number' : `to ${restores}`;
  return [
    record.action === 'rollback' ? `rollback ${went}${leaves === undefined ? '' : `, left ${leaves}`}` : '',
    triedVersion === undefined || triedVersion === version ? '' : `tried ${triedVersion}`,
    record.takenBack === true ? 'taken back' : '',
    record.held === true ? 'held' : '',
    record.state === 'running' && deadline !== undefined ? `until ${minute(deadline)}` : '',
    record.result === 'pending' ? 'waits at a share' : '',
  ]
    .filter((part) => part !== '')
    .join(', ');
}

/** ISO 8601 to the minute; a time of another form as it is. */
export function minute(time: string): string {
  return time.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d).*(?:Z|\+0000)$/, '$1 $2Z');
}

/** On one line, and cut at its end where it is long. */
function cut(text: string, characters: number, sign = '…'): string {
  const all = [...text.replace(/[\s\p{Cc}]+/gu, ' ').trim()];
  return all.length <= characters ? all.join('') : `${all.slice(0, characters - sign.length).join('')}${sign}`;
}
