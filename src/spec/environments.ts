import { DeployError, type ErrorCode } from '../errors.js';
import { nearestTo } from './explain.js';
import type { Finding } from './findings.js';
import { mergeFunction } from './merge.js';
import { changeEach, mapAt, mergeNodes, nodeAt, withEntry, without, type MapNode, type Node } from './node.js';

const ENVIRONMENTS = 'environments';

/** The names under `environments`, in file order; none in a file without. */
export function environmentNames(root: Node): readonly string[] {
  return [...(mapAt(root, ENVIRONMENTS)?.entries.keys() ?? [])];
}

/**
 * Refuses a choice that the file does not offer, and a missing one where it offers some: what was written for one
 * environment must never be deployed to another by accident.
 *
 * @throws UNKNOWN_ENVIRONMENT, ENVIRONMENT_REQUIRED
 */
export function checkChoice(root: Node, chosen: string | undefined, file: string): void {
  const names = environmentNames(root);
  if (chosen === undefined ? names.length === 0 : names.includes(chosen)) return;
  const position = root.kind === 'map' ? root.entries.get(ENVIRONMENTS)?.keyPosition : undefined;
  const location = { file, ...(position ?? { line: 1, column: 1 }) };
  const [code, message, fix] = chosen === undefined ? noChoice(names) : unknownChoice(chosen, names);
  const diagnostic = { severity: 'error', code, message, fix, location } as const;
  throw new DeployError(code, message, { subject: file, fix, location, diagnostics: [diagnostic] });
}

type Refusal = readonly [code: ErrorCode, message: string, fix: string];

function noChoice(names: readonly string[]): Refusal {
  const message = `The file has the environments ${names.join(', ')}; none was chosen.`;
  return ['ENVIRONMENT_REQUIRED', message, `choose one: --environment ${names[0] ?? ''}.`];
}

function unknownChoice(chosen: string, names: readonly string[]): Refusal {
  if (names.length === 0)
    return [
      'UNKNOWN_ENVIRONMENT',
      `The file has no environment ${chosen}: it has no \`environments\`.`,
      'remove --environment.',
    ];
  const nearest = nearestTo(chosen, names);
  const guess = nearest === undefined ? '.' : `, did you mean ${nearest}?`;
  const message = `The file has no environment ${chosen}; it has ${names.join(', ')}${guess}`;
  return ['UNKNOWN_ENVIRONMENT', message, `choose ${nearest ?? `one of ${names.join(', ')}`}.`];
}

/**
 * The file as one environment wants it, without `environments`: its overlay merged over the rest. Maps merge, lists and
 * scalars of the overlay win, `null` resets; `functions.X: null` leaves X out. Nodes keep the position where they stand.
 * Without a name: the rest alone. `defaults` are not applied yet.
 */
export function mergeEnvironment(
  root: Node,
  name: string | undefined,
): { readonly root: Node; readonly findings: readonly Finding[] } {
  if (root.kind !== 'map') return { root, findings: [] };
  const base = without(root, new Set([ENVIRONMENTS]));
  const overlay = name === undefined ? undefined : mapAt(root, ENVIRONMENTS, name);
  if (overlay === undefined) return { root: base, findings: [] };
  const merged = mergeOverlay(base, overlay);
  return {
    root: merged,
    findings: [...missingFunctions(base, overlay, name ?? ''), ...nothingLeft(merged, overlay, name ?? '')],
  };
}

/** One file over another; associative as long as a path that is a map in one of them is a map in all (`null` is none). */
export function mergeOverlay(base: MapNode, overlay: MapNode): MapNode {
  let merged = mergeNodes(base, overlay) as MapNode;
  const defaults = nodeAt(overlay, 'defaults');
  if (defaults) merged = withEntry(merged, 'defaults', mergeFunction(nodeAt(base, 'defaults'), defaults));
  const functions = mapAt(overlay, 'functions');
  if (functions === undefined) return merged;
  const own = changeEach(functions, (node, key) =>
    isNull(node) ? node : mergeFunction(nodeAt(base, 'functions', key), node),
  );
  const all = mergeNodes(nodeAt(base, 'functions') ?? own, own);
  return withEntry(merged, 'functions', all.kind === 'map' ? withoutNulls(all, functions) : all);
}

/** A base's own `functions.X:` with nothing after it is an error of the schema's, and stays one. */
function withoutNulls(all: MapNode, overlay: MapNode): MapNode {
  const left = [...overlay.entries].filter(([, { node }]) => isNull(node)).map(([key]) => key);
  return without(all, new Set(left));
}

/** A misspelt name in `functions.X: null` would leave the function in. */
function missingFunctions(base: MapNode, overlay: MapNode, name: string): readonly Finding[] {
  const known = [...(mapAt(base, 'functions')?.entries.keys() ?? [])];
  return [...(mapAt(overlay, 'functions')?.entries ?? [])].flatMap(([key, { node, keyPosition }]) => {
    if (!isNull(node) || known.includes(key)) return [];
    const nearest = nearestTo(key, known);
    const message = `environments.${name} leaves out the function \`${key}\`, which the file does not have${nearest ? `, did you mean \`${nearest}\`?` : '.'}`;
    return [
      {
        code: 'UNKNOWN_KEY' as const,
        position: keyPosition,
        path: [ENVIRONMENTS, name, 'functions', key],
        message,
        fix: nearest ? `write \`${nearest}\`.` : 'remove the line.',
      },
    ];
  });
}

/** Said before the schema calls `functions` empty, which nobody wrote. */
function nothingLeft(merged: MapNode, overlay: MapNode, name: string): readonly Finding[] {
  const own = mapAt(overlay, 'functions');
  if (own === undefined || own.entries.size === 0 || mapAt(merged, 'functions')?.entries.size !== 0) return [];
  return [
    {
      code: 'SCHEMA',
      position: own.position,
      path: [ENVIRONMENTS, name, 'functions'],
      message: `environments.${name} leaves out every function.`,
      fix: 'keep one of them, or remove the environment.',
    },
  ];
}

function isNull(node: Node): boolean {
  return node.kind === 'scalar' && node.value === null;
}
