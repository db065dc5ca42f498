import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Settings } from '../../src/model/function.js';
import { diffContent, diffEnvironment, ownValue, sameVersionContent, unpredicted } from '../../src/planner/compare.js';
import type { Content } from '../../src/planner/normalize.js';
import { content, UNREADABLE, variables } from './make.js';

/** Names that every object has, and that a map of the user's must not have. */
const INHERITED = ['constructor', 'toString', 'valueOf', 'hasOwnProperty', '__proto__'];

const paths = (before: Partial<Content>, after: Partial<Content>, scope: 'all' | 'version' = 'all'): string[] =>
  diffContent(content(before), content(after), scope).map(({ path }) => path);

describe('diffContent', () => {
  it('finds nothing between a content and itself', () => {
    const names = fc.constantFrom(...INHERITED.slice(0, 4), 'STAGE', 'LEVEL');
    const any = fc.record({
      settings: fc.dictionary(
        fc.constantFrom('timeout', 'layers', 'vpcConfig'),
        fc.jsonValue(),
      ) as fc.Arbitrary<Settings>,
      environment: fc.dictionary(names, fc.string()).map(variables),
      codeSha256: fc.string(),
    });
    fc.assert(
      fc.property(any, (one) => {
        expect(diffContent(one, one)).toEqual([]);
      }),
    );
  });

  it.each<[reason: string, before: Partial<Content>, after: Partial<Content>, paths: string[]]>([
    ['a scalar', { settings: { timeout: 3 } }, { settings: { timeout: 4 } }, ['timeout']],
    [
      'only the member of a struct',
      { settings: { loggingConfig: { logFormat: 'Text', logGroup: 'a' } } },
      { settings: { loggingConfig: { logFormat: 'Text', logGroup: 'b' } } },
      ['loggingConfig.logGroup'],
    ],
    [
      'only the member of a struct in a struct',
      { settings: { capacityProviderConfig: { lambdaManagedInstancesCapacityProviderConfig: { a: 1, b: 2 } } } },
      { settings: { capacityProviderConfig: { lambdaManagedInstancesCapacityProviderConfig: { a: 1, b: 3 } } } },
      ['capacityProviderConfig.lambdaManagedInstancesCapacityProviderConfig.b'],
    ],
    [
      'a struct that was not there, whole',
      {},
      { settings: { durableConfig: { executionTimeout: 1 } } },
      ['durableConfig'],
    ],
    ['a list whole', { settings: { layers: ['a'] } }, { settings: { layers: ['a', 'b'] } }, ['layers']],
    ['the order of layers', { settings: { layers: ['a', 'b'] } }, { settings: { layers: ['b', 'a'] } }, ['layers']],
    [
      'a list of structs whole',
      { settings: { fileSystemConfigs: [{ arn: 'a' }] } },
      { settings: { fileSystemConfigs: [{ arn: 'b' }] } },
      ['fileSystemConfigs'],
    ],
    ['the code', { codeSha256: 'a' }, { codeSha256: 'b' }, ['code']],
    [
      'settings in the order of the table, then variables, then code',
      { settings: { timeout: 3 } },
      { settings: { layers: ['a'], timeout: 4 }, environment: variables({ A_B: 'x' }), codeSha256: 'b' },
      ['timeout', 'layers', 'environment.A_B', 'code'],
    ],
  ])('shows %s', (_, before, after, expected) => expect(paths(before, after)).toEqual(expected));

  it('leaves the description of a version alone, and shows that of $LATEST', () => {
    const [before, after] = [{ settings: { description: 'a' } }, { settings: { description: 'b' } }];
    expect(paths(before, after)).toEqual(['description']);
    expect(paths(before, after, 'version')).toEqual([]);
    expect(sameVersionContent(content(before), content(after))).toBe(true);
  });

  it('never calls content equal whose variables nobody may read', () => {
    expect(paths({ environment: UNREADABLE }, { environment: UNREADABLE })).toEqual(['environment']);
    expect(paths({ environment: UNREADABLE }, {})).toEqual(['environment']);
    expect(paths({}, { environment: UNREADABLE })).toEqual(['environment']);
    expect(sameVersionContent(content({ environment: UNREADABLE }), content({ environment: UNREADABLE }))).toBe(false);
  });
});

describe('diffEnvironment', () => {
  it.each<[reason: string, before: Record<string, string>, after: Record<string, string>, shown: unknown[]]>([
    ['added', {}, { STAGE: 'secret-1' }, [null, '(set)']],
    ['changed', { STAGE: 'secret-1' }, { STAGE: 'secret-2' }, ['(set)', '(changed)']],
    ['removed', { STAGE: 'secret-1' }, {}, ['(set)', null]],
  ])('%s: the name, never a value', (_, before, after, [was, is]) => {
    const found = diffEnvironment(variables(before), variables(after));
    expect(found).toEqual([{ path: 'environment.STAGE', before: was, after: is, sensitive: true }]);
    expect(JSON.stringify(found)).not.toContain('secret-');
  });

  it.each(INHERITED.slice(0, 4))('a variable called %s is one like any other', (name) => {
    expect(diffEnvironment(variables({}), variables({}))).toEqual([]);
    expect(diffEnvironment(variables({}), variables({ [name]: 'x' })).map(({ path }) => path)).toEqual([
      `environment.${name}`,
    ]);
    expect(diffEnvironment(variables({ [name]: 'x' }), variables({ [name]: 'x' }))).toEqual([]);
    expect(diffEnvironment(variables({ [name]: 'x' }), variables({}))).toMatchObject([{ after: null }]);
  });

  it('is sorted by name, whatever the order of the maps', () => {
    const found = diffEnvironment(variables({ B_1: 'x', A_1: 'x' }), variables({ C_1: 'x' }));
    expect(found.map(({ path }) => path)).toEqual(['environment.A_1', 'environment.B_1', 'environment.C_1']);
  });
});

describe('ownValue', () => {
  it.each(INHERITED)('does not find an inherited %s', (name) => expect(ownValue({}, name)).toBeUndefined());
  it('finds what is there', () => expect(ownValue({ constructor: 'own' }, 'constructor')).toBe('own'));
});

describe('unpredicted', () => {
  const sent = content({ settings: { loggingConfig: { logFormat: 'JSON' } } });
  const filled = content({ settings: { loggingConfig: { logFormat: 'JSON', systemLogLevel: 'INFO' } } });

  it.each<[reason: string, predicted: Content, live: Content, keys: string[], paths: string[]]>([
    ['nothing', sent, sent, [], []],
    ['no member that AWS filled into a struct that was sent', sent, filled, ['loggingConfig'], []],
    [
      'a member that appeared in a struct that was not sent',
      sent,
      filled,
      ['timeout'],
      ['loggingConfig.systemLogLevel'],
    ],
    ['a member that is gone', filled, sent, ['loggingConfig'], ['loggingConfig.systemLogLevel']],
    ['what somebody else wrote', sent, { ...sent, codeSha256: 'theirs' }, ['loggingConfig'], ['code']],
    [
      'a struct that appeared whole',
      content(),
      content({ settings: { durableConfig: { executionTimeout: 1 } } }),
      ['durableConfig'],
      ['durableConfig'],
    ],
    [
      'no variables that were hidden before',
      content({ environment: UNREADABLE }),
      content({ environment: UNREADABLE }),
      [],
      [],
    ],
    ['variables that are hidden since', content(), content({ environment: UNREADABLE }), [], ['environment']],
    ['variables that came to light', content({ environment: UNREADABLE }), content(), [], ['environment']],
  ])('tells %s', (_, predicted, live, keys, expected) => expect(unpredicted(predicted, live, keys)).toEqual(expected));

  it('leaves out the description of a version', () => {
    const [one, other] = [content({ settings: { description: 'a' } }), content({ settings: { description: 'b' } })];
    expect(unpredicted(one, other, [])).toEqual(['description']);
    expect(unpredicted(one, other, [], 'version')).toEqual([]);
  });
});
