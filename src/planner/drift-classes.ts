import equal from 'fast-deep-equal';
import type { DriftClass, DriftDifference } from '../model/drift.js';
import type { Json } from '../model/json.js';

/** How the three sides of a path relate. */
export interface Sides {
  /** Live is not what was recorded. */
  readonly moved: boolean;
  /** The file wants something else than live. */
  readonly wants: boolean;
  /** The file wants something else than what was recorded. */
  readonly asked: boolean;
  /** The file names the path, and what it says is known. */
  readonly isManaged: boolean;
}

/** Who moved. For a path where two sides at least differ. */
export function classOf({ moved, wants, asked, isManaged }: Sides): DriftClass {
  // What both moved to is nobody's loss: a version may still lack it, which is for the next plan.
  if (!moved || (isManaged && !wants)) return 'pending';
  return asked ? 'conflict' : 'drift';
}

/** A path of the function itself, which no version keeps. */
export interface Leaf {
  readonly path: string;
  /** `undefined`: not known. */
  readonly recorded: Json | undefined;
  readonly live: Json;
  /** `undefined`: not managed, and then not compared. */
  readonly desired: Json | undefined;
}

/** The difference at a leaf; none where all sides that are known agree. Without a record, what differs is what the file moved. */
export function compareLeaf({ path, recorded, live, desired }: Leaf): DriftDifference[] {
  if (desired === undefined) return [];
  const wants = !equal(live, desired);
  if (recorded === undefined)
    return wants ? [{ path, recorded: null, live, desired, class: 'pending', unknown: ['recorded'] }] : [];
  const moved = !equal(recorded, live);
  if (!moved && !wants) return [];
  const sides = { moved, wants, asked: !equal(recorded, desired), isManaged: true };
  return [{ path, recorded, live, desired, class: classOf(sides) }];
}
