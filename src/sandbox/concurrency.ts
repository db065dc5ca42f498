import { type Answer, type Call, json, part } from './call.js';
import { constraintErrors, serializationError } from './errors.js';
import { findUnqualified } from './names.js';
import { newRevision } from './state.js';
import { given, problem } from './constraints.js';

function find(call: Call): ReturnType<typeof findUnqualified> {
  return findUnqualified(call.state, call.region, part(call, 'FunctionName'));
}

/** GetFunctionConcurrency: an empty answer when nothing is reserved (recorded: function_concurrency). */
export function getFunctionConcurrency(call: Call): Answer {
  const reserved = find(call).reservedConcurrency;
  return json(200, reserved === undefined ? {} : { ReservedConcurrentExecutions: reserved });
}

/** PutFunctionConcurrency. With 0 every invocation is throttled. */
export function putFunctionConcurrency(call: Call): Answer {
  const value = given(call.body, 'ReservedConcurrentExecutions');
  if (typeof value !== 'number' || !Number.isInteger(value))
    throw serializationError('ReservedConcurrentExecutions must be of type integer');
  if (value < 0)
    throw constraintErrors([
      problem(String(value), 'reservedConcurrentExecutions', 'Member must have value greater than or equal to 0'),
    ]);
  const fn = find(call);
  fn.reservedConcurrency = value;
  // Not recorded; tags move it, so nobody may rely on the opposite.
  fn.latest.revisionId = newRevision();
  return json(200, { ReservedConcurrentExecutions: value });
}

/** DeleteFunctionConcurrency. */
export function deleteFunctionConcurrency(call: Call): Answer {
  const fn = find(call);
  delete fn.reservedConcurrency;
  fn.latest.revisionId = newRevision();
  return { status: 204 };
}
