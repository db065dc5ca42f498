import type { JsonObject } from '../model/json.js';
import { type Answer, type Call, json } from './call.js';
import { given, oneOfText, optionalString, problem, requiredString } from './constraints.js';
import { constraintErrors, gatewayError } from './errors.js';
import type { Alarm } from './stores.js';

/** Names in one call, and alarms on a page unless fewer are asked for. @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html */
const MAX_RECORDS = 100;
const DEFAULT_RECORDS = 50;

const STATES = ['OK', 'ALARM', 'INSUFFICIENT_DATA'] as const;
/** What an alarm says of itself in the API, by what it is here. */
const TYPES = { metric: 'MetricAlarm', composite: 'CompositeAlarm' } as const;
/** Filters of DescribeAlarms that are not kept: an answer without them would be a wrong one. */
const UNKNOWN_FILTERS = ['ActionPrefix', 'ChildrenOfAlarmName', 'ParentsOfAlarmName'];

/** One of CloudWatch's states. */
export function isAlarmState(value: unknown): value is Alarm['state'] {
  return STATES.some((state) => state === value);
}

/** CloudWatch DescribeAlarms: without `AlarmTypes` composite alarms are left out, without names there are all. */
export function describeAlarms(call: Call): Answer {
  const { body, region, state } = call;
  const filter = UNKNOWN_FILTERS.find((name) => given(body, name) !== undefined);
  if (filter !== undefined)
    throw gatewayError(400, 'ValidationException', `The sandbox does not filter alarms by ${filter}.`);
  const names = listOf(body, 'AlarmNames');
  if (names !== undefined && names.length > MAX_RECORDS)
    throw constraintErrors([
      problem(`[${names.join(', ')}]`, 'alarmNames', `Member must have length less than or equal to ${MAX_RECORDS}`),
    ]);
  const types = listOf(body, 'AlarmTypes') ?? ['MetricAlarm'];
  const prefix = optionalString(body, 'AlarmNamePrefix') ?? '';
  const wanted = optionalString(body, 'StateValue');
  const found = [...state.stores.alarms]
    .filter(
      ([name, alarm]) =>
        (names?.includes(name) ?? true) && name.startsWith(prefix) && types.includes(TYPES[alarm.type]),
    )
    .filter(([, alarm]) => wanted === undefined || alarm.state === wanted)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const start = Number(optionalString(body, 'NextToken') ?? 0);
  const end = start + recordsOf(body);
  const shown = found.slice(start, end);
  const arn = `arn:aws:cloudwatch:${region}:${state.account}:alarm:`;
  const members = (type: Alarm['type']): JsonObject[] =>
    shown
      .filter(([, alarm]) => alarm.type === type)
      .map(([name, alarm]) => {
        return { AlarmName: name, AlarmArn: arn + name, StateValue: alarm.state, StateReason: alarm.reason };
      });
  const more = end < found.length ? { NextToken: String(end) } : {};
  return json(200, { MetricAlarms: members('metric'), CompositeAlarms: members('composite'), ...more });
}

/** CloudWatch SetAlarmState: it stays, since nothing evaluates an alarm here. */
export function setAlarmState(call: Call): Answer {
  const { alarms } = call.state.stores;
  const name = requiredString(call.body, 'AlarmName');
  const state = requiredString(call.body, 'StateValue');
  const reason = requiredString(call.body, 'StateReason');
  if (!isAlarmState(state)) throw constraintErrors([problem(state, 'stateValue', oneOfText(STATES))]);
  const alarm = alarms.get(name);
  if (alarm === undefined) throw gatewayError(404, 'ResourceNotFound', `Alarm ${name} does not exist.`);
  alarms.set(name, { ...alarm, state, reason });
  return json(200, {});
}

function recordsOf(body: JsonObject): number {
  const asked = given(body, 'MaxRecords') ?? DEFAULT_RECORDS;
  if (typeof asked === 'number' && asked >= 1 && asked <= MAX_RECORDS) return asked;
  throw constraintErrors([problem(String(asked), 'maxRecords', `Member must be from 1 to ${MAX_RECORDS}`)]);
}

function listOf(body: JsonObject, member: string): readonly string[] | undefined {
  const value = given(body, member);
  return Array.isArray(value) ? value.map(String) : undefined;
}
