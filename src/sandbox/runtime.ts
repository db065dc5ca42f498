import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Environment } from './environment.js';
import { type FindInterpreter, findPython, type Interpreter } from './interpreter.js';
import type { Invocation, Invoker, Outcome, Runnable } from './invoke.js';

/** How many processes are kept warm; the one that was idle longest goes first. */
const MAX_ENVIRONMENTS = 20;

/** Keeps one execution environment for each version that is invoked. */
export class RuntimePool implements Invoker {
  /** In the order of use, the latest last. */
  private readonly environments = new Map<string, Environment>();
  private readonly retiring = new Map<Environment, Promise<void>>();
  private readonly found = new Map<string, Promise<Interpreter | undefined>>();
  private root: Promise<string> | undefined;
  private count = 0;
  private closed = false;

  constructor(private readonly find: FindInterpreter = findPython) {}

  /** Runs the version in its warm process, or in a new one where its code or configuration is another. */
  async run(runnable: Runnable, invocation: Invocation): Promise<Outcome> {
    this.root ??= mkdtemp(path.join(tmpdir(), 'lambda-sandbox-'));
    const root = await this.root;
    if (this.closed) throw new Error('the sandbox is closed');
    return this.environmentFor(root, runnable).run(invocation);
  }

  /** Ends what is kept warm for a function that is gone, or for one version of it. */
  forget(arn: string, version?: string): void {
    for (const [slot, environment] of this.environments)
      if (version === undefined ? slot.startsWith(`${arn}:`) : slot === `${arn}:${version}`) {
        this.environments.delete(slot);
        this.retire(environment);
      }
  }

  /** Ends every process, also a hung one, and removes every file. */
  async close(): Promise<void> {
    this.closed = true;
    const all = [...this.environments.values(), ...this.retiring.keys()];
    await Promise.all(all.map((environment) => environment.close()));
    await Promise.all(this.retiring.values());
    this.environments.clear();
    if (this.root !== undefined) await rm(await this.root, { recursive: true, force: true });
  }

  private environmentFor(root: string, runnable: Runnable): Environment {
    let environment = this.environments.get(runnable.slot);
    this.environments.delete(runnable.slot);
    if (environment !== undefined && environment.runnable.content !== runnable.content) {
      this.retire(environment);
      environment = undefined;
    }
    this.makeRoom();
    this.count += 1;
    environment ??= new Environment(runnable, path.join(root, String(this.count)), (runtime) =>
      this.interpreter(runtime),
    );
    this.environments.set(runnable.slot, environment);
    return environment;
  }

  /** Looked for once: starting a Python only to ask its name takes longer than an invocation. */
  private interpreter(runtime: string): Promise<Interpreter | undefined> {
    const found = this.found.get(runtime) ?? this.find(runtime);
    this.found.set(runtime, found);
    return found;
  }

  private makeRoom(): void {
    if (this.environments.size < MAX_ENVIRONMENTS) return;
    for (const [slot, environment] of this.environments)
      if (environment.idle) {
        this.environments.delete(slot);
        this.retire(environment);
        return;
      }
  }

  private retire(environment: Environment): void {
    const retired = environment.retire().finally(() => this.retiring.delete(environment));
    this.retiring.set(environment, retired);
  }
}
