import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fillPayload } from '../../src/aws/payload.js';
import { jsonPointer, type Json } from '../../src/model/json.js';
import { Secret } from '../../src/model/secret.js';

describe('a secret takes the place of the leaf it names', () => {
  it.each<[why: string, payload: Json, pointer: string, expected: Json]>([
    ['in a map', { token: '${ssm:/a}', path: '/' }, '/token', { token: 'v', path: '/' }],
    ['in a list', { headers: ['x', '${ssm:/a}'] }, '/headers/1', { headers: ['x', 'v'] }],
    ['the event itself', '${ssm:/a}', '', 'v'],
    ['a key with a slash', { 'a/b': '${ssm:/a}' }, '/a~1b', { 'a/b': 'v' }],
    ['a key with a tilde', { 'a~1b': '${ssm:/a}', 'a/b': 1 }, '/a~01b', { 'a~1b': 'v', 'a/b': 1 }],
    ['an empty key', { '': '${ssm:/a}' }, '/', { '': 'v' }],
    ['a key of every object', { constructor: '${ssm:/a}' }, '/constructor', { constructor: 'v' }],
  ])('%s', (_, payload, pointer, expected) => {
    expect(fillPayload(payload, { [pointer]: new Secret('v') })).toEqual(expected);
  });
});

it('a value is text, whatever it spells', () => {
  for (const value of ['5', 'true', 'null', '{"a":1}', '"', '', '${ssm:/other}'])
    expect(fillPayload({ a: '${ssm:/a}' }, { '/a': new Secret(value) })).toEqual({ a: value });
});

it('a key called __proto__ is a key', () => {
  const payload = JSON.parse('{"__proto__":{"a":"${ssm:/a}"}}') as Json;
  expect(JSON.stringify(fillPayload(payload, { '/__proto__/a': new Secret('v') }))).toBe('{"__proto__":{"a":"v"}}');
});

it('of any event exactly the leaf that is named changes', () => {
  const { event } = fc.letrec<{ event: Json }>((tie) => ({
    event: fc.oneof(
      { maxDepth: 3 },
      fc.string(),
      fc.integer(),
      fc.array(tie('event')),
      fc.dictionary(fc.string(), tie('event')),
    ),
  }));
  const leaves = (value: Json, path: (string | number)[] = []): (string | number)[][] => {
    if (typeof value === 'string') return [path];
    if (typeof value !== 'object' || value === null) return [];
    const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
    return entries.flatMap(([step, child]) => leaves(child as Json, [...path, step]));
  };
  fc.assert(
    fc.property(event, fc.nat(), (payload, at) => {
      const paths = leaves(payload);
      const path = paths[at % Math.max(1, paths.length)];
      if (path === undefined) return;
      const filled = fillPayload(payload, { [jsonPointer(path)]: new Secret('planted') });
      expect(leaves(filled)).toEqual(paths);
      const get = (value: Json) =>
        path.reduce<Json>((node, step) => (node as Record<string, Json>)[step] ?? null, value);
      expect(get(filled)).toBe('planted');
      expect(fillPayload(filled, { [jsonPointer(path)]: new Secret(String(get(payload))) })).toEqual(payload);
    }),
  );
});
