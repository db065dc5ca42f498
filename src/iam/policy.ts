import { arnOf, partitionOf } from './arn.js';

/** What a policy is made of: one function of the file, with everything that AWS authorises by itself. */
export interface PolicyFunction {
  readonly name: string;
  readonly region: string;
  /** `*` where nobody knows it. */
  readonly account: string;
  /** The execution role, by ARN; absent: not managed. */
  readonly role?: string;
  readonly hasAliases: boolean;
  /** Aliases that get shares of traffic. */
  readonly weightedAliases: readonly string[];
  readonly hasAlarms: boolean;
  readonly hasErrorRate: boolean;
  readonly hasVpc: boolean;
  readonly layers: readonly string[];
  /** Absent: not managed; `null`: none. */
  readonly codeSigningConfigArn?: string | null;
  /** Whether a key of its own hides variables that the file manages. */
  readonly hidesVariables: boolean;
  /** Keys that encrypt variables, archives or what durable executions keep. */
  readonly keys: readonly string[];
  /** Access points of EFS that are mounted, by ARN. */
  readonly accessPoints: readonly string[];
  /** What it runs on, by ARN; absent: Lambda's own. */
  readonly capacityProvider?: string;
  /** The archive's object in S3. */
  readonly object?: { readonly bucket: string; readonly key: string };
  /** Where large archives go, with the prefix of their keys. */
  readonly upload?: { readonly bucket: string; readonly prefix: string };
  /** Where its deployment records go, with the prefix of their keys as far as a slash; absent: not to S3. */
  readonly records?: { readonly bucket: string; readonly prefix: string };
  /** `REGISTRY/REPOSITORY:TAG` or with a digest. */
  readonly image?: string;
  readonly parameters: readonly string[];
  readonly secrets: readonly string[];
}

/** What the role is for; drift's options cost calls of their own. */
export interface Purpose {
  readonly for: 'plan' | 'apply';
  readonly strict: boolean;
  readonly blame: boolean;
  /** Only for `apply`: whether old versions may be deleted. */
  readonly prune: boolean;
}

export interface Statement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  /** Sorted. */
  readonly Action: readonly string[];
  /** Sorted. */
  readonly Resource: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** An identity-based policy as IAM takes it. */
export interface Policy {
  readonly Version: '2012-10-17';
  readonly Statement: readonly Statement[];
}

/** Of a managed policy, in characters without white space. @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
export const MAX_MANAGED_POLICY_CHARACTERS = 6_144;

type Resources = (one: PolicyFunction) => readonly string[];

interface Grant {
  readonly sid: string;
  readonly actions: readonly string[];
  /** None: the statement is left out. */
  readonly resources: Resources;
  readonly condition?: Statement['Condition'];
}

const ANY = ['*'];
const when =
  (holds: (one: PolicyFunction) => boolean, resources: Resources): Resources =>
  (one) =>
    holds(one) ? resources(one) : [];
const functionArn = (one: PolicyFunction): string => arnOf('lambda', one, `function:${one.name}`);
const own: Resources = (one) => [functionArn(one)];
const qualified: Resources = (one) => [functionArn(one), `${functionArn(one)}:*`];
/** A name as a pattern that fits it alone. @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html */
const literal = (text: string): string => text.replace(/[*?]|\$(?=\{)/g, (character) => `\${${character}}`);
const recordsOf: Resources = (one) =>
  one.records === undefined
    ? []
    : [s3(one, `${one.records.bucket}/${one.records.prefix}${one.account}/${one.region}/${one.name}/*`)];
const s3 = (one: PolicyFunction, path: string): string => `arn:${partitionOf(one.region)}:s3:::${path}`;

/**
 * What `plan`, `drift` and `status` read: nothing that changes, no secret's value. DescribeAlarms finds composite alarms for `*` alone.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
 */
const READS: readonly Grant[] = [
  { sid: 'ReadFunctions', actions: ['lambda:GetFunction'], resources: qualified },
  {
    sid: 'ReadParts',
    actions: ['lambda:ListAliases', 'lambda:ListTags', 'lambda:ListVersionsByFunction'],
    resources: own,
  },
  {
    sid: 'ReadCodeSigning',
    actions: ['lambda:GetFunctionCodeSigningConfig'],
    resources: when((one) => one.codeSigningConfigArn !== undefined, own),
  },
  {
    sid: 'ReadProvisionedConcurrency',
    actions: ['lambda:GetProvisionedConcurrencyConfig'],
    resources: (one) => one.weightedAliases.map((alias) => `${functionArn(one)}:${alias}`),
  },
  {
    sid: 'ReadAlarms',
    actions: ['cloudwatch:DescribeAlarms'],
    resources: when(
      ({ hasAlarms }) => hasAlarms,
      () => ANY,
    ),
  },
  {
    sid: 'ReadCodeObjects',
    actions: ['s3:GetObject', 's3:GetObjectVersion'],
    resources: (one) => (one.object === undefined ? [] : [s3(one, literal(`${one.object.bucket}/${one.object.key}`))]),
  },
  {
    // They are sent without a version, for their keys are their digests.
    sid: 'ReadArchives',
    actions: ['s3:GetObject'],
    resources: (one) => (one.upload === undefined ? [] : [s3(one, `${one.upload.bucket}/${one.upload.prefix}*`)]),
  },
  {
    // Without it S3 answers 403 where an object is missing.
    sid: 'FindArchives',
    actions: ['s3:ListBucket'],
    resources: (one) =>
      [one.upload, one.object].flatMap((place) => (place === undefined ? [] : [s3(one, place.bucket)])),
  },
  { sid: 'ReadRecords', actions: ['s3:GetObject'], resources: recordsOf },
  {
    sid: 'ListRecords',
    actions: ['s3:ListBucket'],
    resources: (one) => (one.records === undefined ? [] : [s3(one, one.records.bucket)]),
  },
  { sid: 'ReadImages', actions: ['ecr:BatchGetImage'], resources: repositoryOf },
];

/** What hangs on versions, too. */
const ATTACHED: readonly Grant[] = [
  { sid: 'ReadInvokeConfigs', actions: ['lambda:ListFunctionEventInvokeConfigs'], resources: own },
  { sid: 'ReadEventSources', actions: ['lambda:ListEventSourceMappings'], resources: () => ANY },
];

const STRICT: readonly Grant[] = [
  { sid: 'ReadPermissions', actions: ['lambda:GetPolicy'], resources: qualified },
  { sid: 'ReadUrls', actions: ['lambda:ListFunctionUrlConfigs'], resources: own },
];

const BLAME: readonly Grant[] = [{ sid: 'ReadTrail', actions: ['cloudtrail:LookupEvents'], resources: () => ANY }];

/**
 * What `apply`, `rollback`, `promote` and `abort` do beside.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html (ec2)
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html (kms)
 * @see https://docs.aws.amazon.com/lambda/latest/dg/images-create.html (ecr)
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-filesystem-efs.html (elasticfilesystem)
 * @see https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-security.html (PassCapacityProvider)
 */
const WRITES: readonly Grant[] = [
  {
    sid: 'ChangeFunctions',
    actions: [
      'lambda:TagResource',
      'lambda:UntagResource',
      'lambda:UpdateFunctionCode',
      'lambda:UpdateFunctionConfiguration',
    ],
    resources: own,
  },
  {
    sid: 'CreateFunctions',
    actions: ['lambda:CreateFunction'],
    resources: when(({ role }) => role !== undefined, own),
  },
  {
    sid: 'ChangeAliases',
    actions: ['lambda:CreateAlias', 'lambda:GetAlias', 'lambda:PublishVersion', 'lambda:UpdateAlias'],
    resources: when(({ hasAliases }) => hasAliases, own),
  },
  {
    sid: 'InvokeVersions',
    actions: ['lambda:InvokeFunction'],
    resources: when(
      ({ hasAliases }) => hasAliases,
      (one) => [`${functionArn(one)}:*`],
    ),
  },
  {
    sid: 'PassRoles',
    actions: ['iam:PassRole'],
    resources: ({ role }) => (role === undefined ? [] : [role]),
    condition: { StringEquals: { 'iam:PassedToService': 'lambda.amazonaws.com' } },
  },
  {
    sid: 'ChangeCodeSigning',
    actions: ['lambda:DeleteFunctionCodeSigningConfig', 'lambda:PutFunctionCodeSigningConfig'],
    resources: ({ codeSigningConfigArn: config, ...one }) =>
      config === undefined ? [] : [...own(one), ...(config === null ? [] : [config])],
  },
  { sid: 'UseLayers', actions: ['lambda:GetLayerVersion'], resources: ({ layers }) => layers },
  {
    sid: 'UseKeys',
    actions: ['kms:CreateGrant', 'kms:Decrypt', 'kms:Encrypt', 'kms:GenerateDataKey'],
    resources: ({ keys }) => keys,
  },
  {
    sid: 'UseVpc',
    actions: ['ec2:DescribeSecurityGroups', 'ec2:DescribeSubnets', 'ec2:DescribeVpcs', 'ec2:GetSecurityGroupsForVpc'],
    resources: when(
      ({ hasVpc }) => hasVpc,
      () => ANY,
    ),
  },
  {
    sid: 'UseFileSystems',
    actions: ['elasticfilesystem:DescribeMountTargets'],
    // An access point's ARN does not say which file system it is of.
    resources: ({ accessPoints }) =>
      accessPoints.flatMap((arn) => [arn, arn.replace(/:access-point\/.*$/, ':file-system/*')]),
  },
  {
    sid: 'UseCapacity',
    actions: ['lambda:PassCapacityProvider'],
    resources: ({ capacityProvider }) => (capacityProvider === undefined ? [] : [capacityProvider]),
  },
  {
    sid: 'WatchErrors',
    actions: ['cloudwatch:GetMetricData'],
    resources: when(
      ({ hasErrorRate }) => hasErrorRate,
      () => ANY,
    ),
  },
  {
    sid: 'UploadArchives',
    actions: ['s3:PutObject'],
    resources: (one) => (one.upload === undefined ? [] : [s3(one, `${one.upload.bucket}/${one.upload.prefix}*`)]),
  },
  { sid: 'WriteRecords', actions: ['s3:DeleteObject', 's3:PutObject'], resources: recordsOf },
  { sid: 'UseImages', actions: ['ecr:GetDownloadUrlForLayer', 'ecr:GetRepositoryPolicy'], resources: repositoryOf },
  {
    sid: 'ReadParameters',
    actions: ['ssm:GetParameters'],
    resources: (one) => one.parameters.map((name) => parameterArn(one, name)),
  },
  {
    sid: 'ReadSecrets',
    actions: ['secretsmanager:GetSecretValue'],
    // AWS appends six characters of its own to a secret's name.
    resources: (one) =>
      one.secrets.map((id) =>
        id.startsWith('arn:') ? literal(id) : arnOf('secretsmanager', one, `secret:${literal(id)}-??????`),
      ),
  },
];

/** The function's own ARN is not among them: with it the same action deletes the whole function. */
const PRUNE: readonly Grant[] = [
  {
    sid: 'DeleteVersions',
    actions: ['lambda:DeleteFunction', 'lambda:GetPolicy'],
    resources: (one) => [`${functionArn(one)}:*`],
  },
  { sid: 'ListProvisionedConcurrency', actions: ['lambda:ListProvisionedConcurrencyConfigs'], resources: own },
];

function parameterArn(one: PolicyFunction, name: string): string {
  if (name.startsWith('arn:')) return literal(name);
  // A version or a label after the name is no part of the resource.
  const [bare = ''] = name.replace(/^\//, '').split(':');
  return arnOf('ssm', one, `parameter/${literal(bare)}`);
}

function repositoryOf({ image, region }: PolicyFunction): readonly string[] {
  const [, account, home, repository] =
    /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/([^:@]+)/.exec(image ?? '') ?? [];
  if (account === undefined || home === undefined || repository === undefined) return [];
  return [`arn:${partitionOf(region)}:ecr:${home}:${account}:repository/${repository}`];
}

/** The least that the commands of the purpose need for these functions; the same functions in another order give the same bytes. */
export function policyFor(functions: readonly PolicyFunction[], purpose: Purpose): Policy {
  const deletes = purpose.prune && purpose.for === 'apply';
  const grants = [
    ...READS,
    ...(purpose.strict ? STRICT : []),
    ...(purpose.strict || deletes ? ATTACHED : []),
    ...(purpose.blame ? BLAME : []),
    ...(purpose.for === 'apply' ? WRITES : []),
    ...(deletes ? PRUNE : []),
  ];
  const statements = grants.flatMap(({ sid, actions, resources, condition }): Statement[] => {
    const Resource = [...new Set(functions.flatMap(resources))].sort();
    if (Resource.length === 0) return [];
    const rest = condition === undefined ? {} : { Condition: condition };
    return [{ Sid: sid, Effect: 'Allow', Action: actions, Resource, ...rest }];
  });
  return { Version: '2012-10-17', Statement: statements };
}
