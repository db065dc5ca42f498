import { parse } from 'yaml';
import { isJsonObject, type Json, type JsonObject } from '../model/json.js';
import type { Answer } from './call.js';
import { AwsError } from './errors.js';
import type { Need } from './iam-actions.js';
import type { Dialect } from './services.js';

interface Rule {
  readonly effect: 'Allow' | 'Deny';
  readonly actions: readonly RegExp[];
  readonly resources: readonly RegExp[];
  /** Values by condition key, all of which must hold. */
  readonly conditions: readonly (readonly [key: string, values: readonly string[]])[];
}

/** Rules by access key id; `*`: every other key. A key without any may nothing. */
export type Policies = ReadonlyMap<string, readonly Rule[]>;

/** The only condition that is understood. */
const OPERATOR = 'StringEquals';
const KEYS = ['iam:PassedToService'];

/**
 * A file with an IAM policy for every access key, or with policies by access key id under `accessKeys`. JSON or YAML. Whatever is not
 * understood is refused, because a statement that is read wrongly proves nothing.
 *
 * @throws Error in one sentence that names the place
 */
export function parsePolicies(text: string): Policies {
  let value: Json;
  try {
    value = parse(text) as Json;
  } catch {
    throw new Error('it is neither JSON nor YAML.');
  }
  if (isJsonObject(value) && 'accessKeys' in value) {
    const { accessKeys } = keysAt(value, '', ['accessKeys']);
    if (!isJsonObject(accessKeys)) throw new Error('accessKeys is no map of policies.');
    return new Map(Object.entries(accessKeys).map(([key, policy]) => [key, rulesOf(policy, `accessKeys.${key}.`)]));
  }
  return new Map([['*', rulesOf(value, '')]]);
}

function rulesOf(policy: Json, at: string): readonly Rule[] {
  const { Statement: statements } = keysAt(policy, at, ['Version', 'Id', 'Statement']);
  if (statements === undefined) throw new Error(`${at}Statement is missing.`);
  return [statements].flat().map((one, index) => ruleOf(one as Json, `${at}Statement[${index}].`));
}

function ruleOf(statement: Json, at: string): Rule {
  const rule = keysAt(statement, at, ['Sid', 'Effect', 'Action', 'Resource', 'Condition']);
  const { Effect: effect } = rule;
  if (effect !== 'Allow' && effect !== 'Deny') throw new Error(`${at}Effect is neither Allow nor Deny.`);
  return {
    effect,
    actions: textsAt(rule.Action, `${at}Action`).map((text) => pattern(text, 'i')),
    resources: textsAt(rule.Resource, `${at}Resource`).map((text) => pattern(text, '')),
    conditions: conditionsOf(rule.Condition ?? {}, `${at}Condition.`),
  };
}

function conditionsOf(condition: Json, at: string): Rule['conditions'] {
  const { [OPERATOR]: equals = {} } = keysAt(condition, at, [OPERATOR]);
  const known = keysAt(equals, `${at}${OPERATOR}.`, KEYS);
  return Object.entries(known).map(([key, values]) => [key, textsAt(values, `${at}${OPERATOR}.${key}`)]);
}

function keysAt(value: Json, at: string, keys: readonly string[]): JsonObject {
  if (!isJsonObject(value)) throw new Error(`${at.replace(/\.$/, '') || 'the file'} is no map.`);
  const unknown = Object.keys(value).find((key) => !keys.includes(key));
  if (unknown !== undefined)
    throw new Error(`${at}${unknown} is not understood; the sandbox knows ${keys.join(', ')}.`);
  return value;
}

function textsAt(value: Json | undefined, at: string): readonly string[] {
  const texts = [value].flat();
  if (texts.length > 0 && texts.every((text): text is string => typeof text === 'string' && text !== '')) return texts;
  throw new Error(`${at} is no text and no list of texts.`);
}

/**
 * IAM's wildcards: any number of characters, and exactly one; `${*}`, `${?}` and `${$}` are the characters themselves.
 *
 * @throws Error for any other variable
 */
function pattern(text: string, flags: string): RegExp {
  const source = text.replace(/\$\{[^}]*\}?|[.*+?^$(){}|[\]\\]/g, (part) => {
    if (part === '*') return '.*';
    if (part === '?') return '.';
    if (!part.startsWith('${')) return `\\${part}`;
    if (/^\$\{[*?$]\}$/.test(part)) return `\\${part[2] ?? ''}`;
    throw new Error(`the variable ${part} is not understood; the sandbox knows \${*}, \${?} and \${$}.`);
  });
  return new RegExp(`^${source}$`, `s${flags}`);
}

type Verdict = 'allowed' | 'denied' | 'not allowed';

function judge(rules: readonly Rule[], { action, resource, context = {} }: Need): Verdict {
  const fitting = rules.filter(
    ({ actions, resources, conditions }) =>
      actions.some((one) => one.test(action)) &&
      resources.some((one) => one.test(resource)) &&
      conditions.every(([key, values]) => values.includes(context[key] ?? '')),
  );
  if (fitting.some(({ effect }) => effect === 'Deny')) return 'denied';
  return fitting.length > 0 ? 'allowed' : 'not allowed';
}

/** Who calls. */
export interface Caller {
  readonly account: string;
  readonly accessKeyId: string;
}

/**
 * The refusal of the first permission that is missing, `undefined` where none is.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
 */
export function refusalOf(
  policies: Policies,
  caller: Caller,
  needs: readonly Need[],
  dialect: Dialect,
): AwsError | undefined {
  const rules = policies.get(caller.accessKeyId) ?? policies.get('*') ?? [];
  for (const need of needs) {
    const verdict = judge(rules, need);
    if (verdict === 'allowed') continue;
    const why =
      verdict === 'denied'
        ? 'with an explicit deny in an identity-based policy'
        : `because no identity-based policy allows the ${need.action} action`;
    const who = `arn:aws:iam::${caller.account}:user/${caller.accessKeyId}`;
    const Message = `User: ${who} is not authorized to perform: ${need.action} on resource: ${need.resource} ${why}`;
    return new AwsError(dialect === 'target' ? 400 : 403, 'AccessDeniedException', { Message });
  }
  return undefined;
}

/** GetFunction's answer for who may not read tags: an error in their place. @see https://docs.aws.amazon.com/lambda/latest/api/API_TagsError.html */
export function withoutTags(answer: Answer, refusal: AwsError): Answer {
  const { Tags: _, ...body } = answer.body ?? {};
  const { code, body: said } = refusal;
  return { ...answer, body: { ...body, TagsError: { ErrorCode: code, Message: said.Message ?? '' } } };
}

/** GetFunction's answer for who may not use the key: an error in place of the variables. @see https://docs.aws.amazon.com/lambda/latest/api/API_EnvironmentError.html */
export function withoutVariables(answer: Answer, refusal: AwsError): Answer {
  const { Configuration: configuration, ...body } = answer.body ?? {};
  const { Environment: _, ...shown } = isJsonObject(configuration) ? configuration : {};
  const { code, body: said } = refusal;
  const Environment = { Error: { ErrorCode: code, Message: said.Message ?? '' } };
  return { ...answer, body: { ...body, Configuration: { ...shown, Environment } } };
}
