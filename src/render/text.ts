import type { Json } from '../model/json.js';

/** What a piece of text is; the terminal decides on its colour. */
export type Role = 'title' | 'add' | 'change' | 'remove' | 'good' | 'bad' | 'warn' | 'dim';

/** A piece of a line: bare text, or text with a role. */
export type Span = string | { readonly text: string; readonly role: Role };

export type Line = readonly Span[];

/** A span with a role. */
export function as(role: Role, text: string): Span {
  return { text, role };
}

/** The lines as bare text, one `\n` after each. */
export function plain(lines: readonly Line[]): string {
  return lines
    .map((line) => `${line.map((span) => (typeof span === 'string' ? span : span.text)).join('')}\n`)
    .join('');
}

/** Rows as columns: every cell but a row's last is padded to its column's widest; no line ends in blanks. */
export function columns(table: readonly (readonly Span[])[], indent: string, gap = '  '): Line[] {
  const rows = table.map((row) => row.slice(0, row.findLastIndex((cell) => width(cell) > 0) + 1));
  const widths: number[] = [];
  for (const row of rows)
    row.slice(0, -1).forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, width(cell))));
  return rows.map((row) => [
    indent,
    ...row.flatMap((cell, index): Span[] =>
      index === row.length - 1 ? [cell] : [cell, ' '.repeat((widths[index] ?? 0) - width(cell)) + gap],
    ),
  ]);
}

function width(span: Span): number {
  return [...(typeof span === 'string' ? span : span.text)].reduce((sum, one) => sum + cellsOf(one), 0);
}

/** @see https://www.unicode.org/reports/tr11/ */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;

/** The columns of a terminal that a character takes. */
function cellsOf(character: string): number {
  if (/^[\x20-\x7e]$/.test(character)) return 1;
  return /^[\p{Mn}\p{Me}]$/u.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
}

/** Text that takes at most so many columns of a terminal; a longer one is cut at its end. */
export function cut(text: string, most: number): string {
  if (width(text) <= most) return text;
  let kept = '';
  for (const one of text) {
    if (width(kept + one) >= most) break;
    kept += one;
  }
  return `${kept}…`;
}

/** A value on one line, control characters escaped. */
export function oneLine(value: Json): string {
  if (value === null) return '(none)';
  return typeof value === 'string' && /^[\x20-\x7e]+$/.test(value) ? value : JSON.stringify(value);
}

const MAX_VALUE_CHARACTERS = 72;

/** A value on one line, a long one cut at its end. */
export function shownValue(value: Json): string {
  const text = oneLine(value);
  return text.length > MAX_VALUE_CHARACTERS ? `${text.slice(0, MAX_VALUE_CHARACTERS)}…` : text;
}

const DIGEST_CHARACTERS = 12;

/** Enough of a digest to tell two apart by eye. */
export function shortDigest(digest: string): string {
  return digest.slice(0, DIGEST_CHARACTERS);
}

/** Time since the start in six places or more: `  0.4s`, ` 12.3s`, ` 4m10s`, `1h02m03s`. */
export function elapsed(milliseconds: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const tenths = Math.floor(milliseconds / 100);
  if (tenths < 600) return `${(tenths / 10).toFixed(1)}s`.padStart(6);
  const seconds = Math.floor(tenths / 10);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = `${two(seconds % 60)}s`;
  return hours > 0 ? `${hours}h${two(minutes)}m${rest}` : `${minutes}m${rest}`.padStart(6);
}

/** `850 ms`, `12.3 s`, `4 min 10 s`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.floor(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(Math.floor(milliseconds / 100) / 10).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** A time that has passed, in its largest unit: `40 s`, `5 min`, `3 h`, `12 d`. */
export function lasted(seconds: number): string {
  const units = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
  ] as const;
  const [size, name] = units.find(([least]) => seconds >= least) ?? [1, 's'];
  return `${Math.floor(seconds / size)} ${name}`;
}
