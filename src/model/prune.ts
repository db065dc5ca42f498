import type { Version } from './function.js';
import type { FORMAT_VERSION, Warning } from './plan.js';
import type { ErrorDocument, OperationStatus } from './result.js';

/** A version that is deleted: one DeleteFunction with its number as the qualifier. */
export interface DeleteVersionOperation {
  readonly type: 'DeleteFunction';
  readonly version: Version;
  readonly reason: string;
  /** ISO 8601. */
  readonly publishedAt: string;
  readonly description: string;
}

/** Something that hangs on one published version by its number, and that deleting it would take away. */
export interface VersionUse {
  readonly version: Version;
  readonly kind: 'policy' | 'eventSources' | 'eventInvokeConfig' | 'provisionedConcurrency';
}

/** A version that stays, with every reason why. */
export interface KeptVersion {
  readonly version: Version;
  readonly reasons: readonly string[];
}

/** What becomes of the versions of one function. */
export interface FunctionPrune {
  readonly name: string;
  /** Where the function has a region of its own. */
  readonly region?: string;
  /** In the order in which they are deleted, oldest first. */
  readonly operations: readonly DeleteVersionOperation[];
  /** Newest first. */
  readonly kept: readonly KeptVersion[];
  /** Why nothing of this function is deleted now; absent: nothing stands against it. */
  readonly skipped?: string;
}

/** What `prune` would do. */
export interface PrunePlan {
  readonly formatVersion: typeof FORMAT_VERSION;
  readonly command: 'prune';
  readonly keep: number;
  /** Whether any operation is in it. */
  readonly changes: boolean;
  readonly functions: readonly FunctionPrune[];
  readonly warnings: readonly Warning[];
}

/** How one deletion ended. `kept`: the version is needed by now, and was not when the plan was made. */
export interface DeleteVersionResult {
  readonly type: 'DeleteFunction';
  readonly version: Version;
  readonly status: OperationStatus | 'kept';
  /** Of one that was kept or skipped. */
  readonly reason?: string;
}

/** What became of one function's versions. */
export interface FunctionPruneResult {
  readonly name: string;
  readonly region?: string;
  readonly result: 'succeeded' | 'no_changes' | 'failed';
  readonly operations: readonly DeleteVersionResult[];
  /** Why nothing of it was deleted, see FunctionPrune. */
  readonly skipped?: string;
  readonly error?: ErrorDocument;
  /** The exit code that this function alone would give. */
  readonly exitCode: number;
}

/** The result of `prune`. */
export interface PruneResult {
  readonly formatVersion: typeof FORMAT_VERSION;
  readonly command: 'prune';
  readonly result: 'succeeded' | 'no_changes' | 'failed';
  readonly functions: readonly FunctionPruneResult[];
}
