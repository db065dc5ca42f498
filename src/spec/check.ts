import type { ErrorObject } from 'ajv';
import { distance } from 'fastest-levenshtein';
import type { Finding } from './findings.js';
import validate from './generated/validate.js';
import { formatPath, mapScalars, nodeAt, toJson, type Node, type Path, type ScalarNode } from './node.js';

/** The keywords of the schema that explain an error. */
interface Schema {
  readonly type?: string | readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly examples?: readonly unknown[];
  readonly 'x-unit'?: string;
  readonly 'x-expects'?: string;
}

/** What is wrong, without the path, and what to do. */
type Explanation = readonly [what: string, fix: string];

/** Two typing mistakes in a word of eight letters; more is another word. */
const NEARBY = 0.34;

/**
 * Checks a tree against the schema. An expression that fills a whole scalar may stand for a number or a boolean where the
 * schema wants one: the returned tree has it as such. Each cause is one finding, at the key for unknown keys and at the value otherwise.
 */
export function checkSchema(root: Node): { readonly root: Node; readonly findings: readonly Finding[] } {
  let tree = root;
  let errors = errorsOf(tree);
  const wanted = new Set(errors.filter((error) => error.keyword === 'type').map((error) => error.instancePath));
  if (wanted.size > 0) {
    tree = mapScalars(tree, (node, path) => (wanted.has(toPointer(path)) ? literal(node) : node));
    if (tree !== root) errors = errorsOf(tree);
  }
  return { root: tree, findings: oneForEachCause(errors).flatMap((error) => explain(error, tree)) };
}

function errorsOf(root: Node): readonly ErrorObject[] {
  return validate(toJson(root)) ? [] : (validate.errors ?? []);
}

/** The number or boolean that the text of a whole `${NAME}` spells. */
function literal(node: ScalarNode): ScalarNode {
  if (!node.interpolated?.whole || typeof node.value !== 'string') return node;
  if (/^-?\d+(\.\d+)?$/.test(node.value)) return { ...node, value: Number(node.value) };
  return node.value === 'true' || node.value === 'false' ? { ...node, value: node.value === 'true' } : node;
}

function toPointer(path: Path): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
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
  return errors.filter((error) => {
    if (error.keyword === 'propertyNames' || error.keyword === 'if') return false;
    if (error.keyword === 'anyOf') return typeof error.data !== 'object' || error.data === null;
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
  if (error.keyword === 'required') {
    const key = String(params.missingProperty);
    const where = path.length === 0 ? 'The file' : formatPath(path);
    return path[0] === 'defaults'
      ? []
      : [
          {
            code: 'SCHEMA',
            position: node.position,
            path: [...path, key],
            message: `${where} has no \`${key}\`.`,
            fix: key === 'version' ? 'add `version: 1`.' : `add \`${key}\`.`,
          },
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
  const [nearest] = known
    .map((name) => ({ name, far: distance(key.toLowerCase(), name.toLowerCase()) / Math.max(key.length, name.length) }))
    .filter(({ far }) => far <= NEARBY)
    .sort((a, b) => a.far - b.far);
  const where = path.length === 0 ? '' : ` in ${formatPath(path)}`;
  return {
    code: 'UNKNOWN_KEY',
    position: (map?.kind === 'map' ? map.entries.get(key)?.keyPosition : undefined) ?? { line: 1, column: 1 },
    path: [...path, key],
    message: `Unknown key \`${key}\`${where}${nearest ? `, did you mean \`${nearest.name}\`?` : '.'}`,
    fix: nearest ? `write \`${nearest.name}\`.` : `remove it; the keys here are ${listOf(known)}.`,
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

function explainValue(error: ErrorObject, node: Node): Explanation {
  const schema = error.parentSchema as Schema;
  const { limit } = error.params as { limit?: number };
  const unit = schema['x-unit'] === undefined ? '' : ` ${schema['x-unit']}`;
  const example = schema.examples?.[0];
  const like = example === undefined ? '' : `, like ${typeof example === 'string' ? example : JSON.stringify(example)}`;
  switch (error.keyword) {
    case 'type':
    case 'anyOf':
      return explainType(error.keyword === 'anyOf' ? ['object', 'array'] : [schema.type ?? []].flat(), node);
    case 'minimum':
    case 'maximum': {
      const range =
        schema.maximum === undefined ? `${schema.minimum} or more` : `${schema.minimum} to ${schema.maximum}`;
      const bound = error.keyword === 'minimum' ? 'more' : 'less';
      return [`is ${show(node)}; Lambda allows ${range}${unit}.`, `set it to ${limit} or ${bound}.`];
    }
    case 'maxLength':
      return [`has ${[...textOf(node)].length} characters; AWS allows at most ${limit}.`, 'shorten it.'];
    case 'minLength':
      return ['is empty.', `write a value${like}, or remove the line.`];
    case 'maxItems':
      return [
        `has ${sizeOf(node)} entries; Lambda allows at most ${limit}.`,
        `remove ${sizeOf(node) - Number(limit)}.`,
      ];
    case 'minItems':
    case 'minProperties':
      return ['is empty.', `add an entry${like}.`];
    case 'maxProperties':
      return [`has ${sizeOf(node)} entries; AWS allows at most ${limit}.`, `remove ${sizeOf(node) - Number(limit)}.`];
    case 'uniqueItems':
      return ['names an entry twice.', 'remove one of the two.'];
    case 'enum':
      return explainEnum((schema.enum ?? []).filter((value) => value !== null).map(String), node);
    case 'const':
      return [`is ${show(node)}; the only version of the format is 1.`, 'set it to 1.'];
    case 'pattern':
      return [`is ${show(node)}; it must be ${schema['x-expects'] ?? 'something else'}.`, `correct it${like}.`];
    case 'false schema':
      return [
        'cannot stand beside `version: $LATEST`: it has no version to check or to go back to.',
        'remove it, or remove `version`.',
      ];
    default:
      return [`is not allowed: it ${error.message ?? 'breaks the schema'}.`, 'see the schema.'];
  }
}

function explainType(types: readonly string[], node: Node): Explanation {
  const wanted = [...new Set(types.filter((type) => type !== 'null').map((type) => TYPE_WORDS[type] ?? type))].join(
    ' or ',
  );
  const isText =
    node.kind === 'scalar' && typeof node.value !== 'string' && node.value !== null && types.includes('string');
  if (isText)
    return [`is ${node.source}, a ${typeof node.value} for YAML; it must be text.`, `quote it: "${node.source}".`];
  if (node.kind === 'scalar' && node.value === null)
    return [`is ${node.source === '' ? 'empty' : 'null'}; it must be ${wanted}.`, 'write a value, or remove the line.'];
  // A scalar in the place of `environment` may be anything: it is named, not shown.
  const what =
    types.includes('object') && node.kind === 'scalar' ? (TYPE_WORDS[typeof node.value] ?? 'a value') : show(node);
  return [`is ${what}; it must be ${wanted}.`, `write ${wanted}.`];
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  object: 'a map',
  array: 'a list',
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
};

function explainEnum(allowed: readonly string[], node: Node): Explanation {
  const text = textOf(node);
  const [nearest] = [...allowed].sort((a, b) => distance(text, a) - distance(text, b));
  const close =
    nearest !== undefined && distance(text, nearest) <= Math.max(1, text.length * NEARBY) ? nearest : undefined;
  const choices = allowed.length > 8 ? ', which Lambda does not know' : `; it must be ${allowed.join(' or ')}`;
  return [
    `is ${show(node)}${choices}${close ? `, did you mean ${close}?` : '.'}`,
    close ? `write ${close}.` : `write one of ${listOf(allowed)}.`,
  ];
}

function textOf(node: Node): string {
  return node.kind === 'scalar' ? String(node.value ?? '') : '';
}

function sizeOf(node: Node): number {
  return node.kind === 'list' ? node.items.length : node.kind === 'map' ? node.entries.size : 0;
}

/** A scalar as a person knows it; long text is cut. */
function show(node: Node): string {
  if (node.kind !== 'scalar') return `a ${node.kind}`;
  if (typeof node.value !== 'string') return node.source;
  return node.value.length > 60 ? `"${node.value.slice(0, 57)}…"` : `"${node.value}"`;
}

function listOf(words: readonly string[]): string {
  return words.join(', ');
}
