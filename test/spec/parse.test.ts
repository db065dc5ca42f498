import { describe, expect, it } from 'vitest';
import { formatPath, nodeAt, toJson } from '../../src/spec/node.js';
import { parseFile } from '../../src/spec/parse.js';

function parse(text: string | Uint8Array) {
  const parsed = parseFile(typeof text === 'string' ? new TextEncoder().encode(text) : text);
  if (!('root' in parsed)) throw new Error(parsed.findings.map(({ code }) => code).join());
  return parsed.root;
}

it.each([
  ['a byte order mark', '\uFEFFa: 1\n', { a: 1 }],
  ['carriage returns', 'a: 1\r\nb: x\r\n', { a: 1, b: 'x' }],
  ['JSON indented with tabs', '{\n\t"a": [1,\n\t\t2]\n}', { a: [1, 2] }],
  ['words of YAML 1.1 stay words', 'a: yes\nb: on\nc: 2024-01-01\n', { a: 'yes', b: 'on', c: '2024-01-01' }],
  ['also when the file asks for YAML 1.1', '%YAML 1.1\n---\na: yes\n', { a: 'yes' }],
  ['keys that look like numbers', '123: a\n0x1F: b\n', { '123': 'a', '0x1F': 'b' }],
  ['block scalars', 'a: |\n  x\n  y\n', { a: 'x\ny\n' }],
  [
    'merge keys, where own keys win',
    'a: &x { k: 1, l: 1 }\nb: { <<: *x, l: 2 }\n',
    { a: { k: 1, l: 1 }, b: { k: 1, l: 2 } },
  ],
  [
    'merge keys of several maps, where the first wins',
    'a: &x { k: 1 }\nb: &y { k: 2, l: 2 }\nc: { <<: [*x, *y] }\n',
    { a: { k: 1 }, b: { k: 2, l: 2 }, c: { k: 1, l: 2 } },
  ],
  ['anchors', 'a: &x { k: 1 }\nb: *x\nc: [*x]\n', { a: { k: 1 }, b: { k: 1 }, c: [{ k: 1 }] }],
])('reads %s', (_, text, expected) => expect(toJson(parse(text))).toEqual(expected));

it('keeps the text of numbers and booleans', () => {
  const root = parse('a: 1.10\nb: 0x10\nc: True\nd: 1e3\n');
  const sources = ['a', 'b', 'c', 'd']
    .map((key) => nodeAt(root, key))
    .map((node) => node?.kind === 'scalar' && node.source);
  expect(sources).toEqual(['1.10', '0x10', 'True', '1e3']);
});

it('a key called __proto__ is a key', () => {
  const json = toJson(parse('{"__proto__": {"x": 1}, "a": 2}'));
  expect(Object.keys(json as object)).toEqual(['__proto__', 'a']);
  expect(({} as { x?: unknown }).x).toBeUndefined();
});

it('a shared value stands where it is written', () => {
  expect(nodeAt(parse('a: &x { k: 1 }\nb: *x\n'), 'b', 'k')?.position).toEqual({ line: 1, column: 12 });
});

describe('refuses', () => {
  it.each([
    ['ten thousand brackets', '['.repeat(50_000), 'YAML_SYNTAX', 1],
    ['a complex key', '? [a]\n: 1\n', 'YAML_SYNTAX', 1],
    ['two spellings of one key', 'a: 1\n"a": 2\n', 'DUPLICATE_KEY', 2],
    ['a number and its text as keys', '7: 1\n"7": 2\n', 'DUPLICATE_KEY', 2],
    ['a binary tag', 'a: !!binary aGk=\n', 'YAML_SYNTAX', 1],
    ['a bad byte on the second line', new Uint8Array([0x61, 0x3a, 0x0a, 0xff]), 'NOT_UTF8', 2],
  ])('%s', (_, text, code, line) => {
    const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
    expect(parseFile(bytes).findings).toMatchObject([{ code, position: { line } }]);
  });

  it('a bomb of a million values quickly, without building them', () => {
    const levels = Array.from(
      { length: 30 },
      (_, i) => `k${i + 1}: &k${i + 1} [${Array(10).fill(`*k${i}`).join(', ')}]`,
    );
    const text = `k0: &k0 x\n${levels.join('\n')}\n`;
    expect(parseFile(new TextEncoder().encode(text)).findings).toMatchObject([{ code: 'ALIAS_BOMB' }]);
  });

  it('does not echo a value of a broken file', () => {
    const text = 'a: {b: c} planted-secret\n';
    const { findings } = parseFile(new TextEncoder().encode(text));
    expect(findings).toHaveLength(1);
    expect(JSON.stringify(findings)).not.toContain('planted');
  });
});

it.each([
  [['functions', 'a-b', 'layers', 0], 'functions.a-b.layers[0]'],
  [['tags', 'aws:x y'], 'tags["aws:x y"]'],
  [[], ''],
])('%j is written %s', (path, text) => expect(formatPath(path)).toBe(text));
