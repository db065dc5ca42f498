import {
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  ListAliasesCommand,
  ListFunctionsCommand,
  ListTagsCommand,
  TagResourceCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { bench, PYTHON_ZIP, refusal, ROLE, zipOf } from './support.js';

const FunctionName = 'f';
const ARN = 'arn:aws:lambda:us-east-1:123456789012:function:f';
const layer = (name: string, version = 1) => `arn:aws:lambda:us-east-1:123456789012:layer:${name}:${version}`;
const INVALID = 'InvalidParameterValueException';
const VALIDATION = 'ValidationException';

/** A zip whose directory says that its file is larger than Lambda unpacks. */
function bomb(): Uint8Array {
  const zip = zipOf({ 'index.py': 'pass' });
  const view = new DataView(zip.buffer, zip.byteOffset);
  const directory = zip.findIndex((_, at) => view.byteLength - at > 4 && view.getUint32(at, true) === 0x02014b50);
  view.setUint32(directory + 24, 262_144_001, true);
  return zip;
}

describe('CreateFunction and UpdateFunctionConfiguration refuse', () => {
  const cases: [string, Partial<CreateFunctionCommandInput>, string, RegExp][] = [
    ['a timeout over 15 minutes', { Timeout: 901 }, VALIDATION, /'901' at 'timeout' .* less than or equal to 900/],
    ['a timeout of 0', { Timeout: 0 }, VALIDATION, /'0' at 'timeout' .* greater than or equal to 1/],
    ['too little memory', { MemorySize: 127 }, VALIDATION, /at 'memorySize' .* equal to 128/],
    ['too much memory', { MemorySize: 10_241 }, VALIDATION, /at 'memorySize' .* equal to 10240/],
    ['too small a /tmp', { EphemeralStorage: { Size: 511 } }, VALIDATION, /at 'ephemeralStorage.size' .* 512/],
    ['a long description', { Description: 'x'.repeat(257) }, VALIDATION, /at 'description' .* equal to 256/],
    ['a long handler', { Handler: 'x'.repeat(129) }, VALIDATION, /at 'handler' .* equal to 128/],
    ['an unknown tracing mode', { TracingConfig: { Mode: 'On' as 'Active' } }, VALIDATION, /tracingConfig.mode/],
    ['a role that is no ARN', { Role: 'r1' }, VALIDATION, /'r1' at 'role'/],
    ['an unknown runtime', { Runtime: 'python2.6' as 'python3.9' }, INVALID, /python2\.6 at 'runtime'/],
    ['six layers', { Layers: ['a', 'b', 'c', 'd', 'e', 'g'].map((n) => layer(n)) }, INVALID, /more than 5 layers/],
    ['two versions of a layer', { Layers: [layer('a', 1), layer('a', 2)] }, INVALID, /versions of the same layer/],
    ['a layer without a version', { Layers: [layer('a').slice(0, -2)] }, INVALID, /layer version ARN/],
    ['a reserved variable', { Environment: { Variables: { AWS_REGION: 'x' } } }, INVALID, /this request: AWS_REGION/],
    [
      'a variable name with a dash',
      { Environment: { Variables: { 'A-B': 'x' } } },
      VALIDATION,
      /environment.variables/,
    ],
    ['over 4 KB of variables', { Environment: { Variables: { AB: 'x'.repeat(4096) } } }, INVALID, /4KB limit/],
  ];

  it.each(cases)('%s', async (_name, input, code, message) => {
    const { client, create } = await bench();
    const created = await refusal(create(FunctionName, input));
    expect(created).toMatchObject({ status: 400, code });
    expect(created.message).toMatch(message);
    await create(FunctionName);
    const update = client.send(new UpdateFunctionConfigurationCommand({ FunctionName, ...input }));
    expect(await refusal(update)).toEqual(created);
  });

  it('all broken constraints at once', async () => {
    const { create } = await bench();
    const { message } = await refusal(create(FunctionName, { Timeout: 901, MemorySize: 1, Role: 'r1' }));
    expect(message).toMatch(/^3 validation errors detected: Value 'r1' at 'role'.*; Value '901'.*; Value '1'/);
  });

  it('nothing at the very limit', async () => {
    const { create } = await bench();
    await create(FunctionName, {
      Timeout: 900,
      MemorySize: 10_240,
      EphemeralStorage: { Size: 10_240 },
      Description: 'x'.repeat(256),
      Layers: ['a', 'b', 'c', 'd', 'e'].map((name) => layer(name)),
      // The map as JSON has 4,096 bytes: {"AB":"…"}.
      Environment: { Variables: { AB: 'x'.repeat(4096 - 9) } },
    });
  });

  it('a value of another type than the API has', async () => {
    const { create } = await bench();
    expect(await refusal(create(FunctionName, { Timeout: 1.5 }))).toMatchObject({ code: 'SerializationException' });
  });
});

describe('an archive', () => {
  const cases: [string, Uint8Array, number, string, RegExp][] = [
    ['that is no zip', strToU8('this is not a zip'), 400, INVALID, /^Could not unzip uploaded file/],
    ['without a byte', new Uint8Array(0), 400, INVALID, /non-empty zip/],
    ['without an entry', zipSync({}), 400, INVALID, /non-empty zip/],
    ['with a path that leaves it', zipOf({ '../evil.py': 'x' }), 400, INVALID, /^Could not unzip/],
    ['over 250 MB unpacked', bomb(), 400, INVALID, /smaller than 262144000 bytes/],
    ['over 50 MB', new Uint8Array(52_428_801), 413, 'RequestEntityTooLargeException', /smaller than 52428800 bytes/],
  ];

  it.each(cases)('%s is refused and creates nothing', async (_name, ZipFile, status, code, message) => {
    const { client, create } = await bench();
    const refused = await refusal(create(FunctionName, { Code: { ZipFile } }));
    expect(refused).toMatchObject({ status, code });
    expect(refused.message).toMatch(message);
    expect((await client.send(new ListFunctionsCommand({}))).Functions).toEqual([]);
  });

  it.each([
    ['of S3', { S3Bucket: 'none', S3Key: 'k' }, /NoSuchBucket/],
    ['that is an image, for a function of archives', { ImageUri: 'x' }, /don't provide ImageUri/],
    ['that is missing', {}, /provide a source/],
  ])('%s is refused in words', async (_name, Code, message) => {
    const { create } = await bench();
    const refused = await refusal(create(FunctionName, { Code }));
    expect(refused).toMatchObject({ status: 400, code: INVALID });
    expect(refused.message).toMatch(message);
  });

  it('without a runtime or a handler is refused', async () => {
    const { client } = await bench();
    const input = { FunctionName, Role: ROLE, Code: { ZipFile: PYTHON_ZIP } };
    expect(await refusal(client.send(new CreateFunctionCommand(input)))).toMatchObject({ status: 400, code: INVALID });
  });
});

describe('tags', () => {
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`key${n}`, 'v']));

  it.each([
    ['51', many(51), /exceeds resource tag limit/],
    ['a long value', { a: 'x'.repeat(257) }, /at most 256/],
    ['a long key', { ['x'.repeat(129)]: 'a' }, /1 to 128/],
    ['a character that AWS does not take', { a: 'x;y' }, /not allowed/],
    ['the prefix of AWS', { 'aws:x': 'a' }, /aws: prefixed/],
  ])('%s are refused, and none is set', async (_name, Tags, message) => {
    const { client, create } = await bench();
    await create(FunctionName);
    const refused = await refusal(client.send(new TagResourceCommand({ Resource: ARN, Tags })));
    expect(refused).toMatchObject({ status: 400, code: INVALID });
    expect(refused.message).toMatch(message);
    expect((await client.send(new ListTagsCommand({ Resource: ARN }))).Tags).toEqual({});
  });

  it('count together with those that are there', async () => {
    const { client, create } = await bench();
    await create(FunctionName, { Tags: many(50) });
    const more = client.send(new TagResourceCommand({ Resource: ARN, Tags: { another: 'x' } }));
    expect(await refusal(more)).toMatchObject({ code: INVALID });
    await client.send(new TagResourceCommand({ Resource: ARN, Tags: { key0: 'letters 1 + - = . _ : / @' } }));
  });

  it('hang on functions only', async () => {
    const { client, create } = await bench();
    await create(FunctionName);
    const tag = client.send(new TagResourceCommand({ Resource: `${ARN}:1`, Tags: { a: 'b' } }));
    expect(await refusal(tag)).toMatchObject({ status: 400, code: INVALID });
  });
});

describe('paging', () => {
  it('gives at most 50, and every item once', async () => {
    const { client, create } = await bench();
    const names = Array.from({ length: 101 }, (_, n) => `f${String(n).padStart(3, '0')}`);
    for (const name of names) await create(name);
    const seen: (string | undefined)[] = [];
    const sizes: number[] = [];
    let Marker: string | undefined;
    do {
      const page = await client.send(new ListFunctionsCommand({ Marker, MaxItems: 10_000 }));
      seen.push(...(page.Functions ?? []).map((fn) => fn.FunctionName));
      sizes.push(page.Functions?.length ?? 0);
      Marker = page.NextMarker;
    } while (Marker !== undefined);
    expect(seen).toEqual(names);
    expect(sizes).toEqual([50, 50, 1]);
  });

  it.each([
    ['MaxItems of 0', { MaxItems: 0 }, VALIDATION],
    ['MaxItems over 10,000', { MaxItems: 10_001 }, VALIDATION],
    ['a marker that is none', { Marker: 'x' }, INVALID],
  ])('refuses %s', async (_name, input, code) => {
    const { client, create } = await bench();
    await create(FunctionName);
    const list = client.send(new ListAliasesCommand({ FunctionName, ...input }));
    expect(await refusal(list)).toMatchObject({ status: 400, code });
  });
});
