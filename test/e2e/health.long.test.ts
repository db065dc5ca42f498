import { describe, expect, it } from 'vitest';
import type { Fault, Intercept } from '../../src/sandbox/server.js';
import {
  deployed,
  type Document,
  failsFromSecondCall,
  fileOf,
  hello,
  okHandler,
  type Ran,
  type Stage,
  throwingHandler,
} from './support.js';

const REFUSED: Fault = {
  kind: 'error',
  status: 403,
  code: 'AccessDeniedException',
  message: 'User is not authorized to perform: lambda:UpdateAlias',
};

/** Refuses every UpdateAlias from the n-th on, counted over the whole life of the sandbox. */
const refusesFrom =
  (first: number): Intercept =>
  ({ operation, n }) =>
    operation === 'UpdateAlias' && n >= first ? REFUSED : undefined;

const STORES: readonly (readonly [string, Document])[] = [
  ['tags', {}],
  ['file', { metadata: 'file:records' }],
];

async function lastRecord(run: Stage): Promise<Document> {
  return (await run.run('history', '--format', 'json')).json().records[0];
}

describe.each(STORES)('a handler that throws, records in %s', (_store, metadata) => {
  it('gets no traffic: exit 4, alias unmoved, the record says failed, message and log tail are shown', async () => {
    const run = await deployed({}, fileOf({ hello: hello() }, metadata));
    const alias = structuredClone(run.fn().aliases.get('live'));
    await run.code(throwingHandler('the database is gone'));
    const ran = await run.run('apply', '--yes');
    expect(ran.exitCode).toBe(4);
    expect(ran.out).toMatch(/HEALTH_CHECK_FAILED.*the database is gone/);
    expect(ran.err).toMatch(/log tail/);
    expect(ran.err).toMatch(/about to fail/);
    expect(ran.out).toMatch(/callers without an alias or version run it/);
    expect(run.fn().aliases.get('live')).toEqual(alias);
    expect(run.mutations()).not.toContain('UpdateAlias');
    expect(await lastRecord(run)).toMatchObject({ result: 'failed', version: '1' });
  });

  it('is remembered: the next plan of the same spec warns, that of another does not', async () => {
    const run = await deployed({}, fileOf({ hello: hello() }, metadata));
    await run.code(throwingHandler('broken'));
    expect((await run.run('apply', '--yes')).exitCode).toBe(4);
    const warnings = async (): Promise<Document[]> => (await run.run('plan', '--format', 'json')).json()['warnings'];
    expect(await warnings()).toEqual([
      {
        code: 'FAILED_BEFORE',
        function: 'hello',
        message: expect.stringMatching(
          /^this spec of hello (failed its health check|was tried and did not stay) on 20\S+Z \(version 2, alias live\); it is tried again\.$/,
        ) as string,
      },
    ]);
    await run.code(okHandler('fixed'));
    expect(await warnings()).toEqual([]);
  });

  it('is tried again without a second version of the same content', async () => {
    const run = await deployed({}, fileOf({ hello: hello() }, metadata));
    await run.code(throwingHandler('still broken'));
    for (const _attempt of [1, 2]) expect((await run.run('apply', '--yes')).exitCode).toBe(4);
    expect([...run.fn().versions.keys()]).toEqual(['1', '2']);
    await run.code(okHandler('fixed'));
    expect((await run.run('apply', '--yes')).exitCode).toBe(0);
    expect(run.fn().aliases.get('live')?.functionVersion).toBe('3');
  });
});

describe.each(STORES)('a handler that fails only behind the alias, records in %s', (_store, metadata) => {
  it('autoRollback: the alias returns to its exact version and weights, exit 4, the record says rolled_back', async () => {
    const run = await deployed({}, fileOf({ hello: hello() }, metadata));
    await run.code(failsFromSecondCall);
    const ran = await run.run('apply', '--yes', '--format', 'json');
    expect(ran.exitCode).toBe(4);
    expect(ran.json()).toMatchObject({
      result: 'rolled_back',
      functions: [
        {
          result: 'rolled_back',
          aliases: [{ name: 'live', version: '1', previousVersion: '1' }],
          error: { code: 'HEALTH_CHECK_FAILED' },
        },
      ],
    });
    expect(ran.err).toMatch(/taking alias live back to version 1/);
    expect(run.fn().aliases.get('live')).toMatchObject({ functionVersion: '1', weights: {} });
    expect(run.mutations().filter((operation) => operation === 'UpdateAlias')).toHaveLength(2);
    expect(await lastRecord(run)).toMatchObject({ result: 'rolled_back', version: '1', previousVersion: '1' });
  });

  it('takes back first what somebody left of a shift, and returns to the version that then has all traffic', async () => {
    const run = await deployed({}, fileOf({ hello: hello() }, metadata));
    await run.code(okHandler('two'));
    expect((await run.run('apply', '--yes')).exitCode).toBe(0);
    const alias = run.fn().aliases.get('live');
    if (alias !== undefined) alias.weights = { '1': 0.25 };
    await run.code(failsFromSecondCall);
    expect((await run.run('apply', '--yes')).exitCode).toBe(4);
    expect(run.fn().aliases.get('live')).toMatchObject({ functionVersion: '2', weights: {} });
  });

  it('autoRollback false: the alias stays, exit 5, with the command that goes back', async () => {
    const alias = { healthCheck: { expect: { status: 200 }, timeout: '10s' }, autoRollback: false };
    const run = await deployed({}, fileOf({ hello: hello({ aliases: { live: alias } }) }, metadata));
    await run.code(failsFromSecondCall);
    const ran = await run.run('apply', '--yes');
    expect(ran.exitCode).toBe(5);
    expect(ran.out).toMatch(/stays on the new version because autoRollback is false/);
    const [, command] = /fix: lambda-deploy (rollback .*)/.exec(ran.out) ?? [];
    expect(command).toBe('rollback --function hello --alias live');
    expect(run.fn().aliases.get('live')?.functionVersion).toBe('2');
    expect(await lastRecord(run)).toMatchObject({ result: 'failed', version: '2', previousVersion: '1' });
    const back = await run.run(...(command ?? '').split(' '), '--yes');
    expect(back).toMatchObject({ exitCode: 0 });
    expect(run.fn().aliases.get('live')?.functionVersion).toBe('1');
  });

  it('taking back is refused: exit 5, with the aws command that mends it', async () => {
    // The shift is the first UpdateAlias of this sandbox.
    const run = await deployed({ intercept: refusesFrom(2) }, fileOf({ hello: hello() }, metadata));
    await run.code(failsFromSecondCall);
    const ran = await run.run('apply', '--yes');
    expect(ran.exitCode).toBe(5);
    expect(ran.out).toMatch(/NEEDS_A_HUMAN/);
    expect(ran.out).toMatch(/lambda:UpdateAlias is denied/);
    expect(ran.out).toContain(
      `aws lambda update-alias --function-name hello --name live --function-version '1' --routing-config '{"AdditionalVersionWeights":{}}'`,
    );
    expect(run.fn().aliases.get('live')?.functionVersion).toBe('2');
    expect(await lastRecord(run)).toMatchObject({ result: 'failed', version: '2', previousVersion: '1' });
  });
});

describe('several aliases', () => {
  const check = { healthCheck: { expect: { status: 200 }, timeout: '10s' } };

  it('a failure at the second takes back the first', async () => {
    const run = await deployed({}, fileOf({ hello: hello({ aliases: { canary: {}, live: check } }) }));
    // Called by number for live, and then by the alias live: canary has no check.
    await run.code(failsFromSecondCall);
    const ran = await run.run('apply', '--yes', '--format', 'json');
    expect(ran.exitCode).toBe(4);
    expect(ran.json().functions[0].aliases).toEqual([
      { name: 'canary', version: '1', previousVersion: '1' },
      { name: 'live', version: '1', previousVersion: '1' },
    ]);
    for (const name of ['canary', 'live']) expect(run.fn().aliases.get(name)?.functionVersion).toBe('1');
    expect(run.mutations().filter((operation) => operation === 'UpdateAlias')).toHaveLength(4);
  });

  it('a refused move of the second takes back the first', async () => {
    let refuse = false;
    const intercept: Intercept = ({ operation, qualifier }) =>
      refuse && operation === 'UpdateAlias' && qualifier === 'live' ? REFUSED : undefined;
    const run = await deployed({ intercept }, fileOf({ hello: hello({ aliases: { canary: check, live: check } }) }));
    await run.code(okHandler('two'));
    refuse = true;
    const ran = await run.run('apply', '--yes');
    expect(ran.exitCode).toBe(4);
    expect(ran.out).toMatch(/AWS_ACCESS_DENIED/);
    for (const name of ['canary', 'live']) expect(run.fn().aliases.get(name)?.functionVersion).toBe('1');
  });

  it('one that may not be taken back stays, the other goes back, and a human is called', async () => {
    const aliases = { canary: { autoRollback: false }, blue: {}, live: check };
    const run = await deployed({}, fileOf({ hello: hello({ aliases }) }));
    await run.code(failsFromSecondCall);
    const ran = await run.run('apply', '--yes');
    expect(ran.exitCode).toBe(5);
    expect(ran.out).toMatch(/Alias canary stays/);
    const places = ['canary', 'blue', 'live'].map((name) => run.fn().aliases.get(name)?.functionVersion);
    expect(places).toEqual(['2', '1', '1']);
  });
});

describe('a health check', () => {
  const cases: readonly (readonly [string, string, Document, RegExp])[] = [
    [
      'answers another status than expected',
      'export const handler = async () => ({ statusCode: 503 });',
      {},
      /status 503, expected 200/,
    ],
    [
      'answers no status code at all, and the invocation is 200',
      'export const handler = async () => "fine";',
      {},
      /^$/,
    ],
    [
      'never answers',
      'export const handler = () => new Promise(() => setInterval(() => {}, 1000));',
      { timeout: 1 },
      /timed out|time/i,
    ],
    ['cannot be loaded', 'import "./missing.mjs";', {}, /missing\.mjs/],
    ['ends its process', 'export const handler = async () => process.exit(3);', {}, /exit/i],
    [
      'throws something that is no error',
      'export const handler = async () => { throw "just text"; };',
      {},
      /just text/,
    ],
  ];
  it.each(cases)('handler %s', async (_what, source, more, message) => {
    const run = await deployed({}, fileOf({ hello: hello(more) }));
    await run.code(source);
    const ran = await run.run('apply', '--yes');
    if (message.source === '^$') expect(ran.exitCode).toBe(0);
    else {
      expect(ran.exitCode).toBe(4);
      expect(ran.out).toMatch(message);
      expect(run.fn().aliases.get('live')?.functionVersion).toBe('1');
    }
    expect(`${ran.out}${ran.err}`).not.toContain('[object Object]');
  });
});

describe('what a check expects', () => {
  const answers = (body: string): string =>
    `export const handler = async (event) => ({ statusCode: 200, body: ${body} });\n`;
  const SLOW =
    'export const handler = async () => { await new Promise((done) => setTimeout(done, 400)); return { statusCode: 200 }; };\n';

  async function applyWith(check: Document, source: string): Promise<{ run: Stage; ran: Ran }> {
    const run = await deployed();
    await run.write('events/health.json', '{ "path": "/health", "${NOT_A}": "${REFERENCE}" }');
    const healthCheck = [{ payload: { first: true } }, { timeout: '10s', ...check }];
    await run.file(fileOf({ hello: hello({ aliases: { live: { healthCheck } } }) }));
    await run.code(source);
    return { run, ran: await run.run('apply', '--yes') };
  }

  it.each<[string, Document, string, RegExp]>([
    [
      'another body: the path, what came and what was expected, nothing else of the answer',
      { expect: { body: { ok: true, parts: [{ up: true }] } } },
      answers(`JSON.stringify({ ok: true, parts: [{ up: false }], token: 'planted-token' })`),
      /hello:2: body\.parts\[0\]\.up is false, expected true/,
    ],
    [
      'a status and a body: both are said',
      { expect: { status: 201, body: 'fine' } },
      answers(`'not so fine'`),
      /status 200, expected 201; body is "not so fine", expected "fine"/,
    ],
    [
      'too slow by its own report',
      { expect: { maxDuration: '300ms' } },
      SLOW,
      /it took \d+ ms, expected at most 300 ms/,
    ],
    [
      'every attempt fails',
      { attempts: 2, expect: { status: 200 } },
      `export const handler = async () => ({ statusCode: 503 });\n`,
      /status 503, expected 200 \(the last of 2 attempts\)/,
    ],
  ])('%s: exit 4, and the alias never moved', async (_what, check, source, message) => {
    const { run, ran } = await applyWith(check, source);
    expect(ran.exitCode).toBe(4);
    expect(ran.out).toMatch(message);
    expect(`${ran.out}${ran.err}`).not.toContain('planted-token');
    expect(run.fn().aliases.get('live')?.functionVersion).toBe('1');
    expect(run.mutations()).not.toContain('UpdateAlias');
  });

  it('an event from a file is sent as it is, and stands in the plan by its name', async () => {
    const echo = `export const handler = async (event) => ({ statusCode: 200, body: JSON.stringify(event) });\n`;
    const expected = { path: '/health', ['${NOT_A}']: '$${REFERENCE}' };
    const { run, ran } = await applyWith(
      { payloadFile: 'events/health.json', expect: { status: 200, body: expected, maxDuration: '5s' }, attempts: 2 },
      echo,
    );
    expect(ran).toMatchObject({ exitCode: 0 });
    expect(run.fn().aliases.get('live')?.functionVersion).toBe('2');
    expect(ran.err + ran.out).toContain('event events/health.json, status 200, body {');
    expect(ran.err + ran.out).toContain('at most 5000 ms, 2 attempts, within 10 s)');
    expect((await run.run('plan', '--detailed-exitcode')).exitCode).toBe(0);
  });

  it('an invocation that hangs is given up when the time of the check is over', async () => {
    const hangs = 'export const handler = ({ first }) => first || new Promise(() => setInterval(() => {}, 1000));\n';
    const started = performance.now();
    const { run, ran } = await applyWith({ timeout: '1s' }, hangs);
    expect(ran.exitCode).toBe(4);
    expect(ran.out).toMatch(/no conclusive answer within 1 s/);
    // The function itself would go on for five seconds.
    expect(performance.now() - started).toBeLessThan(4500);
    expect(run.fn().aliases.get('live')?.functionVersion).toBe('1');
  });
});
