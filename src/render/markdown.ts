import { plain, type Line } from './text.js';

/** Lines as they are, in a block of their own: whatever they hold cannot end it. */
export function block(lines: readonly Line[]): string {
  const body = plain(lines).replace(/^\n+|\n+$/g, '');
  if (body === '') return '';
  const longest = Math.max(2, ...[...body.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${body}\n${fence}\n`;
}
