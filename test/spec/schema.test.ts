import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');

type Schema = Readonly<Record<string, unknown>>;
const schema = JSON.parse(read('schemas/lambda.deploy.schema.json')) as Schema;

const ajv = new Ajv2020({ allowUnionTypes: true, strictSchema: false });
ajv.addSchema({ $id: 'file', $defs: schema.$defs });

/** Every example and default that the schema shows, with the schema that must accept it. */
function* shown(node: unknown, path: string): Generator<readonly [path: string, node: Schema, value: unknown]> {
  if (typeof node !== 'object' || node === null) return;
  const { examples, default: standard, ...rest } = node as Schema & { examples?: unknown; default?: unknown };
  if (Array.isArray(examples)) for (const example of examples) yield [path, node as Schema, example];
  if (standard !== undefined) yield [path, node as Schema, standard];
  for (const [key, child] of Object.entries(rest)) yield* shown(child, `${path}/${key}`);
}

describe('what an editor shows is right', () => {
  it.each([...shown(schema, '#')].map(([path, node, value]) => ({ path, node, value })))(
    '$path: $value',
    ({ node, value }) => {
      const absolute = JSON.parse(JSON.stringify(node).replaceAll('"#/$defs/', '"file#/$defs/')) as Schema;
      const { $id: _, ...anonymous } = absolute;
      const validate = ajv.compile(anonymous);
      expect(validate(value), JSON.stringify(validate.errors)).toBe(true);
    },
  );
});

it('the compiled validator needs nothing at run time', () => {
  const code = read('src/spec/generated/validate.js');
  // Compared as flags: a failure would otherwise print the whole validator.
  expect([/export\s*\{/.test(code), /(^|[;\n])import\b|= ?require\(|__require/.test(code)]).toEqual([true, false]);
});

it('README has the reference as the schema has it (npm run docs writes it)', async () => {
  const script = fileURLToPath(new URL('../../scripts/docs.mjs', import.meta.url));
  const { withReference } = (await import(script)) as {
    withReference: (readme: string, schema: unknown) => Promise<string>;
  };
  const readme = read('README.md');
  expect((await withReference(readme, schema)) === readme).toBe(true);
});

describe('an editor explains every key', () => {
  const silent: string[] = [];
  const walk = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return;
    const { properties = {} } = node as { properties?: Record<string, Schema> };
    for (const [key, property] of Object.entries(properties)) {
      if (typeof property !== 'object') continue;
      const target = JSON.stringify(property).includes('"$ref"') ? { examples: [] } : property;
      const says = ['examples', 'default', 'enum', 'const', 'properties'].some((word) => word in target);
      // `true` and `false` are what there is to complete.
      if (!says && target.type !== 'boolean') silent.push(`${path}/${key}`);
      if (typeof property.description !== 'string' || property.description.length < 10) silent.push(`${path}/${key}`);
    }
    for (const [key, child] of Object.entries(node)) if (key !== 'if' && key !== 'then') walk(child, `${path}/${key}`);
  };
  walk(schema, '#');

  it('with a description, and an example, a default or the values to choose from', () => expect(silent).toEqual([]));
});
