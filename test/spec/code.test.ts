import { describe, expect, it } from 'vitest';
import { load } from './helpers.js';

const IMAGE = '123456789012.dkr.ecr.us-east-1.amazonaws.com/app:42';
const ALLOW = {
  allow: ['dir', 's3', 'image', 'reproducible', 'bucket', 'sourceKmsKeyArn', 'codeSigningConfigArn', 'manage'],
} as const;
const functionOf = async (own: string, defaults = '{}') =>
  (await load(`version: 1\ndefaults: ${defaults}\nfunctions:\n  a: ${own}\n`, {}, ALLOW)).functions[0];
const sourceOf = async (own: string, defaults?: string) => {
  const { location: _, ...source } = (await functionOf(own, defaults))?.codeSource ?? {};
  return source;
};

describe('where code comes from', () => {
  it.each([
    ['an archive', '{ zip: a.zip }', { kind: 'zip', path: 'a.zip', reproducible: false }],
    [
      'an archive packed again',
      '{ zip: a.zip, reproducible: true }',
      { kind: 'zip', path: 'a.zip', reproducible: true },
    ],
    [
      'a directory, large ones through a bucket',
      '{ dir: build, bucket: acme }',
      { kind: 'dir', path: 'build', uploadBucket: 'acme' },
    ],
    ['an object', '{ s3: { bucket: acme, key: a.zip } }', { kind: 's3', bucket: 'acme', key: 'a.zip' }],
    [
      'a version of an object',
      '{ s3: { bucket: acme, key: a.zip, version: v1 } }',
      { kind: 's3', bucket: 'acme', key: 'a.zip', version: 'v1' },
    ],
    ['an image', `{ image: "${IMAGE}" }`, { kind: 'image', image: IMAGE }],
    [
      'with a key',
      '{ zip: a.zip, sourceKmsKeyArn: "arn:aws:kms:us-east-1:123456789012:key/a" }',
      { kind: 'zip', path: 'a.zip', reproducible: false, sourceKmsKeyArn: 'arn:aws:kms:us-east-1:123456789012:key/a' },
    ],
  ])('%s', async (_, code, expected) => expect(await sourceOf(`{ code: ${code} }`)).toEqual(expected));

  it('stands where the file says it', async () => {
    expect((await functionOf('{ code: { dir: build } }'))?.codeSource?.location).toEqual({
      file: 'lambda.deploy.yaml',
      line: 4,
      column: 21,
    });
  });

  it.each([
    [
      'a source replaces that of defaults',
      '{ code: { dir: build } }',
      '{ code: { zip: a.zip, reproducible: true, bucket: acme } }',
      { kind: 'dir', path: 'build', uploadBucket: 'acme' },
    ],
    [
      'a part of an object completes that of defaults',
      '{ code: { s3: { key: a.zip } } }',
      '{ code: { s3: { bucket: acme } } }',
      { kind: 's3', bucket: 'acme', key: 'a.zip' },
    ],
    [
      'defaults need no source',
      '{ code: { zip: a.zip } }',
      '{ code: { bucket: acme } }',
      { kind: 'zip', path: 'a.zip', reproducible: false, uploadBucket: 'acme' },
    ],
  ])('%s', async (_, own, defaults, expected) => expect(await sourceOf(own, defaults)).toEqual(expected));

  it('an archive has the entry point to look for, an image none', async () => {
    const defaults = '{ runtime: python3.13, handler: m.f, timeout: 5 }';
    expect(await sourceOf('{ code: { dir: build } }', defaults)).toMatchObject({ entryPoint: { handler: 'm.f' } });
    const image = await functionOf(`{ code: { image: "${IMAGE}" } }`, defaults);
    expect(image?.codeSource).not.toHaveProperty('entryPoint');
    expect(image?.settings).toEqual({ timeout: 5 });
  });

  it.each([
    ['named', '"arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0123456789abcdef0"'],
    ['none', 'null'],
  ])('the code signing configuration: %s', async (_, value) =>
    expect((await functionOf(`{ codeSigningConfigArn: ${value} }`))?.codeSigningConfigArn).toBe(JSON.parse(value)),
  );
});

describe('manage', () => {
  const DEFAULTS =
    '{ runtime: python3.13, handler: m.f, tags: { team: x }, environment: { AA: b }, architectures: [arm64], code: { zip: a.zip }, aliases: { live: } }';

  it.each([
    ['everything without it', '{}', ['architectures', 'handler', 'runtime'], true, true, ['team'], ['live']],
    ['code and aliases', '{ manage: [code, aliases] }', ['architectures'], true, false, [], ['live']],
    ['configuration alone', '{ manage: [configuration] }', ['handler', 'runtime'], false, true, [], []],
    ['tags alone', '{ manage: [tags] }', [], false, false, ['team'], []],
  ])('%s: defaults apply to nothing else', async (_, own, settings, hasCode, hasVariables, tags, aliases) => {
    const one = await functionOf(own, DEFAULTS);
    expect(Object.keys(one?.settings ?? {}).toSorted()).toEqual(settings);
    expect([one?.codeSource !== undefined, one?.environment !== undefined]).toEqual([hasCode, hasVariables]);
    expect(Object.keys(one?.tags ?? {})).toEqual(tags);
    expect(one?.aliases.map(({ name }) => name)).toEqual(aliases);
  });

  it('defaults may say it for all', async () => {
    expect((await functionOf('{}', DEFAULTS.replace('{', '{ manage: [aliases],')))?.settings).toEqual({});
  });
});
