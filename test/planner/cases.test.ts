import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { isUnreadable, LATEST, type LiveFunction, type Variables } from '../../src/model/function.js';
import { isJsonObject, type Json } from '../../src/model/json.js';
import type { FunctionPlan, Operation, PlanDocument } from '../../src/model/plan.js';
import { reveal } from '../../src/model/secret.js';
import { functionsOf } from '../../src/sandbox/state.js';
import { startSandbox, type Sandbox, type SandboxCall } from '../../src/sandbox/server.js';
import { putVersion } from '../../src/sandbox/stores.js';
import { archiveOf, digestOf } from './archive.js';
import { BUCKET, caseNames, casePath, liveOf, materialise, planPurely, readCase, type Case } from './case-file.js';
import { runCli, skippingClock, stubCredentials } from './cli.js';
import type { Clock } from '../../src/model/ports.js';
import { REGION } from './live-file.js';
import { seed } from './seed.js';

/** Only with it are golden files written; `operations.txt` never is. */
const UPDATE = process.env['UPDATE_CASES'] === '1';

/** A value shorter than this could stand in a plan by chance, and the search for it would prove nothing. */
const TELLING_CHARACTERS = 8;

beforeEach(stubCredentials);
afterEach(() => vi.unstubAllEnvs());

describe.each(caseNames())('%s', (name) => {
  const one = readCase(name);

  it('makes the golden plan, byte for byte, whatever the order of maps and sets', async () => {
    const { desired, remove } = await materialise(one);
    onTestFinished(remove);
    const live = liveOf(one, desired.metadata.store);
    const printed = await planPurely(desired, live);

    expect(printed.operations).toBe(one.operations);
    golden(one.name, 'plan.json', printed.json);
    golden(one.name, 'plan.txt', printed.text);
    expect(await planPurely(desired, live)).toEqual(printed);
    const shuffled = new Map([...live].map(([key, value]) => [key, shuffle(value)]));
    expect((await planPurely(desired, shuffled)).json).toBe(printed.json);
    for (const value of [...desired.functions, ...live.values()].flatMap(valuesOf)) {
      expect(value.length).toBeGreaterThanOrEqual(TELLING_CHARACTERS);
      expect(printed.json + printed.text).not.toContain(value);
    }
  });

  const { seed: noSeed, apply: noApply } = one.notApplicable;
  if (noSeed !== undefined) {
    it.skip(`is not run on the sandbox: ${noSeed}`, () => undefined);
    return;
  }

  it('makes the same plan of a sandbox in this state, and changes nothing', async () => {
    const bench = await open(one);
    const printed = await runCli(bench.cwd, bench.sandbox.url, bench.clock, 'plan', '--format', 'json');
    expect(printed.stdout).toBe(readFileSync(casePath(name, 'plan.json'), 'utf8'));
    expect(printed.exitCode).toBe(one.operations.startsWith('error') ? 1 : 0);
    expect(changes(bench.sandbox)).toEqual([]);
    expect(bench.sandbox.calls.length).toBeGreaterThan(0);
  });

  if (one.operations.startsWith('error')) return;
  if (noApply !== undefined) {
    it.skip(`is not applied: ${noApply}`, () => undefined);
    return;
  }
  const rollback = one.notApplicable.rollback === undefined ? '' : ` (not rolled back: ${one.notApplicable.rollback})`;

  it(`applies exactly its calls, is empty afterwards and goes back${rollback}`, async () => {
    const bench = await open(one);
    const { cwd, sandbox, clock } = bench;
    const plan = JSON.parse(readFileSync(casePath(name, 'plan.json'), 'utf8')) as PlanDocument;

    const applied = await runCli(cwd, sandbox.url, clock, 'apply', '--yes');
    expect(applied.exitCode, applied.stdout + applied.stderr).toBe(0);
    for (const { name: functionName, operations } of plan.functions)
      expect(changes(sandbox, functionName)).toEqual(operations.map(({ type }) => type));
    expect(changes(sandbox)).toHaveLength(plan.functions.flatMap(({ operations }) => operations).length);

    const reads = sandbox.calls.length;
    const again = await runCli(cwd, sandbox.url, clock, 'plan', '--detailed-exitcode');
    expect(again.exitCode, again.stdout + again.stderr).toBe(0);
    expect(sandbox.calls.length).toBeGreaterThan(reads);

    if (one.notApplicable.rollback !== undefined) return;
    for (const { functionName, alias, version } of shifts(plan)) {
      const recorded = one.records.some((record) => record.alias === alias && record.version === version);
      const back = await runCli(
        cwd,
        sandbox.url,
        clock,
        ...['rollback', '--yes', '--function', functionName, '--alias', alias],
        ...(recorded ? [] : ['--to', version]),
      );
      expect(back.exitCode, back.stdout + back.stderr).toBe(0);
      const live = functionsOf(sandbox.state, REGION).get(functionName)?.aliases.get(alias);
      expect([live?.functionVersion, live?.weights]).toEqual([version, {}]);
    }
  });
});

function golden(name: string, file: string, content: string): void {
  const path = casePath(name, file);
  if (UPDATE) writeFileSync(path, content);
  expect(existsSync(path), `no ${file}: run UPDATE_CASES=1 npx vitest run test/planner/cases.test.ts`).toBe(true);
  expect(content).toBe(readFileSync(path, 'utf8'));
}

async function open(one: Case): Promise<{ cwd: string; sandbox: Sandbox; clock: Clock }> {
  const { cwd, desired, remove } = await materialise(one);
  onTestFinished(remove);
  const clock = skippingClock();
  const sandbox = await startSandbox({ seed: { buckets: { [BUCKET]: {} } }, now: clock.now });
  onTestFinished(() => sandbox.close());
  const bucket = sandbox.state.stores.buckets.get(BUCKET);
  for (const name of one.archives) {
    const headers = { 'x-amz-checksum-sha256': digestOf(name) };
    if (bucket !== undefined) putVersion(bucket, `${name}.zip`, { body: archiveOf(name), headers, now: 0 });
  }
  for (const live of liveOf(one, desired.metadata.store).values()) seed(sandbox.state, live, one.archives);
  return { cwd, sandbox, clock };
}

/** What was sent that changes something, and the health checks, of one function or of all. */
function changes({ calls }: Sandbox, functionName?: string): readonly string[] {
  const isOf = (call: SandboxCall): boolean =>
    functionName === undefined || call.functionName?.split(':').at(-1) === functionName;
  return calls
    .filter((call) => (call.mutating || call.operation === 'Invoke') && isOf(call))
    .map(({ operation }) => operation);
}

/** Aliases that a plan moves from one number to another, with the number that they leave. */
function shifts(plan: PlanDocument): { functionName: string; alias: string; version: string }[] {
  return plan.functions.flatMap(({ name, operations }: FunctionPlan) =>
    operations.flatMap((step: Operation) => {
      if (step.type !== 'UpdateAlias' || !('number' in step.from.version)) return [];
      const version = step.from.version.number;
      const stays = 'number' in step.version && step.version.number === version;
      return stays || version === LATEST ? [] : [{ functionName: name, alias: step.alias, version }];
    }),
  );
}

/** The same function with every map and set the other way round. */
function shuffle(live: LiveFunction): LiveFunction {
  const version = (one: LiveFunction['latest']): LiveFunction['latest'] => ({
    ...one,
    settings: reversed(one.settings as Json) as LiveFunction['latest']['settings'],
    environment: isUnreadable(one.environment) ? one.environment : (reversedKeys(one.environment) as Variables),
  });
  return {
    ...live,
    latest: version(live.latest),
    versions: live.versions.map(version).reverse(),
    aliases: [...live.aliases].reverse(),
    tags: isUnreadable(live.tags) ? live.tags : reversedKeys(live.tags),
  };
}

/** Lists that have no order in AWS. */
const SETS = ['subnetIds', 'securityGroupIds', 'architectures'];

function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map(reversed);
  if (!isJsonObject(value)) return value;
  return reversedKeys(
    Object.fromEntries(
      Object.entries(value).map(([key, inner]) => {
        const turned = reversed(inner);
        return [key, SETS.includes(key) && Array.isArray(turned) ? turned.toReversed() : turned];
      }),
    ),
  );
}

function reversedKeys<T>(map: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(map).reverse());
}

function valuesOf(one: object): readonly string[] {
  const { environment, latest, versions } = one as Partial<LiveFunction> & { environment?: Variables | null };
  const maps = [environment, latest?.environment, ...(versions ?? []).map((version) => version.environment)];
  return maps.flatMap((map) =>
    map === undefined || map === null || isUnreadable(map) ? [] : Object.values(map as Variables).map(reveal),
  );
}
