import { plain, type Line } from './text.js';

/** Characters that mean something to GitHub's Markdown inside a line, HTML and mentions included. */
const SPECIAL = /[\\`*_{}[\]<>()#+\-.!|~&@:$]/g;

/**
 * Text as Markdown that shows exactly this text, on one line: nothing in it is a link, an image, HTML, a mention, an emoji code, or
 * the end of a table's cell.
 * @see https://github.github.com/gfm/#backslash-escapes
 */
export function text(value: string): string {
  return oneLine(value).replace(SPECIAL, (character) => (character === '&' ? '&amp;' : `\\${character}`));
}

/** A value in a code span, on one line; inside a table, too, where a bar has to be escaped even in code. Empty: nothing. */
export function code(value: string): string {
  const line = oneLine(value);
  if (line === '') return '';
  const longest = Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  // A span may not begin or end with its own fence's character.
  const pad = line.startsWith('`') || line.endsWith('`') ? ' ' : '';
  return `${fence}${pad}${line.replaceAll('|', '\\|')}${pad}${fence}`;
}

/** Bold text. */
export function strong(value: string): string {
  return `**${text(value)}**`;
}

/** A link. @param url is percent-encoded where it has to be */
export function link(label: string, url: string): string {
  const encoded = encodeURI(url).replace(/[()'*]/g, (one) => `%${(one.codePointAt(0) ?? 0).toString(16)}`);
  return `[${text(label)}](${encoded})`;
}

/** A table; cells are Markdown already. No rows: nothing. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const row = (cells: readonly string[]): string => `| ${head.map((_, index) => cells[index] ?? '').join(' | ')} |\n`;
  return row(head) + row(head.map(() => '---')) + rows.map(row).join('');
}

/** Lines as they are, in a block of their own: whatever they hold cannot end it. */
export function block(lines: readonly Line[]): string {
  const body = plain(lines).replace(/^\n+|\n+$/g, '');
  if (body === '') return '';
  const longest = Math.max(2, ...[...body.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${body}\n${fence}\n`;
}

/** Folded away under a summary, which is Markdown of one line. */
export function details(summary: string, body: string): string {
  return `<details>\n<summary>${summary}</summary>\n\n${body.trimEnd()}\n\n</details>\n`;
}

function oneLine(value: string): string {
  return value.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}
