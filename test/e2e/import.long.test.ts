import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  CreateAliasCommand,
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  PublishVersionCommand,
  PutFunctionCodeSigningConfigCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  deployed,
  fileOf,
  hello,
  okHandler,
  project,
  type Ran,
  spawnCli,
  stage,
  zipOf,
  type Stage,
  type Document,
} from './support.js';

const ROLE = 'arn:aws:iam::123456789012:role/hello';
const IMAGE = '123456789012.dkr.ecr.us-east-1.amazonaws.com/app:42';
const SIGNING = 'arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0123456789abcdef0';
const arn = (service: string, rest: string): string => `arn:aws:${service}:us-east-1:123456789012:${rest}`;

/** As somebody made it in the console: no file, no record. */
async function made(it: Stage, more: Partial<CreateFunctionCommandInput> = {}): Promise<void> {
  const zip = {
    Runtime: 'nodejs22.x',
    Handler: 'index.handler',
    Code: { ZipFile: zipOf({ 'index.mjs': okHandler('one') }) },
  } as const;
  const input = { FunctionName: 'hello', Role: ROLE, ...(more.PackageType === 'Image' ? {} : zip), ...more };
  await it.client.send(new CreateFunctionCommand(input as CreateFunctionCommandInput));
  await it.clock.sleep(30_000);
}

const run = (it: Stage, ...argv: string[]): Promise<Ran> => it.runWith({ env: { AWS_REGION: 'us-east-1' } }, ...argv);

const written = (it: Stage, name = 'lambda.deploy.yaml'): Promise<string> =>
  readFile(path.join(it.folder, name), 'utf8');

/** Imports, and expects that a plan of what was written finds nothing to do. */
async function imported(it: Stage, ...argv: string[]): Promise<string> {
  it.mutations();
  const ran = await run(it, 'import', ...argv);
  expect(ran.exitCode, ran.out + ran.err).toBe(0);
  expect((await it.run('validate')).exitCode).toBe(0);
  const plan = await it.run('plan', '--detailed-exitcode');
  expect(plan.exitCode, `${await written(it)}\n${plan.out}${plan.err}`).toBe(0);
  expect(plan.out).toContain('No changes.');
  expect(it.mutations()).toEqual([]);
  return written(it);
}

const RICH: Partial<CreateFunctionCommandInput> = {
  Description: 'takes orders',
  Timeout: 30,
  MemorySize: 512,
  Architectures: ['arm64'],
  Layers: [arn('lambda', 'layer:b:1'), arn('lambda', 'layer:a:2')],
  VpcConfig: { SubnetIds: ['subnet-1', 'subnet-0'], SecurityGroupIds: ['sg-1'] },
  DeadLetterConfig: { TargetArn: arn('sqs', 'dead') },
  KMSKeyArn: arn('kms', 'key/a'),
  TracingConfig: { Mode: 'Active' },
  FileSystemConfigs: [{ Arn: arn('elasticfilesystem', 'access-point/a'), LocalMountPath: '/mnt/a' }],
  EphemeralStorage: { Size: 1024 },
  LoggingConfig: { LogFormat: 'JSON', ApplicationLogLevel: 'DEBUG' },
  CodeSigningConfigArn: SIGNING,
  Tags: { team: 'payments', '123': 'yes', 'a b': '1.10', 'lambda-deploy:x': 'a record' },
  Environment: { Variables: { LOG_LEVEL: 'INFO' } },
};

describe('import, then plan: no changes', () => {
  it('a plain function: what AWS has by default is not in the file', async () => {
    const it = await stage();
    await made(it);
    expect(await imported(it, 'hello')).toMatchInlineSnapshot(`
      "# yaml-language-server: $schema=./node_modules/lambda-deploy/schemas/lambda.deploy.schema.json
      version: 1
      region: us-east-1
      account: "123456789012"

      functions:
        hello:
          # code: not in the file and left alone: write \`code: { zip: FILE }\`, or import with --download
          runtime: nodejs22.x
          handler: index.handler
          role: arn:aws:iam::123456789012:role/hello
      "
    `);
  });

  it('a function with everything, its code too', async () => {
    const it = await stage();
    await made(it, RICH);
    expect(await imported(it, 'hello', '--download')).toMatchInlineSnapshot(`
      "# yaml-language-server: $schema=./node_modules/lambda-deploy/schemas/lambda.deploy.schema.json
      version: 1
      region: us-east-1
      account: "123456789012"

      functions:
        hello:
          code:
            zip: hello.zip
          codeSigningConfigArn: arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0123456789abcdef0
          description: takes orders
          runtime: nodejs22.x
          handler: index.handler
          role: arn:aws:iam::123456789012:role/hello
          timeout: 30
          memorySize: 512
          architectures:
            - arm64
          environment:
            LOG_LEVEL: INFO
          layers:
            - arn:aws:lambda:us-east-1:123456789012:layer:b:1
            - arn:aws:lambda:us-east-1:123456789012:layer:a:2
          vpcConfig:
            securityGroupIds:
              - sg-1
            subnetIds:
              - subnet-0
              - subnet-1
          deadLetterConfig:
            targetArn: arn:aws:sqs:us-east-1:123456789012:dead
          kmsKeyArn: arn:aws:kms:us-east-1:123456789012:key/a
          tracingConfig:
            mode: Active
          fileSystemConfigs:
            - arn: arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/a
              localMountPath: /mnt/a
          ephemeralStorage:
            size: 1024
          loggingConfig:
            applicationLogLevel: DEBUG
            logFormat: JSON
          tags:
            "123": yes
            team: payments
            a b: "1.10"
      "
    `);
    expect(await readdir(it.folder)).toEqual(['hello.zip', 'lambda.deploy.yaml']);
  });

  it('an architecture that only a file with the code can say is noted', async () => {
    const it = await stage();
    await made(it, RICH);
    expect(await imported(it, 'hello')).toContain('# architectures: not in the file');
  });

  it('an image, by its digest', async () => {
    const it = await stage({ images: { [IMAGE]: '/nonexistent' } });
    await made(it, {
      PackageType: 'Image',
      Code: { ImageUri: IMAGE },
      ImageConfig: { Command: ['a.b'], EntryPoint: [] },
    });
    expect(await imported(it, 'hello')).toMatch(
      /image: 123456789012\.dkr\.ecr\.us-east-1\.amazonaws\.com\/app@sha256:/,
    );
  });

  it('two functions, in the order in which they are named', async () => {
    const it = await stage();
    await made(it, { FunctionName: 'orders' });
    await made(it, { FunctionName: 'invoices', Timeout: 9 });
    const text = await imported(it, 'orders', 'invoices', 'orders');
    expect(text.indexOf('orders:')).toBeLessThan(text.indexOf('invoices:'));
  });

  it('aliases: on what $LATEST is, behind it, and on $LATEST itself', async () => {
    const it = await deployed();
    await it.client.send(
      new CreateAliasCommand({ FunctionName: 'hello', Name: 'old', FunctionVersion: '1', Description: 'a: b' }),
    );
    await it.client.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'hello', MemorySize: 256 }));
    await it.clock.sleep(30_000);
    await it.client.send(new PublishVersionCommand({ FunctionName: 'hello' }));
    await it.clock.sleep(30_000);
    await it.client.send(new CreateAliasCommand({ FunctionName: 'hello', Name: 'new', FunctionVersion: '2' }));
    await it.client.send(new CreateAliasCommand({ FunctionName: 'hello', Name: 'head', FunctionVersion: '$LATEST' }));
    const text = await imported(it, 'hello', '--force');
    expect(text.slice(text.indexOf('    aliases:'))).toMatchInlineSnapshot(`
      "    aliases:
            head:
              version: $LATEST
            live:
              # pinned, because version 1 is not what $LATEST is: memorySize. Without this line the next apply moves the alias to $LATEST’s content
              version: 1
            new: {}
            old:
              description: "a: b"
              # pinned, because version 1 is not what $LATEST is: memorySize. Without this line the next apply moves the alias to $LATEST’s content
              version: 1
      "
    `);
  });

  it('an alias whose traffic is split is left out and said', async () => {
    const it = await deployed();
    const alias = it.fn().aliases.get('live');
    if (alias === undefined) throw new Error('the stage has an alias live');
    it.fn().aliases.set('live', { ...alias, weights: { '2': 0.125 } });
    const text = await imported(it, 'hello', '--force');
    expect(text).toContain(
      '# aliases.live: not in the file and left alone: it sends 12.5 % of its traffic to version 2',
    );
    expect(text).not.toContain('aliases:\n');
  });

  it('variables that AWS does not show are left alone', async () => {
    const it = await stage();
    await made(it, { Environment: { Variables: { GREETING: 'hello there' } } });
    const { content } = it.fn().latest;
    content.config['Environment'] = { Error: { ErrorCode: 'KMSAccessDeniedException', Message: 'no\r\n# really' } };
    const text = await imported(it, 'hello');
    expect(text).toMatch(/# environment: not in the file.*KMSAccessDeniedException.*kms:Decrypt/);
  });
});

/** What a function may have, each with values that AWS takes; a subset is drawn. */
const DRAWN = fc.record(
  {
    Description: fc.string({ maxLength: 40 }),
    Timeout: fc.integer({ min: 1, max: 900 }),
    MemorySize: fc.constantFrom(128, 129, 10_240),
    Architectures: fc.constantFrom(['arm64'], ['x86_64']),
    Layers: fc.uniqueArray(fc.constantFrom(...['c', 'a', 'b'].map((name) => arn('lambda', `layer:${name}:1`)))),
    VpcConfig: fc.record({
      SubnetIds: fc.uniqueArray(fc.constantFrom('subnet-2', 'subnet-1', 'subnet-3'), { minLength: 1 }),
      SecurityGroupIds: fc.constantFrom(['sg-2', 'sg-1'], ['sg-1']),
      Ipv6AllowedForDualStack: fc.boolean(),
    }),
    DeadLetterConfig: fc.constantFrom({ TargetArn: arn('sqs', 'dead') }, { TargetArn: '' }),
    KMSKeyArn: fc.constantFrom(arn('kms', 'key/a'), ''),
    TracingConfig: fc.constantFrom({ Mode: 'Active' }, { Mode: 'PassThrough' }),
    FileSystemConfigs: fc.constantFrom([], RICH.FileSystemConfigs),
    EphemeralStorage: fc.record({ Size: fc.constantFrom(512, 513) }),
    LoggingConfig: fc.record(
      {
        LogFormat: fc.constantFrom('JSON', 'Text'),
        ApplicationLogLevel: fc.constantFrom('INFO', 'DEBUG'),
        SystemLogLevel: fc.constantFrom('INFO', 'WARN'),
        LogGroup: fc.constantFrom('/acme/logs', '/aws/lambda/hello'),
      },
      { requiredKeys: ['LogFormat'] },
    ),
    CodeSigningConfigArn: fc.constant(SIGNING),
    Environment: fc.record({
      Variables: fc.dictionary(fc.stringMatching(/^[A-Z][A-Z0-9_]{1,6}$/), fc.string({ maxLength: 8 }), { maxKeys: 4 }),
    }),
    Tags: fc.dictionary(fc.stringMatching(/^[a-z0-9 ._:/=+@-]{1,8}$/), fc.stringMatching(/^[a-z0-9 ._:/=+@-]{0,8}$/), {
      maxKeys: 4,
    }),
  },
  { requiredKeys: [] },
);

it('whatever a function has: a plan finds nothing, and elsewhere the file makes the same function', async () => {
  await fc.assert(
    fc.asyncProperty(DRAWN, async (drawn) => {
      const [from, to] = [await stage(), await stage()];
      await made(from, drawn as unknown as Partial<CreateFunctionCommandInput>);
      const text = await imported(from, 'hello', '--download');
      await to.file(`${text}metadata: file:records\n`);
      await to.write('hello.zip', await readFile(path.join(from.folder, 'hello.zip')));
      const applied = await to.run('apply', '--yes');
      expect(applied.exitCode, text + applied.out + applied.err).toBe(0);
      const [is, was] = [to.fn(), from.fn()].map((fn) => normal(fn));
      expect(is, text).toEqual(was);
      await Promise.all([from.sandbox.close(), to.sandbox.close()]);
    }),
    { numRuns: 20 },
  );
});

/** A function without the order of sets, and without what is equal to nothing. */
function normal({ latest, tags, codeSigningConfigArn }: ReturnType<Stage['fn']>): unknown {
  const { Environment, VpcConfig, ...config } = latest.content.config as Document;
  const network = VpcConfig?.SubnetIds?.length > 0 ? VpcConfig : { SubnetIds: [], SecurityGroupIds: [] };
  return {
    ...config,
    network: {
      ...network,
      SubnetIds: network.SubnetIds.toSorted(),
      SecurityGroupIds: network.SecurityGroupIds.toSorted(),
    },
    variables: Environment?.Variables ?? {},
    code: latest.content.code.codeSha256,
    tags,
    codeSigningConfigArn,
  };
}

describe('variables read back as they are', () => {
  const HOSTILE: Readonly<Record<string, string>> = {
    EXPRESSION: '${X}',
    ESCAPED: '$${X}',
    DOLLARS: 'a$$${ssm:/a}$',
    LINES: 'one\n two\n\nthree \n',
    BLANK: ' \n',
    BLANKS: '  \n\n x\n',
    CARRIAGE: 'one\r\ntwo\r',
    UNICODE: 'ünïcödé 🚀 \u2028\u0085\ufeff',
    YES: 'yes',
    VERSION: '1.10',
    NOTHING: 'null',
    EMPTY: '',
    HASH: '# no comment',
    SPACES: '  both  ',
    OCTAL: '0o17',
    TIME: '12:30:45',
    BLOCK: '| no block',
    COLON: 'a: b',
    JSON_TEXT: '{"a": [1, "${b}"]}',
    BACKSLASH: '\\n\\"\'',
    CONTROL: '\u0000\u0007\t\u007f',
    ALIAS_OF: '*anchor',
    LONG: 'word '.repeat(60),
  };

  it('whatever YAML or this tool would make of them', async () => {
    const it = await stage();
    await made(it, { Environment: { Variables: HOSTILE } });
    const text = await imported(it, 'hello');
    expect(text).not.toContain('ignoreChanges');
    const rendered = await it.run('render', '--format', 'json');
    expect(Object.keys(rendered.json().functions.hello.environment)).toEqual(Object.keys(HOSTILE));
  });

  it('any at all', async () => {
    const it = await stage();
    await made(it);
    const value = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.string({
        unit: fc.constantFrom('$', '{', '}', '\n', ' ', '#', ':', '-', '"', "'", '\\', 'a', '1'),
        maxLength: 12,
      }),
    );
    const name = fc.stringMatching(/^[A-Z][A-Z0-9_]{1,6}$/);
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, value, { maxKeys: 6 }), value, async (variables, description) => {
        const { config } = it.fn().latest.content;
        config['Environment'] = { Variables: variables };
        config['Description'] = description;
        await imported(it, 'hello', '--force');
      }),
      { numRuns: 30 },
    );
  });
});

describe('no secret gets into the file', () => {
  const SECRETS = {
    API_KEY: 'k-planted-4711',
    DATABASE: 'postgres://me:hunter2@db/orders',
    COPY: 'curl -H k-planted-4711 example.org',
    DEPLOY: 'ghp_0123456789abcdefghijABCDEFGHIJ012345',
  };

  it('nor into any output; a plan still has no changes', async () => {
    const it = await stage();
    await made(it, {
      Environment: { Variables: { ...SECRETS, LOG_LEVEL: 'INFO', AWS_LAMBDA_EXEC_WRAPPER: '/opt/w' } },
    });
    const text = await imported(it, 'hello');
    const shown = await run(it, 'import', 'hello', '--force', '--format', 'json');
    expect(shown.json()).toMatchObject({
      command: 'import',
      file: 'lambda.deploy.yaml',
      functions: [{ name: 'hello', withheld: ['API_KEY', 'COPY', 'DATABASE', 'DEPLOY'] }],
    });
    expect(text).toContain('environment.API_KEY');
    expect(text).toContain('AWS_LAMBDA_EXEC_WRAPPER: /opt/w');
    expect(JSON.stringify(it.fn().latest.content.config)).toContain(SECRETS.API_KEY);
    for (const where of [text, ...it.outputs])
      for (const secret of [...Object.values(SECRETS), 'hunter2']) expect(where).not.toContain(secret);
  });
});

describe('files that are there', () => {
  it('are not overwritten, all of them named, and nothing is left behind', async () => {
    const it = await stage();
    await made(it);
    await made(it, { FunctionName: 'other' });
    await writeFile(path.join(it.folder, 'lambda.deploy.yaml'), 'mine');
    await writeFile(path.join(it.folder, 'other.zip'), 'mine too');
    const ran = await run(it, 'import', 'hello', 'other', '--download');
    expect(ran.exitCode).toBe(1);
    expect(ran.err).toMatch(/FILE_EXISTS.*\n.*lambda\.deploy\.yaml.*other\.zip/);
    expect(await readdir(it.folder)).toEqual(['lambda.deploy.yaml', 'other.zip']);
    expect([await written(it), await written(it, 'other.zip')]).toEqual(['mine', 'mine too']);
    expect((await run(it, 'import', 'hello', 'other', '--download', '--force')).exitCode).toBe(0);
    expect(await written(it)).toContain('version: 1');
  });

  it('are not made when the download fails', async () => {
    const it = await stage({
      intercept: ({ operation }) =>
        operation === 'GetFunctionCodeSigningConfig'
          ? { kind: 'error', status: 403, code: 'AccessDeniedException', message: 'not authorized' }
          : undefined,
    });
    await made(it);
    it.fn().latest.content = { ...it.fn().latest.content, code: { codeSha256: 'another', zip: new Uint8Array([1]) } };
    const ran = await run(it, 'import', 'hello', '--download');
    expect([ran.exitCode, await readdir(it.folder)]).toEqual([3, []]);
    expect(ran.err).toContain('LIVE_CHANGED');
  });

  it('--out names another place, and a folder that is not there is an error', async () => {
    const it = await stage();
    await made(it);
    const ran = await run(it, 'import', 'hello', '--out', 'sub/own.yaml');
    expect([ran.exitCode, ran.err]).toEqual([1, expect.stringContaining('FILE_NOT_WRITTEN')]);
    const there = await run(it, 'import', 'hello', '--out', 'own.yaml');
    expect(there.out).toContain('lambda-deploy plan --config own.yaml');
    expect((await run(it, 'plan', '--config', 'own.yaml')).out).toContain('No changes.');
  });
});

describe('what cannot be imported', () => {
  it('names every function that does not exist, and writes nothing', async () => {
    const it = await stage();
    await made(it);
    const ran = await run(it, 'import', 'gone', 'hello', 'missing');
    expect([ran.exitCode, await readdir(it.folder)]).toEqual([1, []]);
    expect(ran.err).toContain('gone, missing');
  });

  it.each([arn('lambda', 'function:hello'), '../hello', 'a'.repeat(65)])('%s is no name', async (name) => {
    const it = await stage();
    expect((await run(it, 'import', name)).err).toContain('error[USAGE]');
    expect((await run(it, 'import')).err).toContain('error[USAGE]');
    expect(it.seen()).toEqual([]);
  });
});

it('the built program imports what it deployed, from an empty folder', async () => {
  const it = await deployed({}, fileOf({ hello: hello() }));
  const empty = await project();
  const env = { AWS_ENDPOINT_URL: it.sandbox.url, AWS_REGION: 'us-east-1' };
  await it.client.send(
    new PutFunctionCodeSigningConfigCommand({ FunctionName: 'hello', CodeSigningConfigArn: SIGNING }),
  );
  const ran = await spawnCli(['import', 'hello', '--download'], { cwd: empty.folder, env }).done;
  expect(ran.exitCode, ran.out + ran.err).toBe(0);
  expect(ran.out).toContain('Wrote lambda.deploy.yaml, hello.zip: hello');
  const plan = await spawnCli(['plan', '--detailed-exitcode'], { cwd: empty.folder, env }).done;
  expect([plan.exitCode, plan.out], plan.err).toEqual([0, expect.stringContaining('No changes.')]);
});
