import { readFile, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { PutProvisionedConcurrencyConfigCommand } from '@aws-sdk/client-lambda';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { deployed, type Document, fileOf, hello, okHandler, type Ran, spawnCli, type Stage } from './support.js';

const VALUE = 'Tr0ub4dor-planted-value';
const FILE = fileOf({
  hello: hello({ environment: { KEEP: 'Hello', TOKEN: '${TOKEN}', GONE: 'x' }, tags: { team: 'a' } }),
});

/** A function with a planted value, tags of others, and a snapshot of it in live.json. */
async function shot(): Promise<Stage> {
  const token = { env: { TOKEN: VALUE } };
  const it = await deployed({ settleMs: 0 }, fileOf({ hello: hello() }));
  await it.file(FILE);
  expect((await it.runWith(token, 'apply', '--yes')).exitCode).toBe(0);
  Object.assign(it.fn().tags, { owner: 'somebody@example.org' });
  const ran = await it.runWith(token, 'status', '--format', 'json', '--out', 'live.json');
  expect(ran.exitCode, ran.err).toBe(0);
  expect(ran.json()).toMatchObject({ command: 'status' });
  it.mutations();
  return it;
}

const snapshot = async (it: Stage): Promise<Document> =>
  JSON.parse(await readFile(path.join(it.folder, 'live.json'), 'utf8')) as Document;

/** Where any call fails, and nobody has credentials. */
const NO_NETWORK = {
  env: {
    LAMBDA_DEPLOY_ENDPOINT_URL: 'http://127.0.0.1:9',
    AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
    BUILDKITE_PULL_REQUEST: '7',
  },
};

const planned = (it: Stage, ...more: string[]): Promise<Ran> =>
  it.runWith(NO_NETWORK, 'plan', '--live-state', 'live.json', ...more);

const differencesOf = (ran: Ran): string[] =>
  ran.json()['functions'].flatMap((one: Document) => one['differences'].map(({ path: at }: Document) => at));

describe('a plan from a snapshot', () => {
  it('says what changes without the network, and of variables only what names say', async () => {
    const it = await shot();
    const same = await planned(it);
    expect(same.exitCode, same.err).toBe(0);
    expect(same.out).toContain('No changes. What the snapshot shows is as the file says; AWS was not asked.');
    expect(same.out).toMatch(/environment\.KEEP of hello is unknown until apply: a snapshot holds no values/);
    expect(same.out).toMatch(/taken at \S+ \(\d+ s ago\) by lambda-deploy .* can never be applied/);
    await it.file(
      fileOf({
        hello: hello({ timeout: 9, environment: { KEEP: 'other', TOKEN: '${TOKEN}', NEW: '1' }, tags: { team: 'b' } }),
        more: hello({ name: 'hello-2' }),
      }),
    );
    await it.code(okHandler('three'));
    const missing = await planned(it);
    expect(missing.exitCode).toBe(1);
    expect(missing.err).toMatch(
      /error\[LIVE_STATE\].*\n.*does not have the function hello-2.*\n.*status --format json --out/,
    );
    const ran = await planned(it, '--function', 'hello', '--format', 'json');
    expect(ran.exitCode, ran.err).toBe(0);
    expect(differencesOf(ran)).toEqual([
      'timeout',
      'environment.GONE',
      'environment.NEW',
      'code',
      'tags.team',
      'aliases.live.version',
    ]);
    expect(ran.json()).toMatchObject({ digest: expect.stringMatching(/^snapshot:sha256:/), liveState: {} });
    expect(it.seen()).toEqual([]);
  });

  it('is the plan of AWS where no value decides, version by version', async () => {
    const it = await shot();
    await it.file({ ...FILE, functions: { hello: { ...FILE['functions'].hello, memorySize: 256 } } });
    const token = { env: { TOKEN: VALUE } };
    const real = (await it.runWith(token, 'plan', '--format', 'json')).json();
    const from = (await planned(it, '--format', 'json')).json();
    expect(from['functions'][0].differences).toEqual(real['functions'][0].differences);
    expect(from['functions'][0].effects).toEqual(real['functions'][0].effects);
    expect(from['functions'][0].operations.map(({ type }: Document) => type)).toEqual(
      real['functions'][0].operations.map(({ type }: Document) => type),
    );
  });

  it('uses a version again that nobody serves, although the file is another one than when the snapshot was taken', async () => {
    const it = await deployed({ settleMs: 0 });
    await it.file(fileOf({ hello: hello({ timeout: 9 }) }));
    expect((await it.run('apply', '--yes')).exitCode).toBe(0);
    expect((await it.run('status', '--out', 'live.json')).exitCode).toBe(0);
    await it.file(fileOf({ hello: hello() }));
    const ran = await planned(it, '--format', 'json');
    const [{ operations }] = ran.json()['functions'];
    expect(operations.map(({ type }: Document) => type)).not.toContain('PublishVersion');
    expect(operations).toContainEqual(expect.objectContaining({ type: 'UpdateAlias', version: { number: '1' } }));
  });

  it('says that a function is created where AWS said that there is none', async () => {
    const it = await shot();
    await it.file(fileOf({ hello: hello(), other: hello({ name: 'other' }) }));
    expect((await it.run('status', '--out', 'live.json')).exitCode).toBe(0);
    const ran = await planned(it, '--format', 'json');
    expect(ran.exitCode, ran.err).toBe(0);
    expect(ran.json()['functions'].map(({ action }: Document) => action)).toEqual(['update', 'create']);
  });

  it('code signing that the file did not name then is unknown, and so is a tag of others', async () => {
    const it = await shot();
    const config = 'arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0f6c334abcdea4d8b';
    const more = { codeSigningConfigArn: config, tags: { team: 'a', owner: 'me' } };
    await it.file({ ...FILE, functions: { hello: { ...FILE['functions'].hello, ...more } } });
    const ran = await planned(it);
    expect(ran.exitCode, ran.err).toBe(0);
    expect(ran.out).toContain('No changes.');
    expect(ran.out).toContain('codeSigningConfigArn of hello is unknown until apply');
    expect(ran.out).toContain('tags.owner of hello is unknown until apply');
  });

  it.each([true, false])(
    'a rollout that the file had not then: whether provisioned concurrency (%s) forbids its shares is unknown, afterwards it is not',
    async (isProvisioned) => {
      const it = await deployed({ settleMs: 0 });
      if (isProvisioned)
        await it.client.send(
          new PutProvisionedConcurrencyConfigCommand({
            FunctionName: 'hello',
            Qualifier: 'live',
            ProvisionedConcurrentExecutions: 1,
          }),
        );
      const take = async (): Promise<void> => expect((await it.run('status', '--out', 'live.json')).exitCode).toBe(0);
      const said = 'whether alias live of hello has provisioned concurrency is unknown until apply';
      await take();
      const aliases = { live: { rollout: 'Canary10Percent5Minutes' } };
      await it.file(fileOf({ hello: hello({ aliases }) }));
      expect((await planned(it)).out).not.toContain(said);
      await it.file(fileOf({ hello: hello({ timeout: 9, aliases }) }));
      const ran = await planned(it);
      expect(ran.exitCode, ran.err).toBe(0);
      expect([ran.out.includes(said), ran.out.includes('10 %')]).toEqual([true, true]);
      await take();
      const asked = await planned(it);
      expect([asked.out.includes(said), asked.out.includes('10 %')]).toEqual([false, !isProvisioned]);
    },
  );

  it('is never applied, and takes no option that says so', async () => {
    const it = await shot();
    const out = await planned(it, '--out', 'plan.zip');
    expect([out.exitCode, out.err]).toEqual([1, expect.stringContaining('--out does not go with --live-state')]);
    await it.write('plan.json', (await planned(it, '--format', 'json')).out);
    const ran = await it.run('apply', 'plan.json');
    expect([ran.exitCode, it.mutations()]).toEqual([1, []]);
  });

  it('is as a plan where the archive is missing', async () => {
    const it = await shot();
    await it.file(fileOf({ hello: hello({ code: { zip: 'not-built.zip' } }) }));
    expect((await planned(it)).err).toContain('error[ZIP_NOT_FOUND]');
  });

  it('leaves code that only AWS knows unknown', async () => {
    const it = await shot();
    await it.file(
      fileOf({ hello: hello({ code: { s3: { bucket: 'code', key: 'hello.zip' } }, architectures: ['arm64'] }) }),
    );
    const ran = await planned(it);
    expect(ran.exitCode, ran.err).toBe(0);
    expect(ran.out).toContain('code of hello is unknown until apply');
  });
});

describe('a snapshot', () => {
  it('fits its schema, and has no value, no hash of one, and no link', async () => {
    const it = await shot();
    const schema = JSON.parse(
      await readFile(new URL('../../schemas/live-state.schema.json', import.meta.url), 'utf8'),
    ) as object;
    const validate = new Ajv2020({ strictTypes: false }).compile(schema);
    const document = await snapshot(it);
    expect(validate(document), JSON.stringify(validate.errors)).toBe(true);
    expect(JSON.stringify(it.fn().latest)).toContain(VALUE);
    const text = JSON.stringify(document);
    const hashes = ['sha256', 'sha1', 'md5'].flatMap((name) =>
      (['hex', 'base64'] as const).map((encoding) => createHash(name).update(VALUE).digest(encoding)),
    );
    for (const one of [VALUE, Buffer.from(VALUE).toString('base64'), 'Hello', 'http://', 'somebody@', ...hashes])
      expect(text, one).not.toContain(one);
    const [{ latest, versions, tags }] = document['functions'];
    expect(latest.variables).toEqual({ KEEP: 1, TOKEN: 1, GONE: 1 });
    expect(versions).toHaveLength(2);
    expect(tags).toMatchObject({ team: 'a', owner: null });
  });

  it.each<[string, (good: Document) => string | Buffer, RegExp]>([
    ['empty', () => '', /no whole JSON/],
    ['truncated', (good) => JSON.stringify(good).slice(0, -40), /no whole JSON/],
    ['no UTF-8', () => Buffer.from([0xff, 0xfe, 0x7b]), /not UTF-8/],
    ['null', () => 'null', /is no snapshot/],
    ['a plan', () => '{"formatVersion":"1","command":"plan"}', /is no snapshot/],
    ['newer', (good) => JSON.stringify({ ...good, formatVersion: '2' }), /has format "2"/],
    ['with a value', (good) => edited(good, (one) => (one['latest'].variables = { KEEP: 'Hello' })), /is no snapshot/],
    [
      'with a deep trap',
      (good) => edited(good, (one) => (one['latest'].settings = { layers: { length: 1e9 } })),
      /is no snapshot/,
    ],
    ['of another region', (good) => edited(good, (one) => (one['region'] = 'eu-west-1')), /has hello in eu-west-1/],
    ['of another account', (good) => edited(good, (one) => (one['account'] = '999999999999')), /account 999999999999/],
    ['of an environment', (good) => JSON.stringify({ ...good, environment: 'prod' }), /of the environment prod/],
  ])('%s is refused in plain words', async (_name, make, words) => {
    const it = await shot();
    await writeFile(path.join(it.folder, 'live.json'), make(await snapshot(it)));
    const ran = await planned(it);
    expect([ran.exitCode, ran.out]).toEqual([/account/.test(words.source) ? 3 : 1, '']);
    expect(ran.err).toMatch(words);
    expect(ran.err).toContain('status --format json --out');
  });

  it('that is a folder, or is not there, is refused', async () => {
    const it = await shot();
    expect((await it.runWith(NO_NETWORK, 'plan', '--live-state', '.')).err).toContain('is no regular file');
    expect((await it.runWith(NO_NETWORK, 'plan', '--live-state', 'no.json')).err).toContain('does not exist');
  });

  it('is not written where a function cannot be read', async () => {
    const it = await shot();
    await it.file({ ...FILE, account: '999999999999' });
    expect((await it.run('status', '--out', 'other.json')).exitCode).toBe(3);
    await expect(readFile(path.join(it.folder, 'other.json'))).rejects.toThrow('ENOENT');
  });
});

function edited(good: Document, edit: (one: Document) => unknown): string {
  edit(good['functions'][0] as Document);
  return JSON.stringify(good);
}

it('the built program plans from a snapshot with neither credentials nor a network', async () => {
  const it = await shot();
  const env = {
    AWS_ACCESS_KEY_ID: '',
    AWS_SECRET_ACCESS_KEY: '',
    AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
  };
  const ran = await spawnCli(['plan', '--live-state', 'live.json'], { cwd: it.folder, env }).done;
  expect(ran.exitCode, ran.err).toBe(0);
  expect(ran.out).toContain('No changes. What the snapshot shows is as the file says');
});
