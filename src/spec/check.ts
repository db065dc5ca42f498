import type { ErrorObject } from 'ajv';
import { jsonPointer } from '../model/json.js';
import { explainValue, nearestTo, type Schema } from './explain.js';
import type { Finding } from './findings.js';
import validate from './generated/validate.js';
import { formatPath, mapScalars, nodeAt, toJson, type Node, type Path, type ScalarNode } from './node.js';

/**
 * Checks a tree against the schema. An expression that fills a whole scalar may stand for a number or a boolean where the
 * schema wants one: the returned tree has it as such. Each cause is one finding, at the key for unknown keys and at the value otherwise.
 */
export function checkSchema(root: Node): { readonly root: Node; readonly findings: readonly Finding[] } {
  let tree = root;
  let errors = errorsOf(tree);
  const wanted = new Set(errors.filter((error) => error.keyword === 'type').map((error) => error.instancePath));
  if (wanted.size > 0) {
    tree = mapScalars(tree, (node, path) => (wanted.has(jsonPointer(path)) ? literal(node) : node));
    if (tree !== root) errors = errorsOf(tree);
  }
  return { root: tree, findings: oneForEachCause(errors).flatMap((error) => explain(error, tree)) };
}

/**
 * Checks what stands under `environments`, chosen or not, as it is written: every key and value must be possible. What an
 * overlay leaves out is no error, and neither is text with `${…}`, which may become anything.
 */
export function checkAuthored(root: Node): readonly Finding[] {
  const errors = errorsOf(root).filter(({ instancePath, keyword }) => {
    if (!/^\/environments(\/|$)/.test(instancePath)) return false;
    const node = nodeAt(root, ...fromPointer(instancePath));
    const isOpen = node?.kind === 'scalar' && typeof node.value === 'string' && node.value.includes('${');
    return !isOpen && !INCOMPLETE.has(keyword);
  });
  return oneForEachCause(errors).flatMap((error) => explain(error, root));
}

/** What says that something is missing: the rest of the file may have it. */
const INCOMPLETE: ReadonlySet<string> = new Set(['required', 'oneOf']);

function errorsOf(root: Node): readonly ErrorObject[] {
  return validate(toJson(root)) ? [] : (validate.errors ?? []);
}

/** The number or boolean that the text of a whole `${NAME}` spells. */
function literal(node: ScalarNode): ScalarNode {
  if (!node.interpolated?.whole || typeof node.value !== 'string') return node;
  if (/^-?\d+(\.\d+)?$/.test(node.value)) return { ...node, value: Number(node.value) };
  return node.value === 'true' || node.value === 'false' ? { ...node, value: node.value === 'true' } : node;
}

function fromPointer(pointer: string): Path {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** ajv repeats itself: alternatives report all their branches, and a bad name is reported by its pattern and by its map. */
function oneForEachCause(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const alternatives = new Set(errors.filter((error) => error.keyword === 'anyOf').map((error) => error.instancePath));
  const choices = new Set(errors.filter((error) => error.keyword === 'oneOf').map((error) => error.instancePath));
  return errors.filter((error) => {
    if (error.keyword === 'propertyNames' || error.keyword === 'if') return false;
    if (error.keyword === 'anyOf') return typeof error.data !== 'object' || error.data === null;
    if (error.keyword === 'oneOf') return typeof error.data === 'object' && error.data !== null;
    if (error.keyword === 'required' && choices.has(error.instancePath)) return false;
    return !(error.keyword === 'type' && alternatives.has(error.instancePath));
  });
}

function explain(error: ErrorObject, root: Node): readonly Finding[] {
  const path = resolvePath(fromPointer(error.instancePath), root);
  const node = nodeAt(root, ...path);
  if (node === undefined || (node.kind === 'scalar' && node.interpolated?.failed)) return [];
  const params = error.params as Record<string, unknown>;
  if (error.keyword === 'additionalProperties')
    return [unknownKey(error, String(params.additionalProperty), path, root)];
  // `defaults` need not be complete.
  if (INCOMPLETE.has(error.keyword) && path[0] === 'defaults') return [];
  if (error.keyword === 'required') {
    const key = String(params.missingProperty);
    const where = path.length === 0 ? 'The file' : formatPath(path);
    const fix = key === 'version' ? 'add `version: 1`.' : `add \`${key}\`.`;
    return [
      { code: 'SCHEMA', position: node.position, path: [...path, key], message: `${where} has no \`${key}\`.`, fix },
    ];
  }
  if (error.propertyName !== undefined) return [badName(error, error.propertyName, path, root)];
  const [what, fix] = explainValue(error, node);
  return [{ code: 'SCHEMA', position: node.position, path, message: `${formatPath(path) || 'The file'} ${what}`, fix }];
}

/** JSON pointers do not tell list indexes from keys; the tree does. */
function resolvePath(path: Path, root: Node): Path {
  return path.map((step, depth) => (nodeAt(root, ...path.slice(0, depth))?.kind === 'list' ? Number(step) : step));
}

function unknownKey(error: ErrorObject, key: string, path: Path, root: Node): Finding {
  const map = nodeAt(root, ...path);
  const known = Object.keys((error.parentSchema as Schema).properties ?? {}).filter((name) => !name.startsWith('$'));
  const nearest = nearestTo(key, known);
  const where = path.length === 0 ? '' : ` in ${formatPath(path)}`;
  return {
    code: 'UNKNOWN_KEY',
    position: (map?.kind === 'map' ? map.entries.get(key)?.keyPosition : undefined) ?? { line: 1, column: 1 },
    path: [...path, key],
    message: `Unknown key \`${key}\`${where}${nearest ? `, did you mean \`${nearest}\`?` : '.'}`,
    fix: nearest ? `write \`${nearest}\`.` : `remove it; the keys here are ${known.join(', ')}.`,
  };
}

function badName(error: ErrorObject, name: string, path: Path, root: Node): Finding {
  const map = nodeAt(root, ...path);
  const position = (map?.kind === 'map' ? map.entries.get(name)?.keyPosition : undefined) ?? { line: 1, column: 1 };
  const expects = (error.parentSchema as Schema)['x-expects'] ?? 'another name';
  const limit = (error.params as { limit?: number }).limit;
  const message =
    error.keyword === 'pattern'
      ? `The name \`${name}\` in ${formatPath(path)} is not allowed; AWS takes ${expects}.`
      : `The name \`${name.slice(0, 40)}\` in ${formatPath(path)} has ${name.length} characters; AWS takes ${error.keyword === 'minLength' ? 'at least' : 'at most'} ${limit}.`;
  return { code: 'SCHEMA', position, path: [...path, name], message, fix: 'rename it.' };
}
