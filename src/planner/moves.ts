import { LATEST, type DesiredFunction, type LiveFunction } from '../model/function.js';
import type { Operation, VersionRef } from '../model/plan.js';
import {
  aliasStep,
  checkSteps,
  failedTwin,
  pinned,
  placeOf,
  reusableVersion,
  samePlace,
  shown,
  viewAliases,
  type AliasView,
} from './aliases.js';
import { sameVersionContent } from './compare.js';
import { contentOf, type Content } from './normalize.js';
import { abortStep, baked, hasForeignShare, shiftSteps, waitsForPromotion } from './shift.js';
import { overlay } from './target.js';

/** The version that will carry the spec. */
export interface Release {
  readonly ref: VersionRef;
  /** Set when it is published although a Failed version has the same content: the number it must exceed. */
  readonly above?: string;
}

/** One alias with the place it should point at, and the place it will stand at when its move comes. */
export interface AliasMove {
  readonly view: AliasView;
  readonly goal: VersionRef;
  /** `undefined`: the alias does not exist. */
  readonly from: VersionRef | undefined;
}

/** Everything the parts of a plan are derived from, worked out once. */
export interface Situation {
  readonly desired: DesiredFunction;
  readonly live: LiveFunction;
  readonly current: Content;
  readonly target: Content;
  /** `undefined`: every alias that follows the spec serves it already. */
  readonly release: Release | undefined;
  /** Set when an alias points at a `$LATEST` that will change: the version that takes its place first (semantics 12). */
  readonly preserve: VersionRef | undefined;
  readonly moves: readonly AliasMove[];
}

/** @throws AWS_UNREADABLE, VERSION_NOT_FOUND */
export function assess(desired: DesiredFunction, live: LiveFunction): Situation {
  const current = contentOf(live.latest, live.name);
  const target = overlay(desired, current);
  const views = viewAliases(desired, live, target);
  const release = chooseRelease(views, live, target);
  const preserve = choosePreserve(views, live, current, target);
  const moves = views.map((view): AliasMove => {
    const exposed = preserve !== undefined && view.live?.version === LATEST && view.desired.version !== LATEST;
    const from = view.live === undefined ? undefined : { number: view.live.version };
    return { view, goal: goalOf(desired, live, view, release), from: exposed ? preserve : from };
  });
  return { desired, live, current, target, release, preserve, moves };
}

function chooseRelease(views: readonly AliasView[], live: LiveFunction, target: Content): Release | undefined {
  if (!views.some((view) => view.desired.version === undefined && !view.carries)) return undefined;
  const existing = reusableVersion(
    live,
    target,
    views.flatMap((view) => Object.keys(view.live?.weights ?? {})),
  );
  if (existing !== undefined) return { ref: { number: existing.version } };
  const failed = failedTwin(live, target);
  return { ref: { published: 'release' }, ...(failed === undefined ? {} : { above: failed.version }) };
}

function choosePreserve(
  views: readonly AliasView[],
  live: LiveFunction,
  current: Content,
  target: Content,
): VersionRef | undefined {
  const exposed = views.some((view) => view.live?.version === LATEST && view.desired.version !== LATEST);
  if (!exposed || sameVersionContent(current, target)) return undefined;
  const existing = reusableVersion(live, current);
  return existing === undefined ? { published: 'preserve' } : { number: existing.version };
}

function goalOf(
  desired: DesiredFunction,
  live: LiveFunction,
  view: AliasView,
  release: Release | undefined,
): VersionRef {
  const fixed = pinned(desired, view.desired, live);
  if (fixed !== undefined) return fixed;
  return view.carries || release === undefined ? { number: view.live?.version ?? LATEST } : release.ref;
}

/** Calls that must come before `$LATEST` changes: aliases on it are moved to a version with the same content. */
export function preserveSteps({ desired, current, preserve, moves }: Situation): Operation[] {
  if (preserve === undefined) return [];
  const exposed = moves.filter(({ view, from }) => view.live?.version === LATEST && from === preserve);
  const publish: Operation = {
    type: 'PublishVersion',
    reason: '$LATEST serves traffic: keep it as a version before it changes',
    purpose: 'preserve',
    description: '',
    codeSha256: current.codeSha256,
  };
  return [
    ...('published' in preserve ? [publish] : []),
    ...exposed.map(({ view }): Operation => ({
      type: 'UpdateAlias',
      reason: `from $LATEST to ${shown(preserve)} with the same content, before $LATEST of ${desired.name} changes`,
      alias: view.desired.name,
      from: { version: { number: LATEST } },
      version: preserve,
      settles: 'preserve',
    })),
  ];
}

/** Calls that come before all others: rollouts of another spec, and weights that somebody left, are taken back. */
export function abortSteps({ moves }: Situation): Operation[] {
  return moves.flatMap((move): Operation[] => {
    const { live, desired } = move.view;
    return live !== undefined && hasForeignShare(move)
      ? [abortStep(desired.name, placeOf(live), 'it does not carry this spec')]
      : [];
  });
}

/**
 * Calls that come after `$LATEST` is right: publish where no version carries the spec, check the version by number for every
 * alias that will get it, and only then shift the aliases in file order, each with its checks.
 *
 * @param isInterrupted whether the alias's last run died, so that even a rollout that waits for promotion is taken over
 */
export function releaseSteps(situation: Situation, isInterrupted: (alias: string) => boolean): Operation[] {
  const { desired, target, release, moves } = situation;
  const steps = moves.flatMap((move) => {
    if (waitsForPromotion(move, isInterrupted(move.view.desired.name))) return [];
    const step = aliasStep(move.view, move.goal, move.from);
    return step === undefined ? [] : [{ ...move, step, shifts: shiftsTraffic(move) }];
  });
  return [
    ...(release === undefined || 'number' in release.ref ? [] : [publishStep(desired, target, release)]),
    ...steps.flatMap(({ view, goal, shifts }) => (shifts ? checkSteps(view.desired, goal) : [])),
    ...steps.flatMap((move): Operation[] => {
      if (!move.shifts) return [move.step];
      if (move.step.type === 'UpdateAlias') return shiftSteps(move, move.step, situation);
      const after = checkSteps(move.view.desired, { alias: move.step.alias });
      return baked([move.step, ...after], move.view.desired.rollout);
    }),
  ];
}

/** The publish that carries the spec. */
export function publishStep(desired: DesiredFunction, target: Content, release: Release): Operation {
  return {
    type: 'PublishVersion',
    reason: 'no published version carries the spec',
    purpose: 'release',
    description: desired.versionDescription ?? '',
    codeSha256: target.codeSha256,
    ...(release.above === undefined ? {} : { above: release.above }),
  };
}

/** False when only a description changes, or when the alias goes to `$LATEST`, which is never checked. */
function shiftsTraffic({ view, goal, from }: AliasMove): boolean {
  if (samePlace(goal, LATEST)) return false;
  if (view.live === undefined || from === undefined || !('number' in from)) return true;
  return !samePlace(goal, from.number);
}
