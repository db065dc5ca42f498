import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  GetMetricDataCommand,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch';
import {
  CreateAliasCommand,
  InvokeCommand,
  PublishVersionCommand,
  UpdateFunctionCodeCommand,
} from '@aws-sdk/client-lambda';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Seed } from '../../src/sandbox/server.js';
import { bench, CREDENTIALS, refusal, zipOf } from './support.js';

async function alarmBench(alarms: Seed['alarms'] = {}) {
  const run = await bench({ seed: { alarms } });
  const config = { endpoint: run.sandbox.url, region: 'us-east-1', maxAttempts: 1, credentials: CREDENTIALS };
  const cloudwatch = new CloudWatchClient(config);
  onTestFinished(() => cloudwatch.destroy());
  return { ...run, cloudwatch };
}

const OK = { type: 'metric', state: 'OK', reason: 'quiet' } as const;

describe('alarms', () => {
  it('without types are the metric alarms only, as in CloudWatch', async () => {
    const { cloudwatch } = await alarmBench({ a: OK, both: { ...OK, type: 'composite' } });
    const few = await cloudwatch.send(new DescribeAlarmsCommand({}));
    expect([few.MetricAlarms?.map(({ AlarmName }) => AlarmName), few.CompositeAlarms]).toEqual([['a'], []]);
    const both = new DescribeAlarmsCommand({ AlarmTypes: ['MetricAlarm', 'CompositeAlarm'] });
    expect((await cloudwatch.send(both)).CompositeAlarms).toMatchObject([{ AlarmName: 'both', StateReason: 'quiet' }]);
  });

  it('come page by page, by prefix and by state', async () => {
    const { cloudwatch } = await alarmBench({ a1: OK, a2: { ...OK, state: 'ALARM' }, a3: OK, b: OK });
    const names: (string | undefined)[] = [];
    let NextToken: string | undefined;
    do {
      const asked = { AlarmNamePrefix: 'a', StateValue: 'OK' as const, MaxRecords: 1, NextToken };
      const page = await cloudwatch.send(new DescribeAlarmsCommand(asked));
      names.push(...(page.MetricAlarms ?? []).map(({ AlarmName }) => AlarmName));
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    expect(names).toEqual(['a1', 'a3']);
  });

  it('are set by callers, which counts as a change', async () => {
    const { cloudwatch, sandbox } = await alarmBench({ a: OK });
    const set = { AlarmName: 'a', StateValue: 'ALARM', StateReason: 'by hand' } as const;
    await cloudwatch.send(new SetAlarmStateCommand(set));
    expect(sandbox.calls.at(-1)).toMatchObject({ operation: 'SetAlarmState', mutating: true });
    expect(sandbox.state.stores.alarms.get('a')).toEqual({ type: 'metric', state: 'ALARM', reason: 'by hand' });
    const gone = cloudwatch.send(new SetAlarmStateCommand({ ...set, AlarmName: 'gone' }));
    expect(await refusal(gone)).toMatchObject({ status: 404, code: 'ResourceNotFound' });
    const odd = cloudwatch.send(new SetAlarmStateCommand({ ...set, StateValue: 'RED' as 'ALARM' }));
    expect(await refusal(odd)).toMatchObject({ status: 400, code: 'ValidationException' });
  });

  it('are refused where an answer would be a wrong one', async () => {
    const { cloudwatch } = await alarmBench();
    const AlarmNames = Array.from({ length: 101 }, (_, at) => `${at}`);
    expect((await refusal(cloudwatch.send(new DescribeAlarmsCommand({ AlarmNames })))).status).toBe(400);
    const children = new DescribeAlarmsCommand({ ChildrenOfAlarmName: 'a' });
    expect((await refusal(cloudwatch.send(children))).message).toContain('ChildrenOfAlarmName');
  });
});

describe('metrics', () => {
  const query = (Id: string, MetricName: string, ...dimensions: [string, string][]) => {
    const Dimensions = dimensions.map(([Name, Value]) => ({ Name, Value }));
    return { Id, MetricStat: { Metric: { Namespace: 'AWS/Lambda', MetricName, Dimensions }, Period: 60, Stat: 'Sum' } };
  };

  it('count what Invoke really ran, by function, qualifier and the version that answered', async () => {
    const { client, create, wait, cloudwatch, sandbox } = await alarmBench();
    const handler = (source: string) => zipOf({ 'index.mjs': `export const handler = async () => { ${source} };` });
    await create('f', { Runtime: 'nodejs22.x', Code: { ZipFile: handler('return 1') } });
    await client.send(new PublishVersionCommand({ FunctionName: 'f' }));
    await client.send(new UpdateFunctionCodeCommand({ FunctionName: 'f', ZipFile: handler('throw new Error("x")') }));
    wait();
    await client.send(new PublishVersionCommand({ FunctionName: 'f' }));
    wait();
    await client.send(new CreateAliasCommand({ FunctionName: 'f', Name: 'live', FunctionVersion: '2' }));
    for (const Qualifier of ['1', 'live', 'live'])
      await client.send(new InvokeCommand({ FunctionName: 'f', Qualifier }));
    await client.send(new InvokeCommand({ FunctionName: 'f', Qualifier: 'live', InvocationType: 'DryRun' }));
    const now = sandbox.state.now();
    const fn: [string, string] = ['FunctionName', 'f'];
    const live: [string, string] = ['Resource', 'f:live'];
    const answer = await cloudwatch.send(
      new GetMetricDataCommand({
        StartTime: new Date(now),
        EndTime: new Date(now + 60_000),
        MetricDataQueries: [
          query('all', 'Invocations', fn),
          query('failed', 'Errors', fn),
          query('byAlias', 'Invocations', fn, live),
          query('executed', 'Errors', live, ['ExecutedVersion', '2'], fn),
          query('other', 'Invocations', fn, live, ['ExecutedVersion', '1']),
        ],
      }),
    );
    const values = answer.MetricDataResults?.map(({ Id, Values }) => [Id, Values]);
    expect(Object.fromEntries(values ?? [])).toEqual({ all: [3], failed: [2], byAlias: [2], executed: [2], other: [] });
    const [at] = answer.MetricDataResults?.[0]?.Timestamps ?? [];
    expect(at?.getTime()).toBe(Math.floor(now / 60_000) * 60_000);
  });

  it.each([
    ['a statistic it does not have', { Stat: 'Average' }, /Sum only/],
    ['a period within a minute', { Period: 30 }, /no multiple of 60/],
  ])('are refused with %s', async (_why, change, message) => {
    const { cloudwatch } = await alarmBench();
    const one = query('a', 'Errors');
    const command = new GetMetricDataCommand({
      StartTime: new Date(0),
      EndTime: new Date(60_000),
      MetricDataQueries: [{ ...one, MetricStat: { ...one.MetricStat, ...change } }],
    });
    expect((await refusal(cloudwatch.send(command))).message).toMatch(message);
  });

  it('are refused with times in the wrong order', async () => {
    const { cloudwatch } = await alarmBench();
    const at = new Date(60_000);
    const command = new GetMetricDataCommand({ StartTime: at, EndTime: at, MetricDataQueries: [query('a', 'Errors')] });
    expect(await refusal(cloudwatch.send(command))).toMatchObject({ status: 400, code: 'ValidationException' });
  });
});
