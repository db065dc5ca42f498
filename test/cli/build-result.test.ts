import { expect, it } from 'vitest';
import { AgentGone } from '../../src/buildkite/agent.js';
import { tellResult } from '../../src/cli/build-result.js';
import { Build } from '../../src/cli/build.js';
import type { Context } from '../../src/cli/context.js';
import type { Job } from '../../src/cli/execute.js';
import type { Output } from '../../src/cli/output.js';
import { DeployError } from '../../src/errors.js';
import type { BuildAgentPort } from '../../src/model/ports.js';
import type { FunctionResult } from '../../src/model/result.js';

/** What the build was told by a run of these functions, in its order, and how many calls were under way at most. */
async function told(results: readonly FunctionResult['result'][], isGone = false) {
  const calls: string[] = [];
  const notes: unknown[] = [];
  let underWay = 0;
  let most = 0;
  const call = async (what: string): Promise<void> => {
    calls.push(what);
    most = Math.max(most, (underWay += 1));
    await new Promise(setImmediate);
    underWay -= 1;
    if (isGone && what !== 'annotation') throw new DeployError('BUILD_AGENT', 'slow.', { cause: new AgentGone() });
  };
  const agent = {
    annotate: () => call('annotation'),
    setMetaData: (key: string, value: string) => call(`${key.replace('deployment:aws_lambda:', '')}=${value}`),
  } as Partial<BuildAgentPort> as BuildAgentPort;
  const output = {
    toMarkdown: (document: unknown, render: (shown: never) => string) => render(document as never),
    diagnostics: (lines: unknown) => void notes.push(lines),
  } as unknown as Output;
  const build = new Build(agent, output, undefined);
  const one = { version: '7', aliases: [], operations: [], notes: [], exitCode: 0 };
  const functions = results.map((result, at) => ({ ...one, name: `f${at}`, result }));
  const live = { arn: 'arn:f', latest: { packageType: 'Zip' }, aliases: [{ name: 'live', version: '7' }] };
  const job = { live, desired: { aliases: [{ name: 'live' }] } } as unknown as Job;
  await tellResult(
    { build, output, host: {} } as unknown as Context,
    { file: 'lambda.deploy.yaml', narrowed: [] },
    { formatVersion: '1', command: 'apply', result: 'succeeded', functions },
    results.map(() => job),
  );
  return { calls, notes, most };
}

it('a run tells the annotation first, then the plugin’s keys, a few at a time', async () => {
  const { calls, most } = await told(['succeeded', 'no_changes', 'succeeded']);
  expect(calls[0]).toBe('annotation');
  expect(calls.slice(1)).toEqual(
    [0, 1, 2].flatMap((at) =>
      ['current_version=7', 'current_arn=arn:f:7', 'result=success', 'package_type=Zip', 'auto_rollback=false'].map(
        (pair) => `f${at}:${pair}`,
      ),
    ),
  );
  expect(most).toBe(4);
});

it('many functions without changes get no keys; those with changes do', async () => {
  const { calls } = await told([...Array.from({ length: 60 }, () => 'no_changes' as const), 'failed']);
  expect(calls[0]).toBe('annotation');
  expect(calls.slice(1).every((call) => call.startsWith('f60:'))).toBe(true);
  expect(calls).toContain('f60:result=failed');
});

it('an agent that does not answer for a key costs a few calls, one line, and not the annotation', async () => {
  const { calls, notes } = await told(
    Array.from({ length: 20 }, () => 'succeeded'),
    true,
  );
  expect(calls[0]).toBe('annotation');
  expect(calls).toHaveLength(1 + 4);
  expect(notes).toHaveLength(1);
});
