import { DeployError } from '../errors.js';
import type { DesiredAlias, LiveAlias, LiveFunction, LiveVersion } from '../model/function.js';
import type { Difference, FunctionPlan, Operation, Place, Share, UpdateAliasStep } from '../model/plan.js';
import { checkSteps, placeOf } from './aliases.js';
import { recorded, type PlannedFunction } from './deploy.js';
import { effectsOf, unfinishedWork } from './explain.js';
import { contentOf } from './normalize.js';
import { abortStep, baked, percent, watchOf } from './shift.js';

/** A rollout that stands at a share. */
export interface RolloutInput {
  readonly name: string;
  readonly alias: DesiredAlias;
  readonly live: LiveFunction;
  /** The version that has the share, as it is in AWS; for an abort the primary one. */
  readonly version: LiveVersion;
  /** Of the deployment that the rollout belongs to; empty: not known. */
  readonly specDigest: string;
  readonly recordsInTags: boolean;
}

/** The share of an alias's additional version. @throws NO_ROLLOUT when the alias has none, or does not exist */
export function requireShare(name: string, alias: string, live: LiveAlias | undefined): Share {
  const share = live && placeOf(live).additional;
  if (share !== undefined) return share;
  const state = live === undefined ? 'it does not exist' : `version ${live.version} has all of its traffic`;
  throw new DeployError('NO_ROLLOUT', `alias ${alias} of ${name} has no rollout: ${state}.`, {
    subject: name,
    fix: 'look at `lambda-deploy history`; `lambda-deploy apply` starts a rollout.',
  });
}

/**
 * Gives the version that waits all traffic, or with `step` the next share of the file's rollout: checked by number before, by the
 * alias after, and watched as in an apply.
 *
 * @throws NO_ROLLOUT; VERSION_NOT_FOUND when the version that waits is Failed
 */
export function planPromote(input: RolloutInput, step: boolean): PlannedFunction {
  const { name, alias, version } = input;
  const share = requireShare(name, alias.name, liveAlias(input));
  const from = standing(input);
  if (version.state === 'Failed') {
    throw new DeployError('VERSION_NOT_FOUND', `version ${version.version} of ${name} is Failed and cannot serve.`, {
      subject: name,
      fix: 'take the rollout back with `lambda-deploy abort`.',
    });
  }
  const { rollout } = alias;
  const next = step ? rollout?.steps.find((weight) => weight > share.weight) : undefined;
  const byNumber = checkSteps(alias, share.version);
  const base = { type: 'UpdateAlias', alias: alias.name, from } as const;
  if (next !== undefined && rollout !== undefined) {
    const move: UpdateAliasStep = {
      ...base,
      reason: `promote from ${percent(share.weight)} to ${percent(next)}`,
      version: from.version,
      additional: { version: share.version, weight: next },
      watch: watchOf(rollout, rollout.intervalSeconds),
    };
    const after = byNumber.map((check) => ({
      ...check,
      reason: `check the version at its share of alias ${alias.name}`,
    }));
    return planned(input, [...byNumber, move, ...after], differencesOf(input, next));
  }
  const whole: UpdateAliasStep = {
    ...base,
    reason: `promote from ${percent(share.weight)} to all traffic`,
    version: share.version,
  };
  const after = baked([whole, ...checkSteps(alias, { alias: alias.name })], rollout);
  return planned(input, [...byNumber, ...after], differencesOf(input, 1));
}

/** Gives the primary version all traffic again. @throws NO_ROLLOUT */
export function planAbort(input: RolloutInput): PlannedFunction {
  requireShare(input.name, input.alias.name, liveAlias(input));
  return planned(input, [abortStep(input.alias.name, standing(input), 'abort')], differencesOf(input, 0));
}

/** What a promotion that died left to do once it had moved the alias: its checks, its watch, and the record. */
export function planFinish(input: RolloutInput): PlannedFunction {
  const { differences, operations } = unfinishedWork({ aliases: [input.alias] }, input.live, () => true, []);
  return planned(input, operations, differences);
}

function planned(input: RolloutInput, body: readonly Operation[], differences: readonly Difference[]): PlannedFunction {
  const { name, alias, live, recordsInTags, specDigest } = input;
  const plan: FunctionPlan = {
    name,
    action: 'update',
    differences,
    alsoGoesLive: [],
    operations: recordsInTags ? recorded(body) : body,
    effects: effectsOf(name, body),
    unmanagedAliases: live.aliases
      .map((other) => other.name)
      .filter((other) => other !== alias.name)
      .sort(),
    specDigest,
  };
  return { plan, target: contentOf(input.version, name), warnings: [] };
}

function differencesOf(input: RolloutInput, share: number): Difference[] {
  const { name } = input.alias;
  const served = liveAlias(input);
  if (served === undefined) return [];
  const [version = ''] = Object.keys(served.weights);
  const on = `alias ${name}`;
  const reason = share === 0 ? 'abort' : 'promote';
  const moves: Difference = { path: `aliases.${name}.version`, on, before: served.version, after: version, reason };
  const after = share === 0 || share === 1 ? {} : { [version]: share };
  return [
    ...(share === 1 ? [moves] : []),
    { path: `aliases.${name}.weights`, on, before: served.weights, after, reason },
  ];
}

function liveAlias({ live, alias }: RolloutInput): LiveAlias | undefined {
  return live.aliases.find(({ name }) => name === alias.name);
}

function standing(input: RolloutInput): Place {
  const served = liveAlias(input);
  if (served === undefined) throw new Error('the alias was read');
  return placeOf(served);
}
