import { exitCodeOf } from '../apply/apply.js';
import { DeployError, isDeployError, type ExitCode } from '../errors.js';
import type { Desired, DesiredAlias, DesiredFunction } from '../model/function.js';
import { MAX_ZIP_BYTES } from '../model/limits.js';
import { planRollback } from '../planner/rollback.js';
import { chooseTarget, deploymentId, type RollbackTarget } from '../planner/rollback-target.js';
import { renderPlan } from '../render/plan.js';
import { renderResult } from '../render/result.js';
import { toDesired } from '../spec/load.js';
import { ABORT } from './abort.js';
import { confirm, requireConfirmable } from './confirm.js';
import { checksOf, chooseOne } from './choose-alias.js';
import type { Context } from './context.js';
import { assemblePlan } from './digest.js';
import { execute, type Job } from './execute.js';
import { uploadOf } from './objects.js';
import { readOrigin } from './origin.js';
import { rolloutJob } from './rollout.js';
import { requireSecrets, withSecrets } from './secrets.js';
import { openSessions, readState, type Session } from './session.js';
import { loadSelected } from './spec.js';
import { codeOfVersion } from './version-code.js';

/**
 * Goes back to the deployment before the one that is live: plans, asks, applies. Needs no archive: the code comes from the version.
 *
 * @throws USAGE when it is not clear which alias; SECRET_UNKNOWN, NO_ROLLBACK_TARGET, VERSION_NOT_FOUND before anything is touched
 */
export async function rollback(context: Context): Promise<ExitCode> {
  requireConfirmable(context);
  const spec = await loadSelected(context);
  const checks = await withSecrets(context, checksOf(spec, chooseOne(spec, 'A rollback')));
  const desired = toDesired(checks, new Map());
  const { one, alias } = chooseOne(desired, 'A rollback');
  const session = await openSessions(context, desired)(one);
  const bucket = spec.functions.find(({ key }) => key === one.key)?.codeSource?.uploadBucket;
  const job = await prepare(context, session, desired, { one, alias, bucket });
  const document = assemblePlan('rollback', [job.planned.plan], job.planned.warnings);
  if (context.options['planOnly'] === true) {
    context.output.result(document, renderPlan(document));
    return 0;
  }
  if (document.changes) {
    context.output.preface([...renderPlan(document), []]);
    if (job.planned.plan.operations.some(({ type }) => type === 'Invoke')) requireSecrets(checks);
    await confirm(context, 'Roll back like this?');
  }
  const result = await execute(context, 'rollback', [job]).finally(() => job.close?.());
  context.output.result(result, renderResult(result));
  return exitCodeOf(result);
}

async function prepare(
  context: Context,
  session: Session,
  { account }: Desired,
  { one, alias, bucket }: { one: DesiredFunction; alias: DesiredAlias; bucket: string | undefined },
): Promise<Job & { readonly close?: () => Promise<void> }> {
  const [state, origin] = await Promise.all([readState(context, session, account, one), readOrigin(context.host)]);
  const { live } = state;
  const served = live?.aliases.find(({ name }) => name === alias.name);
  if (live === undefined || served === undefined) {
    throw new DeployError(
      'NO_ROLLBACK_TARGET',
      `${live === undefined ? `function ${one.name}` : `alias ${alias.name} of ${one.name}`} does not exist.`,
      { subject: one.name, fix: 'check name, region and account.' },
    );
  }
  const known = state.records.get(alias.name) ?? [];
  const to = context.options['to'];
  // The way back from an open rollout is its abort (semantics 22).
  if (to === undefined && Object.keys(served.weights).length > 0)
    return rolloutJob(context, { session, one, alias, live, known, origin }, ABORT);
  const target = await choose(session, one.name, () =>
    chooseTarget(one.name, served, known, typeof to === 'string' ? to : undefined),
  );
  const version = (await session.lambda.getFunction(one.name, target.version))?.version;
  if (version === undefined) {
    throw new DeployError(
      'VERSION_NOT_FOUND',
      `version ${target.version} of ${one.name} no longer exists. Nothing was changed.`,
      { subject: one.name, fix: 'choose another one with --to VERSION.' },
    );
  }
  context.output.redactor.learnVersion(version);
  const recordsInTags = session.records.kind === 'tags';
  const object =
    bucket === undefined || version.packageType === 'Image' || version.codeSize <= MAX_ZIP_BYTES
      ? {}
      : { object: await uploadOf(session.objects, bucket, version.codeSha256) };
  const planned = planRollback({ name: one.name, alias, live, version, target, recordsInTags, ...object });
  return {
    session,
    planned,
    desired: { name: one.name, aliases: [alias], specDigest: planned.plan.specDigest },
    // The run compares the version that it goes back to with what was seen here.
    live: { ...live, versions: [...live.versions.filter((one) => one.version !== version.version), version] },
    known,
    ...codeOfVersion(session.lambda, one.name, target.version),
    meta: { action: 'rollback', origin, links: { [alias.name]: linksOf(target) } },
  };
}

const SHOWN_VERSIONS = 8;

/** Where the records do not tell, the versions that AWS has are what a person can choose from. */
async function choose({ lambda }: Session, name: string, decide: () => RollbackTarget): Promise<RollbackTarget> {
  try {
    return decide();
  } catch (error) {
    if (!isDeployError(error, 'NO_ROLLBACK_TARGET')) throw error;
    const versions = (await lambda.listVersions(name)).slice(-SHOWN_VERSIONS).reverse();
    const shown = versions.map(({ version, description }) =>
      description === '' ? version : `${version} (${description})`,
    );
    throw new DeployError(error.code, error.detail, {
      subject: name,
      fix:
        shown.length === 0
          ? 'no version is published.'
          : `say where to go with --to VERSION; AWS has ${shown.join(', ')}.`,
    });
  }
}

function linksOf({ record, leaves }: RollbackTarget): { restores?: string; leaves?: string } {
  return {
    ...(record === undefined ? {} : { restores: deploymentId(record) }),
    ...(leaves === undefined ? {} : { leaves: deploymentId(leaves) }),
  };
}
