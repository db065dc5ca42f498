import { DeployError } from '../errors.js';
import type { DesiredFunction, LiveFunction, LiveVersion } from '../model/function.js';
import type { FunctionPlan, Operation, Warning } from '../model/plan.js';
import type { DeployRecord } from '../model/record.js';
import { uploadsFor } from './code.js';
import { sameVersionContent } from './compare.js';
import { planCodeSigning } from './code-signing.js';
import { planCreate } from './create.js';
import { refuseLargeEnvironment } from './environment-size.js';
import {
  describeAliases,
  effectsOf,
  markDrift,
  rolloutWarnings,
  tagDifferences,
  unfinishedWork,
  unknownUntilApply,
  warningsOf,
} from './explain.js';
import { failedBefore } from './failed-before.js';
import { findHolds, holdWarnings } from './hold.js';
import { planLatest } from './latest.js';
import { hasUnfinished } from './recorded.js';
import { abortSteps, assess, preserveSteps, releaseSteps } from './moves.js';
import { contentOf, type Content } from './normalize.js';
import { planTags, refuseTooMany } from './tags.js';

/** Everything that decides one function's plan. */
export interface DeployInput {
  readonly desired: DesiredFunction;
  /** `undefined`: AWS said that the function does not exist. */
  readonly live: LiveFunction | undefined;
  /** Newest first, of every declared alias (of `null` for a function without aliases). */
  readonly records: readonly DeployRecord[];
  /** Whether records live in the function's tags, so that writing one is a call of this plan. */
  readonly recordsInTags: boolean;
  /** Whether what a rollback took back may be deployed again. */
  readonly releaseHold?: boolean;
}

/** A plan, and the content it leads to: the values that a plan may not hold. */
export interface PlannedFunction {
  readonly plan: FunctionPlan;
  /** What `$LATEST` is afterwards. */
  readonly target: Content;
  readonly warnings: readonly Warning[];
}

/**
 * What it takes to bring one function to its spec (semantics 1–7, 12), and nothing when it is there. Two things are compared
 * with the target: `$LATEST`, and the version each alias serves. Pure: equal inputs make equal plans.
 *
 * @throws CREATE_INCOMPLETE, ENVIRONMENT_TOO_LARGE, PACKAGE_TYPE_CHANGE, AWS_UNREADABLE, CODE_REQUIRED, VERSION_NOT_FOUND, UPDATE_FAILED, RECORD_STORE
 */
export function planDeploy({
  desired,
  live,
  records,
  recordsInTags,
  releaseHold = false,
}: DeployInput): PlannedFunction {
  if (live === undefined) return { ...planCreate(desired, recordsInTags), warnings: unknownUntilApply(desired) };
  refusePackageTypeChange(desired, live);
  const situation = assess(desired, live);
  const { current, target } = situation;
  refuseLargeEnvironment(desired, target);
  const latest = planLatest(desired, live, current, target, situation.release?.above !== undefined);
  const tags = planTags(desired, live);
  const signing = planCodeSigning(desired, live);
  const isInterrupted = (name: string | null): boolean => hasUnfinished(records.filter(({ alias }) => alias === name));
  const release = releaseSteps(situation, isInterrupted);
  const moving = release.flatMap((step) => ('alias' in step ? [step.alias] : []));
  const unfinished = unfinishedWork(desired, live, isInterrupted, moving);
  const uploads = uploadsFor(latest.operations, desired.code?.kind === 'zip' ? desired.code : undefined);
  const body = [
    ...abortSteps(situation),
    // Before the rest: what cannot be uploaded has then changed nothing of the function.
    ...uploads,
    ...tags,
    ...preserveSteps(situation),
    ...signing.operations,
    ...latest.operations,
    // What an earlier run moved without its check comes before anything else moves.
    ...unfinished.operations,
    ...release,
  ];
  const isNothing = body.length === 0 && unfinished.differences.length === 0;
  if (!isNothing) refuseTooMany(desired, live.tags, recordsInTags);
  const aliases = describeAliases(situation, latest.differences, isInterrupted);
  const differences = [
    ...latest.differences,
    ...signing.differences,
    ...tagDifferences(live, tags),
    ...aliases.managed,
    ...unfinished.differences,
  ];
  const held = findHolds(desired, records, body);
  const declared = new Set(desired.aliases.map(({ name }) => name));
  const plan: FunctionPlan = {
    name: desired.name,
    ...(desired.region === undefined ? {} : { region: desired.region }),
    action: isNothing ? 'none' : 'update',
    differences: markDrift(differences, desired, live, records),
    alsoGoesLive: aliases.alsoGoesLive,
    operations: recordsInTags && !isNothing ? recorded(body) : body,
    effects: effectsOf(desired.name, body),
    unmanagedAliases: live.aliases
      .map(({ name }) => name)
      .filter((name) => !declared.has(name))
      .sort(),
    specDigest: desired.specDigest,
    ...(held.holds.length === 0 ? {} : { holds: held.holds, ...(releaseHold ? { releasesHold: true } : {}) }),
  };
  return {
    plan,
    target,
    warnings: [
      ...warningsOf(desired, live, records),
      ...rolloutWarnings(situation, isInterrupted),
      ...failedBefore(desired, records, moving),
      ...holdWarnings(desired.name, held, releaseHold),
    ],
  };
}

/**
 * Which listed versions have to be read one by one before {@link planDeploy} can decide: those that may be re-used. `undefined`:
 * no listing is needed, every alias serves what it should.
 *
 * @throws AWS_UNREADABLE, VERSION_NOT_FOUND
 */
export function versionsNeeded(
  desired: DesiredFunction,
  live: LiveFunction,
): ((version: LiveVersion) => boolean) | undefined {
  const { current, target, release, preserve } = assess(desired, live);
  if (release === undefined && preserve === undefined) return undefined;
  const wanted = preserve === undefined ? [target] : [target, current];
  return (version) => wanted.some((content) => sameVersionContent(contentOf(version, live.name), content));
}

/** The record is opened before the first change and closed after the last (architecture rule 7). */
export function recorded(body: readonly Operation[]): Operation[] {
  return [
    { type: 'TagResource', record: 'open', reason: 'open the deployment record' },
    ...body,
    { type: 'TagResource', record: 'close', reason: 'close the deployment record' },
  ];
}

function refusePackageTypeChange(desired: DesiredFunction, live: LiveFunction): void {
  if (desired.code === undefined) return;
  const wanted = desired.code.kind === 'image' ? 'Image' : 'Zip';
  if (live.latest.packageType === wanted) return;
  const words = { Image: 'a container image', Zip: 'a zip archive' };
  const detail = `${desired.name} runs ${words[live.latest.packageType]}, the file gives ${words[wanted]}, and Lambda cannot change one into the other.`;
  throw new DeployError('PACKAGE_TYPE_CHANGE', detail, {
    subject: desired.name,
    fix: 'deploy under another name and move the callers, or delete the function first.',
  });
}
