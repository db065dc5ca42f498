import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIELDS, resetOf } from '../../src/model/fields.js';
import type { Settings } from '../../src/model/function.js';
import type { Json, JsonObject } from '../../src/model/json.js';
import { diffContent } from '../../src/planner/compare.js';
import { normalizeSettings, normalizeValue, settingField } from '../../src/planner/normalize.js';
import { content } from './make.js';

const NAME = 'app';

const text = fc.string({ maxLength: 4 });
const texts = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 });
const logging = fc.record(
  {
    logFormat: fc.constantFrom('JSON', 'Text'),
    logGroup: text,
    applicationLogLevel: fc.constantFrom('DEBUG', 'INFO'),
    systemLogLevel: fc.constantFrom('WARN', 'INFO'),
  },
  { requiredKeys: [] },
);
/** What may stand in a file or come from AWS, key by key; every key may be absent or null. */
const settings = fc.record(
  Object.fromEntries(
    FIELDS.flatMap(({ key, struct, sets }) => {
      if (key === 'environment') return [];
      const member = fc.option(fc.oneof(text, texts, fc.boolean(), fc.integer()), { nil: null });
      const whole = struct === true ? fc.dictionary(fc.constantFrom('subnetIds', 'mode', 'command'), member) : text;
      const own = key === 'loggingConfig' ? logging : sets?.includes('') === true ? texts : whole;
      return [[key, fc.option(own as fc.Arbitrary<Json>, { nil: null })]];
    }),
  ),
  { requiredKeys: [] },
) as fc.Arbitrary<Settings>;

describe('normalizeSettings', () => {
  it('is idempotent', () => {
    fc.assert(
      fc.property(settings, (value) => {
        const once = normalizeSettings(value, NAME);
        expect(normalizeSettings(once, NAME)).toEqual(once);
      }),
    );
  });

  it('makes equal bytes of equal settings, whatever the order of keys', () => {
    fc.assert(
      fc.property(settings, (value) => {
        const turned = turn(value as JsonObject) as Settings;
        expect(JSON.stringify(normalizeSettings(turned, NAME))).toBe(JSON.stringify(normalizeSettings(value, NAME)));
      }),
    );
  });

  it('leaves no difference between settings and themselves, normalised again', () => {
    fc.assert(
      fc.property(settings, (value) => {
        const once = content({ settings: normalizeSettings(value, NAME) });
        expect(diffContent(once, content({ settings: normalizeSettings(once.settings, NAME) }))).toEqual([]);
      }),
    );
  });

  it.each(FIELDS.filter(({ key }) => key !== 'environment'))('$key: absent and null are its reset', (field) => {
    const reset = resetOf(field, NAME);
    expect(normalizeValue(field, undefined, NAME)).toEqual(reset);
    expect(normalizeValue(field, null, NAME)).toEqual(reset);
  });
});

describe('normalizeValue', () => {
  const TEXT_LOGS = { logFormat: 'Text', logGroup: '/aws/lambda/app' };
  const JSON_LOGS = { ...TEXT_LOGS, logFormat: 'JSON', applicationLogLevel: 'INFO', systemLogLevel: 'INFO' };
  it.each<[reason: string, key: string, value: Json, normal: Json]>([
    ['layers keep their order', 'layers', ['b', 'a'], ['b', 'a']],
    ['architectures are a set', 'architectures', ['x86_64', 'arm64'], ['arm64', 'x86_64']],
    ['an unset struct member has its default', 'vpcConfig', { subnetIds: ['b', 'a'] }, vpc({ subnetIds: ['a', 'b'] })],
    ['an empty network is no network', 'vpcConfig', { subnetIds: [], securityGroupIds: [] }, vpc({})],
    ['a member that AWS answers as null is unset', 'vpcConfig', { subnetIds: null }, vpc({})],
    ['an empty override of an image is none', 'imageConfig', { command: [], workingDirectory: '' }, {}],
    ['an override of an image stays', 'imageConfig', { command: ['a'] }, { command: ['a'] }],
    ['levels are filled in for JSON', 'loggingConfig', { logFormat: 'JSON' }, JSON_LOGS],
    [
      'a level that is set stays',
      'loggingConfig',
      { logFormat: 'JSON', systemLogLevel: 'WARN' },
      { ...JSON_LOGS, systemLogLevel: 'WARN' },
    ],
    ['levels mean nothing for text', 'loggingConfig', { logFormat: 'Text', systemLogLevel: 'WARN' }, TEXT_LOGS],
    ['the log group has the function in its name', 'loggingConfig', {}, TEXT_LOGS],
    ['the dead letter queue of nobody is empty', 'deadLetterConfig', {}, { targetArn: '' }],
    ['zero is a value', 'timeout', 0, 0],
    ['an empty text is a value', 'description', '', ''],
  ])('%s', (_, key, value, normal) => {
    expect(normalizeValue(settingField(key), value, NAME)).toEqual(normal);
  });

  it('has no field for a key that is no setting, a name of every object’s included', () => {
    expect(() => settingField('memorysize')).toThrow('no field memorysize');
    expect(() => settingField('constructor')).toThrow('no field constructor');
  });
});

function vpc(members: JsonObject): JsonObject {
  return { subnetIds: [], securityGroupIds: [], ipv6AllowedForDualStack: false, ...members };
}

function turn(value: Json): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, inner]) => [key, turn(inner)] as const)
      .reverse(),
  );
}
