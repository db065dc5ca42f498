import type { FunctionPrune, PrunePlan } from '../model/prune.js';
import { details, strong, table, text } from './markdown.js';
import { nameOf, pruneClosing } from './prune.js';

/** The plan of prune as Markdown: a table a function, what is kept folded away. */
export function pruneMarkdown(plan: PrunePlan): string {
  const warnings = plan.warnings.map(({ message }) => `- ${text(message)}\n`).join('');
  return [...plan.functions.map(section), warnings, `${pruneClosing(plan)}\n`].filter((part) => part !== '').join('\n');
}

function section(one: FunctionPrune): string {
  const { operations, kept, skipped } = one;
  const deleted = operations.map(({ version, publishedAt, description, reason }) => [
    text(version),
    text(publishedAt.slice(0, 10)),
    text(description),
    text(reason),
  ]);
  const stays = kept.map(({ version, reasons }) => [text(version), text(reasons.join('; '))]);
  return [
    `${strong(nameOf(one))}: ${operations.length} to delete, ${kept.length} kept\n`,
    skipped === undefined ? '' : `skipped: ${text(skipped)}\n`,
    table(['delete', 'published', 'description', 'why'], deleted),
    stays.length === 0 ? '' : details('Kept', table(['version', 'why'], stays)),
  ]
    .filter((part) => part !== '')
    .join('\n');
}
