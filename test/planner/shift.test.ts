import { describe, expect, it } from 'vitest';
import type { DesiredAlias, Rollout } from '../../src/model/function.js';
import type { Operation, Place, VersionRef } from '../../src/model/plan.js';
import { planDeploy } from '../../src/planner/deploy.js';
import type { PlainFunction, PlainVersion } from './live-file.js';
import { desired, live, record } from './make.js';

const AUTO: Rollout = {
  steps: [0.1],
  intervalSeconds: 60,
  bakeSeconds: 0,
  alarms: [],
  promotion: 'auto',
  onCancel: 'abort',
};
const CANARY = { ...AUTO, bakeSeconds: 60 };
const LINEAR = { ...AUTO, steps: [0.25, 0.5, 0.75] };
const MANUAL = { ...LINEAR, promotion: 'manual' } as const;
const CHECKED: Partial<DesiredAlias> = { healthChecks: [{ timeoutSeconds: 10 }] };

interface Given {
  /** `null`: the file has none. */
  readonly rollout?: Rollout | null;
  readonly alias?: Partial<DesiredAlias>;
  /** What the alias has; `null`: it does not exist. */
  readonly at?: Partial<NonNullable<PlainFunction['aliases']>[number]> | null;
  /** Of version 1, which the alias has; version 2 and `$LATEST` carry the spec. */
  readonly before?: Partial<PlainVersion>;
  /** Leaves version 2 out, so that it has to be published. */
  readonly unpublished?: true;
  readonly died?: true;
}

function plan({ rollout = CANARY, alias, at = {}, before, unpublished, died }: Given) {
  const shifted = rollout === null ? {} : { rollout };
  const declared = { name: 'live', healthChecks: [], autoRollback: true, ...shifted, ...alias };
  const versions = [
    { version: '1', codeSha256: 'code-a', ...before },
    ...(unpublished ? [] : [{ version: '2', codeSha256: 'code-b' }]),
    { version: '3', codeSha256: 'code-c' },
  ];
  const aliases = at === null ? [] : [{ name: 'live', version: '1', ...at }];
  return planDeploy({
    desired: desired({ aliases: [declared] }),
    live: live({ latest: { codeSha256: 'code-b' }, versions, aliases }),
    records: died ? [record(1, { result: 'open' })] : [],
    recordsInTags: false,
  });
}

const version = (ref: VersionRef): string =>
  'number' in ref ? ref.number : ref.published === 'preserve' ? 'kept' : 'new';
const place = (at: Pick<Place, 'version' | 'additional'>): string =>
  at.additional === undefined
    ? version(at.version)
    : `${version(at.version)}+${version(at.additional.version)}:${at.additional.weight}`;

/** One call as the tables say it: `1 → 1+2:0.1, 60 s`. */
function line(step: Operation): string {
  const watch = 'watch' in step && step.watch !== undefined ? `, ${step.watch.seconds} s` : '';
  if (step.type === 'UpdateAlias') return `${place(step.from)} → ${place(step)}${watch}`;
  if (step.type === 'CreateAlias') return `create → ${version(step.version)}`;
  if (step.type === 'Invoke')
    return `check ${'alias' in step.target ? step.target.alias : version(step.target)}${watch}`;
  return step.type;
}
const lines = (given: Given): string[] => plan(given).plan.operations.map(line);
const warnings = (given: Given): string[][] => plan(given).warnings.map(({ code, message }) => [code, message]);

describe('a rollout is a list of calls, each asking for what the one before left', () => {
  it.each<[reason: string, given: Given, calls: string[]]>([
    ['a canary: one share, then all, then the bake', {}, ['1 → 1+2:0.1, 60 s', '1+2:0.1 → 2, 60 s']],
    [
      'linear: every share, each held',
      { rollout: LINEAR },
      ['1 → 1+2:0.25, 60 s', '1+2:0.25 → 1+2:0.5, 60 s', '1+2:0.5 → 1+2:0.75, 60 s', '1+2:0.75 → 2'],
    ],
    ['without shares: all at once, and the bake', { rollout: { ...CANARY, steps: [] } }, ['1 → 2, 60 s']],
    [
      'what is published in this plan is shifted like what exists',
      { unpublished: true },
      ['PublishVersion', '1 → 1+new:0.1, 60 s', '1+new:0.1 → new, 60 s'],
    ],
    [
      'the version is checked before traffic and at every share, and the alias at the end, which bears the bake',
      { alias: CHECKED },
      ['check 2', '1 → 1+2:0.1, 60 s', 'check 2', '1+2:0.1 → 2', 'check live, 60 s'],
    ],
    ['manual: stops after the first share', { rollout: MANUAL }, ['1 → 1+2:0.25, 60 s']],
    [
      'manual: the share is checked before the stop',
      { rollout: MANUAL, alias: CHECKED },
      ['check 2', '1 → 1+2:0.25, 60 s', 'check 2'],
    ],
    ['manual without shares is all at once', { rollout: { ...MANUAL, steps: [] } }, ['1 → 2']],
    [
      'a description travels with the last call alone',
      { alias: { description: 'by the spec' } },
      ['1 → 1+2:0.1, 60 s', '1+2:0.1 → 2, 60 s'],
    ],
  ])('%s', (_, given, calls) => expect(lines(given)).toEqual(calls));

  it('the description is sent by the last call alone, so that taking a share back leaves it as it was', () => {
    const steps = plan({ alias: { description: 'by the spec' } }).plan.operations;
    expect(steps.map((step) => ('description' in step ? step.description : undefined))).toEqual([
      undefined,
      'by the spec',
    ]);
  });

  it('what is watched is in every call that holds, and bakes of 0 s hold nothing', () => {
    const errorRate = { maximum: 0.01, minimumInvocations: 10 };
    const watched = { ...LINEAR, steps: [0.5], alarms: ['errors'], errorRate };
    const steps = plan({ rollout: watched }).plan.operations;
    expect(steps.map((step) => ('watch' in step ? step.watch : undefined))).toEqual([
      { seconds: 60, alarms: ['errors'], errorRate },
      undefined,
    ]);
  });
});

describe('an alias that is found at a share', () => {
  const shared = (weights: Record<string, number>): Given => ({ rollout: LINEAR, at: { weights } });
  it.each<[reason: string, given: Given, calls: string[]]>([
    [
      'of this spec: taken over where it stands, for a whole interval, then on',
      shared({ '2': 0.5 }),
      ['1+2:0.5 → 1+2:0.5, 60 s', '1+2:0.5 → 1+2:0.75, 60 s', '1+2:0.75 → 2'],
    ],
    [
      'that is none of the file’s: held, then the next larger one',
      shared({ '2': 0.3 }),
      ['1+2:0.3 → 1+2:0.3, 60 s', '1+2:0.3 → 1+2:0.5, 60 s', '1+2:0.5 → 1+2:0.75, 60 s', '1+2:0.75 → 2'],
    ],
    [
      'beyond the last one of the file: held, then all',
      shared({ '2': 0.9 }),
      ['1+2:0.9 → 1+2:0.9, 60 s', '1+2:0.9 → 2'],
    ],
    [
      'of another spec: taken back before anything else',
      shared({ '3': 0.5 }),
      ['1+3:0.5 → 1', '1 → 1+2:0.25, 60 s', '1+2:0.25 → 1+2:0.5, 60 s', '1+2:0.5 → 1+2:0.75, 60 s', '1+2:0.75 → 2'],
    ],
    [
      'of another spec, where the primary is right already',
      { at: { version: '2', weights: { '3': 0.5 } } },
      ['2+3:0.5 → 2'],
    ],
    ['on purpose: nothing', { rollout: MANUAL, at: { weights: { '2': 0.25 } } }, []],
    [
      'on purpose, by a run that died: taken over, and stopped again',
      { rollout: MANUAL, at: { weights: { '2': 0.25 } }, died: true },
      ['1+2:0.25 → 1+2:0.25, 60 s'],
    ],
    ['after the file lost its rollout: all of it', { rollout: null, at: { weights: { '2': 0.5 } } }, ['1+2:0.5 → 2']],
    [
      'after the file went to all at once: held an interval, as any that is taken over, then all',
      { rollout: { ...AUTO, steps: [] }, at: { weights: { '2': 0.5 } } },
      ['1+2:0.5 → 1+2:0.5, 60 s', '1+2:0.5 → 2'],
    ],
  ])('%s', (_, given, calls) => expect(lines(given)).toEqual(calls));

  it('on purpose: the plan says where it waits and what ends it', () => {
    expect(warnings({ rollout: MANUAL, at: { weights: { '2': 0.25 } } })).toEqual([
      ['ROLLOUT_WAITS', expect.stringMatching(/^version 2 waits at 25 % of alias live of app, .*promote.*abort/)],
    ]);
  });

  it('the share of another spec is an abort, which no failure later takes back', () => {
    expect(plan({ at: { weights: { '3': 0.5 } } }).plan.operations[0]).toMatchObject({ settles: 'abort' });
  });
});

describe('all at once, although the file asks for shares', () => {
  const SAME = { role: 'arn:aws:iam::123456789012:role/other' };
  const DEAD = { deadLetterConfig: { targetArn: 'arn:aws:sqs:us-east-1:123456789012:dead' } };
  it.each<[reason: string, given: Given, calls: string[], warned: RegExp | undefined]>([
    ['a new alias', { at: null }, ['create → 2'], undefined],
    ['a new alias bakes', { at: null, alias: CHECKED }, ['check 2', 'create → 2', 'check live, 60 s'], undefined],
    ['from $LATEST', { at: { version: '$LATEST' } }, ['$LATEST → 2, 60 s'], /: \$LATEST cannot have weights\.$/],
    [
      'to $LATEST',
      { alias: { version: '$LATEST' } },
      ['1 → $LATEST'],
      /moves all at once, not by its rollout: \$LATEST cannot have weights\.$/,
    ],
    ['another role', { before: { settings: SAME } }, ['1 → 2, 60 s'], /: role differs, /],
    [
      'another role in what this plan publishes',
      { before: { settings: SAME }, unpublished: true },
      ['PublishVersion', '1 → new, 60 s'],
      /: role differs, /,
    ],
    ['another dead-letter target', { before: { settings: DEAD } }, ['1 → 2, 60 s'], /: deadLetterConfig differs, /],
    [
      'provisioned concurrency',
      { at: { hasProvisionedConcurrency: true } },
      ['1 → 2, 60 s'],
      /: the alias has provisioned concurrency, /,
    ],
    [
      'even where somebody promotes by hand',
      { rollout: MANUAL, before: { settings: SAME } },
      ['1 → 2'],
      /: role differs, /,
    ],
  ])('%s', (_, given, calls, warned) => {
    expect(lines(given)).toEqual(calls);
    expect(warnings(given)).toEqual(
      warned === undefined ? [] : [['ROLLOUT_FORCED', expect.stringMatching(warned) as string]],
    );
  });

  it.each<[reason: string, given: Given]>([
    ['shares work', {}],
    ['provisioned concurrency is known to be none', { at: { hasProvisionedConcurrency: false } }],
    ['other settings differ', { before: { settings: { timeout: 9, memorySize: 512, layers: ['a'] } } }],
    ['the file asks for no shares', { rollout: { ...AUTO, steps: [] }, before: { settings: SAME } }],
    ['the alias is where it should be', { at: { version: '2' }, before: { settings: SAME } }],
  ])('no warning where %s', (_, given) => expect(warnings(given)).toEqual([]));
});
