import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FunctionConfiguration, GetFunctionConfigurationCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { expect, onTestFinished } from 'vitest';
import type { Json, JsonObject } from '../../src/model/json.js';
import type { PlanDocument } from '../../src/model/plan.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/server.js';
import { archiveOf } from '../planner/archive.js';
import { runCli, skippingClock, type RunResult } from '../planner/cli.js';
import { ROLE } from '../planner/live-file.js';
import { clientOf } from '../sandbox/support.js';

/** What a function needs to be made, and nothing else. */
export const BARE: JsonObject = {
  name: 'app',
  code: { zip: 'a.zip' },
  runtime: 'nodejs22.x',
  handler: 'index.handler',
  role: ROLE,
};

/** A folder with a file and archives, a sandbox, and a client of the SDK that looks at what came of it. */
export interface Bench {
  readonly sandbox: Sandbox;
  readonly client: LambdaClient;
  /** Runs a command with these settings on top of {@link BARE}; `null` is written as null. */
  run(settings: JsonObject, ...argv: string[]): Promise<RunResult>;
  /** Applies, expects success, and that a plan is then empty. */
  apply(settings: JsonObject): Promise<void>;
  /** Paths of the differences that a plan shows. */
  paths(settings: JsonObject): Promise<readonly string[]>;
  /** What AWS answers for `$LATEST`, or for a version. */
  live(qualifier?: string): Promise<FunctionConfiguration>;
}

/** Closed when the test ends, however it ends. Records are kept in files, so that tags are the function's own. */
export async function openBench(archives: Readonly<Record<string, Uint8Array>> = {}): Promise<Bench> {
  const cwd = await mkdtemp(join(tmpdir(), 'fields-'));
  onTestFinished(() => rm(cwd, { recursive: true, force: true }));
  const all = { a: archiveOf('a'), b: archiveOf('b'), ...archives };
  for (const [name, bytes] of Object.entries(all)) await writeFile(join(cwd, `${name}.zip`), bytes);
  const clock = skippingClock();
  const sandbox = await startSandbox({ now: clock.now });
  onTestFinished(() => sandbox.close());
  const client = clientOf(sandbox.url);
  onTestFinished(() => client.destroy());

  const run = async (settings: JsonObject, ...argv: string[]): Promise<RunResult> => {
    const app: Json = { ...BARE, ...settings };
    const file = { version: 1, region: 'us-east-1', metadata: 'file:records', functions: { app } };
    await writeFile(join(cwd, 'lambda.deploy.yaml'), JSON.stringify(file, null, 2));
    return runCli(cwd, sandbox.url, clock, ...argv);
  };
  return {
    sandbox,
    client,
    run,
    async apply(settings) {
      const applied = await run(settings, 'apply', '--yes');
      expect(applied.exitCode, applied.stdout + applied.stderr).toBe(0);
      const again = await run(settings, 'plan', '--detailed-exitcode');
      expect(again.exitCode, again.stdout + again.stderr).toBe(0);
    },
    async paths(settings) {
      const planned = await run(settings, 'plan', '--format', 'json');
      expect(planned.exitCode, planned.stdout + planned.stderr).toBe(0);
      const { functions } = JSON.parse(planned.stdout) as PlanDocument;
      return functions.flatMap(({ differences }) => differences.map(({ path }) => path)).toSorted();
    },
    live: (qualifier) =>
      client.send(
        new GetFunctionConfigurationCommand({
          FunctionName: 'app',
          ...(qualifier === undefined ? {} : { Qualifier: qualifier }),
        }),
      ),
  };
}
