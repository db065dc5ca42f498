import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateFunctionCommand } from '@aws-sdk/client-lambda';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { findPython } from '../../src/sandbox/interpreter.js';
import { type Ran, type Stage, stage, zipOf } from './support.js';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
const PIPELINE_SCHEMA = fileURLToPath(
  new URL('../../../shared/reference/buildkite-pipeline.schema.json', import.meta.url),
);

interface Example {
  /** The versions every alias serves after the first apply. */
  readonly aliases: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** The operations of the first apply, function by function. */
  readonly calls: readonly string[];
  /** What has to exist before, as infrastructure code or an earlier deployment would make it. */
  readonly before?: (run: Stage) => Promise<void>;
}

const CREATE = ['CreateFunction', 'PublishVersion', 'Invoke', 'CreateAlias', 'Invoke', 'TagResource'];

const CASES: Readonly<Record<string, Example>> = {
  hello: { aliases: { hello: { live: '1' } }, calls: CREATE },
  moto: { aliases: { echo: { live: '1' } }, calls: CREATE },
  'two-functions': {
    aliases: { 'shop-orders': { live: '1' }, 'shop-invoices': { live: '1' } },
    calls: [...CREATE, ...CREATE],
  },
  canary: {
    aliases: { quotes: { live: '2' } },
    calls: [
      ...['TagResource', 'UpdateFunctionConfiguration', 'PublishVersion', 'Invoke', 'Invoke'],
      ...['UpdateAlias', 'Invoke', 'Invoke', 'UpdateAlias', 'Invoke', 'Invoke', 'UpdateAlias', 'Invoke', 'Invoke'],
      'TagResource',
    ],
    // A first version has nothing to share traffic with.
    before: async (run) => {
      const host = { cwd: path.join(EXAMPLES, 'canary'), env: { DISCOUNT: '5' } };
      expect(await run.runWith(host, 'apply', '--yes')).toMatchObject({ exitCode: 0 });
    },
  },
  'python-api': {
    aliases: { 'python-api': { staging: '1', production: '1' } },
    calls: [
      ...['CreateFunction', 'PublishVersion', 'Invoke', 'Invoke', 'Invoke', 'Invoke'],
      ...['CreateAlias', 'Invoke', 'Invoke', 'CreateAlias', 'Invoke', 'Invoke', 'TagResource'],
    ],
  },
  'config-only': {
    aliases: { reports: { live: '1' } },
    calls: ['TagResource', 'UpdateFunctionConfiguration', 'PublishVersion', 'CreateAlias', 'TagResource'],
    before: infrastructureMakesReports,
  },
};

const python = await findPython('python3.13');
if (python === undefined) console.log('examples/python-api is skipped: no Python runs on this machine.');

it('every folder of examples is a case here', async () => {
  const folders = (await readdir(EXAMPLES, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  // Those that were migrated are in migration.test.ts.
  const own = folders.filter(({ name }) => !name.startsWith('migrated-'));
  expect(own.map(({ name }) => name).sort()).toEqual(Object.keys(CASES).sort());
});

describe.each(Object.entries(CASES))('examples/%s', (name, example) => {
  const skip = name.startsWith('python') && python === undefined;

  it.skipIf(skip)('is valid, deploys by its plan, and is then in place', { timeout: 60_000 }, async () => {
    const run = await stage();
    await example.before?.(run);
    const command = (...argv: string[]): Promise<Ran> => run.runWith({ cwd: path.join(EXAMPLES, name) }, ...argv);

    expect(await command('validate')).toMatchObject({ exitCode: 0, err: '' });
    const plan = await command('plan', '--format', 'json');
    expect(plan).toMatchObject({ exitCode: 0, err: '' });
    const planned = plan.json().functions as { operations: { type: string }[] }[];
    expect(planned.flatMap(({ operations }) => operations.map(({ type }) => type))).toEqual(example.calls);

    run.mutations();
    const applied = await command('apply', '--yes', '--format', 'json');
    expect(applied.exitCode, applied.err).toBe(0);
    const functions = applied.json().functions as {
      name: string;
      aliases: { name: string; version: string }[];
      operations: { type: string }[];
    }[];
    expect(functions.flatMap(({ operations }) => operations.map(({ type }) => type))).toEqual(example.calls);
    const served = functions.map((one) => [one.name, Object.fromEntries(one.aliases.map((a) => [a.name, a.version]))]);
    expect(Object.fromEntries(served)).toEqual(example.aliases);

    run.mutations();
    const again = await command('plan', '--detailed-exitcode', '--format', 'json');
    expect(again).toMatchObject({ exitCode: 0, err: '' });
    expect(again.json()).toMatchObject({ changes: false });
    expect((await command('drift')).exitCode).toBe(0);
    expect((await command('apply', '--yes')).exitCode).toBe(0);
    expect(run.mutations()).toEqual([]);
  });
});

describe.each(Object.keys(CASES))('the pipeline of examples/%s', (name) => {
  const read = async (): Promise<Pipeline> => parse(await readFile(path.join(EXAMPLES, name, 'pipeline.yml'), 'utf8'));

  it('is one by Buildkite’s published schema', async (context) => {
    const schema = await readFile(PIPELINE_SCHEMA, 'utf8').catch(() => undefined);
    if (schema === undefined) {
      console.log('Buildkite’s schema is not beside the repository: the shape of the pipelines is not checked.');
      return context.skip();
    }
    const ajv = new Ajv({ strict: false, logger: false, allErrors: true });
    const validate = ajv.compile(JSON.parse(schema) as object);
    expect(validate(await read()), JSON.stringify(validate.errors)).toBe(true);
  });

  it('applies only what was approved, one build at a time, never for a pull request', async () => {
    const { steps } = await read();
    const apply = steps.find(({ key }) => key === 'apply');
    if (name === 'moto') return expect(apply).toBeUndefined();
    const block = steps.find((step) => step.block !== undefined);
    expect(apply?.depends_on).toEqual(['plan', block?.key]);
    expect(apply).toMatchObject({ concurrency: 1, concurrency_group: `lambda-deploy/${name}` });
    for (const step of [apply, block]) {
      expect(step?.if).toContain('build.branch == pipeline.default_branch');
      expect(step?.if).toContain('build.pull_request.id == null');
    }
    expect(apply).not.toHaveProperty('soft_fail');
  });

  it('names files that exist, and leaves no variable to the agent that uploads it', async () => {
    const text = await readFile(path.join(EXAMPLES, name, 'pipeline.yml'), 'utf8');
    expect([...text.matchAll(/(?<!\$)\$(?!\$)/g)]).toEqual([]);
    const configs = [...text.matchAll(/--config (\S+)/g)].map(([, config]) => config);
    expect(new Set(configs)).toEqual(new Set([`examples/${name}/lambda.deploy.yaml`]));
  });
});

interface Pipeline {
  readonly steps: readonly {
    readonly key: string;
    readonly block?: string;
    readonly if?: string;
    readonly depends_on?: readonly string[];
  }[];
}

async function infrastructureMakesReports({ client, clock }: Stage): Promise<void> {
  const ZipFile = zipOf({ 'index.mjs': 'export const handler = async () => "report";\n' });
  await client.send(
    new CreateFunctionCommand({
      FunctionName: 'reports',
      Role: 'arn:aws:iam::123456789012:role/reports',
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Environment: { Variables: { FEATURE_PDF: 'on' } },
      Code: { ZipFile },
    }),
  );
  await clock.sleep(60_000);
}
