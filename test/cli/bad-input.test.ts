import { truncate } from 'node:fs/promises';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import {
  deployed,
  type Document,
  fileOf,
  hello,
  okHandler,
  type Ran,
  runInside,
  type Stage,
  zipOf,
} from '../e2e/support.js';

/** Largest archive that Lambda takes directly, in bytes. @see https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_ZIP_BYTES = 52_428_800;

interface Case {
  readonly why: string;
  /** Spoils a project that is deployed and unchanged. */
  readonly spoil: (run: Stage) => Promise<void>;
  readonly code: string;
  readonly exit?: number;
  /** In the text on stderr: what is wrong. */
  readonly says: RegExp;
  /** Whether it is known before anything is asked of AWS. */
  readonly calls?: 'some';
  readonly argv?: readonly string[];
}

const yaml = (text: string) => (run: Stage) => run.file(text);
const edited = (more: Document) => (run: Stage) => run.file(fileOf({ hello: hello(more) }));
const BOMB = Array.from(
  { length: 12 },
  (_, n) => `x${n + 1}: &x${n + 1} [${Array.from({ length: 9 }, () => `*x${n}`).join(',')}]`,
);

const CASES: readonly Case[] = [
  { why: 'the zip is missing', spoil: edited({ code: { zip: 'no.zip' } }), code: 'ZIP_NOT_FOUND', says: /no\.zip/ },
  { why: 'the zip is empty', spoil: (run) => run.write('function.zip', ''), code: 'ZIP_INVALID', says: /empty/ },
  {
    why: 'the zip has no entries',
    spoil: (run) => run.write('function.zip', zipOf({})),
    code: 'ZIP_INVALID',
    says: /function\.zip/,
  },
  {
    why: 'the zip is a text',
    spoil: (run) => run.write('function.zip', 'hello, I am no zip'),
    code: 'ZIP_INVALID',
    says: /zip/,
  },
  {
    why: 'the zip is cut off',
    spoil: (run) => run.write('function.zip', zipOf({ 'a.mjs': 'x'.repeat(500) }).subarray(0, 60)),
    code: 'ZIP_INVALID',
    says: /zip/,
  },
  {
    why: 'the zip is oversized',
    spoil: (run) => truncate(path.join(run.folder, 'function.zip'), MAX_ZIP_BYTES + 1),
    code: 'ZIP_TOO_LARGE',
    says: /52,?428,?80[01]|50 MB/,
  },
  {
    why: 'the zip is a folder',
    spoil: async (run) => {
      await run.write('built/index.mjs', '');
      await edited({ code: { zip: 'built' } })(run);
    },
    code: 'ZIP_',
    says: /built/,
  },
  {
    why: 'the YAML is broken',
    spoil: yaml('version: 1\nfunctions:\n  a: {b: [1\n'),
    code: 'YAML_SYNTAX',
    says: /lambda\.deploy\.yaml:\d+:\d+/,
  },
  {
    why: '${…} stands unquoted in a flow map',
    spoil: yaml('version: 1\nfunctions:\n  a:\n    environment: { STAGE: ${STAGE:-x} }\n'),
    code: 'YAML_SYNTAX',
    says: /quote/,
  },
  {
    why: 'a key is there twice',
    spoil: yaml('version: 1\nregion: us-east-1\nregion: eu-west-1\nfunctions: {}\n'),
    code: 'DUPLICATE_KEY',
    says: /:3:1.*region/,
  },
  { why: 'tabs indent', spoil: yaml('version: 1\nfunctions:\n\ta: {}\n'), code: 'YAML_SYNTAX', says: /:3:1.*[Tt]ab/ },
  {
    why: 'an alias contains itself',
    spoil: yaml('version: 1\nfunctions: &f\n  a: *f\n'),
    code: 'ALIAS_CYCLE',
    says: /:3:6/,
  },
  {
    why: 'aliases are a bomb',
    spoil: yaml(`x0: &x0 [1,2]\n${BOMB.join('\n')}\nversion: 1\nfunctions: {}\n`),
    code: 'ALIAS_BOMB',
    says: /lambda\.deploy\.yaml:\d+:\d+/,
  },
  { why: 'a key is unknown', spoil: edited({ memorysize: 5 }), code: 'UNKNOWN_KEY', says: /did you mean.*memorySize/ },
  {
    why: 'a number stands where a map belongs',
    spoil: edited({ environment: 5 }),
    code: 'SCHEMA',
    says: /environment/,
  },
  { why: 'the functions are a number', spoil: yaml('version: 1\nfunctions: 5\n'), code: 'SCHEMA', says: /:2:12/ },
  { why: 'an alias is called 123', spoil: edited({ aliases: { '123': {} } }), code: 'SCHEMA', says: /123/ },
  {
    why: 'the file is not UTF-8',
    spoil: (run) => run.write('lambda.deploy.yaml', Buffer.from([0x76, 0xff, 0xfe])),
    code: 'NOT_UTF8',
    says: /UTF-8/,
  },
  { why: 'the file is empty', spoil: yaml(''), code: 'SCHEMA', says: /lambda\.deploy\.yaml/ },
  {
    why: 'a variable is not set',
    spoil: edited({ environment: { STAGE: '${NOT_THERE}' } }),
    code: 'UNSET_VARIABLE',
    says: /NOT_THERE/,
  },
  {
    why: 'provisioned concurrency is not supported yet',
    spoil: edited({ aliases: { live: { provisionedConcurrency: 5 } } }),
    code: 'NOT_YET_SUPPORTED',
    says: /provisionedConcurrency/,
  },
  {
    why: 'there is no such rollout',
    spoil: edited({ aliases: { live: { rollout: 'CodeDeployDefault.LambdaCanary10Percent5Minutes' } } }),
    code: 'ROLLOUT_UNKNOWN',
    says: /did you mean Canary10Percent5Minutes/,
  },
  {
    why: 'the account is another one',
    spoil: (run) => run.file(fileOf({ hello: hello() }, { account: '999999999999' })),
    code: 'WRONG_ACCOUNT',
    exit: 3,
    says: /123456789012.*999999999999/,
    calls: 'some',
  },
  {
    why: 'the account of a function to create is another one',
    spoil: (run) => run.file(fileOf({ fresh: hello() }, { account: '999999999999' })),
    code: 'WRONG_ACCOUNT',
    exit: 3,
    says: /123456789012.*999999999999/,
    calls: 'some',
  },
  {
    why: 'what a create needs is missing',
    spoil: (run) => run.file(fileOf({ fresh: { code: { zip: 'function.zip' } } })),
    code: 'CREATE_INCOMPLETE',
    says: /role, runtime, handler/,
    calls: 'some',
  },
  {
    why: 'a pinned version does not exist',
    spoil: edited({ aliases: { live: { version: '77' } } }),
    code: 'VERSION_NOT_FOUND',
    says: /77/,
    calls: 'some',
  },
  {
    why: 'there is no file',
    spoil: async () => undefined,
    argv: ['-c', 'elsewhere.yaml'],
    code: 'FILE_',
    says: /elsewhere\.yaml/,
  },
  {
    why: 'no function matches',
    spoil: async () => undefined,
    argv: ['-f', 'hallo'],
    code: 'FUNCTION_NOT_IN_FILE',
    says: /hallo.*hello/,
  },
  {
    why: 'no alias matches',
    spoil: async () => undefined,
    argv: ['--alias', 'dead'],
    code: 'FUNCTION_NOT_IN_FILE',
    says: /dead.*live/,
  },
  {
    why: 'the option is unknown',
    spoil: async () => undefined,
    argv: ['--frobnicate'],
    code: 'USAGE',
    says: /--frobnicate/,
  },
  {
    why: 'an option lacks its value',
    spoil: async () => undefined,
    argv: ['--config'],
    code: 'USAGE',
    says: /--config/,
  },
  {
    why: 'an argument is one too many',
    spoil: async () => undefined,
    argv: ['one', 'surplus'],
    code: 'USAGE',
    says: /argument/,
  },
  {
    why: '--environment names none of the file',
    spoil: async () => undefined,
    argv: ['-e', 'staging'],
    code: 'UNKNOWN_ENVIRONMENT',
    says: /staging/,
  },
  {
    why: 'the endpoint is no URL',
    spoil: async () => undefined,
    argv: ['--endpoint-url', 'nonsense'],
    code: 'USAGE',
    says: /nonsense/,
  },
  {
    why: 'the endpoint has no scheme',
    spoil: async () => undefined,
    argv: ['--endpoint-url', 'localhost:4566'],
    code: 'USAGE',
    says: /localhost:4566.*\n.*http:/,
  },
  {
    why: 'the endpoint is down',
    spoil: async () => undefined,
    argv: ['--endpoint-url', 'http://127.0.0.1:9'],
    code: 'AWS_UNREACHABLE',
    says: /ECONNREFUSED/,
  },
];

async function refused(run: Stage, { code, exit = 1, says, calls, argv = [] }: Case): Promise<void> {
  const text = await run.run('apply', '--yes', ...argv);
  const json = await run.run('apply', '--yes', '--format', 'json', ...argv);
  expect({ exit: text.exitCode, err: text.err }).toMatchObject({ exit });
  expect(text.err).toContain(`error[${code}`);
  expect(text.err).toMatch(says);
  expect(json.exitCode).toBe(exit);
  const { error } = json.json();
  expect(error.code).toContain(code);
  expect(typeof error.message).toBe('string');
  expect(json.json().formatVersion).toBe('1');
  expectDecent([text, json]);
  if (calls === undefined) expect(run.seen()).toEqual([]);
  expect(run.mutations()).toEqual([]);
}

function expectDecent(rans: readonly Ran[]): void {
  for (const { out, err } of rans) {
    expect(`${out}${err}`).not.toMatch(/\[object Object\]|\n\s+at .*:\d+:\d+|undefined|NaN|node:internal|INTERNAL/);
  }
}

it.each(CASES.map((one) => [one.why, one] as const))('%s: refused, and nothing is changed', async (_why, one) => {
  const run = await deployed();
  await one.spoil(run);
  await refused(run, one);
});

describe('credentials', () => {
  it('that expired are told so', async () => {
    const run = await deployed();
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'EXPIRED');
    try {
      await refused(run, { why: '', spoil: async () => undefined, code: 'AWS_EXPIRED_CREDENTIALS', says: /expired/i });
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('that are missing are told so, without a call', async () => {
    const run = await deployed();
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined);
    try {
      await refused(run, {
        why: '',
        spoil: async () => undefined,
        code: 'AWS_EXPIRED_CREDENTIALS',
        says: /credentials/i,
      });
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

it('rollback --to of a variable that is not set is told as empty, before any call', async () => {
  const run = await deployed();
  const ran = await run.run('rollback', '--to', '', '--yes');
  expect([ran.exitCode, run.seen()]).toEqual([1, []]);
  expect(ran.err).toContain('error[USAGE]');
  expect(ran.err).toContain('--to is empty. Nothing was called.\n  fix: name a version, a record or a commit');
});

describe('a question that nobody can answer', () => {
  it.each(['apply', 'rollback'])('%s without a terminal and without --yes exits 1 before any call', async (verb) => {
    const run = await deployed();
    await run.code(okHandler('two'));
    for (const format of ['text', 'json']) {
      const ran = await run.run(verb, '--format', format);
      expect(ran.exitCode).toBe(1);
      if (format === 'json') expect(ran.json().error.code).toBe('CONFIRMATION_REQUIRED');
      else expect(ran.err).toMatch(/error\[CONFIRMATION_REQUIRED\].*\n.*no terminal.*\n.*--yes/);
      const look = verb === 'rollback' ? '--plan-only' : 'lambda-deploy plan';
      expect(`${ran.out}${ran.err}`).toContain(look);
      expectDecent([ran]);
    }
    expect(run.seen()).toEqual([]);
  });

  it.each(['n', '', 'nope', 'yes please'])('the answer %j changes nothing and exits 1', async (answer) => {
    const run = await deployed();
    await run.code(okHandler('two'));
    const asked: string[] = [];
    const ask = (question: string): Promise<string> => Promise.resolve((asked.push(question), answer));
    const isTerminal = { stdin: true, stdout: true, stderr: true };
    const ran = await run.runWith({ isTerminal, ask }, 'apply');
    expect(ran.exitCode).toBe(1);
    expect(asked).toEqual(['Apply this plan? [y/N] ']);
    expect(stripVTControlCharacters(ran.out)).toMatch(/Plan: 1 to update/);
    expect(run.mutations()).toEqual([]);
  });

  it.each(['y', 'YES', ' y '])('the answer %j applies', async (answer) => {
    const run = await deployed();
    await run.code(okHandler('two'));
    const isTerminal = { stdin: true, stdout: true, stderr: true };
    const ran = await run.runWith({ isTerminal, ask: () => Promise.resolve(answer) }, 'apply');
    expect(ran.exitCode).toBe(0);
    expect(run.fn().aliases.get('live')?.functionVersion).toBe('2');
  });

  it('nothing is asked when there is nothing to do', async () => {
    const run = await deployed();
    const isTerminal = { stdin: true, stdout: true, stderr: true };
    expect((await run.runWith({ isTerminal }, 'apply')).exitCode).toBe(0);
  });
});

describe('the command line', () => {
  const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['an unknown command', ['deploy'], /deploy/],
    ['no command', [], /command/],
    ['an unknown format', ['plan', '--format', 'xml'], /xml.*text, json, markdown/],
    ['an option of another command', ['plan', '--yes'], /--yes/],
  ];
  it.each(cases)('%s: exit 1 with a usage error, in both formats', async (_why, argv, says) => {
    const run = await deployed();
    const ran = await run.run(...argv);
    expect(ran).toMatchObject({ exitCode: 1, out: '' });
    expect(ran.err).toMatch(says);
    expectDecent([ran]);
    if (argv.includes('--format')) return;
    const json = await run.run(...argv, '--format', 'json');
    expect(json.exitCode).toBe(1);
    expect(json.json().error).toMatchObject({ code: 'USAGE' });
    expect(run.seen()).toEqual([]);
  });

  it.each([['--help'], ['plan', '--help'], ['--version']])('%s prints on stdout and exits 0', async (...argv) => {
    const run = await deployed();
    const ran = await run.run(...argv);
    expect(ran).toMatchObject({ exitCode: 0, err: '' });
    expect(ran.out).not.toBe('');
  });
});

it('a planted configuration script is not executed', async () => {
  const run = await deployed();
  const script = `require('node:fs').writeFileSync(${JSON.stringify(path.join(run.folder, 'pwned'))}, 'x'); module.exports = {};`;
  for (const name of ['config.cjs', 'config.js', 'config.mjs', 'config.ts', 'lambda.deploy.cjs'])
    await run.write(`.config/${name}`, script);
  await run.write('lambda.deploy.cjs', script);
  await run.write('package.json', JSON.stringify({ cosmiconfig: { searchPlaces: ['lambda.deploy.cjs'] } }));
  expect((await run.run('plan')).exitCode).toBe(0);
  await expect(import('node:fs/promises').then((fs) => fs.access(path.join(run.folder, 'pwned')))).rejects.toThrow(
    /ENOENT/,
  );
});

it.each(['--function=', '--alias='])('%s is refused before the file is looked for', async (option) => {
  const ran = await runInside(['plan', option], { cwd: '/nowhere' });
  expect([ran.exitCode, ran.err]).toEqual([1, expect.stringContaining('error[USAGE]')]);
});
