import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { SecretRead } from '../../src/model/ports.js';
import { reveal, Secret } from '../../src/model/secret.js';
import { toDesired, type LoadedSpec } from '../../src/spec/load.js';
import { collectReferences, complete } from '../../src/spec/references.js';
import { toYaml } from '../../src/spec/render-desired.js';
import { load } from './helpers.js';

const ALLOW = { allow: ['references', 'payloadReferences'] } as const;
const TEXT = `version: 1
defaults:
  environment: { SHARED: "\${ssm:/shared}" }
functions:
  orders:
    environment:
      STAGE: dev
      API_KEY: "\${ssm:/orders/api-key}"
      DATABASE: "postgres://\${secret:DB_USER}:\${secretsmanager:orders/db#login.password}@db/\${NAME}"
      WHOLE: "\${secretsmanager:orders/db}"
    aliases:
      live:
        healthCheck:
          - { payload: plain }
          - { payload: { headers: [{ a/b: "Bearer \${ssm:/orders/api-key}" }], user: "\${secret:DB_USER}" } }
  reports: {}
`;
const VARIABLES = { DB_USER: 'planted-user', NAME: 'main' };
const values = (entries: Readonly<Record<string, string>>): ReadonlyMap<string, SecretRead> =>
  new Map(Object.entries(entries).map(([key, value]) => [key, { value: new Secret(value) }]));
const ALL = values({
  'ssm:/shared': 'planted-shared',
  'ssm:/orders/api-key': 'planted-key',
  'secretsmanager:orders/db': '{"login":{"password":"planted-pw"},"port":5432,"a.b":"dotted","none":null}',
});

const resolveReferences = (spec: LoadedSpec, read: ReadonlyMap<string, SecretRead>): LoadedSpec => ({
  ...spec,
  functions: spec.functions.map((one) => complete(one, read)),
});
const ordersOf = (spec: LoadedSpec) => toDesired(spec, new Map()).functions[0];
const shown = (secrets: Readonly<Record<string, Secret>> | null | undefined) =>
  Object.fromEntries(Object.entries(secrets ?? {}).map(([name, value]) => [name, reveal(value)]));

it('each reference is asked for once, and nothing in a file without', async () => {
  expect(collectReferences(await load(TEXT, VARIABLES, ALLOW))).toEqual({
    parameters: ['/orders/api-key', '/shared'],
    secrets: ['orders/db'],
  });
  expect(collectReferences(await load('version: 1\nfunctions: { a: {} }\n'))).toEqual({ parameters: [], secrets: [] });
});

it('values take the place of references, text around them stays', async () => {
  const orders = ordersOf(resolveReferences(await load(TEXT, VARIABLES, ALLOW), ALL));
  expect(shown(orders?.environment)).toEqual({
    SHARED: 'planted-shared',
    STAGE: 'dev',
    API_KEY: 'planted-key',
    DATABASE: 'postgres://planted-user:planted-pw@db/main',
    WHOLE: '{"login":{"password":"planted-pw"},"port":5432,"a.b":"dotted","none":null}',
  });
  expect(orders?.unknownVariables).toBeUndefined();
  const [plain, check] = orders?.aliases[0]?.healthChecks ?? [];
  expect(plain).toEqual({ payload: 'plain', timeoutSeconds: 60 });
  expect(check?.payload).toEqual({ headers: [{ 'a/b': 'Bearer ${ssm:/orders/api-key}' }], user: '${secret:DB_USER}' });
  expect(shown(check?.payloadSecrets)).toEqual({ '/headers/0/a~1b': 'Bearer planted-key', '/user': 'planted-user' });
  expect(check?.payloadUnknown).toBeUndefined();
});

it('what was not read is unknown, never empty and never left out', async () => {
  const orders = ordersOf(await load(TEXT, VARIABLES, ALLOW));
  expect(shown(orders?.environment)).toEqual({ STAGE: 'dev' });
  expect(orders?.unknownVariables).toEqual({
    SHARED: 'ssm:/shared was not read.',
    API_KEY: 'ssm:/orders/api-key was not read.',
    DATABASE: 'secretsmanager:orders/db was not read.',
    WHOLE: 'secretsmanager:orders/db was not read.',
  });
  const check = orders?.aliases[0]?.healthChecks[1];
  expect(check?.payloadUnknown).toEqual({ '/headers/0/a~1b': 'ssm:/orders/api-key was not read.' });
  expect(shown(check?.payloadSecrets)).toEqual({ '/user': 'planted-user' });
});

it('a reason of AWS’s is kept, and what was read beside it is used', async () => {
  const read = new Map<string, SecretRead>([...ALL, ['ssm:/shared', { unknown: 'access denied.' }]]);
  const orders = ordersOf(resolveReferences(await load(TEXT, VARIABLES, ALLOW), read));
  expect(orders?.unknownVariables).toEqual({ SHARED: 'access denied.' });
  expect(Object.keys(orders?.environment ?? {})).toContain('API_KEY');
});

describe('the key of a secret that is JSON', () => {
  const member = async (key: string, secret?: string) => {
    const text = `version: 1\nfunctions: { a: { environment: { AA: "\${secretsmanager:s#${key}}" } } }\n`;
    const read = secret === undefined ? ALL.get('secretsmanager:orders/db') : { value: new Secret(secret) };
    const spec = resolveReferences(await load(text, {}, ALLOW), new Map(read ? [['secretsmanager:s', read]] : []));
    const [one] = toDesired(spec, new Map()).functions;
    return one?.unknownVariables?.['AA'] ?? shown(one?.environment)['AA'];
  };
  const missing = (key: string) => `secretsmanager:s is no JSON with the key ${key}.`;

  it.each([
    ['a path', 'login.password', undefined, 'planted-pw'],
    ['a number is its JSON', 'port', undefined, '5432'],
    ['a map is its JSON', 'login', undefined, '{"password":"planted-pw"}'],
    ['a key with a dot in it', 'a.b', undefined, 'dotted'],
    ['no such key', 'login.user', undefined, missing('login.user')],
    ['null is nothing', 'none', undefined, missing('none')],
    ['no property that every object has', 'constructor', undefined, missing('constructor')],
    ['no JSON', 'a', 'planted-text', missing('a')],
    ['no map', 'length', '"planted-text"', missing('length')],
  ])('%s', async (_, key, secret, expected) => expect(await member(key, secret)).toBe(expected));
});

it('nothing of a value is printed, rendered or written down', async () => {
  const spec = resolveReferences(await load(TEXT, VARIABLES, ALLOW), ALL);
  const outputs = [
    JSON.stringify(spec),
    inspect(spec, { depth: null }),
    JSON.stringify(toDesired(spec, new Map())),
    inspect(toDesired(spec, new Map()), { depth: null }),
    toYaml(spec.rendered),
  ];
  for (const output of outputs) expect(output).not.toContain('planted');
  expect(toYaml(spec.rendered)).toContain(
    'DATABASE: postgres://${secret:DB_USER}:${secretsmanager:orders/db#login.password}@db/main',
  );
});

it('a value has no part in the digest of the spec', async () => {
  const spec = await load(TEXT, VARIABLES, ALLOW);
  expect(ordersOf(resolveReferences(spec, ALL))?.specDigest).toBe(ordersOf(spec)?.specDigest);
});
