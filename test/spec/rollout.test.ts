import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Rollout } from '../../src/model/function.js';
import { parsePercent, parsePreset, presetMeant } from '../../src/spec/rollout.js';
import { load } from './helpers.js';

describe('a preset', () => {
  it.each([
    ['AllAtOnce', [], 60],
    ['Canary10Percent5Minutes', [0.1], 300],
    ['Canary1Percent1Minute', [0.01], 60],
    ['Canary99Percent1440Minutes', [0.99], 86_400],
    ['Linear10PercentEvery1Minute', [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], 60],
    ['Linear30PercentEvery2Minutes', [0.3, 0.6, 0.9], 120],
    ['Linear50PercentEvery2Minutes', [0.5], 120],
    ['Linear99PercentEvery2Minutes', [0.99], 120],
  ])('%s', (name, steps, intervalSeconds) => expect(parsePreset(name)).toEqual({ steps, intervalSeconds }));

  it.each([
    'Canary0Percent5Minutes',
    'Canary100Percent5Minutes',
    'Canary10Percent0Minutes',
    'Canary05Percent5Minutes',
    ' AllAtOnce',
  ])('%j is none', (name) => expect(parsePreset(name)).toBeUndefined());

  it('with any numbers has ascending steps below all, and at most one per cent of them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 9999 }), (share, minutes) => {
        const { steps = [] } = parsePreset(`Linear${share}PercentEvery${minutes}Minutes`) ?? {};
        expect(steps.every((step, index) => step > (steps[index - 1] ?? 0) && step < 1)).toBe(true);
        // Each as people read it: 0.07, not 0.07000000000000001.
        expect(
          steps
            .map((step) => step * 100)
            .map(Math.round)
            .map((percent) => percent / 100),
        ).toEqual(steps);
        expect((steps.at(-1) ?? 0) + share / 100).toBeGreaterThan(0.9999);
      }),
    );
  });
});

describe('what was probably meant', () => {
  it.each([
    ['CodeDeployDefault.LambdaCanary10Percent15Minutes', 'Canary10Percent15Minutes'],
    ['CodeDeployDefault.LambdaLinear10PercentEvery1Minute', 'Linear10PercentEvery1Minute'],
    ['CodeDeployDefault.LambdaAllAtOnce', 'AllAtOnce'],
    ['canary10percent5minutes', 'Canary10Percent5Minutes'],
    ['Cannary10Percent5Minutes', 'Canary10Percent5Minutes'],
    ['Canary10PercentEvery10Minutes', 'Canary10Percent10Minutes'],
    ['Linear10Percent5Minutes', 'Linear10PercentEvery5Minutes'],
    ['10PercentEvery5Minutes', undefined],
    ['canary 10% 5m', 'Canary10Percent5Minutes'],
    ['Canary-10-Percent-1-Minutes', 'Canary10Percent1Minute'],
    ['AllAtOne', 'AllAtOnce'],
    ['Canary100Percent5Minutes', undefined],
    ['Canary10Percent', undefined],
    ['slowly', undefined],
    ['', undefined],
  ])('%j: %s', (text, meant) => expect(presetMeant(text)).toBe(meant));
});

it.each([
  ['5%', 0.05],
  ['0.1%', 0.001],
  ['0.5%', 0.005],
  ['57.3%', 0.573],
  ['100%', undefined],
  ['5', undefined],
  ['5 %', undefined],
])('%s is the fraction %s', (text, part) => expect(parsePercent(text)).toBe(part));

async function rolloutOf(alias: string): Promise<Rollout | undefined> {
  const { functions } = await load(`version: 1\nfunctions:\n  a:\n    aliases: { live: ${alias} }\n`);
  return functions[0]?.aliases[0]?.rollout;
}

const BASE = { intervalSeconds: 60, bakeSeconds: 0, alarms: [], promotion: 'auto', onCancel: 'abort' };

describe('the rollout of an alias', () => {
  it.each([
    ['absent: all at once', '{}', undefined],
    ['AllAtOnce', '{ rollout: AllAtOnce, onCancel: hold }', undefined],
    ['a map without steps, and nothing to watch', '{ rollout: { interval: 5m } }', undefined],
    ['a preset', '{ rollout: Canary10Percent5Minutes }', { ...BASE, steps: [0.1], intervalSeconds: 300 }],
    [
      'hold',
      '{ rollout: Canary10Percent5Minutes, onCancel: hold }',
      { ...BASE, steps: [0.1], intervalSeconds: 300, onCancel: 'hold' },
    ],
    ['steps alone', '{ rollout: { steps: [0.5%, 25%] } }', { ...BASE, steps: [0.005, 0.25] }],
    ['hours', '{ rollout: { steps: [5%], interval: 2h } }', { ...BASE, steps: [0.05], intervalSeconds: 7200 }],
    [
      'a bake of one interval where there are alarms',
      '{ rollout: { steps: [5%], interval: 2m, alarms: [one, two] } }',
      { ...BASE, steps: [0.05], intervalSeconds: 120, bakeSeconds: 120, alarms: ['one', 'two'] },
    ],
    [
      'no bake on purpose',
      '{ rollout: { steps: [5%], alarms: [one], bake: 0s } }',
      { ...BASE, steps: [0.05], alarms: ['one'] },
    ],
    [
      'all at once, watched afterwards',
      '{ rollout: { bake: 5m, errorRate: { maximum: 0.5%, minimumInvocations: 50 } } }',
      { ...BASE, steps: [], bakeSeconds: 300, errorRate: { maximum: 0.005, minimumInvocations: 50 } },
    ],
    [
      'promoted by hand',
      '{ rollout: { steps: [5%], promotion: manual } }',
      { ...BASE, steps: [0.05], promotion: 'manual' },
    ],
  ])('%s', async (_, alias, expected) => expect(await rolloutOf(alias)).toEqual(expected));

  it('merges with defaults as every key of an alias: a map with a map, a name replaces', async () => {
    const text = (own: string): string =>
      `version: 1\ndefaults: { aliases: { live: { rollout: { steps: [5%], alarms: [one] } } } }\nfunctions:\n  a: { aliases: { live: ${own} } }\n`;
    const of = async (own: string): Promise<Rollout | undefined> =>
      (await load(text(own))).functions[0]?.aliases[0]?.rollout;
    expect(await of('')).toMatchObject({ steps: [0.05], alarms: ['one'] });
    expect(await of('{ rollout: { steps: [10%] } }')).toMatchObject({ steps: [0.1], alarms: ['one'] });
    expect(await of('{ rollout: AllAtOnce }')).toBeUndefined();
  });
});
