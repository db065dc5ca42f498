import type { JsonObject } from './json.js';
import type { ObjectPin, Version } from './function.js';
import type { FORMAT_VERSION } from './plan.js';

/** How a deployment of an alias ended; `open`: it has not, or its process died; `pending`: a rollout was left at a share on purpose. */
export type RecordResult = 'open' | 'pending' | 'succeeded' | 'failed' | 'rolled_back';

/** The build or person behind a record; absent members are not known. */
export interface Origin {
  readonly commit?: string;
  readonly branch?: string;
  /** A build's number. */
  readonly build?: string;
  readonly buildUrl?: string;
  /** Which try of which job it is, see {@link isEarlierTry}; while a record is open. */
  readonly job?: string;
  /** Who started the build, or the run outside of one. */
  readonly actor?: string;
  /** Who unblocked the build; absent: nobody had to. */
  readonly approver?: Approver;
}

/** A person as Buildkite knows them; absent members are not known. */
export interface Approver {
  readonly name?: string;
  readonly id?: string;
  readonly email?: string;
}

/**
 * What one run did to one alias of one function (or to `$LATEST` alone). Holds no secret: variables are names.
 * A store may know less than it was given: members after `finishedAt` are then absent.
 */
export interface DeployRecord extends Origin {
  readonly formatVersion: typeof FORMAT_VERSION;
  /** Sorts by time: milliseconds in base 36 (nine digits) and three random digits. */
  readonly id: string;
  readonly action: 'deploy' | 'rollback';
  readonly function: string;
  /** `null`: a function without aliases. */
  readonly alias: string | null;
  readonly result: RecordResult;
  /** What the alias serves when the run is over; while it is open, what it served before. */
  readonly version: Version | null;
  /** What the alias served before; `null`: there was none. */
  readonly previousVersion: Version | null;
  /** CodeSha256 of `version`, or its first eight characters from a store that keeps no more. */
  readonly codeSha256: string | null;
  /** ISO 8601. */
  readonly startedAt: string;
  /** `null` while it is open. */
  readonly finishedAt: string | null;
  readonly specDigest?: string;
  /** The code that was deployed, whatever came of it, as the file names it; absent for a rollback and where it is not managed. */
  readonly code?: { readonly source: string; readonly codeSha256: string; readonly object?: ObjectPin };
  /** The version that was tried, where the run failed and the alias went back or never moved. */
  readonly triedVersion?: Version;
  /** For a rollback: the record it went back to. */
  readonly restores?: string;
  /** For a rollback: the record it left, taken back by it. */
  readonly leaves?: string;
  /** True: a later rollback left this one. */
  readonly takenBack?: true;
  /** Digest of what the run left in `$LATEST`, without variable values; absent: it neither changed it nor can vouch for it. */
  readonly latestDigest?: string;
  /**
   * What the run left that no version keeps, as far as the file manages it, so that a rollback can restore it; absent where the
   * store keeps none.
   */
  readonly unversioned?: { readonly tags?: Readonly<Record<string, string>> };
  /** While it is open: ISO 8601, when a run that is still going would be over. Past it, the process has died. */
  readonly deadline?: string;
  /** The function as written, references in place of secrets. */
  readonly spec?: JsonObject;
  readonly operations?: readonly { readonly type: string; readonly status: string; readonly durationMs: number }[];
  /** Of the plan file that was carried out, in hex, or its beginning from a store that keeps no more. */
  readonly planDigest?: string;
  readonly error?: { readonly code: string; readonly message: string };
  readonly toolVersion?: string;
}
