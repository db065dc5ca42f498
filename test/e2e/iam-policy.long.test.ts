import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { MAX_ZIP_BYTES } from '../../src/model/limits.js';
import { parsePolicies } from '../../src/sandbox/iam-policy.js';
import { type Document, fileOf, hello, okHandler, type Ran, type Stage, stage, zipOf } from './support.js';

type Policies = Map<string, ReturnType<typeof parsePolicies> extends ReadonlyMap<string, infer Rules> ? Rules : never>;

const SEED = {
  parameters: { '/hello/key': 'parameter-value' },
  secrets: { hello: 'secret-value' },
  alarms: { errors: { type: 'metric', state: 'OK', reason: 'quiet' } },
  buckets: { code: { versioning: true, objects: {} }, large: { versioning: true, objects: {} }, records: {} },
  images: {
    '123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1': `sha256:${'1'.repeat(64)}`,
    '123456789012.dkr.ecr.us-east-1.amazonaws.com/app:2': `sha256:${'2'.repeat(64)}`,
  },
} as const;

const FILE = fileOf({
  hello: hello({
    environment: { KEY: '${ssm:/hello/key}', OTHER: '${secretsmanager:hello}' },
    tags: { team: 'a', gone: 'b' },
    layers: ['arn:aws:lambda:us-east-1:123456789012:layer:tools:3'],
    aliases: {
      live: {
        healthCheck: { expect: { status: 200 } },
        rollout: {
          steps: ['10%'],
          interval: '5m',
          alarms: ['errors'],
          errorRate: { maximum: '5%', minimumInvocations: 20 },
        },
      },
    },
  }),
  stored: hello({ code: { s3: { bucket: 'code', key: 'stored.zip' } }, aliases: { live: {} } }),
});

/** What only a mishap asks for: an object that is missing (below), an answer of UpdateAlias that is lost. */
const NOT_IN_THIS_RUN = ['s3:ListBucket', 'lambda:GetAlias'];

/** The same, and what Lambda itself asks of a registry, which no sandbox does. */
const NOT_IN_THE_OTHER = ['lambda:GetAlias', 'ecr:GetDownloadUrlForLayer', 'ecr:GetRepositoryPolicy'];

/** A record that cannot let go of its alias is told, and no deployment fails for it. */
const TOLD_ONLY = ['s3:DeleteObject'];

const IMAGE = '123456789012.dkr.ecr.us-east-1.amazonaws.com/app';
const SIGNING = 'arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0123456789abcdef0';

/** What {@link FILE} has not: records in S3, an image, code signing. */
const OTHER_FILE = fileOf(
  {
    hello: hello({
      codeSigningConfigArn: SIGNING,
      tags: { team: 'a', gone: 'b' },
      aliases: { live: { healthCheck: { expect: { status: 200 } } } },
    }),
    boxed: {
      code: { image: `${IMAGE}:1` },
      role: 'arn:aws:iam::123456789012:role/boxed',
      aliases: { live: {} },
    },
  },
  { metadata: 's3://records/deployments' },
);

const KEY = 'arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';

/** What neither has: archives through a bucket, keys, a network, a file system, another place to run. */
const THIRD_FILE = fileOf({
  hello: hello({
    code: { zip: 'large.zip', bucket: 'large', sourceKmsKeyArn: KEY },
    kmsKeyArn: KEY.replace('1234abcd', '5678abcd'),
    vpcConfig: { subnetIds: ['subnet-0abc1234'], securityGroupIds: ['sg-0abc1234'] },
    fileSystemConfigs: [
      {
        arn: 'arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-0123456789abcdef0',
        localMountPath: '/mnt/data',
      },
    ],
    deadLetterConfig: { targetArn: 'arn:aws:sqs:us-east-1:123456789012:failed' },
    tracingConfig: { mode: 'Active' },
    loggingConfig: { logFormat: 'JSON', logGroup: '/teams/hello' },
    ephemeralStorage: { size: 1024 },
    aliases: { live: {} },
  }),
  pooled: hello({
    capacityProviderConfig: {
      lambdaManagedInstancesCapacityProviderConfig: {
        capacityProviderArn: 'arn:aws:lambda:us-east-1:123456789012:capacity-provider:pool',
      },
    },
    durableConfig: { kmsKeyArn: KEY, executionTimeout: 60 },
    tags: { gone: 'b' },
    aliases: { live: { healthCheck: { expect: { status: 200 } } } },
  }),
});

/** Too large for a request. Packed once: the same bytes for every bed. */
const LARGE = ['one', 'two'].map((body) =>
  zipSync({ 'index.mjs': Buffer.from(okHandler(body)), padding: new Uint8Array(MAX_ZIP_BYTES) }, { level: 0 }),
);

interface Bed extends Stage {
  /** What the tool's key may do from now on; `undefined`: everything. */
  restrict(policy: Document | undefined): void;
}

async function bed(file: Document = FILE): Promise<Bed> {
  const policies: Policies = new Map();
  const restrict = (policy: Document | undefined): void => {
    const everything = { Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
    for (const [key, rules] of parsePolicies(JSON.stringify(policy ?? everything))) policies.set(key, rules);
  };
  restrict(undefined);
  const it = await stage({
    settleMs: 0,
    seed: SEED as never,
    iamPolicy: policies,
    invoke: () => ({ statusCode: 200, body: 'ok' }),
  });
  const bucket = it.sandbox.state.stores.buckets.get('code');
  bucket?.objects.set('stored.zip', [
    { versionId: 'v1', body: zipOf({ 'index.mjs': okHandler('stored') }), etag: '"e"', headers: {}, modified: 0 },
  ]);
  await it.file(file);
  await it.code(okHandler('one'));
  return Object.assign(it, { restrict });
}

type Run = (...argv: string[]) => Promise<boolean>;

/** What was run, and how to run more of it; `run` answers whether it went well. */
function journal(it: Bed): { readonly ran: Ran[]; readonly run: Run } {
  const ran: Ran[] = [];
  const run: Run = async (...argv) => {
    const one = await it.run(...argv);
    ran.push(one);
    return one.exitCode === 0;
  };
  return { ran, run };
}

/** Everything that teams do: a first deployment, a second by a canary, drift, back again. Ends at the first error. */
async function journey(it: Bed): Promise<Ran[]> {
  const { ran, run } = journal(it);
  if (!(await run('plan')) || !(await run('apply', '--yes'))) return ran;
  const changed = structuredClone(FILE) as { functions: Record<string, Document> };
  Object.assign(changed.functions['hello'] ?? {}, { timeout: 6, tags: { team: 'a', gone: null } });
  await it.file(changed);
  await it.code(okHandler('two'));
  if (!(await run('apply', '--yes')) || !(await run('drift', '--strict'))) return ran;
  await run('rollback', '--function', 'hello', '--yes');
  return ran;
}

/** The same with {@link OTHER_FILE}, and old versions deleted. */
async function otherJourney(it: Bed): Promise<Ran[]> {
  const { ran, run } = journal(it);
  if (!(await run('plan')) || !(await run('apply', '--yes'))) return ran;
  for (const tag of ['2', '1', '2']) {
    const changed = structuredClone(OTHER_FILE) as { functions: Record<string, Document> };
    Object.assign(changed.functions['hello'] ?? {}, {
      timeout: 5 + Number(tag),
      tags: { team: 'a', gone: tag === '2' ? null : 'b' },
      codeSigningConfigArn: tag === '2' ? null : SIGNING,
    });
    Object.assign(changed.functions['boxed'] ?? {}, { code: { image: `${IMAGE}:${tag}` }, timeout: 5 + Number(tag) });
    await it.file(changed);
    if (!(await run('apply', '--yes'))) return ran;
  }
  if (!(await run('rollback', '--function', 'boxed', '--yes')) || !(await run('status'))) return ran;
  await run('prune', '--keep', '1', '--yes');
  return ran;
}

/** The same with {@link THIRD_FILE}: the second archive is uploaded, too, and the first comes back. */
async function thirdJourney(it: Bed): Promise<Ran[]> {
  const { ran, run } = journal(it);
  for (const [at, archive] of LARGE.entries()) {
    const changed = structuredClone(THIRD_FILE) as { functions: Record<string, Document> };
    for (const one of Object.values(changed.functions)) Object.assign(one, { timeout: 5 + at });
    Object.assign(changed.functions['pooled'] ?? {}, { tags: { gone: at === 0 ? 'b' : null } });
    await it.file(changed);
    await it.write('large.zip', archive);
    if (!(await run('plan')) || !(await run('apply', '--yes'))) return ran;
  }
  if (await run('rollback', '--function', 'hello', '--yes')) await run('status');
  return ran;
}

const words = (ran: readonly Ran[]): string => ran.map(({ out, err }) => out + err).join('');

async function policyOf(it: Bed, ...more: string[]): Promise<Document> {
  const ran = await it.run('iam-policy', ...more);
  expect(ran.exitCode, ran.err).toBe(0);
  return ran.json();
}

interface Permission {
  readonly sid: string;
  readonly action: string;
}

const permissionsOf = (policy: Document): Permission[] =>
  (policy['Statement'] as Document[]).flatMap(({ Sid, Action }) =>
    (Action as string[]).map((action) => ({ sid: String(Sid), action })),
  );

/** @param sid of the statement that loses it; absent: all of them */
function without(policy: Document, { sid, action }: Partial<Permission>): Document {
  const statements = (policy['Statement'] as Document[]).map((one) => ({
    ...one,
    Action: (one['Action'] as string[]).filter((name) => name !== action || (sid !== undefined && one['Sid'] !== sid)),
  }));
  return { ...policy, Statement: statements.filter((one) => one.Action.length > 0) };
}

describe('the role that applies', () => {
  it.each([
    ['aliases in shares, secrets, layers', FILE, journey, ['--strict'], NOT_IN_THIS_RUN],
    ['records in S3, images, code signing, old versions', OTHER_FILE, otherJourney, ['--prune'], NOT_IN_THE_OTHER],
    ['large archives, keys, networks, file systems, capacity', THIRD_FILE, thirdJourney, [], ['lambda:GetAlias']],
  ] as const)(
    '%s: does everything with its policy, and names each single permission that is missing',
    async (_, file, go, options, notInThisRun) => {
      const first = await bed(file);
      const policy = await policyOf(first, ...options);
      first.restrict(policy);
      const whole = await go(first);
      expect(whole.at(-1)?.exitCode, words(whole)).toBe(0);
      expect(whole.length).toBeGreaterThanOrEqual(5);
      const unnamed: string[] = [];
      for (const permission of permissionsOf(policy)) {
        const it = await bed(file);
        it.restrict(without(policy, permission));
        const ran = await go(it);
        const { action } = permission;
        const isDone = ran.at(-1)?.exitCode === 0;
        if (!words(ran).includes(action) || isDone !== TOLD_ONLY.includes(action)) unnamed.push(action);
      }
      expect(unnamed).toEqual(notInThisRun);
    },
    240_000,
  );
});

describe('the role that plans', () => {
  it('plans, looks for drift and at the status, and can change nothing: every call that would is denied', async () => {
    const it = await bed();
    expect((await it.run('apply', '--yes')).exitCode).toBe(0);
    it.restrict(await policyOf(it, '--for', 'plan', '--strict', '--blame'));
    const pullRequest = { env: { BUILDKITE_PULL_REQUEST: '7' } };
    expect((await it.runWith(pullRequest, 'plan')).exitCode).toBe(0);
    expect((await it.runWith(pullRequest, 'drift', '--strict', '--blame')).exitCode).toBe(0);
    expect((await it.runWith(pullRequest, 'status')).exitCode).toBe(0);
    await it.file(JSON.parse(JSON.stringify(FILE).replaceAll('"timeout":5', '"timeout":7')) as Document);
    const before = structuredClone(it.fn());
    for (const command of [
      ['apply', '--yes'],
      ['rollback', '--to', '1', '--yes'],
    ]) {
      const ran = await it.runWith(pullRequest, ...command);
      expect(ran.exitCode, ran.out).not.toBe(0);
    }
    // The build of the branch gets further: as far as the first secret.
    expect(words([await it.run('apply', '--yes')])).toContain('ssm:GetParameters');
    expect(structuredClone(it.fn())).toEqual(before);
  });

  it('is told that a key of its own hides variables, and then which permission that is; without one that it may not', async () => {
    const own = fileOf({ hello: hello({ kmsKeyArn: KEY }) });
    const it = await bed(own);
    expect((await it.run('apply', '--yes')).exitCode).toBe(0);
    const printed = await it.run('iam-policy', '--for', 'plan');
    expect(printed.err).toContain('note: with kmsKeyArn GetFunction shows the variables only to whom');
    it.restrict(printed.json());
    const ran = await it.run('plan');
    expect([ran.exitCode, ran.err]).toEqual([1, expect.stringContaining('kms:Decrypt')]);
    expect(ran.err).toContain('AWS_UNREADABLE');
    const { environment: _, ...bare } = hello({ kmsKeyArn: KEY });
    await it.file(fileOf({ hello: bare }));
    expect((await it.run('plan')).exitCode).toBe(0);
    expect((await it.run('iam-policy', '--for', 'plan')).err).not.toContain('kmsKeyArn');
  });

  it('is told that GetFunction discloses variables', async () => {
    const it = await bed();
    const ran = await it.run('iam-policy', '--for', 'plan');
    expect(ran.err).toContain('lambda:GetFunction discloses the values of environment variables');
    expect(ran.out).not.toMatch(/ssm|secretsmanager|kms/);
  });
});

it('who may not list a bucket is told so where an object is missing, and otherwise that it is', async () => {
  const it = await bed();
  const policy = await policyOf(it);
  it.sandbox.state.stores.buckets.get('code')?.objects.clear();
  it.restrict(policy);
  expect(words([await it.run('plan')])).toContain('does not exist');
  it.restrict(without(policy, { action: 's3:ListBucket' }));
  const ran = await it.run('plan');
  expect(ran.exitCode).toBe(1);
  expect(ran.err).toContain('s3:ListBucket');
});

it('a policy that the sandbox would read wrongly keeps it from starting', async () => {
  const it = await bed();
  await it.write('policy.json', JSON.stringify({ Statement: { Effect: 'Allow', NotAction: '*', Resource: '*' } }));
  const ran = await it.run('sandbox', '--iam-policy', 'policy.json');
  expect(ran.exitCode).toBe(1);
  expect(ran.err).toContain('--iam-policy policy.json: Statement[0].NotAction is not understood');
});

describe('the trust policy', () => {
  const slugs = ['--organization', 'acme', '--pipeline', 'shop'];
  const subjectOf = (policy: Document): unknown =>
    policy['Statement'][0]['Condition']['StringLike']['agent.buildkite.com:sub'];

  it.each([
    ['apply', [], ['organization:acme:pipeline:shop:ref:refs/heads/main:commit:*:step:apply']],
    ['plan', [], ['organization:acme:pipeline:shop:ref:*:commit:*:step:*']],
    [
      'apply',
      ['--branch', 'release/1', '--step', 'rollback', '--step', 'apply'],
      [
        'organization:acme:pipeline:shop:ref:refs/heads/release/1:commit:*:step:apply',
        'organization:acme:pipeline:shop:ref:refs/heads/release/1:commit:*:step:rollback',
      ],
    ],
  ])('for %s %j', async (purpose, more, subjects) => {
    const it = await bed();
    expect(subjectOf(await policyOf(it, '--for', purpose, '--trust', ...slugs, ...more))).toEqual(subjects);
  });

  it.each([
    ['no organization', ['--pipeline', 'shop']],
    ['a wildcard', [...slugs, '--branch', '*']],
    ['a subject inside of a slug', ['--organization', 'acme:pipeline:other', '--pipeline', 'x']],
    ['a step that is a pattern', [...slugs, '--step', '?']],
  ])('refuses %s', async (_, more) => {
    const it = await bed();
    const ran = await it.run('iam-policy', '--trust', ...more);
    expect(ran.exitCode).toBe(1);
    expect(ran.out).toBe('');
  });
});

it('warns of a policy that IAM does not take as one', async () => {
  const it = await bed();
  const many = Array.from({ length: 60 }, (_, index) => [`a-function-with-a-long-name-${index}`, hello()]);
  await it.file(fileOf(Object.fromEntries(many) as Document));
  const ran = await it.run('iam-policy');
  expect(ran.err).toMatch(/warning: the policy has \d+ characters; a managed policy takes 6144/);
});
