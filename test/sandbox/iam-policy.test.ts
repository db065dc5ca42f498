import { describe, expect, it } from 'vitest';
import { policyFor, type PolicyFunction } from '../../src/iam/policy.js';
import { AUTHORISED } from '../../src/sandbox/iam-actions.js';
import { parsePolicies, refusalOf } from '../../src/sandbox/iam-policy.js';
import { LAMBDA_OPERATIONS } from '../../src/sandbox/routes.js';
import { OPERATIONS } from '../../src/sandbox/services.js';

const ARN = 'arn:aws:lambda:us-east-1:123456789012:function:hello';
const CALLER = { account: '123456789012', accessKeyId: 'AKIA' };
const policy = (statement: object): string => JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
const allow = (Action: unknown, Resource: unknown = '*', more: object = {}): string =>
  policy({ Effect: 'Allow', Action, Resource, ...more });
const refusal = (
  text: string,
  action: string,
  resource = ARN,
  context?: Record<string, string>,
): string | undefined => {
  const need = { action, resource, ...(context === undefined ? {} : { context }) };
  return refusalOf(parsePolicies(text), CALLER, [need], 'json')?.message;
};

describe('a policy', () => {
  it('refuses in the words of AWS', () => {
    expect(refusal(allow('lambda:GetFunction'), 'lambda:UpdateAlias')).toBe(
      `AccessDeniedException: User: arn:aws:iam::123456789012:user/AKIA is not authorized to perform: lambda:UpdateAlias on resource: ${ARN} because no identity-based policy allows the lambda:UpdateAlias action`,
    );
  });

  it.each([
    ['the action in another case', allow('LAMBDA:getfunction'), true],
    ['a wildcard in the action', allow('lambda:Get*'), true],
    ['one character', allow('lambda:GetFunctio?'), true],
    ['one character too many', allow('lambda:GetFunction?'), false],
    ['a dot is a dot', allow('lambda.GetFunction'), false],
    ['the function alone', allow('lambda:GetFunction', ARN), true],
    ['only its versions', allow('lambda:GetFunction', `${ARN}:*`), false],
    ['a resource in another case', allow('lambda:GetFunction', ARN.toUpperCase()), false],
    ['one of several', allow(['lambda:Invoke', 'lambda:GetFunction'], ['x', ARN]), true],
  ])('%s', (_, text, allowed) => {
    expect(refusal(text, 'lambda:GetFunction') === undefined).toBe(allowed);
  });

  it('a deny wins over every allow', () => {
    const statements = [
      { Effect: 'Allow', Action: '*', Resource: '*' },
      { Effect: 'Deny', Action: 'lambda:UpdateAlias', Resource: ARN },
    ];
    const text = JSON.stringify({ Statement: statements });
    expect(refusal(text, 'lambda:UpdateAlias')).toContain('with an explicit deny in an identity-based policy');
    expect(refusal(text, 'lambda:UpdateAlias', `${ARN}2`)).toBeUndefined();
  });

  it('a role is passed to the service that is named, and to no other', () => {
    const text = allow('iam:PassRole', '*', {
      Condition: { StringEquals: { 'iam:PassedToService': 'lambda.amazonaws.com' } },
    });
    expect(refusal(text, 'iam:PassRole', 'r', { 'iam:PassedToService': 'lambda.amazonaws.com' })).toBeUndefined();
    expect(refusal(text, 'iam:PassRole', 'r', { 'iam:PassedToService': 'ec2.amazonaws.com' })).toContain(
      'iam:PassRole',
    );
    expect(refusal(text, 'iam:PassRole', 'r')).toContain('iam:PassRole');
  });

  it('access keys have policies of their own; a key without one may nothing', () => {
    const own = (text: string): object => JSON.parse(text) as object;
    const keys = (name: string): string => JSON.stringify({ accessKeys: { [name]: own(allow('*')) } });
    expect(refusal(keys('AKIA'), 'lambda:GetFunction')).toBeUndefined();
    expect(refusal(keys('*'), 'lambda:GetFunction')).toBeUndefined();
    expect(refusal(keys('OTHER'), 'lambda:GetFunction')).toContain('not authorized');
  });

  it.each([
    [
      'NotAction',
      policy({ Effect: 'Allow', NotAction: '*', Resource: '*' }),
      'Statement[0].NotAction is not understood',
    ],
    [
      'another operator',
      allow('*', '*', { Condition: { ArnLike: {} } }),
      'Statement[0].Condition.ArnLike is not understood',
    ],
    [
      'another condition key',
      allow('*', '*', { Condition: { StringEquals: { 'aws:SourceIp': '1' } } }),
      'StringEquals.aws:SourceIp is not understood',
    ],
    ['no resource', policy({ Effect: 'Allow', Action: '*' }), 'Statement[0].Resource is no text'],
    ['a misspelt effect', policy({ Effect: 'allow', Action: '*', Resource: '*' }), 'Effect is neither'],
    ['a variable', allow('*', 'arn:aws:s3:::${aws:username}'), 'the variable ${aws:username} is not understood'],
    ['no statements', '{}', 'Statement is missing'],
    ['an empty file', '', 'is no map'],
    ['no JSON', '{', 'neither JSON nor YAML'],
  ])('refuses %s at the start', (_, text, problem) => {
    expect(() => parsePolicies(text)).toThrow(problem);
  });
});

it('every operation that the sandbox serves is authorised by a row', () => {
  expect([...OPERATIONS].filter((operation) => !AUTHORISED.has(operation))).toEqual([]);
});

const EVERYTHING: PolicyFunction = {
  name: 'hello',
  region: 'us-east-1',
  account: '123456789012',
  role: 'arn:aws:iam::123456789012:role/hello',
  hasAliases: true,
  weightedAliases: ['live'],
  hasAlarms: true,
  hasErrorRate: true,
  hasVpc: true,
  layers: ['arn:aws:lambda:us-east-1:123456789012:layer:a:1'],
  codeSigningConfigArn: null,
  hidesVariables: true,
  keys: ['arn:aws:kms:us-east-1:123456789012:key/k'],
  accessPoints: ['arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-0123456789abcdef0'],
  capacityProvider: 'arn:aws:lambda:us-east-1:123456789012:capacity-provider:pool',
  object: { bucket: 'b', key: 'k' },
  upload: { bucket: 'b', prefix: 'p/' },
  image: '123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1',
  parameters: ['/a'],
  secrets: ['s'],
};

describe('the role that plans', () => {
  const text = JSON.stringify(policyFor([EVERYTHING], { for: 'plan', strict: true, blame: true, prune: false }));
  const changing = [
    ...LAMBDA_OPERATIONS.filter((one) => !/^(Get|List)/.test(one) && one !== 'Invoke'),
    'InvokeFunction',
  ];

  it.each([
    ...changing.map((operation) => `lambda:${operation}`),
    ...['s3:PutObject', 's3:DeleteObject', 'iam:PassRole', 'cloudwatch:SetAlarmState'],
    ...['ssm:GetParameters', 'secretsmanager:GetSecretValue', 'kms:Decrypt'],
  ])('may not %s', (action) => {
    for (const resource of [ARN, `${ARN}:live`, '*', 'arn:aws:s3:::b/k', EVERYTHING.role ?? ''])
      expect(refusal(text, action, resource, { 'iam:PassedToService': 'lambda.amazonaws.com' })).toContain(action);
  });
});

describe('names that read like patterns', () => {
  const odd = { ...EVERYTHING, object: { bucket: 'b', key: 'a*b?c${d}.zip' }, parameters: ['/p/*'], secrets: ['s*'] };
  const text = JSON.stringify(policyFor([odd], { for: 'apply', strict: false, blame: false, prune: false }));

  it.each([
    ['the object itself', 's3:GetObject', 'arn:aws:s3:::b/a*b?c${d}.zip', true],
    ['another object', 's3:GetObject', 'arn:aws:s3:::b/a-b-c${d}.zip', false],
    ['the parameter itself', 'ssm:GetParameters', 'arn:aws:ssm:us-east-1:123456789012:parameter/p/*', true],
    ['another parameter', 'ssm:GetParameters', 'arn:aws:ssm:us-east-1:123456789012:parameter/p/x', false],
    [
      'the secret',
      'secretsmanager:GetSecretValue',
      'arn:aws:secretsmanager:us-east-1:123456789012:secret:s*-AbCdEf',
      true,
    ],
    [
      'another secret',
      'secretsmanager:GetSecretValue',
      'arn:aws:secretsmanager:us-east-1:123456789012:secret:sx-AbCdEf',
      false,
    ],
  ])('%s', (_, action, resource, allowed) => {
    expect(refusal(text, action, resource) === undefined).toBe(allowed);
  });
});

describe('both roles', () => {
  it.each(['plan', 'apply'] as const)(
    '%s: the same functions in another order give the same bytes, sorted',
    (purpose) => {
      const other = { ...EVERYTHING, name: 'a' };
      const options = { for: purpose, strict: true, blame: true, prune: false };
      const made = policyFor([EVERYTHING, other], options);
      expect(JSON.stringify(policyFor([other, EVERYTHING], options))).toBe(JSON.stringify(made));
      const sids = made.Statement.map(({ Sid }) => Sid);
      expect(new Set(sids).size).toBe(sids.length);
      for (const { Action, Resource, Sid } of made.Statement) {
        expect(Sid).toMatch(/^[A-Za-z0-9]+$/);
        expect([...Action].sort()).toEqual(Action);
        expect([...Resource].sort()).toEqual(Resource);
      }
    },
  );
});
