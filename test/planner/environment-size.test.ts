import { describe, expect, it } from 'vitest';
import { isDeployError } from '../../src/errors.js';
import { planDeploy } from '../../src/planner/deploy.js';
import type { DesiredFunction } from '../../src/model/function.js';
import { desired, live, variables } from './make.js';

/** `{"LARGE":"…"}` of exactly this many bytes. */
const LARGE = (bytes: number) => ({ LARGE: 'x'.repeat(bytes - '{"LARGE":""}'.length) });
const CODE = { kind: 'zip', source: 'a.zip', codeSha256: 'code-a', zipBytes: 1, unzippedBytes: 1 } as const;
const SETTINGS = { role: 'arn:aws:iam::123456789012:role/app', runtime: 'nodejs22.x', handler: 'index.handler' };

const refusalOf = (parts: Partial<DesiredFunction>, liveVariables?: Record<string, string>) => {
  const state = liveVariables && live({ latest: { codeSha256: 'code-a', environment: liveVariables } });
  try {
    planDeploy({ desired: desired(parts), live: state, records: [], recordsInTags: false });
    return undefined;
  } catch (error) {
    if (!isDeployError(error, 'ENVIRONMENT_TOO_LARGE')) throw error;
    return error;
  }
};

describe('variables that Lambda would refuse are refused in the plan', () => {
  it.each([
    ['4,096 bytes fit', LARGE(4096), undefined],
    ['one more does not', LARGE(4097), /take 4097 bytes; Lambda allows 4096 .*: LARGE 4095\./],
    ['a quote takes two bytes', { LARGE: '"'.repeat(2043) }, /take 4098 bytes/],
    ['a letter beyond ASCII takes two', { LARGE: 'é'.repeat(2043) }, /take 4098 bytes/],
    ['the largest first', { ...LARGE(4000), AA: 'y'.repeat(200) }, /: LARGE 3998, AA 207\./],
  ])('%s', (_, environment, expected) => {
    for (const state of [undefined, {}]) {
      const error = refusalOf({ environment: variables(environment), code: CODE, settings: SETTINGS }, state);
      if (expected === undefined) expect(error).toBeUndefined();
      else expect(error?.detail).toMatch(expected);
    }
  });

  it('what is left to others counts as it is live', () => {
    const parts = { environment: variables(LARGE(2000)), ignoreChanges: ['environment.THEIRS'] };
    expect(refusalOf(parts, { THEIRS: 'z'.repeat(1000) })).toBeUndefined();
    expect(refusalOf(parts, { THEIRS: 'z'.repeat(3000) })?.detail).toMatch(
      /: THEIRS 3011 \(as it is live\), LARGE 1998\./,
    );
  });

  it('what is unknown until apply does not count', () => {
    const parts = { environment: variables(LARGE(2000)), unknownVariables: { TOKEN: 'not read.' } };
    expect(refusalOf(parts, { TOKEN: 'z'.repeat(3000) })).toBeUndefined();
  });

  it('a file that leaves the variables alone is not judged by them', () => {
    expect(refusalOf({}, LARGE(4090))).toBeUndefined();
  });

  it('ten are named, the others counted, and no value is shown', () => {
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`V${at + 10}`, 'planted'.repeat(20)]));
    const error = refusalOf({ environment: variables(many) }, {});
    expect(error?.detail).toMatch(/: (V\d\d 148, ){9}V\d\d 148 and 40 smaller ones\./);
    expect(`${error?.message}${error?.fix}`).not.toContain('planted');
  });
});
