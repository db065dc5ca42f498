import { describe, expect, it } from 'vitest';
import type { ArchiveRef } from '../../src/model/function.js';
import { MAX_ZIP_BYTES } from '../../src/model/limits.js';
import type { Operation } from '../../src/model/plan.js';
import { planDeploy } from '../../src/planner/deploy.js';
import { planRollback } from '../../src/planner/rollback.js';
import { desired, live, record } from './make.js';

const PLACE = { bucket: 'uploads', key: 'lambda-deploy/b.zip' };
const KEY = 'arn:aws:kms:us-east-1:123456789012:key/new';

function archive(more: Partial<ArchiveRef> = {}): ArchiveRef {
  return { kind: 'zip', source: 'b.zip', codeSha256: 'code-b', zipBytes: MAX_ZIP_BYTES + 1, unzippedBytes: 0, ...more };
}

const VERSIONS = [{ version: '1', codeSha256: 'code-a' }];
const ALIASES = [{ name: 'live', version: '1' }];

function plan(code: ArchiveRef, latest: object = {}): readonly Operation[] {
  const function_ = live({ latest: { codeSha256: 'code-a' }, versions: VERSIONS, aliases: ALIASES });
  const own = { ...function_, latest: { ...function_.latest, ...latest } };
  return planDeploy({ desired: desired({ code }), live: own, records: [], recordsInTags: false }).plan.operations;
}

const types = (operations: readonly Operation[]): string[] => operations.map(({ type }) => type);
const sentBy = (operations: readonly Operation[]): object | undefined =>
  operations.find(({ type }) => type === 'UpdateFunctionCode');

describe('an archive that goes through S3', () => {
  it('is uploaded before anything else changes, and taken from there', () => {
    const operations = plan(archive({ object: { ...PLACE, isThere: false } }));
    expect(types(operations)).toEqual(['PutObject', 'UpdateFunctionCode', 'PublishVersion', 'UpdateAlias']);
    expect(operations[0]).toMatchObject({ ...PLACE, codeSha256: 'code-b', zipBytes: MAX_ZIP_BYTES + 1 });
    expect(sentBy(operations)).toMatchObject({ from: PLACE });
  });

  it('is not uploaded where it is there', () => {
    const operations = plan(archive({ object: { ...PLACE, isThere: true } }));
    expect(types(operations)).toEqual(['UpdateFunctionCode', 'PublishVersion', 'UpdateAlias']);
    expect(sentBy(operations)).toMatchObject({ from: PLACE });
  });

  it('is not uploaded where no step sends it', () => {
    expect(plan(archive({ codeSha256: 'code-a', object: { ...PLACE, isThere: false } }))).toEqual([]);
  });

  it('is pinned to its version', () => {
    const object = { ...PLACE, versionId: 'v1', isThere: true };
    expect(sentBy(plan(archive({ object })))).toMatchObject({ from: { ...PLACE, versionId: 'v1' } });
  });
});

describe('the key that encrypts an archive', () => {
  it.each([
    ['another one is named', { codeSha256: 'code-a', sourceKmsKeyArn: KEY }, 'old', KEY],
    ['none was there', { codeSha256: 'code-a', sourceKmsKeyArn: KEY }, undefined, KEY],
    ['none is named and the code changes: it stays', {}, 'old', 'old'],
  ])('%s', (_why, code, before, sent) => {
    const operations = plan(archive(code), before === undefined ? {} : { sourceKmsKeyArn: before });
    expect(sentBy(operations)).toMatchObject({ sourceKmsKeyArn: sent });
    expect(types(operations).includes('PublishVersion')).toBe(!('codeSha256' in code));
  });

  it.each([
    ['it is the live one', { codeSha256: 'code-a', sourceKmsKeyArn: KEY }],
    ['it is not named', { codeSha256: 'code-a' }],
  ])('is no difference where %s', (_why, code) => {
    expect(plan(archive(code), { sourceKmsKeyArn: KEY })).toEqual([]);
  });
});

describe('a rollback to a version over the limit of a request', () => {
  const function_ = live({ latest: { codeSha256: 'code-b' }, versions: VERSIONS, aliases: ALIASES });
  const version = { ...function_.versions[0], codeSize: MAX_ZIP_BYTES + 1 } as (typeof function_.versions)[number];
  const alias = { name: 'live', healthChecks: [], autoRollback: true };
  const input = { name: 'app', alias, live: function_, version, recordsInTags: false } as const;
  const target = { version: '1', record: record(1, { version: '1', codeSha256: 'code-a' }) };

  it('uploads its archive before the code', () => {
    const { operations } = planRollback({ ...input, target, object: { ...PLACE, isThere: false } }).plan;
    expect(types(operations)).toEqual(['PutObject', 'UpdateFunctionCode']);
    expect(sentBy(operations)).toMatchObject({ codeSha256: 'code-a', from: PLACE });
  });

  it('is refused without a bucket', () => {
    expect(() => planRollback({ ...input, target })).toThrow(
      expect.objectContaining({ code: 'ZIP_TOO_LARGE', fix: expect.stringContaining('code.bucket') }),
    );
  });

  it('needs no bucket where $LATEST has the code', () => {
    const same = live({ latest: { codeSha256: 'code-a' }, versions: VERSIONS, aliases: ALIASES });
    expect(planRollback({ ...input, live: same, target }).plan.operations).toEqual([]);
  });
});
