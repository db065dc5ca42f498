import { readVersions } from '../aws/read-live.js';
import { DeployError } from '../errors.js';
import type { DesiredAlias, DesiredFunction, LiveFunction, LiveVersion } from '../model/function.js';
import { MAX_ZIP_BYTES } from '../model/limits.js';
import type { Warning } from '../model/plan.js';
import type { DeployRecord } from '../model/record.js';
import { sameVersionContent } from '../planner/compare.js';
import { findFrozen, frozenWarnings, type Frozen } from '../planner/frozen.js';
import { contentOf } from '../planner/normalize.js';
import { contentAfter, planRollback, type RollbackInput } from '../planner/rollback.js';
import { deploymentId, type RollbackTarget } from '../planner/rollback-target.js';
import type { LoadedSpec } from '../spec/load.js';
import { ABORT } from './abort.js';
import { chooseOrAsk } from './choose-target.js';
import type { Context } from './context.js';
import type { Job } from './execute.js';
import { uploadOf } from './objects.js';
import { readOrigin } from './origin.js';
import { republish } from './republish.js';
import { rolloutJob } from './rollout.js';
import { takesOverWarnings } from './running.js';
import { readState, type Session } from './session.js';
import { codeOfVersion } from './version-code.js';

/** The alias that goes back. */
export interface Wanted {
  readonly one: DesiredFunction;
  readonly alias: DesiredAlias;
  /** Where an archive over the limit of a request may go through. */
  readonly bucket: string | undefined;
  /** Variables that the file gives by a reference to a secret. */
  readonly references: readonly string[];
  /** The file, with this alias alone. */
  readonly checks: LoadedSpec;
}

/** What a rollback is carried out with; `close` deletes what it downloaded. */
export type RollbackJob = Job & { readonly close?: () => Promise<void> };

/**
 * Reads what is live and what is recorded, chooses the target, and plans the way there.
 *
 * @throws NO_ROLLBACK_TARGET, VERSION_NOT_FOUND, ZIP_TOO_LARGE, AWS_*, RECORD_STORE
 */
export async function prepareRollback(context: Context, session: Session, wanted: Wanted): Promise<RollbackJob> {
  const { one, alias, checks } = wanted;
  const [state, origin] = await Promise.all([
    readState(context, session, checks.account, one),
    readOrigin(context.host),
  ]);
  const { live } = state;
  const served = live?.aliases.find(({ name }) => name === alias.name);
  if (live === undefined || served === undefined) {
    const what = live === undefined ? `function ${one.name}` : `alias ${alias.name} of ${one.name}`;
    const fix = 'check name, region and account.';
    throw new DeployError('NO_ROLLBACK_TARGET', `${what} does not exist.`, { subject: one.name, fix });
  }
  const known = state.records.get(alias.name) ?? [];
  // The way back from an open rollout is its abort (semantics 22).
  if (context.options['to'] === undefined && Object.keys(served.weights).length > 0)
    return rolloutJob(context, { session, one, alias, live, known, origin }, ABORT);
  const target = await chooseOrAsk(context, session, live, served, known);
  const way = await planWay(context, session, wanted, live, target);
  const warnings = kept(one, session, target.record);
  const whole = target.record && (await session.records.read(live, target.record));
  return {
    session,
    desired: { name: one.name, aliases: [alias], specDigest: way.planned.plan.specDigest },
    known,
    ...way,
    planned: { ...way.planned, warnings: [...way.planned.warnings, ...warnings, ...takesOverWarnings(context, known)] },
    takesOver: true,
    meta: {
      action: 'rollback',
      origin,
      links: { [alias.name]: linksOf(target) },
      spec: whole?.spec,
      unversioned: target.record?.unversioned,
    },
  };
}

type Way = Pick<RollbackJob, 'planned' | 'live' | 'code' | 'archive' | 'close'>;

/** By the version itself; published again with today's secrets, or because it was deleted. */
async function planWay(
  context: Context,
  session: Session,
  wanted: Wanted,
  live: LiveFunction,
  target: RollbackTarget,
): Promise<Way> {
  const { one, alias, bucket, references } = wanted;
  const old = (await session.lambda.getFunction(one.name, target.version))?.version;
  if (old === undefined) {
    const { code, ...again } = await republish(context, session, wanted, live, target);
    return { ...again, ...code };
  }
  context.output.redactor.learnVersion(old);
  const frozen = findFrozen(one, old, references);
  const isFresh = context.options['freshSecrets'] === true;
  const serving = isFresh ? await withFresh(session, live, old, frozen) : { version: old };
  const { version } = serving;
  const planned = planRollback({
    name: one.name,
    alias,
    live,
    ...serving,
    target,
    recordsInTags: session.records.kind === 'tags',
    ...(await throughS3(session, bucket, version)),
  });
  const warnings = frozenWarnings({ name: one.name, version: old.version }, frozen, isFresh);
  return {
    planned: { ...planned, warnings: [...planned.warnings, ...warnings] },
    // The run compares the version that it goes back to with what was seen here.
    live: { ...live, versions: [...live.versions.filter((other) => other.version !== version.version), version] },
    ...codeOfVersion(session.lambda, one.name, version.version),
  };
}

/** The version with today's secrets: one that is there already, or what has to be published. @throws SECRET_UNKNOWN */
async function withFresh(
  { lambda }: Session,
  live: LiveFunction,
  version: LiveVersion,
  { changed, unknown }: Frozen,
): Promise<Pick<RollbackInput, 'version' | 'fresh' | 'above'>> {
  const { name } = live;
  const [doubtful] = Object.entries(unknown);
  if (doubtful !== undefined) {
    const detail = `${doubtful[0]} of version ${version.version} of ${name}: ${doubtful[1]} Nothing was changed.`;
    throw new DeployError('SECRET_UNKNOWN', detail, {
      subject: name,
      fix: 'allow this identity to read it, or roll back without --fresh-secrets.',
    });
  }
  if (Object.keys(changed).length === 0) return { version };
  const wanted = contentAfter({ name, live, version, fresh: changed });
  const isSame = (one: LiveVersion): boolean => sameVersionContent(contentOf(one, name), wanted);
  const same = await readVersions(lambda, name, isSame, live.versions);
  const there = same.findLast(({ state }) => state !== 'Failed');
  if (there !== undefined) return { version: there };
  const failed = same.at(-1);
  return { version, fresh: changed, ...(failed === undefined ? {} : { above: failed.version }) };
}

async function throughS3(
  { objects }: Session,
  bucket: string | undefined,
  { packageType, codeSize, codeSha256 }: LiveVersion,
): Promise<Pick<RollbackInput, 'object'>> {
  if (bucket === undefined || packageType === 'Image' || codeSize <= MAX_ZIP_BYTES) return {};
  return { object: await uploadOf(objects, bucket, codeSha256) };
}

/** What no version keeps, and this store neither: it stays as it is. */
function kept({ name, tags }: DesiredFunction, { records }: Session, record: DeployRecord | undefined): Warning[] {
  if (Object.keys(tags).length === 0 || record?.unversioned !== undefined) return [];
  const why = records.kind === 'tags' ? 'records in the function’s own tags do not keep them' : 'no record has them';
  const message = `the tags that the file manages stay as they are on ${name}: ${why}.`;
  return [{ code: 'TAGS_NOT_RESTORED', function: name, message }];
}

/** What the record of this rollback says of the others, by their deployments' ids. */
function linksOf({ record, leaves }: RollbackTarget): { restores?: string; leaves?: string } {
  return {
    ...(record === undefined ? {} : { restores: deploymentId(record) }),
    ...(leaves === undefined ? {} : { leaves: deploymentId(leaves) }),
  };
}
