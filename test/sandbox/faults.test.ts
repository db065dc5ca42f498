import { readFile } from 'node:fs/promises';
import {
  CreateAliasCommand,
  GetFunctionCommand,
  InvokeCommand,
  PublishVersionCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parseFaults } from '../../src/sandbox/fault-file.js';
import { explainFault } from '../../src/sandbox/faults.js';
import { type FaultRule, type FiredFault, startSandbox } from '../../src/sandbox/server.js';
import { functionsOf } from '../../src/sandbox/state.js';
import { type Bench, bench, clientOf, OTHER_ZIP, type RawAnswer, refusal } from './support.js';

const SETUP = { FunctionName: 'orders' };
const update = (MemorySize = 256) => new UpdateFunctionConfigurationCommand({ ...SETUP, MemorySize });
const look = (Qualifier?: string) => new GetFunctionCommand(Qualifier === undefined ? SETUP : { ...SETUP, Qualifier });

/** A settled function `orders`, and then the rules. */
async function armed(...rules: FaultRule[]): Promise<Bench> {
  const made = await bench();
  await made.create('orders');
  made.sandbox.faults.arm(rules);
  return made;
}

describe('faults of the wire', () => {
  it('429 and 500 are AWS’s over the wire, without an effect; 429 with Retry-After', async () => {
    const { sandbox } = await armed(
      { operation: 'UpdateFunctionConfiguration', fault: { status: 429, retryAfter: 2 } },
      { operation: 'UpdateFunctionConfiguration', call: 2, fault: { status: 500 } },
    );
    const answers: RawAnswer[] = [];
    const client = clientOf(sandbox.url, { raw: (answer) => answers.push(answer) });
    const refusals = [await refusal(client.send(update())), await refusal(client.send(update()))];
    client.destroy();
    expect(refusals.map(({ status, code }) => [status, code])).toEqual([
      [429, 'TooManyRequestsException'],
      [500, 'ServiceException'],
    ]);
    expect(answers[0]?.headers).toMatchObject({ 'retry-after': '2', 'x-amzn-errortype': 'TooManyRequestsException' });
    expect(JSON.parse(answers[0]?.text ?? '')).toEqual({
      Reason: 'CallerRateLimitExceeded',
      Type: 'User',
      message: 'Rate exceeded',
    });
    expect(JSON.parse(answers[1]?.text ?? '')).toMatchObject({ Type: 'Service' });
    expect(functionsOf(sandbox.state, 'us-east-1').get('orders')?.latest.content.config.MemorySize).toBe(128);
    expect(sandbox.faults.fired).toEqual([1, 1]);
  });

  it.each([
    ['before', 128],
    ['after', 256],
  ] as const)('a reset %s the effect leaves memory at %i', async (reset, memory) => {
    const { sandbox, client } = await armed({ operation: 'UpdateFunctionConfiguration', fault: { reset } });
    await expect(client.send(update())).rejects.toThrow(/ECONNRESET|socket hang up|aborted/);
    expect((await client.send(look())).Configuration?.MemorySize).toBe(memory);
    expect(sandbox.faults.fired).toEqual([1]);
  });

  it('a slow answer waits as long as it was told to, in the time that is passed in', async () => {
    const slept: number[] = [];
    const sleep = (milliseconds: number): Promise<void> => Promise.resolve(void slept.push(milliseconds));
    const { sandbox, client, create } = await bench({ sleep });
    await create('orders');
    sandbox.faults.arm([{ operation: 'GetFunction', times: 2, fault: { slowMs: 60_000 } }]);
    for (let call = 0; call < 3; call += 1) await client.send(look());
    expect(slept).toEqual([60_000, 60_000]);
  });
});

describe('faults of what is begun', () => {
  const failed = { failed: { reason: 'The role cannot be assumed.', code: 'InvalidRole' } } as const;

  it('an update that fails keeps what runs, says why, and can be repaired', async () => {
    const { client, wait, sandbox } = await armed({ operation: 'UpdateFunctionConfiguration', fault: failed });
    expect(await client.send(update())).toMatchObject({ State: 'Active', LastUpdateStatus: 'InProgress' });
    wait();
    expect((await client.send(look())).Configuration).toMatchObject({
      State: 'Active',
      LastUpdateStatus: 'Failed',
      LastUpdateStatusReason: 'The role cannot be assumed.',
      LastUpdateStatusReasonCode: 'InvalidRole',
    });
    const latest = functionsOf(sandbox.state, 'us-east-1').get('orders')?.latest;
    expect(latest?.serving?.config.MemorySize).toBe(128);
    await client.send(update(512));
    expect(latest?.serving?.config.MemorySize).toBe(128);
    wait();
    expect((await client.send(look())).Configuration).toMatchObject({
      LastUpdateStatus: 'Successful',
      MemorySize: 512,
    });
    expect(latest?.serving).toBeUndefined();
  });

  it('a version that fails is Pending in the answer and Failed later; a creation too', async () => {
    const { client, wait, sandbox, create } = await armed(
      { operation: 'PublishVersion', fault: failed },
      { operation: 'CreateFunction', fault: { failed: true } },
    );
    expect(await client.send(new PublishVersionCommand(SETUP))).toMatchObject({ Version: '1', State: 'Pending' });
    wait();
    expect((await client.send(look('1'))).Configuration).toMatchObject({
      State: 'Failed',
      StateReasonCode: 'InvalidRole',
    });
    await create('other');
    const made = await client.send(new GetFunctionCommand({ FunctionName: 'other' }));
    expect(made.Configuration).toMatchObject({ State: 'Failed', StateReasonCode: 'InternalError' });
    expect(sandbox.faults.fired).toEqual([1, 1]);
  });

  it('an answered-again version is not begun, and a refused update neither: nothing fires', async () => {
    const { client, sandbox } = await armed();
    await client.send(new PublishVersionCommand(SETUP));
    sandbox.faults.arm([{ operation: '*', times: 'forever', fault: { failed: true } }]);
    await client.send(new PublishVersionCommand(SETUP));
    const stale = new UpdateFunctionConfigurationCommand({ ...SETUP, RevisionId: 'stale', MemorySize: 256 });
    expect(await refusal(client.send(stale))).toMatchObject({ status: 412 });
    expect((await client.send(look('1'))).Configuration?.State).toBe('Active');
    expect(sandbox.faults.fired).toEqual([0]);
  });

  it('an update that never settles stays in progress however long it is waited for', async () => {
    const { client, wait } = await armed({ operation: 'UpdateFunctionCode', fault: { neverSettles: true } });
    await client.send(new UpdateFunctionCodeCommand({ ...SETUP, ZipFile: OTHER_ZIP }));
    for (let turn = 0; turn < 100; turn += 1) wait();
    expect((await client.send(look())).Configuration?.LastUpdateStatus).toBe('InProgress');
    expect(await refusal(client.send(update()))).toMatchObject({ status: 409 });
  });
});

describe('a foreign writer, just before the call', () => {
  it.each(['configuration', 'code', true] as const)(
    '%s: a call that carries a RevisionId is refused',
    async (change) => {
      const { client, sandbox } = await armed();
      const before = (await client.send(look())).Configuration;
      sandbox.faults.arm([{ operation: 'UpdateFunctionConfiguration', fault: { foreignWriter: change } }]);
      const mine = new UpdateFunctionConfigurationCommand({ ...SETUP, RevisionId: before?.RevisionId, Timeout: 9 });
      expect(await refusal(client.send(mine))).toMatchObject({ status: 412, code: 'PreconditionFailedException' });
      const after = (await client.send(look())).Configuration;
      expect([after?.MemorySize !== before?.MemorySize, after?.CodeSha256 !== before?.CodeSha256]).toEqual(
        change === 'code' ? [false, true] : [true, false],
      );
    },
  );

  it('alias: it points elsewhere, without weights; without an alias nothing fires', async () => {
    const { client, sandbox, wait } = await armed({ operation: 'GetFunction', fault: { foreignWriter: 'alias' } });
    await client.send(look());
    expect(sandbox.faults.fired).toEqual([0]);
    await client.send(new PublishVersionCommand(SETUP));
    const made = await client.send(new CreateAliasCommand({ ...SETUP, Name: 'live', FunctionVersion: '1' }));
    await client.send(update());
    wait();
    await client.send(new PublishVersionCommand(SETUP));
    sandbox.faults.arm([{ operation: 'UpdateAlias', fault: { foreignWriter: 'alias' } }]);
    const move = { ...SETUP, Name: 'live', FunctionVersion: '2', RevisionId: made.RevisionId };
    expect(await refusal(client.send(new UpdateAliasCommand(move)))).toMatchObject({ status: 412 });
    const fn = functionsOf(sandbox.state, 'us-east-1').get('orders');
    expect(fn?.aliases.get('live')).toMatchObject({ functionVersion: '$LATEST', weights: {} });
  });
});

describe('which call', () => {
  const THROTTLE = { status: 429 } as const;

  /** Which of six reads of two functions in turn are throttled. */
  async function throttled(...rules: FaultRule[]): Promise<string> {
    const { client, create, sandbox } = await bench();
    await create('orders');
    await create('other');
    sandbox.faults.arm(rules);
    let pattern = '';
    for (let read = 0; read < 6; read += 1) {
      const FunctionName = read % 2 === 0 ? 'orders' : 'arn:aws:lambda:us-east-1:123456789012:function:other';
      const command = new GetFunctionCommand({ FunctionName });
      pattern += await client.send(command).then(
        () => '.',
        () => 'x',
      );
    }
    return pattern;
  }

  it.each<readonly [string, FaultRule, string]>([
    ['the first by default', { operation: 'GetFunction', fault: THROTTLE }, 'x.....'],
    ['the n-th', { operation: 'GetFunction', call: 3, fault: THROTTLE }, '..x...'],
    ['the n-th of any operation', { operation: '*', call: 6, fault: THROTTLE }, '.....x'],
    ['several in a row', { operation: '*', call: 2, times: 3, fault: THROTTLE }, '.xxx..'],
    ['for ever', { operation: '*', call: 4, times: 'forever', fault: THROTTLE }, '...xxx'],
    ['the n-th of one function, by ARN too', { operation: '*', function: 'other', call: 2, fault: THROTTLE }, '...x..'],
    ['none of another operation', { operation: 'UpdateAlias', fault: THROTTLE }, '......'],
  ])('%s', async (_why, rule, pattern) => expect(await throttled(rule)).toBe(pattern));

  it('of two rules whose turn it is the first fires, and the other has counted the call', async () => {
    const first: FaultRule = { operation: '*', call: 2, fault: THROTTLE };
    expect(await throttled(first, { ...first, times: 2 })).toBe('.xx...');
  });
});

it('tells of every fault as it fires', async () => {
  const told: FiredFault[] = [];
  const rule: FaultRule = { operation: 'GetFunction', fault: { status: 500 } };
  const { client, create } = await bench({ faults: [rule], onFault: (fired) => told.push(fired) });
  await create('orders');
  await refusal(client.send(look()));
  expect(told).toMatchObject([{ index: 0, rule, call: { operation: 'GetFunction', functionName: 'orders' } }]);
});

describe('a file of faults', () => {
  const text = `
- { operation: UpdateAlias, fault: { status: 429, retryAfter: 2 } }
- { operation: '*', function: hello, call: 7, times: forever, fault: { status: 500 } }
- { operation: GetFunction, fault: { slowMs: 3000 } }
- { operation: PublishVersion, fault: { reset: after } }
- { operation: UpdateFunctionCode, times: 2, fault: { failed: { reason: a, code: b } } }
- { operation: CreateFunction, fault: { failed: true } }
- { operation: UpdateFunctionConfiguration, fault: { neverSettles: true } }
- { operation: UpdateAlias, fault: { foreignWriter: alias } }
- { operation: PutObject, fault: { foreignWriter: true } }
`;
  const bad: readonly (readonly [string, string])[] = [
    ['a: 1', 'the file is no list of rules.'],
    ['[1]', '[0] is no map.'],
    ['[{ operation: UpdateAlais, fault: { status: 429 } }]', '[0].operation is no operation that the sandbox serves'],
    ['[{ operation: UpdateAlias, fault: { status: 404 } }]', '[0].fault.status is neither 429 nor 500.'],
    ['[{ operation: UpdateAlias, fault: { status: 500, retryAfter: 1 } }]', '[0].fault.retryAfter is no number'],
    ['[{ operation: UpdateAlias, fault: { reset: now } }]', '[0].fault.reset is neither before nor after.'],
    ['[{ operation: UpdateAlias, fault: {} }]', '[0].fault is not exactly one of status, slowMs'],
    ['[{ operation: UpdateAlias, fault: { status: 500, slowMs: 1 } }]', '[0].fault is not exactly one of'],
    ['[{ operation: UpdateAlias, fault: { explode: true } }]', '[0].fault.explode is none of'],
    ['[{ operation: UpdateAlias, cal: 2, fault: { status: 500 } }]', '[0].cal is none of operation, function, call'],
    ['[{ operation: UpdateAlias, call: 0, fault: { status: 500 } }]', '[0].call is no number from 1.'],
    ['[{ operation: UpdateAlias, times: ever, fault: { status: 500 } }]', '[0].times is no number from 1'],
    ['[{ operation: UpdateAlias, fault: { failed: true } }]', '[0].fault.failed is for calls that begin something'],
    ['[{ operation: "*", fault: { failed: { why: x } } }]', '[0].fault.failed.why is none of reason, code.'],
    ['[{ operation: UpdateAlias, fault: { foreignWriter: tags } }]', '[0].fault.foreignWriter is none of'],
    ['[{ operation: UpdateAlias }]', '[0].fault is no map.'],
    ['[a', 'it is no YAML'],
  ];

  it('takes every kind, as the schema for editors does', async () => {
    const rules = parseFaults(text);
    expect(rules).toHaveLength(9);
    const schema = JSON.parse(await readFile('schemas/faults.schema.json', 'utf8')) as object;
    const check = new Ajv2020({ allowUnionTypes: true }).compile(schema);
    expect(check(rules), JSON.stringify(check.errors)).toBe(true);
    expect(rules.map(explainFault).slice(0, 2)).toEqual([
      'UpdateAlias, call 1: status 429',
      'any operation of hello, call 7 and later: status 500',
    ]);
  });

  it.each(bad)('refuses %s', (file, says) => {
    expect(() => parseFaults(file)).toThrow(says);
  });
});

describe('in one process', () => {
  it('answers events without a handler, and a throw is a function error', async () => {
    const { client, create } = await bench({
      invoke: (event, { functionName, version }) => {
        if (event === null) throw new TypeError('no event');
        return { event, functionName, version };
      },
    });
    await create('orders', { Runtime: 'java21' });
    const well = await client.send(new InvokeCommand({ ...SETUP, Payload: '[1]' }));
    expect(JSON.parse(Buffer.from(well.Payload ?? []).toString())).toEqual({
      event: [1],
      functionName: 'orders',
      version: '$LATEST',
    });
    const badly = await client.send(new InvokeCommand({ ...SETUP, Payload: 'null' }));
    expect(badly).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled' });
    expect(Buffer.from(badly.Payload ?? []).toString()).toContain('"errorType":"TypeError"');
  });

  it('starts and stops a hundred times', async () => {
    for (let turn = 0; turn < 100; turn += 1) await (await startSandbox()).close();
  });
});
