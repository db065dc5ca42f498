import type { ErrorRate, Rollout } from '../model/function.js';
import { parseDuration } from './duration.js';
import { nearestTo } from './explain.js';
import type { AliasSpec, RolloutSpec } from './generated/types.js';

/** How long a share is held where the file does not say, in seconds. */
export const DEFAULT_INTERVAL_SECONDS = 60;

/** Presets are named as CodeDeploy's. @see https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html */
const ALL_AT_ONCE = 'AllAtOnce';
const CANARY = /^Canary([1-9]\d?)Percent([1-9]\d{0,3})Minutes?$/;
const LINEAR = /^Linear([1-9]\d?)PercentEvery([1-9]\d{0,3})Minutes?$/;

/** Steps and times of a rollout, whichever way it is written. */
type Pace = Pick<Rollout, 'steps' | 'intervalSeconds'>;

/**
 * The pace that a preset stands for; `undefined`: there is no such preset. `AllAtOnce` has no steps, a canary one, and a linear
 * rollout every multiple of its share below 100 %.
 */
export function parsePreset(text: string): Pace | undefined {
  if (text === ALL_AT_ONCE) return { steps: [], intervalSeconds: DEFAULT_INTERVAL_SECONDS };
  const match = CANARY.exec(text) ?? LINEAR.exec(text);
  if (match === null) return undefined;
  const [share, minutes] = [Number(match[1]), Number(match[2])];
  const count = text.startsWith('Canary') ? 1 : Math.ceil(100 / share) - 1;
  const steps = Array.from({ length: count }, (_, index) => fraction(String(share * (index + 1))));
  return { steps, intervalSeconds: minutes * 60 };
}

/** `Canary10Percent5Minutes` for `CodeDeployDefault.LambdaCanary10Percent5Minutes`, `canary10%5m` and the like. */
export function presetMeant(text: string): string | undefined {
  const words = text.replace(/^CodeDeployDefault\./i, '').replace(/^Lambda/i, '');
  const [first = '', share, minutes] = words
    .split(/[^a-z0-9]+|(?<=\d)(?=[a-z])|(?<=[a-z])(?=\d)/i)
    .filter(isKindOrNumber);
  if (share === undefined) return nearestTo(words, [ALL_AT_ONCE]);
  const kind = nearestTo(first, ['Canary', 'Linear']) ?? '';
  const name = `${kind}${share}Percent${kind === 'Linear' ? 'Every' : ''}${minutes}Minute${minutes === '1' ? '' : 's'}`;
  return parsePreset(name) === undefined ? undefined : name;
}

function isKindOrNumber(word: string, index: number): boolean {
  return index === 0 || /^\d+$/.test(word);
}

/** The fraction of `5%` or `0.5%`; `undefined` for anything else. Exact to the last digit, as `0.57 / 100` is not. */
export function parsePercent(text: unknown): number | undefined {
  const match = typeof text === 'string' ? /^(\d{1,2}(?:\.\d)?)%$/.exec(text) : null;
  return match?.[1] === undefined ? undefined : fraction(match[1]);
}

function fraction(percent: string): number {
  return Number(`${percent}e-2`);
}

/** An alias's rollout, which has passed the schema and the rules; `undefined`: all at once, and nothing is watched. */
export function toRollout(
  spec: RolloutSpec | undefined,
  onCancel: NonNullable<AliasSpec>['onCancel'],
): Rollout | undefined {
  const { alarms = [], promotion = 'auto', bake, errorRate, ...own } = typeof spec === 'object' ? spec : {};
  const pace = typeof spec === 'string' ? parsePreset(spec) : paceOf(own);
  const rate = errorRate && toErrorRate(errorRate);
  const isWatched = alarms.length > 0 || rate !== undefined;
  if (pace === undefined || (pace.steps.length === 0 && !isWatched)) return undefined;
  return {
    ...pace,
    bakeSeconds: isWatched ? (parseDuration(bake) ?? pace.intervalSeconds) : 0,
    alarms,
    ...(rate === undefined ? {} : { errorRate: rate }),
    promotion,
    onCancel: onCancel ?? 'abort',
  };
}

type RolloutMap = Exclude<RolloutSpec, string>;

function paceOf({ steps = [], interval }: Pick<RolloutMap, 'steps' | 'interval'>): Pace {
  return {
    steps: steps.flatMap((step) => parsePercent(step) ?? []),
    intervalSeconds: parseDuration(interval) ?? DEFAULT_INTERVAL_SECONDS,
  };
}

function toErrorRate({ maximum, minimumInvocations }: NonNullable<RolloutMap['errorRate']>): ErrorRate | undefined {
  const part = parsePercent(maximum);
  return part === undefined ? undefined : { maximum: part, minimumInvocations };
}
