import type { JsonObject } from '../model/json.js';
import { type Answer, type Call, json, part, queryValue } from './call.js';
import { optionalString, requiredString } from './constraints.js';
import { conflict, notFound } from './errors.js';
import { findFunction, findVersion, parseFunctionName, withQualifier } from './names.js';
import { type FunctionState, newRevision } from './state.js';

/** What narrows a statement, by the member that asks for it. @see https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html */
const CONDITIONS: readonly (readonly [member: string, operator: string, key: string])[] = [
  ['SourceArn', 'ArnLike', 'AWS:SourceArn'],
  ['SourceAccount', 'StringEquals', 'AWS:SourceAccount'],
  ['FunctionUrlAuthType', 'StringEquals', 'lambda:FunctionUrlAuthType'],
];

/** AddPermission, on the function, a version or an alias (recorded: add_lambda_permission_aws). */
export function addPermission(call: Call): Answer {
  const { fn, key, arn } = target(call);
  const [sid, action, principal] = ['StatementId', 'Action', 'Principal'].map((member) =>
    requiredString(call.body, member),
  ) as [string, string, string];
  const policy = fn.attached.policies.get(key) ?? [];
  if (policy.some(({ Sid }) => Sid === sid))
    throw conflict(
      `The statement id (${sid}) provided already exists. Please provide a new statement id, or remove the existing statement.`,
    );
  const conditions = CONDITIONS.flatMap(([member, operator, name]) => {
    const value = optionalString(call.body, member);
    return value === undefined ? [] : [[operator, name, value] as const];
  });
  const statement: JsonObject = {
    Sid: sid,
    Effect: 'Allow',
    Principal: principalOf(principal),
    Action: action,
    Resource: arn,
    ...(conditions.length === 0 ? {} : { Condition: conditionOf(conditions) }),
  };
  fn.attached.policies.set(key, [...policy, statement]);
  return json(201, { Statement: JSON.stringify(statement) });
}

/** GetPolicy. */
export function getPolicy(call: Call): Answer {
  const { fn, key } = target(call);
  const policy = { Version: '2012-10-17', Id: 'default', Statement: statements(fn, key) };
  return json(200, { Policy: JSON.stringify(policy), RevisionId: newRevision() });
}

/** RemovePermission. */
export function removePermission(call: Call): Answer {
  const { fn, key } = target(call);
  const sid = part(call, 'StatementId');
  const rest = statements(fn, key).filter(({ Sid }) => Sid !== sid);
  if (rest.length === statements(fn, key).length) throw notFound(`Statement ${sid} is not found in resource policy.`);
  if (rest.length === 0) fn.attached.policies.delete(key);
  else fn.attached.policies.set(key, rest);
  return { status: 204 };
}

function principalOf(principal: string): JsonObject | string {
  if (principal === '*') return principal;
  if (principal.endsWith('.amazonaws.com')) return { Service: principal };
  return { AWS: /^\d{12}$/.test(principal) ? `arn:aws:iam::${principal}:root` : principal };
}

function conditionOf(conditions: readonly (readonly [string, string, string])[]): JsonObject {
  const result: Record<string, JsonObject> = {};
  for (const [operator, name, value] of conditions) result[operator] = { ...result[operator], [name]: value };
  return result;
}

function statements(fn: FunctionState, key: string): readonly JsonObject[] {
  const policy = fn.attached.policies.get(key);
  if (policy === undefined) throw notFound('The resource you requested does not exist.');
  return policy;
}

/** @throws AwsError ResourceNotFoundException for a function, version or alias that is not there */
function target(call: Call): { fn: FunctionState; key: string; arn: string } {
  const parsed = parseFunctionName(call.state, call.region, part(call, 'FunctionName'));
  const { name, qualifier } = withQualifier(parsed, queryValue(call, 'Qualifier'));
  const fn = findFunction(call.state, call.region, name);
  if (qualifier === undefined) return { fn, key: '', arn: fn.arn };
  if (!fn.aliases.has(qualifier)) findVersion(fn, qualifier);
  return { fn, key: qualifier, arn: `${fn.arn}:${qualifier}` };
}
