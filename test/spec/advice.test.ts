import { describe, expect, it } from 'vitest';
import { DEPRECATED_RUNTIMES, NO_SNAPSTART, RUNTIMES_READ_ON } from '../../src/spec/runtimes.js';
import schema from '../../schemas/lambda.deploy.schema.json' with { type: 'json' };
import { load } from './helpers.js';

const warned = async (line: string, variables = {}) => {
  const { warnings } = await load(`version: 1\nfunctions:\n  a:\n    ${line}\n`, variables);
  return warnings.map(({ code }) => code);
};

describe('a value that looks like a secret gets a warning', () => {
  it.each([
    ['an access key id', 'ID', 'AKIA2QWERTYUIOP34567'],
    ['a token of GitHub', 'X1', `ghp_${'a1B2'.repeat(9)}`],
    ['a token of Slack', 'X1', 'xoxb-123456789012-abcdef'],
    ['a private key', 'X1', '-----BEGIN RSA PRIVATE KEY-----'],
    ['a password in an address', 'DATABASE_URL', 'postgres://app:hunter2@db/main'],
    ['a password with a slash and a colon', 'DATABASE_URL', 'postgres://app:hun/ter:2@db/main'],
    ['an address inside of text', 'DATABASE_URL', 'jdbc:postgresql://app:hunter2@db/main'],
    ['a password of digits', 'DATABASE_URL', 'redis://:4711@cache:6379'],
    ['a random value under a name that says so', 'API_KEY', '9fQ2xL7vTz0RbK4mWc8E'],
    ['hexadecimal', 'SESSION_SECRET', '4f9a1c07b2e86d35a0f4'],
  ])('%s', async (_, name, value) =>
    expect(await warned(`environment: { ${name}: "${value}" }`)).toEqual(['SECRET_IN_CLEAR_TEXT']),
  );
});

describe('what only resembles a secret gets none', () => {
  it.each([
    ['a word', 'API_KEY', 'none'],
    ['a placeholder', 'API_KEY', 'aaaaaaaaaaaaaaaa1'],
    ['a name of another one', 'DB_PASSWORD', 'arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf'],
    ['a parameter’s path', 'DB_PASSWORD', '/orders/production/Db1Password'],
    ['a host', 'AUTH_TOKEN', 'tokens.Example1.internal'],
    ['a random value under another name', 'BUILD', '9fQ2xL7vTz0RbK4mWc8E'],
    ['an address without a password', 'DATABASE_URL', 'postgres://app@db:5432/main'],
    ['an address with a colon in its path', 'URL1', 'https://example.com/a:b@c'],
    ['a port before a path with an at sign', 'URL1', 'https://example.com:8080/a@b'],
    ['ports of several hosts', 'URL1', 'http://one:9092,http://app@two:9092'],
    ['words', 'CLIENT_SECRET', 'change-me-before-you-deploy'],
    ['a time', 'TOKEN', '2026-01-01T00:00:00Z'],
  ])('%s', async (_, name, value) => expect(await warned(`environment: { ${name}: "${value}" }`)).toEqual([]));

  it('what comes from outside', async () => {
    const value = { VALUE: 'AKIA2QWERTYUIOP34567' };
    expect(await warned('environment: { ID: "${VALUE}" }', value)).toEqual([]);
  });
});

it('the warning shows no value and proposes a reference', async () => {
  const { warnings } = await load('version: 1\nfunctions:\n  a: { environment: { DB: "redis://:planted@h" } }\n');
  expect(JSON.stringify(warnings)).not.toContain('planted');
  expect(warnings[0]).toMatchObject({
    severity: 'warning',
    path: 'functions.a.environment.DB',
    location: { line: 3, column: 27 },
    fix: expect.stringContaining('${ssm:/path}') as string,
  });
});

describe('runtimes', () => {
  it('a deprecated one gets a warning with its date, a supported one none', async () => {
    const { warnings } = await load(
      'version: 1\nfunctions:\n  a: { runtime: python3.9 }\n  b: { runtime: python3.13 }\n',
    );
    expect(warnings.map(({ code, message }) => [code, message])).toEqual([
      ['RUNTIME_DEPRECATED', expect.stringContaining('deprecated on 2025-12-15')],
    ]);
  });

  it('the table has runtimes that exist and dates that had come when it was read', () => {
    const known = schema.$defs.function.properties.runtime.enum;
    for (const [runtime, since] of DEPRECATED_RUNTIMES) {
      expect(known).toContain(runtime);
      expect(since <= RUNTIMES_READ_ON).toBe(true);
    }
  });

  it('SnapStart is for Java, Python and .NET of today', () => {
    const without = schema.$defs.function.properties.runtime.enum.filter((runtime) => NO_SNAPSTART.test(runtime));
    const having = schema.$defs.function.properties.runtime.enum.filter((runtime) => !without.includes(runtime));
    expect(having).toEqual([
      'dotnet10',
      'dotnet8',
      'java11',
      'java11.al2023',
      'java17',
      'java17.al2023',
      'java21',
      'java25',
      'python3.12',
      'python3.13',
      'python3.14',
      'python3.15',
    ]);
  });
});
