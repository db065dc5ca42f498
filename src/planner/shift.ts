import { LATEST, type Rollout } from '../model/function.js';
import type { Operation, Place, Share, UpdateAliasStep, VersionRef, Watch } from '../model/plan.js';
import { checkSteps, placeOf, samePlace, shown, versionOf } from './aliases.js';
import { diffContent } from './compare.js';
import type { AliasMove, Situation } from './moves.js';
import { contentOf, type Content } from './normalize.js';

/** Members that both versions of a weighted alias must share. @see https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html */
const SHARED = ['role', 'deadLetterConfig'];

/** The rollout's share that the alias gives to its goal already: somebody's or an earlier run's, to be gone on with. */
export function shareOfGoal({ view, goal }: Pick<AliasMove, 'view' | 'goal'>): Share | undefined {
  const share = view.live === undefined ? undefined : placeOf(view.live).additional;
  return share !== undefined && 'number' in share.version && samePlace(goal, share.version.number) ? share : undefined;
}

/** Whether the alias gives a share to a version that it should not get: an open rollout of another spec, or leftovers. */
export function hasForeignShare(move: Pick<AliasMove, 'view' | 'goal'>): boolean {
  return Object.keys(move.view.live?.weights ?? {}).length > 0 && shareOfGoal(move) === undefined;
}

/** Whether the alias stands at a share on purpose, until somebody promotes or aborts it. */
export function waitsForPromotion(move: AliasMove, isInterrupted: boolean): boolean {
  return move.view.desired.rollout?.promotion === 'manual' && shareOfGoal(move) !== undefined && !isInterrupted;
}

/**
 * Why the alias has to move all at once although the file asks for shares; `undefined`: it need not, or no shares are asked for.
 */
export function forcedBecause(move: AliasMove, situation: Situation): string | undefined {
  const { view, goal, from } = move;
  if ((view.desired.rollout?.steps.length ?? 0) === 0) return undefined;
  if (view.live === undefined || from === undefined) return 'the alias is new';
  if (samePlace(goal, LATEST) || samePlace(from, LATEST)) return '$LATEST cannot have weights';
  if (view.live.hasProvisionedConcurrency === true)
    return 'the alias has provisioned concurrency, which weights do not go with';
  const [before, after] = [contentAt(from, situation), contentAt(goal, situation)];
  if (before === undefined || after === undefined) return undefined;
  const differing = diffContent(before, after, 'version').map(({ path }) => path.split('.')[0] ?? '');
  const unlike = SHARED.find((key) => differing.includes(key));
  return unlike === undefined ? undefined : `${unlike} differs, and weighted versions must have the same`;
}

function contentAt(ref: VersionRef, { live, current, target }: Situation): Content | undefined {
  if ('published' in ref) return ref.published === 'preserve' ? current : target;
  const version = versionOf(live, ref.number);
  return version && contentOf(version, live.name);
}

/**
 * The calls that bring an alias from where it is to its goal, `last` being the one that gives the goal all: share by share
 * where the file says so, each share watched and the version checked by number before the next, then the alias's own checks.
 *
 * An alias found at a share of its goal goes on from there: the first call takes the rollout over, under a fresh RevisionId, and
 * holds the share for a whole interval, because nobody knows how long it was held.
 */
export function shiftSteps(move: AliasMove, last: UpdateAliasStep, situation: Situation): Operation[] {
  const { rollout } = move.view.desired;
  const found = shareOfGoal(move);
  const isForced = forcedBecause(move, situation) !== undefined;
  const shares = isForced || rollout === undefined ? [] : sharesOf(rollout, found?.weight);
  const from: Place = { version: last.from.version, ...(found === undefined ? {} : { additional: found }) };
  const steps = shares.map((weight, index): UpdateAliasStep => {
    const before = index === 0 ? from : at(from.version, last.version, shares[index - 1] ?? 0);
    const takesOver = weight === found?.weight;
    return {
      type: 'UpdateAlias',
      reason: takesOver
        ? `take over the rollout found at ${percent(weight)}`
        : `${percent(weight)} to ${shown(last.version)}`,
      alias: last.alias,
      from: before,
      version: from.version,
      additional: { version: last.version, weight },
      ...(rollout === undefined ? {} : { watch: watchOf(rollout, rollout.intervalSeconds) }),
    };
  });
  const byNumber = checkSteps(move.view.desired, last.version);
  const between = byNumber.map((check) => ({
    ...check,
    reason: `check the version at its share of alias ${last.alias}`,
  }));
  const partial = steps.flatMap((step): Operation[] => [step, ...between]);
  if (rollout?.promotion === 'manual' && steps.length > 0) return partial.slice(0, 1 + between.length);
  const lastShare = shares.at(-1);
  const whole =
    lastShare === undefined ? { ...last, from } : { ...last, from: at(from.version, last.version, lastShare) };
  return [...partial, ...baked([whole, ...checkSteps(move.view.desired, { alias: last.alias })], rollout)];
}

/** The bake belongs to the last call: what it watches is what callers get from then on. */
export function baked(steps: readonly Operation[], rollout: Rollout | undefined): Operation[] {
  if (rollout === undefined || rollout.bakeSeconds === 0) return [...steps];
  return steps.map((step, index) =>
    index === steps.length - 1 && (step.type === 'UpdateAlias' || step.type === 'Invoke')
      ? { ...step, watch: watchOf(rollout, rollout.bakeSeconds) }
      : step,
  );
}

/** Ends a rollout that must not go on: the primary version has all traffic again. */
export function abortStep(alias: string, place: Place, why: string): UpdateAliasStep {
  const share = place.additional;
  const what =
    share === undefined
      ? 'clear the weights'
      : `take ${percent(share.weight)} back from version ${shown(share.version)}`;
  return {
    type: 'UpdateAlias',
    reason: `${what}: ${why}`,
    alias,
    from: place,
    version: place.version,
    settles: 'abort',
  };
}

/** Shares still to be given: all of them, or from the one that was found. */
function sharesOf({ steps }: Rollout, found: number | undefined): number[] {
  return found === undefined ? [...steps] : [found, ...steps.filter((share) => share > found)];
}

/** A watch of so many seconds. */
export function watchOf({ alarms, errorRate }: Rollout, seconds: number): Watch {
  return { seconds, alarms, ...(errorRate === undefined ? {} : { errorRate }) };
}

function at(version: VersionRef, additional: VersionRef, weight: number): Place {
  return { version, additional: { version: additional, weight } };
}

/** `5 %`, of a fraction. */
export function percent(weight: number): string {
  return `${Math.round(weight * 1000) / 10} %`;
}
