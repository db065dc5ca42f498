import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, parseDocument } from 'yaml';
import { migratePipeline, type Migration } from '../../../src/spec/plugin/migrate.js';
import { load } from '../helpers.js';

type Done = Extract<Migration, { status: 'migrated' }>;
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- files are looked into member by member, and checked by their values
type Loose = Record<string, any>;

const migrate = (text: string): Migration =>
  migratePipeline(new TextEncoder().encode(text), { shownAs: 'pipeline.yml', toRoot: '' });

function done(text: string): Done {
  const migration = migrate(text);
  if (migration.status !== 'migrated') throw new Error(JSON.stringify(migration, null, 1));
  return migration;
}

const codes = ({ notes }: Done): string[] => notes.map(({ code }) => code);
const steps = ({ pipeline }: Done): Loose[] => (parse(pipeline, { merge: true }) as { steps: Loose[] }).steps;
const APPLY = 'npx lambda-deploy apply --yes --function orders --alias live';
const OPTIONS = '{function-name: orders, alias: live, mode: deploy, zip-file: f.zip, region: us-east-1}';
const RULE = { concurrency: 1, concurrency_group: 'lambda-deploy/orders' };

describe('the commands of a step, then ours', () => {
  it.each<[string, unknown]>([
    ['', APPLY],
    ['command: make', ['make', APPLY]],
    ['command: ""', APPLY],
    ['command: [make, "a: b"]', ['make', 'a: b', APPLY]],
    ['command: |\n      make\n      make test', ['make\nmake test\n', APPLY]],
    ['command:\n    - make # quick\n    - make test', ['make', 'make test', APPLY]],
  ])('%j', (own, expected) => {
    const migration = done(
      `steps:\n  - label: x\n    ${own}\n    plugins:\n      - aws-lambda-deploy#v1: ${OPTIONS}\n`,
    );
    expect(steps(migration)).toEqual([{ label: 'x', command: expected, ...RULE }]);
    expect(codes(migration)).not.toContain('WRITTEN_OUT');
    if (own.includes('quick')) expect(migration.pipeline).toContain('- make # quick');
  });

  it('`commands` stays `commands`, and a rule of its own stays', () => {
    const own = 'commands: make, concurrency: 3, concurrency_group: mine';
    const migration = done(`steps: [{${own}, plugins: [{aws-lambda-deploy#v1: ${OPTIONS}}]}]\n`);
    expect(steps(migration)).toEqual([{ commands: ['make', APPLY], concurrency: 3, concurrency_group: 'mine' }]);
  });

  it('the plugin twice on one step is two commands', () => {
    const other = OPTIONS.replace('alias: live', 'alias: beta');
    const text = `steps:\n  - plugins:\n      - aws-lambda-deploy#v1: ${OPTIONS}\n      - aws-lambda-deploy#v1: ${other}\n`;
    expect(steps(done(text))[0]?.['command']).toEqual([APPLY, APPLY.replace('live', 'beta')]);
  });
});

const AROUND = `# The shop
env:
    STAGE:   "x"   # wide
steps:
# first
- label: ":package: build"
  commands: [ "make",  'zip' ]


# the deployment
- label: deploy   # here
  key: ship
  if: build.branch == "main"
  plugins:
  - artifacts#v1: { download: f.zip }
  # the old one
  - aws-lambda-deploy#v1:
      function-name: orders
      # inside
      alias: live
      mode: deploy
      zip-file: f.zip
      region: us-east-1
  agents: { queue: deploy }
  depends_on:   [ build ]
  # after

- wait: ~
- block: "ok?"
  fields: [{text: t, key: k}]
- trigger: other   # last
# end
`;

it('outside of the plugin’s steps every character stays, inside of them comments do, and the order', () => {
  const { pipeline } = done(AROUND);
  const [before = '', behind = ''] = AROUND.split(/- label: deploy[^]*?depends_on:.*\n/);
  expect(pipeline.startsWith(before)).toBe(true);
  expect(pipeline.endsWith(behind)).toBe(true);
  expect(pipeline.slice(before.length, pipeline.length - behind.length)).toMatchInlineSnapshot(`
    "- label: deploy # here
      key: ship
      if: build.branch == "main"
      plugins:
      - artifacts#v1: { download: f.zip }
      agents: { queue: deploy }
      depends_on: [ build ]
      command: npx lambda-deploy apply --yes --function orders --alias live
      concurrency: 1
      concurrency_group: lambda-deploy/orders
    "
  `);
});

it('JSON stays JSON', () => {
  const text = JSON.stringify({
    steps: [{ label: 'x', plugins: { 'aws-lambda-deploy#v1': parse(OPTIONS) as object } }, 'wait'],
  });
  expect(JSON.parse(done(text).pipeline)).toEqual({ steps: [{ label: 'x', command: APPLY, ...RULE }, 'wait'] });
});

describe('anchors', () => {
  const others = 'notify: []\n';
  it.each<[string, string, readonly Loose[], boolean]>([
    [
      'options',
      `x: &o ${OPTIONS}\nsteps:\n  - plugins: [{aws-lambda-deploy#v1: *o}]\n  - plugins: [{aws-lambda-deploy#v1: {<<: *o, alias: beta}}]\n`,
      [
        { command: APPLY, ...RULE },
        { command: APPLY.replace('live', 'beta'), ...RULE },
      ],
      false,
    ],
    [
      'the list of plugins',
      `x: &p\n  - docker#v5\n  - aws-lambda-deploy#v1: ${OPTIONS}\nsteps:\n  - label: a\n    plugins: *p\n`,
      [{ label: 'a', plugins: ['docker#v5'], command: APPLY, ...RULE }],
      false,
    ],
    [
      'a step',
      `steps:\n  - &d\n    label: a\n    plugins: [{aws-lambda-deploy#v1: ${OPTIONS}}]\n  - wait\n  - *d\n`,
      [{ label: 'a', command: APPLY, ...RULE }, 'wait', { label: 'a', command: APPLY, ...RULE }] as Loose[],
      false,
    ],
    [
      'what steps merge',
      `x: &b\n  command: make\n  plugins: [docker#v5, {aws-lambda-deploy#v1: ${OPTIONS}}]\nsteps:\n  - <<: *b\n    label: a\n`,
      [{ label: 'a', command: ['make', APPLY], plugins: ['docker#v5'], ...RULE }],
      false,
    ],
    [
      'a step that another merges and overrides',
      `steps:\n  - &d\n    label: a\n    plugins: [{aws-lambda-deploy#v1: ${OPTIONS}}]\n  - <<: *d\n    label: b\n    plugins: [docker#v5]\n    command: test\n`,
      [
        { label: 'a', command: APPLY, ...RULE },
        { label: 'b', plugins: ['docker#v5'], command: 'test' },
      ],
      true,
    ],
    [
      'in the options, and used elsewhere',
      `steps:\n  - plugins: [{aws-lambda-deploy#v1: {function-name: orders, alias: live, mode: deploy, zip-file: f.zip, region: us-east-1, environment: &e {STAGE: a}}}]\n  - label: b\n    env: *e\n`,
      [
        { command: APPLY, ...RULE },
        { label: 'b', env: { STAGE: 'a' } },
      ],
      true,
    ],
  ])('%s', (_, text, expected, isWrittenOut) => {
    const migration = done(text + others);
    const found = steps(migration).map((step) => {
      const { plugins, ...rest } = step;
      return typeof step === 'string'
        ? step
        : JSON.stringify(plugins ?? []) === '[]'
          ? rest
          : { ...rest, plugins: plugins as unknown };
    });
    expect(found).toEqual(expected);
    expect(codes(migration).includes('WRITTEN_OUT')).toBe(isWrittenOut);
    expect(migration.pipeline).not.toContain('function-name: orders, alias: live, mode: deploy, zip-file: f.zip}}');
  });
});

const deploy = (more = ''): string => `- key: ship\n  plugins: [{aws-lambda-deploy#v1: ${OPTIONS}}]\n${more}`;
const back = (more = ''): string =>
  `- label: back\n  plugins: [{aws-lambda-deploy#v1: {function-name: orders, alias: live, mode: rollback}}]\n${more}`;

describe('a rollback is one only where a person unblocks it', () => {
  it.each<[string, boolean]>([
    [`${deploy()}- block: sure?\n${back()}`, true],
    [`${deploy()}- block\n${back()}`, true],
    [`${deploy()}${back()}`, false],
    [`${deploy()}- wait\n${back()}`, false],
    [`${back()}${deploy()}- block: late\n`, false],
    [`- block: early\n  key: b\n${deploy()}${back('  depends_on: ship\n')}`, true],
    [`- block: early\n${deploy('  depends_on: []\n')}${back('  depends_on: ship\n')}`, false],
    [`${deploy()}- block: b\n  key: b\n${back('  depends_on: [ship]\n')}`, false],
    [`${deploy()}- block: b\n  key: b\n${back('  depends_on: [{step: b}, ship]\n')}`, true],
    [`${deploy()}- input: b\n  key: b\n${back('  depends_on: b\n')}`, true],
    [`${deploy()}- input: b\n${back()}`, false],
    [
      `- {key: a, command: x, depends_on: b}\n- {key: b, command: x, depends_on: a}\n${deploy()}${back('  depends_on: a\n')}`,
      false,
    ],
  ])('%j', (text, isAttended) => {
    const migration = done(`steps:\n${text.replace(/^/gm, '  ').trimEnd()}\n`);
    const command = steps(migration).find(({ label }) => label === 'back')?.['command'] as string;
    expect(command.startsWith('npx lambda-deploy rollback --yes --function orders --alias live')).toBe(isAttended);
    expect(codes(migration).includes('ROLLBACK_IS_REAL')).toBe(isAttended);
    expect(codes(migration).includes('ROLLBACK_UNATTENDED')).toBe(!isAttended);
  });

  it('a group’s block and its depends_on count for the steps in it', () => {
    const inner = back().replace(/^/gm, '      ').trimEnd();
    const text = `steps:\n  - block: b\n    key: b\n  - group: g\n    depends_on: b\n    steps:\n${inner}\n`;
    expect(codes(done(text))).toContain('ROLLBACK_IS_REAL');
    expect(codes(done(text.replace('    depends_on: b', '    depends_on: []')))).toContain('ROLLBACK_UNATTENDED');
  });
});

describe('several steps make one file', () => {
  const step = (options: Loose, more: Loose = {}): Loose => ({
    ...more,
    plugins: [{ 'aws-lambda-deploy#v1': { ...(parse(OPTIONS) as object), ...options } }],
  });
  const of = (...all: Loose[]): Done => done(JSON.stringify({ steps: all }));
  const commands = (migration: Done): string[] =>
    steps(migration).map(({ command }) => String(command).replace('npx lambda-deploy ', '').replace(' --yes', ''));
  const file = (migration: Done): Loose => parse(migration.file) as Loose;

  it('two aliases of one function', () => {
    const migration = of(step({ alias: 'beta' }), step({}), step({ mode: 'promote-canary' }));
    expect(file(migration)['functions']).toEqual({
      orders: { code: { zip: 'f.zip' }, aliases: { beta: {}, live: {} } },
    });
    expect(commands(migration)).toEqual([
      'apply --function orders --alias beta',
      'apply --function orders --alias live',
      'promote --function orders --alias live',
    ]);
  });

  it('one function in two regions is two', () => {
    const migration = of(step({}), step({ region: 'eu-west-1' }), step({ region: 'eu-west-1', mode: 'rollback' }));
    expect(file(migration)['functions']).toMatchObject({
      'orders-us-east-1': { name: 'orders', region: 'us-east-1' },
      'orders-eu-west-1': { name: 'orders', region: 'eu-west-1' },
    });
    expect(commands(migration)[1]).toBe('apply --function orders-eu-west-1 --alias live');
    expect(commands(migration)[2]).toContain('orders-eu-west-1');
  });

  it('two settings of one function are two environments, and the rest is said once', async () => {
    const common = { timeout: 5, 'health-check-enabled': true };
    const migration = of(
      step({ ...common, alias: 'beta', environment: { STAGE: 'beta', LOG: 'x' }, 'memory-size': 128 }),
      step({ ...common, environment: { STAGE: 'live', LOG: 'x' }, 'zip-file': 'g.zip' }),
      step({ alias: 'beta', mode: 'rollback' }),
    );
    const check = { expect: { status: 200 }, timeout: 300 };
    expect(file(migration)).toEqual({
      version: 1,
      region: 'us-east-1',
      functions: { orders: { timeout: 5, environment: { LOG: 'x' } } },
      environments: {
        beta: {
          functions: {
            orders: {
              code: { zip: 'f.zip' },
              memorySize: 128,
              environment: { STAGE: 'beta' },
              aliases: { beta: { healthCheck: check } },
            },
          },
        },
        live: {
          functions: {
            orders: {
              code: { zip: 'g.zip' },
              environment: { STAGE: 'live' },
              aliases: { live: { healthCheck: check } },
            },
          },
        },
      },
    });
    const [beta] = (await load(migration.file, {}, { environment: 'beta' })).functions;
    expect(beta).toMatchObject({ name: 'orders', aliases: [{ name: 'beta' }] });
    expect(commands(migration)[1]).toBe('apply --environment live --function orders --alias live');
    expect(commands(migration)[2]).toContain('--environment beta --function orders --alias beta');
    expect(migration.notes.find(({ code }) => code === 'ENVIRONMENTS')?.message).toContain('code of orders');
  });

  it('two settings of one alias are an environment for each step, by its key', () => {
    const migration = of(step({ timeout: 5 }, { key: 'eu' }), step({ timeout: 6 }, { key: 'us' }));
    expect(migration.environments).toEqual(['eu', 'us']);
    expect(of(step({ timeout: 5 }), step({ timeout: 6 })).environments).toEqual(['step-1', 'step-2']);
  });

  it('two accounts are two environments', async () => {
    const role = (account: string): Loose => ({ role: `arn:aws:iam::${account}:role/x` });
    const migration = of(step({ ...role('111111111111'), alias: 'a' }), step({ ...role('222222222222'), alias: 'b' }));
    expect(codes(migration)).toContain('ENVIRONMENTS');
    const apart = of(
      step({ ...role('111111111111'), alias: 'a', 'function-name': 'one' }),
      step({ ...role('222222222222'), alias: 'b', 'function-name': 'two' }),
    );
    expect(codes(apart)).toContain('ACCOUNTS');
    expect(await load(apart.file, {}, { environment: 'b' })).toMatchObject({
      account: '222222222222',
      functions: [{ name: 'two' }],
    });
  });

  it('a rollback of what nothing deploys names its alias, and changes nothing else', () => {
    const migration = of(step({ mode: 'rollback', alias: 'old' }));
    expect(file(migration)['functions']).toEqual({ orders: { aliases: { old: {} } } });
    expect(codes(migration)).toContain('NO_DEPLOY_STEP');
  });

  it('a matrix: its aliases are known, its other values are handed over', async () => {
    const matrix = { setup: { stage: ['a', 'b'], arch: ['x'] } };
    const migration = of(
      step({ alias: '{{matrix.stage}}', handler: 'h.{{ matrix.arch }}' }, { matrix }),
      step({ alias: 'a', mode: 'promote-canary' }),
    );
    expect(file(migration)['functions'].orders).toMatchObject({
      handler: 'h.${DEPLOY_MATRIX_ARCH}',
      aliases: { a: {}, b: {} },
    });
    expect(commands(migration)[0]).toBe('apply --function orders --alias {{matrix.stage}}');
    expect(steps(migration).map(({ env }) => env as Loose)).toEqual([
      { DEPLOY_MATRIX_ARCH: '{{ matrix.arch }}' },
      { DEPLOY_MATRIX_ARCH: 'x' },
    ]);
    expect((await load(migration.file, { DEPLOY_MATRIX_ARCH: 'x' })).functions).toHaveLength(1);
  });

  it('names that are no keys, and names of a prototype', async () => {
    const migration = of(
      step({ 'function-name': 'orders-${STAGE}' }),
      step({ 'function-name': '__proto__', alias: 'constructor', environment: { toString: 'a' } }),
      step({ 'function-name': 'arn:aws:lambda:us-east-1:123456789012:function:items:live' }),
    );
    expect(Object.keys(file(migration)['functions'] as object)).toEqual(expect.arrayContaining(['orders', 'items']));
    const names = (await load(migration.file, { STAGE: 'x' }).catch((error: Error) => error)) as Loose;
    expect(String(names['message'] ?? names['functions'].length)).toBe('3');
  });
});

describe('hostile pipelines', () => {
  it.each<[string, string, string]>([
    ['two documents', 'steps: []\n---\nsteps: []\n', 'YAML_SYNTAX'],
    ['a key twice', 'steps: []\nsteps: []\n', 'DUPLICATE_KEY'],
    ['an alias of itself', 'steps: &s [*s]\n', 'ALIAS_CYCLE'],
    [
      'a bomb',
      `a: &a [1,1,1,1,1,1,1,1,1,1]\n${[...'bcdefg'].map((name, index) => `${name}: &${name} [${`*${'abcdefg'[index]},`.repeat(10)}]\n`).join('')}steps: *g\n`,
      'ALIAS_BOMB',
    ],
    ['ten thousand brackets', '['.repeat(10_000), 'YAML_SYNTAX'],
    ['a tag', 'steps: !!js/function x\n', 'YAML_SYNTAX'],
  ])('%s', (_, text, code) => {
    const migration = migrate(text);
    expect(migration).toMatchObject({
      status: 'broken',
      findings: expect.arrayContaining([expect.objectContaining({ code })]),
    });
  });

  it.each([
    '',
    'x',
    '[]',
    '{}',
    'steps:',
    'steps: x',
    'steps: [1, [2], {plugins: 3}, {plugins: [[4], 5, ~]}, {steps: {}}]',
  ])('%j has no step with the plugin', (text) => expect(migrate(text).status).toBe('no_plugin'));

  it('whatever the text is: a result, and what is written parses and has no plugin left', () => {
    const junk = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '*b ',
        '&b ',
        '<<: *b',
        '\t',
        '- ',
        ': ',
        '{',
        '}',
        '"',
        "'",
        '|\n',
        '#',
        '${',
        '__proto__: 1\n',
        '\u2028',
        '\ud800',
      ),
    );
    const sources = [AROUND, `x: &b ${OPTIONS}\nsteps:\n${deploy()}- <<: *b\n${back()}`];
    const cut = fc.tuple(fc.constantFrom(...sources), fc.nat(900), fc.nat(30), junk);
    let migrated = 0;
    fc.assert(
      fc.property(cut, ([source, at, length, put]) => {
        const migration = migrate(source.slice(0, at) + put + source.slice(at + length));
        if (migration.status === 'broken') expect(migration.findings.length).toBeGreaterThan(0);
        if (migration.status !== 'migrated') return;
        migrated += 1;
        expect(parseDocument(migration.file).errors).toEqual([]);
        expect(parseDocument(migration.pipeline).errors).toEqual([]);
        expect(migrate(migration.pipeline).status).toBe('no_plugin');
      }),
      { numRuns: 150 },
    );
    expect(migrated).toBeGreaterThan(5);
  });
});
