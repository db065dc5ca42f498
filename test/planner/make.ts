import type { DesiredFunction, LiveFunction, Variables } from '../../src/model/function.js';
import type { DeployRecord } from '../../src/model/record.js';
import { Secret } from '../../src/model/secret.js';
import type { Content } from '../../src/planner/normalize.js';
import { newRecordId } from '../../src/model/record-id.js';
import { toLive, type PlainFunction } from './live-file.js';

/** A function of a file that manages nothing but what is given. */
export function desired(parts: Partial<DesiredFunction> = {}): DesiredFunction {
  return {
    key: 'app',
    name: 'app',
    settings: {},
    tags: {},
    ignoreChanges: [],
    aliases: [{ name: 'live', healthChecks: [], autoRollback: true }],
    specDigest: 'f00d',
    ...parts,
  };
}

export function content(parts: Partial<Content> = {}): Content {
  return { settings: {}, environment: {}, codeSha256: 'code-a', ...parts };
}

export function variables(plain: Readonly<Record<string, string>>): Variables {
  return Object.fromEntries(Object.entries(plain).map(([name, value]) => [name, new Secret(value)]));
}

export function live(plain: Partial<PlainFunction> = {}): LiveFunction {
  return toLive('app', { latest: { codeSha256: 'code-a' }, ...plain });
}

export const UNREADABLE = { unreadable: 'AWS said: KMSAccessDeniedException: no (needs kms:Decrypt)' };

const START = Date.parse('2026-01-01T08:00:00.000Z');
const DAY_MS = 86_400_000;

/** A record of day `day`; a higher day is newer. */
export function record(day: number, parts: Partial<DeployRecord> = {}): DeployRecord {
  const started = START + day * DAY_MS;
  return {
    formatVersion: '1',
    id: newRecordId(started, () => 0),
    action: 'deploy',
    function: 'app',
    alias: 'live',
    result: 'succeeded',
    version: null,
    previousVersion: null,
    codeSha256: null,
    startedAt: new Date(started).toISOString(),
    finishedAt: parts.result === 'open' ? null : new Date(started + 1000).toISOString(),
    ...parts,
  };
}
