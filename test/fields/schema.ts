import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly $defs?: Readonly<Record<string, Schema>>;
}

const root = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../schemas/lambda.deploy.schema.json', import.meta.url)), 'utf8'),
) as Schema;

/** Every key that may stand in a function, nested ones too; `*` is a name of the user's, `[]` an item of a list. */
export function functionPaths(): readonly string[] {
  return [...new Set(below({ $ref: '#/$defs/function' }, ''))].sort();
}

function below(node: Schema, at: string): string[] {
  const schema = node.$ref === undefined ? node : (root.$defs?.[node.$ref.replace('#/$defs/', '')] ?? {});
  const { properties = {}, additionalProperties, items, anyOf = [] } = schema;
  const prefix = at === '' ? '' : `${at}.`;
  return [
    ...Object.entries(properties).flatMap(([key, inner]) => [`${prefix}${key}`, ...below(inner, `${prefix}${key}`)]),
    ...(typeof additionalProperties === 'object' ? below(additionalProperties, `${prefix}*`) : []),
    ...(items === undefined ? [] : below(items, `${at}[]`)),
    // A list of what stands alone too has the same keys.
    ...anyOf.flatMap((inner) => below(inner.items ?? inner, at)),
  ];
}
