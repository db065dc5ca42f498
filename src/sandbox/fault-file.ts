import { parse } from 'yaml';
import { isJsonObject, type Json, type JsonObject } from '../model/json.js';
import type { FaultAction, FaultRule } from './faults.js';
import { OPERATIONS } from './services.js';

/** Calls that begin something which can end badly. */
const BEGINNING = ['CreateFunction', 'UpdateFunctionConfiguration', 'UpdateFunctionCode', 'PublishVersion'];

/** A slow answer beyond this is a hang: no client waits for it. */
const MAX_SLOW_MS = 3_600_000;

type Read = (value: Json, at: string) => void;

/** What each fault may say. */
const ACTIONS: Readonly<Record<string, Read>> = {
  status: (value, at) => check(value === 429 || value === 500, `${at} is neither 429 nor 500.`),
  slowMs: (value, at) => check(isCount(value, MAX_SLOW_MS), `${at} is no number of milliseconds up to ${MAX_SLOW_MS}.`),
  reset: (value, at) => check(value === 'before' || value === 'after', `${at} is neither before nor after.`),
  failed: readFailure,
  neverSettles: (value, at) => check(value === true, `${at} is not true.`),
  foreignWriter: (value, at) =>
    check(
      value === true || ['configuration', 'code', 'alias'].includes(String(value)),
      `${at} is none of configuration, code, alias and true.`,
    ),
};

/**
 * A file of faults, YAML or JSON: a list of {@link FaultRule}s. Everything misspelt is refused, because a fault that never comes proves
 * nothing.
 *
 * @throws Error in one sentence that names the place and what would be right
 */
export function parseFaults(text: string): readonly FaultRule[] {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    // The parser's later lines quote the file.
    const [first] = (error instanceof Error ? error.message : '').split('\n');
    throw new Error(`it is no YAML: ${first}`);
  }
  if (!Array.isArray(value)) throw new Error('the file is no list of rules.');
  return value.map((rule, index) => ruleAt(rule as Json, `[${index}]`));
}

function ruleAt(value: Json, at: string): FaultRule {
  const rule = mapAt(value, at, ['operation', 'function', 'call', 'times', 'fault']);
  const { operation, function: name, call, times, fault } = rule;
  check(
    typeof operation === 'string' && (operation === '*' || OPERATIONS.has(operation)),
    `${at}.operation is no operation that the sandbox serves; write its name, as UpdateAlias, or "*" for any.`,
  );
  check(name === undefined || (typeof name === 'string' && name !== ''), `${at}.function is no name of a function.`);
  check(call === undefined || isCount(call), `${at}.call is no number from 1.`);
  check(
    times === undefined || times === 'forever' || isCount(times),
    `${at}.times is no number from 1, and not forever.`,
  );
  checkAction(fault, `${at}.fault`, String(operation));
  return rule as unknown as FaultRule;
}

function checkAction(value: Json | undefined, at: string, operation: string): asserts value is JsonObject {
  const action = mapAt(value ?? null, at, [...Object.keys(ACTIONS), 'retryAfter']);
  const kinds = Object.keys(action).filter((key) => key !== 'retryAfter');
  const [kind = ''] = kinds;
  check(kinds.length === 1, `${at} is not exactly one of ${Object.keys(ACTIONS).join(', ')}.`);
  ACTIONS[kind]?.(action[kind] ?? null, `${at}.${kind}`);
  const { retryAfter } = action;
  check(
    retryAfter === undefined || (action.status === 429 && isCount(retryAfter)),
    `${at}.retryAfter is no number of seconds from 1 beside status 429.`,
  );
  const isLate = kind === ('failed' satisfies KeyOf) || kind === ('neverSettles' satisfies KeyOf);
  check(
    !isLate || operation === '*' || BEGINNING.includes(operation),
    `${at}.${kind} is for calls that begin something: ${BEGINNING.join(', ')}.`,
  );
}

type KeyOf = FaultAction extends infer One ? (One extends unknown ? keyof One : never) : never;

function readFailure(value: Json, at: string): void {
  if (value === true) return;
  const { reason, code } = mapAt(value, at, ['reason', 'code']);
  check(reason === undefined || typeof reason === 'string', `${at}.reason is no text.`);
  check(code === undefined || typeof code === 'string', `${at}.code is no text.`);
}

function mapAt(value: Json, at: string, keys: readonly string[]): JsonObject {
  if (!isJsonObject(value)) throw new Error(`${at} is no map.`);
  const unknown = Object.keys(value).find((key) => !keys.includes(key));
  check(unknown === undefined, `${at}.${unknown} is none of ${keys.join(', ')}.`);
  return value;
}

function isCount(value: Json, max = Number.MAX_SAFE_INTEGER): boolean {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= max;
}

function check(holds: boolean, problem: string): asserts holds {
  if (!holds) throw new Error(problem);
}
