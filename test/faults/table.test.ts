import { afterAll, describe, expect, it } from 'vitest';
import { makeBed, type Time } from './bed.js';
import { type Cell, countCalls, fill, type Interruption, PROCESS, WIRE } from './cells.js';
import { failuresOf, tableOf } from './render.js';
import { type Scenario, SCENARIOS } from './scenarios.js';

const cells: Cell[] = [];

afterAll(() => {
  process.stdout.write(`\n${tableOf(cells)}\n\n`);
});

async function row(scenario: Scenario, time: Time, interruptions: readonly Interruption[]): Promise<Cell[]> {
  const bed = await makeBed(scenario, time);
  const calls = await countCalls(bed, time);
  const filled: Cell[] = [];
  for (const interruption of interruptions) filled.push(await fill(bed, interruption, calls));
  return filled;
}

describe.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))('%s', (_, scenario) => {
  it('met by every fault at every call: the alias is safe, the next run converges, nothing is published twice', async () => {
    const filled = await Promise.all([
      row(scenario, 'slept', WIRE),
      ...PROCESS.map((one) => row(scenario, 'real', one)),
    ]);
    cells.push(...filled.flat());
    expect(filled.flat().flatMap(failuresOf).join('\n\n')).toBe('');
  });
});
