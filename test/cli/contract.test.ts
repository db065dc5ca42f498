import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  deployed,
  type Document,
  failsFromSecondCall,
  fileOf,
  hello,
  okHandler,
  type Stage,
  stage,
  throwingHandler,
} from '../e2e/support.js';

/** A shape: keys with the type of their value; `?` marks a key that may be absent. A list holds the shape of its elements. */
type Shape = string | readonly [Shape] | { readonly [key: string]: Shape };

const DIFFERENCE: Shape = {
  path: 'string',
  on: 'string',
  before: 'json',
  after: 'json',
  reason: 'string',
  'sensitive?': 'true',
  'drift?': 'true',
};
const WARNING: Shape = { code: 'string', message: 'string', 'function?': 'string' };
const PLAN: Shape = {
  formatVersion: '"1"',
  command: '"plan"',
  changes: 'boolean',
  summary: { create: 'number', update: 'number', unchanged: 'number' },
  functions: [
    {
      name: 'string',
      action: 'none|create|update',
      differences: [DIFFERENCE],
      alsoGoesLive: [DIFFERENCE],
      operations: ['operation'],
      effects: ['string'],
      unmanagedAliases: ['string'],
      specDigest: 'string',
    },
  ],
  digest: 'digest',
  warnings: [WARNING],
};
const ERROR: Shape = {
  code: 'string',
  message: 'string',
  'hint?': 'string',
  'location?': { file: 'string', line: 'number', column: 'number' },
};
const RESULT: Shape = {
  formatVersion: '"1"',
  command: 'apply|rollback',
  result: 'succeeded|no_changes|failed|rolled_back|pending',
  functions: [
    {
      name: 'string',
      result: 'succeeded|no_changes|failed|rolled_back|pending',
      version: 'string|null',
      aliases: [{ name: 'string', version: 'string|null', previousVersion: 'string|null' }],
      operations: [
        { type: 'string', status: 'done|recovered|failed|skipped', durationMs: 'number', 'target?': 'string' },
      ],
      'error?': ERROR,
      notes: ['string'],
      exitCode: 'number',
    },
  ],
};
const DRIFT: Shape = {
  formatVersion: '"1"',
  command: '"drift"',
  drifted: 'boolean',
  functions: [
    {
      name: 'string',
      drifted: 'boolean',
      'region?': 'string',
      differences: [
        {
          path: 'string',
          recorded: 'json',
          live: 'json',
          desired: 'json',
          class: 'drift|pending|conflict|unmanaged|aws',
          'unknown?': ['recorded|desired'],
          'sensitive?': 'true',
        },
      ],
      rollouts: [{ alias: 'json', state: 'in_progress|abandoned', startedAt: 'string', 'version?': 'string' }],
      notes: ['string'],
    },
  ],
};
const ERRORS: Shape = { formatVersion: '"1"', error: ERROR, 'diagnostics?': [ERROR] };
/** What product.md promises of a record; a store may add what it keeps. */
const RECORD = ['id', 'function', 'alias', 'version', 'previousVersion', 'result', 'startedAt', 'finishedAt'];

/** Where a value is not of the shape. */
function misfits(value: unknown, shape: Shape, at = '$'): string[] {
  if (typeof shape === 'string') return fits(value, shape) ? [] : [`${at}: ${JSON.stringify(value)} is no ${shape}`];
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return [`${at} is no list`];
    return value.flatMap((one: unknown, index) => misfits(one, shape[0] as Shape, `${at}[${index}]`));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${at} is no map`];
  const wanted = new Map(Object.entries(shape).map(([key, inner]) => [key.replace('?', ''), { key, inner }]));
  const unknown = Object.keys(value).filter((key) => !wanted.has(key));
  return [
    ...unknown.map((key) => `${at}.${key} is not in the contract`),
    ...[...wanted].flatMap(([name, { key, inner }]) => {
      if (name in value) return misfits((value as Document)[name], inner, `${at}.${name}`);
      return key.endsWith('?') ? [] : [`${at}.${name} is missing`];
    }),
  ];
}

function fits(value: unknown, type: string): boolean {
  if (type === 'json') return value !== undefined;
  if (type === 'true') return value === true;
  if (type === 'string|null') return value === null || typeof value === 'string';
  if (type === 'digest') return typeof value === 'string' && /^sha256:[0-9a-f]{64}$/.test(value);
  if (type === 'operation')
    return /^[A-Z][A-Za-z]+$/.test((value as Document)['type']) && typeof (value as Document)['reason'] === 'string';
  if (type.startsWith('"')) return JSON.stringify(value) === type;
  if (type.includes('|')) return type.split('|').includes(String(value));
  return typeof value === type;
}

async function document(run: Stage, exitCode: number, ...argv: string[]): Promise<Document> {
  const ran = await run.run(...argv, '--format', 'json');
  expect({ exitCode: ran.exitCode, argv, out: ran.out }).toMatchObject({ exitCode });
  expect(ran.out.endsWith('}\n')).toBe(true);
  // A second document, a banner or a progress line would not parse.
  return ran.json();
}

describe('the documents of --format json', () => {
  it('plan: of a create, of changes, and of none', async () => {
    const run = await stage();
    await run.file(fileOf({ hello: hello({ tags: { team: 'a' } }) }));
    await run.code(okHandler('one'));
    const create = await document(run, 0, 'plan');
    expect(misfits(create, PLAN)).toEqual([]);
    expect(create).toMatchObject({ changes: true, summary: { create: 1, update: 0, unchanged: 0 } });
    await document(run, 0, 'apply', '--yes');
    const none = await document(run, 0, 'plan');
    expect(misfits(none, PLAN)).toEqual([]);
    expect(none).toMatchObject({ changes: false, summary: { create: 0, update: 0, unchanged: 1 } });
    expect(none.functions[0]).toMatchObject({ action: 'none', differences: [], operations: [] });
    await run.file(
      fileOf({ hello: hello({ memorySize: 256, environment: { GREETING: 'Hi', MORE: 'x' }, tags: { team: null } }) }),
    );
    const changes = await document(run, 0, 'plan');
    expect(misfits(changes, PLAN)).toEqual([]);
    expect(changes.functions[0].differences).toContainEqual(
      expect.objectContaining({ path: 'memorySize', on: '$LATEST', before: 128, after: 256 }),
    );
    expect(changes.functions[0].differences).toContainEqual(
      expect.objectContaining({ path: 'environment.GREETING', sensitive: true }),
    );
    expect((await document(run, 0, 'plan')).digest).toBe(changes.digest);
  });

  it('apply: succeeded, nothing to do, failed, rolled back', async () => {
    const run = await deployed();
    const none = await document(run, 0, 'apply', '--yes');
    expect(misfits(none, RESULT)).toEqual([]);
    expect(none).toMatchObject({ command: 'apply', result: 'no_changes' });
    await run.code(okHandler('two'));
    const done = await document(run, 0, 'apply', '--yes');
    expect(misfits(done, RESULT)).toEqual([]);
    expect(done).toMatchObject({
      command: 'apply',
      result: 'succeeded',
      functions: [{ version: '2', aliases: [{ name: 'live', version: '2', previousVersion: '1' }] }],
    });
    await run.code(throwingHandler('no'));
    const failed = await document(run, 4, 'apply', '--yes');
    expect(misfits(failed, RESULT)).toEqual([]);
    expect(failed).toMatchObject({ result: 'failed', functions: [{ error: { code: 'HEALTH_CHECK_FAILED' } }] });
    expect(failed.functions[0].operations.map(({ status }: Document) => status)).toContain('skipped');
    await run.code(failsFromSecondCall);
    const back = await document(run, 4, 'apply', '--yes');
    expect(misfits(back, RESULT)).toEqual([]);
    expect(back).toMatchObject({ result: 'rolled_back' });
  });

  it('rollback: its plan, and its result', async () => {
    const run = await deployed();
    await run.code(okHandler('two'));
    await document(run, 0, 'apply', '--yes');
    const plan = await document(run, 0, 'rollback', '--plan-only');
    expect(misfits(plan, { ...PLAN, command: '"rollback"' })).toEqual([]);
    const done = await document(run, 0, 'rollback', '--yes');
    expect(misfits(done, RESULT)).toEqual([]);
    expect(done).toMatchObject({ command: 'rollback', result: 'succeeded' });
    expect(done.functions[0].aliases).toEqual([{ name: 'live', version: '1', previousVersion: '2' }]);
  });

  it('drift: none, and some', async () => {
    const run = await deployed();
    const none = await document(run, 0, 'drift');
    expect(misfits(none, DRIFT)).toEqual([]);
    expect(none).toMatchObject({ drifted: false, functions: [{ drifted: false, differences: [] }] });
    const { latest } = run.fn();
    latest.content = { ...latest.content, config: { ...latest.content.config, MemorySize: 512 } };
    const some = await document(run, 2, 'drift');
    expect(misfits(some, DRIFT)).toEqual([]);
    expect(some.functions[0].differences).toContainEqual({
      path: 'memorySize',
      recorded: 128,
      live: 512,
      desired: 128,
      class: 'drift',
    });
  });

  it.each([
    ['tags', {}],
    ['file', { metadata: 'file:records' }],
  ])('history, from %s', async (_store, metadata: Document) => {
    const run = await deployed({}, fileOf({ hello: hello() }, metadata));
    await run.code(okHandler('two'));
    await document(run, 0, 'apply', '--yes');
    const history = await document(run, 0, 'history');
    expect(history).toMatchObject({ formatVersion: '1', command: 'history' });
    expect(history.records).toHaveLength(2);
    for (const record of history.records) expect(Object.keys(record)).toEqual(expect.arrayContaining(RECORD));
    expect(history.records[0]).toMatchObject({
      function: 'hello',
      alias: 'live',
      version: '2',
      previousVersion: '1',
      result: 'succeeded',
      startedAt: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    });
  });

  it('an error with a place in the file', async () => {
    const run = await deployed();
    await run.file('version: 1\nfunctions:\n  hello: { memorysize: 1, timeuot: 3 }\n');
    const error = await document(run, 1, 'plan');
    expect(misfits(error, ERRORS)).toEqual([]);
    expect(error.error).toMatchObject({
      code: 'UNKNOWN_KEY',
      location: { file: 'lambda.deploy.yaml', line: 3, column: 12 },
    });
    expect(error.diagnostics.length).toBeGreaterThanOrEqual(2);
  });

  it('validate and render', async () => {
    const run = await deployed();
    expect(await document(run, 0, 'validate')).toMatchObject({ valid: true, functions: ['hello'] });
    expect(await document(run, 0, 'render')).toMatchObject({ functions: { hello: { memorySize: 128 } } });
  });
});

describe('exit codes', () => {
  it('plan: 0 with changes, 2 with the flag, 0 with the flag and none', async () => {
    const run = await deployed();
    expect((await run.run('plan', '--detailed-exitcode')).exitCode).toBe(0);
    await run.code(okHandler('two'));
    expect((await run.run('plan')).exitCode).toBe(0);
    expect((await run.run('plan', '--detailed-exitcode')).exitCode).toBe(2);
  });

  it('several functions: the worst one counts, and the others are done', async () => {
    const file = fileOf({ good: hello(), bad: hello({ code: { zip: 'bad.zip' } }), same: hello() });
    const run = await stage();
    await run.file(file);
    await run.code(okHandler('one'));
    await run.code(okHandler('one'), 'bad.zip');
    expect((await run.run('apply', '--yes')).exitCode).toBe(0);
    await run.file({ ...file, functions: { ...file['functions'], good: hello({ timeout: 9 }) } });
    await run.code(throwingHandler('bad'), 'bad.zip');
    const ran = await run.run('apply', '--yes', '--format', 'json');
    expect(ran.exitCode).toBe(4);
    expect(ran.json().functions.map(({ name, result }: Document) => [name, result])).toEqual([
      ['good', 'succeeded'],
      ['bad', 'failed'],
      ['same', 'no_changes'],
    ]);
  });
});

describe('what is chosen', () => {
  const two = fileOf({
    'orders-api': hello(),
    'orders-worker': hello(),
    billing: hello({ aliases: { live: {}, canary: {} } }),
  });

  it('--function takes globs over keys, and may be repeated', async () => {
    const run = await stage();
    await run.file(two);
    await run.code(okHandler('one'));
    const names = async (...argv: string[]): Promise<string[]> =>
      (await document(run, 0, 'plan', ...argv)).functions.map(({ name }: Document) => name);
    expect(await names('-f', 'orders-*')).toEqual(['orders-api', 'orders-worker']);
    expect(await names('--function', 'billing', '-f', '*-api')).toEqual(['orders-api', 'billing']);
    expect(await names()).toEqual(['orders-api', 'orders-worker', 'billing']);
  });

  it('--alias leaves the others of the function alone', async () => {
    const run = await stage();
    await run.file(two);
    await run.code(okHandler('one'));
    expect((await run.run('apply', '--yes')).exitCode).toBe(0);
    await run.code(okHandler('two'));
    expect((await run.run('apply', '--yes', '-f', 'billing', '--alias', 'canary')).exitCode).toBe(0);
    expect(run.fn('billing').aliases.get('canary')?.functionVersion).toBe('2');
    expect(run.fn('billing').aliases.get('live')?.functionVersion).toBe('1');
    expect(run.fn('orders-api').versions.size).toBe(1);
  });
});

describe('variables of the environment stand for options', () => {
  const cases: readonly (readonly [string, string, (out: string, err: string, exitCode: number | null) => void])[] = [
    ['LAMBDA_DEPLOY_FORMAT', 'json', (out) => expect((JSON.parse(out) as Document)['command']).toBe('plan')],
    ['LAMBDA_DEPLOY_DETAILED_EXITCODE', '1', (_out, _err, exitCode) => expect(exitCode).toBe(2)],
    ['LAMBDA_DEPLOY_FUNCTION', 'nobody', (_out, err) => expect(err).toMatch(/nobody matches nothing/)],
    ['LAMBDA_DEPLOY_CONFIG', 'other.yaml', (_out, err) => expect(err).toMatch(/other\.yaml/)],
    ['LAMBDA_DEPLOY_FORMAT', 'xml', (_out, err) => expect(err).toMatch(/LAMBDA_DEPLOY_FORMAT is "xml"/)],
    [
      'LAMBDA_DEPLOY_DETAILED_EXITCODE',
      'maybe',
      (_out, err) => expect(err).toMatch(/is "maybe"; it takes true, false/),
    ],
    ['LAMBDA_DEPLOY_ENVIRONMENT', 'staging', (_out, err) => expect(err).toMatch(/UNKNOWN_ENVIRONMENT/)],
  ];
  it.each(cases)('%s=%s', async (name, value, check) => {
    const run = await deployed();
    await run.code(okHandler('two'));
    const ran = await run.runWith({ env: { [name]: value } }, 'plan');
    check(ran.out, ran.err, ran.exitCode);
  });

  it('LAMBDA_DEPLOY_YES applies', async () => {
    const run = await deployed();
    await run.code(okHandler('two'));
    expect((await run.runWith({ env: { LAMBDA_DEPLOY_YES: 'true' } }, 'apply')).exitCode).toBe(0);
  });

  it('none stands for an option that means another thing in another command', async () => {
    const run = await deployed();
    const env = {
      LAMBDA_DEPLOY_OUT: 'lambda.deploy.yaml',
      LAMBDA_DEPLOY_PIPELINE: 'other',
      LAMBDA_DEPLOY_STEP: 'other',
    };
    const before = await readFile(path.join(run.folder, 'lambda.deploy.yaml'), 'utf8');
    for (const words of [
      ['status'],
      ['plan'],
      ['iam-policy', '--trust', '--organization', 'acme', '--pipeline', 'shop'],
    ]) {
      const ran = await run.runWith({ env }, ...words);
      expect(ran.exitCode, ran.err).toBe(0);
      expect(ran.out).not.toContain('other');
    }
    expect(await readFile(path.join(run.folder, 'lambda.deploy.yaml'), 'utf8')).toBe(before);
    expect((await run.runWith({ env }, 'import', 'nobody', '--region', 'us-east-1')).err).toContain('nobody');
    expect((await run.runWith({ env }, 'promote', '--yes')).err).not.toContain('LAMBDA_DEPLOY_STEP');
  });

  /** The same under one name, in other words. */
  const SAME_THING = ['--strict', '--blame', '--require-other-approver', '--release-hold', '--expect', '--yes'];

  it('and every option with a variable means one thing in all commands', async () => {
    const run = await deployed();
    const helpOf = async (...verb: string[]): Promise<string> => (await run.run(...verb, '--help')).out;
    const verbs = [...(await helpOf()).matchAll(/^ {2}([a-z-]+) \[options\]/gm)].map(([, verb]) => verb ?? '');
    expect(verbs.length).toBeGreaterThan(12);
    const meanings = new Map<string, Set<string>>();
    for (const verb of verbs)
      for (const [, name = '', text = ''] of (await helpOf(verb)).matchAll(
        /^ {2}(?:-\w, )?(--[a-z-]+)(.*(?:\n {10,}.*)*)/gm,
      ))
        meanings.set(name, (meanings.get(name) ?? new Set()).add(text.replace(/\s+/g, ' ')));
    const several = [...meanings].filter(([, texts]) => texts.size > 1).map(([name]) => name);
    expect(several.filter((name) => !SAME_THING.includes(name)).sort()).toEqual(['--out', '--pipeline', '--step']);
  });

  it('the option wins over the variable', async () => {
    const run = await deployed();
    const ran = await run.runWith({ env: { LAMBDA_DEPLOY_FORMAT: 'json' } }, 'plan', '--format', 'text');
    expect(ran.out).toMatch(/^hello {2}unchanged/);
  });

  it('a bad variable is one JSON document where JSON was asked for', async () => {
    const run = await deployed();
    const ran = await run.runWith({ env: { LAMBDA_DEPLOY_FORMAT: 'json' } }, 'plan', '--frobnicate');
    expect(ran.json().error.code).toBe('USAGE');
  });
});

describe('colour', () => {
  const COLOUR = /\u001b\[/;
  const terminal = { isTerminal: { stdin: true, stdout: true, stderr: true } };
  const cases: readonly (readonly [string, Document, readonly string[], boolean])[] = [
    ['a terminal', { ...terminal }, [], true],
    ['no terminal', {}, [], false],
    ['a terminal and NO_COLOR', { ...terminal, env: { NO_COLOR: '1' } }, [], false],
    ['a terminal and an empty NO_COLOR', { ...terminal, env: { NO_COLOR: '' } }, [], true],
    ['a terminal and --no-color', { ...terminal }, ['--no-color'], false],
    ['a terminal and TERM=dumb', { ...terminal, env: { TERM: 'dumb' } }, [], false],
    ['no terminal and FORCE_COLOR', { env: { FORCE_COLOR: '1' } }, [], true],
    ['FORCE_COLOR=0 on a terminal', { ...terminal, env: { FORCE_COLOR: '0' } }, [], false],
    ['NO_COLOR against FORCE_COLOR', { env: { NO_COLOR: '1', FORCE_COLOR: '1' } }, [], false],
    ['LAMBDA_DEPLOY_NO_COLOR=true', { ...terminal, env: { LAMBDA_DEPLOY_NO_COLOR: 'true' } }, [], false],
    ['LAMBDA_DEPLOY_NO_COLOR=false', { ...terminal, env: { LAMBDA_DEPLOY_NO_COLOR: 'false' } }, [], true],
    ['JSON, even forced', { env: { FORCE_COLOR: '1' } }, ['--format', 'json'], false],
  ];
  it.each(cases)('%s', async (_why, host, argv, wanted) => {
    const run = await deployed();
    await run.code(okHandler('two'));
    const ran = await run.runWith(host, 'plan', ...argv);
    expect(COLOUR.test(ran.out)).toBe(wanted);
  });
});

it('--quiet tells no progress, and errors still', async () => {
  const run = await deployed();
  await run.code(okHandler('two'));
  expect(await run.run('apply', '--yes', '--quiet')).toMatchObject({ exitCode: 0, err: '' });
  expect((await run.run('plan', '-q', '-c', 'no.yaml')).err).toMatch(/error\[/);
});
