import { describe, expect, it, onTestFinished } from 'vitest';
import { parsePolicies } from '../../src/sandbox/iam-policy.js';
import { type SandboxOptions, startSandbox } from '../../src/sandbox/server.js';
import { deployed, type Document, fileOf, hello, okHandler, project, spawnCli, stage, type Stage } from './support.js';

const S3 = { metadata: 's3://acme-deploys/lambda' };
const BUCKETS = { buckets: { 'acme-deploys': { versioning: true } } };
const FOLDER = 'lambda/123456789012/us-east-1/hello/live/';
const inS3 = (more: Document = {}): Document => fileOf({ hello: hello(more) }, S3);
const start = (options: SandboxOptions = {}): Promise<Stage> => deployed({ seed: BUCKETS, ...options }, inS3());

function objectsOf({ sandbox }: Pick<Stage, 'sandbox'>): Map<string, string> {
  const found = [...(sandbox.state.stores.buckets.get('acme-deploys')?.objects ?? [])].flatMap(([key, versions]) => {
    const body = versions.at(-1)?.body;
    return body === undefined ? [] : [[key, Buffer.from(body).toString('utf8')] as const];
  });
  return new Map(found);
}

/** The operations of S3 since the last look. */
const s3Calls = (it: Stage): string[] => it.seen().filter((name) => /Object/.test(name));

describe('records in S3', () => {
  it('with the built program: three deployments, their history, and back', async () => {
    const sandbox = await startSandbox({ seed: BUCKETS, settleMs: 0 });
    onTestFinished(() => sandbox.close());
    const own = await project();
    const cli = async (...argv: string[]) => {
      const env = { LAMBDA_DEPLOY_ENDPOINT_URL: sandbox.url, BUILDKITE_COMMIT: '' };
      const ran = await spawnCli(argv, { cwd: own.folder, env }).done;
      expect(ran.exitCode, ran.out + ran.err).toBe(0);
      return ran;
    };
    for (const [code, team] of ['one', 'two', 'three'].map((one) => [one, `team-${one}`] as const)) {
      await own.file(inS3({ tags: { team } }));
      await own.code(okHandler(code));
      await cli('apply', '--yes');
    }
    const history = (await cli('history', '--format', 'json')).json();
    const records = JSON.stringify(history);
    expect(records.match(/"result":"succeeded"/g)).toHaveLength(3);
    await cli('rollback', '--yes');
    const after = objectsOf({ sandbox });
    expect([...after.keys()]).toHaveLength(4);
    expect([...after.keys()].every((key) => key.startsWith(`${FOLDER}records/`))).toBe(true);
    const newest = JSON.parse([...after.entries()].sort()[0]?.[1] ?? '{}') as Document;
    expect(newest['record']).toMatchObject({
      action: 'rollback',
      version: '2',
      unversioned: { tags: { team: 'team-two' } },
    });
    expect(newest['rows']).toHaveLength(3);
  });

  it('cost one listing and one read a plan, whatever there is', async () => {
    const it = await start();
    for (const code of ['two', 'three']) {
      await it.code(okHandler(code));
      expect((await it.run('apply', '--yes')).exitCode).toBe(0);
    }
    it.mutations();
    expect((await it.run('plan')).exitCode).toBe(0);
    expect(s3Calls(it)).toEqual(['ListObjectsV2', 'GetObject']);
    it.mutations();
    expect((await it.run('drift')).exitCode).toBe(0);
    expect((await it.run('history')).out).toContain('succeeded');
  });

  it('bring tags back, and a version that was deleted', async () => {
    const it = await stage({ seed: BUCKETS });
    await it.code(okHandler('one'));
    for (const [at, team] of ['one', 'two', 'three'].entries()) {
      await it.file(inS3({ tags: { team }, timeout: at + 5 }));
      expect((await it.run('apply', '--yes')).exitCode).toBe(0);
    }
    expect((await it.run('rollback', '--yes')).exitCode).toBe(0);
    expect(it.fn().tags).toMatchObject({ team: 'two' });
    expect(Object.keys(it.fn().tags).filter((key) => key.startsWith('lambda-deploy:'))).toEqual([]);
    it.fn().versions.delete('1');
    const back = await it.run('rollback', '--to', '1', '--yes');
    expect([back.exitCode, back.out]).toEqual([0, expect.stringContaining('version 1 of hello no longer exists')]);
    expect(it.fn().latest.content.config).toMatchObject({ Timeout: 5 });
  });

  it('hold no value of a variable', async () => {
    const it = await stage({ seed: { ...BUCKETS, parameters: { '/key': 'hunter2-from-ssm' } } });
    await it.file(inS3({ environment: { TOKEN: '${ssm:/key}' } }));
    await it.code(okHandler('one'));
    expect((await it.run('apply', '--yes')).exitCode).toBe(0);
    expect([...objectsOf(it).values()].join('')).toContain('${ssm:/key}');
    expect([...objectsOf(it).values()].join('')).not.toContain('hunter2');
  });
});

/** Denies the calls that it is asked to. */
function denying(): { deny: Set<string>; options: SandboxOptions } {
  const deny = new Set<string>();
  return {
    deny,
    options: {
      intercept: ({ operation }) =>
        deny.has(operation) ? { kind: 'error', status: 403, code: 'AccessDenied', message: 'no' } : undefined,
    },
  };
}

describe('a bucket that fails', () => {
  it.each([
    ['ListObjectsV2', 's3:ListBucket'],
    ['GetObject', 's3:GetObject'],
    ['PutObject', 's3:PutObject'],
  ])('before the first change (%s) leaves everything as it was', async (operation, action) => {
    const { deny, options } = denying();
    const it = await start(options);
    await it.code(okHandler('two'));
    deny.add(operation);
    const ran = await it.run('apply', '--yes');
    expect([ran.exitCode, ran.out + ran.err]).toEqual([1, expect.stringContaining(action)]);
    expect(it.mutations().filter((name) => name !== operation)).toEqual([]);
    deny.clear();
    expect((await it.run('apply', '--yes')).exitCode).toBe(0);
    expect([...objectsOf(it).keys()].filter((key) => key.endsWith('/open'))).toEqual([]);
  });

  it('that does not exist is named, and nothing is changed', async () => {
    const it = await stage();
    await it.file(inS3());
    await it.code(okHandler('one'));
    const ran = await it.run('apply', '--yes');
    expect([ran.exitCode, ran.out + ran.err]).toEqual([
      1,
      expect.stringContaining('bucket acme-deploys does not exist'),
    ]);
    expect(it.mutations()).toEqual([]);
  });

  it('when the record is closed says so, is no failure, and the next run mends it', async () => {
    const { deny, options } = denying();
    const it = await start({
      ...options,
      intercept: (call) => {
        if (call.operation === 'UpdateAlias') deny.add('PutObject');
        return options.intercept?.(call);
      },
    });
    await it.code(okHandler('two'));
    const first = await it.run('apply', '--yes');
    expect([first.exitCode, first.out]).toEqual([0, expect.stringContaining('record could not be closed')]);
    expect([...objectsOf(it).keys()].filter((key) => key.endsWith('/open'))).toHaveLength(1);
    deny.clear();
    expect((await it.run('plan')).out).toContain('an earlier deployment did not finish');
    expect((await it.run('apply', '--yes')).exitCode).toBe(0);
    expect((await it.run('plan', '--detailed-exitcode')).exitCode).toBe(0);
    expect([...objectsOf(it).keys()].filter((key) => key.endsWith('/open'))).toEqual([]);
    expect([...objectsOf(it).keys()].filter((key) => key.endsWith('.open.json'))).toHaveLength(1);
    expect((await it.run('rollback', '--yes')).exitCode).toBe(0);
    expect(it.fn().aliases.get('live')?.functionVersion).toBe('1');
  });

  it('whose lock could not be let go holds nobody', async () => {
    const { deny, options } = denying();
    const it = await start(options);
    await it.code(okHandler('two'));
    deny.add('DeleteObject');
    const first = await it.run('apply', '--yes');
    expect([first.exitCode, first.out]).toEqual([0, expect.stringContaining('s3:DeleteObject')]);
    deny.clear();
    expect((await it.run('plan', '--detailed-exitcode')).exitCode).toBe(0);
    await it.code(okHandler('three'));
    expect((await it.run('apply', '--yes')).exitCode).toBe(0);
    expect([...objectsOf(it).keys()].filter((key) => !key.includes('/records/'))).toEqual([]);
    expect(objectsOf(it).size).toBe(3);
  });
});

describe('the policies', () => {
  it('are enough for records in S3, and each action of them is needed', async () => {
    const policies = new Map(parsePolicies('{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'));
    const it = await start({ iamPolicy: policies });
    const restrict = (policy: Document): void => {
      for (const [key, rules] of parsePolicies(JSON.stringify(policy))) policies.set(key, rules);
    };
    const policy = (await it.run('iam-policy')).json();
    const plan = (await it.run('iam-policy', '--for', 'plan')).json();
    const records = (policy['Statement'] as Document[]).filter(({ Sid }) => /Records$/.test(String(Sid)));
    const object = 'arn:aws:s3:::acme-deploys/lambda/123456789012/us-east-1/hello/*';
    expect(records.map(({ Action, Resource }) => [Action, Resource])).toEqual([
      [['s3:GetObject'], [object]],
      [['s3:ListBucket'], ['arn:aws:s3:::acme-deploys']],
      [['s3:DeleteObject', 's3:PutObject'], [object]],
    ]);
    restrict(plan);
    await it.code(okHandler('two'));
    expect((await it.run('plan')).exitCode).toBe(0);
    expect((await it.run('apply', '--yes')).err + it.outputs.join('')).toContain('s3:PutObject');
    restrict(policy);
    expect((await it.run('apply', '--yes')).exitCode).toBe(0);
    expect((await it.run('rollback', '--yes')).exitCode).toBe(0);
  });
});
