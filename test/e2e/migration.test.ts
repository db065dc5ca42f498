import { cp, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CreateAliasCommand,
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  GetFunctionConfigurationCommand,
  type GetFunctionConfigurationCommandOutput,
} from '@aws-sdk/client-lambda';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { putVersion } from '../../src/sandbox/stores.js';
import type { SandboxOptions } from '../../src/sandbox/server.js';
import {
  okHandler,
  project,
  type Ran,
  runInside,
  spawnCli,
  stage,
  type Stage,
  throwingHandler,
  zipOf,
} from './support.js';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
const PIPELINE_SCHEMA = fileURLToPath(
  new URL('../../../shared/reference/buildkite-pipeline.schema.json', import.meta.url),
);
const NAMES = ['zip', 'container', 's3', 'approval', 'health-checks'] as const;
const BUILD = { BUILDKITE_BUILD_NUMBER: '7' };
const OUT = ['import', '--pipeline', 'before.yml', '--pipeline-out', 'pipeline.yml'] as const;
const folderOf = (name: string): string => path.join(EXAMPLES, `migrated-${name}`);
const textOf = (name: string, file: string): Promise<string> => readFile(path.join(folderOf(name), file), 'utf8');

interface Step {
  readonly command?: string | readonly string[];
  readonly commands?: string | readonly string[];
}

/** The lambda-deploy commands of a pipeline, in order, as words; the rest of a build is not run here. */
async function commandsOf(it: Stage): Promise<readonly (readonly string[])[]> {
  const pipeline = parse(await readFile(path.join(it.folder, 'pipeline.yml'), 'utf8')) as Step[] | { steps: Step[] };
  const steps = Array.isArray(pipeline) ? pipeline : pipeline.steps;
  const lines = steps.flatMap(({ command, commands }) => [command ?? commands ?? []].flat());
  return lines.flatMap((line) => (line.startsWith('npx lambda-deploy ') ? [line.split(' ').slice(2)] : []));
}

it('every migrated example is a case here', async () => {
  const folders = (await readdir(EXAMPLES)).filter((name) => name.startsWith('migrated-'));
  expect(folders.sort()).toEqual(NAMES.map((name) => `migrated-${name}`).sort());
});

describe.each(NAMES)('examples/migrated-%s', (name) => {
  it('is what the command writes', async () => {
    const it = await project();
    await it.write('before.yml', await textOf(name, 'before.yml'));
    const ran = await runInside(OUT, { cwd: it.folder });
    expect(ran.exitCode, ran.err).toBe(0);
    for (const file of ['lambda.deploy.yaml', 'pipeline.yml'])
      expect(await readFile(path.join(it.folder, file), 'utf8'), file).toBe(await textOf(name, file));
    expect(await runInside(['validate'], { cwd: it.folder, env: BUILD })).toMatchObject({ exitCode: 0, err: '' });
  });

  it('is a pipeline by Buildkite’s published schema', async (context) => {
    const schema = await readFile(PIPELINE_SCHEMA, 'utf8').catch(() => undefined);
    if (schema === undefined) {
      console.log('Buildkite’s schema is not beside the repository: the shape of the pipelines is not checked.');
      return context.skip();
    }
    const validate = new Ajv({ strict: false, logger: false, allErrors: true }).compile(JSON.parse(schema) as object);
    const pipeline: unknown = parse(await textOf(name, 'pipeline.yml'));
    // The agent takes a bare list of steps, which the schema does not know.
    expect(validate(Array.isArray(pipeline) ? { steps: pipeline } : pipeline), JSON.stringify(validate.errors)).toBe(
      true,
    );
  });
});

/** An example's folder on a stage, with a function as the plugin leaves one: an alias on `$LATEST`, settings of long ago. */
async function migrated(
  name: (typeof NAMES)[number],
  functionName: string,
  { code, ...options }: SandboxOptions & { readonly code?: Partial<CreateFunctionCommandInput> } = {},
): Promise<Stage> {
  const it = await stage(options);
  await cp(folderOf(name), it.folder, { recursive: true });
  const zip = {
    Runtime: 'nodejs22.x',
    Handler: 'index.handler',
    Code: { ZipFile: zipOf({ 'index.mjs': okHandler('of the plugin') }) },
  } as const;
  const Role = `arn:aws:iam::123456789012:role/${functionName}`;
  await it.client.send(
    new CreateFunctionCommand({ FunctionName: functionName, Role, ...(code ?? zip) } as CreateFunctionCommandInput),
  );
  await it.clock.sleep(60_000);
  await it.client.send(
    new CreateAliasCommand({ FunctionName: functionName, Name: 'live', FunctionVersion: '$LATEST' }),
  );
  it.mutations();
  return it;
}

const inBuild = (it: Stage, argv: readonly string[], number = '7'): Promise<Ran> =>
  it.runWith({ env: { BUILDKITE_BUILD_NUMBER: number } }, ...argv);
const behindLive = (it: Stage, name: string): Promise<GetFunctionConfigurationCommandOutput> =>
  it.client.send(new GetFunctionConfigurationCommand({ FunctionName: name, Qualifier: 'live' }));
const served = (it: Stage, name: string): string | undefined => it.fn(name).aliases.get('live')?.functionVersion;

describe('the migrated pipelines, run on functions that the plugin left', () => {
  it('zip: the version has the variables that the plugin dropped, and the second build changes nothing', async () => {
    const it = await migrated('zip', 'invoices');
    const [apply = []] = await commandsOf(it);
    const first = await inBuild(it, apply);
    expect(first.exitCode, first.out + first.err).toBe(0);
    expect(first.out).toContain('status 200');
    expect(await behindLive(it, 'invoices')).toMatchObject({
      Environment: { Variables: { LOG_LEVEL: 'info', STAGE: 'production' } },
      Timeout: 30,
      Description: expect.stringContaining('Build 7 of invoices'),
    });
    it.mutations();
    expect((await inBuild(it, apply, '8')).exitCode).toBe(0);
    expect(it.mutations()).toEqual([]);
  });

  it('container: the tag of this build is what runs, with the image configuration', async () => {
    const uri = '123456789012.dkr.ecr.us-east-1.amazonaws.com/thumbnails';
    const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
    const it = await migrated('container', 'thumbnails', {
      seed: { images: { [`${uri}:6`]: digest('a'), [`${uri}:7`]: digest('b') } },
      images: { [`${uri}@${digest('b')}`]: path.join(folderOf('container'), 'src') },
      code: { PackageType: 'Image', Code: { ImageUri: `${uri}:6` } },
    });
    const [apply = []] = await commandsOf(it);
    const ran = await inBuild(it, apply);
    expect(ran.exitCode, ran.out + ran.err).toBe(0);
    expect(await behindLive(it, 'thumbnails')).toMatchObject({
      Environment: { Variables: { RELEASE: '7' } },
      ImageConfigResponse: { ImageConfig: { Command: ['index.handler'] } },
    });
  });

  it('s3: the object of this build', async () => {
    const it = await migrated('s3', 'reports', { seed: { buckets: { 'acme-artifacts': {} } } });
    const bucket = it.sandbox.state.stores.buckets.get('acme-artifacts');
    if (bucket === undefined) throw new Error('the bucket was seeded');
    const body = zipOf({ 'index.mjs': await textOf('s3', 'src/index.mjs') });
    putVersion(bucket, 'reports/7.zip', { body, headers: {}, now: 0 });
    const [apply = []] = await commandsOf(it);
    const ran = await inBuild(it, apply);
    expect(ran.exitCode, ran.out + ran.err).toBe(0);
    expect(served(it, 'reports')).not.toBe('$LATEST');
    expect((await inBuild(it, apply, '8')).err).toContain('reports/8.zip');
  });

  it('approval and rollback: another build takes a good deployment back', async () => {
    const it = await migrated('approval', 'orders');
    const [apply = [], rollback = []] = await commandsOf(it);
    expect((await inBuild(it, apply)).exitCode).toBe(0);
    const good = served(it, 'orders');
    await it.code(okHandler('worse'));
    expect((await inBuild(it, apply, '8')).exitCode).toBe(0);
    expect(served(it, 'orders')).not.toBe(good);
    const ran = await inBuild(it, rollback, '8');
    expect(ran.exitCode, ran.out + ran.err).toBe(0);
    expect(served(it, 'orders')).toBe(good);
  });

  it('health checks: the status that is expected passes; a handler that throws moves nothing', async () => {
    const it = await migrated('health-checks', 'catalogue');
    const [apply = []] = await commandsOf(it);
    const ran = await inBuild(it, apply);
    expect(ran.exitCode, ran.out + ran.err).toBe(0);
    expect(ran.out).toContain('status 204');
    const good = served(it, 'catalogue');
    for (const source of [throwingHandler('broken'), okHandler('200, not 204')]) {
      await it.code(source);
      expect((await inBuild(it, apply)).exitCode).toBe(4);
      expect(served(it, 'catalogue')).toBe(good);
    }
  });
});

const PLUGIN = `steps:
  - label: deploy
    plugins:
      - aws-lambda-deploy#v1.0.0:
          function-name: orders
          alias: live
          mode: deploy
          zip-file: dist/f.zip
          memory-size: 64
`;
const GOOD = PLUGIN.replace('64', '128');

describe('the command', () => {
  it(
    'writes both files beside each other, says the notes on stderr, and calls nothing',
    { timeout: 60_000 },
    async () => {
      const it = await project();
      await it.write('.buildkite/pipeline.yml', GOOD);
      const ran = await spawnCli(['import', '--pipeline', '.buildkite/pipeline.yml'], { cwd: it.folder }).done;
      expect(ran.exitCode, ran.err).toBe(0);
      expect(ran.out).toMatch(
        /^Wrote lambda\.deploy\.yaml, \.buildkite\/pipeline\.lambda-deploy\.yml: orders \(live\)\n/,
      );
      expect(ran.err).toContain('warning[CONFIGURATION_FIRST]\n  .buildkite/pipeline.yml:4:9  The plugin');
      expect(await readFile(path.join(it.folder, '.buildkite/pipeline.yml'), 'utf8')).toBe(GOOD);
    },
  );

  it('as JSON is one document, and as Markdown a table', async () => {
    const it = await project();
    await it.write('p.yml', GOOD);
    const json = await runInside(['import', '--pipeline', 'p.yml', '--format', 'json'], { cwd: it.folder });
    expect(json.err).toBe('');
    expect(json.json()).toMatchObject({
      ...{ formatVersion: '1', command: 'import', from: 'p.yml', file: 'lambda.deploy.yaml' },
      ...{ pipeline: 'p.lambda-deploy.yml', environments: [], functions: [{ name: 'orders', aliases: ['live'] }] },
    });
    const [note] = json.json()['notes'] as unknown[];
    expect(note).toMatchObject({ code: expect.any(String), severity: 'warning', fix: expect.any(String) });
    const markdown = await runInside(['import', '--pipeline', 'p.yml', '--force', '--format', 'markdown'], {
      cwd: it.folder,
    });
    expect(markdown.out).toContain('| Line | Note | About | What | Do |');
  });

  it('a file in another folder is named to apply, and its archive from there', async () => {
    const it = await project();
    await mkdir(path.join(it.folder, '.git'));
    await it.write('deploy/p.yml', GOOD);
    const cwd = path.join(it.folder, 'deploy');
    const ran = await runInside(['import', '--pipeline', 'p.yml', '--out', 'lambda.yaml'], { cwd });
    expect(ran.exitCode, ran.err).toBe(0);
    expect(await readFile(path.join(cwd, 'lambda.yaml'), 'utf8')).toContain('zip: ../dist/f.zip');
    expect(await readFile(path.join(cwd, 'p.lambda-deploy.yml'), 'utf8')).toContain('--config deploy/lambda.yaml');
  });

  it.each<[string, string, readonly string[], string]>([
    ['a value that Lambda refuses', PLUGIN, [], 'error[SCHEMA] The value is not allowed here\n  p.yml:9:24'],
    ['no such file', GOOD, ['--pipeline', 'q.yml'], 'check the path after --pipeline.'],
    ['no plugin', 'steps: [{plugins: [docker#v5]}]', [], 'error[NO_PLUGIN_STEP]'],
    ['one name for both', GOOD, ['--pipeline-out', 'lambda.deploy.yaml'], 'error[USAGE]'],
    ['functions, too', GOOD, ['orders'], 'error[USAGE]'],
    ['--download', GOOD, ['--download'], 'error[USAGE]'],
    ['a folder in the way', GOOD, ['--pipeline-out', '.', '--force'], 'error[FILE_NOT_WRITTEN]'],
    ['no folder to write to', GOOD, ['--pipeline-out', 'none/p.yml'], 'error[FILE_NOT_WRITTEN]'],
    ['the pipeline itself', GOOD, ['--pipeline-out', 'p.yml'], 'error[FILE_EXISTS]'],
  ])('%s: exit 1, and nothing is written', async (_, text, more, expected) => {
    const it = await project();
    await it.write('p.yml', text);
    const ran = await runInside(['import', '--pipeline', 'p.yml', ...more], { cwd: it.folder });
    expect(ran).toMatchObject({ exitCode: 1, out: '' });
    expect(ran.err).toContain(expected);
    expect(await readdir(it.folder)).toEqual(['p.yml']);
    expect(await readFile(path.join(it.folder, 'p.yml'), 'utf8')).toBe(text);
  });

  it('neither functions nor a pipeline, or the option of the other: exit 1', async () => {
    for (const argv of [[], ['orders', '--pipeline-out', 'x.yml']])
      expect(await runInside(['import', ...argv], {})).toMatchObject({
        exitCode: 1,
        err: expect.stringContaining('USAGE'),
      });
  });

  it('refuses a pipeline over 1 MB at once', async () => {
    const it = await project();
    await it.write('p.yml', `${GOOD}# ${'x'.repeat(1_048_576)}\n`);
    const ran = await runInside(['import', '--pipeline', 'p.yml'], { cwd: it.folder });
    expect(ran.err).toContain('1048576 are the limit');
    await expect(stat(path.join(it.folder, 'lambda.deploy.yaml'))).rejects.toThrow('ENOENT');
  });
});
