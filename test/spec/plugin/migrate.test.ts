import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Finding } from '../../../src/spec/findings.js';
import { migratePipeline, type Migration, type MigrationPlace } from '../../../src/spec/plugin/migrate.js';
import { load } from '../helpers.js';

type Done = Extract<Migration, { status: 'migrated' }>;
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- files are looked into member by member, and checked by their values
type Loose = Record<string, any>;

const PLACE: MigrationPlace = { shownAs: 'pipeline.yml', toRoot: '' };

function migrate(text: string, place: Partial<MigrationPlace> = {}): Migration {
  return migratePipeline(new TextEncoder().encode(text), { ...PLACE, ...place });
}

function done(text: string, place: Partial<MigrationPlace> = {}): Done {
  const migration = migrate(text, place);
  if (migration.status !== 'migrated') throw new Error(JSON.stringify(migration, null, 1));
  return migration;
}

function broken(text: string): readonly Finding[] {
  const migration = migrate(text);
  if (migration.status !== 'broken') throw new Error(`it was ${migration.status}`);
  return migration.findings;
}

const fileOf = (migration: Done): Loose => parse(migration.file) as Loose;
const pipelineOf = (migration: Done): Loose => parse(migration.pipeline) as Loose;

const BASIC = { 'function-name': 'orders', alias: 'live', mode: 'deploy', 'zip-file': 'f.zip', region: 'us-east-1' };
const PLUGIN = 'aws-lambda-deploy#v1.0.0';

/** A pipeline of one step with these options; JSON is YAML. */
function pipeline(options: object, step: object = {}): string {
  return JSON.stringify({ steps: [{ ...step, plugins: [{ [PLUGIN]: { ...BASIC, ...options } }] }] }, null, 2);
}

/** The loader takes the file, in a job that has its variables. */
async function isValid({ file }: Done): Promise<void> {
  const names = [...file.matchAll(/\$\{(?:secret:)?([A-Z]\w*)/g)].map(([, name = '']) => [name, '1']);
  const variables = Object.fromEntries(names) as Record<string, string>;
  for (const environment of Object.keys((parse(file) as Loose)['environments'] ?? { none: {} }))
    await load(file, variables, environment === 'none' ? {} : { environment });
}

/** The function of a pipeline of one step. */
async function functionOf(options: object): Promise<Loose> {
  const migration = done(pipeline(options));
  await isValid(migration);
  return fileOf(migration)['functions'].orders as Loose;
}

const IMAGE = '123456789012.dkr.ecr.us-east-1.amazonaws.com/orders';
const isImage = { 'package-type': 'Image', 'zip-file': '' };

describe('an option of a function becomes a key of the file', () => {
  it.each<[object, Loose]>([
    [{}, { code: { zip: 'f.zip' } }],
    [{ 'zip-file': './dist/f.zip' }, { code: { zip: 'dist/f.zip' } }],
    [{ 'zip-file': '', 's3-bucket': 'acme', 's3-key': 'a.zip' }, { code: { s3: { bucket: 'acme', key: 'a.zip' } } }],
    [
      { 'zip-file': null, 's3-bucket': 'acme', 's3-key': 'a.zip', 's3-object-version': 'v1' },
      { code: { s3: { bucket: 'acme', key: 'a.zip', version: 'v1' } } },
    ],
    [{ ...isImage, 'image-uri': `${IMAGE}:42` }, { code: { image: `${IMAGE}:42` } }],
    [{ ...isImage, 'image-uri': IMAGE }, { code: { image: `${IMAGE}:latest` } }],
    [
      {
        ...isImage,
        'image-uri': `${IMAGE}:\${BUILDKITE_COMMIT}`,
        'image-config': { entrypoint: ['/e'], command: 'a.b' },
      },
      { code: { image: `${IMAGE}:\${BUILDKITE_COMMIT}` }, imageConfig: { entryPoint: ['/e'], command: ['a.b'] } },
    ],
    [
      { ...isImage, 'image-uri': `${IMAGE}:1`, 'image-config': '{"WorkingDirectory":"/w"}' },
      { imageConfig: { workingDirectory: '/w' } },
    ],
    [
      { timeout: '30', 'memory-size': 256 },
      { timeout: 30, memorySize: 256 },
    ],
    [{ timeout: '${SECONDS_MAX}' }, { timeout: '${SECONDS_MAX}' }],
    [
      { runtime: 'python3.13', handler: 'app.handler' },
      { runtime: 'python3.13', handler: 'app.handler' },
    ],
    [{ role: 'arn:aws:iam::123456789012:role/x' }, { role: 'arn:aws:iam::123456789012:role/x' }],
    [{ description: 'takes orders' }, { description: 'takes orders' }],
    [
      { description: 'of ${BUILDKITE_BUILD_NUMBER} on $BUILDKITE_BRANCH' },
      { versionDescription: 'of ${BUILDKITE_BUILD_NUMBER:-local} on ${BUILDKITE_BRANCH:-local}' },
    ],
    [{ environment: { STAGE: 'x', ON: true, RATIO: 1.5 } }, { environment: { STAGE: 'x', ON: 'true', RATIO: '1.5' } }],
    [{ environment: '{STAGE=x,LOG=info}' }, { environment: { STAGE: 'x', LOG: 'info' } }],
    [{ environment: '{"STAGE":"x"}' }, { environment: { STAGE: 'x' } }],
  ])('%j', async (options, expected) => {
    expect(await functionOf(options)).toMatchObject(expected);
  });

  it('numbers keep their spelling in variables', () => {
    const text = pipeline({ environment: { RATIO: 'here' } }).replace('"here"', '1.10');
    expect(fileOf(done(text))['functions'].orders.environment).toEqual({ RATIO: '1.10' });
  });

  it('paths begin at the root of the repository, wherever the file is', () => {
    const { file, pipeline: text } = done(pipeline({}), { toRoot: '../../', config: 'deploy/x/lambda.deploy.yaml' });
    expect((parse(file) as Loose)['functions'].orders.code).toEqual({ zip: '../../f.zip' });
    expect(text).toContain('--config deploy/x/lambda.deploy.yaml');
  });
});

const health = { 'health-check-enabled': 'true' };

describe('an option of the deployment becomes a key of the alias', () => {
  it.each<[object, Loose]>([
    [{}, {}],
    [{ 'auto-rollback': true }, {}],
    [{ 'auto-rollback': 'false' }, { autoRollback: false }],
    [health, { healthCheck: { expect: { status: 200 }, timeout: 300 } }],
    [
      { ...health, 'health-check-expected-status': '204', 'health-check-timeout': 60 },
      { healthCheck: { expect: { status: 204 }, timeout: 60 } },
    ],
    [
      { ...health, 'health-check-payload': '{\n  "a": [1, "$BUILDKITE_BRANCH"],\n  "k": "${API_KEY}"\n}' },
      { healthCheck: { payload: { a: [1, '${BUILDKITE_BRANCH}'], k: '${secret:API_KEY}' } } },
    ],
    [{ ...health, 'health-check-payload': { a: true } }, { healthCheck: { payload: { a: true } } }],
    [{ 'health-check-enabled': false, 'health-check-payload': '{}' }, {}],
    [{ strategy: 'direct', 'canary-weight': 0.2 }, {}],
    [{ strategy: 'canary' }, { rollout: { steps: ['5%'], interval: 60, promotion: 'manual' } }],
    [
      { strategy: 'canary', 'canary-weight': '0.125', 'canary-interval': 90, 'canary-auto-promote': true },
      { rollout: { steps: ['12.5%'], interval: 90 } },
    ],
    [{ strategy: 'canary', 'canary-weight': 1 }, {}],
    [
      { strategy: 'canary', 'canary-type': 'linear', 'canary-steps': 4, 'canary-interval': '30' },
      { rollout: { steps: ['25%', '50%', '75%'], interval: 30 } },
    ],
    [{ strategy: 'canary', 'canary-type': 'linear' }, {}],
  ])('%j', async (options, expected) => {
    const alias = (await functionOf(options))['aliases'].live as Loose;
    expect(alias).toMatchObject(expected);
    expect(Object.keys(alias).sort()).toEqual(Object.keys(expected).sort());
  });
});

describe('each thing that is different has a note', () => {
  it.each<[string, object]>([
    ['CONFIGURATION_FIRST', { timeout: 5 }],
    ['ONLY_CHANGES', {}],
    ['RECORDS', {}],
    ['TOOL_NEEDED', {}],
    ['ONE_AT_A_TIME', {}],
    ['ACCOUNT_UNKNOWN', {}],
    ['REGION_FROM_JOB', { region: '${AWS_REGION}' }],
    ['UNSET_IS_AN_ERROR', { handler: '${HANDLER}' }],
    ['HANDED_OVER', { handler: '${BUILDKITE_COMMIT:0:7}' }],
    ['OF_THE_UPLOAD', { handler: '${BUILDKITE_JOB_ID}' }],
    ['ENVIRONMENT_SET', { environment: { AA: 'b' } }],
    ['SECRET_LEFT_OUT', { environment: { DB_PASSWORD: 'open' } }],
    ['SECRET_OF_JOB', { environment: { DB_PASSWORD: '${DB_PASSWORD}' } }],
    ['VARIABLE_EACH_BUILD', { environment: { RELEASE: '$BUILDKITE_BUILD_NUMBER' } }],
    ['IMAGE_CONFIG_SET', { ...isImage, 'image-uri': `${IMAGE}:1`, 'image-config': { command: ['a'] } }],
    ['IMAGE_LATEST', { ...isImage, 'image-uri': IMAGE }],
    ['NOT_FOR_IMAGES', { ...isImage, 'image-uri': `${IMAGE}:1`, handler: 'a.b' }],
    ['DESCRIPTION_EACH_BUILD', { description: '${BUILDKITE_BUILD_NUMBER}' }],
    ['ROLE_UNKNOWN', {}],
    ['PROMOTED_BY_HAND', { strategy: 'canary' }],
    ['PROMOTED_AFTER_INTERVAL', { strategy: 'canary', 'canary-auto-promote': true }],
    ['WEIGHTS_LEFT', { strategy: 'canary' }],
    ['SHARE_ROUNDED', { strategy: 'canary', 'canary-weight': 0.0333 }],
    ['ROLLS_BACK_BY_ITSELF', { 'auto-rollback': true }],
    ['ROLLS_BACK_BY_DEFAULT', {}],
    ['ROLLBACK_OFF', { 'auto-rollback': false }],
    ['NO_HEALTH_CHECK', {}],
    ['HEALTH_CHECK_STATUS', health],
    ['HEALTH_CHECK_TIMEOUT', health],
    ['ERROR_THRESHOLD', { ...health, 'health-check-error-threshold': 0.2 }],
    ['NO_EFFECT', { 'canary-steps': 3 }],
    ['UNKNOWN_OPTION', { memory_size: 3 }],
  ])('%s', (code, options) => {
    const found = done(pipeline(options)).notes.find((note) => note.code === code);
    expect(found?.message, code).toMatch(/\.$/);
    expect(found?.fix).toMatch(/\.$/);
    expect(found?.location).toEqual({ file: 'pipeline.yml', line: expect.any(Number), column: expect.any(Number) });
  });

  it('META_DATA, at the line that reads it', () => {
    const reads = '  - command: buildkite-agent meta-data get deployment:aws_lambda:orders:result';
    const options = `{aws-lambda-deploy#v1: ${JSON.stringify(BASIC)}}`;
    const { notes } = done(`steps:\n  - plugins: [${options}]\n${reads}\n`);
    expect(notes.find(({ code }) => code === 'META_DATA')?.location.line).toBe(3);
  });

  it('points at the line of the option, the plugin where it is absent, and names no value of a variable', () => {
    const text = `steps:
  - label: x
    command: make
    soft_fail: true
    plugins:
      - docker#v5
      - ${PLUGIN}:
          function-name: orders
          alias: live
          mode: deploy
          zip-file: f.zip
          memorysize: 5
          environment:
            API_TOKEN: hush-hush
`;
    const { notes, file, pipeline: text2 } = done(text);
    const line = (code: string): number | undefined => notes.find((note) => note.code === code)?.location.line;
    expect(line('UNKNOWN_OPTION')).toBe(12);
    expect(line('SECRET_LEFT_OUT')).toBe(14);
    expect(line('REGION_FROM_JOB')).toBe(7);
    expect(line('SOFT_FAIL')).toBe(4);
    expect(line('IN_A_CONTAINER')).toBe(6);
    expect(notes.map(({ severity }) => severity).join()).toMatch(/^(?:warning,)+(?:note,?)+$/);
    expect(JSON.stringify(notes) + file + text2).not.toContain('hush-hush');
  });
});

describe('what Buildkite fills in at upload, the file resolves when it is loaded', () => {
  it.each([
    ['$BUILDKITE_BRANCH', '${BUILDKITE_BRANCH}'],
    ['${BUILDKITE_BRANCH}x', '${BUILDKITE_BRANCH}x'],
    ['a-${STAGE:-prod}', 'a-${STAGE:-prod}'],
    ['${STAGE:-}', '${STAGE:-}'],
    ['${STAGE?say which}', '${STAGE:?say which}'],
    ['$$STAGE', '$STAGE'],
    ['$${STAGE}', '$${STAGE}'],
    ['\\$STAGE', '$STAGE'],
    ['$(date)', '$(date)'],
    ['5$', '5$'],
    ['${AWS_REGION}', '${config:region}'],
    ['${BUILDKITE_COMMIT:0:7}', '${DEPLOY_COMMIT}', '${BUILDKITE_COMMIT:0:7}'],
    ['${BUILDKITE_TAG#v}', '${DEPLOY_TAG}', '${BUILDKITE_TAG#v}'],
    ['${STAGE-prod}', '${DEPLOY_STAGE}', '${STAGE-prod}'],
    ['${A:-${B:-c}}', '${DEPLOY_A}', '${A:-${B:-c}}'],
    ['$$${STAGE}', '${DEPLOY_STAGE}', '$$${STAGE}'],
    ['${AWS_ACCOUNT_ID}', '${DEPLOY_ACCOUNT_ID}', '${AWS_ACCOUNT_ID}'],
    ['${API_KEY:0:4}', '${DEPLOY_API_KEY_PART}', '${API_KEY:0:4}'],
  ])('%s', (written, expected, handedOver?: string) => {
    const migration = done(pipeline({ 'zip-file': `dist/${written}` }));
    expect(fileOf(migration)['functions'].orders.code.zip).toBe(`dist/${expected}`);
    const env = pipelineOf(migration)['steps'][0].env as Loose | undefined;
    expect(Object.values(env ?? {})).toEqual(handedOver === undefined ? [] : [handedOver]);
  });

  it.each(['$1', '${', '${}', '${STAGE:?no}', '${_X}', '$-', '${STAGE:x}'])(
    '%s is refused, with its place',
    (written) => {
      expect(broken(pipeline({ handler: written }))).toMatchObject([
        {
          code: 'SCHEMA',
          message: expect.stringContaining('Buildkite cannot read'),
          position: { line: expect.any(Number) },
        },
      ]);
    },
  );

  it('secrets stand under environment only, by reference', async () => {
    const variables = { API_TOKEN: '${TOKEN}', URL: 'x?k=${API_KEY}', DB_PASSWORD: '${X:-y}', PLAIN: '$STAGE' };
    expect((await functionOf({ environment: variables }))['environment']).toEqual({
      API_TOKEN: '${secret:TOKEN}',
      URL: 'x?k=${secret:API_KEY}',
      DB_PASSWORD: '${X:-y}',
      PLAIN: '${STAGE}',
    });
    expect(broken(pipeline({ handler: '${API_TOKEN}' }))).toMatchObject([{ code: 'SECRET_MISPLACED' }]);
  });

  it('the account is known from a role, and stands for AWS_ACCOUNT_ID', () => {
    const uri = '${AWS_ACCOUNT_ID}.dkr.ecr.${AWS_DEFAULT_REGION}.amazonaws.com/orders:1';
    const role = 'arn:aws:iam::123456789012:role/x';
    const migration = done(pipeline({ ...isImage, 'image-uri': uri, role }));
    expect(fileOf(migration)).toMatchObject({ account: '123456789012', region: 'us-east-1' });
    const image = '${config:account}.dkr.ecr.${config:region}.amazonaws.com/orders:1';
    expect(fileOf(migration)['functions'].orders.code).toEqual({ image });
  });
});

describe('how the plugin is named', () => {
  it.each([
    ...['aws-lambda-deploy', 'aws-lambda-deploy#v1.0.0', 'buildkite-plugins/aws-lambda-deploy#main'],
    'https://github.com/buildkite-plugins/aws-lambda-deploy-buildkite-plugin.git#v1.0.0',
    'git@github.com:buildkite-plugins/aws-lambda-deploy-buildkite-plugin.git#v1',
    ...['./.buildkite/plugins/aws-lambda-deploy', '.buildkite/plugins/aws-lambda-deploy-buildkite-plugin/'],
  ])('%s, in a list and in a map', (name) => {
    for (const plugins of [[{ [name]: BASIC }], { [name]: BASIC }, ['other#v1', { [name]: BASIC }]]) {
      const migration = done(JSON.stringify({ steps: [{ plugins }] }));
      expect(pipelineOf(migration)['steps'][0].command).toBe(
        'npx lambda-deploy apply --yes --function orders --alias live',
      );
      expect(migration.pipeline).not.toContain(name);
    }
  });

  it.each(['aws-lambda-deployer#v1', 'acme/deploy#aws-lambda-deploy', 'my-aws-lambda-deploy'])(
    '%s is another',
    (name) => {
      expect(migrate(JSON.stringify([{ plugins: [{ [name]: BASIC }, 'a#v1'] }]))).toEqual({
        status: 'no_plugin',
        plugins: [name, 'a#v1'],
      });
    },
  );
});

describe('everything wrong is said at once, where it stands in the pipeline', () => {
  it('values, options and words', () => {
    const text = `steps:
  - plugins:
      - ${PLUGIN}:
          function-name: orders
          alias: "\${STAGE}"
          mode: deplyo
          zip-file: f.zip
          timeout: 2000
          memory-size: lots
          runtime: python3.31
          region: nowhere
          strategy: canary
          canary-weight: 5
          health-check-enabled: "yes"
          environment: [a]
          image-config: {}
`;
    const found = broken(text).map(({ position: { line, column }, message }) => `${line}:${column} ${message}`);
    expect(found.sort()).toMatchInlineSnapshot(`
      [
        "10:20 functions.orders.runtime is "python3.31", which Lambda does not know, did you mean python3.11?",
        "11:19 region is "nowhere"; it must be an AWS region's name.",
        "13:26 \`canary-weight\` is 5; AWS takes a part of 1, more than 0, did you mean 0.05?",
        "14:33 \`health-check-enabled\` is "yes"; the plugin takes true and false.",
        "15:11 \`environment\` is no map of variables.",
        "5:18 \`alias\` is "\${STAGE}"; the file has to name each alias.",
        "6:17 \`mode\` is "deplyo", did you mean deploy?",
        "8:20 functions.orders.timeout is 2000; Lambda allows 1 to 900 seconds.",
        "9:24 functions.orders.memorySize is "lots"; it must be a whole number.",
      ]
    `);
  });

  it.each<[string, object]>([
    ['function-name', { 'function-name': '' }],
    ['alias', { alias: null }],
    ['mode', { mode: '' }],
    ['zip-file', { 'zip-file': '' }],
    ['s3-key', { 'zip-file': '', 's3-bucket': 'acme' }],
    ['image-uri', { 'package-type': 'Image' }],
    ['package-type', { 'package-type': 'zip' }],
    ['canary-weight', { strategy: 'canary', 'canary-weight': 0 }],
    ['canary-weight', { strategy: 'canary', 'canary-weight': 'some' }],
    ['canary-steps', { strategy: 'canary', 'canary-type': 'linear', 'canary-steps': 1e9 }],
    ['canary-type', { strategy: 'canary', 'canary-type': 'slow' }],
    ['health-check-payload', { ...health, 'health-check-payload': '{"n": $N}' }],
    ['health-check-payload', { ...health, 'health-check-payload': '{"n": 12345678901234567890}' }],
    ['image-config', { ...isImage, 'image-uri': `${IMAGE}:1`, 'image-config': { user: 'x' } }],
    ['environment', { environment: { AA: ['b'] } }],
    ['handler', { handler: { a: 1 } }],
  ])('%s of %j', (option, options) => {
    const [finding] = broken(pipeline(options));
    expect(finding).toMatchObject({ code: 'SCHEMA', message: expect.stringContaining(`\`${option}\` `) });
    expect(finding?.fix).toMatch(/\.$/);
    expect(finding?.position.line).toBeGreaterThan(3);
  });
});
