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

/** How all of it ended. */
export const PRUNE_ENDINGS: Readonly<Record<PruneResult['result'], string>> = {
  succeeded: 'Prune succeeded.',
  no_changes: 'Nothing was deleted.',
  failed: 'Prune stopped.',
};

/** What became of each deletion. */
export function renderPruneResult({ functions, result }: PruneResult): Line[] {
  return [...functions.flatMap(resultLines), [as(result === 'failed' ? 'bad' : 'good', PRUNE_ENDINGS[result])]];
}

/** What became of the versions of one function: which, by outcome, and of each that was kept the reason. */
export function outcomesOf({
  operations,
}: FunctionPruneResult): { readonly outcome: string; readonly versions: string; readonly reason?: string }[] {
  const named = (outcome: string, ...statuses: string[]): { outcome: string; versions: string }[] => {
    const versions = operations.flatMap(({ status, version }) => (statuses.includes(status) ? [version] : []));
    return versions.length === 0 ? [] : [{ outcome, versions: versions.join(', ') }];
  };
  return [
    ...named('deleted', 'done', 'recovered'),
    ...named('failed', 'failed'),
    ...named('not deleted', 'skipped'),
    ...operations.flatMap(({ status, version, reason = '' }) =>
      status === 'kept' ? [{ outcome: 'kept', versions: version, reason }] : [],
    ),
  ];
}

function resultLines(one: FunctionPruneResult): Line[] {
  const { operations, skipped, error } = one;
  return [
    [as('title', nameOf(one)), operations.length === 0 && skipped === undefined ? '  nothing to delete' : ''],
    ...(skipped === undefined ? [] : [[as('warn', `  skipped: ${skipped}`)]]),
    ...outcomesOf(one).map(({ outcome, versions, reason }): Line => [
      `  ${outcome}: ${versions}${reason === undefined ? '' : `, ${reason}`}`,
    ]),
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
