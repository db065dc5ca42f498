import type { ErrorCode } from '../errors.js';
import { tooLargeEnvironment } from '../model/environment-size.js';
import { fieldOf } from '../model/fields.js';
import { RESERVED_VARIABLES } from '../model/limits.js';
import { buildInDescription, deprecatedRuntime, secretInClearText } from './advice.js';
import { checkHealthChecks } from './check-rules.js';
import { imageSettings, leftToOthers, reproducibleNeedsZip, snapStartRuntime } from './code-rules.js';
import type { Finding } from './findings.js';
import { isExact } from './json-text.js';
import { formatPath, mapAt, nodeAt, scalarsOf, textAt, type MapNode, type Node, type Path } from './node.js';
import { checkRollouts } from './rollout-rules.js';

type FunctionRule = (node: MapNode, path: Path) => readonly Finding[];

const FUNCTION_RULES: readonly FunctionRule[] = [
  reservedVariables,
  environmentSize,
  architecturesNeedCode,
  ignoredPaths,
  checkHealthChecks,
  checkRollouts,
  exactNumbers,
  imageSettings,
  reproducibleNeedsZip,
  snapStartRuntime,
  leftToOthers,
  buildInDescription,
  deprecatedRuntime,
  secretInClearText,
];

/**
 * What Lambda forbids and a schema cannot say. Takes the merged tree, which may still break the schema: a rule judges
 * only what has the right shape.
 */
export function checkRules(root: Node): readonly Finding[] {
  const functions = [...(mapAt(root, 'functions')?.entries ?? [])];
  return [
    ...functions.flatMap(([key, { node }]) =>
      node.kind === 'map' ? FUNCTION_RULES.flatMap((rule) => rule(node, ['functions', key])) : [],
    ),
    ...sameNames(
      functions.map(([key]) => key),
      root,
    ),
  ];
}

function broken(code: ErrorCode, position: Finding['position'], path: Path, message: string, fix: string): Finding {
  return { code, position, path, message, fix };
}

function reservedVariables(node: MapNode, path: Path): readonly Finding[] {
  return [...(mapAt(node, 'environment')?.entries ?? [])]
    .filter(([name]) => RESERVED_VARIABLES.has(name))
    .map(([name, { keyPosition }]) =>
      broken(
        'RESERVED_VARIABLE',
        keyPosition,
        [...path, 'environment', name],
        `Lambda sets ${name} itself and refuses it as a variable.`,
        'rename the variable.',
      ),
    );
}

function environmentSize(node: MapNode, path: Path): readonly Finding[] {
  const environment = mapAt(node, 'environment');
  if (environment === undefined) return [];
  const encoder = new TextEncoder();
  const problem = tooLargeEnvironment(
    [...environment.entries].map(([name, { node: leaf }]) => {
      // What a reference stands for is not known here.
      const value = leaf.kind === 'scalar' && !leaf.interpolated?.template ? leaf.source : '';
      return { name, jsonBytes: encoder.encode(JSON.stringify(value)).length - 2 };
    }),
  );
  if (problem === undefined) return [];
  const at = [...path, 'environment'];
  const message = `${formatPath(at)} takes ${problem.what}`;
  return [broken('ENVIRONMENT_TOO_LARGE', environment.position, at, message, problem.fix)];
}

function architecturesNeedCode(node: MapNode, path: Path): readonly Finding[] {
  const architectures = nodeAt(node, 'architectures');
  if (architectures === undefined || nodeAt(node, 'code') !== undefined) return [];
  const at = [...path, 'architectures'];
  const message = `${formatPath(at)} needs \`code\`: Lambda changes the architecture only together with an archive.`;
  return [
    broken('ARCHITECTURE_WITHOUT_CODE', architectures.position, at, message, 'add `code`, or remove `architectures`.'),
  ];
}

function ignoredPaths(node: MapNode, path: Path): readonly Finding[] {
  const list = nodeAt(node, 'ignoreChanges');
  if (list?.kind !== 'list') return [];
  return list.items.flatMap((item, index) => {
    const text = textAt(item);
    const [key = '', ...members] = text?.split('.') ?? [];
    if (text === undefined || key === 'tags' || fieldOf(key) !== undefined) {
      const isMember = members.length === 0 || key === 'environment' || key === 'tags' || fieldOf(key)?.struct === true;
      if (isMember && !members.includes('')) return [];
    }
    const at = [...path, 'ignoreChanges', index];
    const message = `${formatPath(at)} is "${text}", which is no setting of a function.`;
    return [
      broken(
        'BAD_IGNORED_PATH',
        item.position,
        at,
        message,
        'write a key such as layers, environment.NAME, tags.KEY or loggingConfig.logGroup.',
      ),
    ];
  });
}

/** JSON has no `.inf`, and a number over 2^53 would be sent as another one. */
function exactNumbers(node: MapNode, path: Path): readonly Finding[] {
  return [...scalarsOf(node, path)].flatMap(([scalar, at]) => {
    if (at[2] === 'environment' || typeof scalar.value !== 'number' || isExact(scalar.value)) return [];
    return [
      broken(
        'INEXACT_NUMBER',
        scalar.position,
        at,
        `${formatPath(at)} is ${scalar.source}, a number that JSON cannot carry exactly.`,
        `quote it: "${scalar.source}".`,
      ),
    ];
  });
}

function sameNames(keys: readonly string[], root: Node): readonly Finding[] {
  const first = new Map<string, string>();
  return keys.flatMap((key) => {
    const node = nodeAt(root, 'functions', key, 'name');
    const name = node === undefined ? key : textAt(node);
    if (name === undefined) return [];
    const place = `${textAt(root, 'functions', key, 'region') ?? textAt(root, 'region') ?? ''}:${name}`;
    const other = first.get(place);
    if (other === undefined) {
      first.set(place, key);
      return [];
    }
    const position = node?.position ??
      mapAt(root, 'functions')?.entries.get(key)?.keyPosition ?? { line: 1, column: 1 };
    const message = `functions.${other} and functions.${key} are both named "${name}" in AWS; each would undo the other.`;
    return [broken('SAME_NAME_TWICE', position, ['functions', key, 'name'], message, 'give one of them another name.')];
  });
}
