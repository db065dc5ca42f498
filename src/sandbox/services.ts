import { describeAlarms, setAlarmState } from './alarms.js';
import { batchGetImage } from './images.js';
import { getMetricData } from './metrics.js';
import { LAMBDA_OPERATIONS, type Match } from './routes.js';
import { deleteObject, getObject, listObjects, putObject } from './s3.js';
import { getParameters, getSecretValue } from './secrets.js';
import { getCallerIdentity } from './sts.js';
import { lookupEvents } from './trail.js';

/** How a service words its errors: Lambda in headers beside JSON, services that a header names the operation of in the JSON itself. */
export type Dialect = 'json' | 'target' | 'query' | 's3';

/** The service that a request was signed for, as its credential scope names it; empty for one that is not signed. */
export function serviceOf(authorization: string | undefined): string {
  return /Credential=[^,\s]*?\/\d{8}\/[^/,\s]+\/([^/,\s]+)\/aws4_request/.exec(authorization ?? '')?.[1] ?? '';
}

const DIALECTS: Readonly<Record<string, Dialect>> = {
  s3: 's3',
  sts: 'query',
  ssm: 'target',
  secretsmanager: 'target',
  ecr: 'target',
  monitoring: 'target',
  cloudtrail: 'target',
};

/** A service that is not known is taken for Lambda. */
export function dialectOf(service: string): Dialect {
  return DIALECTS[service] ?? 'json';
}

type Known = Pick<Match, 'handler'> & Partial<Pick<Match, 'mutating'>>;

const CLOUDTRAIL = 'CloudTrail_20131101';
const CLOUDWATCH = 'GraniteServiceVersion20100801';

/** Operations of the JSON protocol by the header that names them. */
const TARGETS: Readonly<Record<string, Known>> = {
  'AmazonSSM.GetParameters': { handler: getParameters },
  'secretsmanager.GetSecretValue': { handler: getSecretValue },
  'AmazonEC2ContainerRegistry_V20150921.BatchGetImage': { handler: batchGetImage },
  // The aws CLI names the package in front, the SDKs may leave it out.
  [`com.amazonaws.cloudtrail.v20131101.${CLOUDTRAIL}.LookupEvents`]: { handler: lookupEvents },
  [`${CLOUDTRAIL}.LookupEvents`]: { handler: lookupEvents },
  [`${CLOUDWATCH}.DescribeAlarms`]: { handler: describeAlarms },
  [`${CLOUDWATCH}.SetAlarmState`]: { handler: setAlarmState, mutating: true },
  [`${CLOUDWATCH}.GetMetricData`]: { handler: getMetricData },
};

/** An operation of a service that speaks JSON; `undefined` for what the sandbox does not know. */
export function findTarget(target: string | undefined): Match | undefined {
  const known = Object.hasOwn(TARGETS, target ?? '') ? TARGETS[target ?? ''] : undefined;
  if (known === undefined) return undefined;
  return { mutating: false, ...known, operation: (target ?? '').replace(/^.*\./, ''), path: {}, body: 'json' };
}

/** An operation of the query protocol. */
export function findAction(action: string | null): Match | undefined {
  if (action !== 'GetCallerIdentity') return undefined;
  return { operation: action, handler: getCallerIdentity, path: {}, mutating: false, body: 'raw' };
}

/** What S3 operations take in the query; anything else (`?acl`, `?uploads`) names another operation. */
const S3_QUERY: ReadonlySet<string> = new Set([
  'x-id',
  'versionId',
  'list-type',
  'prefix',
  'start-after',
  'continuation-token',
  'max-keys',
  'delimiter',
  'encoding-type',
  'fetch-owner',
]);

const OF_OBJECTS: Readonly<Record<string, Known & { readonly operation: string }>> = {
  PUT: { operation: 'PutObject', handler: putObject },
  GET: { operation: 'GetObject', handler: getObject },
  HEAD: { operation: 'HeadObject', handler: getObject },
  DELETE: { operation: 'DeleteObject', handler: deleteObject },
};

/** An operation of S3 with the bucket in the path. `path` is still percent-encoded. */
export function findS3(method: string, path: string, query: URLSearchParams): Match | undefined {
  const [, bucket = '', key = ''] = /^\/([^/]+)(?:\/(.*))?$/.exec(path) ?? [];
  if (bucket === '' || [...query.keys()].some((name) => !S3_QUERY.has(name))) return undefined;
  if (key === '') {
    if (method !== 'GET') return undefined;
    const parts = { Bucket: decodeURIComponent(bucket) };
    return { operation: 'ListObjectsV2', handler: listObjects, path: parts, mutating: false, body: 'raw' };
  }
  const known = OF_OBJECTS[method];
  if (known === undefined) return undefined;
  const parts = { Bucket: decodeURIComponent(bucket), Key: decodeURIComponent(key) };
  return { ...known, path: parts, mutating: method === 'PUT' || method === 'DELETE', body: 'raw' };
}

/** Every operation that is served, by AWS's names. */
export const OPERATIONS: ReadonlySet<string> = new Set([
  ...LAMBDA_OPERATIONS,
  ...Object.keys(TARGETS).map((target) => target.replace(/^.*\./, '')),
  ...Object.values(OF_OBJECTS).map(({ operation }) => operation),
  'ListObjectsV2',
  'GetCallerIdentity',
]);
