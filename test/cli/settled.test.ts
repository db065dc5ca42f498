import { expect, it } from 'vitest';
import type { SandboxCall } from '../../src/sandbox/server.js';
import { begin, type FunctionState, IN_PROGRESS } from '../../src/sandbox/state.js';
import { deployed, type Document, fileOf, hello, type Stage } from '../e2e/support.js';

/** What the file asks for, in MB, and what somebody else's last update leads to. */
const MEMORY = 512;

/** A function that somebody else updates so many times, each time the moment that the last one was seen to have settled. */
async function updated(times: number): Promise<Stage> {
  let left = 0;
  let wasSeen = false;
  const update = (fn: FunctionState): void => {
    left -= 1;
    wasSeen = false;
    const config = { ...fn.latest.content.config, MemorySize: MEMORY + left };
    fn.latest.content = { ...fn.latest.content, config };
    fn.changedSincePublish = true;
    begin(stage.sandbox.state, fn.latest, IN_PROGRESS);
  };
  const intercept = ({ operation, qualifier }: SandboxCall): undefined => {
    if (operation !== 'GetFunction' || qualifier !== undefined || left === 0) return;
    const isSettled = (stage.fn().latest.pending?.at ?? 0) <= stage.clock.now();
    if (isSettled && wasSeen) update(stage.fn());
    else wasSeen = isSettled;
  };
  const stage: Stage = await deployed({ intercept, invoke: () => ({ statusCode: 200 }) });
  await stage.file(fileOf({ hello: hello({ memorySize: MEMORY }) }));
  left = times;
  update(stage.fn());
  return stage;
}

it('an update that begins the moment another ends is waited for, too: nothing is sent that is on its way', async () => {
  const stage = await updated(4);
  const ran = await stage.run('apply', '--yes', '--format', 'json');
  expect(ran.exitCode, ran.out + ran.err).toBe(0);
  const { operations } = ran.json()['functions'][0] as Document;
  expect((operations as Document[]).map(({ type }) => type as string)).not.toContain('UpdateFunctionConfiguration');
  expect(stage.mutations()).toEqual(['TagResource', 'PublishVersion', 'UpdateAlias', 'TagResource']);
  expect([...stage.fn().versions.values()].map(({ content }) => content.config['MemorySize'])).toEqual([128, MEMORY]);
});

it('a function that never settles is not planned from the middle of an update: exit 1, and nothing is changed', async () => {
  const stage = await updated(99);
  const ran = await stage.run('apply', '--yes', '--format', 'json');
  expect(ran.exitCode, ran.out).toBe(1);
  expect(ran.json()['error']).toMatchObject({
    code: 'AWS_CONFLICT',
    message: expect.stringMatching(/function hello is updated all the time: 5 waits in a row/) as string,
    hint: expect.stringContaining('wait until the other deployment is done') as string,
  });
  expect(stage.mutations()).toEqual([]);
});
