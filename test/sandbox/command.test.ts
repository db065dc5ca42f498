import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { GetFunctionCommand } from '@aws-sdk/client-lambda';
import { GetParametersCommand, SSMClient } from '@aws-sdk/client-ssm';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/aws/clock.js';
import type { Host } from '../../src/cli/host.js';
import { run } from '../../src/cli/run.js';
import { clientOf, CREDENTIALS, refusal } from './support.js';

const IMAGE = '123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1';

/** Runs `sandbox` in a folder with a seed and an image's folder; `onUrl` is called when it listens, and then it stops. */
async function serve(words: readonly string[], onUrl: (url: string) => Promise<void>) {
  const cwd = await mkdtemp(path.join(tmpdir(), 'sandbox-'));
  onTestFinished(() => rm(cwd, { recursive: true }));
  await writeFile(path.join(cwd, 'seed.yaml'), 'parameters: { /a: planted }\n');
  await writeFile(path.join(cwd, 'bad.yaml'), 'parameters: { /a: 87654321 }\n');
  const rules = ['GetFunction', 'UpdateAlias'].map((operation) => ({ operation, fault: { status: 429 } }));
  await writeFile(path.join(cwd, 'faults.json'), JSON.stringify(rules));
  await mkdir(path.join(cwd, 'app'));
  const stop = new AbortController();
  let err = '';
  let used: Promise<void> = Promise.resolve();
  const host: Host = {
    env: {},
    cwd,
    writeOut(text) {
      const url = /^AWS_ENDPOINT_URL=(\S+)\n$/.exec(text)?.[1];
      if (url !== undefined) used = onUrl(url).finally(() => stop.abort());
    },
    writeErr: (text) => void (err += text),
    isTerminal: { stdin: false, stdout: false, stderr: false },
    ask: () => Promise.reject(new Error('nothing is asked')),
    signal: stop.signal,
    signalExitCode: () => 143,
    startedAt: Date.now(),
    clock: systemClock,
    random: () => 0,
  };
  const exitCode = await run(['sandbox', ...words], host);
  await used;
  return { exitCode, err };
}

it('makes faults, and tells on stderr which fired and which never did', async () => {
  const { exitCode, err } = await serve(['--faults', 'faults.json'], async (endpoint) => {
    const client = clientOf(endpoint);
    const read = client.send(new GetFunctionCommand({ FunctionName: 'orders' }));
    expect(await refusal(read)).toMatchObject({ status: 429 });
    client.destroy();
  });
  expect([exitCode, err]).toEqual([
    0,
    'fault 1 fired: GetFunction, call 1: status 429\nfault 2 never fired: UpdateAlias, call 1: status 429\n',
  ]);
});

it('serves what the seed holds, until it is stopped', async () => {
  let value: string | undefined;
  const { exitCode, err } = await serve(['--seed', 'seed.yaml', '--image', `${IMAGE}=app`], async (endpoint) => {
    const ssm = new SSMClient({ endpoint, region: 'us-east-1', credentials: CREDENTIALS });
    const answer = await ssm.send(new GetParametersCommand({ Names: ['/a'] }));
    value = answer.Parameters?.[0]?.Value;
  });
  expect({ exitCode, err, value }).toEqual({ exitCode: 0, err: '', value: 'planted' });
});

it('keeps its state with --data, and says that a seed is for the first start only', async () => {
  const cwd = await mkdtemp(path.join(tmpdir(), 'sandbox-'));
  onTestFinished(() => rm(cwd, { recursive: true }));
  const words = ['--seed', 'seed.yaml', '--data', path.join(cwd, 'state')];
  const values: (string | undefined)[] = [];
  const read = async (endpoint: string): Promise<void> => {
    const ssm = new SSMClient({ endpoint, region: 'us-east-1', credentials: CREDENTIALS });
    values.push((await ssm.send(new GetParametersCommand({ Names: ['/a'] }))).Parameters?.[0]?.Value);
  };
  expect(await serve(words, read)).toEqual({ exitCode: 0, err: '' });
  const note = `--seed seed.yaml is not used: --data ${path.join(cwd, 'state')} holds a state already\n`;
  expect(await serve(words, read)).toEqual({ exitCode: 0, err: note });
  expect(values).toEqual(['planted', 'planted']);
});

it.each([
  [
    'a data file that is none',
    ['--data', 'seed.yaml'],
    /\[USAGE\][^]*the sandbox cannot start: \S+seed\.yaml is no data/,
  ],
  [
    'an address that is not of this machine',
    ['--host', '192.0.2.1'],
    /\[USAGE\][^]*the sandbox cannot start: listen EADDRNOTAVAIL/,
  ],
  ['faults that are none', ['--faults', 'seed.yaml'], /--faults seed\.yaml: the file is no list of rules/],
  ['a seed that is not there', ['--seed', 'gone.yaml'], /--seed gone\.yaml: ENOENT/],
  ['a seed with a number, which is not shown', ['--seed', 'bad.yaml'], /--seed bad\.yaml: parameters\.\/a is no text/],
  ['an image without a folder', ['--image', IMAGE], /--image .*:1 is not an image, = and an existing folder/],
  ['an image whose folder is not there', ['--image', `${IMAGE}=gone`], /is not an image, = and an existing folder/],
])('%s is refused before anything is served', async (_why, words, message) => {
  const { exitCode, err } = await serve(words, () => Promise.reject(new Error('it listens')));
  expect(exitCode).toBe(1);
  expect(err).toMatch(message);
  expect(err).not.toContain('87654321');
});
