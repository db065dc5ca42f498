import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Json } from '../../src/model/json.js';
import { type Document, fileOf, hello, okHandler, stage } from './support.js';

/** A function with everything that has an order somewhere. */
const RICH = hello({
  description: 'ours',
  environment: { GREETING: 'Hello', PORT: 8080, RATE: 1.1, FLAG: true, STAGE: '${STAGE:-test}' },
  architectures: ['arm64'],
  vpcConfig: { subnetIds: ['subnet-1', 'subnet-2', 'subnet-3'], securityGroupIds: ['sg-1', 'sg-2'] },
  loggingConfig: { logFormat: 'JSON', logGroup: '/ours' },
  tracingConfig: { mode: 'Active' },
  layers: ['arn:aws:lambda:us-east-1:123456789012:layer:b:1', 'arn:aws:lambda:us-east-1:123456789012:layer:a:1'],
  tags: { team: 'us', stage: 'test', cost: '42' },
  aliases: { live: { description: 'ours' }, beta: {} },
});
const BARE: Document = { ...RICH };
delete BARE['aliases'];

/** Lists whose order says nothing. */
const SETS = new Set(['subnetIds', 'securityGroupIds', 'SubnetIds', 'SecurityGroupIds']);

/** The same value with keys, and lists that are sets, in another order. */
function shuffled(value: Json, next: () => number, key = ''): Json {
  const mixed = <T>(list: readonly T[]): T[] =>
    list
      .map((one) => [next(), one] as const)
      .sort(([a], [b]) => a - b)
      .map(([, one]) => one);
  if (Array.isArray(value)) {
    const items = value.map((item: Json) => shuffled(item, next));
    return SETS.has(key) ? mixed(items) : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(mixed(Object.entries(value)).map(([name, inner]) => [name, shuffled(inner, next, name)]));
}

const METADATA = { tags: {}, s3: { metadata: 's3://records/drift' } } as const;

it.each(['tags', 's3'] as const)(
  'an untouched function never drifts, however AWS and the file order things: %s',
  async (store) => {
    const own = await stage({ seed: { buckets: { records: {} } } });
    const file = fileOf({ hello: RICH, bare: BARE }, METADATA[store]);
    await own.file(file);
    await own.code(okHandler('one'));
    expect((await own.run('apply', '--yes')).exitCode).toBe(0);
    await own.clock.sleep(own.sandbox.state.settleMs);
    const runs = fc.asyncProperty(fc.infiniteStream(fc.nat()), async (numbers) => {
      const next = (): number => numbers.next().value ?? 0;
      await own.file(shuffled(file, next) as Document);
      for (const name of ['hello', 'bare']) {
        const fn = own.fn(name);
        fn.tags = shuffled(fn.tags, next) as Record<string, string>;
        for (const version of [fn.latest, ...fn.versions.values()])
          version.content = {
            ...version.content,
            config: shuffled(version.content.config, next) as Record<string, Json>,
          };
      }
      const ran = await own.run('drift', '--format', 'json');
      const { functions } = ran.json();
      expect(functions.map((one: Document) => [one['differences'], one['notes']])).toEqual([
        [[], []],
        [[], []],
      ]);
      expect(ran.exitCode).toBe(0);
    });
    await fc.assert(runs, { numRuns: 50 });
  },
);
