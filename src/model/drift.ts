import type { Json } from './json.js';
import type { FORMAT_VERSION } from './plan.js';
import type { Version } from './function.js';
import type { ApplyResult } from './result.js';

/**
 * Who moved: `drift` AWS alone, `pending` the file alone (or both to the same value), `conflict` both, `unmanaged` something that
 * nobody declared, `aws` AWS by itself. Only the first two of AWS's, drift and conflict, make a function drifted; with `--strict`
 * what is unmanaged does, too.
 */
export type DriftClass = 'drift' | 'pending' | 'conflict' | 'unmanaged' | 'aws';

/** A path where record, AWS and file are not all the same. `null`: nothing there, or not known. */
export interface DriftDifference {
  readonly path: string;
  readonly recorded: Json;
  readonly live: Json;
  readonly desired: Json;
  readonly class: DriftClass;
  /** Sides whose `null` means that the value is not known. Absent: both are. */
  readonly unknown?: readonly ('recorded' | 'desired')[];
  /** True: the values are withheld. */
  readonly sensitive?: true;
  /** With `--blame`: who did it last, by CloudTrail. Absent: not known. */
  readonly by?: Blame;
}

/** Who made the call that may have moved a path, and when. */
export interface Blame {
  readonly who: string;
  /** ISO 8601. */
  readonly at: string;
  /** AWS's name of the operation. */
  readonly operation: string;
}

/** Something that hangs on a function and is in no configuration. */
export interface Attachment {
  /** The alias or version it hangs on; `null`: the function. */
  readonly on: string | null;
  readonly kind: 'url' | 'permissions' | 'eventSources' | 'eventInvokeConfig';
  /** Which of several. Absent: there is one at most. */
  readonly id?: string;
  readonly value: Json;
}

/** A rollout of ours that is not over. */
export interface OpenRollout {
  /** `null`: a function without aliases. */
  readonly alias: string | null;
  /** `abandoned`: its time is over, and nothing says that somebody still works on it. */
  readonly state: 'in_progress' | 'abandoned';
  /** ISO 8601. */
  readonly startedAt: string;
  /** The version that has a share and waits for a promotion; absent: the run itself has not ended. */
  readonly version?: Version;
}

/** A path whose live value was not written into the file. */
export interface LeftOut {
  readonly path: string;
  readonly reason: string;
}

/** A file in which two archives differ. */
export interface FileChange {
  readonly path: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** Unpacked; `null` where the archive does not have it. */
  readonly bytesBefore: number | null;
  readonly bytesAfter: number | null;
}

export interface FunctionDrift {
  readonly name: string;
  /** Where the function has a region of its own. */
  readonly region?: string;
  readonly drifted: boolean;
  readonly differences: readonly DriftDifference[];
  readonly rollouts: readonly OpenRollout[];
  /** What could not be compared, and why. */
  readonly notes: readonly string[];
  /** With `--code`: in what live code is not the recorded code, by path. */
  readonly files?: readonly FileChange[];
  /** How many more there are. Absent: none. */
  readonly filesOmitted?: number;
  /** With `--adopt`: paths whose live value the file has now. `drifted` says whether anything is left. */
  readonly adopted?: readonly string[];
  /** With `--adopt`: aliases whose version lacks something of that: the next apply, or `--publish`, publishes one that has it and moves them. Absent: none. */
  readonly lacking?: readonly string[];
  readonly left?: readonly LeftOut[];
}

/** The result of `drift`. */
export interface DriftDocument {
  readonly formatVersion: typeof FORMAT_VERSION;
  readonly command: 'drift';
  readonly drifted: boolean;
  readonly functions: readonly FunctionDrift[];
  /** With `--publish`, where an alias lacked what was adopted: what came of publishing it. */
  readonly published?: ApplyResult;
}
