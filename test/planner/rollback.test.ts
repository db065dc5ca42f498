import { describe, expect, it } from 'vitest';
import { isDeployError } from '../../src/errors.js';
import type { DesiredAlias } from '../../src/model/function.js';
import { planRollback, type RollbackInput } from '../../src/planner/rollback.js';
import type { PlainFunction, PlainVersion } from './live-file.js';
import { live, record, UNREADABLE, variables } from './make.js';

const ALIAS: DesiredAlias = { name: 'live', healthChecks: [{ timeoutSeconds: 10 }], autoRollback: true };
const LAYERED = { layers: ['a'] };

interface Given extends Partial<Omit<RollbackInput, 'version' | 'live'>> {
  /** The version to go back to; `$LATEST` and version 2 have code-b. */
  readonly to?: Partial<PlainVersion>;
  readonly latest?: Partial<PlainVersion>;
  readonly function?: Partial<PlainFunction>;
}

function plan({ to, latest, function: parts, ...input }: Given = {}): ReturnType<typeof planRollback> {
  const one = { version: '1', codeSha256: 'code-a', ...to };
  const found = live({
    latest: { codeSha256: 'code-b', ...latest },
    versions: [one, { version: '2', codeSha256: 'code-b' }],
    aliases: [{ name: 'live', version: '2' }],
    ...parts,
  });
  const [version] = found.versions;
  if (version === undefined) throw new Error('there is a version');
  return planRollback({
    name: 'app',
    alias: ALIAS,
    live: found,
    version,
    target: { version: '1' },
    recordsInTags: false,
    ...input,
  });
}

const types = (planned: ReturnType<typeof planRollback>): string =>
  planned.plan.operations.map(({ type }) => type).join(' ') || 'none';

function refusal(given: Given): unknown {
  try {
    plan(given);
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('planRollback', () => {
  it.each<[reason: string, given: Given, operations: string]>([
    ['checks, moves, checks, then tidies the code', {}, 'Invoke UpdateAlias Invoke UpdateFunctionCode'],
    [
      'finishes one that died after its move: asks the alias, then tidies',
      {
        target: { version: '1', resumes: true },
        function: { aliases: [{ name: 'live', version: '1' }] },
        recordsInTags: true,
      },
      'TagResource Invoke UpdateFunctionCode TagResource',
    ],
    [
      'tidies the configuration before the code',
      { to: { settings: { timeout: 9 } } },
      'Invoke UpdateAlias Invoke UpdateFunctionConfiguration UpdateFunctionCode',
    ],
    [
      'tidies smaller code before more layers',
      { to: { settings: LAYERED, codeSize: 10 }, latest: { codeSize: 20 } },
      'Invoke UpdateAlias Invoke UpdateFunctionCode UpdateFunctionConfiguration',
    ],
    [
      'tidies larger code after more layers',
      { to: { settings: LAYERED, codeSize: 20 }, latest: { codeSize: 10 } },
      'Invoke UpdateAlias Invoke UpdateFunctionConfiguration UpdateFunctionCode',
    ],
    [
      'sends the code with an architecture',
      { to: { settings: { architectures: ['arm64'] } }, latest: { codeSha256: 'code-a' } },
      'Invoke UpdateAlias Invoke UpdateFunctionCode',
    ],
    [
      'with today’s secrets $LATEST comes first, is published, checked, and then gets the alias',
      { fresh: variables({ KEY: 'new' }), to: { environment: { KEY: 'old' } } },
      'UpdateFunctionConfiguration UpdateFunctionCode PublishVersion Invoke UpdateAlias Invoke',
    ],
    [
      'sends the code again where the version that has today’s secrets is Failed',
      {
        fresh: variables({ KEY: 'new' }),
        above: '3',
        to: { environment: { KEY: 'old' } },
        latest: { codeSha256: 'code-a', environment: { KEY: 'new' } },
      },
      'UpdateFunctionCode PublishVersion Invoke UpdateAlias Invoke',
    ],
    [
      'restores the tags of its record, and removes what only the one that is left had set',
      {
        latest: { codeSha256: 'code-a' },
        target: {
          version: '1',
          record: record(0, { version: '1', unversioned: { tags: { team: 'a' } } }),
          leaves: record(1, { version: '2', unversioned: { tags: { team: 'b', tier: 'gold' } } }),
        },
        function: { tags: { team: 'b', tier: 'gold', own: 'x' }, aliases: [{ name: 'live', version: '2' }] },
      },
      'Invoke UpdateAlias Invoke TagResource UntagResource',
    ],
    [
      'leaves tags alone of which the record says nothing',
      {
        latest: { codeSha256: 'code-a' },
        target: { version: '1', record: record(0, { version: '1' }) },
        function: { tags: { team: 'b' }, aliases: [{ name: 'live', version: '2' }] },
      },
      'Invoke UpdateAlias Invoke',
    ],
    ['leaves $LATEST alone that is as the version', { latest: { codeSha256: 'code-a' } }, 'Invoke UpdateAlias Invoke'],
    [
      'leaves the description of the function alone',
      {
        latest: { codeSha256: 'code-a', settings: { description: 'mine' } },
        to: { settings: { description: 'build 1' } },
      },
      'Invoke UpdateAlias Invoke',
    ],
    [
      'restores the image of $LATEST',
      { to: { packageType: 'Image' }, latest: { packageType: 'Image' } },
      'Invoke UpdateAlias Invoke UpdateFunctionCode',
    ],
    [
      'moves nothing when the alias is there, and tidies',
      { function: { aliases: [{ name: 'live', version: '1' }] } },
      'UpdateFunctionCode',
    ],
    [
      'clears weights when the alias is there',
      { function: { aliases: [{ name: 'live', version: '1', weights: { '2': 0.1 } }] } },
      'Invoke UpdateAlias Invoke UpdateFunctionCode',
    ],
    [
      'does nothing, and records nothing, when all is there',
      {
        latest: { codeSha256: 'code-a' },
        function: { aliases: [{ name: 'live', version: '1' }] },
        recordsInTags: true,
      },
      'none',
    ],
    [
      'records in tags',
      { recordsInTags: true },
      'TagResource Invoke UpdateAlias Invoke UpdateFunctionCode TagResource',
    ],
    [
      'sends no variables when nobody may read either side',
      { to: { environment: UNREADABLE }, latest: { environment: UNREADABLE } },
      'Invoke UpdateAlias Invoke UpdateFunctionCode',
    ],
    [
      'keeps the variables of $LATEST when those of the version are hidden',
      { to: { environment: UNREADABLE }, latest: { environment: { STAGE: 'test-stage' } } },
      'Invoke UpdateAlias Invoke UpdateFunctionCode',
    ],
    [
      'restores the variables',
      { to: { environment: { STAGE: 'test-stage' } } },
      'Invoke UpdateAlias Invoke UpdateFunctionConfiguration UpdateFunctionCode',
    ],
  ])('%s', (_, given, operations) => expect(types(plan(given))).toBe(operations));

  it('says which deployment it goes to: when, and of which commit and build', () => {
    const reason = (target: RollbackInput['target']): unknown => plan({ target }).plan.differences[0]?.reason;
    const known = { version: '1', codeSha256: 'code-a', startedAt: '2026-01-02T03:04:05.678Z' } as const;
    expect(reason({ version: '1', record: record(0, { ...known, commit: '0123456789abcdef', build: '412' }) })).toBe(
      'rollback to the deployment of 2026-01-02T03:04Z, commit 01234567, build 412',
    );
    expect(reason({ version: '1', record: record(0, known) })).toBe('rollback to the deployment of 2026-01-02T03:04Z');
    expect(reason({ version: '1', named: true })).toBe('rollback to a version without a record');
  });

  it('asks for the alias to be where it was seen, weights included, and clears them', () => {
    const planned = plan({ function: { aliases: [{ name: 'live', version: '2', weights: { '1': 0.25 } }] } });
    expect(planned.plan.operations[1]).toMatchObject({
      type: 'UpdateAlias',
      from: { version: { number: '2' }, additional: { version: { number: '1' }, weight: 0.25 } },
      version: { number: '1' },
    });
  });

  it('holds names of variables only', () => {
    const planned = plan({
      to: { environment: { STAGE: 'test-stage' } },
      latest: { environment: { OLD: 'other-stage' } },
    });
    expect(planned.plan.operations.find(({ type }) => type === 'UpdateFunctionConfiguration')).toMatchObject({
      environment: { set: ['STAGE'], remove: ['OLD'] },
    });
    expect(JSON.stringify(planned.plan)).not.toMatch(/(test|other)-stage/);
  });

  it('warns about what it cannot restore', () => {
    const codes = (given: Given): string[] => plan(given).warnings.map(({ code }) => code);
    expect(codes({ to: { environment: UNREADABLE } })).toEqual(['AWS_UNREADABLE']);
    expect(codes({})).toEqual([]);
  });

  it('refuses a version that cannot serve', () => {
    expect(isDeployError(refusal({ to: { state: 'Failed' } }), 'VERSION_NOT_FOUND')).toBe(true);
  });

  it('refuses a record that AWS contradicts, unless somebody named the number', () => {
    const foreign = record(1, { version: '1', codeSha256: 'other-code' });
    expect(isDeployError(refusal({ target: { version: '1', record: foreign } }), 'NO_ROLLBACK_TARGET')).toBe(true);
    expect(refusal({ target: { version: '1', record: foreign, named: true } })).toBeUndefined();
    const shortened = record(1, { version: '1', codeSha256: 'code-' });
    expect(refusal({ target: { version: '1', record: shortened } })).toBeUndefined();
  });

  it('lists the other aliases that it leaves alone, sorted', () => {
    const aliases = ['live', 'other', 'aside'].map((name) => ({ name, version: '2' }));
    expect(plan({ function: { aliases } }).plan.unmanagedAliases).toEqual(['aside', 'other']);
  });
});
