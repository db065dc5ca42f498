import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { GetAliasCommand, GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { CREDENTIALS } from '../sandbox/support.js';
import { type Document, type Ran, spawnCli } from '../e2e/support.js';
import { type Moto, startMoto, works } from './support.js';

const EXAMPLE = fileURLToPath(new URL('../../examples/moto', import.meta.url));

/** Where a build knows that moto is there, a skip would be a lie. */
const isRequired = process.env['INTEROP_REQUIRE_MOTO'] === '1';
const hasMoto = (await works('the CLI against moto', 'moto_server', '--help')) || isRequired;

describe.skipIf(!hasMoto)('the built CLI against moto', () => {
  let moto: Moto;
  beforeAll(async () => {
    moto = await startMoto();
  });
  afterAll(() => moto.stop());
  beforeEach(() => moto.reset());

  it('deploys the example; the second plan and the drift check exit 0', async () => {
    const { cli, alias } = await project(moto);
    const applied = await cli('apply', '--yes', '--format', 'json');
    expect(applied.exitCode, applied.err).toBe(0);
    expect(applied.json()).toMatchObject({ result: 'succeeded', functions: [{ name: 'echo', version: '1' }] });
    expect(await alias()).toBe('1');
    const plan = await cli('plan', '--detailed-exitcode', '--format', 'json');
    expect(plan, 'a clean plan').toMatchObject({ exitCode: 0, err: '' });
    expect(plan.json()).toMatchObject({ changes: false });
    expect(await cli('drift')).toMatchObject({ exitCode: 0 });
    expect((await cli('apply', '--yes', '--format', 'json')).json()).toMatchObject({ result: 'no_changes' });
  });

  it('imports what it deployed: a plan of it finds nothing to do', async () => {
    const { cli } = await project(moto);
    expect((await cli('apply', '--yes')).exitCode).toBe(0);
    // Its link to an archive leads to S3 of AWS's own: --download cannot work.
    const imported = await cli('import', 'echo', '--force', '--region', 'us-east-1', '--format', 'json');
    expect(imported.exitCode, imported.out + imported.err).toBe(0);
    expect(imported.json()).toMatchObject({ command: 'import', functions: [{ name: 'echo', withheld: [] }] });
    const plan = await cli('plan', '--detailed-exitcode');
    expect([plan.exitCode, plan.out], plan.err).toEqual([0, expect.stringContaining('No changes.')]);
  });

  it('a change makes the planned calls and one version; rollback goes back, configuration included', async () => {
    const { cli, alias, timeout, edit } = await project(moto);
    expect((await cli('apply', '--yes')).exitCode).toBe(0);
    await edit('timeout: 5', 'timeout: 6');
    expect((await cli('plan', '--detailed-exitcode')).exitCode).toBe(2);
    const changed = (await cli('apply', '--yes', '--format', 'json')).json();
    expect(typesOf(changed)).toEqual([
      ...['TagResource', 'UpdateFunctionConfiguration', 'PublishVersion'],
      ...['Invoke', 'UpdateAlias', 'Invoke', 'TagResource'],
    ]);
    expect([await alias(), await timeout()]).toEqual(['2', 6]);

    expect((await cli('rollback', '--yes')).exitCode).toBe(0);
    expect([await alias(), await timeout()]).toEqual(['1', 5]);
    expect(await cli('drift')).toMatchObject({ exitCode: 0 });
    const history = (await cli('history', '--format', 'json')).json();
    expect(history['records'].map((record: Document) => [record['version'], record['result']])).toEqual([
      ['1', 'succeeded'],
      ['2', 'succeeded'],
      ['1', 'succeeded'],
    ]);
  });

  it('a role that IAM does not know is AWS’s refusal, word for word, and creates nothing', async () => {
    const { cli, edit, alias } = await project(moto);
    await edit('role/echo', 'role/nobody');
    const applied = await cli('apply', '--yes');
    expect(applied.exitCode).toBe(1);
    expect(applied.out + applied.err).toContain('InvalidParameterValueException');
    expect(await alias()).toBeUndefined();
  });
});

interface MotoProject {
  cli(...argv: string[]): Promise<Ran>;
  edit(from: string, to: string): Promise<void>;
  /** The version that `live` serves; `undefined`: moto has no such alias. */
  alias(): Promise<string | undefined>;
  timeout(): Promise<number | undefined>;
}

async function project({ url }: Moto): Promise<MotoProject> {
  const folder = await mkdtemp(path.join(tmpdir(), 'lambda-deploy-interop-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await cp(EXAMPLE, folder, { recursive: true });
  const client = new LambdaClient({ endpoint: url, region: 'us-east-1', credentials: CREDENTIALS });
  onTestFinished(() => client.destroy());
  const file = path.join(folder, 'lambda.deploy.yaml');
  return {
    cli: (...argv) => spawnCli(argv, { cwd: folder, env: { AWS_ENDPOINT_URL: url } }).done,
    async edit(from, to) {
      const text = await readFile(file, 'utf8');
      expect(text).toContain(from);
      await writeFile(file, text.replace(from, to));
    },
    async alias() {
      try {
        return (await client.send(new GetAliasCommand({ FunctionName: 'echo', Name: 'live' }))).FunctionVersion;
      } catch (error) {
        if ((error as Error).name === 'ResourceNotFoundException') return undefined;
        throw error;
      }
    },
    timeout: async () => (await client.send(new GetFunctionConfigurationCommand({ FunctionName: 'echo' }))).Timeout,
  };
}

function typesOf(result: Document): string[] {
  return result['functions'][0].operations.map(({ type }: { type: string }) => type);
}
