import fc from 'fast-check';
import type { DeployRecord } from '../../src/model/record.js';
import { newRecordId } from '../../src/model/record-id.js';

/** Noon of a day in 2026, in milliseconds. */
export const NOON = Date.UTC(2026, 4, 1, 12);
export const DIGEST = 'a1b2c3d4e5f60718'.repeat(4);

/** Any action and any result, rather those that are met most. */
export const ACTION = fc.constantFrom<DeployRecord['action']>('deploy', 'deploy', 'rollback');
export const RESULT = fc.constantFrom<DeployRecord['result']>(
  'open',
  'pending',
  'succeeded',
  'succeeded',
  'failed',
  'rolled_back',
);

/** A finished deployment of `orders:live`, `minutes` after noon. */
export function sample(minutes: number, more: Partial<DeployRecord> = {}): DeployRecord {
  const started = NOON + minutes * 60_000;
  return {
    formatVersion: '1',
    id: newRecordId(started, () => 0.5),
    action: 'deploy',
    function: 'orders',
    alias: 'live',
    result: 'succeeded',
    version: String(minutes + 1),
    previousVersion: String(minutes),
    codeSha256: 'Ab+/9xyzQwErTyUiOpAsDfGhJkLzXcVbNm0123456789=',
    startedAt: new Date(started).toISOString(),
    finishedAt: new Date(started + 4_000).toISOString(),
    ...more,
  };
}

/** Everything a record can hold. */
export function full(minutes: number, more: Partial<DeployRecord> = {}): DeployRecord {
  return sample(minutes, {
    commit: '0123456789abcdef0123456789abcdef01234567',
    branch: 'main',
    build: '1234',
    buildUrl: 'https://ci.example/builds/1234',
    job: '0123456789ab.0',
    actor: 'Ada',
    approver: { name: 'Grace', id: '01890000-0000-4000-8000-000000000007', email: 'grace@example.com' },
    specDigest: DIGEST,
    latestDigest: DIGEST,
    code: {
      source: 's3://builds/orders.zip',
      codeSha256: 'Ab+/9xyzQwErTyUiOpAsDfGhJkLzXcVbNm0123456789=',
      object: { bucket: 'builds', key: 'orders.zip', versionId: 'v1' },
    },
    spec: { timeout: 3, environment: { TOKEN: '${secret:TOKEN}' } },
    operations: [{ type: 'UpdateAlias', status: 'done', durationMs: 12 }],
    error: { code: 'HEALTH_CHECK_FAILED', message: 'status 500' },
    planDigest: 'd'.repeat(64),
    unversioned: { tags: { team: 'payments' } },
    deadline: '2026-05-01T13:00:00.000Z',
    toolVersion: '0.1.0',
    ...more,
  });
}

/** A rollback from one record to another. */
export function rollback(minutes: number, from: DeployRecord, to: DeployRecord): DeployRecord {
  const more = { action: 'rollback', version: to.version, previousVersion: from.version } as const;
  return sample(minutes, { ...more, leaves: from.id, restores: to.id });
}
