import { expect, it } from 'vitest';
import { CALL_LIMITS } from '../../src/buildkite/agent.js';
import { createBuild } from '../../src/cli/build.js';
import { standIn } from '../buildkite/support.js';

it('a signal leaves records their time when that of what people read is over, and nothing is started for that', async () => {
  const build = await standIn();
  const host = {
    env: build.env,
    cwd: build.folder,
    signal: AbortSignal.abort(),
    agentLimits: { ...CALL_LIMITS, afterSignalMs: 0 },
  };
  const { agent, records } = createBuild(host as never, {} as never, 'apply', { function: [], alias: [] } as never);
  await expect(agent.setMetaData('shown', 'x')).rejects.toMatchObject({ code: 'BUILD_AGENT' });
  await records.setMetaData('record', 'x');
  expect(await build.metaData()).toEqual({ record: 'x' });
  expect((await build.calls()).map(({ args }) => args)).toEqual([['meta-data', 'set', 'record']]);
});
