import type { ErrorCode } from '../errors.js';
import { parseDuration } from './duration.js';
import type { Finding } from './findings.js';
import { formatPath, mapAt, nodeAt, textAt, type MapNode, type Node, type Path } from './node.js';

/** The longest that a health check may take in all, in seconds: as long as an invocation may run. */
const MAX_CHECK_SECONDS = 900;

/** What a health check without `timeout` may take in all, in seconds. */
export const DEFAULT_CHECK_SECONDS = 60;

/** The pause after a failed attempt where the file does not say, in seconds. */
export const DEFAULT_PAUSE_SECONDS = 1;

/** A health check of a function, and where it stands. */
export interface PlacedCheck {
  readonly node: Node;
  readonly alias: string;
  /** Its place in the alias's list; 0 where it is no list. */
  readonly index: number;
  /** From the function. */
  readonly path: Path;
}

/** The health checks of a function, whether an alias has one or a list. */
export function checksOf(node: Node): readonly PlacedCheck[] {
  return [...(mapAt(node, 'aliases')?.entries.keys() ?? [])].flatMap((alias) => {
    const path = ['aliases', alias, 'healthCheck'];
    const found = nodeAt(node, ...path);
    if (found?.kind !== 'list') return found === undefined ? [] : [{ node: found, alias, index: 0, path }];
    return found.items.map((item, index) => ({ node: item, alias, index, path: [...path, index] }));
  });
}

/** What is wrong with a function's health checks, beyond their shape. */
export function checkHealthChecks(node: MapNode, path: Path): readonly Finding[] {
  return checksOf(node).flatMap((check) => {
    if (check.node.kind !== 'map') return [];
    const at = [...path, ...check.path];
    return [...durations(check.node, at), ...attempts(check.node, at), ...payloads(check.node, at)];
  });
}

function durations(check: MapNode, path: Path): readonly Finding[] {
  return [['timeout'], ['interval'], ['expect', 'maxDuration']].flatMap((below) => {
    const node = nodeAt(check, ...below);
    const seconds = parseDuration(textAt(node));
    if (node === undefined || seconds === undefined || seconds <= MAX_CHECK_SECONDS) return [];
    const at = [...path, ...below];
    const message = `${formatPath(at)} is ${seconds} seconds; a health check may take 1 to ${MAX_CHECK_SECONDS}.`;
    return [finding('CHECK_TOO_LONG', node, at, message, `set it to ${MAX_CHECK_SECONDS}s or less.`)];
  });
}

function attempts(check: MapNode, path: Path): readonly Finding[] {
  const node = nodeAt(check, 'attempts');
  if (node?.kind !== 'scalar' || typeof node.value !== 'number') return [];
  const pause = secondsAt(check, 'interval') ?? DEFAULT_PAUSE_SECONDS;
  const timeout = secondsAt(check, 'timeout') ?? DEFAULT_CHECK_SECONDS;
  const pauses = (node.value - 1) * pause;
  if (pauses < timeout) return [];
  const at = [...path, 'attempts'];
  const message = `${formatPath(at)} is ${node.value}: the pauses between take ${pauses} s, but the whole check may take ${timeout} s.`;
  return [finding('ATTEMPTS_TOO_LONG', node, at, message, 'raise `timeout`, or shorten `interval`.')];
}

function payloads(check: MapNode, path: Path): readonly Finding[] {
  const file = nodeAt(check, 'payloadFile');
  if (file === undefined || nodeAt(check, 'payload') === undefined) return [];
  const at = [...path, 'payloadFile'];
  const message = `${formatPath(path)} has payload and payloadFile; a check sends one event.`;
  return [finding('PAYLOAD_TWICE', file, at, message, 'keep one of the two.')];
}

function secondsAt(check: MapNode, key: string): number | undefined {
  const node = nodeAt(check, key);
  return node?.kind === 'scalar' ? parseDuration(node.value) : undefined;
}

function finding(code: ErrorCode, { position }: Node, path: Path, message: string, fix: string): Finding {
  return { code, position, path, message, fix };
}
