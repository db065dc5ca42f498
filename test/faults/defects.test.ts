import { afterEach, describe, expect, it, vi } from 'vitest';
import { Aliases } from '../../src/apply/aliases.js';
import type * as lambda from '../../src/aws/lambda.js';
import { isDeployError } from '../../src/errors.js';
import { makeBed } from './bed.js';
import { countCalls, fill, STOP, WIRE } from './cells.js';
import { failuresOf } from './render.js';
import { SCENARIOS } from './scenarios.js';

type Lambda = typeof lambda;
type Port = lambda.ConnectedLambda;
type Defect = (port: Port) => Partial<Port>;

/** What every connection to Lambda is made to do wrong. */
const planted = vi.hoisted((): { defect: Defect } => ({ defect: () => ({}) }));

vi.mock('../../src/aws/lambda.js', async (original) => {
  const real = await original<Lambda>();
  const createLambda: typeof real.createLambda = async (options) => {
    const port = await real.createLambda(options);
    return Object.assign(port, planted.defect(port));
  };
  return { ...real, createLambda };
});

afterEach(() => {
  planted.defect = () => ({});
  vi.restoreAllMocks();
});

/** A lost answer is answered by sending the call again, whatever became of the first. */
const repeatsAfterReset: Defect = (port) => {
  const send = port.updateAlias.bind(port);
  return {
    async updateAlias(name, alias) {
      try {
        return await send(name, alias);
      } catch (error) {
        if (!isDeployError(error, 'AWS_AMBIGUOUS')) throw error;
        const { revisionId: _, ...again } = alias;
        return send(name, again);
      }
    },
  };
};

/** A call that should clear the shares of other versions leaves them. */
const keepsWeights: Defect = (port) => {
  const send = port.updateAlias.bind(port);
  return {
    async updateAlias(name, alias) {
      const { [alias.version]: _, ...others } = (await port.getAlias(name, alias.name))?.weights ?? {};
      return send(name, Object.keys(alias.weights).length > 0 ? alias : { ...alias, weights: others });
    },
  };
};

/** Part of the table, in this process, where a defect can be planted. */
async function failures(): Promise<string> {
  const scenario = SCENARIOS.find(({ name }) => name === 'canary');
  if (scenario === undefined) throw new Error('there is no canary');
  const bed = await makeBed(scenario, 'slept');
  const calls = await countCalls(bed, 'slept');
  const found: string[] = [];
  for (const one of [...WIRE.filter(({ name }) => name === 'reset after'), STOP])
    found.push(...failuresOf(await fill(bed, one, calls)));
  return found.join('\n');
}

describe('a planted defect turns the table red', () => {
  it('none: the same part of the table is green', async () => {
    expect(await failures()).toBe('');
  });

  it('repeating after a reset', async () => {
    planted.defect = repeatsAfterReset;
    expect(await failures()).toMatch(/reset after at call \d+ \(UpdateAlias\):\nnot safe: the alias was moved twice/);
  });

  it('no restoring of the alias', async () => {
    vi.spyOn(Aliases.prototype, 'takeBack').mockResolvedValue();
    expect(await failures()).toMatch(/stop at call \d+ \(UpdateAlias\):\nnot safe: exit 143, .*"weights":\{"2":0.1\}/);
  });

  it('weights that are not cleared', async () => {
    planted.defect = keepsWeights;
    expect(await failures()).toMatch(/stop at call \d+ \(\w+\):\nnot safe: unexpected exit 5, .*"weights":\{"2":0.1\}/);
  });
});
