import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { AgentGone, CALL_LIMITS, createBuildAgent, type CallLimits } from '../../src/buildkite/agent.js';
import { DeployError } from '../../src/errors.js';
import type { BuildAgentPort } from '../../src/model/ports.js';
import { standIn, type StandIn } from './support.js';

const SHORT: CallLimits = { shortMs: 300, artifactMs: 300, stepsMs: 300, afterSignalMs: 100 };

function agentOf(
  build: StandIn,
  more: { env?: Record<string, string>; limits?: CallLimits; signal?: AbortSignal } = {},
): BuildAgentPort {
  return createBuildAgent({
    env: { ...build.env, ...more.env },
    cwd: build.folder,
    signal: more.signal ?? new AbortController().signal,
    limits: more.limits ?? CALL_LIMITS,
  });
}

async function errorOf(work: Promise<unknown>): Promise<DeployError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(DeployError);
  expect((error as DeployError).code).toBe('BUILD_AGENT');
  return error as DeployError;
}

/** One call of each method, as far as each may go wrong at the agent. */
const CALLS: Readonly<Record<string, (agent: BuildAgentPort) => Promise<unknown>>> = {
  annotate: (agent) => agent.annotate({ context: 'c', style: 'info', body: 'b' }),
  'meta-data set': (agent) => agent.setMetaData('k', 'v'),
  'meta-data get': (agent) => agent.getMetaData('k'),
  'artifact upload': (agent) => agent.uploadArtifact('calls.jsonl'),
  'artifact download': (agent) => agent.downloadArtifact('plan.json', '.'),
  'pipeline upload': (agent) => agent.uploadSteps('steps: []'),
  'redactor add': (agent) => agent.addSecrets(['a secret value']),
};

describe('what arrives', () => {
  it('annotates with context, style and priority, the body by stdin, and replaces what has the same context', async () => {
    const build = await standIn();
    const agent = agentOf(build);
    await agent.annotate({ context: 'plan', style: 'info', body: 'first $HOME `id`' });
    await agent.annotate({ context: 'plan', style: 'error', body: 'ünïcode\n', priority: 7 });
    expect(await build.annotations()).toEqual([
      { context: 'plan', style: 'info', priority: 3, body: 'first $HOME `id`' },
      { context: 'plan', style: 'error', priority: 7, body: 'ünïcode\n' },
    ]);
    expect((await build.calls()).flatMap(({ args }) => args).join(' ')).not.toContain('ünïcode');
  });

  it('sets and gets meta-data, as it was set; what is not set is undefined', async () => {
    const build = await standIn();
    const agent = agentOf(build);
    for (const value of ['7', ' two\nlines ', '-starts-with-a-hyphen', '$(id)', 'x'.repeat(100_000)]) {
      await agent.setMetaData('deployment:aws_lambda:orders:current_version', value);
      expect(await agent.getMetaData('deployment:aws_lambda:orders:current_version')).toBe(value);
    }
    expect(await agent.getMetaData('nothing:here')).toBeUndefined();
    expect(JSON.stringify((await build.calls()).map(({ args }) => args))).not.toContain('$(id)');
  });

  it('uploads and downloads an artifact, of one step where it is named', async () => {
    const build = await standIn();
    await mkdir(path.join(build.folder, 'out'));
    await writeFile(path.join(build.folder, 'out/plan.json'), 'of plan-a');
    await agentOf(build, { env: { BUILDKITE_STEP_KEY: 'plan-a' } }).uploadArtifact('out/plan.json');
    await writeFile(path.join(build.folder, 'out/plan.json'), 'of plan-b');
    await agentOf(build, { env: { BUILDKITE_STEP_KEY: 'plan-b' } }).uploadArtifact('out/plan.json');
    const agent = agentOf(build);
    for (const step of ['plan-a', 'plan-b']) {
      await agent.downloadArtifact('out/plan.json', `got-${step}`, step);
      expect(await readFile(path.join(build.folder, `got-${step}/out/plan.json`), 'utf8')).toBe(`of ${step}`);
    }
    const { detail } = await errorOf(agent.downloadArtifact('out/other.json', '.'));
    expect(detail).toContain('no artifacts found');
  });

  it('uploads steps as they are: nothing in them is a variable', async () => {
    const build = await standIn();
    const pipeline = 'steps:\n  - command: echo $HOME\n';
    await agentOf(build).uploadSteps(pipeline);
    expect(await build.pipelines()).toEqual([{ interpolated: false, pipeline }]);
  });

  it('hands secrets over by stdin, each once, the short ones not at all', async () => {
    const build = await standIn();
    const agent = agentOf(build);
    await agent.addSecrets(['pässwörd "quoted"\nline', 'hunter2hunter2', 'hunter2hunter2', 'short']);
    expect([...(await build.secrets())].sort()).toEqual(['hunter2hunter2', 'pässwörd "quoted"\nline']);
    expect(JSON.stringify((await build.calls()).map(({ args }) => args))).not.toContain('hunter2');
    await agent.addSecrets(['short']);
    expect(await build.calls()).toHaveLength(1);
  });
});

describe('what Buildkite would refuse is refused before the call', () => {
  it.each<[string, (agent: BuildAgentPort) => Promise<unknown>, RegExp]>([
    ['an empty value', (agent) => agent.setMetaData('k', ''), /is empty/],
    ['a blank value', (agent) => agent.setMetaData('k', ' \n\t'), /is empty/],
    ['a value over 100 kB, in bytes', (agent) => agent.setMetaData('k', 'ü'.repeat(50_001)), /100002 bytes/],
    ['a key of Buildkite’s own', (agent) => agent.setMetaData('buildkite:x', 'v'), /Buildkite’s own/],
    ['an empty key', (agent) => agent.getMetaData(''), /is empty/],
    ['a key that looks like an option', (agent) => agent.getMetaData('--build'), /hyphen/],
    [
      'a context over 100 characters',
      (agent) => agent.annotate({ context: 'c'.repeat(101), style: 'info', body: 'b' }),
      /101 characters/,
    ],
    [
      'a body over 1 MiB, in bytes',
      (agent) => agent.annotate({ context: 'c', style: 'info', body: 'ü'.repeat(524_289) }),
      /1048578 bytes/,
    ],
    ['an empty body', (agent) => agent.annotate({ context: 'c', style: 'info', body: '\n' }), /empty/],
    ['a path that is a pattern', (agent) => agent.uploadArtifact('*.json'), /pattern/],
    ['two paths in one', (agent) => agent.uploadArtifact('a;b'), /pattern/],
    ['a step that looks like an option', (agent) => agent.downloadArtifact('p', '.', '--build'), /hyphen/],
  ])('%s', async (_, act, words) => {
    const build = await standIn();
    expect((await errorOf(act(agentOf(build)))).detail).toMatch(words);
    expect(await build.calls()).toEqual([]);
  });

  it('and goes through where it is just within', async () => {
    const build = await standIn();
    const agent = agentOf(build);
    await agent.annotate({ context: 'ü'.repeat(100), style: 'default', body: 'x'.repeat(1_048_576) });
    await agent.setMetaData('k', 'ü'.repeat(50_000));
    expect((await build.calls()).map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  });
});

describe('an agent that does not do its part', () => {
  it.each(Object.entries(CALLS))('%s: says no, and its last words are told', async (command, act) => {
    const build = await standIn();
    await build.fail({ command, do: 'fail' });
    const error = await errorOf(act(agentOf(build)));
    expect(error.detail).toBe(
      `buildkite-agent ${command} ended with exit code 1: fatal: Failed to ${command}: 500 Something went wrong.`,
    );
    expect(error.cause).toBeUndefined();
  });

  it.each(Object.entries(CALLS))('%s: hangs, and is cut off', async (command, act) => {
    const build = await standIn();
    await build.fail({ command, do: 'hang' });
    const error = await errorOf(act(agentOf(build, { limits: SHORT })));
    expect(error.detail).toBe(`buildkite-agent ${command} did not end within 0.3 s.`);
    expect(error.cause).toBeInstanceOf(AgentGone);
  });

  it.each(Object.entries(CALLS))('%s: is not there', async (command, act) => {
    const build = await standIn();
    const error = await errorOf(act(agentOf(build, { env: { PATH: '/nonexistent' } })));
    expect(error.detail).toBe(`buildkite-agent ${command} cannot be started: it is not on the PATH.`);
    expect(error.cause).toBeInstanceOf(AgentGone);
  });

  it('needs the job’s own environment', async () => {
    const build = await standIn();
    const { detail } = await errorOf(agentOf(build, { env: { BUILDKITE_JOB_ID: '' } }).setMetaData('k', 'v'));
    expect(detail).toContain('BUILDKITE_JOB_ID');
  });

  it('does not hold a cancelled job up: all calls after the signal share one short time', async () => {
    const build = await standIn();
    await build.fail({ command: '*', do: 'hang' });
    const stop = new AbortController();
    const agent = agentOf(build, { limits: { ...CALL_LIMITS, afterSignalMs: 150 }, signal: stop.signal });
    const underWay = errorOf(agent.getMetaData('k'));
    stop.abort();
    const after = [errorOf(agent.setMetaData('k', 'v')), errorOf(CALLS['annotate']?.(agent) ?? Promise.resolve())];
    for (const error of await Promise.all([underWay, ...after])) expect(error.detail).toContain('being cancelled');
    expect((await errorOf(agent.setMetaData('late', 'v'))).detail).toContain('being cancelled');
  });
});
