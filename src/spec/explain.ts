import type { ErrorObject } from 'ajv';
import { distance } from 'fastest-levenshtein';
import type { Node } from './node.js';

/** The keywords of the schema that explain an error. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly examples?: readonly unknown[];
  readonly 'x-unit'?: string;
  readonly 'x-expects'?: string;
  /** Who sets the limit, where it is not Lambda. */
  readonly 'x-whose'?: string;
}

/** What is wrong, without the path, and what to do. */
export type Explanation = readonly [what: string, fix: string];

/** Two typing mistakes in a word of eight letters; more is another word. */
const NEARBY = 0.34;

/** The word that was probably meant: the nearest, if it is near enough. */
export function nearestTo(word: string, words: readonly string[]): string | undefined {
  const far = (other: string) =>
    distance(word.toLowerCase(), other.toLowerCase()) / Math.max(word.length, other.length);
  const [nearest] = [...words].sort((a, b) => far(a) - far(b));
  return nearest !== undefined && far(nearest) <= NEARBY ? nearest : undefined;
}

/** What the schema has against a value, in words that follow its path, and what to do about it. */
export function explainValue(error: ErrorObject, node: Node): Explanation {
  const schema = error.parentSchema as Schema;
  const { limit } = error.params as { limit?: number };
  const unit = schema['x-unit'] === undefined ? '' : ` ${schema['x-unit']}`;
  const who = schema['x-whose'] ?? 'Lambda';
  const example = schema.examples?.[0];
  const like = example === undefined ? '' : `, like ${typeof example === 'string' ? example : JSON.stringify(example)}`;
  switch (error.keyword) {
    case 'type':
      return explainType([schema.type ?? []].flat(), node, like);
    case 'anyOf': {
      const orNothing = (schema.anyOf ?? []).some(({ type }) => type === 'null');
      return explainType(orNothing ? ['object'] : ['object', 'array'], node, like);
    }
    case 'oneOf':
      return explainChoice(
        (schema.oneOf ?? []).flatMap(({ required = [] }) => required),
        node,
      );
    case 'minimum':
    case 'maximum': {
      const range =
        schema.maximum === undefined ? `${schema.minimum} or more` : `${schema.minimum} to ${schema.maximum}`;
      const bound = error.keyword === 'minimum' ? 'more' : 'less';
      return [`is ${show(node)}; ${who} allows ${range}${unit}.`, `set it to ${limit} or ${bound}.`];
    }
    case 'maxLength':
      return [`has ${counted([...textOf(node)].length, 'character')}; AWS allows at most ${limit}.`, 'shorten it.'];
    case 'minLength':
      if (textOf(node) !== '')
        return [
          `has ${counted([...textOf(node)].length, 'character')}; AWS wants at least ${limit}.`,
          `correct it${like}.`,
        ];
      return ['is empty.', `write a value${like}, or remove the line.`];
    case 'maxItems':
      return [
        `has ${sizeOf(node)} entries; ${who} allows at most ${limit}.`,
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
        'cannot stand beside `version: $LATEST`: it has no version to check, to shift to or to go back to.',
        'remove it, or remove `version`.',
      ];
    default:
      return [`is not allowed: it ${error.message ?? 'breaks the schema'}.`, 'see the schema.'];
  }
}

function explainType(types: readonly string[], node: Node, like: string): Explanation {
  const wanted = [...new Set(types.filter((type) => type !== 'null').map((type) => TYPE_WORDS[type] ?? type))].join(
    ' or ',
  );
  const isText =
    node.kind === 'scalar' && typeof node.value !== 'string' && node.value !== null && types.includes('string');
  if (isText)
    return [`is ${node.source}, a ${typeof node.value} for YAML; it must be text.`, `quote it: "${node.source}".`];
  if (node.kind === 'scalar' && node.value === null)
    return explainNothing(node.source !== '', wanted, types.includes('string') && types.includes('number'));
  // A scalar in the place of `environment` may be anything: it is named, not shown.
  const what =
    types.includes('object') && node.kind === 'scalar' ? (TYPE_WORDS[typeof node.value] ?? 'a value') : show(node);
  return [`is ${what}; it must be ${wanted}.`, `write ${wanted}${types.includes('object') ? like : ''}.`];
}

function explainNothing(isNull: boolean, wanted: string, mayBeText: boolean): Explanation {
  const fix = `write a value${mayBeText ? ' ("" for an empty one)' : ''}, or remove the line.`;
  return [
    isNull
      ? `is null, and there is no default to reset it to; it must be ${wanted}.`
      : `is empty; it must be ${wanted}.`,
    fix,
  ];
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  object: 'a map',
  array: 'a list',
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
};

/** A map that needs exactly one of these keys. */
function explainChoice(keys: readonly string[], node: Node): Explanation {
  const found = keys.filter((key) => node.kind === 'map' && node.entries.has(key));
  const list = `${keys.slice(0, -1).join(', ')} or ${keys.at(-1) ?? ''}`;
  if (found.length === 0) return [`has none of ${keys.join(', ')}; it needs exactly one.`, `add ${list}.`];
  return [`has ${found.join(' and ')}; it needs exactly one.`, `keep one of them.`];
}

function explainEnum(allowed: readonly string[], node: Node): Explanation {
  const close = nearestTo(textOf(node), allowed);
  const choices = allowed.length > 8 ? ', which Lambda does not know' : `; it must be ${allowed.join(' or ')}`;
  return [
    `is ${show(node)}${choices}${close ? `, did you mean ${close}?` : '.'}`,
    close ? `write ${close}.` : `write one of ${allowed.join(', ')}.`,
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
