import type { Version } from './function.js';
import type { FORMAT_VERSION } from './plan.js';

/** How one planned call ended. `recovered`: its answer was lost and the effect was found by reading. */
export type OperationStatus = 'done' | 'recovered' | 'failed' | 'skipped';

export interface OperationResult {
  readonly type: string;
  readonly status: OperationStatus;
  readonly durationMs: number;
  /** The alias, version or tag it was about; absent for the function itself. */
  readonly target?: string;
}

/** What, where, why and what to do, as every error is printed. */
export interface ErrorDocument {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly location?: { readonly file: string; readonly line: number; readonly column: number };
}

/** What happened to one function. */
export interface FunctionResult {
  readonly name: string;
  readonly result: 'succeeded' | 'no_changes' | 'failed' | 'rolled_back' | 'pending';
  /** The version the run published or re-used; `null`: none. */
  readonly version: Version | null;
  readonly aliases: readonly {
    readonly name: string;
    readonly version: Version | null;
    readonly previousVersion: Version | null;
    /** Fractions 0–1 of additional versions, while a rollout is open; absent: none. */
    readonly weights?: Readonly<Record<Version, number>>;
  }[];
  readonly operations: readonly OperationResult[];
  readonly error?: ErrorDocument;
  /** Facts the reader needs beside the result: what unqualified callers now run, a record that could not be closed. */
  readonly notes: readonly string[];
  /** The exit code this function alone would give. */
  readonly exitCode: number;
}

/** The result of `apply` and of `rollback`. */
export interface ApplyResult {
  readonly formatVersion: typeof FORMAT_VERSION;
  readonly command: 'apply' | 'rollback' | 'promote' | 'abort';
  readonly result: 'succeeded' | 'no_changes' | 'failed' | 'rolled_back' | 'pending';
  readonly functions: readonly FunctionResult[];
}
