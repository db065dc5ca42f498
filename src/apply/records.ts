import { createHash } from 'node:crypto';
import { isUnreadable, LATEST, type Version } from '../model/function.js';
import { canonicalJson, type JsonObject } from '../model/json.js';
import { newRecordId } from '../model/record-id.js';
import { FORMAT_VERSION } from '../model/plan.js';
import type { DeployRecord, RecordResult } from '../model/record.js';
import type { OperationResult } from '../model/result.js';
import { versionOf } from '../planner/aliases.js';
import type { Content } from '../planner/normalize.js';
import type { ApplyJob, ApplyPorts } from './job.js';
import type { Steps } from './steps.js';
import { deadSeconds } from './time-limit.js';

/**
 * The records of one run: one an alias, or one for `$LATEST` when the function has none. Opened before the first change.
 *
 * @param uploadBytes what the run uploads to S3
 */
export function openRecords(
  { desired, live, meta, plan }: ApplyJob,
  ports: ApplyPorts,
  uploadBytes: number,
): DeployRecord[] {
  const now = ports.clock.now();
  const id = newRecordId(now, ports.random);
  const deadline = new Date(now + deadSeconds(plan, uploadBytes) * 1000).toISOString();
  const aliases = desired.aliases.length === 0 ? [null] : desired.aliases.map(({ name }) => name);
  return aliases.map((alias) => {
    const served = live?.aliases.find(({ name }) => name === alias)?.version ?? null;
    return {
      formatVersion: FORMAT_VERSION,
      id,
      action: meta.action,
      function: desired.name,
      alias,
      result: 'open',
      version: served,
      previousVersion: served,
      codeSha256:
        live === undefined ? null : ((served === null ? live.latest : versionOf(live, served))?.codeSha256 ?? null),
      startedAt: new Date(now).toISOString(),
      finishedAt: null,
      deadline,
      ...meta.origin,
      specDigest: plan.specDigest,
      ...(alias === null ? {} : (meta.links?.[alias] ?? {})),
      ...(meta.code === undefined ? {} : { code: meta.code }),
      ...(meta.planDigest === undefined ? {} : { planDigest: meta.planDigest }),
      ...(meta.spec === undefined ? {} : { spec: meta.spec }),
      ...(meta.unversioned === undefined ? {} : { unversioned: meta.unversioned }),
      toolVersion: meta.toolVersion,
    };
  });
}

/** How the run ended, for {@link closeRecords}. */
export interface Outcome {
  readonly result: Exclude<RecordResult, 'open' | 'pending'>;
  /** Whether an alias was left at a share on purpose. */
  readonly isPending: (alias: string) => boolean;
  readonly error?: { readonly code: string; readonly message: string };
  readonly operations: readonly OperationResult[];
}

/** The records as they are closed: what each alias serves now, and what was tried. */
export function closeRecords(
  open: readonly DeployRecord[],
  job: ApplyJob,
  steps: Steps,
  outcome: Outcome,
  ports: ApplyPorts,
): DeployRecord[] {
  const content = steps.latestContent();
  const left = content !== undefined && knowsLatest(job, steps, outcome) ? { latestDigest: latestDigest(content) } : {};
  return open.map(({ deadline: _, job: __, ...record }) => {
    const version = record.alias === null ? null : steps.aliases.versionOf(record.alias);
    const isPending = record.alias !== null && outcome.isPending(record.alias);
    const [share] = isPending ? Object.keys(steps.aliases.weightsOf(record.alias ?? '')) : [];
    const tried = share ?? steps.versions.released() ?? abortedVersion(job);
    const result = isPending ? 'pending' : outcome.result;
    return {
      ...record,
      result,
      version,
      codeSha256: version === null ? (content?.codeSha256 ?? null) : codeOf(version, job, steps),
      finishedAt: new Date(ports.clock.now()).toISOString(),
      ...(result === 'succeeded' || tried === null ? {} : { triedVersion: tried }),
      ...left,
      operations: outcome.operations.map(({ type, status, durationMs }) => ({ type, status, durationMs })),
      ...(outcome.error === undefined ? {} : { error: outcome.error }),
    };
  });
}

const WRITES_LATEST = ['CreateFunction', 'UpdateFunctionConfiguration', 'UpdateFunctionCode'] as const;

/** Whether the run may say what is in `$LATEST`: it wrote it, or found it as it planned and came to its end. */
function knowsLatest({ meta }: ApplyJob, { landed }: Steps, { result }: Outcome): boolean {
  return WRITES_LATEST.some((call) => landed.has(call)) || (result === 'succeeded' && meta.leavesLatest !== true);
}

/** What an abort took the traffic from; `null` for any other run. */
function abortedVersion({ plan, meta }: ApplyJob): Version | null {
  if (meta.endsAs === undefined) return null;
  const [share] = plan.operations.flatMap((step) => (step.type === 'UpdateAlias' ? (step.from.additional ?? []) : []));
  return share !== undefined && 'number' in share.version ? share.version.number : null;
}

/** The code of the version that an alias serves; `null` where this run never read it. */
function codeOf(version: Version, { live, target }: ApplyJob, steps: Steps): string | null {
  if (version === steps.versions.released()) return target.codeSha256;
  if (version === LATEST) return steps.latestContent()?.codeSha256 ?? null;
  // What stood in for $LATEST has the code that $LATEST had.
  if (steps.versions.publishedVersions().includes(version)) return live?.latest.codeSha256 ?? null;
  return live === undefined ? null : (versionOf(live, version)?.codeSha256 ?? null);
}

/** sha256 in hex over `$LATEST` without the values of its variables. */
export function latestDigest(content: Content): string {
  const names = isUnreadable(content.environment) ? null : Object.keys(content.environment).sort();
  const text = canonicalJson([content.settings as JsonObject, names, content.codeSha256]);
  return createHash('sha256').update(text).digest('hex');
}
