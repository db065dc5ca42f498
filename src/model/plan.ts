import type { Json } from './json.js';
import type { CodeRef, ErrorRate, HealthCheck, ObjectPin, Settings, Version } from './function.js';

/** The version of every JSON document this tool prints. Keys may be added to a version, never changed. */
export const FORMAT_VERSION = '1';

/** A path that differs. */
export interface Difference {
  /** `memorySize`, `environment.LOG_LEVEL`, `code`, `tags.team`, `aliases.live.version`, `lastUpdateStatus`. */
  readonly path: string;
  /** Where it differs: `$LATEST`, `alias live` or `function`. */
  readonly on: string;
  /** `null` where there is nothing. For a variable `(set)`, and `(changed)` after: never its value. */
  readonly before: Json;
  readonly after: Json;
  /** Why this is a difference, in a few words. */
  readonly reason: string;
  /** True: the values are withheld. */
  readonly sensitive?: true;
  /** True: AWS moved since the last record, the file did not. */
  readonly drift?: true;
}

/** A version that a step points an alias at: an existing number, or what an earlier step of this plan publishes. */
export type VersionRef =
  | { readonly number: Version }
  /** `preserve`: the untouched `$LATEST`; `release`: the one that carries the spec. */
  | { readonly published: 'preserve' | 'release' };

/** Which variables a configuration step sends, by name; the values stay out of every plan. */
export interface VariableChange {
  /** From the file: added or changed. */
  readonly set: readonly string[];
  /** From the file, as they are. */
  readonly same: readonly string[];
  /** Merged from the live function because the file leaves them to others. */
  readonly keep: readonly string[];
  readonly remove: readonly string[];
}

interface Step {
  /** Why this call is needed, in one line. */
  readonly reason: string;
}

/** Uploads an archive that is too large for a request. Its key has its digest: the same archive is the same object. */
export interface PutObjectStep extends Step {
  readonly type: 'PutObject';
  readonly bucket: string;
  readonly key: string;
  readonly codeSha256: string;
  readonly zipBytes: number;
}

/** How a step sends code. */
interface SendsCode {
  readonly codeSha256: string;
  /** Where Lambda takes the archive from; absent: it travels in the request, or the code is an image. */
  readonly from?: ObjectPin;
  /** Absent: AWS's own key. */
  readonly sourceKmsKeyArn?: string;
}

export interface CreateFunctionStep extends Step, SendsCode {
  readonly type: 'CreateFunction';
  /** Normalised settings, in the file's spelling, `architectures` included. */
  readonly settings: Settings;
  readonly environment?: VariableChange;
  readonly tags: Readonly<Record<string, string>>;
  /** Absent: none. */
  readonly codeSigningConfigArn?: string;
}

export interface PutFunctionCodeSigningConfigStep extends Step {
  readonly type: 'PutFunctionCodeSigningConfig';
  readonly codeSigningConfigArn: string;
  /** What the function must have for the step to run; `null`: none. */
  readonly from: string | null;
}

export interface DeleteFunctionCodeSigningConfigStep extends Step {
  readonly type: 'DeleteFunctionCodeSigningConfig';
  readonly from: string;
}

export interface UpdateFunctionConfigurationStep extends Step {
  readonly type: 'UpdateFunctionConfiguration';
  /** Exactly the members to send, whole: structs are live merged with desired. */
  readonly settings: Settings;
  /** Absent: the variables are not sent. */
  readonly environment?: VariableChange;
}

export interface UpdateFunctionCodeStep extends Step, SendsCode {
  readonly type: 'UpdateFunctionCode';
  /** Absent: not sent. */
  readonly architectures?: readonly string[];
}

export interface PublishVersionStep extends Step {
  readonly type: 'PublishVersion';
  readonly purpose: 'preserve' | 'release';
  readonly description: string;
  readonly codeSha256: string;
  /** The new number must be higher than this; set when a Failed version has the same content. */
  readonly above?: Version;
}

export interface InvokeStep extends Step {
  readonly type: 'Invoke';
  /** The version by number before traffic, the alias after it. */
  readonly target: VersionRef | { readonly alias: string };
  /** The alias whose check it is, and the check's place in that alias's list. References stand in the payload as written. */
  readonly check: { readonly alias: string; readonly index: number } & Omit<
    HealthCheck,
    'payloadSecrets' | 'payloadUnknown'
  >;
  /** After the last check of an alias: what is watched before the deployment counts as good. Absent: nothing. */
  readonly watch?: Watch;
}

export interface CreateAliasStep extends Step {
  readonly type: 'CreateAlias';
  readonly alias: string;
  readonly version: VersionRef;
  readonly description?: string;
}

export interface UpdateAliasStep extends Step {
  readonly type: 'UpdateAlias';
  readonly alias: string;
  /** What the alias must have for the step to run. */
  readonly from: Place;
  /** The primary version afterwards. */
  readonly version: VersionRef;
  /** The version beside it and its share; absent: the primary has all, and leftover weights are cleared. */
  readonly additional?: Share;
  /** Absent: not sent. */
  readonly description?: string;
  /**
   * Set when the step is no part of the shift that a failure takes back: `preserve` only changes the name, from `$LATEST` to a
   * version with the same content; `abort` ends a rollout that somebody left open.
   */
  readonly settles?: 'preserve' | 'abort';
  /** What is watched, and for how long, before the next step. Absent: nothing. */
  readonly watch?: Watch;
}

/** Where an alias points. AWS allows one additional version at most. */
export interface Place {
  readonly version: VersionRef;
  readonly additional?: Share;
}

/** A part of an alias's traffic. */
export interface Share {
  readonly version: VersionRef;
  /** A fraction, 0 < weight < 1. */
  readonly weight: number;
}

/** The gate between two shares, or the bake after the last. Any alarm in ALARM, or too many errors, ends the rollout. */
export interface Watch {
  readonly seconds: number;
  readonly alarms: readonly string[];
  readonly errorRate?: ErrorRate;
}

export interface TagResourceStep extends Step {
  readonly type: 'TagResource';
  readonly tags: Readonly<Record<string, string>>;
}

export interface UntagResourceStep extends Step {
  readonly type: 'UntagResource';
  readonly keys: readonly string[];
}

/** Writes the deployment record of this run into the function's tags: one call to open it, one to close it. */
export interface RecordStep extends Step {
  readonly type: 'TagResource';
  readonly record: 'open' | 'close';
}

/** One call of AWS. `type` is AWS's name of the operation. Waits belong to the call before them. */
export type Operation =
  | PutObjectStep
  | CreateFunctionStep
  | PutFunctionCodeSigningConfigStep
  | DeleteFunctionCodeSigningConfigStep
  | UpdateFunctionConfigurationStep
  | UpdateFunctionCodeStep
  | PublishVersionStep
  | InvokeStep
  | CreateAliasStep
  | UpdateAliasStep
  | TagResourceStep
  | UntagResourceStep
  | RecordStep;

/** Something a reviewer should know that is not an error. */
export interface Warning {
  readonly code: string;
  readonly message: string;
  /** The function it is about. */
  readonly function?: string;
}

/** An alias that a rollback took back from what this plan would give it again. */
export interface Hold {
  readonly alias: string;
  /** Where the rollback left it. */
  readonly version: Version;
  /** What was taken back; `null`: a run that died before it was recorded. */
  readonly takenBack: Version | null;
  /** The rollback's record; absent with `since` where the store no longer has it. */
  readonly record?: string;
  /** ISO 8601. */
  readonly since?: string;
  /** Who rolled back, or in which build; absent: not known. */
  readonly by?: string;
}

/** What will happen to one function, and why. Plain JSON: no values of variables, no archives, no RevisionIds. */
export interface FunctionPlan {
  readonly name: string;
  /** Where the function has a region of its own. */
  readonly region?: string;
  readonly action: 'none' | 'create' | 'update';
  readonly differences: readonly Difference[];
  /** Fields nobody manages that a new version would ship all the same. */
  readonly alsoGoesLive: readonly Difference[];
  /** In the order they are called. Empty when `action` is `none`, or when only a record outside AWS is left open. */
  readonly operations: readonly Operation[];
  /** What callers notice, a sentence each. */
  readonly effects: readonly string[];
  /** Aliases that the file does not name: left alone. */
  readonly unmanagedAliases: readonly string[];
  /** See DesiredFunction. */
  readonly specDigest: string;
  /** Aliases that are held against this plan, so that apply refuses it; absent: none. */
  readonly holds?: readonly Hold[];
  /** True: `--release-hold` was given, so that `holds` do not count. Absent where there is none. */
  readonly releasesHold?: true;
}

/** What apply would do. A value: equal inputs make equal bytes. */
export interface Plan {
  readonly formatVersion: typeof FORMAT_VERSION;
  readonly command: 'plan' | 'rollback' | 'promote' | 'abort';
  /** Whether any operation is in it. */
  readonly changes: boolean;
  readonly summary: { readonly create: number; readonly update: number; readonly unchanged: number };
  readonly functions: readonly FunctionPlan[];
  readonly warnings: readonly Warning[];
}

/** A plan as printed: with the digest that stands for its content, `sha256:` and 64 hex digits. */
export interface PlanDocument extends Plan {
  /** `snapshot:sha256:…` where AWS was not asked: no apply takes it. */
  readonly digest: string;
  /** The snapshot that it was planned from. Absent: AWS itself. */
  readonly liveState?: { readonly takenAt: string; readonly toolVersion: string };
}

/** Everything that a plan was made from beside AWS, so that it can be applied elsewhere: no secret is in it. */
export interface PlanInputs {
  /** The file's path, relative to where the plan was made. */
  readonly file: string;
  /** Its text, as it was. */
  readonly text: string;
  /** The texts of the files that health checks name as their events, by that name. Absent: there are none. */
  readonly payloads?: Readonly<Record<string, string>>;
  /** The variables that it asks for and that are no secrets; `null`: not set. */
  readonly variables: Readonly<Record<string, string | null>>;
  readonly environment?: string;
  readonly region?: string;
  /** True: `--region` chose it. */
  readonly regionChosen?: true;
  /** The region that the environment named for functions that neither the file nor `--region` names one for. */
  readonly environmentsRegion?: string;
  /** Globs over functions, and names of aliases, that were chosen; empty: all. */
  readonly functions: readonly string[];
  readonly aliases: readonly string[];
  /** The code by the file's key. An archive that is in the plan file has its digest there. */
  readonly codes: Readonly<Record<string, CodeRef>>;
  /** Variables whose values were not known, by function: apply reads them. */
  readonly unknown: Readonly<Record<string, readonly string[]>>;
}

/** A plan that can be applied later: as printed, with its inputs. `digest` stands for both. */
export interface PlanFile extends PlanDocument {
  readonly inputs: PlanInputs;
  /** The version of lambda-deploy that made it. */
  readonly toolVersion: string;
}
