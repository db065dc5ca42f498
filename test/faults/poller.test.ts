import { setTimeout as sleep } from 'node:timers/promises';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { describe, expect, it } from 'vitest';
import { functionsOf } from '../../src/sandbox/state.js';
import { type Document, fileOf, hello, type Ran } from '../e2e/support.js';
import { clientOf } from '../sandbox/support.js';
import { held, type Hooks, type Request } from './wire.js';
import { say, STORES, type World, world } from './world.js';

/** How long the client waits between an answer and its next invocation. */
const PAUSE_MS = 2;
const MIN_INVOCATIONS = 200;

/** Answers with its code's name and its configuration's. */
const named = (name: string): string =>
  `export const handler = async () => ({ statusCode: 200, body: '${name}/' + process.env.GREETING });\n`;
/** Healthy by its number, and broken for whoever comes through the alias. */
const brokenBehindAlias = (name: string): string =>
  `export const handler = async (_, { invokedFunctionArn }) => {
  if (invokedFunctionArn.endsWith(':live')) throw new Error('broken behind the alias');
  return { statusCode: 200, body: '${name}/' + process.env.GREETING };
};\n`;

/** One invocation of the alias. */
interface Poll {
  /** Whether the alias was there when the client asked. */
  readonly existed: boolean;
  readonly version?: string;
  readonly body?: string;
  /** The handler's, or what the sandbox answered in place of an answer. */
  readonly error?: string;
  /** Whether the version that answered had passed its check by number. */
  readonly checked: boolean;
}

/** A client that invokes the alias all the time, and what it saw. */
class Poller {
  readonly polls: Poll[] = [];
  private stopped = false;
  private readonly ended: Promise<void>;

  constructor(
    private readonly it: World,
    private readonly checked: ReadonlySet<string>,
  ) {
    this.ended = this.loop();
  }

  /** Lets it see enough of how it ended, then stops it. */
  async stop(): Promise<void> {
    while (this.polls.filter(({ existed }) => existed).length < MIN_INVOCATIONS) await sleep(PAUSE_MS);
    this.stopped = true;
    await this.ended;
  }

  private async loop(): Promise<void> {
    const client = clientOf(this.it.sandbox.url);
    const functions = functionsOf(this.it.sandbox.state, 'us-east-1');
    while (!this.stopped) {
      const existed = functions.get('hello')?.aliases.has('live') ?? false;
      try {
        const answer = await client.send(new InvokeCommand({ FunctionName: 'hello', Qualifier: 'live' }));
        const version = answer.ExecutedVersion ?? '(none)';
        const payload = JSON.parse(answer.Payload?.transformToString() ?? 'null') as Document;
        this.polls.push({
          existed,
          version,
          checked: this.checked.has(version),
          ...(answer.FunctionError === undefined ? { body: payload['body'] } : { error: payload['errorMessage'] }),
        });
      } catch (error) {
        this.polls.push({ existed, checked: true, error: String(error) });
      }
      await sleep(PAUSE_MS);
    }
    client.destroy();
  }
}

/** What a run has to end with, and what the client may see of it. */
interface Expected {
  readonly exitCode: number | null;
  /** The version behind the alias at the end. */
  readonly ends: string;
  /** A version that fails behind the alias. */
  readonly broken?: string;
}

/** A world whose alias a client invokes during every run. */
class Stage {
  polls = 0;
  runs = 0;
  /** What each version answers, once it was seen. */
  private readonly bodies = new Map<string, string>();

  constructor(
    readonly it: World,
    private readonly store: string,
  ) {}

  async during(title: string, argv: readonly string[], expected: Expected, killedAt?: Killed): Promise<void> {
    const checked = new Set<string>();
    const serving = functionsOf(this.it.sandbox.state, 'us-east-1').get('hello')?.aliases.get('live');
    for (const version of [serving?.functionVersion, ...Object.keys(serving?.weights ?? {})])
      if (version !== undefined) checked.add(version);
    const unchecked: string[] = [];
    const poller = new Poller(this.it, checked);
    const ran = await this.run(argv, this.watching(checked, unchecked), killedAt);
    const during = poller.polls.length;
    await poller.stop();
    const context = `${title}\n${ran.out}${ran.err}`;
    expect(ran.exitCode, context).toBe(expected.exitCode);
    expect(unchecked, `${context}\nversions that got traffic before their check passed`).toEqual([]);
    this.judge(poller.polls, expected, context);
    const { version } = this.it.place();
    expect(version, context).toBe(expected.ends);
    const count = poller.polls.filter(({ existed }) => existed).length;
    this.polls += count;
    this.runs += 1;
    const errors = poller.polls.filter(({ existed, error }) => existed && error !== undefined).length;
    say(
      `records in ${this.store}, ${title}: ${count} invocations (${during} of all while it ran), versions ${versionsOf(poller.polls)}, ${errors} errors`,
    );
  }

  private async run(argv: readonly string[], watching: Hooks, killed?: Killed): Promise<Ran> {
    let reach = (): void => undefined;
    const reached = new Promise<void>((resolve) => (reach = resolve));
    const hold = (side: Killed[2], seen: Request): Promise<never> | undefined => {
      if (killed === undefined || side !== killed[2]) return undefined;
      if (seen.operation !== killed[0] || seen.n !== killed[1]) return undefined;
      reach();
      return held();
    };
    const child = await this.it.start(
      {
        before: (seen) => (watching.before?.(seen), hold('before', seen)),
        after: (seen, answer) => (watching.after?.(seen, answer), hold('after', seen)),
      },
      ...argv,
    );
    if (killed !== undefined) {
      await Promise.race([reached, child.done]);
      child.kill('SIGKILL');
    }
    return child.done;
  }

  /** Knows which versions answered fine by number, and notes those that are given traffic without. */
  private watching(checked: Set<string>, unchecked: string[]): Hooks {
    return {
      before({ operation, body }) {
        if (operation !== 'CreateAlias' && operation !== 'UpdateAlias') return;
        const weights = Object.keys((body['RoutingConfig']?.AdditionalVersionWeights ?? {}) as Document);
        for (const version of [body['FunctionVersion'] as string, ...weights])
          if (!checked.has(version)) unchecked.push(version);
      },
      after({ operation, qualifier }, { status, headers, bytes }) {
        if (operation !== 'Invoke' || qualifier === null || !/^\d+$/.test(qualifier)) return;
        if (status !== 200 || headers['x-amz-function-error'] !== undefined) return;
        if ((JSON.parse(bytes.toString('utf8')) as Document)['statusCode'] === 200) checked.add(qualifier);
      },
    };
  }

  private judge(polls: readonly Poll[], { broken, ends }: Expected, context: string): void {
    for (const { existed, version, error, checked, body } of polls) {
      const what = `${context}\nanswer of ${version}: ${error ?? body}`;
      // Before the alias exists there is nothing to be invoked.
      if (!existed && version === undefined) continue;
      expect(checked, `${what}, before its check`).toBe(true);
      if (error !== undefined) {
        expect([version, error], what).toEqual([broken, 'broken behind the alias']);
        continue;
      }
      const [code, greeting] = (body ?? '').split('/');
      expect(code, `${what}: its code and its configuration are of two specs`).toBe(greeting);
      expect(this.bodies.get(version ?? '') ?? body, what).toBe(body);
      this.bodies.set(version ?? '', body ?? '');
    }
    const { weights } = this.it.place();
    expect([ends, ...Object.keys(weights as Document)], context).toContain(polls.at(-1)?.version);
    expect(polls.at(-1)?.error, context).toBeUndefined();
  }
}

type Killed = readonly [operation: string, n: number, side: 'before' | 'after'];

function versionsOf(polls: readonly Poll[]): string {
  const counts = new Map<string, number>();
  for (const { version } of polls) if (version !== undefined) counts.set(version, (counts.get(version) ?? 0) + 1);
  return [...counts].map(([version, count]) => `${version} (${count})`).join(', ');
}

const APPLY = ['apply', '--yes'];

describe.each(STORES)('a client that invokes the alias all the time, records in %s', (store, metadata) => {
  it('sees no error but a new version’s own, and no version before its check', async () => {
    const it = await world();
    const stage = new Stage(it, store);
    const wants = async (name: string, rollout?: Document, source = named(name)): Promise<void> => {
      const live = { healthCheck: { expect: { status: 200 }, timeout: '10s' }, ...(rollout && { rollout }) };
      await it.file(fileOf({ hello: hello({ environment: { GREETING: name }, aliases: { live } }) }, metadata));
      await it.code(source);
    };
    const canary = { steps: ['10%', '50%', '90%'], interval: '1s' };

    await wants('one');
    await stage.during('create', APPLY, { exitCode: 0, ends: '1' });
    await wants('two');
    await stage.during('configuration and code', APPLY, { exitCode: 0, ends: '2' });
    await wants('three', canary);
    await stage.during('canary of three steps', APPLY, { exitCode: 0, ends: '3' });
    await wants('four', undefined, brokenBehindAlias('four'));
    await stage.during('a version that fails behind the alias', APPLY, { exitCode: 4, ends: '3', broken: '4' });
    await wants('five', canary, brokenBehindAlias('five'));
    await stage.during('a canary that fails', APPLY, { exitCode: 4, ends: '3', broken: '5' });
    await stage.during('rollback', ['rollback', '--yes'], { exitCode: 0, ends: '2' });
    const kills: readonly (readonly [Killed, Document | undefined, string])[] = [
      [['UpdateFunctionConfiguration', 1, 'after'], undefined, 'stays'],
      [['UpdateFunctionCode', 1, 'before'], undefined, 'stays'],
      [['PublishVersion', 1, 'after'], undefined, 'stays'],
      [['UpdateAlias', 1, 'after'], undefined, 'moves'],
      [['UpdateAlias', 2, 'after'], canary, 'stays'],
      [['UpdateAlias', 4, 'after'], canary, 'moves'],
    ];
    let last = 5;
    let from = '2';
    for (const [killed, rollout, then] of kills) {
      last += 1;
      await wants(`number${last}`, rollout);
      const title = `${rollout ? 'canary ' : ''}killed ${killed[2]} ${killed[0]} ${killed[1]}`;
      const ends = then === 'moves' ? String(last) : from;
      await stage.during(title, APPLY, { exitCode: null, ends }, killed);
      await stage.during(`${title}, applied again`, APPLY, { exitCode: 0, ends: String(last) });
      from = String(last);
    }
    expect([...it.fn().versions.keys()]).toHaveLength(last);
    say(`records in ${store}: ${stage.runs} runs, ${stage.polls} invocations`);
  });
});
