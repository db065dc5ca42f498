import { isDeployError } from '../errors.js';
import type { DriftDifference, FunctionDrift } from '../model/drift.js';
import type { Clock, TrailPort } from '../model/ports.js';
import type { TrailEvent } from '../model/trail.js';
import { blameFor } from '../planner/blame.js';
import type { DriftInput } from '../planner/drift.js';
import { newestSettled } from '../planner/recorded.js';

/** LookupEvents takes two requests a second in an account and region. */
const BETWEEN_MS = 500;

/** CloudTrail's event history ends there. @see https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html */
const HISTORY_MS = 90 * 24 * 60 * 60_000;

const LATE =
  'CloudTrail shows no call that can have done it; it is up to fifteen minutes late, and goes back ninety days';

/**
 * The drift with who did it, as far as CloudTrail tells: one page of the function's events since its last deployment, and where they
 * do not tell of all one page of the region's. Nothing that fails here changes what drifted: it is a note.
 */
export async function withBlame(
  trail: TrailPort,
  clock: Clock,
  input: DriftInput,
  drift: FunctionDrift,
): Promise<FunctionDrift> {
  if (drift.differences.every(isBlamed)) return drift;
  const noted = (why: string): FunctionDrift => ({
    ...drift,
    notes: [...drift.notes, `who changed it is not known: ${why}`],
  });
  try {
    const from = { trail, clock, name: drift.name };
    const since = sinceOf(input, clock.now());
    const own = blame(drift, await eventsOf(from, drift.name, since));
    // Not every event names its resource in the way that it can be looked up by: TagResource has the ARN.
    const all = own.every(isBlamed)
      ? own
      : blame({ ...drift, differences: own }, await eventsOf(from, undefined, since));
    const isAnybody = all.some(({ by }) => by !== undefined);
    return isAnybody ? { ...drift, differences: all } : noted(LATE);
  } catch (error) {
    if (!isDeployError(error) || error.code === 'INTERRUPTED') throw error;
    return noted(error.detail);
  }
}

/** One page, of the function's events as AWS finds them by its name, or of any. */
async function eventsOf(
  { trail, clock, name }: { readonly trail: TrailPort; readonly clock: Clock; readonly name: string },
  asked: string | undefined,
  since: number,
): Promise<readonly TrailEvent[]> {
  const events = await trail.lookupEvents(asked, since);
  await clock.sleep(BETWEEN_MS);
  return events.filter((event) => event.function === name && Date.parse(event.at) >= since);
}

function isBlamed({ class: who, by }: DriftDifference): boolean {
  return by !== undefined || who === 'pending' || who === 'aws';
}

function blame(
  { differences }: Pick<FunctionDrift, 'differences'>,
  events: readonly TrailEvent[],
): readonly DriftDifference[] {
  return differences.map((one) => {
    const by = isBlamed(one) ? undefined : blameFor(one, events);
    return by === undefined ? one : { ...one, by };
  });
}

/** What happened before the last deployment ended is in its record. */
function sinceOf({ records }: DriftInput, now: number): number {
  const newest = newestSettled([...records.values()].flat());
  const ended = Date.parse(newest?.finishedAt ?? '');
  const since = Math.max(Number.isNaN(ended) ? 0 : ended, now - HISTORY_MS);
  // The events have whole seconds.
  return Math.floor(since / 1000) * 1000;
}
