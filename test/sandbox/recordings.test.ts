import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { isJsonObject, type Json, type JsonObject } from '../../src/model/json.js';
import { compareRecording } from './replay/compare.js';
import { SCENARIOS } from './replay/scenarios.js';
import { play } from './replay/tape.js';
import type { RawAnswer } from './support.js';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
/** Kept outside of the repository, beside the checkout. */
const RECORDINGS = path.resolve(ROOT, '..', 'shared', 'aws-recordings');
const present = existsSync(RECORDINGS);
if (!present)
  console.log('SKIPPED: no recordings of AWS at ../shared/aws-recordings; facts.test.ts guards what they establish.');

function recordingOf(name: string): JsonObject {
  const text = readFileSync(path.join(RECORDINGS, `${name}.json`), 'utf8');
  return (JSON.parse(text) as { responses: JsonObject }).responses;
}

type Path = readonly (string | number)[];

/** Every leaf of a recording, an empty list or map included. */
function leaves(value: Json, at: Path = []): { at: Path; value: Json }[] {
  const inner = Array.isArray(value) ? [...value.entries()] : isJsonObject(value) ? Object.entries(value) : [];
  if (inner.length === 0) return [{ at, value }];
  return inner.flatMap(([key, child]) => leaves(child as Json, [...at, key]));
}

/** What says nothing about AWS: headers that nobody recorded, the fixture's own member, botocore's refusal. */
function isComparable({ at, value }: { at: Path; value: Json }): boolean {
  if (at.includes('HTTPHeaders') || at.includes('CreateEventSourceMappingResponse')) return false;
  return !(typeof value === 'string' && value.startsWith('Parameter validation failed'));
}

function changed(value: Json): Json {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'string') return `${value}?`;
  return Array.isArray(value) ? ['added'] : { added: 'added' };
}

/** The same token with another number: a value that is not the one that it was. */
function otherToken(value: Json, all: string): Json | undefined {
  const found = typeof value === 'string' ? /<(uuid|code-sha256|function-name):(\d+)>/.exec(value) : null;
  if (found === null || typeof value !== 'string') return undefined;
  const other = `<${found[1]}:${found[2] === '1' ? 2 : 1}>`;
  return all.includes(other) ? value.replace(found[0], other) : undefined;
}

function replaced(recording: JsonObject, at: Path, value: Json | undefined): JsonObject {
  const copy = structuredClone(recording);
  const parent = at.slice(0, -1).reduce<Record<string, unknown>>((node, key) => node[key] as never, copy as never);
  const key = at.at(-1) ?? '';
  if (value === undefined) delete parent[key];
  else parent[key] = value;
  return copy;
}

describe.skipIf(!present)('AWS recordings', () => {
  it('are all replayed', () => {
    const files = readdirSync(RECORDINGS).filter((file) => file.endsWith('.json'));
    const known = Object.keys(SCENARIOS).map((name) => `${name}.json`);
    expect(files.sort()).toEqual(known.sort());
  });

  describe.each(Object.entries(SCENARIOS))('%s', (name, scenario) => {
    let recording: JsonObject;
    let answers: ReadonlyMap<string, RawAnswer>;
    const compare = (other: JsonObject) => compareRecording(other, answers, scenario.absent ?? []);

    beforeAll(async () => {
      recording = recordingOf(name);
      answers = await play(recording, scenario.play, scenario.seed);
    });

    it('is answered alike, field by field', () => {
      expect(compare(recording)).toEqual([]);
    });

    it('is not matched by a recording with one leaf changed', () => {
      const all = JSON.stringify(recording);
      const survivors = leaves(recording)
        .filter(isComparable)
        .flatMap(({ at, value }) => {
          const mutants = [changed(value), otherToken(value, all)].filter((mutant) => mutant !== undefined);
          return mutants
            .filter((mutant) => compare(replaced(recording, at, mutant)).length === 0)
            .map((mutant) => `${at.join('.')}: ${JSON.stringify(value)} → ${JSON.stringify(mutant)}`);
        });
      expect(survivors).toEqual([]);
    });

    it('is not matched by a recording with one member missing', () => {
      const survivors = leaves(recording)
        .filter(isComparable)
        // Without its status a response is taken to be a plain success, as the recordings have it.
        .filter(({ at }) => !at.includes('ResponseMetadata') && at.at(-1) !== 'StatusCode')
        // An error's text is recorded twice.
        .filter(({ at }) => !(at.includes('Error') || /^message$/i.test(String(at.at(-1)))))
        .filter(({ at }) => compare(replaced(recording, at, undefined)).length === 0)
        .map(({ at }) => at.join('.'));
      expect(survivors).toEqual([]);
    });
  });
});
