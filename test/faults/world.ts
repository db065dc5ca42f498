import { cp } from 'node:fs/promises';
import { expect, onTestFinished } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.js';
import { type FunctionState, functionsOf } from '../../src/sandbox/state.js';
import { type Document, project, type Project, type Ran, runInside, type Spawned, spawnCli } from '../e2e/support.js';
import { type Hooks, startWire, type Wire } from './wire.js';

/** How long updates take, in milliseconds: long enough to be waited for. */
const SETTLE_MS = 50;

/** Where deployment records are kept, by the file. */
export const STORES: readonly (readonly [string, Document])[] = [
  ['tags', {}],
  ['file', { metadata: 'file:records' }],
  ['s3', { metadata: 's3://acme-deploys/lambda' }],
];

/** A sandbox and a folder of its own, for real processes of the built program. */
export interface World extends Project {
  readonly sandbox: Sandbox;
  fn(): FunctionState;
  /** The primary version of `live`, and its shares. */
  place(): Document;
  /** Starts a process whose wire these hooks watch. */
  start(hooks: Hooks, ...argv: string[]): Promise<Spawned & { readonly wire: Wire }>;
  /** A process that nothing befalls, to its end. */
  ran(...argv: string[]): Promise<Ran>;
  /** Commands that only look, in this process: nothing befalls them. */
  look(...argv: string[]): Promise<Ran>;
}

/** A world with nothing in it, or with what another world has now: its folder and its function. */
export async function world(from?: World): Promise<World> {
  const own = await project();
  const sandbox = await startSandbox({ settleMs: SETTLE_MS, seed: { buckets: { 'acme-deploys': {} } } });
  onTestFinished(() => sandbox.close());
  const functions = functionsOf(sandbox.state, 'us-east-1');
  if (from !== undefined) {
    await cp(from.folder, own.folder, { recursive: true });
    functions.set('hello', structuredClone(from.fn()));
    for (const [name, bucket] of from.sandbox.state.stores.buckets)
      sandbox.state.stores.buckets.set(name, structuredClone(bucket));
  }
  const fn = (): FunctionState => {
    const found = functions.get('hello');
    if (found === undefined) throw new Error('the sandbox has no function hello');
    return found;
  };
  const start: World['start'] = async (hooks, ...argv) => {
    const wire = await startWire(sandbox.url, hooks);
    return { ...spawnCli(argv, { cwd: own.folder, env: { AWS_ENDPOINT_URL: wire.url } }), wire };
  };
  return {
    ...own,
    sandbox,
    fn,
    start,
    place() {
      const alias = fn().aliases.get('live');
      return { version: alias?.functionVersion, weights: { ...alias?.weights } };
    },
    async ran(...argv) {
      return (await start({}, ...argv)).done;
    },
    look: (...argv) => runInside(argv, { cwd: own.folder, env: { LAMBDA_DEPLOY_ENDPOINT_URL: sandbox.url } }),
  };
}

/** A process that has to end well. */
export async function succeeds(it: World, ...argv: string[]): Promise<Ran> {
  const ran = await it.ran(...argv);
  expect(ran.exitCode, `${argv.join(' ')}\n${ran.out}${ran.err}`).toBe(0);
  return ran;
}

/** The shares that version got from these processes' calls, in order; 1 is everything. */
export function sharesOf(version: string, wire: Wire): number[] {
  return wire.requests
    .filter(({ operation }) => operation === 'UpdateAlias')
    .map(({ body }) => {
      const weights = (body['RoutingConfig']?.AdditionalVersionWeights ?? {}) as Readonly<Record<string, number>>;
      return weights[version] ?? (body['FunctionVersion'] === version ? 1 : 0);
    });
}

/** Prints a line of what was done, for the log of the run. */
export function say(text: string): void {
  process.stdout.write(`  ${text}\n`);
}
