import type { FunctionPrune, FunctionPruneResult, PrunePlan, PruneResult } from '../model/prune.js';
import { as, columns, shownValue, type Line, type Span } from './text.js';

/** What prune would delete and what it keeps, each with its reason. */
export function renderPrunePlan(plan: PrunePlan): Line[] {
  return [
    ...plan.functions.flatMap(functionLines),
    [],
    ...plan.warnings.map(({ code, message }): Line => [as('warn', `warning[${code}] `), message]),
    ...(plan.warnings.length === 0 ? [] : [[]]),
    [pruneClosing(plan)],
  ];
}

/** `orders (eu-west-1)` */
export function nameOf({ name, region }: Pick<FunctionPrune, 'name' | 'region'>): string {
  return `${name}${region === undefined ? '' : ` (${region})`}`;
}

function functionLines(one: FunctionPrune): Line[] {
  const { operations, kept, skipped } = one;
  const deleted = operations.map(({ version, publishedAt, description, reason }): Span[] => [
    as('remove', '-'),
    version,
    publishedAt.slice(0, 10),
    shownValue(description),
    reason,
  ]);
  const stays = kept.map(({ version, reasons }): Span[] => [as('dim', '='), version, '', '', reasons.join('; ')]);
  return [
    [as('title', nameOf(one)), `  ${operations.length} to delete, ${kept.length} kept`],
    ...(skipped === undefined ? [] : [[as('warn', `  skipped: ${skipped}`)]]),
    ...columns([...deleted, ...stays], '  '),
  ];
}

/** What all of it comes to. */
export function pruneClosing({ functions, changes }: PrunePlan): string {
  if (!changes) return 'Nothing to delete.';
  const count = functions.reduce((sum, { operations }) => sum + operations.length, 0);
  return `Plan: ${count} ${count === 1 ? 'version' : 'versions'} to delete. This cannot be undone.`;
}

/** What became of each deletion. */
export function renderPruneResult({ functions, result }: PruneResult): Line[] {
  const closing = { succeeded: 'Prune succeeded.', no_changes: 'Nothing was deleted.', failed: 'Prune stopped.' };
  return [...functions.flatMap(resultLines), [as(result === 'failed' ? 'bad' : 'good', closing[result])]];
}

function resultLines(one: FunctionPruneResult): Line[] {
  const { operations, skipped, error } = one;
  const named = (...statuses: string[]): string =>
    operations.flatMap(({ status, version }) => (statuses.includes(status) ? [version] : [])).join(', ');
  const parts: readonly (readonly [label: string, versions: string])[] = [
    ['deleted', named('done', 'recovered')],
    ['failed', named('failed')],
    ['not deleted', named('skipped')],
  ];
  return [
    [as('title', nameOf(one)), operations.length === 0 && skipped === undefined ? '  nothing to delete' : ''],
    ...(skipped === undefined ? [] : [[as('warn', `  skipped: ${skipped}`)]]),
    ...parts.flatMap(([label, versions]): Line[] => (versions === '' ? [] : [[`  ${label}: ${versions}`]])),
    ...operations.flatMap(({ version, status, reason }): Line[] =>
      status === 'kept' ? [[`  kept: ${version}, ${reason ?? ''}`]] : [],
    ),
    ...(error === undefined
      ? []
      : [
          [
            as('bad', `  error[${error.code}] `),
            error.message,
            ...(error.hint === undefined ? [] : [` fix: ${error.hint}`]),
          ],
        ]),
  ];
}
