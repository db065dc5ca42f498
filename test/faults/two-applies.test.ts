import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Content } from '../../src/sandbox/state.js';
import { type Document, fileOf, hello, okHandler, type Ran } from '../e2e/support.js';
import type { Hooks, Request } from './wire.js';
import { say, STORES, succeeds, type World, world } from './world.js';

/**
 * Where both wait for each other, and how many milliseconds the second then stays behind. A write may be the record's tag, for
 * which AWS knows no condition: whoever is held there until the other has ended writes over the other's record. A change is not.
 */
type Start = readonly [point: 'first call' | 'first write' | 'first change', behindMs: number];

/** So far behind, the second closes its record long after the first, in milliseconds. */
const APART_MS = 1500;

const STARTS: readonly Start[] = [
  ['first call', 0],
  ['first call', 25],
  ['first call', 75],
  ['first call', 150],
  ['first call', 400],
  ['first write', 0],
  ['first write', 5],
  ['first write', 20],
  ['first write', 60],
  ['first change', 0],
  ['first change', 10],
  ['first change', 100],
  ['first change', 400],
  ['first change', APART_MS],
];

/** Whether a call changes what is deployed: a record's tag does not. */
function isChange({ mutating, operation }: Request): boolean {
  return mutating && operation !== 'TagResource';
}

/** Holds the first call or write of two processes until both are there, or one has ended; the second goes on a little later. */
function barrier([point, behindMs]: Start): { readonly hooks: readonly [Hooks, Hooks]; readonly open: () => void } {
  let open = (): void => undefined;
  const both = new Promise<void>((resolve) => (open = resolve));
  let arrived = 0;
  const hooksOf = (behind: number): Hooks => {
    let gate: Promise<unknown> | undefined;
    const isThere = (request: Request): boolean =>
      point === 'first change' ? isChange(request) : request.mutating || point === 'first call';
    const arrive = (): Promise<unknown> => {
      arrived += 1;
      if (arrived === 2) open();
      return both.then(() => sleep(behind));
    };
    return {
      // Reads are made side by side: all of them wait at the same gate.
      before: (request) => (gate === undefined && !isThere(request) ? undefined : (gate ??= arrive())),
    };
  };
  return { hooks: [hooksOf(0), hooksOf(behindMs)], open: () => open() };
}

const SPECS: Readonly<Record<string, number>> = { left: 7, right: 8 };
const CODES = new Map<string, string>();

/** Version 1 live, and two other files that change all there is, each with code of its own. */
async function contested(metadata: Document): Promise<World> {
  const it = await world();
  await it.file(fileOf({ hello: hello() }, metadata));
  await it.code(okHandler('one'));
  await succeeds(it, 'apply', '--yes');
  for (const [name, timeout] of Object.entries(SPECS)) {
    CODES.set(name, await it.code(okHandler(name), `${name}.zip`));
    const changed = hello({
      code: { zip: `${name}.zip` },
      timeout,
      memorySize: 128 * timeout,
      environment: { GREETING: name },
    });
    await it.write(`${name}.yaml`, JSON.stringify(fileOf({ hello: changed }, metadata)));
  }
  return it;
}

interface Race {
  readonly it: World;
  readonly ran: readonly Ran[];
  /** Who changed anything only after the other had made its last change; `undefined`: their changes were at once. */
  readonly inTurn: number | undefined;
  /** Whether both may have closed their records in the same moment, in a tag that knows no condition. */
  readonly mayCollide: boolean;
  readonly context: string;
}

/** Two processes, one for each file, started together. */
async function race(base: World, start: Start, files: readonly [string, string]): Promise<Race> {
  const it = await world(base);
  const changes: number[] = [];
  let tags = 0;
  const noting = (who: number, hooks: Hooks): Hooks => ({
    before: async (request) => {
      await hooks.before?.(request);
      if (isChange(request)) changes.push(who);
      if (request.operation === 'TagResource') tags += 1;
    },
  });
  const { hooks, open } = barrier(start);
  // Told to take over, both come to their first change, and only AWS's own conditions are left between them.
  const takesOver = start[0] === 'first change' ? ['--take-over'] : [];
  const processes = await Promise.all(
    files.map((file, who) =>
      it.start(
        noting(who, hooks[who] ?? {}),
        ...['apply', '--yes', ...takesOver, '--format', 'json', '-c', `${file}.yaml`],
      ),
    ),
  );
  // Who is refused for the other's record never comes to the barrier.
  const ran = await Promise.all(processes.map(({ done }) => done.finally(open)));
  const context = `${start.join(' +')} ms: ${ran.map(({ exitCode, out, err }) => `exit ${exitCode}\n${out}${err}`).join('\n')}`;
  const [first, second] = [changes.lastIndexOf(changes[0] ?? 0), changes.findIndex((who) => who !== changes[0])];
  const inTurn = second > first ? changes[second] : undefined;
  return {
    it,
    ran,
    inTurn,
    mayCollide: tags > 0 && start[1] < APART_MS,
    context,
  };
}

const timeoutOf = ({ config }: Content): number => Number(config['Timeout']);

function expectSpec(content: Content | undefined, name: string, context: string): void {
  expect(content?.code.codeSha256, context).toBe(CODES.get(name));
  expect(content?.config, context).toMatchObject({
    Timeout: SPECS[name],
    MemorySize: 128 * (SPECS[name] ?? 0),
    Environment: { Variables: { GREETING: name } },
  });
}

/** `$LATEST`, its code, the version behind the alias and the records are all of one spec, and nothing is left to do for it. */
async function expectWhole({ it, context, mayCollide }: Race, winner: string, version: string): Promise<void> {
  expect(it.place(), context).toEqual({ version, weights: {} });
  const { versions, latest } = it.fn();
  const contents = [...versions.values()].map(({ content }) => `${content.code.codeSha256} ${timeoutOf(content)}`);
  expect(new Set(contents).size, `${context}\nno version twice`).toBe(versions.size);
  expectSpec(versions.get(version)?.content, winner, context);
  expectSpec(latest.content, winner, context);
  expect(versions.size, context).toBe(Number(version));
  const config = ['-c', `${winner}.yaml`];
  const plan = await it.look('plan', '--detailed-exitcode', '--format', 'json', ...config);
  const operations = (plan.json()['functions'] as Document[]).flatMap((one) => one['operations'] as Document[]);
  // Two tags written within one round trip: one of them may still say that a run is open, and the next run closes it.
  const collided = plan.exitCode !== 0;
  if (collided) {
    expect(mayCollide, `${context}\nplan: ${plan.out}${plan.err}`).toBe(true);
    expect(
      operations.filter(({ type }) => type !== 'Invoke' && type !== 'TagResource'),
      context,
    ).toEqual([]);
    await succeeds(it, 'apply', '--yes', ...config);
    expect((await it.look('plan', '--detailed-exitcode', ...config)).exitCode, context).toBe(0);
  }
  const history = await it.look('history', '--format', 'json', ...config);
  expect(history.exitCode, `${context}\n${history.out}${history.err}`).toBe(0);
  const good = (history.json()['records'] as Document[]).filter(({ result }) => result === 'succeeded');
  if (!mayCollide || collided) expect(new Set(good.map((one) => one['version'])), context).toContain(version);
}

describe.each(STORES)('two applies at once on one function, records in %s', (store, metadata) => {
  it('of two specs: one wins, the other exits 3, and the result is one of them whole', async () => {
    const base = await contested(metadata);
    const seen: string[] = [];
    let losers = 0;
    let refused = 0;
    for (const start of STARTS) {
      const one = await race(base, start, ['left', 'right']);
      const codes = one.ran.map(({ exitCode }) => exitCode);
      const both = codes.every((code) => code === 0);
      // Both may succeed only in turn: then the second has planned from what the first left, and has the last word.
      if (both) expect(one.inTurn, one.context).toBeDefined();
      else expect(codes.toSorted(), one.context).toEqual([0, 3]);
      const winner = ['left', 'right'][both ? (one.inTurn ?? 0) : codes.indexOf(0)] ?? '';
      await expectWhole(one, winner, both ? '3' : '2');
      if (!both) {
        const { error, functions } = one.ran[codes.indexOf(3)]?.json() ?? {};
        const { code } = error ?? functions[0].error;
        expect(['LIVE_CHANGED', 'DEPLOYMENT_RUNNING'], one.context).toContain(code);
        if (code === 'DEPLOYMENT_RUNNING') refused += 1;
        losers += 1;
      }
      seen.push(`${start.join(' +')} ms: exits ${codes.join(' and ')}, ${winner} whole`);
    }
    seen.forEach(say);
    // Those that are held until both have planned cannot come in turn.
    expect(losers).toBeGreaterThanOrEqual(STARTS.filter(([point]) => point !== 'first call').length);
    say(
      `records in ${store}: ${STARTS.length} races of two specs, ${2 * STARTS.length} runs, ${refused} refused by the other’s record`,
    );
  });

  it('of the same spec: it is deployed once', async () => {
    const base = await contested(metadata);
    const seen: string[] = [];
    for (const start of STARTS) {
      const one = await race(base, start, ['left', 'left']);
      const codes = one.ran.map(({ exitCode }) => exitCode).toSorted();
      expect([0, 3], one.context).toContain(codes[1]);
      expect(codes[0], one.context).toBe(0);
      await expectWhole(one, 'left', '2');
      seen.push(`${start.join(' +')} ms: exits ${codes.join(' and ')}`);
    }
    seen.forEach(say);
    say(`records in ${store}: ${STARTS.length} races of one spec with itself, ${2 * STARTS.length} runs`);
  });
});
