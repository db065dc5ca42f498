import { describe, expect, it } from 'vitest';
import { isDeployError } from '../../src/errors.js';
import type { DriftClass } from '../../src/model/drift.js';
import type { DesiredFunction, LiveFunction } from '../../src/model/function.js';
import type { DeployRecord } from '../../src/model/record.js';
import { detectDrift, type DriftInput } from '../../src/planner/drift.js';
import { newestSettled } from '../../src/planner/recorded.js';
import { desired, live, record, UNREADABLE, variables } from './make.js';
import type { PlainFunction, PlainVersion } from './live-file.js';

const ONE = { codeSha256: 'code-a', environment: { STAGE: 'test-stage' } };
const V1 = { version: '1', ...ONE };
const AT_1 = { aliases: [{ name: 'live', version: '1' }] };
const DEPLOYED = record(1, { version: '1', codeSha256: 'code-a' });

const PINNED = { name: 'old', version: '1', healthChecks: [], autoRollback: true };
const DEPLOYED_PINNED = {
  desired: { aliases: [{ name: 'live', healthChecks: [], autoRollback: true }, PINNED] },
  function: { aliases: [...AT_1.aliases, { name: 'old', version: '1' }] },
  ofPinned: [record(2, { alias: 'old', version: '1', latestDigest: 'd1' })],
};

interface Given {
  readonly latest?: PlainVersion;
  readonly function?: Partial<PlainFunction>;
  readonly records?: readonly DeployRecord[];
  /** Of an alias `old`. */
  readonly ofPinned?: readonly DeployRecord[];
  readonly desired?: Partial<DesiredFunction>;
  readonly digest?: string;
}

function detect(given: Given, found: LiveFunction | undefined = liveOf(given)): ReturnType<typeof detectDrift> {
  const records: DriftInput['records'] = new Map([
    ['live', given.records ?? [DEPLOYED]],
    ['old', given.ofPinned ?? []],
  ]);
  return detectDrift({ desired: desired(given.desired), live: found, records, ...digestOf(given.digest) });
}

/** Whatever the content: only whether it is the recorded digest counts here. */
function digestOf(digest: string | undefined): Pick<DriftInput, 'digestOf'> {
  return digest === undefined ? {} : { digestOf: () => digest };
}

function liveOf(given: Given): LiveFunction {
  return live({ latest: given.latest ?? ONE, versions: [V1], ...AT_1, ...given.function });
}

describe('detectDrift', () => {
  it.each<[reason: string, given: Given, paths: string[]]>([
    ['nothing moved', {}, []],
    ['a setting of $LATEST', { latest: { ...ONE, settings: { timeout: 60 } } }, ['timeout']],
    [
      'a member of a struct',
      { latest: { ...ONE, settings: { loggingConfig: { logFormat: 'Text', logGroup: '/theirs' } } } },
      ['loggingConfig.logGroup'],
    ],
    [
      'variables: changed, added, removed',
      {
        latest: { ...ONE, environment: { STAGE: 'other-stage', EXTRA: 'somebody' } },
      },
      ['environment.EXTRA', 'environment.STAGE'],
    ],
    ['the code', { latest: { ...ONE, codeSha256: 'code-b' } }, ['code']],
    ['also what nobody manages', { latest: { ...ONE, settings: { layers: ['theirs'] } } }, ['layers']],
    [
      'not what is left to others',
      { latest: { ...ONE, settings: { layers: ['theirs'] } }, desired: { ignoreChanges: ['layers'] } },
      [],
    ],
    [
      'not the description, which versions have of their own',
      { latest: { ...ONE, settings: { description: 'theirs' } } },
      [],
    ],
    [
      'an alias that was moved',
      { function: { aliases: [{ name: 'live', version: '2' }], versions: [V1, { ...V1, version: '2' }] } },
      ['aliases.live.version'],
    ],
    [
      'weights that nobody recorded',
      { function: { aliases: [{ name: 'live', version: '1', weights: { '2': 0.1 } }] } },
      ['aliases.live.weights'],
    ],
    ['an alias that is gone', { function: { aliases: [] } }, ['aliases.live']],
  ])('%s', (_, given, paths) => {
    const found = detect(given);
    expect(found.differences.map(({ path }) => path)).toEqual(paths);
    expect(found.drifted).toBe(paths.length > 0);
    expect(found.notes).toEqual([]);
  });

  const V2 = { version: '2', ...ONE, settings: { timeout: 60 } };
  const moved = (version: PlainVersion & { readonly version: string }): Partial<PlainFunction> => ({
    aliases: [{ name: 'live', version: '2' }],
    versions: [V1, version],
  });
  const OF_ANOTHER_FILE = [{ ...DEPLOYED, specDigest: 'another-file' }];
  /** The file has taken over the timeout that somebody published by hand, and the alias serves it. */
  const SERVED: Given = {
    latest: { ...ONE, settings: { timeout: 60 } },
    function: moved(V2),
    records: OF_ANOTHER_FILE,
    desired: { settings: { timeout: 60 } },
  };
  it.each<[reason: string, given: Given, who: DriftClass]>([
    ['what it serves is what the file has come to say', SERVED, 'pending'],
    [
      'the file has not changed: nobody committed it',
      { ...SERVED, records: [{ ...DEPLOYED, specDigest: 'f00d' }] },
      'drift',
    ],
    ['no record tells what the file was', { ...SERVED, records: [DEPLOYED] }, 'drift'],
    ['the file says something else', { ...SERVED, desired: { settings: { timeout: 9 } } }, 'drift'],
    ['it serves something else', { ...SERVED, function: moved({ ...V2, settings: { timeout: 61 } }) }, 'drift'],
    [
      'it serves variables that AWS does not show',
      { ...SERVED, function: moved({ ...V2, environment: UNREADABLE }) },
      'drift',
    ],
    ['it serves other code', { ...SERVED, function: moved({ ...V2, codeSha256: 'code-b' }) }, 'drift'],
    [
      '$LATEST has what no file says',
      {
        ...SERVED,
        latest: { ...ONE, settings: { timeout: 60, layers: ['theirs'] } },
        function: moved({ ...V2, settings: { timeout: 60, layers: ['theirs'] } }),
      },
      'drift',
    ],
    [
      'the file pins it to where it was',
      {
        ...SERVED,
        desired: {
          settings: { timeout: 60 },
          aliases: [{ name: 'live', healthChecks: [], autoRollback: true, version: '1' }],
        },
      },
      'drift',
    ],
  ])('an alias that was moved, and %s', (_, given, who) => {
    const found = detect(given).differences.find(({ path }) => path === 'aliases.live.version');
    expect(found).toMatchObject({ recorded: '1', live: '2', class: who });
    if (who === 'pending') expect(found?.desired).toBe('2');
  });

  const EDITED_TIMEOUT: PlainVersion = { ...ONE, settings: { timeout: 60 } };
  it.each<[reason: string, given: Given, classes: Readonly<Record<string, DriftClass>>]>([
    ['the file moved', { desired: { settings: { timeout: 60 } } }, { timeout: 'pending' }],
    [
      'AWS moved, the file says what it said',
      { latest: EDITED_TIMEOUT, desired: { settings: { timeout: 3 } } },
      { timeout: 'drift' },
    ],
    [
      'both moved, to different values',
      { latest: EDITED_TIMEOUT, desired: { settings: { timeout: 9 } } },
      { timeout: 'conflict' },
    ],
    [
      'both moved to the same value: only a version lacks it',
      { latest: EDITED_TIMEOUT, desired: { settings: { timeout: 60 } } },
      { timeout: 'pending' },
    ],
    [
      'a variable that the file moved, and one that AWS did',
      {
        latest: { ...ONE, environment: { STAGE: 'test-stage', EXTRA: 'theirs' } },
        desired: { environment: variables({ STAGE: 'new-stage' }) },
      },
      { 'environment.EXTRA': 'drift', 'environment.STAGE': 'pending' },
    ],
    [
      'a variable whose value is not known: AWS alone is compared',
      {
        latest: { ...ONE, environment: { STAGE: 'other-stage' } },
        desired: { environment: {}, unknownVariables: { STAGE: 'no permission' } },
      },
      { 'environment.STAGE': 'drift' },
    ],
    [
      'an alias, a tag and a reserved concurrency that nobody declared',
      {
        function: {
          aliases: [...AT_1.aliases, { name: 'beta', version: '1' }],
          tags: { theirs: 'x', 'aws:stack': 'y', 'lambda-deploy:0': '1' },
          reservedConcurrentExecutions: 0,
        },
      },
      { 'aliases.beta': 'unmanaged', reservedConcurrentExecutions: 'unmanaged', 'tags.theirs': 'unmanaged' },
    ],
    [
      'weights that nobody recorded',
      { function: { aliases: [{ name: 'live', version: '1', weights: { '2': 0.1 } }] } },
      { 'aliases.live.weights': 'drift' },
    ],
    [
      'weights that Lambda itself sets while it allocates',
      {
        function: {
          aliases: [{ name: 'live', version: '1', weights: { '2': 0.1 }, hasProvisionedConcurrency: true }],
        },
      },
      { 'aliases.live.weights': 'aws' },
    ],
    [
      'the patch level of a runtime',
      {
        latest: { ...ONE, runtimeVersionArn: 'arn:2' },
        function: { versions: [{ ...V1, runtimeVersionArn: 'arn:1' }] },
      },
      { runtimeVersion: 'aws' },
    ],
    [
      'another runtime, with a patch level of its own',
      {
        latest: { ...ONE, settings: { runtime: 'nodejs24.x' }, runtimeVersionArn: 'arn:2' },
        function: { versions: [{ ...V1, runtimeVersionArn: 'arn:1' }] },
      },
      { runtime: 'drift' },
    ],
    [
      'a rollout that waited, and was taken back by hand',
      { records: [record(2, { result: 'pending', version: '1', triedVersion: '2', latestDigest: 'd' })], digest: 'd' },
      { 'aliases.live.weights': 'drift' },
    ],
    [
      'a tag that the file moved, AWS moved, both moved',
      {
        function: { tags: { a: '1', b: '9', c: '9' } },
        records: [{ ...DEPLOYED, unversioned: { tags: { a: '1', b: '1', c: '1' } } }],
        desired: { tags: { a: '2', b: '1', c: '2' } },
      },
      { 'tags.a': 'pending', 'tags.b': 'drift', 'tags.c': 'conflict' },
    ],
    [
      'a tag of which no record tells: only the file is there to be compared with',
      { function: { tags: { a: '1' } }, desired: { tags: { a: '2' } } },
      { 'tags.a': 'pending' },
    ],
    [
      'the description, which no version keeps: the digest tells',
      {
        latest: { ...ONE, settings: { description: 'theirs' } },
        records: [{ ...DEPLOYED, latestDigest: 'd1' }],
        digest: 'd2',
      },
      { description: 'drift' },
    ],
    [
      'the digest moved in what others own: nothing is said of the description',
      {
        latest: { ...ONE, settings: { description: 'theirs', layers: ['theirs'] } },
        records: [{ ...DEPLOYED, latestDigest: 'd1' }],
        desired: { ignoreChanges: ['layers'] },
        digest: 'd2',
      },
      {},
    ],
    [
      'the same without a version',
      {
        latest: { ...ONE, settings: { layers: ['theirs'] } },
        records: [record(1, { version: '7', latestDigest: 'd1', spec: { timeout: 3 } })],
        function: { aliases: [{ name: 'live', version: '7' }] },
        desired: { settings: { timeout: 3 }, ignoreChanges: ['layers'] },
        digest: 'd2',
      },
      {},
    ],
    [
      'a pinned alias was deployed last, and left what a version shows',
      {
        latest: { ...ONE, settings: { timeout: 60 } },
        records: [{ ...DEPLOYED, latestDigest: 'd1' }],
        ...DEPLOYED_PINNED,
        digest: 'd2',
      },
      // The description is in no version: the digest, which moved here whatever the content, stands for it, too.
      { timeout: 'drift', description: 'drift' },
    ],
    [
      'a pinned alias was deployed last, and left what no version shows',
      {
        latest: { ...ONE, settings: { timeout: 60 } },
        records: [{ ...DEPLOYED, latestDigest: 'd0' }],
        ...DEPLOYED_PINNED,
        digest: 'd2',
      },
      { $LATEST: 'drift' },
    ],
    [
      'the description, with a record that has it',
      {
        latest: { ...ONE, settings: { description: 'theirs' } },
        records: [{ ...DEPLOYED, spec: { description: 'ours' } }],
        desired: { settings: { description: 'ours' } },
      },
      { description: 'drift' },
    ],
    [
      'the description of an alias',
      {
        function: { aliases: [{ name: 'live', version: '1', description: 'theirs' }] },
        records: [{ ...DEPLOYED, spec: { aliases: { live: { description: 'ours' } } } }],
        desired: { aliases: [{ name: 'live', description: 'ours', healthChecks: [], autoRollback: true }] },
      },
      { 'aliases.live.description': 'drift' },
    ],
    [
      'a pinned alias: AWS moved, and the file moved',
      {
        function: { aliases: [{ name: 'live', version: '2' }], versions: [V1, { ...V1, version: '2' }] },
        desired: { aliases: [{ name: 'live', version: '3', healthChecks: [], autoRollback: true }] },
      },
      { 'aliases.live.version': 'conflict' },
    ],
    [
      'an alias of the file that was never deployed',
      { function: { aliases: [] }, records: [] },
      { 'aliases.live': 'pending' },
    ],
    [
      'what a deployment’s variable decided is not known from the record',
      {
        latest: { codeSha256: 'code-a', settings: { memorySize: 256, timeout: 60 } },
        records: [record(1, { version: '7', spec: { timeout: '${T}', memorySize: 128 } })],
        function: { aliases: [{ name: 'live', version: '7' }] },
        desired: { settings: { timeout: 30, memorySize: 128 } },
      },
      { memorySize: 'drift', timeout: 'pending' },
    ],
    [
      'after a run that failed, an edit of something and a commit of something: what it was is not known',
      {
        latest: EDITED_TIMEOUT,
        records: [record(2, { result: 'failed', version: '1', latestDigest: 'd1' }), DEPLOYED],
        desired: { settings: { timeout: 3 } },
        digest: 'd2',
      },
      { timeout: 'conflict' },
    ],
  ])('who moved: %s', (_, given, classes) => {
    const found = detect(given);
    expect(Object.fromEntries(found.differences.map((one) => [one.path, one.class]))).toEqual(classes);
    const moved = Object.values(classes).some((one) => one === 'drift' || one === 'conflict');
    expect(found.drifted).toBe(moved);
  });

  it('what nobody declared counts with strict alone', () => {
    const input = (strict: boolean): ReturnType<typeof detectDrift> => {
      const function_ = live({ latest: ONE, versions: [V1], ...AT_1, tags: { theirs: 'x' } });
      const records = new Map([['live', [DEPLOYED]]]);
      return detectDrift({ desired: desired(), live: function_, records, strict });
    };
    expect([input(false).drifted, input(true).drifted]).toEqual([false, true]);
  });

  it.each<[reason: string, records: DeployRecord[], overdue: string[], rollouts: unknown]>([
    ['an open run', [record(2, { result: 'open' }), DEPLOYED], [], [{ alias: 'live', state: 'in_progress' }]],
    [
      'an open run past its time',
      [record(2, { result: 'open' }), DEPLOYED],
      [record(2).id],
      [{ alias: 'live', state: 'abandoned' }],
    ],
    [
      'a rollout that waits',
      [record(2, { result: 'pending', triedVersion: '2', version: '1' }), DEPLOYED],
      [],
      [{ alias: 'live', state: 'in_progress', version: '2' }],
    ],
    [
      'a rollout that waited for too long',
      [record(2, { result: 'pending', triedVersion: '2', version: '1' }), DEPLOYED],
      [record(2).id],
      [{ alias: 'live', state: 'abandoned', version: '2' }],
    ],
    ['none', [DEPLOYED], [], []],
  ])('rollouts: %s', (_, records, overdue, rollouts) => {
    const function_ = live({
      latest: ONE,
      versions: [V1, { ...V1, version: '2' }],
      aliases: [{ name: 'live', version: '1', weights: records.length > 1 ? { '2': 0.1 } : {} }],
    });
    const found = detectDrift({
      desired: desired(),
      live: function_,
      records: new Map([['live', records]]),
      overdue: new Set(overdue),
    });
    expect(found.rollouts).toMatchObject(rollouts as object);
    expect(found.drifted).toBe(false);
  });

  it('shows recorded, live and desired, and of variables only that they differ', () => {
    const given: Given = {
      latest: { ...ONE, settings: { timeout: 60 }, environment: { STAGE: 'other-stage' } },
      desired: { settings: { timeout: 30 }, environment: variables({ STAGE: 'test-stage' }) },
    };
    expect(detect(given).differences).toEqual([
      { path: 'timeout', recorded: 3, live: 60, desired: 30, class: 'conflict' },
      {
        path: 'environment.STAGE',
        recorded: '(set)',
        live: '(changed)',
        desired: '(set)',
        class: 'drift',
        sensitive: true,
      },
    ]);
    expect(JSON.stringify(detect(given))).not.toMatch(/(test|other)-stage/);
  });

  it('needs no code: what the file would say about it is not known', () => {
    const given: Given = { latest: { ...ONE, codeSha256: 'code-b' } };
    const code = { path: 'code', recorded: 'code-a', live: 'code-b', desired: null, class: 'drift' };
    expect(detect(given).differences).toEqual([code]);
    const missing = detect({ ...given, desired: { unknownPaths: ['code'] } });
    expect(missing.differences).toEqual([{ ...code, unknown: ['desired'] }]);
  });

  it('a function that is gone has drifted, one without records has not', () => {
    const gone = detectDrift({
      desired: desired(),
      live: undefined,
      records: new Map([['live', [DEPLOYED]]]),
    });
    expect([gone.drifted, gone.differences.map(({ path }) => path)]).toEqual([true, ['function']]);
    const unknown = detect({ records: [] });
    expect([unknown.drifted, unknown.notes]).toEqual([
      false,
      ['no deployment is recorded, so nothing can have drifted'],
    ]);
    // Whoever deletes a function deletes the records in its own tags: nothing tells that from one that is still to come.
    const neither = detectDrift({ desired: desired(), live: undefined, records: new Map() });
    expect([neither.drifted, neither.notes]).toEqual([false, [expect.stringContaining('or it was deleted')]]);
  });

  const FAILED = record(2, { result: 'failed', version: '1', previousVersion: '1', latestDigest: 'd1' });
  const EDITED: Given = { latest: { ...ONE, codeSha256: 'code-b' } };
  it.each<[reason: string, given: Given, paths: string[], note: RegExp | undefined]>([
    [
      'a run that failed and left $LATEST changed is nobody’s edit',
      { ...EDITED, records: [FAILED, DEPLOYED], digest: 'd1' },
      [],
      undefined,
    ],
    [
      'an edit after a run that failed is one',
      { ...EDITED, records: [FAILED, DEPLOYED], digest: 'd2' },
      ['$LATEST'],
      undefined,
    ],
    [
      'a run that failed before it repaired $LATEST for a version that it used again',
      { ...EDITED, records: [{ ...FAILED, triedVersion: '1' }, DEPLOYED], digest: 'd1' },
      [],
      undefined,
    ],
    [
      'a run that failed, kept by a store without digests: not known',
      { ...EDITED, records: [record(2, { result: 'failed', version: '1' }), DEPLOYED] },
      [],
      /the last deployment failed and left it unfinished/,
    ],
    [
      'a run that failed after its publish: compared with the version that it tried',
      {
        latest: { codeSha256: 'code-b' },
        function: { versions: [V1, { version: '2', codeSha256: 'code-b', settings: { timeout: 9 } }] },
        records: [{ ...FAILED, triedVersion: '2' }, DEPLOYED],
        digest: 'd2',
      },
      ['timeout'],
      undefined,
    ],
    [
      'a run that has not ended: not compared',
      { ...EDITED, records: [record(2, { result: 'open', version: '1' }), DEPLOYED] },
      [],
      /started at 2026-01-03T08:00:00.000Z has not finished/,
    ],
    [
      'a run that never ended, but another one came after it',
      { ...EDITED, records: [record(2, { version: '1' }), record(1, { result: 'open', version: '1' })] },
      ['code'],
      undefined,
    ],
    [
      'a record that AWS contradicts: not believed',
      { ...EDITED, records: [{ ...DEPLOYED, codeSha256: 'foreign' }] },
      [],
      /left no version to compare with/,
    ],
    [
      'a version that is gone, an unmoved file: compared with the file',
      {
        latest: { ...ONE, settings: { timeout: 60 } },
        records: [record(1, { version: '7', spec: { timeout: 30 } })],
        desired: { settings: { timeout: 30 } },
        function: { aliases: [{ name: 'live', version: '7' }] },
      },
      ['timeout'],
      undefined,
    ],
    [
      'a pinned alias says nothing about $LATEST',
      {
        latest: { ...ONE, settings: { timeout: 60 } },
        desired: { aliases: [{ name: 'live', version: '1', healthChecks: [], autoRollback: true }] },
      },
      [],
      /left no version to compare with/,
    ],
  ])('%s', (_, given, paths, note) => {
    const found = detect(given);
    expect(found.differences.map(({ path }) => path)).toEqual(paths);
    if (note === undefined) expect(found.notes).toEqual([]);
    else expect(found.notes).toEqual([expect.stringMatching(note)]);
  });

  it('a function without aliases is compared by digest, and by the file where it is unmoved', () => {
    const records: DriftInput['records'] = new Map([
      [null, [record(1, { alias: null, latestDigest: 'd1', specDigest: 'f00', spec: { timeout: 30 } })]],
    ]);
    const edited = live({ latest: { ...ONE, settings: { timeout: 60 } } });
    const base = { desired: desired({ aliases: [], settings: { timeout: 30 } }), live: edited, records };
    const recorded: DriftInput['digestOf'] = ({ settings }) => (settings.timeout === 30 ? 'd1' : 'd2');
    const timeout = { path: 'timeout', recorded: 30, live: 60, desired: 30, class: 'drift' };
    expect(detectDrift({ ...base, digestOf: recorded }).differences).toEqual([timeout]);
    // More than what the record's spec has moved.
    const more = { path: '$LATEST', recorded: 'd1', live: 'd2', desired: null, class: 'drift' };
    expect(detectDrift({ ...base, ...digestOf('d2') }).differences).toEqual([timeout, more]);
    const moved = detectDrift({
      ...base,
      records: new Map([[null, [record(1, { alias: null, latestDigest: 'd1', specDigest: 'f00' })]]]),
      desired: desired({ aliases: [], specDigest: 'changed' }),
      ...digestOf('d2'),
    });
    expect(moved.differences.map(({ path }) => path)).toEqual(['$LATEST']);
  });

  it('hidden variables are told where nobody manages them, and refused where the file does', () => {
    const hidden: Given = { latest: { ...ONE, environment: UNREADABLE } };
    expect(detect(hidden)).toMatchObject({ drifted: false, notes: [expect.stringMatching(/AWS does not show them/)] });
    let refused: unknown;
    try {
      detect({ ...hidden, desired: { environment: {} } });
    } catch (error) {
      refused = error;
    }
    expect(isDeployError(refused, 'AWS_UNREADABLE')).toBe(true);
  });
});

describe('newestSettled', () => {
  it('is the newest by time, whatever the order, and never an open one', () => {
    const [old, mid, open] = [record(1), record(2), record(3, { result: 'open' })];
    expect(newestSettled([old, open, mid])).toBe(mid);
    expect(newestSettled([open])).toBeUndefined();
  });
});
