import { expect, it } from 'vitest';
import type { LiveAlias } from '../../src/model/function.js';
import type { DeployRecord } from '../../src/model/record.js';
import { standingOf } from '../../src/planner/waiting.js';
import { record } from './make.js';

const PLAN = 'a'.repeat(64);
const served = (version: string, weights: Record<string, number> = {}): LiveAlias => ({
  ...{ name: 'live', version, description: '', weights },
});
const newest = (more: Partial<DeployRecord>): DeployRecord =>
  record(1, { planDigest: PLAN, version: '1', result: 'pending', triedVersion: '2', ...more });
const split = served('1', { '2': 0.1 });

it.each<[string, LiveAlias | undefined, DeployRecord | undefined, string]>([
  ['waits', split, newest({}), 'waits'],
  ['a tag keeps the beginning', split, newest({ planDigest: PLAN.slice(0, 12) }), 'waits'],
  ['a promotion was lost', split, record(1, { planDigest: PLAN, result: 'open' }), 'waits'],
  ['a promotion failed', split, newest({ result: 'rolled_back' }), 'waits'],
  ['it failed before it knew the version', split, record(1, { planDigest: PLAN, result: 'failed' }), 'neither'],
  ['another version has the share', served('1', { '3': 0.1 }), newest({}), 'neither'],
  ['another plan', split, newest({ planDigest: 'b'.repeat(64) }), 'neither'],
  ['no plan file', split, record(1, { result: 'pending', triedVersion: '2' }), 'neither'],
  ['no record', split, undefined, 'neither'],
  ['no alias', undefined, newest({}), 'neither'],
  ['promoted', served('2'), newest({ result: 'succeeded', version: '2' }), 'promoted'],
  ['promoted, and moved by hand since', served('3'), newest({ result: 'succeeded', version: '2' }), 'neither'],
  ['promoted, and split by hand since', split, newest({ result: 'succeeded', version: '1' }), 'neither'],
  ['taken back', served('1'), newest({ result: 'rolled_back' }), 'neither'],
])('%s', (_, alias, last, expected) => {
  expect(standingOf(PLAN, alias, last === undefined ? [] : [last])).toBe(expected);
});

const died = (minutes: number): DeployRecord => record(minutes, { planDigest: PLAN, version: '1', result: 'open' });

it.each<[string, LiveAlias, readonly DeployRecord[], string]>([
  ['its move is its own', served('2'), [died(2), newest({})], 'moved'],
  ['so is that of the one before', served('2'), [died(3), died(2), newest({})], 'moved'],
  ['it had not moved', split, [died(2), newest({})], 'waits'],
  ['somebody took it back', served('1'), [died(2), newest({})], 'neither'],
  ['somebody moved it elsewhere', served('3'), [died(2), newest({})], 'neither'],
  ['nothing says what had the share', served('2'), [died(2)], 'neither'],
  ['another plan', served('2'), [{ ...died(2), planDigest: 'b'.repeat(64) }, newest({})], 'neither'],
])('a promotion that died: %s', (_, alias, records, expected) => {
  expect(standingOf(PLAN, alias, records)).toBe(expected);
});
