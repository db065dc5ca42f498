import { Document, visit } from 'yaml';
import type { Json, JsonObject } from '../model/json.js';
import { printableJson } from '../model/printable.js';
import { mapAt, mapToJson, toJson, type Node, type ScalarNode } from './node.js';

/**
 * The desired state as a file that says the same: after defaults and interpolation, with `region` as it is used. Variables
 * whose names say that they are secrets stay references, and a literal `${` is escaped, so that it can be loaded again.
 */
export function renderDesired(root: Node, region: string | undefined): JsonObject {
  const functions = [...(mapAt(root, 'functions')?.entries ?? [])].map(([key, { node }]) => [key, toJson(node, shown)]);
  const {
    version = 1,
    account,
    metadata = 'tags',
    requireAncestry,
  } = root.kind === 'map' ? mapToJson(root, shown) : {};
  return {
    version,
    ...(region === undefined ? {} : { region }),
    ...(account === undefined ? {} : { account }),
    metadata,
    ...(requireAncestry === undefined ? {} : { requireAncestry }),
    functions: Object.fromEntries(functions),
  };
}

/**
 * How YAML is written that reads back as the same values. The library's block scalars lose a first line of spaces, and its folded
 * lines may gain a backslash; hence neither: text of several lines stands in quotes.
 */
export const FAITHFUL = { lineWidth: 0, blockQuote: false } as const;

/** A document as YAML that reads back as the same values; characters in text that hide or pose as others are escaped. */
export function toText(document: Document): string {
  visit(document, {
    Scalar: (_, node) => {
      if (typeof node.value === 'string' && printableJson(node.value) !== node.value) node.type = 'QUOTE_DOUBLE';
    },
  });
  return printableJson(document.toString(FAITHFUL));
}

/** A rendered document as YAML 1.2, two spaces, no line folded. */
export function toYaml(document: Json): string {
  return toText(new Document(document));
}

function shown(scalar: ScalarNode): Json {
  // Judged by the schema as a number or boolean, it is shown as one.
  if (typeof scalar.value !== 'string') return scalar.value;
  return scalar.interpolated?.shown ?? scalar.value;
}
