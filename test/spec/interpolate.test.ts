import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { interpolate, isSecretName } from '../../src/spec/interpolate.js';
import { toJson } from '../../src/spec/node.js';
import { parseFile } from '../../src/spec/parse.js';

function resolve(text: string, variables: Readonly<Record<string, string>> = {}, region?: string) {
  const parsed = parseFile(new TextEncoder().encode(text));
  if (!('root' in parsed)) throw new Error(parsed.findings[0]?.message);
  const { root, findings } = interpolate(parsed.root, { variables, ...(region === undefined ? {} : { region }) });
  return { json: toJson(root), shown: toJson(root, (s) => s.interpolated?.shown ?? s.value), findings };
}

describe('expressions', () => {
  it.each([
    ['a variable', '${NAME}', 'value'],
    ['in the middle', 'a-${NAME}-b', 'a-value-b'],
    ['two of them', '${NAME}${EMPTY}${NAME}', 'valuevalue'],
    ['set to nothing is set', '${EMPTY}', ''],
    ['a default for what is unset', '${UNSET:-fall back: #1}', 'fall back: #1'],
    ['a default for what is empty', '${EMPTY:-x}', 'x'],
    ['no default for what is set', '${NAME:-x}', 'value'],
    ['an empty default', '${UNSET:-}', ''],
    ['required and set', '${NAME:?why}', 'value'],
    ['a literal', '$${NAME}', '${NAME}'],
    ['a literal beside a variable', '$${NAME}=${NAME}', '${NAME}=value'],
    ['a dollar is a dollar', '$NAME $5 {NAME}', '$NAME $5 {NAME}'],
    ['the account of the file', '${config:account}', '123456789012'],
    ['the region of the file', '${config:region}', 'us-east-1'],
    ['a value is not interpolated again', '${TRICK}', '${NAME}'],
  ])('%s', (_, text, expected) => {
    const file = `account: "123456789012"\nregion: us-east-1\na: ${JSON.stringify(text)}\n`;
    const { json, findings } = resolve(file, { NAME: 'value', EMPTY: '', TRICK: '${NAME}' });
    expect(findings).toEqual([]);
    expect(json).toMatchObject({ a: expected });
  });

  it('takes the region from the option, the file, and then the environment', () => {
    const region = (text: string, variables: Record<string, string>, option?: string) =>
      (resolve(text, variables, option).json as { a: string }).a;
    const file = 'region: us-east-1\na: ${config:region}\n';
    expect(region(file, { AWS_REGION: 'eu-west-1' }, 'ap-south-1')).toBe('ap-south-1');
    expect(region(file, { AWS_REGION: 'eu-west-1' })).toBe('us-east-1');
    expect(region('a: ${config:region}\n', { AWS_REGION: 'eu-west-1' })).toBe('eu-west-1');
  });

  it('leaves keys alone', () => {
    expect(resolve('"${NAME}": 1\n').json).toEqual({ '${NAME}': 1 });
  });

  it('a region that cannot be resolved is reported once', () => {
    expect(resolve('region: ${R}\na: ${config:region}\nb: ${config:region}\n').findings).toHaveLength(1);
  });
});

describe('secrets', () => {
  it.each([
    'AWS_PROFILE',
    'BUILDKITE_AGENT_ACCESS',
    'GITHUB_TOKEN',
    'A_SECRET',
    'DB_PASSWORD',
    'API_KEY',
    'db_password',
  ])('%s looks like one', (name) => expect(isSecretName(name)).toBe(true));
  it.each(['STAGE', 'TOKENS', 'KEY_ID', 'BUILDKITE_BUILD_NUMBER', 'MONKEY'])('%s does not', (name) =>
    expect(isSecretName(name)).toBe(false),
  );

  it('stay references where the desired state is shown', () => {
    const text = `functions:
  a:
    environment:
      URL: "https://\${USER}:\${DB_PASSWORD:-none}@db/$\${x}"
      PASSWORD: "\${USER}"
      STAGE: "\${USER}"
`;
    const { json, shown } = resolve(text, { USER: 'app', DB_PASSWORD: 'planted' });
    expect(json).toMatchObject({ functions: { a: { environment: { URL: 'https://app:planted@db/${x}' } } } });
    expect(shown).toEqual({
      functions: {
        a: {
          environment: {
            URL: 'https://app:${DB_PASSWORD:-none}@db/$${x}',
            PASSWORD: '${USER}',
            STAGE: 'app',
          },
        },
      },
    });
  });

  it.each([
    ['a setting', 'functions: { a: { description: "${MY_TOKEN}" } }'],
    ['a health check', 'functions: { a: { aliases: { l: { healthCheck: { payload: { t: "${MY_TOKEN}" } } } } } }'],
    ['the map itself', 'functions: { a: { environment: "${MY_TOKEN}" } }'],
    ['a function called environment', 'functions: { environment: { handler: "${MY_TOKEN}" } }'],
  ])('are refused in %s', (_, text) => {
    expect(resolve(text, { MY_TOKEN: 'planted' }).findings.map(({ code }) => code)).toEqual(['SECRET_MISPLACED']);
  });

  it('may stand under the environment of defaults', () => {
    expect(resolve('defaults: { environment: { A: "${MY_TOKEN}" } }', { MY_TOKEN: 'x' }).findings).toEqual([]);
  });
});

it('a value never changes the structure', () => {
  const value = fc.string({ unit: fc.constantFrom(...'a:- {}[]\n"\'&*!|$\\#,') });
  fc.assert(
    fc.property(value, value, (one, two) => {
      const text = 'a: "${ONE}"\nb: [x, "<${TWO}>"]\nc: ${ONE}\n';
      expect(resolve(text, { ONE: one, TWO: two }).json).toEqual({ a: one, b: ['x', `<${two}>`], c: one });
    }),
    { numRuns: 200 },
  );
});
