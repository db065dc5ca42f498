import { readFile } from 'node:fs/promises';
import type { AliasState } from '../../src/sandbox/state.js';
import { type Document, fileOf, hello, okHandler, type Stage } from '../e2e/support.js';

export const HELLO = 'hello';
export const REGION = 'us-east-1';

/** Where an alias stands. */
export interface Place {
  readonly version: string;
  readonly weights: Readonly<Record<string, number>>;
}

/** One change that is interrupted. */
export interface Scenario {
  readonly name: string;
  readonly argv: readonly string[];
  /** Brings the function to before the change, with the change pending in the folder. */
  arrange(stage: Stage, apply: () => Promise<void>): Promise<void>;
  /** `null`: the alias does not exist. */
  readonly before: Place | null;
  readonly after: Place;
  /** Why a run that failed may leave the alias whole on the new version, where it may. */
  readonly mayStay?: string;
  /** True: what it goes to is published by it, so that a Failed version makes the next run's number a higher one. */
  readonly publishes?: true;
}

const at = (version: string): Place => ({ version, weights: {} });

/** The alias's place; `null` for none. */
export function placeOf(alias: AliasState | undefined): Place | null {
  return alias === undefined ? null : { version: alias.functionVersion, weights: { ...alias.weights } };
}

/** Two shares; the interval is short because processes wait for it in real time. */
const ROLLOUT = { steps: ['10%', '50%'], interval: '1s' };
const CANARY: Document = {
  aliases: { live: { healthCheck: { expect: { status: 200 }, timeout: '10s' }, rollout: ROLLOUT } },
};

/** Version 1 is deployed and live; then this changes. */
function change(
  name: string,
  what: { readonly code?: true; readonly more?: Document; readonly base?: Document },
): Scenario {
  return {
    name,
    argv: ['apply', '--yes'],
    before: at('1'),
    after: at('2'),
    async arrange(stage, apply) {
      await stage.file(fileOf({ hello: hello(what.base) }));
      await stage.code(okHandler('one'));
      await apply();
      await stage.file(fileOf({ hello: hello({ ...what.base, ...what.more }) }));
      if (what.code) await stage.code(okHandler('two'));
    },
  };
}

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'create',
    argv: ['apply', '--yes'],
    before: null,
    after: at('1'),
    mayStay: 'there is no place to go back to',
    async arrange(stage) {
      await stage.file(fileOf({ hello: hello() }));
      await stage.code(okHandler('one'));
    },
  },
  change('configuration', { more: { timeout: 6 } }),
  change('code', { code: true }),
  change('both', { code: true, more: { timeout: 6 } }),
  change('canary', { code: true, base: CANARY }),
  {
    name: 'rollback',
    argv: ['rollback', '--yes'],
    before: at('3'),
    after: at('2'),
    mayStay: 'only the tidying of $LATEST comes after its move',
    async arrange(stage, apply) {
      await stage.file(fileOf({ hello: hello() }));
      for (const body of ['one', 'two', 'three']) {
        await stage.code(okHandler(body));
        await apply();
      }
      // The commit that follows a rollback: what is deployed is what is written.
      await stage.code(okHandler('two'));
    },
  },
  {
    name: 'rollback with today’s secrets',
    publishes: true,
    argv: ['rollback', '--fresh-secrets', '--yes'],
    before: at('3'),
    after: at('4'),
    mayStay: 'the record is closed after its move',
    async arrange(stage, apply) {
      const { parameters } = stage.sandbox.state.stores;
      parameters.set('/key', 'sk-old-4f9d2c7b1a');
      await stage.file(fileOf({ hello: hello({ environment: { KEY: '${ssm:/key}' } }) }));
      await stage.code(okHandler('one'));
      await apply();
      await stage.code(okHandler('two'));
      const second = await readFile(`${stage.folder}/function.zip`);
      await apply();
      await stage.code(okHandler('three'));
      await apply();
      parameters.set('/key', 'sk-new-8e1b7d3c55');
      // The commit that follows: what is deployed is what is written.
      await stage.write('function.zip', second);
    },
  },
];
