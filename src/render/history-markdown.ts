import type { HistoryAlias, HistoryDocument, HistoryRow } from '../model/history.js';
import {
  byText,
  HEAD,
  minute,
  moreText,
  notesText,
  resultText,
  rowsOf,
  titleOf,
  tookText,
  unrecorded,
  versionText,
} from './history.js';
import { code, link, strong, table, text } from './markdown.js';

/** Records as Markdown: a table an alias, a build linked to its page. */
export function historyMarkdown(document: HistoryDocument): string {
  return document.aliases.map((one) => section(one, rowsOf(document, one))).join('\n');
}

function section(one: HistoryAlias, rows: readonly HistoryRow[]): string {
  const { versions } = one;
  const shown =
    versions === undefined
      ? table(HEAD, rows.map(row))
      : table(
          ['version', 'published', 'description'],
          (versions ?? []).map((each) => [each.version, text(minute(each.publishedAt)), text(each.description)]),
        );
  return [
    `${strong(titleOf(one))}\n`,
    versions === undefined ? '' : `${unrecorded(one)}\n`,
    shown,
    moreText(one) === '' ? '' : `${moreText(one)}\n`,
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function row(record: HistoryRow): readonly string[] {
  const { buildUrl, deployedCommit: commit = '' } = record;
  const by = byText(record);
  return [
    text(minute(record.startedAt)),
    text(versionText(record)),
    text(resultText(record)),
    code(record.id),
    code(commit.slice(0, 8)),
    // Records are kept where others write, too: no other kind of link is one.
    buildUrl !== undefined && /^https?:\/\//.test(buildUrl) ? link(by === '' ? 'build' : by, buildUrl) : text(by),
    tookText(record),
    text(notesText(record)),
  ];
}
