import equal from 'fast-deep-equal';
import type { DeployRecord } from '../../src/model/record.js';
import type { Ran } from '../e2e/support.js';
import { type Bed, duplicatesOf } from './bed.js';
import type { Place, Scenario } from './scenarios.js';

/** What came of one run that met its fault, and of the healthy one after it. A text says what is wrong. */
export interface Verdict {
  readonly unsafe?: string;
  readonly diverges?: string;
  readonly duplicates: number;
}

/** What may be made of a fault. */
export interface Expectation {
  /** The process was killed: it says nothing, and the alias may be at a share. */
  readonly killed?: true;
  /** The exit codes that the fault may lead to, beside 0. */
  readonly exits: readonly number[];
  /** The alias was moved by somebody else: there it stays. */
  readonly foreign?: true;
  /** The record has to be closed: a stopped run still does that. */
  readonly closed?: true;
}

/** Judges the run that has just ended, then lets a healthy one follow and judges that. */
export async function judge(bed: Bed, ran: Ran, expected: Expectation): Promise<Verdict> {
  bed.heal();
  const { unchecked, repeated } = bed.log;
  const unsafe = [
    placeProblem(bed, ran, expected),
    unchecked.length > 0 ? `version ${unchecked.join(', ')} got traffic before it was checked` : undefined,
    repeated > 0 ? 'the alias was moved twice to the same place' : undefined,
    expected.closed ? await openRecord(bed, ran) : undefined,
  ].filter((problem) => problem !== undefined);
  const diverges = await convergence(bed, expected);
  return {
    ...(unsafe.length === 0 ? {} : { unsafe: unsafe.join('; ') }),
    ...(diverges === undefined ? {} : { diverges }),
    duplicates: duplicatesOf(bed),
  };
}

function placeProblem(bed: Bed, { exitCode, out, err }: Ran, expected: Expectation): string | undefined {
  const { scenario, log } = bed;
  const place = bed.place();
  const where = `exit ${String(exitCode)}, the alias is at ${JSON.stringify(place)}`;
  if (expected.killed) return isMadeOf(place, [scenario.before, scenario.after]) ? undefined : where;
  if (exitCode !== 0 && !expected.exits.includes(exitCode ?? -1)) return `unexpected ${where}`;
  if (/INTERNAL|undefined|\[object/.test(out + err)) return 'the output shows the inside of the program';
  if (equal(place, scenario.after)) {
    const mayStay = exitCode === 0 || scenario.mayStay !== undefined;
    return mayStay ? undefined : `a failed run left it on the new version: ${where}`;
  }
  if (expected.foreign) {
    if (exitCode === 5 && !/aws lambda (update|delete)-alias/.test(out)) return `no command that mends it: ${where}`;
    if (equal(place, log.placeAtFault)) return undefined;
    // A run that began after the foreign move planned from there.
    if (exitCode === 0 && isWhole(place)) return undefined;
  }
  if (exitCode === 0) return `it succeeded elsewhere: ${where}`;
  return equal(place, scenario.before) ? undefined : where;
}

function isThere(place: Place | null, { after, publishes }: Scenario): boolean {
  const isHigher = publishes === true && isWhole(place) && Number(place?.version) > Number(after.version);
  return isHigher || equal(place, after);
}

function isWhole(place: Place | null): boolean {
  return place !== null && Object.keys(place.weights).length === 0;
}

/** Whether every share belongs to one of these versions. */
function isMadeOf(place: Place | null, places: readonly (Place | null)[]): boolean {
  const versions = places.map((one) => one?.version);
  if (place === null) return places.includes(null);
  return [place.version, ...Object.keys(place.weights)].every((version) => versions.includes(version));
}

async function openRecord(bed: Bed, ran: Ran): Promise<string | undefined> {
  const records = await recordsOf(bed);
  return records.some(({ result }) => result === 'open')
    ? `exit ${String(ran.exitCode)} with an open record`
    : undefined;
}

async function hasRolledBack(bed: Bed): Promise<boolean> {
  const [newest] = await recordsOf(bed);
  return newest?.action === 'rollback' && newest.result === 'succeeded';
}

/** Newest first; none before the function exists, which would carry them. */
async function recordsOf(bed: Bed): Promise<readonly DeployRecord[]> {
  const history = await bed.run('history', '--format', 'json');
  return history.exitCode === 0 ? (history.json()['records'] as DeployRecord[]) : [];
}

/** A healthy run ends in the spec, whatever came before, with nothing left to do. */
async function convergence(bed: Bed, expected: Expectation): Promise<string | undefined> {
  const { scenario } = bed;
  // The same job again must not go one further back; where somebody else moved the alias, it may.
  if (scenario.argv[0] === 'rollback' && !expected.foreign && !(await hasRolledBack(bed))) {
    const again = await bed.run(...scenario.argv);
    if (again.exitCode !== 0 || !isThere(bed.place(), scenario))
      return `rollback again: exit ${String(again.exitCode)}, ${JSON.stringify(bed.place())}\n${again.out}${again.err}`;
  }
  const next = await bed.run('apply', '--yes');
  if (next.exitCode !== 0) return `the next apply: exit ${String(next.exitCode)}\n${next.out}${next.err}`;
  if (!isWhole(bed.place())) return `the next apply ends at ${JSON.stringify(bed.place())}`;
  const plan = await bed.run('plan', '--detailed-exitcode');
  if (plan.exitCode !== 0) return `the plan after it: exit ${String(plan.exitCode)}\n${plan.out}${plan.err}`;
  return undefined;
}
