import type { Json } from './json.js';
import type { FORMAT_VERSION } from './plan.js';
import type { DeployRecord } from './record.js';

/** A path where live is not what the last record left. `null`: nothing there, or not known. */
export interface DriftDifference {
  readonly path: string;
  readonly recorded: Json;
  readonly live: Json;
  readonly desired: Json;
  /** True: the values are withheld. */
  readonly sensitive?: true;
}

export interface FunctionDrift {
  readonly name: string;
  readonly drifted: boolean;
  readonly differences: readonly DriftDifference[];
  /** What could not be compared, and why. */
  readonly notes: readonly string[];
}

/** The result of `drift`. */
export interface DriftDocument {
  readonly formatVersion: typeof FORMAT_VERSION;
  readonly command: 'drift';
  readonly drifted: boolean;
  readonly functions: readonly FunctionDrift[];
}

/** A record with how long its run took; `null` while it is open. */
export type HistoryRow = DeployRecord & { readonly durationMs: number | null };

/** The result of `history`: newest first. */
export interface HistoryDocument {
  readonly formatVersion: typeof FORMAT_VERSION;
  readonly command: 'history';
  readonly records: readonly HistoryRow[];
}
