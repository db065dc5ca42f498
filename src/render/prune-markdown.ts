import type { FunctionPrune, FunctionPruneResult, PrunePlan, PruneResult } from '../model/prune.js';
import { details, strong, table, text } from './markdown.js';
import { nameOf, outcomesOf, PRUNE_ENDINGS, pruneClosing } from './prune.js';
import { errorItems } from './result-annotation.js';

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

/** What prune did as Markdown: of each function how many versions went, a table of them, and the error that ended it. */
export function pruneResultMarkdown({ functions, result }: PruneResult): string {
  return [...functions.map(resultSection), `${PRUNE_ENDINGS[result]}\n`].join('\n');
}

function resultSection(one: FunctionPruneResult): string {
  const { operations, skipped, error } = one;
  const deleted = operations.filter(({ status }) => status === 'done' || status === 'recovered').length;
  const rows = outcomesOf(one).map(({ outcome, versions, reason = '' }) => [outcome, text(versions), text(reason)]);
  const items = error === undefined ? [] : errorItems(error);
  return [
    `${strong(nameOf(one))}: ${deleted} of ${operations.length} deleted\n`,
    skipped === undefined ? '' : `skipped: ${text(skipped)}\n`,
    table(['outcome', 'versions', 'why'], rows),
    items.map((item) => `- ${item}\n`).join(''),
  ]
    .filter((part) => part !== '')
    .join('\n');
}
