import { DeployError } from '../errors.js';
import {
  LATEST,
  type DesiredAlias,
  type DesiredFunction,
  type LiveAlias,
  type LiveFunction,
  type LiveVersion,
  type Version,
} from '../model/function.js';
import type { CreateAliasStep, Difference, InvokeStep, Place, UpdateAliasStep, VersionRef } from '../model/plan.js';
import { diffContent, sameVersionContent } from './compare.js';
import { contentOf, type Content } from './normalize.js';
import { isKnown, isManaged, keepsLive } from './target.js';

/** What one declared alias serves now, measured against the target. */
export interface AliasView {
  readonly desired: DesiredAlias;
  readonly live: LiveAlias | undefined;
  /** What the alias serves; `undefined` when it does not exist. */
  readonly served: LiveVersion | undefined;
  /** Whether the served version is the target in every field that is not left to others, and is not Failed. */
  readonly carries: boolean;
}

/** The declared aliases of a function in file order. */
export function viewAliases(desired: DesiredFunction, live: LiveFunction, target: Content): AliasView[] {
  return desired.aliases.map((alias) => {
    const found = live.aliases.find(({ name }) => name === alias.name);
    const served = found === undefined ? undefined : versionOf(live, found.version);
    const carries =
      served !== undefined &&
      served.version !== LATEST &&
      served.state !== 'Failed' &&
      lacking(desired, contentOf(served, live.name), target).length === 0;
    return { desired: alias, live: found, served, carries };
  });
}

/** `$LATEST` or a published version that was read; `undefined` when it was not. */
export function versionOf(live: LiveFunction, version: Version): LiveVersion | undefined {
  return version === LATEST ? live.latest : live.versions.find((candidate) => candidate.version === version);
}

/** Paths in which a version falls short of the target, leaving out what the file leaves to others. */
export function lacking(desired: DesiredFunction, version: Content, target: Content): string[] {
  return diffContent(version, target, 'version')
    .map(({ path }) => path)
    .filter((path) => !keepsLive(desired, path) && isKnown(desired, path));
}

/**
 * A published version that already is the target, in every field; never a Failed one. The newest, but rather one that has
 * traffic already.
 */
export function reusableVersion(
  live: LiveFunction,
  target: Content,
  inTraffic: readonly Version[] = [],
): LiveVersion | undefined {
  const fit = live.versions.filter(
    (version) => version.state !== 'Failed' && sameVersionContent(contentOf(version, live.name), target),
  );
  return newest(fit.filter(({ version }) => inTraffic.includes(version))) ?? newest(fit);
}

/** The newest Failed version with the target's content: the next publish must exceed it (semantics 6). */
export function failedTwin(live: LiveFunction, target: Content): LiveVersion | undefined {
  return newest(
    live.versions.filter(
      (version) => version.state === 'Failed' && sameVersionContent(contentOf(version, live.name), target),
    ),
  );
}

function newest(versions: readonly LiveVersion[]): LiveVersion | undefined {
  return [...versions].sort((left, right) => Number(right.version) - Number(left.version))[0];
}

/** Differences of an alias: where it points, what its version lacks, leftover weights, its description. */
export function aliasDifferences(
  desired: DesiredFunction,
  view: AliasView,
  target: Content,
  goal: VersionRef | undefined,
  listed: readonly Difference[],
): { managed: Difference[]; alsoGoesLive: Difference[] } {
  const { name } = view.desired;
  const on = `alias ${name}`;
  const managed: Difference[] = [];
  if (view.live === undefined) {
    managed.push({ path: `aliases.${name}`, on, before: null, after: shown(goal), reason: 'the alias does not exist' });
  } else if (goal !== undefined && !samePlace(goal, view.live.version)) {
    const unfit = view.served?.state === 'Failed' ? 'is Failed' : 'does not carry the spec';
    const reason =
      view.desired.version === undefined ? `version ${view.live.version} ${unfit}` : 'the file pins the version';
    managed.push({ path: `aliases.${name}.version`, on, before: view.live.version, after: shown(goal), reason });
  }
  const [share] = Object.keys(view.live?.weights ?? {});
  if (view.live !== undefined && share !== undefined) {
    const isOurs = goal !== undefined && samePlace(goal, share);
    managed.push({
      path: `aliases.${name}.weights`,
      on,
      before: view.live.weights,
      after: {},
      reason: isOurs ? 'the rollout of this spec is not finished' : 'a rollout of another spec was left open',
    });
  }
  const { description } = view.desired;
  if (view.live !== undefined && description !== undefined && (description ?? '') !== view.live.description) {
    managed.push({
      path: `aliases.${name}.description`,
      on,
      before: view.live.description,
      after: description ?? '',
      reason: 'the alias description differs',
    });
  }
  if (view.served === undefined || view.carries || view.desired.version !== undefined)
    return { managed, alsoGoesLive: [] };
  const content = contentOf(view.served, desired.name);
  const all = diffContent(content, target, 'version')
    .filter(({ path }) => isKnown(desired, path))
    .map((difference): Difference => ({
      ...difference,
      on,
      reason: `${on} serves version ${view.live?.version ?? ''}, which has another value`,
    }));
  const isListed = (path: string): boolean => listed.some((other) => other.path === path);
  managed.push(...all.filter(({ path }) => isManaged(desired, path) && !isListed(path)));
  return {
    managed,
    alsoGoesLive: all
      .filter(({ path }) => !isManaged(desired, path))
      .map((d) => ({ ...d, reason: '$LATEST has it, nobody manages it' })),
  };
}

/** The health checks of an alias as steps: against the version by number before traffic, or against the alias after it. */
export function checkSteps(alias: DesiredAlias, target: InvokeStep['target']): InvokeStep[] {
  const reason =
    'alias' in target
      ? `check what alias ${alias.name} answers now`
      : `check the version before alias ${alias.name} gets it`;
  // Whoever calls takes the secrets, and a payload file's content, from the desired function: a plan has none.
  return alias.healthChecks.map(({ payloadSecrets: _, payloadUnknown: __, payload, ...check }, index) => {
    const inline = payload === undefined || check.payloadFile !== undefined ? {} : { payload };
    return { type: 'Invoke', reason, target, check: { alias: alias.name, index, ...inline, ...check } };
  });
}

/** The place of an alias as a plan names it. */
export function placeOf({ version, weights }: Pick<LiveAlias, 'version' | 'weights'>): Place {
  // AWS allows one additional version at most.
  const [share] = Object.entries(weights);
  if (share === undefined) return { version: { number: version } };
  return { version: { number: version }, additional: { version: { number: share[0] }, weight: share[1] } };
}

/** Whether both name the same version. */
export function samePlace(ref: VersionRef, version: Version): boolean {
  return 'number' in ref && ref.number === version;
}

/** `3`, `new version`, or `kept version`. */
export function shown(ref: VersionRef | undefined): string {
  if (ref === undefined) return '';
  if ('number' in ref) return ref.number;
  return ref.published === 'preserve' ? 'kept version' : 'new version';
}

/** The call that makes an alias or gives its goal all traffic, weights apart; `undefined` when it is right already. */
export function aliasStep(
  view: AliasView,
  goal: VersionRef,
  from: VersionRef | undefined,
): CreateAliasStep | UpdateAliasStep | undefined {
  const { name, description } = view.desired;
  const text = description === undefined ? {} : { description: description ?? '' };
  if (view.live === undefined) {
    return { type: 'CreateAlias', reason: 'the alias does not exist', alias: name, version: goal, ...text };
  }
  const moves = from !== undefined && JSON.stringify(from) !== JSON.stringify(goal);
  const describes = description !== undefined && (description ?? '') !== view.live.description;
  if (!moves && !describes) return undefined;
  const reasons = [
    ...(moves ? [`from ${shown(from)} to ${shown(goal)}`] : []),
    ...(describes ? ['set its description'] : []),
  ];
  return {
    type: 'UpdateAlias',
    reason: reasons.join(', '),
    alias: name,
    from: { version: from ?? goal },
    version: goal,
    ...(describes ? text : {}),
  };
}

/** @throws VERSION_NOT_FOUND when a pinned version does not exist or is Failed */
export function pinned(
  desired: DesiredFunction,
  alias: DesiredAlias,
  live: LiveFunction | undefined,
): VersionRef | undefined {
  if (alias.version === undefined) return undefined;
  if (alias.version === LATEST) return { number: LATEST };
  const found = live === undefined ? undefined : versionOf(live, alias.version);
  if (found !== undefined && found.state !== 'Failed') return { number: alias.version };
  const why = found === undefined ? 'does not exist' : `is Failed (${found.stateReason ?? 'AWS gave no reason'})`;
  throw new DeployError(
    'VERSION_NOT_FOUND',
    `alias ${alias.name} of ${desired.name} is pinned to version ${alias.version}, which ${why}.`,
    {
      subject: desired.name,
      fix: 'pin an existing version, or remove `version` so that the alias follows the spec.',
    },
  );
}
