import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { FIELDS } from '../../src/model/fields.js';

const TYPES = join(
  dirname(createRequire(import.meta.url).resolve('@aws-sdk/client-lambda/package.json')),
  'dist-types/models',
);
const models = readFileSync(join(TYPES, 'models_0.d.ts'), 'utf8').replaceAll(/\/\*\*[\s\S]*?\*\//g, '');
const enums = readFileSync(join(TYPES, 'enums.d.ts'), 'utf8');

interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly description?: string;
  readonly additionalProperties?: unknown;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly [key: string]: unknown;
}
const schema = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../schemas/lambda.deploy.schema.json', import.meta.url)), 'utf8'),
) as Schema;
const functionKeys = schema.$defs?.function?.properties ?? {};

/** Members of an interface of the SDK, with their types as written. */
function membersOf(name: string): ReadonlyMap<string, string> {
  const body = new RegExp(`export interface ${name} \\{([^}]*)\\}`).exec(models)?.[1];
  if (body === undefined) throw new Error(`the SDK has no ${name}`);
  return new Map(
    [...body.matchAll(/(\w+)\??: ([^;]+);/g)].map(([, key = '', type = '']) => [
      key,
      type.replaceAll(/ \| undefined/g, ''),
    ]),
  );
}

function valuesOf(name: string): readonly string[] {
  const body = new RegExp(`declare const ${name}: \\{([^}]*)\\}`).exec(enums)?.[1];
  if (body === undefined) throw new Error(`the SDK has no enum ${name}`);
  return [...body.matchAll(/"(.*?)"/g)].map(([, value = '']) => value);
}

/** `KMSKeyArn` → `kmsKeyArn`: a leading acronym is lowered whole. */
function toKey(member: string): string {
  return member.replace(/^[A-Z]+(?=[A-Z][a-z]|$)|^[A-Z]/, (start) => start.toLowerCase());
}

describe('the table of settings', () => {
  const members = [...membersOf('UpdateFunctionConfigurationRequest').keys()];

  it('has every member of UpdateFunctionConfiguration but the name and the lock token', () => {
    const inTable = FIELDS.filter(({ sentWith }) => sentWith === 'configuration').map(({ member }) => member);
    expect(inTable.toSorted()).toEqual(
      members.filter((name) => name !== 'FunctionName' && name !== 'RevisionId').toSorted(),
    );
  });

  it('sends architectures with the code', () => {
    expect(FIELDS.filter(({ sentWith }) => sentWith === 'code').map(({ member }) => member)).toEqual(['Architectures']);
    expect(membersOf('UpdateFunctionCodeRequest').has('Architectures')).toBe(true);
  });

  it.each(FIELDS.map((field) => [field.member, field.key]))('%s is %s', (member, key) =>
    expect(toKey(member)).toBe(key),
  );
});

describe('the schema', () => {
  const OWN = [
    'name',
    'region',
    'code',
    'codeSigningConfigArn',
    'manage',
    'tags',
    'versionDescription',
    'ignoreChanges',
    'aliases',
  ];

  it('has the settings of the table and the keys of its own, and no others', () => {
    expect(Object.keys(functionKeys).toSorted()).toEqual([...OWN, ...FIELDS.map(({ key }) => key)].toSorted());
  });

  it.each(FIELDS.map((field) => [field.key, field.reset !== undefined]))('%s takes null: %s', (key, isResettable) => {
    expect([functionKeys[key]?.type ?? []].flat().includes('null')).toBe(isResettable);
  });

  it.each(FIELDS.filter(({ struct }) => struct).map((field) => [field.key, field.member]))(
    '%s has the members and values of the SDK',
    (key, type) => compare(functionKeys[key], type),
  );

  it('fileSystemConfigs has the members and values of the SDK', () =>
    compare(functionKeys.fileSystemConfigs?.items, 'FileSystemConfig'));

  it('knows the runtimes and architectures of the SDK', () => {
    expect(functionKeys.runtime?.enum?.toSorted()).toEqual(valuesOf('Runtime').toSorted());
    expect(functionKeys.architectures?.items?.enum?.toSorted()).toEqual(valuesOf('Architecture').toSorted());
  });

  it('closes every map and describes every key', () => {
    const open: string[] = [];
    const mute: string[] = [];
    walk(schema, '#', (node, path) => {
      if (node.properties && node.additionalProperties !== false) open.push(path);
      for (const [key, property] of Object.entries(node.properties ?? {}))
        if (typeof property.description !== 'string') mute.push(`${path}.${key}`);
    });
    expect({ open, mute }).toEqual({ open: [], mute: [] });
  });
});

function compare(node: Schema | undefined, type: string): void {
  const members = membersOf(type);
  expect(Object.keys(node?.properties ?? {}).toSorted()).toEqual([...members.keys()].map(toKey).toSorted());
  for (const [member, memberType] of members) {
    const property = node?.properties?.[toKey(member)];
    if (property?.properties) compare(property, memberType);
    else if (property?.enum) expect(property.enum.toSorted()).toEqual(valuesOf(memberType).toSorted());
  }
}

function walk(node: Schema, path: string, visit: (node: Schema, path: string) => void): void {
  if (typeof node !== 'object' || node === null) return;
  // `if` and `then` look at keys that are described elsewhere.
  visit(node, path);
  for (const [key, child] of Object.entries(node))
    if (!['examples', 'if', 'then', 'enum'].includes(key)) walk(child as Schema, `${path}/${key}`, visit);
}
