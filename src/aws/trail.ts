import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { isJsonObject, type Json, type JsonObject } from '../model/json.js';
import type { TrailPort } from '../model/ports.js';
import type { TrailEvent } from '../model/trail.js';
import { clientConfig, READ_TIMEOUT_MS, send, type AwsOptions } from './client.js';

const SERVICE = 'cloudtrail';
const TARGET = 'com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents';
const LAMBDA = 'lambda.amazonaws.com';

/** The largest page. @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html */
const PAGE_EVENTS = 50;

/**
 * CloudTrail's one call that blame makes, signed as the SDK signs: a client of its own would be one more of AWS's packages for it.
 * Credentials and region are those of the Lambda client. Never repeated: who wants to know may ask again.
 */
export function createTrail(options: AwsOptions): TrailPort {
  return {
    async lookupEvents(name, since) {
      const [AttributeKey, AttributeValue] = name === undefined ? ['EventSource', LAMBDA] : ['ResourceName', name];
      const body = {
        LookupAttributes: [{ AttributeKey, AttributeValue }],
        StartTime: Math.floor(since / 1000),
        MaxResults: PAGE_EVENTS,
      };
      const call = {
        operation: 'LookupEvents',
        subject: "CloudTrail's events",
        action: 'cloudtrail:LookupEvents',
        timeoutMs: READ_TIMEOUT_MS,
      };
      const answer = await send(call, 1, (limits) => post(options, body, limits.abortSignal), options.stop);
      const events = isJsonObject(answer) && Array.isArray(answer['Events']) ? answer['Events'] : [];
      return events.flatMap((event) => eventOf(event) ?? []);
    },
  };
}

async function post(options: AwsOptions, body: JsonObject, stop: AbortSignal): Promise<Json> {
  const sdk = await import('@aws-sdk/client-lambda');
  const { config } = new sdk.LambdaClient(clientConfig(options, 1));
  const region = await config.region();
  const url = new URL(options.endpoint ?? `https://${SERVICE}.${region}.${suffixOf(region)}/`);
  const text = JSON.stringify(body);
  const signer = new SignatureV4({ service: SERVICE, region, credentials: config.credentials, sha256: Sha256 });
  const { headers } = await signer.sign({
    method: 'POST',
    protocol: url.protocol,
    hostname: url.hostname,
    path: '/',
    headers: { host: url.host, 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': TARGET },
    body: text,
  });
  const { host: _, ...sent } = headers;
  const signal = AbortSignal.any([stop, AbortSignal.timeout(READ_TIMEOUT_MS)]);
  const agent = options.userAgent === undefined ? {} : { 'user-agent': options.userAgent };
  const request = { method: 'POST', headers: { ...sent, ...agent }, body: text, signal };
  const answer = await fetch(new URL('/', url), request).catch((error: unknown) => {
    // What broke the connection is behind a "fetch failed".
    throw (error as { cause?: unknown }).cause ?? error;
  });
  const value = JSON.parse(await answer.text()) as Json;
  if (answer.ok) return value;
  throw refusal(answer.status, value);
}

/** In the shape of the SDK's errors, for the one translation of them. */
function refusal(status: number, value: Json): Error {
  const { __type: type, message, Message: other } = isJsonObject(value) ? value : {};
  const error = new Error(String(message ?? other ?? ''));
  const name = String(type ?? 'UnknownError').replace(/^.*#/, '');
  return Object.assign(error, { name, $metadata: { httpStatusCode: status } });
}

/** @see https://docs.aws.amazon.com/general/latest/gr/ct.html */
function suffixOf(region: string): string {
  return region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
}

/** `UpdateFunctionConfiguration20150331v2`: the operation with the API's version. */
const VERSION = /\d{8}(?:v\d+)?$/;

/** A call that changed something and was not refused; what cannot be understood is left out. */
function eventOf(event: Json): TrailEvent | undefined {
  const written = isJsonObject(event) ? event['CloudTrailEvent'] : undefined;
  const detail = typeof written === 'string' ? parsed(written) : undefined;
  if (!isJsonObject(event) || detail === undefined) return undefined;
  if (detail['eventSource'] !== LAMBDA || detail['readOnly'] === true || detail['errorCode'] !== undefined)
    return undefined;
  const { eventName, eventTime, userAgent, userIdentity, requestParameters } = detail;
  const who = isJsonObject(userIdentity) ? (userIdentity['arn'] ?? userIdentity['userName']) : event['Username'];
  if (typeof eventName !== 'string' || typeof eventTime !== 'string' || typeof who !== 'string') return undefined;
  const asked = isJsonObject(requestParameters) ? requestParameters : {};
  const name = asked['functionName'] ?? asked['resource'];
  const alias = /Alias/.test(eventName) ? asked['name'] : asked['qualifier'];
  return {
    operation: eventName.replace(VERSION, ''),
    at: new Date(eventTime).toISOString(),
    who,
    userAgent: typeof userAgent === 'string' ? userAgent : '',
    ...(typeof name === 'string' ? { function: bareName(name) } : {}),
    ...(typeof alias === 'string' ? { alias } : {}),
    members: Object.keys(asked),
  };
}

function parsed(text: string): JsonObject | undefined {
  try {
    const value = JSON.parse(text) as Json;
    return isJsonObject(value) && !Number.isNaN(Date.parse(String(value['eventTime']))) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A name, a partial ARN or an ARN, with or without a qualifier. */
function bareName(text: string): string {
  const parts = text.split(':');
  const at = parts.indexOf('function');
  return (at === -1 ? parts[0] : parts[at + 1]) ?? text;
}

type Source = string | ArrayBuffer | ArrayBufferView;

/** SHA-256 and its HMAC from Node, in the shape that the signature library asks for. */
class Sha256 {
  private readonly hash: Hash | Hmac;

  constructor(secret?: Source) {
    this.hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytes(secret));
  }

  update(data: Source): void {
    this.hash.update(bytes(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.hash.digest());
  }
}

function bytes(source: Source): string | Uint8Array {
  if (typeof source === 'string') return source;
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}
