import { randomUUID } from 'node:crypto';
import type { Json, JsonObject } from '../model/json.js';
import type { Stores } from './stores.js';
import type { Trailed } from './trail.js';

/** Members of a FunctionConfiguration in the shape in which AWS answers them, without identity and state. */
export type Config = Record<string, Json>;

/** An uploaded archive, or an image. */
export interface Code {
  /** base64(sha256(zip)); of an image its digest in hex (recorded: lambda_image_crud). */
  readonly codeSha256: string;
  /** Empty for an image. */
  readonly zip: Uint8Array;
  readonly image?: {
    /** As it was given. */
    readonly uri: string;
    /** With its digest. */
    readonly resolvedUri: string;
  };
  /** The customer's key that encrypts it. */
  readonly kmsKeyArn?: string;
}

/** What a published version freezes. */
export interface Content {
  readonly config: Config;
  readonly code: Code;
}

/** The state members of a FunctionConfiguration, by AWS's names. */
export type Status = Readonly<Record<string, string>>;

/**
 * At this time (milliseconds since the epoch) the status becomes that one, and the RevisionId, which is drawn when it begins, so
 * that a read changes nothing that a restart would have to know.
 */
export interface Transition {
  readonly at: number;
  readonly status: Status;
  readonly revisionId: string;
}

/** `$LATEST` or a published version. Tests may edit it "as a console user". */
export interface VersionState {
  readonly version: string;
  revisionId: string;
  lastModified: string;
  content: Content;
  status: Status;
  /** A transition that is under way. */
  pending?: Transition;
  /** While `$LATEST` is updated, invocations still run this. */
  serving?: Content;
}

/** An alias. */
export interface AliasState {
  readonly name: string;
  description: string;
  functionVersion: string;
  revisionId: string;
  /** Fractions 0–1 of the additional version; empty: no routing. */
  weights: Readonly<Record<string, number>>;
}

/** Provisioned concurrency of a version or an alias. */
export interface ProvisionedState {
  readonly requested: number;
  /** When it is there, in milliseconds since the epoch. */
  readonly readyAt: number;
  /** In AWS's format. */
  readonly lastModified: string;
}

/** A function with everything that hangs on it. */
export interface FunctionState {
  readonly name: string;
  readonly region: string;
  /** Without a qualifier. */
  readonly arn: string;
  latest: VersionState;
  /** Published versions by number, in the order of publishing. */
  readonly versions: Map<string, VersionState>;
  /** The number of the next version; never goes back. */
  nextVersion: number;
  /** Whether any update came after the last publish. */
  changedSincePublish: boolean;
  readonly aliases: Map<string, AliasState>;
  tags: Record<string, string>;
  reservedConcurrency?: number;
  /** By version or alias. */
  readonly provisioned: Map<string, ProvisionedState>;
  codeSigningConfigArn?: string;
  readonly attached: Attached;
}

/** What hangs on a function or its aliases and is no part of them, as AWS answers it. */
export interface Attached {
  /** By alias; the function's own under the empty name. */
  readonly urls: Map<string, JsonObject>;
  /** Statements by version or alias; the function's own under the empty name. */
  readonly policies: Map<string, readonly JsonObject[]>;
  /** By version or alias. */
  readonly invokeConfigs: Map<string, JsonObject>;
  /** By UUID. */
  readonly eventSources: Map<string, JsonObject>;
}

/** Nothing attached. */
export function nothingAttached(): Attached {
  return { urls: new Map(), policies: new Map(), invokeConfigs: new Map(), eventSources: new Map() };
}

/** Everything the sandbox knows. */
export interface SandboxState {
  /** Twelve digits. */
  readonly account: string;
  /** How long a creation, update or published upload takes to settle, in milliseconds. */
  readonly settleMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Functions by name, by region. */
  readonly regions: Map<string, Map<string, FunctionState>>;
  /** What the services beside Lambda hold. */
  readonly stores: Stores;
  /** What CloudTrail has seen, newest first. */
  readonly trail: Trailed[];
}

export const ACTIVE: Status = { State: 'Active', LastUpdateStatus: 'Successful' };

// AWS gives the same reason for an update as for a creation.
// https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
export const PENDING: Status = {
  State: 'Pending',
  StateReason: 'The function is being created.',
  StateReasonCode: 'Creating',
};

export const IN_PROGRESS: Status = {
  State: 'Active',
  LastUpdateStatus: 'InProgress',
  LastUpdateStatusReason: 'The function is being created.',
  LastUpdateStatusReasonCode: 'Creating',
};

/** The functions of a region, by name. */
export function functionsOf(state: SandboxState, region: string): Map<string, FunctionState> {
  let functions = state.regions.get(region);
  if (functions === undefined) {
    functions = new Map();
    state.regions.set(region, functions);
  }
  return functions;
}

/** A fresh lock token. */
export function newRevision(): string {
  return randomUUID();
}

/** AWS's format for LastModified: milliseconds and `+0000`. */
export function timestamp(state: SandboxState): string {
  return new Date(state.now()).toISOString().replace('Z', '+0000');
}

/** Starts a transition that ends in Active and Successful after the settle time. */
export function begin(state: SandboxState, version: VersionState, status: Status): void {
  version.status = status;
  version.pending = { at: state.now() + state.settleMs, status: ACTIVE, revisionId: newRevision() };
  version.revisionId = newRevision();
  version.lastModified = timestamp(state);
}

/** Ends every transition of the function whose time has come. Settling moves the RevisionId, as in AWS. */
export function settle(state: SandboxState, fn: FunctionState): void {
  for (const version of [fn.latest, ...fn.versions.values()]) {
    if (version.pending === undefined || version.pending.at > state.now()) continue;
    version.status = version.pending.status;
    version.revisionId = version.pending.revisionId;
    delete version.pending;
    // An update that failed changes nothing that runs.
    if (version.status.LastUpdateStatus !== 'Failed') delete version.serving;
  }
}
