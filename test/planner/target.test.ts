import { describe, expect, it } from 'vitest';
import { isDeployError } from '../../src/errors.js';
import type { DesiredFunction, Variables } from '../../src/model/function.js';
import { reveal } from '../../src/model/secret.js';
import type { Content } from '../../src/planner/normalize.js';
import { isIgnored, isKnown, isManaged, overlay } from '../../src/planner/target.js';
import { content, desired, UNREADABLE, variables } from './make.js';

describe('isIgnored', () => {
  it.each<[path: string, ignored: boolean]>([
    ['layers', true],
    ['environment.FEATURE_X', true],
    ['environment.FEATURE_XY', false],
    ['environment', false],
    ['loggingConfig', true],
    ['loggingConfig.logGroup', true],
    ['loggingConfigs', false],
    ['tags.a.b', true],
    ['tags.a.bc', false],
  ])('%s: %s', (path, ignored) => {
    const ignoreChanges = ['layers', 'environment.FEATURE_X', 'loggingConfig', 'tags.a.b'];
    expect(isIgnored({ ignoreChanges }, path)).toBe(ignored);
  });
});

describe('isManaged', () => {
  const one = desired({
    settings: {
      timeout: null,
      loggingConfig: { logFormat: 'JSON', logGroup: '/a' },
      vpcConfig: null,
      capacityProviderConfig: { lambdaManagedInstancesCapacityProviderConfig: { capacityProviderArn: 'a' } },
    },
    environment: {},
    ignoreChanges: ['environment.FEATURE_X', 'loggingConfig.logGroup'],
  });
  it.each<[path: string, managed: boolean, why: string]>([
    ['timeout', true, 'null is a wish, too'],
    ['memorySize', false, 'the file does not name it'],
    ['loggingConfig.logFormat', true, 'the file names the member'],
    ['loggingConfig.systemLogLevel', false, 'the file names other members'],
    ['loggingConfig.logGroup', false, 'left to others'],
    ['loggingConfig.constructor', false, 'a member that every object has is none of the file’s'],
    ['vpcConfig.subnetIds', true, 'the whole struct is reset'],
    ['capacityProviderConfig.lambdaManagedInstancesCapacityProviderConfig.capacityProviderArn', true, 'named inside'],
    ['capacityProviderConfig.lambdaManagedInstancesCapacityProviderConfig.other', false, 'a sister inside'],
    ['environment.ANY', true, 'the map is complete'],
    ['environment.FEATURE_X', false, 'left to others'],
    ['code', false, 'the file names no code'],
  ])('%s: %s, %s', (path, managed) => expect(isManaged(one, path)).toBe(managed));
});

describe('isKnown', () => {
  it('is false for hidden variables that nobody manages, and only for them', () => {
    expect(isKnown(desired(), 'environment')).toBe(false);
    expect(isKnown(desired({ environment: {}, ignoreChanges: ['environment'] }), 'environment')).toBe(false);
    expect(isKnown(desired({ environment: {} }), 'environment')).toBe(true);
    expect(isKnown(desired(), 'environment.STAGE')).toBe(true);
    expect(isKnown(desired(), 'timeout')).toBe(true);
  });
});

describe('overlay', () => {
  const base: Content['settings'] = {
    timeout: 30,
    layers: ['live'],
    loggingConfig: { logFormat: 'JSON', logGroup: '/live', applicationLogLevel: 'WARN', systemLogLevel: 'WARN' },
    vpcConfig: { subnetIds: ['a'], securityGroupIds: ['sg'], ipv6AllowedForDualStack: false },
  };
  const settingsOf = (parts: Partial<DesiredFunction>): Content['settings'] =>
    overlay(desired(parts), content({ settings: base })).settings;

  it.each<[reason: string, parts: Partial<DesiredFunction>, expected: Content['settings']]>([
    ['nothing managed: live', {}, base],
    ['a value replaces', { settings: { timeout: 5 } }, { ...base, timeout: 5 }],
    ['null is the default', { settings: { timeout: null, layers: null } }, { ...base, timeout: 3, layers: [] }],
    ['a list replaces whole', { settings: { layers: ['mine'] } }, { ...base, layers: ['mine'] }],
    [
      'a struct is merged',
      { settings: { vpcConfig: { subnetIds: ['c', 'b'] } } },
      { ...base, vpcConfig: { subnetIds: ['b', 'c'], securityGroupIds: ['sg'], ipv6AllowedForDualStack: false } },
    ],
    [
      'null resets a struct whole',
      { settings: { vpcConfig: null } },
      { ...base, vpcConfig: { subnetIds: [], securityGroupIds: [], ipv6AllowedForDualStack: false } },
    ],
    [
      'an ignored member stays live',
      {
        settings: { loggingConfig: { logFormat: 'JSON', logGroup: '/mine', systemLogLevel: 'DEBUG' } },
        ignoreChanges: ['loggingConfig.logGroup'],
      },
      { ...base, loggingConfig: { ...(base.loggingConfig as object), systemLogLevel: 'DEBUG' } },
    ],
    ['an ignored key stays live', { settings: { layers: ['mine'] }, ignoreChanges: ['layers'] }, base],
    [
      'text logs lose the levels that live has',
      { settings: { loggingConfig: { logFormat: 'Text' } } },
      { ...base, loggingConfig: { logFormat: 'Text', logGroup: '/live' } },
    ],
  ])('%s', (_, parts, expected) => expect(settingsOf(parts)).toEqual(expected));

  it.each<[reason: string, parts: Partial<DesiredFunction>, expected: Record<string, string>]>([
    ['not managed: live', {}, { STAGE: 'live', FEATURE_X: 'live' }],
    ['complete: extras go', { environment: variables({ STAGE: 'mine' }) }, { STAGE: 'mine' }],
    ['null empties', { environment: null }, {}],
    [
      'an ignored variable keeps its live value',
      { environment: variables({ STAGE: 'mine', FEATURE_X: 'mine' }), ignoreChanges: ['environment.FEATURE_X'] },
      { FEATURE_X: 'live', STAGE: 'mine' },
    ],
    [
      'an ignored variable that live lacks is not made',
      { environment: variables({ FEATURE_Y: 'mine' }), ignoreChanges: ['environment.FEATURE_Y'] },
      {},
    ],
    [
      'all variables ignored: live',
      { environment: variables({ STAGE: 'mine' }), ignoreChanges: ['environment'] },
      { STAGE: 'live', FEATURE_X: 'live' },
    ],
    ['names that every object has', { environment: variables({ constructor: 'mine' }) }, { constructor: 'mine' }],
  ])('variables, %s', (_, parts, expected) => {
    const { environment } = overlay(
      desired(parts),
      content({ environment: variables({ STAGE: 'live', FEATURE_X: 'live' }) }),
    );
    const plain = Object.entries(environment as Variables).map(([name, value]) => [name, reveal(value)]);
    expect(Object.fromEntries(plain)).toEqual(expected);
  });

  it('takes the code of the file where it names one', () => {
    const code = { kind: 'zip', source: 'b.zip', codeSha256: 'code-b', zipBytes: 1, unzippedBytes: 1 } as const;
    expect(overlay(desired({ code }), content()).codeSha256).toBe('code-b');
    expect(overlay(desired(), content()).codeSha256).toBe('code-a');
  });

  it('refuses hidden variables where they are managed, naming the permission, and keeps them hidden elsewhere', () => {
    const hidden = content({ environment: UNREADABLE });
    expect(overlay(desired(), hidden).environment).toBe(UNREADABLE);
    expect(overlay(desired({ environment: {}, ignoreChanges: ['environment'] }), hidden).environment).toBe(UNREADABLE);
    const refused = catchError(() => overlay(desired({ environment: {} }), hidden));
    expect(isDeployError(refused, 'AWS_UNREADABLE') && refused.message).toContain('kms:Decrypt');
  });
});

function catchError(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('it was expected to throw');
}
