import { describe, expect, it } from 'vitest';
import { createBuildAgent, MAX_META_DATA_BYTES } from '../../src/buildkite/agent.js';
import { DeployError } from '../../src/errors.js';
import type { BuildAgentPort, RecordStore } from '../../src/model/ports.js';
import { buildkiteStore } from '../../src/record/buildkite.js';
import { standIn } from '../buildkite/support.js';
import { contract } from './contract.js';
import { full, sample } from './sample.js';

const LIVE = { name: 'orders', arn: 'arn:aws:lambda:us-east-1:123456789012:function:orders', tags: {} };
const KEY = 'lambda-deploy:records:123456789012:us-east-1:orders:live';

/** The meta-data of a build alone, with the limits of the agent's, so that hundreds of calls start no program. */
function metaDataOnly(values: Map<string, string>): BuildAgentPort {
  return {
    getMetaData: (key: string) => Promise.resolve(values.get(key)),
    setMetaData(key: string, value: string) {
      if (value.trim() === '' || Buffer.byteLength(value) > MAX_META_DATA_BYTES || [...key].length > 100)
        throw new DeployError('BUILD_AGENT', 'the agent would refuse it.');
      values.set(key, value);
      return Promise.resolve();
    },
  } as Partial<BuildAgentPort> as BuildAgentPort;
}

function storeOf(agent: BuildAgentPort, region = 'us-east-1'): RecordStore {
  return buildkiteStore(agent, { region, account: () => Promise.resolve('123456789012') });
}

describe('the contract of record stores', () => {
  contract(() => {
    const values = new Map<string, string>();
    return Promise.resolve({
      store: storeOf(metaDataOnly(values)),
      live: () => LIVE,
      written: () => Promise.resolve([...values.values()].join('\n')),
    });
  });
});

describe('records in the meta-data of a build', () => {
  it('are there for the next step, through the agent', async () => {
    const build = await standIn();
    const agent = () => createBuildAgent({ env: build.env, cwd: build.folder, signal: new AbortController().signal });
    await storeOf(agent()).close(LIVE, [full(1)], []);
    expect(await storeOf(agent()).list(LIVE, 'live')).toEqual([full(1)]);
    expect(Object.keys(await build.metaData())).toEqual([KEY]);
  });

  it('of one name in two accounts and two regions are apart, of a function that does not exist yet the same as later', async () => {
    const agent = metaDataOnly(new Map());
    await storeOf(agent).open({ ...LIVE, arn: '' }, [sample(1)], []);
    expect(await storeOf(agent).list(LIVE, 'live')).toHaveLength(1);
    expect(await storeOf(agent, 'eu-west-1').list(LIVE, 'live')).toEqual([]);
    expect(
      await storeOf(agent).list({ ...LIVE, arn: LIVE.arn.replace('123456789012', '999999999999') }, 'live'),
    ).toEqual([]);
  });

  it('that do not fit lose what is bulky, then the oldest go; the newest stays', async () => {
    const values = new Map<string, string>();
    const store = storeOf(metaDataOnly(values));
    const spec = { text: 'ü'.repeat(20_000) };
    for (let minute = 1; minute <= 5; minute += 1) await store.close(LIVE, [full(minute, { spec })], []);
    const records = await store.list(LIVE, 'live');
    expect(records.map(({ id }) => id)).toEqual([5, 4, 3, 2, 1].map((minute) => sample(minute).id));
    expect(records.map((record) => 'spec' in record)).toEqual([true, true, false, false, false]);
    await store.close(LIVE, [full(6, { spec: { text: 'x'.repeat(200_000) } })], []);
    expect((await store.list(LIVE, 'live'))[0]).toMatchObject({ id: sample(6).id, version: '7' });
    const many = Array.from({ length: 400 }, (_, at) => sample(10 + at));
    await store.close(LIVE, many, []);
    expect((await store.list(LIVE, 'live'))[0]?.id).toBe(many.at(-1)?.id);
    expect(Buffer.byteLength(values.get(KEY) ?? '')).toBeLessThanOrEqual(MAX_META_DATA_BYTES);
  });

  it('have a key of a hundred characters at most', async () => {
    const values = new Map<string, string>();
    const alias = 'a'.repeat(120);
    await storeOf(metaDataOnly(values)).close(LIVE, [{ ...sample(1), alias }], []);
    expect([...values.keys()][0]).toMatch(/^lambda-deploy:records:123456789012:us-east-1:orders:a+:[0-9a-f]{16}$/);
    expect(await storeOf(metaDataOnly(values)).list(LIVE, alias)).toHaveLength(1);
  });

  it.each(['', '[]', '{"records":[{}]}', 'null', '{"formatVersion":"2","records":[]}'])(
    'that are broken are named: %j',
    async (text) => {
      const values = new Map([[KEY, text]]);
      await expect(storeOf(metaDataOnly(values)).list(LIVE, 'live')).rejects.toMatchObject({
        code: 'RECORD_STORE',
        subject: KEY,
      });
    },
  );

  it('that the agent does not give are an error, never “none”', async () => {
    const build = await standIn();
    await build.fail({ command: '*', do: 'fail' });
    const agent = createBuildAgent({ env: build.env, cwd: build.folder, signal: new AbortController().signal });
    const error = { code: 'RECORD_STORE', detail: expect.stringContaining('500 Something went wrong.') as string };
    await expect(storeOf(agent).list(LIVE, 'live')).rejects.toMatchObject(error);
    await expect(storeOf(agent).open(LIVE, [sample(1)], [])).rejects.toMatchObject(error);
  });

  it('of several aliases are written side by side, and one that fails keeps no other from being written', async () => {
    const values = new Map<string, string>();
    const { getMetaData, setMetaData } = metaDataOnly(values);
    const agent = {
      getMetaData,
      setMetaData: (key: string, value: string) =>
        key.endsWith(':live') ? Promise.reject(new DeployError('BUILD_AGENT', 'no.')) : setMetaData(key, value),
    } as Partial<BuildAgentPort> as BuildAgentPort;
    const records = ['live', 'canary'].map((alias) => ({ ...sample(1), alias }));
    await expect(storeOf(agent).close(LIVE, records, [])).rejects.toMatchObject({ code: 'RECORD_STORE', subject: KEY });
    expect([...values.keys()]).toEqual([KEY.replace(/live$/, 'canary')]);
  });
});
