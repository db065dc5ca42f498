import { describe, expect, it } from 'vitest';
import { SUPPORTED_CODE_KINDS, SUPPORTED_FEATURES } from '../../src/spec/future.js';
import { findingsOf, load } from './helpers.js';

const FEATURES = [
  ['region', 'region: eu-west-1'],
  ['dir', 'code: { dir: build }'],
  ['s3', 'code: { s3: { bucket: acme-artifacts, key: a.zip } }'],
  ['image', 'code: { image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1" }'],
  ['reproducible', 'code: { zip: a.zip, reproducible: true }'],
  ['bucket', 'code: { zip: a.zip, bucket: acme-uploads }'],
  ['sourceKmsKeyArn', 'code: { zip: a.zip, sourceKmsKeyArn: "arn:aws:kms:us-east-1:123456789012:key/a" }'],
  ['codeSigningConfigArn', 'codeSigningConfigArn: null'],
  ['references', 'environment: { AA: "${ssm:/a}" }'],
  ['references', 'environment: { AA: "${secretsmanager:a}" }'],
  ['payloadReferences', 'aliases: { live: { healthCheck: { payload: "${ssm:/a}" } } }'],
] as const;

describe('what the commands cannot carry out yet is refused, never passed over', () => {
  it.each(FEATURES)('%s', async (feature, line) => {
    const text = `version: 1\nfunctions:\n  a:\n    ${line}\n`;
    if (SUPPORTED_FEATURES.includes(feature)) return expect(await load(text)).toBeDefined();
    expect((await findingsOf(text)).map(({ code }) => code)).toEqual(['NOT_YET_SUPPORTED']);
    expect((await load(text, {}, { allow: [feature] })).functions).toHaveLength(1);
  });

  it('a kind of code that is supported is a supported feature', () => {
    expect(SUPPORTED_FEATURES).toEqual(expect.arrayContaining([...SUPPORTED_CODE_KINDS]));
  });
});
