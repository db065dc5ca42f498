import { createHash } from 'node:crypto';
import { isUnreadable } from '../model/function.js';
import { FORMAT_VERSION } from '../model/plan.js';
import type { DeployRecord, RecordResult } from '../model/record.js';
import type { OperationResult } from '../model/result.js';
import type { Content } from '../planner/normalize.js';
import type { ApplyJob, ApplyPorts } from './job.js';
import type { Steps } from './steps.js';

const ID_TIME_DIGITS = 9;
const ID_RANDOM_DIGITS = 3;

/** The records of one run: one an alias, or one for `$LATEST` when the function has none. Opened before the first change. */
export function openRecords({ desired, live, meta, plan }: ApplyJob, ports: ApplyPorts): DeployRecord[] {
  const now = ports.clock.now();
  const random = Math.floor(ports.random() * 36 ** ID_RANDOM_DIGITS).toString(36);
  const id = now.toString(36).padStart(ID_TIME_DIGITS, '0') + random.padStart(ID_RANDOM_DIGITS, '0');
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
      codeSha256: live?.latest.codeSha256 ?? null,
      startedAt: new Date(now).toISOString(),
      finishedAt: null,
      ...meta.origin,
      specDigest: plan.specDigest,
      ...(alias === null ? {} : (meta.links?.[alias] ?? {})),
      ...(meta.spec === undefined ? {} : { spec: meta.spec }),
      toolVersion: meta.toolVersion,
    };
  });
}

/** How the run ended, for {@link closeRecords}. */
export interface Outcome {
  readonly result: Exclude<RecordResult, 'open'>;
  readonly error?: { readonly code: string; readonly message: string };
  readonly operations: readonly OperationResult[];
}

/** The records as they are closed: what each alias serves now, and what was tried. */
export function closeRecords(
  open: readonly DeployRecord[],
  steps: Steps,
  outcome: Outcome,
  ports: ApplyPorts,
): DeployRecord[] {
  const content = steps.latestContent();
  return open.map((record) => {
    const version = record.alias === null ? null : steps.aliases.versionOf(record.alias);
    const tried = steps.versions.released();
    return {
      ...record,
      result: outcome.result,
      version,
      codeSha256: content?.codeSha256 ?? record.codeSha256,
      finishedAt: new Date(ports.clock.now()).toISOString(),
      ...(outcome.result === 'succeeded' || tried === null ? {} : { triedVersion: tried }),
      ...(content === undefined ? {} : { latestDigest: latestDigest(content) }),
      operations: outcome.operations.map(({ type, status, durationMs }) => ({ type, status, durationMs })),
      ...(outcome.error === undefined ? {} : { error: outcome.error }),
    };
  });
}

/** sha256 in hex over `$LATEST` without the values of its variables. */
export function latestDigest(content: Content): string {
  const names = isUnreadable(content.environment) ? null : Object.keys(content.environment).sort();
  const settings = Object.entries(content.settings).sort(([left], [right]) => (left < right ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([settings, names, content.codeSha256]))
    .digest('hex');
}
