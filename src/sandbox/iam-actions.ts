import { isJsonObject, type Json, type JsonObject } from '../model/json.js';
import type { Answer, Call } from './call.js';
import { given } from './constraints.js';
import { functionArn, parseFunctionName, withQualifier } from './names.js';

/** One permission that a call needs. */
export interface Need {
  readonly action: string;
  readonly resource: string;
  /** Values of condition keys; one that is not here is absent from the request. */
  readonly context?: Readonly<Record<string, string>>;
}

type Level = 'function' | 'qualified' | 'any';

/**
 * What each operation of Lambda is authorised on: the function alone, what its qualifier names, or nothing in particular.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
 * @see https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html
 */
const LEVELS: Readonly<Record<string, Level>> = {
  CreateFunction: 'function',
  ListFunctions: 'any',
  GetFunction: 'qualified',
  DeleteFunction: 'qualified',
  GetFunctionConfiguration: 'qualified',
  UpdateFunctionConfiguration: 'function',
  UpdateFunctionCode: 'function',
  PublishVersion: 'function',
  ListVersionsByFunction: 'function',
  CreateAlias: 'function',
  ListAliases: 'function',
  GetAlias: 'function',
  UpdateAlias: 'function',
  DeleteAlias: 'function',
  Invoke: 'qualified',
  ListTags: 'function',
  TagResource: 'function',
  UntagResource: 'function',
  GetFunctionConcurrency: 'function',
  PutFunctionConcurrency: 'function',
  DeleteFunctionConcurrency: 'function',
  GetProvisionedConcurrencyConfig: 'qualified',
  ListProvisionedConcurrencyConfigs: 'function',
  PutProvisionedConcurrencyConfig: 'qualified',
  DeleteProvisionedConcurrencyConfig: 'qualified',
  GetFunctionCodeSigningConfig: 'function',
  PutFunctionCodeSigningConfig: 'function',
  DeleteFunctionCodeSigningConfig: 'function',
  CreateFunctionUrlConfig: 'qualified',
  GetFunctionUrlConfig: 'qualified',
  UpdateFunctionUrlConfig: 'qualified',
  DeleteFunctionUrlConfig: 'qualified',
  ListFunctionUrlConfigs: 'function',
  AddPermission: 'qualified',
  RemovePermission: 'qualified',
  GetPolicy: 'qualified',
  CreateEventSourceMapping: 'any',
  DeleteEventSourceMapping: 'any',
  ListEventSourceMappings: 'any',
  PutFunctionEventInvokeConfig: 'qualified',
  UpdateFunctionEventInvokeConfig: 'qualified',
  GetFunctionEventInvokeConfig: 'qualified',
  DeleteFunctionEventInvokeConfig: 'qualified',
  ListFunctionEventInvokeConfigs: 'function',
};

type Needs = (call: Call) => readonly Need[];

const partition = (region: string): string =>
  functionArn({ account: '' } as Call['state'], region, '').split(':')[1] ?? '';
const arn = (service: string, { state, region }: Call, resource: string): string =>
  `arn:${partition(region)}:${service}:${region}:${state.account}:${resource}`;
const s3Arn = ({ region }: Call, path: string): string => `arn:${partition(region)}:s3:::${path}`;
const anything =
  (action: string): Needs =>
  () => [{ action, resource: '*' }];
const object =
  (action: string): Needs =>
  (call) => {
    const version = action === 's3:GetObject' && call.query.has('versionId') ? 'Version' : '';
    const { Bucket = '', Key = '' } = call.path;
    const need = { action: `${action}${version}`, resource: s3Arn(call, `${Bucket}/${Key}`) };
    const isThere = call.state.stores.buckets.get(Bucket)?.objects.has(Key) === true;
    // Who may not list a bucket is not told what is missing in it.
    return action !== 's3:GetObject' || isThere
      ? [need]
      : [need, { action: 's3:ListBucket', resource: s3Arn(call, Bucket) }];
  };

/**
 * The operations of other services. GetCallerIdentity needs no permission.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html (403 in place of 404)
 */
const OTHERS: Readonly<Record<string, Needs>> = {
  GetCallerIdentity: () => [],
  GetParameters: (call) =>
    list(call.body.Names).map((name) => {
      const [bare = ''] = name.replace(/^\//, '').split(':');
      return {
        action: 'ssm:GetParameters',
        resource: name.startsWith('arn:') ? name : arn('ssm', call, `parameter/${bare}`),
      };
    }),
  GetSecretValue: (call) => {
    const id = String(call.body.SecretId ?? '');
    const resource = id.startsWith('arn:') ? id : arn('secretsmanager', call, `secret:${id}-sandbx`);
    return [{ action: 'secretsmanager:GetSecretValue', resource }];
  },
  BatchGetImage: (call) => {
    const account = String(call.body.registryId ?? call.state.account);
    const resource = `arn:${partition(call.region)}:ecr:${call.region}:${account}:repository/${String(call.body.repositoryName ?? '')}`;
    return [{ action: 'ecr:BatchGetImage', resource }];
  },
  LookupEvents: anything('cloudtrail:LookupEvents'),
  DescribeAlarms: anything('cloudwatch:DescribeAlarms'),
  SetAlarmState: anything('cloudwatch:SetAlarmState'),
  GetMetricData: anything('cloudwatch:GetMetricData'),
  GetObject: object('s3:GetObject'),
  HeadObject: object('s3:GetObject'),
  PutObject: object('s3:PutObject'),
  DeleteObject: object('s3:DeleteObject'),
  ListObjectsV2: (call) => [{ action: 's3:ListBucket', resource: s3Arn(call, call.path.Bucket ?? '') }],
};

/** Every operation that has a row. */
export const AUTHORISED: ReadonlySet<string> = new Set([...Object.keys(LEVELS), ...Object.keys(OTHERS)]);

/** The permissions that a call needs, its own first, then those for what its body names. */
export function needsOf(operation: string, call: Call): readonly Need[] {
  const other = OTHERS[operation];
  if (other !== undefined) return other(call);
  const action = operation === 'Invoke' ? 'lambda:InvokeFunction' : `lambda:${operation}`;
  return [{ action, resource: resourceOf(operation, call) }, ...named(operation, call)];
}

function resourceOf(operation: string, call: Call): string {
  const level = LEVELS[operation] ?? 'any';
  const text = call.path.FunctionName ?? call.path.Resource ?? call.body.FunctionName;
  if (level === 'any' || typeof text !== 'string') return '*';
  const parsed = parseFunctionName(call.state, call.region, text);
  const bare = functionArn(call.state, call.region, parsed.name);
  const asked = call.query.get('Qualifier') ?? undefined;
  const { qualifier } = level === 'qualified' ? withQualifier(parsed, asked) : {};
  return qualifier === undefined ? bare : `${bare}:${qualifier}`;
}

/**
 * A role, an object, layers, tags, keys, networks, file systems: AWS lets nobody reach through Lambda what they could not reach
 * themselves.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html (CreateGrant and Encrypt)
 * @see https://docs.aws.amazon.com/lambda/latest/dg/encrypt-zip-package.html (GenerateDataKey and Decrypt)
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-filesystem-efs.html
 * @see https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-security.html
 */
function named(operation: string, call: Call): readonly Need[] {
  const creates = operation === 'CreateFunction';
  if (!creates && operation !== 'UpdateFunctionConfiguration' && operation !== 'UpdateFunctionCode') return [];
  const { Role: role, Layers: layers, Tags: tags } = call.body;
  const code = creates ? call.body.Code : call.body;
  const { S3Bucket: bucket, S3Key: key, S3ObjectVersion: version } = isJsonObject(code) ? code : {};
  const context = { 'iam:PassedToService': 'lambda.amazonaws.com' };
  return [
    ...(typeof role === 'string' ? [{ action: 'iam:PassRole', resource: role, context }] : []),
    ...list(layers).map((resource) => ({ action: 'lambda:GetLayerVersion', resource })),
    ...(tags === undefined ? [] : [{ action: 'lambda:TagResource', resource: resourceOf(operation, call) }]),
    ...(typeof bucket === 'string'
      ? [
          {
            action: version === undefined ? 's3:GetObject' : 's3:GetObjectVersion',
            resource: s3Arn(call, `${bucket}/${String(key)}`),
          },
        ]
      : []),
    ...on(given(call.body, 'KMSKeyArn'), 'kms:CreateGrant', 'kms:Encrypt'),
    ...on(given(call.body, creates ? 'Code.SourceKMSKeyArn' : 'SourceKMSKeyArn'), 'kms:GenerateDataKey', 'kms:Decrypt'),
    ...on(
      list(given(call.body, 'VpcConfig.SubnetIds')).length > 0 ? '*' : undefined,
      'ec2:DescribeSecurityGroups',
      'ec2:DescribeSubnets',
      'ec2:DescribeVpcs',
      'ec2:GetSecurityGroupsForVpc',
    ),
    ...accessPoints(call.body).flatMap((arn) => on(arn, 'elasticfilesystem:DescribeMountTargets')),
    ...on(given(call.body, CAPACITY_PROVIDER), 'lambda:PassCapacityProvider'),
  ];
}

const CAPACITY_PROVIDER = 'CapacityProviderConfig.LambdaManagedInstancesCapacityProviderConfig.CapacityProviderArn';

/** Needs of what a request names; an empty name takes something away. */
function on(resource: Json | undefined, ...actions: readonly string[]): readonly Need[] {
  return typeof resource === 'string' && resource !== '' ? actions.map((action) => ({ action, resource })) : [];
}

function accessPoints({ FileSystemConfigs: configs }: JsonObject): readonly string[] {
  const mounted = Array.isArray(configs) ? configs.filter(isJsonObject) : [];
  return list(mounted.map(({ Arn: mount }) => mount ?? null)).filter((mount) => mount.includes(':elasticfilesystem:'));
}

/** What reading the variables of a function takes that has a key of the account's own for them. */
export function decryptionOf({ body = {} }: Answer): readonly Need[] {
  const isHidden = given(body, 'Configuration.Environment') !== undefined;
  return isHidden ? on(given(body, 'Configuration.KMSKeyArn'), 'kms:Decrypt') : [];
}

function list(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}
