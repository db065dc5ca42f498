import { describe, expect, it } from 'vitest';
import { readLive, readVersions } from '../../src/aws/read-live.js';
import { DeployError } from '../../src/errors.js';
import type { LiveAlias, LiveVersion } from '../../src/model/function.js';
import type { FunctionRead } from '../../src/model/ports.js';

function version(number: string, more: Partial<LiveVersion> = {}): LiveVersion {
  return {
    version: number,
    description: '',
    packageType: 'Zip',
    settings: {},
    environment: {},
    codeSha256: `sha-${number}`,
    codeSize: 0,
    state: 'Active',
    lastModified: '',
    ...more,
  };
}

function alias(name: string, number: string, weights: Record<string, number> = {}): LiveAlias {
  return { name, version: number, description: '', weights };
}

/** A function with these aliases; `moves` are the alias lists of the first listings. */
class Fake {
  readonly calls: string[] = [];
  constructor(
    private readonly aliases: readonly LiveAlias[],
    private readonly moves: (readonly LiveAlias[])[] = [],
  ) {}

  getFunction(name: string, qualifier?: string): Promise<FunctionRead | undefined> {
    this.calls.push(qualifier ?? name);
    const number = this.aliases.find((one) => one.name === qualifier)?.version ?? qualifier ?? '$LATEST';
    const exists = number === '$LATEST' || /^\d+$/.test(number);
    const read = { version: version(number), arn: 'arn', tags: { team: 'a' } };
    return Promise.resolve(exists && number !== '404' ? read : undefined);
  }

  getFunctionCodeSigningConfig(): Promise<string | null> {
    this.calls.push('GetFunctionCodeSigningConfig');
    return Promise.resolve(null);
  }

  listAliases(): Promise<readonly LiveAlias[]> {
    this.calls.push('ListAliases');
    return Promise.resolve(this.moves.shift() ?? this.aliases);
  }

  listVersions(): Promise<readonly LiveVersion[]> {
    this.calls.push('ListVersions');
    const { state: _, ...listed } = version('');
    return Promise.resolve(
      ['1', '2', '404', '9'].map((number) => ({ ...listed, version: number, codeSha256: `sha-${number}` })),
    );
  }
}

describe('reading a function', () => {
  it('costs three reads for one alias', async () => {
    const fake = new Fake([alias('live', '2')]);
    expect(await readLive(fake, 'orders', { aliases: ['live'] })).toEqual({
      name: 'orders',
      arn: 'arn',
      latest: version('$LATEST'),
      aliases: [alias('live', '2')],
      versions: [version('2')],
      tags: { team: 'a' },
    });
    expect(fake.calls.sort()).toEqual(['ListAliases', 'live', 'orders']);
  });

  const cases: readonly [why: string, Fake, wanted: string[], versions: string[], calls: number][] = [
    ['two aliases on one version: one version', new Fake([alias('a', '2'), alias('b', '2')]), ['a', 'b'], ['2'], 4],
    [
      'an alias nobody declares is listed, its version not read',
      new Fake([alias('live', '2'), alias('other', '1')]),
      ['live'],
      ['2'],
      3,
    ],
    ['a declared alias that does not exist', new Fake([]), ['live'], [], 3],
    ['no alias declared', new Fake([alias('other', '1')]), [], [], 2],
    ['an alias on $LATEST has no version of its own', new Fake([alias('live', '$LATEST')]), ['live'], [], 3],
    ['both sides of a split', new Fake([alias('live', '2', { '9': 0.1 })]), ['live'], ['2', '9'], 4],
    [
      'the other side of a split is known already',
      new Fake([alias('a', '2', { '9': 0.1 }), alias('b', '9')]),
      ['a', 'b'],
      ['2', '9'],
      4,
    ],
    [
      'a weight on a version that is gone (moto allows it)',
      new Fake([alias('live', '2', { '404': 0.1 })]),
      ['live'],
      ['2'],
      4,
    ],
    [
      'an alias that moved between the reads: again',
      new Fake([alias('live', '2')], [[alias('live', '1')]]),
      ['live'],
      ['2'],
      6,
    ],
    ['an alias that was created between the reads: again', new Fake([alias('live', '2')], [[]]), ['live'], ['2'], 6],
  ];
  it.each(cases)('%s', async (_why, fake, wanted, versions, calls) => {
    const live = await readLive(fake, 'orders', { aliases: wanted });
    expect(live?.versions.map((one) => one.version)).toEqual(versions);
    expect(fake.calls).toHaveLength(calls);
  });

  it('gives up on an alias that never stands still', async () => {
    const fake = new Fake(
      [alias('live', '2')],
      Array.from({ length: 100 }, () => [alias('live', '1')]),
    );
    const error = (await readLive(fake, 'orders', { aliases: ['live'] }).catch(
      (caught: unknown) => caught,
    )) as DeployError;
    expect(error.code).toBe('AWS_CONFLICT');
    expect(error.detail).toContain('alias live of orders keeps moving');
    expect(fake.calls).toHaveLength(15);
  });

  it('is undefined only when AWS says that the function does not exist', async () => {
    const nothing = () => Promise.resolve(undefined);
    const missing = { getFunction: nothing, listAliases: nothing, getFunctionCodeSigningConfig: nothing };
    expect(await readLive(missing, 'orders', { aliases: ['live'], codeSigning: true })).toBeUndefined();
  });

  it('costs one more for the code signing, where somebody asks', async () => {
    const fake = new Fake([]);
    const live = await readLive(fake, 'orders', { aliases: [], codeSigning: true });
    expect([live?.codeSigningConfigArn, fake.calls]).toEqual([
      null,
      ['orders', 'ListAliases', 'GetFunctionCodeSigningConfig'],
    ]);
  });

  it.each(['AWS_ACCESS_DENIED', 'AWS_THROTTLED', 'AWS_AMBIGUOUS', 'AWS_UNREACHABLE'] as const)(
    'is an error, not absence, on %s',
    async (code) => {
      const error = new DeployError(code, 'x');
      const nothing = () => Promise.resolve(undefined);
      const failing = {
        getFunction: nothing,
        listAliases: () => Promise.reject(error),
        getFunctionCodeSigningConfig: nothing,
      };
      await expect(readLive(failing, 'orders', { aliases: [] })).rejects.toBe(error);
    },
  );
});

describe('reading candidates for re-use', () => {
  it('reads each candidate’s state, those that were read before and those that are gone aside', async () => {
    const fake = new Fake([]);
    const before = version('9', { state: 'Failed' });
    const found = await readVersions(fake, 'orders', ({ codeSha256 }) => codeSha256 !== 'sha-1', [before]);
    expect(found).toEqual([version('2'), before]);
    expect(fake.calls).toEqual(['ListVersions', '2', '404']);
  });
});
