import { describe, expect, it } from 'vitest';
import { DeployError } from '../../src/errors.js';
import type { Clock } from '../../src/model/ports.js';
import {
  deployed,
  type Document,
  failsFromSecondCall,
  fileOf,
  hello,
  okHandler,
  type Stage,
  throwingHandler,
} from './support.js';

const STEPS = ['5%', '10%', '25%', '50%', '75%'];
const SHARES = [0.05, 0.1, 0.25, 0.5, 0.75];

/** A file whose alias shifts by shares. */
function rolling(rollout: Document | string, alias: Document = {}, more: Document = {}): Document {
  const live = { healthCheck: { expect: { status: 200 }, timeout: '10s' }, rollout, ...alias };
  return fileOf({ hello: hello({ aliases: { live }, ...more }) });
}

/** Where the alias stands, each place once, in the order it was seen while somebody waited. */
function watching(run: Stage): {
  readonly clock: Clock;
  readonly places: () => Document[];
  at: (seen: Document) => void;
} {
  const places: Document[] = [];
  const watcher = {
    at: (_: Document): void => undefined,
    places: () => places,
    clock: {
      now: run.clock.now,
      async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
        const place = placeOf(run);
        if (JSON.stringify(places.at(-1)) !== JSON.stringify(place)) places.push(place);
        watcher.at(place);
        await run.clock.sleep(milliseconds, signal);
      },
    },
  };
  return watcher;
}

function placeOf(run: Stage): Document {
  const alias = run.fn().aliases.get('live');
  return { version: alias?.functionVersion, weights: { ...alias?.weights } };
}

const at = (version: string, weights: Document = {}): Document => ({ version, weights });

/** Version 1 live, a change pending that rolls out. */
async function changed(rollout: Document | string, alias: Document = {}): Promise<Stage> {
  const run = await deployed({}, rolling(rollout, alias));
  await run.code(okHandler('two'));
  return run;
}

async function lastRecord(run: Stage): Promise<Document> {
  return (await run.run('history', '--format', 'json')).json()['records'][0] as Document;
}

describe('an alias that shifts by shares', () => {
  it('gets every share for its interval, then everything in the call that clears the weights', async () => {
    const run = await changed({ steps: STEPS, interval: '2m' });
    const started = run.clock.now();
    const watched = watching(run);
    const ran = await run.runWith({ clock: watched.clock }, 'apply', '--yes', '--format', 'json');
    expect(ran.exitCode, ran.err).toBe(0);
    const shifts = watched.places().filter(({ weights }) => Object.keys(weights as Document).length > 0);
    expect(shifts).toEqual(SHARES.map((share) => at('1', { '2': share })));
    expect(placeOf(run)).toEqual(at('2'));
    expect(run.clock.now() - started).toBeGreaterThanOrEqual(10 * 60_000);
    expect(run.mutations().filter((operation) => operation === 'UpdateAlias')).toHaveLength(6);
    expect(ran.json()).toMatchObject({ result: 'succeeded', functions: [{ aliases: [{ version: '2' }] }] });
    expect((await run.run('plan', '--detailed-exitcode')).exitCode).toBe(0);
  });

  it('the first version has nothing to be weighed against: at once', async () => {
    const run = await deployed({}, rolling('Canary10Percent5Minutes'));
    expect(placeOf(run)).toEqual(at('1'));
  });

  it.each([
    ['role', { role: 'arn:aws:iam::123456789012:role/other' }],
    ['deadLetterConfig', { deadLetterConfig: { targetArn: 'arn:aws:sqs:us-east-1:123456789012:dead' } }],
  ])('another %s cannot be weighted: the plan says so and the alias moves at once', async (key, more) => {
    const run = await changed('Canary10Percent5Minutes');
    await run.file(rolling('Canary10Percent5Minutes', {}, more));
    const plan = (await run.run('plan', '--format', 'json')).json();
    expect(plan['warnings']).toContainEqual(
      expect.objectContaining({ code: 'ROLLOUT_FORCED', message: expect.stringContaining(key) }),
    );
    const watched = watching(run);
    expect((await run.runWith({ clock: watched.clock }, 'apply', '--yes')).exitCode).toBe(0);
    expect(watched.places().every(({ weights }) => Object.keys(weights as Document).length === 0)).toBe(true);
    expect(placeOf(run)).toEqual(at('2'));
  });

  it('a check that fails between two shares: back to where it was, exit 4', async () => {
    const run = await changed({ steps: STEPS, interval: '1m' });
    await run.code(failsFromSecondCall);
    const ran = await run.run('apply', '--yes', '--format', 'json');
    expect(ran.exitCode, ran.err).toBe(4);
    expect(placeOf(run)).toEqual(at('1'));
    expect(ran.json()).toMatchObject({
      result: 'rolled_back',
      functions: [{ error: { code: 'HEALTH_CHECK_FAILED' } }],
    });
    expect(run.mutations().filter((operation) => operation === 'UpdateAlias')).toHaveLength(2);
  });

  it('a version that fails its check by number gets no share', async () => {
    const run = await changed({ steps: STEPS, interval: '1m' });
    await run.code(throwingHandler('broken'));
    expect((await run.run('apply', '--yes')).exitCode).toBe(4);
    expect(run.mutations()).not.toContain('UpdateAlias');
  });
});

describe('alarms', () => {
  const alarm = (state: string): Document => ({ type: 'metric', state, reason: 'seeded' });
  const rollout = { steps: ['10%'], interval: '5m', alarms: ['errors'] };

  async function alarmed(state: string): Promise<Stage> {
    const run = await deployed({ seed: { alarms: { errors: alarm(state) } } as never }, rolling('AllAtOnce'));
    await run.code(okHandler('two'));
    await run.file(rolling(rollout));
    run.mutations();
    return run;
  }

  it('one that goes off at a share takes the rollout back, exit 4', async () => {
    const run = await alarmed('OK');
    const watched = watching(run);
    watched.at = ({ weights }) => {
      if (Object.keys(weights as Document).length > 0)
        run.sandbox.state.stores.alarms.set('errors', alarm('ALARM') as never);
    };
    const ran = await run.runWith({ clock: watched.clock }, 'apply', '--yes', '--format', 'json');
    expect(ran.exitCode, ran.out + ran.err).toBe(4);
    expect(ran.json()['functions'][0].error).toMatchObject({ code: 'ALARM_RAISED' });
    expect(placeOf(run)).toEqual(at('1'));
  });

  it('one that goes off during the bake after the last share takes it back too', async () => {
    const run = await alarmed('OK');
    const watched = watching(run);
    watched.at = ({ version }) => {
      if (version === '2') run.sandbox.state.stores.alarms.set('errors', alarm('ALARM') as never);
    };
    expect((await run.runWith({ clock: watched.clock }, 'apply', '--yes')).exitCode).toBe(4);
    expect(placeOf(run)).toEqual(at('1'));
  });

  it('one that is raised already refuses before the first write, exit 3, and the plan warns', async () => {
    const run = await alarmed('ALARM');
    expect((await run.run('plan', '--format', 'json')).json()['warnings']).toContainEqual(
      expect.objectContaining({ code: 'ALARM_RAISED' }),
    );
    expect((await run.run('apply', '--yes')).exitCode).toBe(3);
    expect(run.mutations()).toEqual([]);
  });

  it('one without data passes, and the output says so', async () => {
    const run = await alarmed('INSUFFICIENT_DATA');
    const ran = await run.run('apply', '--yes');
    expect(ran.exitCode, ran.err).toBe(0);
    expect(ran.out).toContain('INSUFFICIENT_DATA');
  });

  it('one that does not exist is an error of the plan', async () => {
    const run = await alarmed('OK');
    await run.file(rolling({ ...rollout, alarms: ['errors', 'absent'] }));
    const ran = await run.run('plan', '--format', 'json');
    expect([ran.exitCode, ran.json()['error'].code]).toEqual([1, 'ALARM_NOT_FOUND']);
    expect(ran.json()['error'].message).toContain('absent');
  });
});

describe('manual promotion', () => {
  const rollout = { steps: ['5%', '50%'], interval: '1m', promotion: 'manual' };

  async function pending(): Promise<Stage> {
    const run = await changed(rollout);
    const ran = await run.run('apply', '--yes', '--format', 'json');
    expect([ran.exitCode, ran.json()['result']], ran.err).toEqual([0, 'pending']);
    expect(placeOf(run)).toEqual(at('1', { '2': 0.05 }));
    run.mutations();
    return run;
  }

  it('waits at the first share: another apply does nothing and says so', async () => {
    const run = await pending();
    const ran = await run.run('apply', '--yes', '--format', 'json');
    expect([ran.exitCode, ran.json()['result']]).toEqual([0, 'no_changes']);
    expect(run.mutations()).toEqual([]);
    const plan = (await run.run('plan', '--format', 'json')).json();
    expect(plan['warnings']).toContainEqual(expect.objectContaining({ code: 'ROLLOUT_WAITS' }));
    expect((await run.run('drift')).exitCode).toBe(0);
    expect(await lastRecord(run)).toMatchObject({ result: 'pending', version: '1' });
  });

  it('promote --step gives the next share, promote the rest; abort has nothing left to take back', async () => {
    const run = await pending();
    const step = await run.run('promote', '--step', '--yes', '--format', 'json');
    expect([step.exitCode, step.json()['result']], step.err).toEqual([0, 'pending']);
    expect(placeOf(run)).toEqual(at('1', { '2': 0.5 }));
    const whole = await run.run('promote', '--yes', '--format', 'json');
    expect([whole.exitCode, whole.json()['result']], whole.err).toEqual([0, 'succeeded']);
    expect(placeOf(run)).toEqual(at('2'));
    expect(await lastRecord(run)).toMatchObject({ result: 'succeeded', version: '2', previousVersion: '1' });
    expect((await run.run('plan', '--detailed-exitcode')).exitCode).toBe(0);
    const abort = await run.run('abort', '--yes', '--format', 'json');
    expect([abort.exitCode, abort.json()['error'].code]).toEqual([1, 'NO_ROLLOUT']);
    expect((await run.run('rollback', '--yes')).exitCode).toBe(0);
    expect(placeOf(run)).toEqual(at('1'));
  });

  describe('promote --expect', () => {
    /** Version 2 waits, deployed by a plan file. */
    async function approved(): Promise<{ run: Stage; digest: string }> {
      const run = await changed(rollout);
      return { run, digest: await applyFile(run) };
    }

    async function applyFile(run: Stage): Promise<string> {
      const plan = await run.run('plan', '--out', 'plan.zip', '--format', 'json');
      const ran = await run.run('apply', 'plan.zip');
      expect(ran.exitCode, ran.err).toBe(0);
      run.mutations();
      return plan.json()['digest'] as string;
    }

    const promote = (run: Stage, digest: string, ...more: string[]) =>
      run.run('promote', '--expect', digest, '--format', 'json', ...more);

    it('gives all traffic to what that plan deployed, also after a --step by hand; a retry has nothing to do', async () => {
      const { run, digest } = await approved();
      expect((await promote(run, digest, '--plan-only')).json()['changes']).toBe(true);
      expect((await run.run('promote', '--step', '--yes')).exitCode).toBe(0);
      const whole = await promote(run, digest, '--yes');
      expect([whole.exitCode, placeOf(run)], whole.err).toEqual([0, at('2')]);
      run.mutations();
      const again = await promote(run, digest, '--yes');
      expect([again.exitCode, again.json()['result'], run.mutations()], again.err).toEqual([0, 'no_changes', []]);
      expect((await promote(run, digest, '--plan-only')).json()['changes']).toBe(false);
    });

    it.each([['--yes'], ['--plan-only']])('%s refuses what another plan put there since', async (how) => {
      const { run, digest } = await approved();
      await run.code(okHandler('three'));
      const newer = await applyFile(run);
      const stale = await promote(run, digest, how);
      expect([stale.exitCode, stale.json()['error'].code, run.mutations()]).toEqual([3, 'PLAN_STALE', []]);
      expect(stale.json()['error'].message).toContain(`of plan ${newer.slice(7, 19)}`);
      expect(placeOf(run)).toEqual(at('1', { '3': 0.05 }));
      expect((await promote(run, newer, '--yes')).exitCode).toBe(0);
      const late = await promote(run, digest, '--yes');
      expect([late.exitCode, placeOf(run)]).toEqual([3, at('3')]);
    });

    it('refuses what was taken back, a share that somebody set by hand, and what no plan file deployed', async () => {
      const { run, digest } = await approved();
      const live = run.fn().aliases.get('live');
      const byHand = { ...live, functionVersion: '2', weights: { '1': 0.5 } } as NonNullable<typeof live>;
      run.fn().aliases.set('live', byHand);
      expect((await promote(run, digest, '--yes')).exitCode).toBe(3);
      run.fn().aliases.set('live', live as NonNullable<typeof live>);
      expect((await run.run('abort', '--yes')).exitCode).toBe(0);
      expect((await promote(run, digest, '--yes')).exitCode).toBe(3);
      const other = await pending();
      expect((await promote(other, digest, '--yes')).exitCode).toBe(3);
      const usage = await promote(other, 'sha256:12', '--yes');
      expect([usage.exitCode, usage.json()['error'].code]).toEqual([1, 'USAGE']);
    });

    it('goes on after a promotion that was stopped', async () => {
      const { run, digest } = await approved();
      const stop = new AbortController();
      stop.abort(new DeployError('INTERRUPTED', 'SIGTERM came in.'));
      expect((await run.runWith({ signal: stop.signal }, 'promote', '--expect', digest, '--yes')).exitCode).not.toBe(0);
      expect(placeOf(run)).toEqual(at('1', { '2': 0.05 }));
      const again = await promote(run, digest, '--yes');
      expect([again.exitCode, placeOf(run)], again.err).toEqual([0, at('2')]);
    });
  });

  it.each(['abort', 'rollback'])('%s takes it back', async (verb) => {
    const run = await pending();
    const ran = await run.run(verb, '--yes');
    expect(ran.exitCode, ran.err).toBe(0);
    expect(placeOf(run)).toEqual(at('1'));
    expect(run.mutations().filter((operation) => operation === 'UpdateAlias')).toHaveLength(1);
    expect(await lastRecord(run)).toMatchObject({ result: 'rolled_back', version: '1', triedVersion: '2' });
  });

  it('another spec takes the waiting rollout back before anything else', async () => {
    const run = await pending();
    await run.code(okHandler('three'));
    const plan = (await run.run('plan', '--format', 'json')).json();
    const types = (plan['functions'][0].operations as Document[]).filter(({ record }) => record === undefined);
    expect(types[0]).toMatchObject({ type: 'UpdateAlias', settles: 'abort' });
    expect((await run.run('apply', '--yes')).exitCode).toBe(0);
    expect(placeOf(run)).toEqual(at('1', { '3': 0.05 }));
  });
});

describe.each(SHARES.map((share, index) => [`${share * 100} %`, share, index] as const))(
  'a run stopped at %s',
  (_, share, index) => {
    async function stoppedAt(onCancel: string): Promise<Stage> {
      const run = await changed({ steps: STEPS, interval: '1m' }, { onCancel });
      const stop = new AbortController();
      const watched = watching(run);
      watched.at = ({ weights }) => {
        if ((weights as Document)['2'] === share) stop.abort(new DeployError('INTERRUPTED', 'SIGTERM came in.'));
      };
      const ran = await run.runWith({ clock: watched.clock, signal: stop.signal }, 'apply', '--yes');
      expect(ran.exitCode, ran.err).toBe(143);
      return run;
    }

    it('abort (the default): the alias is where it was, and the next run starts from the published version', async () => {
      const run = await stoppedAt('abort');
      expect(placeOf(run)).toEqual(at('1'));
      expect(await lastRecord(run)).toMatchObject({ result: 'rolled_back' });
      const watched = watching(run);
      expect((await run.runWith({ clock: watched.clock }, 'apply', '--yes')).exitCode).toBe(0);
      expect(placeOf(run)).toEqual(at('2'));
      expect([...run.fn().versions.keys()]).toEqual(['1', '2']);
      expect(watched.places()).toContainEqual(at('1', { '2': 0.05 }));
    });

    it('hold: the alias stays, the next run goes on from there', async () => {
      const run = await stoppedAt('hold');
      expect(placeOf(run)).toEqual(at('1', { '2': share }));
      expect(await lastRecord(run)).toMatchObject({ result: 'pending' });
      const watched = watching(run);
      expect((await run.runWith({ clock: watched.clock }, 'apply', '--yes')).exitCode).toBe(0);
      const shares = watched.places().flatMap(({ weights }) => Object.values(weights as Document));
      expect([...new Set(shares)]).toEqual(SHARES.slice(index));
      expect(placeOf(run)).toEqual(at('2'));
      expect(await lastRecord(run)).toMatchObject({ result: 'succeeded', version: '2' });
    });

    it('hold, then abort: exactly where it was', async () => {
      const run = await stoppedAt('hold');
      expect((await run.run('abort', '--yes')).exitCode).toBe(0);
      expect(placeOf(run)).toEqual(at('1'));
    });
  },
);
