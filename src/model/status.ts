import type { Version } from './function.js';
import type { FORMAT_VERSION } from './plan.js';
import type { RecordResult } from './record.js';
import type { ErrorDocument } from './result.js';

/** The head of a function as AWS has it. */
export interface LatestStatus {
  /** `Pending`, `Active`, `Inactive`, `Failed`; `null`: AWS did not say. */
  readonly state: string | null;
  /** `Successful`, `InProgress`, `Failed`; `null`: AWS did not say. */
  readonly lastUpdateStatus: string | null;
  /** Why it is not good, in AWS's words. Absent: it is, or AWS gave none. */
  readonly reason?: string;
  readonly codeSha256: string;
  /** ISO 8601. */
  readonly lastModified: string;
  readonly ageSeconds: number;
}

/** The newest deployment that is recorded, whatever came of it. */
export interface LastRecord {
  readonly id: string;
  readonly action: 'deploy' | 'rollback';
  readonly result: RecordResult;
  /** ISO 8601: its end, or its start while it is open. */
  readonly at: string;
  readonly ageSeconds: number;
  readonly actor?: string;
  readonly build?: string;
  readonly buildUrl?: string;
  /** Of what it deployed: of a rollback that of the deployment it went to. */
  readonly commit?: string;
}

/**
 * Something about an alias that whoever looks must know. `in_progress`: a run has not ended. `waits`: a rollout waits for a promotion.
 * `abandoned`: either, past its time. `held`: a rollback took back what the file still says, and apply refuses it.
 */
export type Marker =
  | { readonly kind: 'in_progress'; readonly startedAt: string }
  | { readonly kind: 'waits'; readonly startedAt: string; readonly version: Version }
  | {
      readonly kind: 'abandoned';
      readonly startedAt: string;
      /** Absent: a run that never ended. */ readonly version?: Version;
    }
  | { readonly kind: 'held'; readonly takenBack: Version | null; readonly since?: string; readonly by?: string };

/** A declared alias; one row for `$LATEST` itself where the file declares none. */
export interface AliasStatus {
  /** `null`: a function without aliases. */
  readonly name: string | null;
  /** `null`: the alias does not exist. */
  readonly version: Version | null;
  /** Fractions 0–1 of additional versions; empty: the primary has it all. */
  readonly weights: Readonly<Record<Version, number>>;
  /** ISO 8601: since when it has this version. `null`: it does not exist. */
  readonly since: string | null;
  /** `record`: when a recorded run moved it; `lastModified`: no record says that, so it is when AWS made the version. */
  readonly sinceFrom: 'record' | 'lastModified' | null;
  readonly ageSeconds: number | null;
  /** `null`: none is recorded. */
  readonly lastRecord: LastRecord | null;
  readonly markers: readonly Marker[];
}

/** What `drift` would say. `unrecorded`: no deployment is recorded, so nothing can have drifted. `unknown`: it cannot be told. */
export interface DriftStatus {
  readonly state: 'none' | 'drifted' | 'unrecorded' | 'unknown';
  /** Paths that somebody moved in AWS. */
  readonly paths: readonly string[];
  /** Paths that only the file moved. */
  readonly pending: readonly string[];
  /** What could not be compared, and why. */
  readonly notes: readonly string[];
}

/** An alias in AWS that the file does not declare. */
export interface UndeclaredAlias {
  readonly name: string;
  readonly version: Version;
  readonly weights: Readonly<Record<Version, number>>;
}

interface Named {
  readonly name: string;
  /** Where the function has a region of its own. */
  readonly region?: string;
}

/** One function: as it is, that it is not there, or why it cannot be read. */
export type FunctionStatus =
  | (Named & {
      readonly status: 'found';
      readonly latest: LatestStatus;
      readonly aliases: readonly AliasStatus[];
      readonly undeclaredAliases: readonly UndeclaredAlias[];
      readonly drift: DriftStatus;
      /** Why `drift` is unknown. Absent: it is known. */
      readonly error?: ErrorDocument;
    })
  | (Named & { readonly status: 'missing'; readonly drift: DriftStatus })
  | (Named & { readonly status: 'unreadable'; readonly error: ErrorDocument });

/** The result of `status`, in the file's order. */
export interface StatusDocument {
  readonly formatVersion: typeof FORMAT_VERSION;
  readonly command: 'status';
  readonly functions: readonly FunctionStatus[];
}
