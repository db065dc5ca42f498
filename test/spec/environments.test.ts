import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeOverlay } from '../../src/spec/environments.js';
import { loadEnvironments } from '../../src/spec/load.js';
import { mapToJson, type MapNode } from '../../src/spec/node.js';
import { parseFile } from '../../src/spec/parse.js';
import { findingsOf, folderWith, load } from './helpers.js';

const merged = async (base: string, overlay: string, environment = 'staging') =>
  (await load(`version: 1\n${base}\nenvironments:\n  staging: ${overlay}\n  production: {}\n`, {}, { environment }))
    .rendered['functions'];

describe('an environment is merged over the rest', () => {
  it.each([
    [
      'maps merge',
      'functions: { a: { tags: { x: "1", y: "1" } } }',
      '{ functions: { a: { tags: { y: "2" } } } }',
      { a: { tags: { x: '1', y: '2' } } },
    ],
    [
      'lists replace',
      'functions: { a: { ignoreChanges: [layers] } }',
      '{ functions: { a: { ignoreChanges: [timeout] } } }',
      { a: { ignoreChanges: ['timeout'] } },
    ],
    [
      'null resets',
      'functions: { a: { timeout: 30 } }',
      '{ functions: { a: { timeout: null } } }',
      { a: { timeout: null } },
    ],
    ['null leaves a function out', 'functions: { a: {}, b: {} }', '{ functions: { a: null } }', { b: {} }],
    [
      'a function of its own',
      'functions: { a: {} }',
      '{ functions: { b: { timeout: 5 } } }',
      { a: {}, b: { timeout: 5 } },
    ],
    [
      'defaults come after it',
      'defaults: { timeout: 3, memorySize: 128 }\nfunctions: { a: { memorySize: 256 } }',
      '{ defaults: { timeout: 9, memorySize: 512 } }',
      { a: { timeout: 9, memorySize: 256 } },
    ],
    [
      'an alias with nothing keeps what it has',
      'functions: { a: { aliases: { live: { autoRollback: false } } } }',
      '{ functions: { a: { aliases: { live: } } } }',
      { a: { aliases: { live: { autoRollback: false } } } },
    ],
    [
      'another source of code replaces the first',
      'functions: { a: { code: { zip: a.zip } } }',
      '{ functions: { a: { code: { zip: b.zip } } } }',
      { a: { code: { zip: 'b.zip' } } },
    ],
    ['nothing after its name changes nothing', 'functions: { a: { timeout: 3 } }', '', { a: { timeout: 3 } }],
    [
      'variables keep their text',
      'functions: { a: { environment: { AA: 1.10 } } }',
      '{ functions: { a: { environment: { BB: 2.20 } } } }',
      { a: { environment: { AA: '1.10', BB: '2.20' } } },
    ],
  ])('%s', async (_, base, overlay, expected) => expect(await merged(base, overlay)).toEqual(expected));

  it('the other one is as the file says', async () => {
    expect(
      await merged('functions: { a: { timeout: 3 } }', '{ functions: { a: { timeout: 9 } } }', 'production'),
    ).toEqual({
      a: { timeout: 3 },
    });
  });

  it('brings region, account and store, and has a name', async () => {
    const text = `version: 1
region: us-east-1
functions: { a: { name: "a-\${config:environment}-\${config:region}-\${config:account}" } }
environments:
  staging: { region: eu-west-1, account: "210987654321", metadata: "file:.staging" }
`;
    const spec = await load(text, {}, { environment: 'staging' });
    expect(spec).toMatchObject({
      environment: 'staging',
      environments: ['staging'],
      region: 'eu-west-1',
      account: '210987654321',
      metadata: { store: 'file' },
    });
    expect(spec.functions[0]?.name).toBe('a-staging-eu-west-1-210987654321');
  });

  it('variables of another environment may be unset', async () => {
    const text =
      'version: 1\nfunctions: { a: { timeout: "${T}" } }\nenvironments:\n  one: { functions: { a: { timeout: 5 } } }\n  two: {}\n';
    expect((await load(text, {}, { environment: 'one' })).functions[0]?.settings.timeout).toBe(5);
    expect(await findingsOf(text, {}, { environment: 'two' })).toHaveLength(1);
  });
});

it('a finding points to where the value stands: in the overlay or below it', async () => {
  const text = `version: 1
functions:
  a:
    memorySize: 64
    timeout: 5
environments:
  staging:
    functions:
      a:
        timeout: "\${T}"
`;
  const found = await findingsOf(text, { T: '1000' }, { environment: 'staging' });
  expect(found.map(({ location }) => [location?.line, location?.column])).toEqual([
    [4, 17],
    [10, 18],
  ]);
});

describe('without a choice', () => {
  const text =
    'version: 1\nfunctions: { a: { description: "build ${BUILD_NUMBER}" } }\nenvironments: { one: {}, two: { functions: { a: { timeout: 5 } } } }\n';

  it('each environment is loaded, and a warning about all is given once', async () => {
    const cwd = await folderWith({ 'lambda.deploy.yaml': text });
    const all = await loadEnvironments({ cwd, variables: { BUILD_NUMBER: '7' } });
    expect(all.map(({ environment }) => environment)).toEqual(['one', 'two']);
    expect(all.map(({ functions }) => functions[0]?.settings.timeout)).toEqual([undefined, 5]);
    expect(all.flatMap(({ warnings }) => warnings)).toHaveLength(1);
  });

  it.each([
    ['the chosen one alone', { environment: 'two' }, ['two']],
    ['a file without environments is itself', {}, [undefined]],
  ])('%s', async (_, options, expected) => {
    const plainText = text.split('\n').slice(0, 2).join('\n');
    const cwd = await folderWith({ 'lambda.deploy.yaml': 'environment' in options ? text : plainText });
    const all = await loadEnvironments({ cwd, variables: { BUILD_NUMBER: '7' }, ...options });
    expect(all.map(({ environment }) => environment)).toEqual(expected);
  });
});

const toNode = (value: unknown): MapNode => {
  const parsed = parseFile(new TextEncoder().encode(JSON.stringify(value)));
  if (!('root' in parsed) || parsed.root.kind !== 'map') throw new Error('no map');
  return parsed.root;
};

describe('merging is associative where a path that is a map in one overlay is a map in all', () => {
  const scalar = fc.constantFrom(1, 2, null);
  // Whatever replaces whole may mix: lists, scalars, and null, which resets.
  const list = fc.constantFrom<unknown>(['x'], ['y', 'z'], [], null, 1);
  const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
  const map = (shape: Record<string, fc.Arbitrary<unknown>>) =>
    fc.record(Object.fromEntries(Object.entries(shape).map(([key, value]) => [key, optional(value)])));
  const code = fc.oneof(
    map({ bucket: scalar }),
    fc.record({ zip: scalar }),
    fc.record({ zip: scalar, reproducible: scalar }),
  );
  const one = map({
    timeout: scalar,
    layers: list,
    tags: map({ a: scalar, b: scalar }),
    aliases: map({ live: map({ description: scalar }), canary: map({ version: scalar }) }),
    code,
  });
  const file = map({ region: scalar, defaults: one, functions: map({ a: one, b: one }) });

  it('(a + b) + c is a + (b + c), and the last one wins', () => {
    fc.assert(
      fc.property(file, file, file, (a, b, c) => {
        const [base, middle, last] = [toNode(a), toNode(b), toNode(c)];
        const left = mapToJson(mergeOverlay(mergeOverlay(base, middle), last));
        const right = mapToJson(mergeOverlay(base, mergeOverlay(middle, last)));
        expect(left).toEqual(right);
        if (c.region !== undefined) expect(left['region']).toBe(c.region);
      }),
      { numRuns: 300 },
    );
  });

  it.each<[reason: string, files: readonly [unknown, unknown, unknown], left: unknown, right: unknown]>([
    [
      'a map, null, and a map again: null resets only what it is merged over',
      [
        { functions: { a: { tags: { x: 1 } } } },
        { functions: { a: { tags: null } } },
        { functions: { a: { tags: { y: 2 } } } },
      ],
      { functions: { a: { tags: { y: 2 } } } },
      { functions: { a: { tags: { x: 1, y: 2 } } } },
    ],
    [
      'a function left out of an overlay, which is gone before it meets the file',
      [{ functions: { a: { timeout: 1 } } }, { functions: { a: { timeout: 2 } } }, { functions: { a: null } }],
      { functions: {} },
      { functions: { a: { timeout: 1 } } },
    ],
  ])('not outside of that: %s', (_, files, left, right) => {
    const [base, middle, last] = files.map(toNode) as [MapNode, MapNode, MapNode];
    expect(mapToJson(mergeOverlay(mergeOverlay(base, middle), last))).toEqual(left);
    expect(mapToJson(mergeOverlay(base, mergeOverlay(middle, last)))).toEqual(right);
  });

  it('nothing over a file, and a file over nothing, is the file', () => {
    fc.assert(
      fc.property(file, (a) => {
        const [node, empty] = [toNode(a), toNode({})];
        expect(mapToJson(mergeOverlay(node, empty))).toEqual(mapToJson(node));
        expect(mapToJson(mergeOverlay(empty, node))).toEqual(mapToJson(node));
      }),
    );
  });
});
