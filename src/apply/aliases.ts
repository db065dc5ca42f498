import equal from 'fast-deep-equal';
import { DeployError, isDeployError } from '../errors.js';
import type { LiveAlias, Version } from '../model/function.js';
import { percent } from '../planner/shift.js';
import type { ApplyPorts } from './job.js';
import { liveChanged, mutate, readAnyway, retryWith } from './mutate.js';

/** Where an alias points: its primary version, and the shares of additional ones. */
export interface AliasState {
  readonly version: Version;
  readonly weights: LiveAlias['weights'];
}

/** An alias that this run moved, with what it served before. */
export interface Moved {
  readonly alias: string;
  readonly before: AliasState;
  readonly after: AliasState;
}

/**
 * The aliases of one function as this run knows them. Every move names the RevisionId of the state it expects, and a lost answer
 * is settled by reading, so that no alias is moved twice or over somebody else's move.
 */
export class Aliases {
  private readonly known = new Map<string, LiveAlias>();

  constructor(
    private readonly functionName: string,
    private readonly ports: ApplyPorts,
    live: readonly LiveAlias[],
    /** What a printed command of the aws CLI needs beside, with a space before it. */
    private readonly pasted = '',
  ) {
    for (const alias of live) this.known.set(alias.name, alias);
  }

  /** What the alias serves now, as far as this run knows; `null`: it does not exist. */
  versionOf(alias: string): Version | null {
    return this.known.get(alias)?.version ?? null;
  }

  /** The shares of additional versions, as far as this run knows. */
  weightsOf(alias: string): AliasState['weights'] {
    return this.known.get(alias)?.weights ?? {};
  }

  /** @throws LIVE_CHANGED when somebody else made it meanwhile; AWS_* */
  async create(name: string, version: Version, description: string | undefined): Promise<'done' | 'recovered'> {
    const wanted = { version, weights: {} };
    return mutate({
      ...retryWith(this.ports, this.functionName),
      call: async () => {
        const alias = { name, version, ...(description === undefined ? {} : { description }) };
        this.known.set(name, await this.ports.lambda.createAlias(this.functionName, alias));
      },
      inspect: async () => {
        const live = await this.ports.lambda.getAlias(this.functionName, name);
        if (live === undefined) return 'unchanged';
        if (!samePlace(live, wanted)) throw liveChanged(this.functionName, `alias ${name}`, [place(live)]);
        this.known.set(name, live);
        return 'ours';
      },
    });
  }

  /** @throws LIVE_CHANGED when the alias is neither where the step expects it nor where it shall go; AWS_* */
  async move(
    name: string,
    from: AliasState,
    to: AliasState,
    options: { readonly description?: string; readonly signal?: AbortSignal } = {},
  ): Promise<'done' | 'recovered'> {
    const { description } = options;
    const start = this.known.get(name);
    if (start === undefined || !samePlace(start, from))
      throw liveChanged(this.functionName, `alias ${name}`, [place(start)]);
    return mutate({
      ...retryWith(this.ports, this.functionName),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      call: async () => {
        const revisionId = this.known.get(name)?.revisionId;
        const update = {
          name,
          version: to.version,
          weights: to.weights,
          ...(description === undefined ? {} : { description }),
        };
        const live = await this.ports.lambda.updateAlias(
          this.functionName,
          revisionId === undefined ? update : { ...update, revisionId },
        );
        this.known.set(name, live);
      },
      inspect: async () => {
        const live = await this.ports.lambda.getAlias(this.functionName, name);
        if (live !== undefined) this.known.set(name, live);
        const described = description === undefined || live?.description === description;
        if (live !== undefined && samePlace(live, to) && described) return 'ours';
        if (live !== undefined && samePlace(live, from)) return 'unchanged';
        throw liveChanged(this.functionName, `alias ${name}`, [place(live)]);
      },
    });
  }

  /**
   * Returns an alias to exactly where it was before this run, and reads it back.
   * @throws NEEDS_A_HUMAN with the command that mends it, when somebody else moved it or AWS refuses
   */
  async takeBack({ alias, before, after }: Moved): Promise<void> {
    this.ports.emit({ type: 'taking-back', function: this.functionName, alias, version: before.version });
    try {
      const known = this.known.get(alias);
      const isBack = known !== undefined && samePlace(known, before);
      // Somebody else has put it there already; else even a stopped run makes its aliases safe.
      if (!isBack) await this.move(alias, after, before, { signal: new AbortController().signal });
      const live = await readAnyway(() => this.ports.lambda.getAlias(this.functionName, alias));
      if (live === undefined || !samePlace(live, before))
        throw liveChanged(this.functionName, `alias ${alias}`, [place(live)]);
    } catch (error) {
      throw this.needsHuman(alias, before, after, error);
    }
  }

  private needsHuman(alias: string, before: AliasState, after: AliasState, error: unknown): DeployError {
    const reason = isDeployError(error) ? error.detail : 'an unexpected error';
    const weights = JSON.stringify({ AdditionalVersionWeights: before.weights });
    return new DeployError(
      'NEEDS_A_HUMAN',
      `alias ${alias} of ${this.functionName} should go back from version ${describePlace(after)} to ${describePlace(before)}, but: ${reason}`,
      {
        source: 'aws',
        subject: this.functionName,
        fix: `look at it, then: aws lambda update-alias --function-name ${this.functionName} --name ${alias} --function-version '${before.version}' --routing-config '${weights}'${this.pasted}`,
        cause: error,
      },
    );
  }
}

function samePlace(live: AliasState, other: AliasState): boolean {
  return live.version === other.version && equal(live.weights, other.weights);
}

function place(live: AliasState | undefined): string {
  return live === undefined ? 'it does not exist' : `it serves version ${describePlace(live)}`;
}

/** `3`, or `3 with 5 % on 4`. */
export function describePlace({ version, weights }: AliasState): string {
  const shares = Object.entries(weights).map(([other, weight]) => ` with ${percent(weight)} on ${other}`);
  return version + shares.join(',');
}
