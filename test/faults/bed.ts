import type { Host } from '../../src/cli/host.js';
import type { Clock } from '../../src/model/ports.js';
import type { Fault, FiredFault, SandboxCall } from '../../src/sandbox/server.js';
import { type AliasState, type FunctionState, functionsOf } from '../../src/sandbox/state.js';
import { type Ran, type Stage, stage } from '../e2e/support.js';
import { HELLO, placeOf, type Place, REGION, type Scenario } from './scenarios.js';

type Hook = (k: number, call: SandboxCall) => Fault | undefined | Promise<Fault | undefined>;

/** A scenario, ready to be run again and again. */
export interface Bed {
  readonly scenario: Scenario;
  readonly stage: Stage;
  /** Everything is as before the change, and calls count from 1 again. */
  rewind(): void;
  /** Asked at every call from here on. */
  at(hook: Hook): void;
  /** From here on the sandbox works. */
  heal(): void;
  run(...argv: readonly string[]): Promise<Ran>;
  /** Runs the scenario on another host. */
  runWith(host: Partial<Host>): Promise<Ran>;
  place(): Place | null;
  /** What happened since the rewinding. */
  readonly log: Log;
}

/** What the sandbox saw of one run. */
export interface Log {
  calls: SandboxCall[];
  /** Versions that a share was asked for before they had answered by number. */
  unchecked: string[];
  /** Moves of the alias to where it was already. */
  repeated: number;
  fired: number;
  /** Where the alias was just after the fault. */
  placeAtFault: Place | null;
}

/** Whose time passes: only what is slept, so that every run makes the same calls, or the machine's, which processes have too. */
export type Time = 'slept' | 'real';

/** The pause between two runs: records are ordered by when they began. */
const BETWEEN_RUNS_MS = 1_000;

/** Begins an hour ago until the first restart, so that what a process records after it is newer. */
function bedClock(time: Time): Clock & { restart(): void } {
  const began = Date.now();
  let skipped = -3_600_000;
  return {
    restart: () => void (skipped = 0),
    now: () => (time === 'real' ? Date.now() : began) + skipped,
    async sleep(milliseconds, signal) {
      signal?.throwIfAborted();
      skipped += Math.ceil(milliseconds);
      await Promise.resolve();
    },
  };
}

const emptyLog = (): Log => ({ calls: [], unchecked: [], repeated: 0, fired: 0, placeAtFault: null });

/** An update settles at the second call after it, however busy the machine is: every run has one wait, which is interrupted too. */
const SETTLE_MS = 2;

/** Arranges a scenario on a sandbox of its own, whose handlers are answered in this process. */
export async function makeBed(scenario: Scenario, time: Time): Promise<Bed> {
  const clock = bedClock(time);
  const began = clock.now();
  const log = emptyLog();
  const checked = new Set<string>();
  let hook: Hook | undefined;
  let ticks = 0;
  let last: Pick<AliasState, 'revisionId'> & { place: string } = { revisionId: '', place: '' };
  const look = (): void => {
    const alias = found()?.aliases.get('live');
    if (alias === undefined || alias.revisionId === last.revisionId) return;
    const place = JSON.stringify(placeOf(alias));
    if (place === last.place) log.repeated += 1;
    last = { revisionId: alias.revisionId, place };
  };
  const intercept = (call: SandboxCall): ReturnType<Hook> => {
    ticks += 1;
    if (hook === undefined) return undefined;
    look();
    log.calls.push(call);
    log.unchecked.push(...shares(call).filter((version) => !checked.has(version) && !isServed(scenario, version)));
    return hook(log.calls.length, call);
  };
  const onFault = (_: FiredFault): void => {
    log.fired += 1;
    log.placeAtFault = placeOf(found()?.aliases.get('live'));
    look();
  };
  const own = await stage({
    settleMs: SETTLE_MS,
    // The sandbox's own time: a millisecond a call.
    now: () => began + ticks,
    intercept,
    onFault,
    invoke: (_event, { version }) => {
      checked.add(version);
      return { statusCode: 200 };
    },
  });
  const functions = functionsOf(own.sandbox.state, REGION);
  const found = (): FunctionState | undefined => functions.get(HELLO);
  const runWith = async (host: Partial<Host>, ...argv: readonly string[]): Promise<Ran> => {
    await clock.sleep(BETWEEN_RUNS_MS);
    return own.runWith({ clock, ...host }, ...argv);
  };
  const run = (...argv: readonly string[]): Promise<Ran> => runWith({}, ...argv);
  await scenario.arrange(own, async () => {
    const ran = await run('apply', '--yes');
    if (ran.exitCode !== 0) throw new Error(`arranging ${scenario.name} failed:\n${ran.out}${ran.err}`);
  });
  const before = structuredClone(found());
  const bed: Bed = {
    scenario,
    stage: own,
    log,
    run,
    runWith: (host) => runWith(host, ...scenario.argv),
    at: (next) => void (hook = next),
    heal() {
      look();
      hook = undefined;
      own.sandbox.faults.arm([]);
    },
    place: () => placeOf(found()?.aliases.get('live')),
    rewind() {
      bed.heal();
      if (before === undefined) functions.delete(HELLO);
      else functions.set(HELLO, structuredClone(before));
      Object.assign(log, emptyLog());
      checked.clear();
      const alias = before?.aliases.get('live');
      last = { revisionId: alias?.revisionId ?? '', place: JSON.stringify(placeOf(alias)) };
      clock.restart();
      hook = () => undefined;
    },
  };
  return bed;
}

/** The versions that a call gives traffic. */
function shares({ operation, body }: SandboxCall): string[] {
  if (operation !== 'UpdateAlias' && operation !== 'CreateAlias') return [];
  const routing = body['RoutingConfig'] as { AdditionalVersionWeights?: object } | null | undefined;
  return [String(body['FunctionVersion']), ...Object.keys(routing?.AdditionalVersionWeights ?? {})];
}

function isServed({ before }: Scenario, version: string): boolean {
  return before?.version === version;
}

/** Published versions beyond the first of each content. A Failed one has to be published again. */
export function duplicatesOf({ stage: { sandbox } }: Bed): number {
  const fn = functionsOf(sandbox.state, REGION).get(HELLO);
  const contents = [...(fn?.versions.values() ?? [])]
    .filter(({ status }) => status['State'] !== 'Failed')
    .map(({ content: { code, config } }) => JSON.stringify([code.codeSha256, { ...config, Description: '' }]));
  return contents.length - new Set(contents).size;
}
