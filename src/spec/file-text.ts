import { Document, isMap, isScalar, type YAMLMap } from 'yaml';
import type { Json, JsonObject } from '../model/json.js';
import { toText } from './render-desired.js';

/** Where the package keeps the schema, seen from a project that has installed it. */
const SCHEMA = 'yaml-language-server: $schema=./node_modules/lambda-deploy/schemas/lambda.deploy.schema.json';

/**
 * A `lambda.deploy.yaml` that reads back as exactly these values: what looks like a number is quoted, functions stand apart.
 *
 * @param top everything but the functions, in the order of the format's reference; an expression in it is one
 * @param functions absent: only environments have some
 * @param header lines before everything, as comments
 * @param annotate puts comments into the map of the functions
 */
export function toFileText(
  top: JsonObject,
  functions: JsonObject | ReadonlyMap<string, Json> | undefined,
  header: readonly string[] = [],
  annotate: (functions: YAMLMap) => void = () => undefined,
): string {
  const document = new Document(top);
  const contents = document.contents as YAMLMap;
  contents.commentBefore = [SCHEMA, ...header].map((line) => ` ${line}`).join('\n');
  if (functions !== undefined) {
    const map = document.createNode(functions) as YAMLMap;
    const at = contents.items.findIndex((pair) => isScalar(pair.key) && pair.key.value === 'environments');
    contents.items.splice(at === -1 ? contents.items.length : at, 0, document.createPair('functions', null));
    document.set('functions', map);
    annotate(map);
    spaceBetween(map);
  }
  for (const key of ['functions', 'environments']) spaceBefore(contents, key);
  const environments = document.get('environments');
  if (isMap(environments)) spaceBetween(environments);
  return toText(document);
}

function spaceBetween(map: YAMLMap): void {
  map.items.slice(1).forEach((pair) => {
    if (isScalar(pair.key)) pair.key.spaceBefore = true;
  });
}

function spaceBefore(map: YAMLMap, key: string): void {
  const found = map.items.find((pair) => isScalar(pair.key) && pair.key.value === key)?.key;
  if (isScalar(found)) found.spaceBefore = true;
}
