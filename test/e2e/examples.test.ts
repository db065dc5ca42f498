import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateFunctionCommand } from '@aws-sdk/client-lambda';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { findPython } from '../../src/sandbox/interpreter.js';
import type { SandboxOptions } from '../../src/sandbox/server.js';
import { pipelineSchema } from '../buildkite/schema.js';
import { type Ran, runInside, type Stage, stage, zipOf } from './support.js';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
interface Example {
  /** The versions every alias serves after the first apply. */
  readonly aliases: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** The operations of the first apply, function by function. */
  readonly calls: readonly string[];
  /** What has to exist before, as infrastructure code or an earlier deployment would make it. */
  readonly before?: (run: Stage) => Promise<void>;
  /** What somebody does after the apply. */
  readonly after?: (command: (...argv: string[]) => Promise<Ran>) => Promise<void>;
  readonly sandbox?: SandboxOptions;
  /** Options that choose a part of the file. */
  readonly choice?: readonly string[];
  /** Options of `pipeline`; absent: none. */
  readonly pipeline?: readonly string[];
}

/** What the README of these examples says how they are made. */
const TEAM = ['--team', 'releasers'];

const IMAGE = '123456789012.dkr.ecr.us-east-1.amazonaws.com/thumbnails:stable';

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
  'buildkite-zip': {
    aliases: { receipts: { production: '1' } },
    calls: CREATE,
    pipeline: ['--build', 'cd examples/buildkite-zip/src && zip -qr ../function.zip .', ...TEAM],
  },
  'buildkite-directory': { aliases: { greetings: { live: '1' } }, calls: CREATE },
  'buildkite-container': {
    aliases: { thumbnails: { live: '1' } },
    calls: CREATE,
    sandbox: { images: { [IMAGE]: path.join(EXAMPLES, 'buildkite-container/handler') } },
    pipeline: ['--agents', 'queue=deploy', ...TEAM],
  },
  'buildkite-s3': {
    aliases: { statements: { live: '1' } },
    calls: CREATE,
    sandbox: { seed: { buckets: { 'acme-artifacts': { versioning: true, objects: {} } } } as never },
    before: anotherPipelineUploads,
  },
  'buildkite-canary': {
    aliases: { checkout: { live: '1' } },
    calls: [
      ...['TagResource', 'UpdateFunctionConfiguration', 'PublishVersion', 'Invoke', 'UpdateAlias', 'Invoke'],
      'TagResource',
    ],
    before: async (run) => {
      const host = { cwd: path.join(EXAMPLES, 'buildkite-canary'), env: { CURRENCY: 'CHF' } };
      expect(await run.runWith(host, 'apply', '--yes')).toMatchObject({ exitCode: 0 });
    },
    after: async (command) => expect(await command('promote', '--yes')).toMatchObject({ exitCode: 0 }),
    pipeline: [...TEAM, '--require-other-approver'],
  },
  'buildkite-accounts': {
    aliases: { stock: { live: '1' } },
    calls: [...CREATE, ...CREATE],
    sandbox: { account: '222222222222' },
    choice: ['--environment', 'production'],
    pipeline: ['--agents', 'queue=deploy', ...TEAM],
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
    const run = await stage(example.sandbox);
    await example.before?.(run);
    const command = (...argv: string[]): Promise<Ran> =>
      run.runWith({ cwd: path.join(EXAMPLES, name) }, ...argv, ...(example.choice ?? []));

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

    await example.after?.(command);
    run.mutations();
    const again = await command('plan', '--detailed-exitcode', '--format', 'json');
    expect(again).toMatchObject({ exitCode: 0, err: '' });
    expect(again.json()).toMatchObject({ changes: false });
    expect((await command('drift')).exitCode).toBe(0);
    expect((await command('apply', '--yes')).exitCode).toBe(0);
    expect(run.mutations()).toEqual([]);
  });
});

const schema = await pipelineSchema();

describe.each(Object.entries(CASES))('the pipeline of examples/%s', (name, { pipeline = [] }) => {
  const read = (): Promise<string> => readFile(path.join(EXAMPLES, name, 'pipeline.yml'), 'utf8');

  it.skipIf(schema === undefined)('is one by Buildkite’s published schema', async () => {
    expect(schema?.(parse(await read()))).toEqual([]);
  });

  it('is what the command prints', async () => {
    // No build applies to a server that lives as long as its step: this one is written by hand.
    if (name === 'moto') return expect(await read()).toContain('key: moto');
    const ran = await runInside(['pipeline', ...pipeline], { cwd: path.join(EXAMPLES, name) });
    expect(ran.exitCode, ran.err).toBe(0);
    expect(await read(), `lambda-deploy pipeline ${pipeline.join(' ')} > pipeline.yml`).toBe(ran.out);
  });

  it('leaves no variable to the agent that uploads it', async () => {
    expect([...(await read()).matchAll(/(?<!\$)\$(?!\$)/g)]).toEqual([]);
  });
});

async function anotherPipelineUploads({ sandbox }: Stage): Promise<void> {
  const source = await readFile(path.join(EXAMPLES, 'buildkite-s3/handler/index.mjs'), 'utf8');
  const body = zipOf({ 'index.mjs': source });
  const object = { versionId: 'v1', body, etag: '"e"', headers: {}, modified: 0 };
  sandbox.state.stores.buckets.get('acme-artifacts')?.objects.set('statements/function.zip', [object]);
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
