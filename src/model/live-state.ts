import type { LiveAlias, LiveFunction, LiveVersion, Unreadable } from './function.js';
import type { FORMAT_VERSION } from './plan.js';
import type { DeployRecord } from './record.js';

/**
 * `$LATEST` or a version without any value of a variable, link or RevisionId. `variables`: by name a number; the same number under the
 * same name, in this function, is the same value, and says nothing else of it.
 */
export type SnapshotVersion = Omit<LiveVersion, 'revisionId' | 'environment' | 'codeLocation'> & {
  readonly variables: Readonly<Record<string, number>> | Unreadable;
};

/** What one function was when the snapshot was taken. `exists: false`: AWS said that there is none. */
export type SnapshotFunction =
  | {
      readonly name: string;
      readonly region: string;
      /** Absent: the file names none, and nobody asked. */
      readonly account?: string;
      readonly exists: false;
    }
  | {
      readonly name: string;
      readonly region: string;
      readonly account: string;
      readonly exists: true;
      readonly arn: string;
      readonly latest: SnapshotVersion;
      readonly aliases: readonly Omit<LiveAlias, 'revisionId'>[];
      /** Published versions, those that aliases serve among them. */
      readonly versions: readonly SnapshotVersion[];
      /** `null`: the file did not name it, and its value is withheld. */
      readonly tags: Readonly<Record<string, string | null>> | Unreadable;
      readonly codeSigningConfigArn?: LiveFunction['codeSigningConfigArn'];
      readonly reservedConcurrentExecutions?: number;
      /** Of each alias that the file declared, newest first, without specs, operations and messages. */
      readonly records: readonly { readonly alias: string | null; readonly records: readonly DeployRecord[] }[];
    };

/** What a plan needs of AWS, in a file: `status --out` writes it, `plan --live-state` reads it. */
export interface LiveState {
  readonly formatVersion: typeof FORMAT_VERSION;
  readonly kind: 'live-state';
  /** ISO 8601. */
  readonly takenAt: string;
  /** The version of lambda-deploy that took it. */
  readonly toolVersion: string;
  /** Absent: the file has none. */
  readonly environment?: string;
  readonly functions: readonly SnapshotFunction[];
}
