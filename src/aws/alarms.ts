import type * as Sdk from '@aws-sdk/client-cloudwatch';
import { DeployError } from '../errors.js';
import type { AlarmsPort, AlarmState } from '../model/ports.js';
import { clientConfig, READ_ATTEMPTS, READ_TIMEOUT_MS, send, type AwsOptions, type Limits } from './client.js';
import { everyPage } from './pages.js';

/** Names in one DescribeAlarms, and alarms on a page. @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html */
const BATCH = 100;

/** Lambda's metrics have one data point a minute, stamped with the minute's beginning. @see https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics.html */
const PERIOD_MS = 60_000;

/** The metrics that are asked for, by the id that the query gives them. */
const METRICS = { invocations: 'Invocations', errors: 'Errors' } as const;

/**
 * CloudWatch through the SDK, which is loaded by the first call: a file without alarms and error rates loads none.
 *
 * Minutes are counted whole: the one that `since` falls into from its beginning, since its invocations have no time of their own.
 */
export function createAlarms(options: AwsOptions): AlarmsPort {
  return new SdkAlarms(options);
}

class SdkAlarms implements AlarmsPort {
  private connection: Promise<{ sdk: typeof Sdk; client: Sdk.CloudWatchClient }> | undefined;

  constructor(private readonly options: AwsOptions) {}

  async describeAlarms(names: readonly string[]): Promise<ReadonlyMap<string, AlarmState>> {
    const distinct = [...new Set(names)];
    const found = new Map<string, AlarmState>();
    // Without names AWS lists every alarm of the account: no names, no call.
    for (let at = 0; at < distinct.length; at += BATCH)
      for (const [name, state] of await this.batch(distinct.slice(at, at + BATCH))) found.set(name, state);
    return found;
  }

  private async batch(names: readonly string[]): Promise<readonly (readonly [string, AlarmState])[]> {
    const subject = names.length === 1 ? `alarm ${names[0]}` : `${names.length} alarms`;
    const pages = await this.pages('DescribeAlarms', subject, async ({ sdk, client }, token, limits) => {
      const input: Sdk.DescribeAlarmsCommandInput = {
        AlarmNames: [...names],
        // Composite alarms are left out unless they are asked for.
        AlarmTypes: ['MetricAlarm', 'CompositeAlarm'],
        MaxRecords: BATCH,
        ...token,
      };
      return client.send(new sdk.DescribeAlarmsCommand(input), limits);
    });
    return pages.flatMap(({ MetricAlarms = [], CompositeAlarms = [] }) =>
      [...MetricAlarms, ...CompositeAlarms].flatMap((alarm) => stateOf(alarm)),
    );
  }

  async countInvocations(
    name: string,
    alias: string,
    version: string,
    since: number,
    until: number,
  ): Promise<{ invocations: number; errors: number }> {
    const subject = `version ${version} behind alias ${alias} of function ${name}`;
    const start = Math.floor(since / PERIOD_MS) * PERIOD_MS;
    const end = Math.max(Math.ceil(until / PERIOD_MS) * PERIOD_MS, start + PERIOD_MS);
    const dimensions = [
      { Name: 'FunctionName', Value: name },
      { Name: 'Resource', Value: `${name}:${alias}` },
      { Name: 'ExecutedVersion', Value: version },
    ];
    const queries = Object.entries(METRICS).map(([Id, MetricName]) => {
      const Metric = { Namespace: 'AWS/Lambda', MetricName, Dimensions: dimensions };
      return { Id, MetricStat: { Metric, Period: PERIOD_MS / 1000, Stat: 'Sum' } };
    });
    const pages = await this.pages('GetMetricData', subject, async ({ sdk, client }, token, limits) => {
      const times = { StartTime: new Date(start), EndTime: new Date(end) };
      return client.send(new sdk.GetMetricDataCommand({ MetricDataQueries: queries, ...times, ...token }), limits);
    });
    const results = pages.flatMap(({ MetricDataResults = [] }) => MetricDataResults);
    return { invocations: sumOf('invocations', results, subject), errors: sumOf('errors', results, subject) };
  }

  private async pages<T extends { readonly NextToken?: string | undefined }>(
    operation: string,
    subject: string,
    ask: (
      connection: { sdk: typeof Sdk; client: Sdk.CloudWatchClient },
      token: { NextToken?: string },
      limits: Limits,
    ) => Promise<T>,
  ): Promise<readonly T[]> {
    this.connection ??= import('@aws-sdk/client-cloudwatch').then((sdk) => {
      return { sdk, client: new sdk.CloudWatchClient(clientConfig(this.options, READ_ATTEMPTS)) };
    });
    const connection = await this.connection;
    const call = { operation, subject, action: `cloudwatch:${operation}`, timeoutMs: READ_TIMEOUT_MS };
    return everyPage(async (marker) => {
      const token = marker === undefined ? {} : { NextToken: marker };
      const page = await send(call, READ_ATTEMPTS, (limits) => ask(connection, token, limits), this.options.stop);
      return { items: [page], next: page.NextToken };
    });
  }
}

/** A metric alarm and a composite one have these members in common. A state that is not known is as good as no data. */
function stateOf(alarm: Sdk.MetricAlarm | Sdk.CompositeAlarm): readonly (readonly [string, AlarmState])[] {
  const { AlarmName: name, StateValue: value, StateReason: reason = '' } = alarm;
  if (name === undefined) return [];
  return [[name, { state: value === 'OK' || value === 'ALARM' ? value : 'INSUFFICIENT_DATA', reason }]];
}

/** @throws AWS_ACCESS_DENIED, AWS_AMBIGUOUS when CloudWatch does not vouch for having given everything */
function sumOf(id: keyof typeof METRICS, results: readonly Sdk.MetricDataResult[], subject: string): number {
  const own = results.filter((result) => result.Id === id);
  const status = own.at(-1)?.StatusCode ?? 'no result';
  // A metric that goes over several pages is PartialData on all but the last.
  if (status === 'Complete') return own.flatMap(({ Values = [] }) => Values).reduce((sum, value) => sum + value, 0);
  const detail = `GetMetricData of ${subject} gave no usable answer: ${METRICS[id]} is ${status}.`;
  const isDenied = status === 'Forbidden';
  throw new DeployError(isDenied ? 'AWS_ACCESS_DENIED' : 'AWS_AMBIGUOUS', detail, {
    source: 'aws',
    subject,
    fix: isDenied ? 'allow cloudwatch:GetMetricData for this identity.' : 'run again.',
  });
}
