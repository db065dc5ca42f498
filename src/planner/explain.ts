import { isUnreadable, LATEST, type DesiredFunction, type LiveFunction } from '../model/function.js';
import type { Difference, Operation, Share, UpdateAliasStep, VersionRef, Warning } from '../model/plan.js';
import type { DeployRecord } from '../model/record.js';
import { aliasDifferences, checkSteps, samePlace } from './aliases.js';
import { ownValue } from './compare.js';
import { detectDrift, isDrift } from './drift.js';
import type { Situation } from './moves.js';
import { baked, forcedBecause, percent, shareOfGoal, waitsForPromotion } from './shift.js';

/** Differences of the function's tags, from the steps that mend them. */
export function tagDifferences(live: LiveFunction, steps: readonly Operation[]): Difference[] {
  const liveTags = isUnreadable(live.tags) ? {} : live.tags;
  return steps.flatMap((step): Difference[] => {
    const set = step.type === 'TagResource' && 'tags' in step ? step.tags : {};
    const keys = step.type === 'UntagResource' ? step.keys : Object.keys(set);
    return keys.map((key) => ({
      path: `tags.${key}`,
      on: 'function',
      before: ownValue(liveTags, key) ?? null,
      after: ownValue(set, key) ?? null,
      reason: 'the tag is not as the file says',
    }));
  });
}

/** What differs at each alias, apart from what is already listed for `$LATEST`, and from rollouts that wait for a promotion. */
export function describeAliases(
  { desired, target, moves }: Situation,
  listed: readonly Difference[],
  isInterrupted: (alias: string) => boolean,
): { managed: Difference[]; alsoGoesLive: Difference[] } {
  const moving = moves.filter((move) => !waitsForPromotion(move, isInterrupted(move.view.desired.name)));
  const all = moving.map(({ view, goal }) => aliasDifferences(desired, view, target, goal, listed));
  return {
    managed: all.flatMap(({ managed }) => managed),
    alsoGoesLive: all.flatMap(({ alsoGoesLive }) => alsoGoesLive),
  };
}

/**
 * Marks as drift every difference at a path where live is not what the last deployment left: there AWS was moved, whatever the
 * file says now. A deployment of ours that failed or never ended left its own traces, which are nobody's edit.
 */
export function markDrift(
  differences: readonly Difference[],
  desired: DesiredFunction,
  live: LiveFunction,
  records: readonly DeployRecord[],
): Difference[] {
  const names = [...new Set(records.map(({ alias }) => alias))];
  const byAlias = new Map(names.map((name) => [name, records.filter(({ alias }) => alias === name)]));
  const found = detectDrift({ desired, live, records: byAlias });
  const moved = new Set(found.differences.filter(isDrift).map(({ path }) => path));
  // What the served version lacks is in the file's paths, too, and is for the alias to say.
  const own = ({ on, path }: Difference): boolean => !on.startsWith('alias ') || path.startsWith('aliases.');
  return differences.map((one) => (own(one) && moved.has(one.path) ? { ...one, drift: true } : one));
}

/**
 * What is left to do for aliases whose last run never ended although nothing of them differs: their check, where traffic may have
 * moved without it. The record that this run closes takes the place of the open one.
 *
 * @param moving aliases that this plan moves anyway
 */
export function unfinishedWork(
  desired: Pick<DesiredFunction, 'aliases'>,
  live: Pick<LiveFunction, 'aliases'>,
  isInterrupted: (alias: string | null) => boolean,
  moving: readonly string[],
): { differences: Difference[]; operations: Operation[] } {
  const names = desired.aliases.length === 0 ? [null] : desired.aliases.map(({ name }) => name);
  const open = names.filter((name) => isInterrupted(name) && !moving.includes(name ?? ''));
  const reason = 'an earlier deployment did not finish: check the alias and close the record';
  return {
    differences: open.map((name) => ({
      path: name === null ? 'record' : `aliases.${name}.record`,
      on: name === null ? 'function' : `alias ${name}`,
      before: 'open',
      after: 'closed',
      reason,
    })),
    operations: desired.aliases.flatMap((alias) => {
      const served = live.aliases.find(({ name }) => name === alias.name)?.version;
      return open.includes(alias.name) && served !== undefined && served !== LATEST
        ? baked(checkSteps(alias, { alias: alias.name }), alias.rollout)
        : [];
    }),
  };
}

/** What callers notice of these calls, a sentence each. */
export function effectsOf(functionName: string, operations: readonly Operation[]): string[] {
  const latest = operations.some(({ type }) => type === 'UpdateFunctionConfiguration' || type === 'UpdateFunctionCode');
  return [
    ...(latest ? [`callers of ${functionName} without an alias or version see the change of $LATEST at once`] : []),
    ...inOneSentence(operations).flatMap((steps) =>
      isGradual(steps) ? effectOfShares(steps) : steps.flatMap(effectsOfStep),
    ),
    ...waitingAfter(operations),
  ];
}

/** An alias given a share of its traffic on another version. */
type ShareStep = UpdateAliasStep & { readonly additional: Share };

const isShare = (step: Operation): step is ShareStep => step.type === 'UpdateAlias' && step.additional !== undefined;

const isGradual = (steps: readonly Operation[]): steps is readonly ShareStep[] => steps.every(isShare);

/** The shares of one rollout together, every other call by itself. The checks between shares are nothing that callers notice. */
function inOneSentence(operations: readonly Operation[]): Operation[][] {
  const noticed = operations.filter(({ type }) => type !== 'Invoke');
  return noticed.reduce<Operation[][]>((groups, step) => {
    const group = groups.at(-1);
    const last = group?.at(-1);
    const goesOn = last !== undefined && isShare(step) && isShare(last) && isSameRollout(step, last);
    if (goesOn) group?.push(step);
    else groups.push([step]);
    return groups;
  }, []);
}

function isSameRollout(one: ShareStep, other: ShareStep): boolean {
  const rest = ({ alias, from, additional, watch }: ShareStep): string =>
    JSON.stringify([alias, from.version, additional.version, watch?.seconds]);
  return rest(one) === rest(other);
}

function effectOfShares(steps: readonly ShareStep[]): string[] {
  const [first] = steps;
  if (first === undefined) return [];
  const shares = steps.map(({ additional }) => percent(additional.weight)).join(', then ');
  const each = steps.length > 1 ? 'each ' : '';
  const held = first.watch === undefined ? '' : `, ${each}for ${first.watch.seconds} s`;
  return [
    `alias ${first.alias} sends ${shares} of its traffic to ${named(first.additional.version)}${held}; the rest goes to ${named(first.from.version)}`,
  ];
}

/** Aliases that the last call leaves at a share. */
function waitingAfter(operations: readonly Operation[]): string[] {
  const last = new Map(
    operations.flatMap((step) => (step.type === 'UpdateAlias' ? [[step.alias, step] as const] : [])),
  );
  return [...last.values()].flatMap(({ alias, additional }) =>
    additional === undefined
      ? []
      : [
          `alias ${alias} then waits at ${percent(additional.weight)} until lambda-deploy promote or lambda-deploy abort`,
        ],
  );
}

function effectsOfStep(step: Operation): string[] {
  if (step.type === 'CreateFunction') return ['the function is created; until then nobody could call it'];
  if (step.type === 'CreateAlias')
    return [`alias ${step.alias} is created on ${named(step.version)} with all of its traffic`];
  if (step.type !== 'UpdateAlias') return [];
  if (step.settles === 'preserve')
    return [
      `alias ${step.alias} serves what it serves now from ${named(step.version)}, so that the change does not reach it at once`,
    ];
  return effectsOfShift(step);
}

function effectsOfShift({ alias, from, version, settles }: UpdateAliasStep): string[] {
  const share = from.additional;
  if (settles === 'abort' && share !== undefined)
    return [
      `alias ${alias} stops sending ${percent(share.weight)} of its traffic to ${named(share.version)}; ${named(version)} has it all`,
    ];
  if (JSON.stringify(from.version) === JSON.stringify(version)) return [];
  const gradually = share !== undefined && JSON.stringify(share.version) === JSON.stringify(version);
  return [
    gradually
      ? `alias ${alias} then moves all of its traffic to ${named(version)}`
      : `alias ${alias} moves all of its traffic from ${named(from.version)} to ${named(version)} in one step`,
  ];
}

/** Rollouts that do not go as the file says: forced to all at once, or waiting for a person. */
export function rolloutWarnings(situation: Situation, isInterrupted: (alias: string) => boolean): Warning[] {
  const { desired, moves } = situation;
  return moves.flatMap((move): Warning[] => {
    const { name } = move.view.desired;
    const share = shareOfGoal(move);
    if (share !== undefined && waitsForPromotion(move, isInterrupted(name))) {
      const at = `${named(share.version)} waits at ${percent(share.weight)} of alias ${name} of ${desired.name}`;
      const message = `${at}, until somebody promotes or aborts it (lambda-deploy promote, lambda-deploy abort).`;
      return [{ code: 'ROLLOUT_WAITS', function: desired.name, message }];
    }
    const moves = move.view.live !== undefined && !samePlace(move.goal, move.view.live.version);
    const why = moves ? forcedBecause(move, situation) : undefined;
    if (why === undefined) return [];
    const message = `alias ${name} of ${desired.name} moves all at once, not by its rollout: ${why}.`;
    return [{ code: 'ROLLOUT_FORCED', function: desired.name, message }];
  });
}

function named(ref: VersionRef): string {
  if (!('number' in ref)) return ref.published === 'preserve' ? 'the version that keeps it' : 'a new version';
  return ref.number === LATEST ? LATEST : `version ${ref.number}`;
}

/** Variables that this plan can say nothing about, and payloads that it cannot know to be complete. */
export function unknownUntilApply({
  name,
  unknownVariables = {},
  aliases,
}: Pick<DesiredFunction, 'name' | 'unknownVariables' | 'aliases'>): Warning[] {
  const warn = (what: string, reason: string): Warning => ({
    code: 'UNKNOWN_UNTIL_APPLY',
    function: name,
    message: `${what} is unknown until apply: ${reason}`,
  });
  return [
    ...Object.entries(unknownVariables).map(([variable, reason]) => warn(`environment.${variable} of ${name}`, reason)),
    ...aliases.flatMap((alias) =>
      alias.healthChecks.flatMap(({ payloadUnknown = {} }) =>
        Object.entries(payloadUnknown).map(([pointer, reason]) =>
          warn(`payload${pointer} of a health check of ${name}:${alias.name}`, reason),
        ),
      ),
    ),
  ];
}

/** What a reviewer should know beside the differences. */
export function warningsOf(desired: DesiredFunction, live: LiveFunction, records: readonly DeployRecord[]): Warning[] {
  const { name } = desired;
  const warnings: Warning[] = [];
  if (desired.environment === undefined && isUnreadable(live.latest.environment)) {
    const message = `AWS does not show the variables of ${name}; whether the served version has the same ones is not known.`;
    warnings.push({ code: 'AWS_UNREADABLE', function: name, message });
  }
  warnings.push(...unknownUntilApply(desired));
  const open = records.find(
    (record, index) => record.result === 'open' && records.findIndex(({ alias }) => alias === record.alias) === index,
  );
  if (open !== undefined) {
    const message = `a deployment of ${name} that started at ${open.startedAt} has not finished; this plan starts from what it left.`;
    warnings.push({ code: 'UNFINISHED_RECORD', function: name, message });
  }
  return warnings;
}
