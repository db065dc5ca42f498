import type { Content } from '../planner/normalize.js';
import type { DesiredFunction, LiveFunction } from '../model/function.js';
import type { FunctionPlan } from '../model/plan.js';
import type {
  AlarmsPort,
  ArchiveFile,
  Clock,
  CodePayload,
  FunctionRead,
  LambdaPort,
  ObjectStorePort,
  RecordStore,
} from '../model/ports.js';
import type { DeployRecord, Origin } from '../model/record.js';
import type { Emit } from '../model/events.js';

/** Waits until `$LATEST` (no qualifier) or a version has settled. @throws UPDATE_FAILED, WAIT_TIMEOUT, AWS_* */
export type Settle = (
  name: string,
  qualifier: string | undefined,
  onWait: (seconds: number, status: string) => void,
  signal: AbortSignal,
) => Promise<FunctionRead>;

/** Everything outside that a run touches. */
export interface ApplyPorts {
  readonly lambda: LambdaPort;
  readonly records: RecordStore;
  /** Asked only where the plan watches alarms or errors. */
  readonly alarms: AlarmsPort;
  /** S3 in the function's region. */
  readonly objects: Pick<ObjectStorePort, 'head' | 'putFile'>;
  readonly settle: Settle;
  readonly clock: Clock;
  /** 0 ≤ x < 1, for record ids. */
  readonly random: () => number;
  readonly emit: Emit;
  /** Takes known secrets out of a text that somebody else wrote, before a record keeps it. */
  readonly redact: (text: string) => string;
  /** Aborted: no further call is started but those that make the aliases safe and close the record. */
  readonly signal: AbortSignal;
}

/** How the records of this run describe it. */
export interface RecordMeta {
  readonly action: DeployRecord['action'];
  readonly origin: Origin;
  readonly toolVersion: string;
  /** Of the plan file that is carried out, in hex; absent: none. A run that is lost is resumed by it. */
  readonly planDigest?: string;
  /** True: the run has nothing to do with `$LATEST` and says nothing of it, as the end of a rollout. */
  readonly leavesLatest?: true;
  /** How a run that did what it should is recorded; absent: `succeeded`. An abort is a deployment that was taken back. */
  readonly endsAs?: 'rolled_back';
  /** Of a rollback, by alias: the record it goes back to and the one it leaves. */
  readonly links?: Readonly<Record<string, { readonly restores?: string; readonly leaves?: string }>>;
  /** The function as written, for stores that keep it. */
  readonly spec?: DeployRecord['spec'];
  readonly code?: DeployRecord['code'];
  /** What the run leaves that no version keeps. */
  readonly unversioned?: DeployRecord['unversioned'];
}

/** One function's plan with what it was made from. */
export interface ApplyJob {
  readonly plan: FunctionPlan;
  /** What the plan wants; for a rollback made from the target version. */
  readonly desired: Pick<DesiredFunction, 'name' | 'aliases' | 'specDigest'>;
  /** As the plan saw it. */
  readonly live: LiveFunction | undefined;
  /** What `$LATEST` is afterwards, and with it the released version. */
  readonly target: Content;
  /** The code with the plan's CodeSha256, as a request carries it; called only when a step sends code that is not in S3. */
  readonly code: () => Promise<CodePayload>;
  /** The archive that PutObject uploads; called only for that step. Absent: no step can be one. */
  readonly archive?: () => Promise<ArchiveFile>;
  /** Newest first, all aliases of this function that are concerned. */
  readonly known: readonly DeployRecord[];
  readonly meta: RecordMeta;
  /**
   * What a command that is printed to be pasted needs beside function and alias, with a space before it or empty: which file,
   * environment and region this run is about, for this tool; which region, for the aws CLI. Absent: nothing.
   */
  readonly pasted?: { readonly own: string; readonly aws: string };
  /** Whether what another run has under way is taken from it; absent: this run is refused. */
  readonly takesOver?: boolean;
}
