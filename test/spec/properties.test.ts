import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify, type ToStringOptions } from 'yaml';
import { reveal } from '../../src/model/secret.js';
import { toSpecFunction } from '../../src/spec/desired.js';
import { specDigest } from '../../src/spec/digest.js';
import { interpolate } from '../../src/spec/interpolate.js';
import { mapAt, toJson } from '../../src/spec/node.js';
import { parseFile } from '../../src/spec/parse.js';
import { toYaml } from '../../src/spec/render-desired.js';
import { readWritten, resolveTree } from '../../src/spec/read.js';

/** What YAML, JSON and our own expressions give a meaning to, and what encodings stumble over. */
const META = [
  ...'ab01:-_. {}[]<>()\n\r\t"\'`&*!|>%@#?,~=\\/$',
  '${',
  '$${',
  '${A}',
  '<<',
  '---',
  ': ',
  'é',
  '\u2028',
  '😀',
];
const hostile = fc.string({ unit: fc.constantFrom(...META), maxLength: 12 });
/** Text of the file itself: a dollar in it would be an expression, or an escape. */
const text = hostile.map((value) => value.replaceAll('$', ''));

/** Any key but YAML's merge key, which a writer does not quote. */
const key = hostile.filter((value) => value !== '<<');

/** A scalar as it is written, and what it becomes. */
interface Leaf {
  readonly written: string;
  readonly becomes: (variables: Readonly<Record<string, string>>) => string;
}
const leaf: fc.Arbitrary<Leaf> = fc
  .array(
    fc.oneof(
      text.map((value): Leaf => ({ written: value, becomes: () => value })),
      fc.constantFrom('A', 'B').map((name): Leaf => ({
        written: `\${${name}}`,
        becomes: (variables) => variables[name] ?? '',
      })),
      text.map((value): Leaf => {
        const fallback = value.replaceAll('}', '');
        return { written: `\${UNSET:-${fallback}}`, becomes: () => fallback };
      }),
      fc.constant<Leaf>({ written: '$${', becomes: () => '${' }),
    ),
    { maxLength: 4 },
  )
  .map((pieces) => ({
    written: pieces.map(({ written }) => written).join(''),
    becomes: (variables) => pieces.map(({ becomes }) => becomes(variables)).join(''),
  }));

type Tree = Leaf | readonly Tree[] | { readonly map: readonly (readonly [key: string, value: Tree])[] };
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.uniqueArray(fc.tuple(key, tie('tree')), { selector: ([key]) => key, maxLength: 3 }).map((map) => ({ map })),
  ),
}));

/** `Array.isArray` does not narrow lists that are read-only. */
const isList = (node: Tree): node is readonly Tree[] => Array.isArray(node);

function plainOf(node: Tree, scalar: (one: Leaf) => string): unknown {
  if (isList(node)) return node.map((one) => plainOf(one, scalar));
  if ('written' in node) return scalar(node);
  return Object.fromEntries(node.map.map(([key, value]) => [key, plainOf(value, scalar)]));
}

/** Without block scalars, folded lines, and plain text of several lines in a flow collection: there the library does not always write what it was given. */
const STYLES: readonly ToStringOptions[] = [
  {},
  { collectionStyle: 'flow', defaultStringType: 'QUOTE_DOUBLE' } as const,
  { defaultStringType: 'QUOTE_DOUBLE' } as const,
  { defaultStringType: 'QUOTE_SINGLE', defaultKeyType: 'PLAIN' } as const,
  { defaultKeyType: 'QUOTE_DOUBLE', indent: 5 } as const,
].map((style) => ({ blockQuote: false, lineWidth: 0, ...style }));
const bytesOf = (written: string): Uint8Array => new TextEncoder().encode(written);

describe('interpolation', () => {
  it('never changes the structure: every value arrives as it is, wherever it stands, and keys stay', () => {
    const style = fc.constantFrom(...STYLES);
    fc.assert(
      fc.property(tree, hostile, hostile, style, (document, one, two, options) => {
        const variables = { A: one, B: two };
        const written = stringify({ root: plainOf(document, ({ written: as }) => as) }, options);
        const parsed = parseFile(bytesOf(written));
        if (!('root' in parsed)) throw new Error(`${parsed.findings[0]?.message}\n${written}`);
        const { root, findings } = interpolate(parsed.root, { variables });
        expect(findings).toEqual([]);
        expect(toJson(root)).toEqual({ root: plainOf(document, ({ becomes }) => becomes(variables)) });
      }),
      { numRuns: 300 },
    );
  });

  const FILE = `version: 1
functions:
  a:
    timeout: \${SECONDS}
    aliases: { live: { autoRollback: "\${SWITCH}" } }
    vpcConfig: { ipv6AllowedForDualStack: "\${SWITCH}", subnetIds: ["subnet-\${ID}"] }
`;
  const resolve = (variables: Readonly<Record<string, string>>) => {
    const written = readWritten(bytesOf(FILE), 'lambda.deploy.yaml');
    if (!('root' in written)) throw new Error('the file is fine');
    const { root, findings } = resolveTree(written.root, { variables });
    return { json: toJson(root), wrong: [...new Set(findings.map(({ path }) => path.slice(2).join('.')))].sort() };
  };
  const documentWith = (timeout: unknown, isOn: unknown) => ({
    version: 1,
    functions: {
      a: {
        timeout,
        aliases: { live: { autoRollback: isOn } },
        vpcConfig: { ipv6AllowedForDualStack: isOn, subnetIds: ['subnet-7'] },
      },
    },
  });

  it('a whole scalar becomes a number or a boolean where the schema wants one', () =>
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 900 }), fc.boolean(), (seconds, isOn) => {
        const { json, wrong } = resolve({ SECONDS: String(seconds), SWITCH: String(isOn), ID: '7' });
        expect([json, wrong]).toEqual([documentWith(seconds, isOn), []]);
      }),
    ));

  const noNumber = hostile.filter((value) => !/^-?\d+(\.\d+)?$/.test(value));
  it('what is none is a finding where it stands, and still text in its place', () =>
    fc.assert(
      fc.property(noNumber, noNumber, (seconds, isOn) => {
        const { json, wrong } = resolve({ SECONDS: seconds, SWITCH: isOn, ID: '7' });
        expect(json).toEqual(documentWith(seconds, isOn));
        expect(wrong).toEqual(['aliases.live.autoRollback', 'timeout', 'vpcConfig.ipv6AllowedForDualStack']);
      }),
    ));
});

/** What a text says of its functions, in no order; secrets revealed to be compared. */
function meaningOf(written: string) {
  const read = readWritten(bytesOf(written), 'lambda.deploy.yaml');
  if (!('root' in read)) throw new Error(`${read.findings[0]?.message}\n${written}`);
  const { root, findings } = resolveTree(read.root, { variables: { STAGE: 'production' } });
  if (findings.length > 0) throw new Error(`${findings[0]?.path.join('.')}: ${findings[0]?.message}\n${written}`);
  return [...(mapAt(root, 'functions')?.entries ?? [])]
    .map(([key, { node }]) => {
      if (node.kind !== 'map') throw new Error('a function is a map');
      const { codeSource, environment, aliases, asWritten, ...rest } = toSpecFunction(key, node, 'x', new Map());
      const variables = Object.entries(environment ?? {}).map(([name, value]) => [name, reveal(value)]);
      return {
        ...rest,
        code: { ...codeSource, location: undefined },
        variables: Object.fromEntries(variables) as unknown,
        aliases: aliases.toSorted((one, two) => (one.name < two.name ? -1 : 1)),
        digest: specDigest(asWritten, 'sha'),
      };
    })
    .toSorted((one, two) => (one.key < two.key ? -1 : 1));
}

type Plain = Readonly<Record<string, unknown>>;
const isPlain = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The same content with the keys of every map turned around by a seed. */
function reordered(value: unknown, seed: number): unknown {
  if (!isPlain(value)) return value;
  const entries = Object.entries(value).map(([key, one]) => [key, reordered(one, seed)] as const);
  const start = entries.length === 0 ? 0 : seed % entries.length;
  const turned = [...entries.slice(start), ...entries.slice(0, start)];
  return Object.fromEntries(seed % 2 === 0 ? turned : turned.toReversed());
}

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const variable = fc.oneof(
  text,
  fc.constantFrom('', '1.10', 'yes', 'null', '~', '0x10', '007', 'true', '# no comment', '${STAGE}', '- a'),
);
const one = fc
  .record(
    {
      timeout: maybe(fc.oneof(fc.constant(null), fc.integer({ min: 1, max: 900 }))),
      description: maybe(text),
      environment: maybe(fc.dictionary(fc.stringMatching(/^[A-Z]{2,5}_[0-9]$/), variable, { maxKeys: 4 })),
      tags: maybe(
        fc.dictionary(fc.stringMatching(/^[a-z 0-9]{1,4}$/), fc.constantFrom('x', '1.10', 'yes', ''), { maxKeys: 3 }),
      ),
      layers: maybe(fc.subarray(['a', 'b'].map((name) => `arn:aws:lambda:us-east-1:123456789012:layer:${name}:1`))),
      aliases: fc.constantFrom({ live: {} }, { live: { autoRollback: false }, canary: { description: 'one: two' } }),
    },
    { noNullPrototype: true },
  )
  .map((value) => Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)));
const fileOf = (functions: Plain): Plain => ({ version: 1, region: 'us-east-1', functions });

it('what `render` writes reads back as it was', () =>
  fc.assert(
    fc.property(fc.dictionary(key, fc.oneof(hostile, fc.array(hostile, { maxLength: 2 }))), (document) => {
      const parsed = parseFile(bytesOf(toYaml(document)));
      expect('root' in parsed && toJson(parsed.root)).toEqual(document);
    }),
    { numRuns: 500, examples: [[{ a: ' \n' }], [{ a: '  \n\n x\n' }]] },
  ));

describe('one content, however it is written, is one Desired with one digest', () => {
  it('block or flow, quotes of any kind, JSON, keys in any order', () =>
    fc.assert(
      fc.property(one, one, fc.nat(20), (a, b, seed) => {
        const file = fileOf({ a, b });
        const expected = meaningOf(JSON.stringify(file));
        const turned = reordered(file, seed);
        for (const options of STYLES) expect(meaningOf(stringify(turned, options))).toEqual(expected);
        expect(meaningOf(JSON.stringify(turned, null, 2))).toEqual(expected);
      }),
      { numRuns: 40 },
    ));

  it('anchors, aliases and merge keys', () =>
    fc.assert(
      fc.property(one, one, (shared, own) => {
        const [all, some] = [JSON.stringify(shared), JSON.stringify(own).slice(1, -1)];
        const expected = meaningOf(JSON.stringify(fileOf({ a: shared, b: { ...shared, ...own }, c: shared })));
        const merged = `{ <<: *shared${some === '' ? '' : `, ${some}`} }`;
        const head = 'version: 1\nregion: us-east-1\nfunctions:\n';
        expect(meaningOf(`${head}  a: &shared ${all}\n  b: ${merged}\n  c: *shared\n`)).toEqual(expected);
        expect(meaningOf(stringify(fileOf({ a: shared, b: { ...shared, ...own }, c: shared }), STYLES[0]))).toEqual(
          expected,
        );
      }),
      { numRuns: 100 },
    ));

  it('another value, another order of a list, or text in place of a number is another digest', () => {
    const digest = (value: Plain) => specDigest(value as never, 'sha');
    const written = { timeout: 5, layers: ['a', 'b'] };
    const others = [
      { ...written, timeout: 6 },
      { ...written, layers: ['b', 'a'] },
      { ...written, timeout: '5' },
    ];
    expect(new Set([written, ...others].map(digest)).size).toBe(4);
  });
});
