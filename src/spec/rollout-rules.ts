import type { ErrorCode } from '../errors.js';
import { parseDuration } from './duration.js';
import type { Finding } from './findings.js';
import { formatPath, mapAt, nodeAt, textAt, type MapNode, type Node, type Path } from './node.js';
import { DEFAULT_INTERVAL_SECONDS, parsePercent, parsePreset, presetMeant } from './rollout.js';

/**
 * The longest that one run may hold shares, and watch them, in seconds. Lambda has no limit; a day is longer than a CI job or the
 * credentials that it assumed live.
 */
const MAX_ROLLOUT_SECONDS = 86_400;

/** What is wrong with the rollouts of a function's aliases, beyond their shape. */
export function checkRollouts(node: MapNode, path: Path): readonly Finding[] {
  return [...(mapAt(node, 'aliases')?.entries.keys() ?? [])].flatMap((name) => {
    const rollout = nodeAt(node, 'aliases', name, 'rollout');
    const at = [...path, 'aliases', name, 'rollout'];
    if (rollout?.kind === 'scalar') return presetFindings(rollout, at);
    if (rollout?.kind !== 'map') return [];
    return [...stepFindings(rollout, at), ...watchFindings(rollout, at), ...lengthFindings(rollout, at)];
  });
}

function presetFindings(node: Extract<Node, { kind: 'scalar' }>, path: Path): readonly Finding[] {
  if (node.interpolated?.failed || node.value === null) return [];
  const text = String(node.value);
  const pace = parsePreset(text);
  if (pace !== undefined) return tooLong(node, path, pace.steps.length * pace.intervalSeconds);
  const meant = presetMeant(text);
  const message = `${formatPath(path)} is "${text.slice(0, 60)}", which is no rollout${meant === undefined ? '.' : `, did you mean ${meant}?`}`;
  const names = 'AllAtOnce, CanaryXPercentYMinutes, LinearXPercentEveryYMinutes';
  const fix = meant === undefined ? `write ${names} (X from 1 to 99), or a map with steps.` : `write ${meant}.`;
  return [finding('ROLLOUT_UNKNOWN', node, path, message, fix)];
}

function stepFindings(rollout: MapNode, path: Path): readonly Finding[] {
  const steps = nodeAt(rollout, 'steps');
  const at = [...path, 'steps'];
  if (steps === undefined) {
    const promotion = nodeAt(rollout, 'promotion');
    if (promotion === undefined || textAt(promotion) !== 'manual') return [];
    const message = `${formatPath([...path, 'promotion'])} is manual, but there are no steps: nothing would wait for promotion.`;
    return [finding('PROMOTION_WITHOUT_STEPS', promotion, [...path, 'promotion'], message, 'add steps, or remove it.')];
  }
  const items = steps.kind === 'list' ? steps.items : [];
  return items.flatMap((item, index): readonly Finding[] => {
    if (item.kind !== 'scalar' || item.interpolated?.failed) return [];
    const here = [...at, index];
    if (typeof item.value === 'number') {
      const message = `${formatPath(here)} is ${item.source}; a share is written with its sign.`;
      const meant = item.value > 0 && item.value < 1 ? Math.round(item.value * 1000) / 10 : item.value;
      return [finding('ROLLOUT_STEPS', item, here, message, `write ${meant}%.`)];
    }
    const [share, before] = [parsePercent(item.value), parsePercent(textAt(items[index - 1]))];
    if (share === undefined || before === undefined || share > before) return [];
    const message = `${formatPath(here)} is ${item.source} after ${textAt(items[index - 1]) ?? ''}: each step gives the new version more than the one before.`;
    return [finding('ROLLOUT_STEPS', item, here, message, 'write the steps in ascending order, each once.')];
  });
}

function watchFindings(rollout: MapNode, path: Path): readonly Finding[] {
  const bake = nodeAt(rollout, 'bake');
  if (bake?.kind !== 'scalar' || (parseDuration(bake.value) ?? 0) === 0) return [];
  const alarms = nodeAt(rollout, 'alarms');
  const hasAlarms = alarms !== undefined && !(alarms.kind === 'list' && alarms.items.length === 0);
  if (hasAlarms || nodeAt(rollout, 'errorRate') !== undefined) return [];
  const at = [...path, 'bake'];
  const message = `${formatPath(at)} is ${bake.source}, but there is nothing to watch meanwhile.`;
  return [finding('BAKE_WITHOUT_WATCH', bake, at, message, 'add alarms or errorRate, or remove it.')];
}

function lengthFindings(rollout: MapNode, path: Path): readonly Finding[] {
  const secondsAt = (key: string): number | undefined => parseDuration(valueAt(rollout, key));
  const each = ['interval', 'bake'].flatMap((key) => {
    const node = nodeAt(rollout, key);
    return node === undefined ? [] : tooLong(node, [...path, key], secondsAt(key) ?? 0, 'shorten it.');
  });
  // Each promotion is a run of its own.
  if (each.length > 0 || valueAt(rollout, 'promotion') === 'manual') return each;
  const steps = nodeAt(rollout, 'steps');
  const held = (steps?.kind === 'list' ? steps.items.length : 0) * (secondsAt('interval') ?? DEFAULT_INTERVAL_SECONDS);
  return tooLong(rollout, path, held + (secondsAt('bake') ?? 0));
}

const SHORTEN = 'shorten it, or write `steps` with `promotion: manual` and promote each in a run of its own.';

function tooLong(node: Node, path: Path, seconds: number, fix = SHORTEN): readonly Finding[] {
  if (seconds <= MAX_ROLLOUT_SECONDS) return [];
  const message = `${formatPath(path)} takes ${seconds} seconds; one run holds and watches a rollout for ${MAX_ROLLOUT_SECONDS} (24 h) at most.`;
  return [finding('ROLLOUT_TOO_LONG', node, path, message, fix)];
}

function valueAt(map: MapNode, key: string): unknown {
  const node = nodeAt(map, key);
  return node?.kind === 'scalar' ? node.value : undefined;
}

function finding(code: ErrorCode, { position }: Node, path: Path, message: string, fix: string): Finding {
  return { code, position, path, message, fix };
}
