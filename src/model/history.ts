import type { Version } from './function.js';
import type { FORMAT_VERSION } from './plan.js';
import type { DeployRecord } from './record.js';

/** A record as `history` tells it. */
export type HistoryRow = DeployRecord & {
  /** Where the function has a region of its own. */
  readonly region?: string;
  /** How long its run took; `null`: it is open, or the store does not say. */
  readonly durationMs: number | null;
  /** The commit of what it deployed: of a rollback that of the deployment it went to. Absent: not known. */
  readonly deployedCommit?: string;
  /** Of an open record: `running` until its deadline, `dead` past it, or where a later run went on; absent: nothing says which. */
  readonly state?: 'running' | 'dead';
  /** True: apply refuses what this one deployed, until it changes or `--release-hold` is given. */
  readonly held?: true;
};

/** A version that AWS has, where no record tells more. */
export interface PublishedVersion {
  readonly version: Version;
  /** ISO 8601. */
  readonly publishedAt: string;
  readonly description: string;
}

/** One alias of the file. */
export interface HistoryAlias {
  readonly function: string;
  readonly region?: string;
  /** `null`: a function without aliases. */
  readonly alias: string | null;
  /** How many of its records are older than those shown. */
  readonly omitted: number;
  /** The versions that AWS has, newest first, as far as shown: in place of records, where there are none. `null`: no such function. */
  readonly versions?: readonly PublishedVersion[] | null;
}

/** The result of `history`. */
export interface HistoryDocument {
  readonly formatVersion: typeof FORMAT_VERSION;
  readonly command: 'history';
  /** Newest first, of all aliases. */
  readonly records: readonly HistoryRow[];
  /** In file order. */
  readonly aliases: readonly HistoryAlias[];
}
