import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { LambdaClient, GetAliasCommand } from '@aws-sdk/client-lambda';
import { onTestFinished } from 'vitest';
import { type Document, type Project, project, runInside, spawnCli } from '../e2e/support.js';
import { CREDENTIALS } from '../sandbox/support.js';
import { Build, type BuildOf, type RunnerOptions } from './runner.js';
import { type Assumed, startSts } from './sts.js';

export const PLAN_ROLE = 'arn:aws:iam::123456789012:role/lambda-deploy-plan';
export const APPLY_ROLE = 'arn:aws:iam::123456789012:role/lambda-deploy-apply';

/** A repository with its pipeline, an account with its two roles, and a sandbox that enforces what they may do. */
export interface BuildStage extends Project {
  readonly client: LambdaClient;
  /** What the tool prints as the pipeline of the file as it is now. */
  readonly pipeline: string;
  /** Every role that a job has asked for. */
  readonly assumed: readonly Assumed[];
  /** @param text another pipeline than the printed one */
  build(of?: BuildOf & Partial<Pick<RunnerOptions, 'env'>>, text?: string): Promise<Build>;
  /** The version that an alias serves, and the weights beside it. */
  serves(name: string, alias: string): Promise<{ readonly version: string | undefined; readonly weights: object }>;
}

export interface StageOptions {
  readonly file: Document;
  readonly code: string;
  /** Options of `pipeline`. */
  readonly pipeline?: readonly string[];
  /** Steps that may take the role of apply. */
  readonly steps: readonly string[];
  readonly seed?: Document;
}

export async function buildStage(options: StageOptions): Promise<BuildStage> {
  const own = await project();
  await own.file(options.file);
  await own.code(options.code);
  const print = async (...argv: string[]): Promise<string> => {
    const ran = await runInside(argv, { cwd: own.folder });
    if (ran.exitCode !== 0) throw new Error(ran.err);
    return ran.out;
  };
  const json = async (...argv: string[]): Promise<object> => JSON.parse(await print('iam-policy', ...argv)) as object;
  const slugs = ['--trust', '--organization', 'acme', '--pipeline', 'orders'];
  const policies = {
    'lambda-deploy-plan': await json('--for', 'plan'),
    'lambda-deploy-apply': await json('--for', 'apply'),
    [CREDENTIALS.accessKeyId]: { Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] },
  };
  const sts = await startSts({
    [PLAN_ROLE]: await json('--for', 'plan', ...slugs),
    [APPLY_ROLE]: await json('--for', 'apply', ...slugs, ...options.steps.flatMap((step) => ['--step', step])),
  });
  const pipeline = await print('pipeline', ...(options.pipeline ?? []));
  const url = await startSandbox({ policies, seed: options.seed ?? {} });
  const client = new LambdaClient({ endpoint: url, region: 'us-east-1', credentials: CREDENTIALS });
  onTestFinished(() => client.destroy());
  return {
    ...own,
    client,
    pipeline,
    assumed: sts.assumed,
    build: ({ env, ...of } = {}, text = pipeline) =>
      Build.of(text, {
        ...of,
        checkout: own.folder,
        env: { ...NO_OTHER_CREDENTIALS, AWS_ENDPOINT_URL: url, AWS_ENDPOINT_URL_STS: sts.url, ...env },
      }),
    async serves(name, alias) {
      const { FunctionVersion, RoutingConfig } = await client.send(
        new GetAliasCommand({ FunctionName: name, Name: alias }),
      );
      return { version: FunctionVersion, weights: RoutingConfig?.AdditionalVersionWeights ?? {} };
    },
  };
}

/** Agents have no keys of AWS's: what a job may, it may by its token. */
const NO_OTHER_CREDENTIALS = {
  AWS_CONFIG_FILE: '/nonexistent/config',
  AWS_SHARED_CREDENTIALS_FILE: '/nonexistent/credentials',
  AWS_EC2_METADATA_DISABLED: 'true',
};

/** The built program's sandbox, in a process of its own, in a folder outside of the checkout. */
async function startSandbox(files: { readonly policies: object; readonly seed: object }): Promise<string> {
  const own = await project();
  await own.write('policies.json', JSON.stringify({ accessKeys: files.policies }));
  await own.write('seed.json', JSON.stringify(files.seed));
  const argv = ['sandbox', '--settle', '0', '--iam-policy', 'policies.json', '--seed', 'seed.json'];
  return spawnCli(argv, { cwd: own.folder }).printed(/^AWS_ENDPOINT_URL=(\S+)$/m);
}

/** The text of a file of the repository. */
export function read({ folder }: Project, name: string): Promise<string> {
  return readFile(path.join(folder, name), 'utf8');
}
