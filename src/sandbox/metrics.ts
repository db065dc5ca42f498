import { isJsonObject, type Json, type JsonObject } from '../model/json.js';
import { type Answer, type Call, json } from './call.js';
import { given, requiredString } from './constraints.js';
import { gatewayError } from './errors.js';
import type { FunctionState } from './state.js';
import type { Metrics } from './stores.js';

const MINUTE_MS = 60_000;
const NAMESPACE = 'AWS/Lambda';
/** Queries in one call. @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html */
const MAX_QUERIES = 500;

type Dimensions = Readonly<Record<string, string>>;

/**
 * Counts an invocation, under every set of dimensions that Lambda has for it: the function, what was asked for, and behind an
 * alias the version that answered. AWS's metrics come minutes late, these come at once.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
 * @param seen `at` in milliseconds since the epoch
 */
export function countInvocation(
  metrics: Metrics,
  fn: Pick<FunctionState, 'name' | 'region'> & { readonly aliases: Pick<FunctionState['aliases'], 'has'> },
  seen: {
    readonly qualifier: string | undefined;
    readonly version: string;
    readonly at: number;
    readonly failed: boolean;
  },
): void {
  const { qualifier, version, at, failed } = seen;
  const own = { FunctionName: fn.name };
  const asked = { ...own, Resource: qualifier === undefined ? fn.name : `${fn.name}:${qualifier}` };
  const sets: Dimensions[] = [own, asked];
  if (qualifier !== undefined && fn.aliases.has(qualifier)) sets.push({ ...asked, ExecutedVersion: version });
  const minute = Math.floor(at / MINUTE_MS) * MINUTE_MS;
  for (const dimensions of sets) {
    add(metrics, keyOf(fn.region, 'Invocations', dimensions), minute, 1);
    add(metrics, keyOf(fn.region, 'Errors', dimensions), minute, failed ? 1 : 0);
  }
}

function add(metrics: Metrics, key: string, minute: number, value: number): void {
  const sums = metrics.get(key) ?? new Map<number, number>();
  metrics.set(key, sums.set(minute, (sums.get(minute) ?? 0) + value));
}

function keyOf(region: string, metric: string, dimensions: Dimensions): string {
  const sorted = Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([region, metric, sorted]);
}

/** CloudWatch GetMetricData: sums of Invocations and Errors, the newest minute first. Other metrics have no data. */
export function getMetricData(call: Call): Answer {
  const queries = given(call.body, 'MetricDataQueries');
  const list: readonly JsonObject[] = Array.isArray(queries) ? queries.filter(isJsonObject) : [];
  if (list.length === 0 || list.length > MAX_QUERIES)
    throw refused(`The collection MetricDataQueries must have 1 to ${MAX_QUERIES} items.`);
  // A start within a minute means the whole of it.
  const start = Math.floor(timeAt(call.body, 'StartTime') / MINUTE_MS) * MINUTE_MS;
  const end = timeAt(call.body, 'EndTime');
  if (start >= end) throw refused('The parameter StartTime must be less than the parameter EndTime.');
  return json(200, { MetricDataResults: list.map((query) => resultOf(call, query, start, end)), Messages: [] });
}

function resultOf(call: Call, query: JsonObject, start: number, end: number): JsonObject {
  const Id = requiredString(query, 'Id');
  const stat = given(query, 'MetricStat.Stat');
  const period = Number(given(query, 'MetricStat.Period')) * 1000;
  if (stat !== 'Sum') throw refused(`The sandbox has MetricStat with the statistic Sum only (query ${Id}).`);
  if (!(period > 0) || period % MINUTE_MS !== 0) throw refused(`The period of query ${Id} is no multiple of 60.`);
  const metric = String(given(query, 'MetricStat.Metric.MetricName'));
  const isOurs = given(query, 'MetricStat.Metric.Namespace') === NAMESPACE;
  const key = keyOf(call.region, metric, dimensionsOf(given(query, 'MetricStat.Metric.Dimensions')));
  const sums = new Map<number, number>();
  for (const [minute, sum] of isOurs ? (call.state.stores.metrics.get(key) ?? []) : []) {
    if (minute < start || minute >= end) continue;
    const at = minute - (minute % period);
    sums.set(at, (sums.get(at) ?? 0) + sum);
  }
  const newestFirst = [...sums].sort(([a], [b]) => b - a);
  return {
    Id,
    Label: metric,
    Timestamps: newestFirst.map(([at]) => at / 1000),
    Values: newestFirst.map(([, sum]) => sum),
    StatusCode: 'Complete',
  };
}

function dimensionsOf(value: Json | undefined): Dimensions {
  const list: readonly JsonObject[] = Array.isArray(value) ? value.filter(isJsonObject) : [];
  return Object.fromEntries(list.map((one) => [requiredString(one, 'Name'), requiredString(one, 'Value')]));
}

/** Milliseconds; over the wire it is seconds since the epoch. */
function timeAt(body: JsonObject, member: string): number {
  const value = given(body, member);
  if (typeof value === 'number') return value * 1000;
  throw refused(`The parameter ${member} is required.`);
}

function refused(message: string): Error {
  return gatewayError(400, 'ValidationException', message);
}
