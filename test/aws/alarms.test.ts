import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createAlarms } from '../../src/aws/alarms.js';
import { awsError, type Arrival, type Canned, CannedServer } from './server.js';

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'sandbox');
  vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
});

afterEach(() => vi.unstubAllEnvs());

async function canned(answer: (body: Record<string, unknown>) => Canned) {
  const server = new CannedServer(({ body }: Arrival) => answer(body as Record<string, unknown>));
  onTestFinished(() => server.stop());
  return { server, port: createAlarms({ endpoint: await server.start(), region: 'us-east-1' }) };
}

const alarm = (AlarmName: string, StateValue = 'OK') => ({ AlarmName, StateValue, StateReason: 'why' });
const DIMENSIONS = [
  { Name: 'FunctionName', Value: 'orders' },
  { Name: 'Resource', Value: 'orders:live' },
  { Name: 'ExecutedVersion', Value: '4' },
];
const NOON = Date.parse('2026-01-02T12:00:00Z');
const count = (port: ReturnType<typeof createAlarms>, since = NOON, until = NOON + 300_000) =>
  port.countInvocations('orders', 'live', '4', since, until);

describe('alarms', () => {
  it('are asked for by both types, page by page', async () => {
    const { server, port } = await canned(({ NextToken }) => {
      if (NextToken === 'more') return { body: { MetricAlarms: [], CompositeAlarms: [alarm('b', 'ALARM')] } };
      return { body: { MetricAlarms: [alarm('a')], CompositeAlarms: [], NextToken: 'more' } };
    });
    const found = await port.describeAlarms(['a', 'b']);
    expect([...found].map(([name, { state }]) => [name, state])).toEqual([
      ['a', 'OK'],
      ['b', 'ALARM'],
    ]);
    expect(server.arrivals).toHaveLength(2);
    const asked = { AlarmNames: ['a', 'b'], AlarmTypes: ['MetricAlarm', 'CompositeAlarm'], MaxRecords: 100 };
    expect(server.arrivals[0]?.body).toEqual(asked);
    expect(server.arrivals[1]?.body).toEqual({ ...asked, NextToken: 'more' });
  });

  it('in a state that is not known count as without data', async () => {
    const { port } = await canned(() => ({ body: { MetricAlarms: [alarm('a', 'NEW_STATE')] } }));
    expect((await port.describeAlarms(['a'])).get('a')?.state).toBe('INSUFFICIENT_DATA');
  });

  it.each([
    [
      'names the permission',
      awsError(400, 'AccessDeniedException', 'no'),
      'AWS_ACCESS_DENIED',
      'cloudwatch:DescribeAlarms',
    ],
    [
      'by the old protocol’s name too',
      awsError(403, 'AccessDenied', 'no'),
      'AWS_ACCESS_DENIED',
      'cloudwatch:DescribeAlarms',
    ],
    ['says that it is too often', awsError(400, 'Throttling', 'Rate exceeded'), 'AWS_THROTTLED', 'fewer functions'],
  ])('that are refused: %s', async (_why, answer, code, fix) => {
    const { port } = await canned(() => answer);
    await expect(port.describeAlarms(['a'])).rejects.toMatchObject({ code, fix: expect.stringContaining(fix) });
  });
});

describe('metrics', () => {
  const result = (Id: string, Values: number[], StatusCode = 'Complete') => ({ Id, Values, StatusCode });

  it('are asked for in whole minutes, by function, alias and the version that answered', async () => {
    const { server, port } = await canned(() => {
      return { body: { MetricDataResults: [result('invocations', [3, 4]), result('errors', [1])] } };
    });
    expect(await count(port, NOON + 59_000, NOON + 61_000)).toEqual({ invocations: 7, errors: 1 });
    const query = (Id: string, MetricName: string) => {
      const Metric = { Namespace: 'AWS/Lambda', MetricName, Dimensions: DIMENSIONS };
      return { Id, MetricStat: { Metric, Period: 60, Stat: 'Sum' } };
    };
    expect(server.arrivals.map(({ body }) => body)).toEqual([
      {
        StartTime: NOON / 1000,
        EndTime: NOON / 1000 + 120,
        MetricDataQueries: [query('invocations', 'Invocations'), query('errors', 'Errors')],
      },
    ]);
  });

  it('on several pages are added up', async () => {
    const { port } = await canned(({ NextToken }) => {
      const rest = [result('invocations', [1]), result('errors', [1])];
      if (NextToken !== undefined) return { body: { MetricDataResults: rest } };
      const first = [result('invocations', [5], 'PartialData'), result('errors', [0], 'PartialData')];
      return { body: { MetricDataResults: first, NextToken: 'more' } };
    });
    expect(await count(port)).toEqual({ invocations: 6, errors: 1 });
  });

  it.each([
    ['incomplete', [result('invocations', [9]), result('errors', [0], 'PartialData')], 'AWS_AMBIGUOUS'],
    ['broken', [result('invocations', [9]), result('errors', [], 'InternalError')], 'AWS_AMBIGUOUS'],
    ['missing', [result('invocations', [9])], 'AWS_AMBIGUOUS'],
    ['forbidden', [result('invocations', [9]), result('errors', [], 'Forbidden')], 'AWS_ACCESS_DENIED'],
  ])('that are %s are an error, never zero errors', async (_why, MetricDataResults, code) => {
    const { port } = await canned(() => ({ body: { MetricDataResults } }));
    await expect(count(port)).rejects.toMatchObject({ code, detail: expect.stringContaining('Errors is') });
  });

  it('that are denied name the permission', async () => {
    const { port } = await canned(() => awsError(400, 'AccessDeniedException', 'no'));
    await expect(count(port)).rejects.toMatchObject({
      code: 'AWS_ACCESS_DENIED',
      fix: 'allow cloudwatch:GetMetricData for this identity.',
    });
  });
});
