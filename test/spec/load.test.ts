import { existsSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isDeployError } from '../../src/errors.js';
import { reveal } from '../../src/model/secret.js';
import { loadSpec, toDesired } from '../../src/spec/load.js';
import { folderWith, load } from './helpers.js';

const MINIMAL = 'version: 1\nfunctions:\n  orders: {}\n';
const ROLE = 'arn:aws:iam::123456789012:role/orders';

describe('where the file is found', () => {
  it.each([
    ['lambda.deploy.yaml', MINIMAL, '.'],
    ['lambda.deploy.yml', MINIMAL, '.'],
    ['lambda.deploy.json', '{\n\t"version": 1,\n\t"functions": { "orders": {} }\n}\n', '.'],
    ['.config/lambda.deploy.yaml', MINIMAL, '.'],
    ['package.json', '{ "name": "x", "lambdaDeploy": { "version": 1, "functions": { "orders": {} } } }', '.'],
  ])('%s', async (name, content, base) => {
    const cwd = await folderWith({ [name]: content });
    const spec = await loadSpec({ cwd, variables: {} });
    expect(spec.file).toBe(join(cwd, name));
    expect(spec.directory).toBe(join(cwd, base));
    expect(spec.functions.map(({ key }) => key)).toEqual(['orders']);
  });

  it('is sought upwards to the root of the repository', async () => {
    const root = await folderWith({ 'lambda.deploy.yaml': MINIMAL, '.git/HEAD': '', 'a/b/package.json': '{}' });
    expect((await loadSpec({ cwd: join(root, 'a/b'), variables: {} })).file).toBe(join(root, 'lambda.deploy.yaml'));
  });

  it.each([
    [
      'above the root of the repository',
      { 'lambda.deploy.yaml': MINIMAL, 'repo/.git/HEAD': '', 'repo/a/x': '' },
      'repo/a',
    ],
    ['above a folder outside any repository', { 'lambda.deploy.yaml': MINIMAL, 'a/x': '' }, 'a'],
    ['in a package.json without the key', { '.git/HEAD': '', 'package.json': '{"name":"x"}' }, '.'],
    ['in JavaScript', { '.git/HEAD': '', 'lambda.deploy.js': 'throw 1', 'lambda.deploy.config.mjs': 'throw 1' }, '.'],
  ])('is not found %s', async (_, files, from) => {
    const root = await folderWith(files);
    await expect(loadSpec({ cwd: join(root, from), variables: {} })).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });

  it('an empty file is an error, not a reason to look further up', async () => {
    const root = await folderWith({ 'lambda.deploy.yaml': MINIMAL, '.git/HEAD': '', 'a/lambda.deploy.yaml': '' });
    await expect(loadSpec({ cwd: join(root, 'a'), variables: {} })).rejects.toMatchObject({
      detail: 'The file is empty.',
    });
  });

  it.each([
    ['a link to nowhere', 'lambda.deploy.yaml'],
    ['a link to nowhere in .config', '.config/lambda.deploy.yaml'],
  ])('%s is an error, not a reason to look further up', async (_, name) => {
    const root = await folderWith({ 'lambda.deploy.yaml': MINIMAL, '.git/HEAD': '', 'a/.config/x': '' });
    await symlink('/nowhere', join(root, 'a', name));
    await expect(loadSpec({ cwd: join(root, 'a'), variables: {} })).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  });

  it('--config names one, relative to the working directory', async () => {
    const cwd = await folderWith({ 'lambda.deploy.yaml': 'broken: [', 'conf/one.yaml': MINIMAL });
    const spec = await loadSpec({ cwd, config: 'conf/one.yaml', variables: {} });
    expect(spec.directory).toBe(join(cwd, 'conf'));
  });

  it.each([
    ['nowhere.yaml', 'FILE_NOT_FOUND'],
    ['.', 'FILE_UNREADABLE'],
    ['/dev/zero', 'FILE_UNREADABLE'],
  ])('--config %s is refused with %s', async (config, code) => {
    const cwd = await folderWith({});
    await expect(loadSpec({ cwd, config, variables: {} })).rejects.toMatchObject({ code });
  });

  it('a file beyond any hand-written one is refused before it is parsed', async () => {
    const cwd = await folderWith({ 'lambda.deploy.yaml': MINIMAL + '#'.repeat(1_048_576) });
    await expect(loadSpec({ cwd, variables: {} })).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  });

  it('positions in package.json are those of package.json', async () => {
    const cwd = await folderWith({
      'package.json': '{\n "lambdaDeploy": {\n  "version": 2, "functions": {"a":{}} } }',
    });
    await expect(loadSpec({ cwd, variables: {} })).rejects.toMatchObject({
      location: { file: 'package.json', line: 3, column: 14 },
    });
  });
});

describe('nothing in the repository is executed (semantics 31)', () => {
  const plant = (marker: string) => `require('node:fs').writeFileSync(${JSON.stringify(marker)}, 'ran');`;
  const plantModule = (marker: string) =>
    `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(marker)}, 'ran'); export default {};`;

  it.each(['.config/config.cjs', '.config/config.js', '.config/config.mjs', '.config/config.ts', 'evil.cjs'])(
    '%s',
    async (name) => {
      const marker = join(await folderWith({}), 'ran');
      const content = /\.m?ts$|\.mjs$/.test(name) ? plantModule(marker) : plant(marker);
      const cwd = await folderWith({
        [name]: content,
        'package.json': JSON.stringify({
          cosmiconfig: { searchPlaces: ['evil.cjs'], loaders: { '.cjs': './evil.cjs' } },
        }),
        'lambda.deploy.yaml': MINIMAL,
      });
      await mkdir(join(cwd, '.git'));
      const before = process.cwd();
      onTestFinished(() => process.chdir(before));
      // cosmiconfig's own entry looks for its configuration in the process's working directory.
      process.chdir(cwd);
      expect((await loadSpec({ cwd, variables: {} })).file).toBe(join(cwd, 'lambda.deploy.yaml'));
      expect(existsSync(marker)).toBe(false);
    },
  );

  it('a script named with --config is read as YAML and refused', async () => {
    const marker = join(await folderWith({}), 'ran');
    const cwd = await folderWith({ 'deploy.cjs': plant(marker) });
    await expect(loadSpec({ cwd, config: 'deploy.cjs', variables: {} })).rejects.toSatisfy((error) =>
      isDeployError(error),
    );
    expect(existsSync(marker)).toBe(false);
  });

  it('a meta-configuration cannot name another file', async () => {
    const cwd = await folderWith({
      'package.json': JSON.stringify({ cosmiconfig: { searchPlaces: ['other.yaml'], mergeSearchPlaces: false } }),
      'other.yaml': MINIMAL,
    });
    await expect(loadSpec({ cwd, variables: {} })).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });
});

describe('what a file means', () => {
  it('gives the desired state, variables as secrets', async () => {
    const text = `
version: 1
region: eu-west-1
account: "123456789012"
metadata: file:.records
functions:
  orders:
    name: orders-\${STAGE}
    code: { zip: build/function.zip }
    runtime: nodejs22.x
    handler: index.handler
    role: ${ROLE}
    timeout: null
    environment: { RATE: 1.10, DEBUG: True, STAGE: "\${STAGE}", EMPTY: "" }
    tags: { team: payments, old: null }
    versionDescription: build \${BUILD:-0}
    ignoreChanges: [layers]
    aliases:
      live:
      canary: { version: 7, description: null, autoRollback: false, healthCheck: { payload: [1], expect: { status: 204 }, timeout: 5m } }
      head: { version: $LATEST }
`;
    const spec = await load(text, { STAGE: 'dev' });
    const code = { kind: 'zip', source: 'build/function.zip', codeSha256: 'x', zipBytes: 1, unzippedBytes: 1 } as const;
    const desired = toDesired(spec, new Map([['orders', code]]));
    const [orders] = desired.functions;
    const variables = Object.entries(orders?.environment ?? {}).map(([name, value]) => [name, reveal(value)]);
    expect(Object.fromEntries(variables)).toEqual({ RATE: '1.10', DEBUG: 'True', STAGE: 'dev', EMPTY: '' });
    expect(JSON.stringify(orders?.environment)).not.toContain('1.10');
    expect({
      ...desired,
      functions: [{ ...orders, environment: undefined, asWritten: undefined, specDigest: undefined }],
    }).toEqual({
      file: spec.file,
      region: 'eu-west-1',
      account: '123456789012',
      metadata: { store: 'file', directory: join(spec.directory, '.records') },
      functions: [
        {
          key: 'orders',
          name: 'orders-dev',
          settings: { runtime: 'nodejs22.x', handler: 'index.handler', role: ROLE, timeout: null },
          code,
          tags: { team: 'payments', old: null },
          versionDescription: 'build 0',
          ignoreChanges: ['layers'],
          aliases: [
            { name: 'live', healthChecks: [], autoRollback: true },
            {
              name: 'canary',
              version: '7',
              description: null,
              healthChecks: [{ payload: [1], expect: { status: 204 }, timeoutSeconds: 300 }],
              autoRollback: false,
            },
            { name: 'head', version: '$LATEST', healthChecks: [], autoRollback: false },
          ],
        },
      ],
    });
    expect(spec.functions[0]?.codeSource).toEqual({
      kind: 'zip',
      path: 'build/function.zip',
      reproducible: false,
      location: { file: 'lambda.deploy.yaml', line: 9, column: 18 },
    });
  });

  it('absent is not managed, null resets', async () => {
    const spec = await load('version: 1\nfunctions:\n  a: { environment: null, layers: null }\n  b: {}\n');
    expect(spec.functions.map(({ environment, settings }) => ({ environment, settings }))).toEqual([
      { environment: null, settings: { layers: null } },
      { environment: undefined, settings: {} },
    ]);
  });

  it('--region wins over the file, also in ${config:region}', async () => {
    const text = 'version: 1\nregion: us-east-1\nfunctions:\n  a: { description: "${config:region}" }\n';
    expect((await load(text, {}, { region: 'eu-west-1' })).functions[0]?.settings.description).toBe('eu-west-1');
    expect((await load(text, {}, { region: 'eu-west-1' })).region).toBe('eu-west-1');
    expect((await load(text)).region).toBe('us-east-1');
  });

  it.each([
    ['layers are named', 'layers: ["arn:aws:lambda:us-east-1:123456789012:layer:tools:7"]', false],
    ['layers are ignored', 'ignoreChanges: [layers]', false],
    ['a wrapper starts the function', 'environment: { AWS_LAMBDA_EXEC_WRAPPER: /opt/x }', false],
    ['the handler is not managed', 'handler: h', true],
  ])('the archive must have the module, unless %s', async (_, line, isChecked) => {
    const text = `version: 1\ndefaults: { code: { zip: a.zip }, runtime: python3.13, handler: m.f }\nfunctions:\n  a:\n    ${line}\n`;
    expect((await load(text)).functions[0]?.codeSource?.entryPoint !== undefined).toBe(isChecked);
  });

  it('warns when a build number stands in a description', async () => {
    const text = 'version: 1\nfunctions:\n  a: { description: "build ${BUILDKITE_BUILD_NUMBER}" }\n';
    const { warnings } = await load(text, { BUILDKITE_BUILD_NUMBER: '7' });
    expect(warnings).toMatchObject([
      { severity: 'warning', path: 'functions.a.description', location: { line: 3, column: 21 } },
    ]);
    expect(warnings[0]?.fix).toContain('versionDescription');
  });
});

describe('defaults', () => {
  const merged = async (defaults: string, own: string) =>
    (await load(`version: 1\ndefaults: ${defaults}\nfunctions:\n  a: ${own}\n`)).functions[0]?.asWritten;

  it.each([
    ['maps merge', '{ tags: { a: x, b: x } }', '{ tags: { b: y } }', { tags: { a: 'x', b: 'y' } }],
    [
      'structs merge',
      '{ loggingConfig: { logFormat: JSON } }',
      '{ loggingConfig: { logGroup: /a } }',
      { loggingConfig: { logFormat: 'JSON', logGroup: '/a' } },
    ],
    ['lists replace', '{ ignoreChanges: [layers] }', '{ ignoreChanges: [timeout] }', { ignoreChanges: ['timeout'] }],
    ['null replaces', '{ vpcConfig: { subnetIds: [subnet-1] } }', '{ vpcConfig: null }', { vpcConfig: null }],
    ['a map replaces null', '{ environment: null }', '{ environment: { AA: b } }', { environment: { AA: 'b' } }],
    [
      'an alias with nothing keeps its defaults',
      '{ aliases: { live: { autoRollback: false } } }',
      '{ aliases: { live: } }',
      { aliases: { live: { autoRollback: false } } },
    ],
  ])('%s', async (_, defaults, own, expected) => expect(await merged(defaults, own)).toEqual(expected));
});

it('random bytes give findings, never another exception', async () => {
  const cwd = await folderWith({ 'lambda.deploy.yaml': '' });
  const { writeFile } = await import('node:fs/promises');
  const yamlish = fc.string({ unit: fc.constantFrom(...'ab:- {}[]\n"\'&*!|>%@#?,$~0.\t'), maxLength: 60 });
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    yamlish,
    yamlish.map((text) => `version: 1\nfunctions: ${text}`),
  );
  await fc.assert(
    fc.asyncProperty(bytes, async (content) => {
      await writeFile(join(cwd, 'lambda.deploy.yaml'), content);
      const error: unknown = await loadSpec({ cwd, config: 'lambda.deploy.yaml', variables: {} }).catch(
        (e: unknown) => e,
      );
      if (error instanceof Error && !isDeployError(error)) throw error;
    }),
    { numRuns: 300 },
  );
});
