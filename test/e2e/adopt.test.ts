import { lstat, readFile, rename, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import {
  GetFunctionConfigurationCommand,
  PublishVersionCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  type UpdateFunctionConfigurationCommandInput,
} from '@aws-sdk/client-lambda';
import { expect, it } from 'vitest';
import { type Document, okHandler, stage, type Stage, zipOf } from './support.js';

const FILE = `# Functions of the team.
version: 1
region: us-east-1
account: "123456789012"

defaults:
  runtime: nodejs22.x   # for all
  timeout: 5

functions:
  # says hello
  bare:
    code: { zip: function.zip }
    handler: index.handler
    role: arn:aws:iam::123456789012:role/hello
    memorySize: 128   # enough for now

    environment:
      GREETING: Hello   # in English
      KEEP: "1"
      STAGE: "\${STAGE:-test}"
    tags: { team: us, cost: "42" }
    layers:
      - arn:aws:lambda:us-east-1:123456789012:layer:one:1   # first
      - arn:aws:lambda:us-east-1:123456789012:layer:two:1

  other:
    code: { zip: function.zip }
    handler: index.handler
    role: arn:aws:iam::123456789012:role/hello
    aliases:
      live:
`;

async function applied(text: string, name = 'lambda.deploy.yaml', ...argv: string[]): Promise<Stage> {
  const own = await stage();
  await own.write(name, text);
  await own.code(okHandler('one'));
  const ran = await own.run('apply', '--yes', ...argv);
  expect(ran.exitCode, ran.out + ran.err).toBe(0);
  await own.clock.sleep(own.sandbox.state.settleMs);
  return own;
}

async function configure(
  own: Stage,
  change: Partial<UpdateFunctionConfigurationCommandInput>,
  name = 'bare',
): Promise<void> {
  await own.client.send(new UpdateFunctionConfigurationCommand({ FunctionName: name, ...change }));
  await own.clock.sleep(own.sandbox.state.settleMs);
}

async function read(own: Stage, name = 'lambda.deploy.yaml'): Promise<string> {
  return readFile(join(own.folder, name), 'utf8');
}

/** Lines that the new text has and the old has not, and the other way round. */
function changed(before: string, after: string): { gone: string[]; come: string[] } {
  const [old, now] = [before.split('\n'), after.split('\n')];
  return { gone: old.filter((line) => !now.includes(line)), come: now.filter((line) => !old.includes(line)) };
}

const one = (ran: { json(): Document }): Document => ran.json().functions[0];

it('writes what moved into the file, and nothing else: then nothing drifts and nothing is planned', async () => {
  const own = await applied(FILE);
  await configure(own, {
    MemorySize: 512,
    Timeout: 60,
    Environment: { Variables: { GREETING: 'Hallo ${x}', NEW: 'y', STAGE: 'test' } },
    Layers: ['arn:aws:lambda:us-east-1:123456789012:layer:one:1', 'arn:aws:lambda:us-east-1:123456789012:layer:two:2'],
  });
  const resource = { Resource: own.fn('bare').arn };
  await own.client.send(new TagResourceCommand({ ...resource, Tags: { team: 'them' } }));
  await own.client.send(new UntagResourceCommand({ ...resource, TagKeys: ['cost'] }));
  own.mutations();
  const ran = await own.run('drift', '--adopt', '--format', 'json');
  expect(ran.exitCode, ran.out + ran.err).toBe(0);
  expect(one(ran)).toMatchObject({ drifted: false, left: [] });
  expect(own.mutations()).toEqual([]);
  expect(changed(FILE, await read(own))).toEqual({
    gone: [
      '    memorySize: 128   # enough for now',
      '      GREETING: Hello   # in English',
      '      KEEP: "1"',
      '    tags: { team: us, cost: "42" }',
      '      - arn:aws:lambda:us-east-1:123456789012:layer:two:1',
    ],
    come: [
      '    memorySize: 512   # enough for now',
      '      GREETING: "Hallo $${x}"   # in English',
      '      NEW: y',
      '    tags: { team: them }',
      '      - arn:aws:lambda:us-east-1:123456789012:layer:two:2',
      // Not in defaults: another function has it from there.
      '    timeout: 60',
    ],
  });
  const drift = await own.run('drift');
  expect([drift.exitCode, drift.out]).toEqual([0, expect.stringContaining('but it is what the file says now')]);
  const plan = await own.run('plan', '--detailed-exitcode');
  expect([plan.exitCode, plan.out]).toEqual([0, expect.stringContaining('No changes.')]);
});

it('with an alias a version of it is what is left to publish, and nothing of $LATEST to change', async () => {
  const own = await applied(FILE);
  await configure(
    own,
    {
      MemorySize: 512,
      Description: 'theirs: "quoted"',
      TracingConfig: { Mode: 'Active' },
      LoggingConfig: { LogFormat: 'JSON' },
    },
    'other',
  );
  const adopting = await own.run('drift', '--adopt');
  expect([adopting.exitCode, adopting.out]).toEqual([
    0,
    expect.stringContaining(
      '  next: alias live serves a version without it: `lambda-deploy apply` publishes one with it and moves there\n',
    ),
  ]);
  expect(adopting.out).toContain('`lambda-deploy apply` publishes what an alias’s version lacks.');
  expect(changed(FILE, await read(own))).toEqual({
    gone: [],
    come: [
      '    memorySize: 512',
      '    tracingConfig: { mode: Active }',
      '    loggingConfig: { applicationLogLevel: INFO, logFormat: JSON, systemLogLevel: INFO }',
      '    description: \'theirs: "quoted"\'',
    ],
  });
  expect((await own.run('drift')).exitCode).toBe(0);
  const plan = (await own.run('plan', '--format', 'json')).json();
  const calls = plan.functions.flatMap((each: Document) => each['operations'].map((step: Document) => step['type']));
  expect(calls).toEqual(['TagResource', 'PublishVersion', 'UpdateAlias', 'TagResource']);
  expect((await own.run('apply', '--yes')).exitCode).toBe(0);
  const after = (await own.run('drift', '--format', 'json')).json();
  expect(after.functions.flatMap((each: Document) => each['differences'])).toEqual([]);
});

it('names what it leaves, with the reason, and goes on with the rest', async () => {
  const text = `version: 1
region: us-east-1
functions:
  app:
    code: { zip: function.zip }
    runtime: nodejs22.x
    handler: index.handler
    role: arn:aws:iam::123456789012:role/hello
    memorySize: \${MEMORY:-128}
    environment: { GREETING: Hello, STAGE: "\${STAGE:-test}" }
    aliases: { live: {}, beta: {} }
  small:
    code: { zip: function.zip }
    runtime: nodejs22.x
    handler: index.handler
    role: arn:aws:iam::123456789012:role/hello
    aliases: { live: {} }
`;
  const own = await applied(text);
  const token = `ghp_${'a1B2'.repeat(9)}`;
  await configure(
    own,
    {
      MemorySize: 512,
      Handler: 'other.handler',
      Environment: { Variables: { GREETING: 'Hallo', STAGE: 'theirs', HOOK: token } },
    },
    'app',
  );
  await configure(own, { Environment: { Variables: { ADDED: 'x' } } }, 'small');
  const archive = zipOf({ 'index.mjs': okHandler('theirs') });
  await own.client.send(new UpdateFunctionCodeCommand({ FunctionName: 'small', ZipFile: archive }));
  await own.clock.sleep(own.sandbox.state.settleMs);
  own.fn('app').aliases.delete('beta');
  await own.client.send(
    new UpdateAliasCommand({
      FunctionName: 'app',
      Name: 'live',
      RoutingConfig: { AdditionalVersionWeights: {} },
      Description: 'theirs',
    }),
  );
  await own.write('lambda.deploy.yaml', text.replace('handler: index.handler', 'handler: third.handler'));
  const ran = await own.run('drift', '--adopt', '--format', 'json');
  expect(ran.exitCode).toBe(2);
  const left = ran.json().functions.flatMap((each: Document) => each['left']);
  const reasons = Object.fromEntries(left.map((each: Document) => [each['path'], each['reason'].split(':')[0]]));
  expect(reasons).toEqual({
    handler: 'the file moved, too',
    'environment.HOOK': 'it may be a secret',
    memorySize: 'the file gives a reference',
    'environment.STAGE': 'the file gives a reference',
    'aliases.beta': 'the alias is gone',
    'environment.ADDED': 'the file does not manage `environment`, and one variable alone cannot be',
    code: 'code is no value of a file',
  });
  expect(ran.json().functions.flatMap((each: Document) => each['adopted'])).toEqual(['environment.GREETING']);
  expect(await read(own)).not.toContain(token);
  expect(ran.out + ran.err).not.toContain(token);
  expect((await own.run('drift', '--adopt')).out).toContain('  left: memorySize: the file gives a reference');
});

const STAGES = `version: 1
account: "123456789012"
defaults:
  runtime: nodejs22.x
  memorySize: 128
functions:
  app:
    code: { zip: function.zip }
    handler: index.handler
    role: arn:aws:iam::123456789012:role/hello
    timeout: 5
environments:
  staging:
    region: us-east-1
  production:
    region: us-east-1
    functions:
      app:
        name: app-production
        timeout: 9   # slower there
`;

it('edits where the value stands, unless another environment has it from there', async () => {
  const own = await applied(STAGES, 'lambda.deploy.yaml', '-e', 'production');
  await configure(own, { MemorySize: 512, Timeout: 60, Handler: 'index.other' }, 'app-production');
  const ran = await own.run('drift', '--adopt', '-e', 'production');
  expect([ran.exitCode, ran.err]).toEqual([0, '']);
  expect(changed(STAGES, await read(own))).toEqual({
    gone: ['        timeout: 9   # slower there'],
    come: ['        timeout: 60   # slower there', '        handler: index.other', '        memorySize: 512'],
  });
  expect((await own.run('plan', '--detailed-exitcode', '-e', 'production')).exitCode).toBe(0);
});

it('edits defaults where no other function has the value from there', async () => {
  const own = await applied(
    STAGES.replace(/environments:[^]*/, '').replace('version: 1', 'version: 1\nregion: us-east-1'),
  );
  const before = await read(own);
  await configure(own, { MemorySize: 512 }, 'app');
  expect((await own.run('drift', '--adopt')).exitCode).toBe(0);
  expect(changed(before, await read(own))).toEqual({ gone: ['  memorySize: 128'], come: ['  memorySize: 512'] });
});

const AS_JSON = {
  version: 1,
  region: 'us-east-1',
  functions: {
    app: {
      code: { zip: 'function.zip' },
      runtime: 'nodejs22.x',
      handler: 'index.handler',
      role: 'arn:aws:iam::123456789012:role/hello',
      tags: { team: 'us' },
      aliases: { live: {} },
    },
  },
};

it.each<[name: string, content: object]>([
  ['lambda.deploy.json', AS_JSON],
  ['package.json', { name: 'app', version: '1.0.0', lambdaDeploy: AS_JSON, license: 'MIT' }],
])('%s stays JSON', async (name, content) => {
  const before = `${JSON.stringify(content, null, 2)}\n`;
  const own = await applied(before, name);
  await configure(own, { MemorySize: 512, LoggingConfig: { LogGroup: '/theirs' } }, 'app');
  await own.client.send(new TagResourceCommand({ Resource: own.fn('app').arn, Tags: { team: 'them' } }));
  const ran = await own.run('drift', '--adopt');
  expect([ran.exitCode, ran.err]).toEqual([0, '']);
  const after = await read(own, name);
  expect(changed(before, after).gone).toHaveLength(2);
  const json = JSON.parse(after) as Document;
  expect((json['lambdaDeploy'] ?? json).functions.app).toEqual({
    ...AS_JSON.functions.app,
    tags: { team: 'them' },
    memorySize: 512,
    loggingConfig: { logGroup: '/theirs' },
  });
  expect((await own.run('drift')).exitCode).toBe(0);
});

it('goes through a link, keeps mode and byte order mark, and writes nothing where there is nothing to adopt', async () => {
  const own = await applied(`\uFEFF${FILE}`);
  const [file, real] = [join(own.folder, 'lambda.deploy.yaml'), join(own.folder, 'real.yaml')];
  await rename(file, real);
  await symlink(real, file);
  const before = await stat(real);
  expect((await own.run('drift', '--adopt')).exitCode).toBe(0);
  expect((await stat(real)).ino).toBe(before.ino);
  await configure(own, { MemorySize: 512 });
  expect((await own.run('drift', '--adopt')).exitCode).toBe(0);
  expect((await lstat(file)).isSymbolicLink()).toBe(true);
  expect((await stat(real)).mode).toBe(before.mode);
  expect(await read(own)).toBe(`\uFEFF${FILE.replace('memorySize: 128', 'memorySize: 512')}`);
});

/** Comments, an anchor, both quotes, a flow map, and an alias that is pinned. */
const STYLES = `# head
version: 1
region: us-east-1
functions:
  app: # why
    code: { zip: function.zip }
    runtime: nodejs22.x
    handler: 'index.handler' # single
    role: &role "arn:aws:iam::123456789012:role/hello"
    description: "ours" # double
    memorySize: 128

    tags: { team: us, "cost": '42' } # flow
    aliases:
      # who reads this
      live: { description: 'ours' } # theirs, soon
      fixed: { version: 1 }
  bare:
    code: { zip: function.zip }
    runtime: nodejs22.x
    handler: index.handler
    role: *role # the same
    memorySize: 128 # enough`;

/** Version 1 first, which an alias can then be pinned to. */
async function pinned(text: string): Promise<Stage> {
  const own = await applied(text.replace(/ +fixed:[^\n]*\n/, ''));
  await own.write('lambda.deploy.yaml', text);
  const ran = await own.run('apply', '--yes');
  expect(ran.exitCode, ran.out + ran.err).toBe(0);
  return own;
}

it.each([
  ['as it is', (text: string) => text],
  ['with CRLF', (text: string) => text.replaceAll('\n', '\r\n')],
  ['with a byte order mark and a newline at the end', (text: string) => `\uFEFF${text}\n`],
])('what no version holds, and functions without aliases, end in no changes: a file %s', async (_why, style) => {
  const text = style(STYLES);
  const own = await pinned(text);
  await configure(own, { Description: 'theirs' }, 'app');
  await configure(own, { MemorySize: 256 });
  const { client } = own;
  await client.send(new UpdateAliasCommand({ FunctionName: 'app', Name: 'live', Description: 'theirs' }));
  await client.send(new TagResourceCommand({ Resource: own.fn('app').arn, Tags: { cost: '43' } }));
  const ran = await own.run('drift', '--adopt');
  expect([ran.exitCode, ran.out]).toEqual([0, expect.stringContaining('The next plan changes nothing of it.')]);
  expect(ran.out).not.toContain('next:');
  expect(await read(own)).toBe(
    text
      .replace('"ours" # double', '"theirs" # double')
      .replace("'42' } # flow", "'43' } # flow")
      .replace("'ours' } # theirs", "'theirs' } # theirs")
      .replace('128 # enough', '256 # enough'),
  );
  const plan = await own.run('plan', '--detailed-exitcode');
  expect([plan.exitCode, plan.out]).toEqual([0, expect.stringContaining('No changes.')]);
});

it('what was published and is served where the alias is pinned ends in no changes', async () => {
  const text = STYLES.replace("live: { description: 'ours' } # theirs, soon", 'live: {}');
  const own = await pinned(text);
  await configure(own, { MemorySize: 512 }, 'app');
  const { client } = own;
  const { Version } = await client.send(new PublishVersionCommand({ FunctionName: 'app' }));
  for (const Name of ['live', 'fixed'])
    await client.send(new UpdateAliasCommand({ FunctionName: 'app', Name, FunctionVersion: Version }));
  const ran = await own.run('drift', '--adopt', '--format', 'json');
  // Where `live` points stands in no file: it is what the file has come to say.
  expect([ran.exitCode, one(ran)['adopted']]).toEqual([
    0,
    ['aliases.fixed.version', 'memorySize', 'aliases.live.version'],
  ]);
  expect(one(ran)).not.toHaveProperty('lacking');
  expect(one(ran)['left']).toEqual([]);
  expect((await own.run('drift')).exitCode).toBe(0);
  const plan = await own.run('plan', '--detailed-exitcode');
  expect([plan.exitCode, plan.out]).toEqual([0, expect.stringContaining('No changes.')]);
});

/** Every version-scoped edit that a file can say, made to `$LATEST` while `live` serves version 1. */
const EDITS: Partial<UpdateFunctionConfigurationCommandInput> = {
  MemorySize: 512,
  Timeout: 60,
  Handler: 'index.handler',
  Environment: { Variables: { GREETING: 'Hallo', NEW: 'y' } },
  Layers: ['arn:aws:lambda:us-east-1:123456789012:layer:one:1'],
  TracingConfig: { Mode: 'Active' },
  EphemeralStorage: { Size: 1024 },
};

const SERVED = `version: 1
region: us-east-1
functions:
  app:
    code: { zip: function.zip }
    runtime: nodejs22.x
    handler: index.handler
    role: arn:aws:iam::123456789012:role/hello
    memorySize: 128   # enough
    environment: { GREETING: Hello }
    aliases:
      live: { healthCheck: { expect: { status: 200 } } }
      beta: {}
  other:
    code: { zip: function.zip }
    runtime: nodejs22.x
    handler: index.handler
    role: arn:aws:iam::123456789012:role/hello
    aliases: { live: {} }
`;

it('--publish publishes what an alias lacks, with its check: then nothing drifts and nothing is planned', async () => {
  const own = await applied(SERVED);
  await configure(own, EDITS, 'app');
  own.mutations();
  const ran = await own.run('drift', '--adopt', '--publish', '--yes');
  expect(ran.exitCode, ran.out + ran.err).toBe(0);
  expect(own.seen().filter((call) => call === 'Invoke')).toHaveLength(2);
  expect(own.mutations()).toEqual(['TagResource', 'PublishVersion', 'UpdateAlias', 'UpdateAlias', 'TagResource']);
  for (const text of ['adopted: memorySize', 'next: aliases live, beta', 'publish', 'Apply succeeded'])
    expect(ran.out).toContain(text);
  expect(changed(SERVED, await read(own))).toEqual({
    gone: ['    memorySize: 128   # enough', '    environment: { GREETING: Hello }'],
    come: [
      '    memorySize: 512   # enough',
      '    environment: { GREETING: Hallo, NEW: y }',
      '    timeout: 60',
      '    layers: [ arn:aws:lambda:us-east-1:123456789012:layer:one:1 ]',
      '    tracingConfig: { mode: Active }',
      '    ephemeralStorage: { size: 1024 }',
    ],
  });
  for (const alias of ['live', 'beta']) {
    const served = await own.client.send(
      new GetFunctionConfigurationCommand({ FunctionName: 'app', Qualifier: alias }),
    );
    expect([served.Version, served.MemorySize, served.Timeout]).toEqual(['2', 512, 60]);
  }
  const plan = await own.run('plan', '--detailed-exitcode');
  expect([plan.exitCode, plan.out]).toEqual([0, expect.stringContaining('No changes.')]);
  const drift = await own.run('drift', '--format', 'json');
  expect([drift.exitCode, drift.json().functions.flatMap((each: Document) => each['differences'])]).toEqual([0, []]);
});

it('--publish answers one document as JSON, with what came of it', async () => {
  const own = await applied(SERVED);
  await configure(own, EDITS, 'app');
  const ran = await own.run('drift', '--adopt', '--publish', '--yes', '--format', 'json');
  expect(ran.exitCode, ran.err).toBe(0);
  const { command, drifted, functions, published } = ran.json();
  expect([command, drifted, functions.map((each: Document) => each['lacking'])]).toEqual([
    'drift',
    false,
    [['live', 'beta'], undefined],
  ]);
  expect(published).toMatchObject({
    command: 'apply',
    result: 'succeeded',
    functions: [{ name: 'app', version: '2' }],
  });
  const schema = await own.run('drift', '--adopt', '--publish', '--yes', '--format', 'json');
  expect([schema.exitCode, schema.json()['published']]).toEqual([0, undefined]);
});

it('--publish does nothing but publish: what the file has pending, too, is for apply', async () => {
  const own = await applied(SERVED);
  await configure(own, { MemorySize: 512 }, 'app');
  const pending = SERVED.replace('role/hello\n    memorySize', 'role/hello\n    timeout: 9\n    memorySize');
  await own.write('lambda.deploy.yaml', pending);
  own.mutations();
  const ran = await own.run('drift', '--adopt', '--publish', '--yes');
  expect(ran.exitCode).toBe(3);
  expect(ran.err).toContain('error[MORE_THAN_ADOPTED]');
  expect(ran.err).toContain('apply would do more to app than publish what was adopted: UpdateFunctionConfiguration.');
  expect(own.mutations()).toEqual([]);
  expect(await read(own)).toBe(pending.replace('128   # enough', '512   # enough'));
});

it('--publish leaves alone what could not be adopted whole', async () => {
  const text = SERVED.replace('memorySize: 128', 'memorySize: ${MEMORY:-128}');
  const own = await applied(text);
  await configure(own, { MemorySize: 512, Timeout: 60 }, 'app');
  own.mutations();
  const ran = await own.run('drift', '--adopt', '--publish', '--yes', '--format', 'json');
  expect([ran.exitCode, ran.json()['published']]).toEqual([2, undefined]);
  expect(one(ran)).toMatchObject({ adopted: ['timeout'], lacking: ['live', 'beta'], left: [{ path: 'memorySize' }] });
  expect(own.mutations()).toEqual([]);
});

it('--publish asks: a no leaves AWS as it was and the file written, and the next one goes on there', async () => {
  const own = await applied(SERVED);
  await configure(own, { MemorySize: 512 }, 'app');
  own.mutations();
  const questions: string[] = [];
  const ask = (question: string): Promise<string> => {
    questions.push(question);
    return Promise.resolve('n');
  };
  const isTerminal = { stdin: true, stdout: true, stderr: true };
  const ran = await own.runWith({ ask, isTerminal }, 'drift', '--adopt', '--publish', '--no-color');
  expect([ran.exitCode, questions]).toEqual([1, ['Apply this plan? [y/N] ']]);
  expect(ran.err).toContain('the plan was not confirmed. Nothing was changed in AWS.');
  expect(own.mutations()).toEqual([]);
  expect(await read(own)).toContain('memorySize: 512   # enough');

  const again = await own.run('drift', '--adopt', '--publish', '--yes');
  expect([again.exitCode, again.out]).toEqual([0, expect.stringContaining('Apply succeeded.')]);
  expect(again.out).toContain(
    '  pending  memorySize  recorded 128, live and file 512\n  next: aliases live, beta serve',
  );
  expect(own.mutations()).toEqual(['TagResource', 'PublishVersion', 'UpdateAlias', 'UpdateAlias', 'TagResource']);
  const plan = await own.run('plan', '--detailed-exitcode');
  expect([plan.exitCode, plan.out]).toEqual([0, expect.stringContaining('No changes.')]);
});

it('the deployment of a pinned alias does not hide what moved: another one’s version shows it', async () => {
  const own = await applied(SERVED);
  const pinned = SERVED.replace('aliases:\n', "aliases:\n      old: { version: '1' }\n");
  await own.write('lambda.deploy.yaml', pinned);
  expect((await own.run('apply', '--yes')).exitCode).toBe(0);
  await configure(own, { MemorySize: 512 }, 'app');
  await own.write('lambda.deploy.yaml', `${pinned}# another text\n`);
  const expected = { path: 'memorySize', recorded: 128, live: 512, class: 'drift' };
  expect(one(await own.run('drift', '--format', 'json'))['differences']).toMatchObject([expected]);
});

it.each([
  ['without --adopt', ['--publish', '--yes'], 'error[USAGE]'],
  ['where nobody can be asked', ['--adopt', '--publish'], 'error[CONFIRMATION_REQUIRED]'],
])('--publish %s is refused before any call', async (_why, argv, code) => {
  const own = await applied(SERVED);
  await configure(own, { MemorySize: 512 }, 'app');
  own.mutations();
  const ran = await own.run('drift', ...argv);
  expect([ran.exitCode, ran.err]).toEqual([1, expect.stringContaining(code)]);
  expect(own.seen()).toEqual([]);
  expect(await read(own)).toBe(SERVED);
});
