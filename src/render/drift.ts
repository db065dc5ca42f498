import type { DriftDocument, HistoryDocument, HistoryRow } from '../model/drift.js';
import { as, columns, duration, shortDigest, shownValue, type Line, type Span } from './text.js';

/** Drift for people: what the record says, what AWS has, what the file says. */
export function renderDrift(document: DriftDocument): Line[] {
  const lines = document.functions.flatMap(({ name, drifted, differences, notes }): Line[] => [
    [as('title', name), '  ', drifted ? as('bad', 'drifted') : as('good', 'as recorded')],
    ...columns(
      differences.map(({ path, recorded, live, sensitive }): Span[] => {
        const show = (value: typeof recorded): string =>
          path === 'code' && typeof value === 'string' ? shortDigest(value) : shownValue(value);
        return [
          as('change', '~'),
          path,
          sensitive === true ? '(changed)' : `recorded ${show(recorded)}, live ${show(live)}`,
        ];
      }),
      '  ',
    ),
    ...notes.map((note): Line => [as('dim', `  note: ${note}`)]),
  ]);
  const closing: Line = document.drifted
    ? [as('bad', 'Drift found.'), ' `lambda-deploy plan` shows what apply would put right.']
    : [as('good', 'No drift.')];
  return [...lines, [], closing];
}

/** Records for people, newest first. */
export function renderHistory({ records }: HistoryDocument): Line[] {
  if (records.length === 0) return [['No deployment is recorded.']];
  const head = ['when', 'function', 'alias', 'version', 'result', 'commit', 'by', 'took'].map((text) =>
    as('dim', text),
  );
  return columns([head, ...records.map(row)], '');
}

function row(record: HistoryRow): Span[] {
  const role = record.result === 'succeeded' ? 'good' : record.result === 'open' ? 'warn' : 'bad';
  const moved = record.previousVersion !== null && record.previousVersion !== record.version;
  const took = record.durationMs === null ? '' : duration(record.durationMs);
  const note = record.takenBack === true ? ' (taken back)' : record.action === 'rollback' ? ' (rollback)' : '';
  return [
    record.startedAt.replace('T', ' ').replace(/\.\d+Z$/, 'Z'),
    record.function,
    record.alias ?? '$LATEST',
    `${record.version ?? '-'}${moved ? ` (was ${record.previousVersion})` : ''}`,
    as(role, `${record.result.replace('_', ' ')}${note}`),
    record.commit?.slice(0, 8) ?? '',
    record.build === undefined ? (record.actor ?? '') : `build ${record.build}`,
    took,
  ];
}
