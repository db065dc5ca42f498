import type { Case, Cell } from './cells.js';

const HEAD = [
  'scenario',
  'fault',
  'calls',
  'does not apply',
  'runs',
  'fired',
  'alias safe',
  'next run converges',
  'duplicates',
];

/** The table as text, with the number of runs under it. */
export function tableOf(cells: readonly Cell[]): string {
  const rows = [HEAD, ...cells.map(rowOf)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const runs = cells.reduce((sum, { cases }) => sum + cases.length, 0);
  const bad = cells.reduce((sum, cell) => sum + failuresOf(cell).length, 0);
  const skipped = cells.reduce((sum, { calls, cases }) => sum + calls - cases.length, 0);
  return [
    ...lines,
    '',
    `${runs} runs met their fault exactly once; at ${skipped} calls the fault does not apply; ${bad} runs went wrong.`,
  ].join('\n');
}

function rowOf({ scenario, interruption, calls, cases }: Cell): string[] {
  const counted = String(cases.length);
  const skipped = String(calls - cases.length);
  if (cases.length === 0) return [scenario, interruption, String(calls), skipped, '0', '0', 'does not apply', '–', '–'];
  const [safe, converges] = (['unsafe', 'diverges'] as const).map(
    (key) => `${cases.filter((one) => one[key] === undefined).length} of ${counted}`,
  );
  const duplicates = cases.reduce((sum, one) => sum + one.duplicates, 0);
  return [
    scenario,
    interruption,
    String(calls),
    skipped,
    counted,
    counted,
    safe ?? '',
    converges ?? '',
    String(duplicates),
  ];
}

/** Every run that went wrong, with what it takes to see it again. */
export function failuresOf({ scenario, interruption, cases }: Cell): string[] {
  return cases
    .filter(isBad)
    .map(({ k, operation, unsafe, diverges, duplicates, output }) =>
      [
        `${scenario}, ${interruption} at call ${k} (${operation}):`,
        ...(unsafe === undefined ? [] : [`not safe: ${unsafe}`]),
        ...(diverges === undefined ? [] : [`does not converge: ${diverges}`]),
        ...(duplicates === 0 ? [] : [`${duplicates} duplicate versions`]),
        output,
      ].join('\n'),
    );
}

function isBad({ unsafe, diverges, duplicates }: Case): boolean {
  return unsafe !== undefined || diverges !== undefined || duplicates > 0;
}
