import { randomUUID } from 'node:crypto';
import type { Json, JsonObject } from '../model/json.js';
import { type Answer, type Call, json } from './call.js';
import { given } from './constraints.js';
import { AwsError } from './errors.js';
import type { SandboxCall } from './intercept.js';
import type { SandboxState } from './state.js';

/** A call that changed something, as CloudTrail keeps it. */
export interface Trailed {
  readonly region: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly eventName: string;
  readonly functionName: string | undefined;
  /** The event itself, as JSON. */
  readonly text: string;
  readonly id: string;
  readonly userName: string;
}

/** The newest that are kept. */
const KEPT_EVENTS = 1_000;
const MAX_PAGE = 50;
const LAMBDA = 'lambda.amazonaws.com';

/**
 * The version that CloudTrail appends to an operation's name; the newer operations have none.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/logging-using-cloudtrail.html
 */
const VERSIONS: Readonly<Record<string, string>> = {
  CreateFunction: '20150331',
  DeleteFunction: '20150331',
  UpdateFunctionCode: '20150331v2',
  UpdateFunctionConfiguration: '20150331v2',
  PublishVersion: '20150331',
  CreateAlias: '20150331',
  UpdateAlias: '20150331',
  DeleteAlias: '20150331',
  TagResource: '20170331v2',
  UntagResource: '20170331v2',
  PutFunctionConcurrency: '20171031',
  DeleteFunctionConcurrency: '20171031',
  AddPermission: '20150331v2',
  RemovePermission: '20150331v2',
  CreateEventSourceMapping: '20150331',
  DeleteEventSourceMapping: '20150331',
};

/** Notes a call that took effect. Values of variables and archives are not in it, as in AWS. */
export function keepEvent(
  state: SandboxState,
  call: SandboxCall,
  { accessKeyId, userAgent }: { readonly accessKeyId: string; readonly userAgent: string },
): void {
  const at = state.now();
  const eventName = `${call.operation}${VERSIONS[call.operation] ?? ''}`;
  const id = randomUUID();
  const event: JsonObject = {
    eventVersion: '1.11',
    userIdentity: {
      type: 'IAMUser',
      arn: `arn:aws:iam::${state.account}:user/${accessKeyId}`,
      accountId: state.account,
      accessKeyId,
      userName: accessKeyId,
    },
    eventTime: new Date(at).toISOString().replace(/\.\d+Z$/, 'Z'),
    eventSource: LAMBDA,
    eventName,
    awsRegion: call.region,
    sourceIPAddress: '127.0.0.1',
    userAgent,
    requestParameters: parametersOf(call),
    responseElements: null,
    requestID: randomUUID(),
    eventID: id,
    readOnly: false,
    eventType: 'AwsApiCall',
    managementEvent: true,
    recipientAccountId: state.account,
    eventCategory: 'Management',
  };
  const { region, functionName } = call;
  const text = JSON.stringify(event);
  state.trail.unshift({ region, at, eventName, functionName, text, id, userName: accessKeyId });
  if (state.trail.length > KEPT_EVENTS) state.trail.pop();
}

function parametersOf({ operation, functionName, qualifier, body }: SandboxCall): JsonObject {
  const members = Object.entries(body)
    .filter(([key]) => key !== 'ZipFile' && key !== 'Code')
    .map(([key, value]): [string, Json] => [lowered(key), key === 'Environment' ? {} : value]);
  const isTag = operation === 'TagResource' || operation === 'UntagResource';
  const isAlias = operation.endsWith('Alias');
  return {
    ...(functionName === undefined ? {} : { [isTag ? 'resource' : 'functionName']: functionName }),
    ...(qualifier === undefined ? {} : { [isAlias ? 'name' : 'qualifier']: qualifier }),
    ...Object.fromEntries(members),
  };
}

function lowered(member: string): string {
  return member.charAt(0).toLowerCase() + member.slice(1);
}

/**
 * LookupEvents: by ResourceName or EventSource, newest first. Events are there at once.
 * @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
 */
export function lookupEvents(call: Call): Answer {
  const attributes = (given(call.body, 'LookupAttributes') ?? []) as readonly JsonObject[];
  const [{ AttributeKey: key, AttributeValue: value } = {}] = attributes;
  if (attributes.length > 1 || (key !== undefined && key !== 'ResourceName' && key !== 'EventSource'))
    throw new AwsError(400, 'InvalidLookupAttributesException', {
      message: 'Only one lookup attribute is allowed, and the sandbox knows ResourceName and EventSource.',
    });
  const [start, end] = [secondsOf(call, 'StartTime') ?? 0, secondsOf(call, 'EndTime') ?? Infinity];
  const most = Math.min(Number(given(call.body, 'MaxResults') ?? MAX_PAGE), MAX_PAGE);
  const found = call.state.trail.filter(
    ({ region, at, functionName }) =>
      region === call.region &&
      Math.floor(at / 1000) >= start &&
      at / 1000 <= end &&
      (key !== 'ResourceName' || functionName === value) &&
      (key !== 'EventSource' || value === LAMBDA),
  );
  return json(200, { Events: found.slice(0, most).map(shown) });
}

function secondsOf(call: Call, member: string): number | undefined {
  const value = given(call.body, member);
  return typeof value === 'number' ? value : undefined;
}

function shown({ at, eventName, functionName, text, id, userName }: Trailed): JsonObject {
  return {
    EventId: id,
    EventName: eventName,
    ReadOnly: 'false',
    EventTime: at / 1000,
    EventSource: LAMBDA,
    Username: userName,
    Resources:
      functionName === undefined ? [] : [{ ResourceType: 'AWS::Lambda::Function', ResourceName: functionName }],
    CloudTrailEvent: text,
  };
}
