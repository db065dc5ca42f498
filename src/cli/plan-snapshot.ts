import { DeployError } from '../errors.js';
import type { DesiredFunction, LiveFunction } from '../model/function.js';
import { isUnreadable } from '../model/function.js';
import type { LiveState, SnapshotFunction } from '../model/live-state.js';
import type { FunctionPlan, PlanDocument, Warning } from '../model/plan.js';
import { planDeploy } from '../planner/deploy.js';
import { lasted } from '../render/text.js';
import { toDesired, type LoadedSpec } from '../spec/load.js';
import { findDoubts, withDoubts } from './ancestry.js';
import { scopeOf } from './build-scope.js';
import { readCodes } from './code.js';
import type { Context } from './context.js';
import { regionOf } from './host.js';
import { assemblePlan } from './digest.js';
import { readOrigin } from './origin.js';
import { liveOf, readSnapshot, TAKE_AGAIN, unusable } from './read-snapshot.js';
import { withSpecs } from './recorded.js';
import { withoutSecrets } from './secrets.js';
import type { FunctionState } from './session.js';
import { loadSelected } from './spec.js';
import { withUnknownCode } from './without-archives.js';

const NO_VALUES = 'a snapshot holds no values.';
const NOT_ASKED = 'a plan from a snapshot asks AWS nothing.';

/**
 * The plan from a snapshot in place of AWS: no call of the network, no credentials, no value of a secret. What cannot be compared is
 * unknown until apply. Nothing can apply it.
 *
 * @throws USAGE with options of a plan that is applied; LIVE_STATE, WRONG_ACCOUNT for a snapshot that does not fit; as any plan
 */
export async function planSnapshot(
  context: Context,
  path: string,
): Promise<{ readonly spec: LoadedSpec; readonly document: PlanDocument }> {
  refuseOptions(context);
  context.output.group('Reading the file and the snapshot');
  const spec = withoutSecrets(context, await loadSelected(context, { keepUnset: true }), NOT_ASKED);
  context.build?.concerns(scopeOf(context, spec));
  const snapshot = await readSnapshot(context, path);
  refuseEnvironment(path, snapshot, spec);
  const entries = new Map(
    spec.functions.map(({ key, name, region }) => [key, entryOf(context, path, snapshot, spec, { name, region })]),
  );
  const codes = await readCodes(spec, undefined, true);
  await codes.close();
  const desired = toDesired(spec, codes.refs);
  const jobs = desired.functions.map((one) => {
    const entry = entries.get(one.key);
    if (entry === undefined) throw new Error('every function was looked up');
    return planOne(path, entry, withUnknownCode(spec, one), desired.metadata.store === 'tags');
  });
  await context.build?.handOverSecrets();
  const warnings = [about(context, path, snapshot), ...codes.warnings, ...jobs.flatMap((job) => job.warnings)];
  const plans = jobs.map(({ plan }) => plan);
  const { takenAt, toolVersion } = snapshot;
  const plan = assemblePlan('plan', plans, warnings);
  const document: PlanDocument = { ...plan, digest: `snapshot:${plan.digest}`, liveState: { takenAt, toolVersion } };
  const { commit } = await readOrigin(context.host);
  const doubts = await findDoubts(context, jobs, commit);
  return { spec, document: withDoubts(context, document, doubts, spec.requireAncestry) };
}

function refuseOptions({ options }: Context): void {
  const other = options['out'] !== undefined ? '--out' : options['uploadSteps'] === true ? '--upload-steps' : undefined;
  if (other === undefined) return;
  throw new DeployError(
    'USAGE',
    `${other} does not go with --live-state: a plan from a snapshot can never be applied.`,
    {
      fix: `leave ${other} out, or plan from AWS itself.`,
    },
  );
}

function refuseEnvironment(path: string, { environment: was }: LiveState, { environment: is }: LoadedSpec): void {
  if (was === is) return;
  const said = (name: string | undefined): string =>
    name === undefined ? 'no environment' : `the environment ${name}`;
  throw unusable(path, `is of ${said(was)}, and this plan is for ${said(is)}`);
}

/** @throws LIVE_STATE, WRONG_ACCOUNT */
function entryOf(
  { host }: Context,
  path: string,
  { functions }: LiveState,
  spec: LoadedSpec,
  { name, region: own }: { readonly name: string; readonly region: string | undefined },
): SnapshotFunction {
  const named = functions.filter((one) => one.name === name);
  if (named.length === 0)
    throw unusable(path, `does not have the function ${name}, so that nothing says whether it exists`);
  const region = own ?? spec.region ?? regionOf(host);
  const found = named.filter((one) => region === undefined || one.region === region);
  const [entry] = found;
  if (entry === undefined || found.length > 1) {
    const where = named.map((one) => one.region).join(' and ');
    throw unusable(path, `has ${name} in ${where}, and this plan is for ${region ?? 'no region by name'}`);
  }
  const { account } = entry;
  if (spec.account === undefined || account === spec.account || (account === undefined && !entry.exists)) return entry;
  throw new DeployError(
    'WRONG_ACCOUNT',
    `the snapshot ${path} is of account ${account ?? '(unknown)'}, the file is for ${spec.account}.`,
    { subject: name, fix: TAKE_AGAIN },
  );
}

type PlannedShot = ReturnType<typeof planDeploy> & Pick<FunctionState, 'records'>;

function planOne(path: string, entry: SnapshotFunction, wanted: DesiredFunction, recordsInTags: boolean): PlannedShot {
  const live = liveOf(entry);
  const { desired, warnings } = comparable(entry, live, wanted);
  if (live === undefined && desired.code === undefined && desired.unknownPaths?.includes('code') === true)
    throw unusable(
      path,
      `says that ${desired.name} does not exist, and to show how it is created its code in S3 or a registry would have to be asked for`,
    );
  const lists = entry.exists ? entry.records : [];
  const aliases = desired.aliases.length === 0 ? [null] : desired.aliases.map(({ name }) => name);
  const records = new Map(aliases.map((name) => [name, lists.find(({ alias }) => alias === name)?.records ?? []]));
  const unread = entry.exists ? aliases.filter((name) => lists.every(({ alias }) => alias !== name)) : [];
  const all = [...withSpecs(desired, { live, records }).values()].flat();
  const planned = planDeploy({ desired, live, records: all, recordsInTags });
  const strangers = unread.map((name): Warning => ({
    code: 'LIVE_STATE',
    function: desired.name,
    message: `the snapshot has no records of ${name === null ? '$LATEST' : `alias ${name}`} of ${desired.name}: the file did not declare it then.`,
  }));
  const unasked = sharesUnasked(live, planned.plan);
  return { ...planned, records, warnings: [...planned.warnings, ...warnings, ...unasked, ...strangers] };
}

/** Shares are planned as if nothing stood in their way; whether something does was asked for aliases that had a rollout then. */
function sharesUnasked(live: LiveFunction | undefined, { name, operations }: FunctionPlan): readonly Warning[] {
  const shared = operations.flatMap((one) =>
    one.type === 'UpdateAlias' && one.additional !== undefined ? [one.alias] : [],
  );
  const unasked = (live?.aliases ?? []).filter(
    (alias) => shared.includes(alias.name) && alias.hasProvisionedConcurrency === undefined,
  );
  return unasked.map((alias) => ({
    code: 'UNKNOWN_UNTIL_APPLY',
    function: name,
    message: `whether alias ${alias.name} of ${name} has provisioned concurrency is unknown until apply, for the file had no rollout of it when the snapshot was taken: with it, all traffic moves in one step and not by these shares.`,
  }));
}

/** The function with everything left out that a snapshot cannot be compared with, and a word on each. */
function comparable(
  entry: SnapshotFunction,
  live: LiveFunction | undefined,
  wanted: DesiredFunction,
): { readonly desired: DesiredFunction; readonly warnings: readonly Warning[] } {
  const unset = (wanted.unknownPaths ?? []).map(
    (path) => [path, path === 'code' ? NOT_ASKED : 'its variable is not set.'] as const,
  );
  const { desired: tagged, withheld } = withoutWithheldTags(entry, wanted);
  const { codeSigningConfigArn: signing, ...unsigned } = tagged;
  // It is read only where the file names it: then it did not.
  const isSigningUnknown = live !== undefined && signing !== undefined && live.codeSigningConfigArn === undefined;
  const one: DesiredFunction = isSigningUnknown ? unsigned : tagged;
  const isCodeUnknown = one.unknownPaths?.includes('code') === true && one.settings.architectures !== undefined;
  const { architectures: _, ...settings } = one.settings;
  const desired: DesiredFunction = {
    ...one,
    // They travel with the code.
    ...(isCodeUnknown ? { settings, unknownPaths: [...(one.unknownPaths ?? []), 'architectures'] } : {}),
    ...variablesOf(live, one),
  };
  const unknown = [
    ...unset,
    ...(isCodeUnknown ? [['architectures', NOT_ASKED] as const] : []),
    ...(isSigningUnknown ? [['codeSigningConfigArn', 'the snapshot does not have it.'] as const] : []),
    ...withheld.map((key) => [`tags.${key}`, NO_VALUES] as const),
  ];
  const warnings = unknown.map(([path, why]): Warning => ({
    code: 'UNKNOWN_UNTIL_APPLY',
    function: one.name,
    message: `${path} of ${one.name} is unknown until apply: ${why}`,
  }));
  return { desired, warnings };
}

/** Variables that AWS has, too, are neither equal nor different. */
function variablesOf(
  live: LiveFunction | undefined,
  { environment, unknownVariables }: DesiredFunction,
): Pick<DesiredFunction, 'environment' | 'unknownVariables'> {
  const there = live?.latest.environment;
  if (environment === undefined || environment === null || there === undefined || isUnreadable(there)) return {};
  const both = Object.keys(environment).filter((name) => Object.hasOwn(there, name));
  const added = Object.entries(environment).filter(([name]) => !Object.hasOwn(there, name));
  const unknown = [...both.map((name) => [name, NO_VALUES] as const), ...Object.entries(unknownVariables ?? {})];
  return { environment: Object.fromEntries(added), unknownVariables: Object.fromEntries(unknown) };
}

function withoutWithheldTags(
  entry: SnapshotFunction,
  desired: DesiredFunction,
): { readonly desired: DesiredFunction; readonly withheld: readonly string[] } {
  const live = entry.exists && !isUnreadable(entry.tags) ? entry.tags : {};
  // A tag to be removed needs no value.
  const isWithheld = ([key, value]: readonly [string, string | null]): boolean =>
    value !== null && Object.hasOwn(live, key) && live[key] === null;
  const tags = Object.entries(desired.tags);
  return {
    desired: { ...desired, tags: Object.fromEntries(tags.filter((one) => !isWithheld(one))) },
    withheld: tags.filter(isWithheld).map(([key]) => key),
  };
}

function about({ host }: Context, path: string, { takenAt, toolVersion }: LiveState): Warning {
  const seconds = Math.floor((host.clock.now() - Date.parse(takenAt)) / 1000);
  const age = seconds < 0 ? 'by a clock that is ahead of this one' : `${lasted(seconds)} ago`;
  const message = `planned from the snapshot ${path}, taken at ${takenAt} (${age}) by lambda-deploy ${toolVersion}, and not from AWS, which may have changed since: this plan can never be applied.`;
  return { code: 'LIVE_STATE', message };
}
