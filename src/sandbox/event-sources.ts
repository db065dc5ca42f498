import { randomUUID } from 'node:crypto';
import { type Answer, type Call, json, part, queryValue } from './call.js';
import { given, optionalString, requiredString } from './constraints.js';
import { notFound } from './errors.js';
import { findFunction, parseFunctionName } from './names.js';
import { page } from './paging.js';
import { functionsOf, type FunctionState } from './state.js';

/*
 * Nothing is polled: a mapping is only kept and listed. No recording shows these calls; what they answer is from the API's reference.
 * https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
 */

/** CreateEventSourceMapping, of a function or of an alias: 202, being created. */
export function createEventSource(call: Call): Answer {
  const { fn, arn } = target(call, requiredString(call.body, 'FunctionName'));
  const source = optionalString(call.body, 'EventSourceArn');
  const size = given(call.body, 'BatchSize');
  const mapping = {
    UUID: randomUUID(),
    ...(source === undefined ? {} : { EventSourceArn: source }),
    ...(typeof size === 'number' ? { BatchSize: size } : {}),
    FunctionArn: arn,
    // A number of seconds on the wire, unlike Lambda's other times.
    LastModified: call.state.now() / 1000,
    State: given(call.body, 'Enabled') === false ? 'Disabled' : 'Enabled',
    StateTransitionReason: 'User action',
  };
  fn.attached.eventSources.set(mapping.UUID, mapping);
  return json(202, { ...mapping, State: 'Creating' });
}

/** ListEventSourceMappings: those of exactly the function or alias that is asked for; without one, of the region. */
export function listEventSources(call: Call): Answer {
  const name = queryValue(call, 'FunctionName');
  const asked = name === undefined ? undefined : target(call, name);
  const functions = asked === undefined ? [...functionsOf(call.state, call.region).values()] : [asked.fn];
  const all = functions.flatMap(({ attached }) => [...attached.eventSources.values()]);
  const mappings = all.filter(({ FunctionArn }) => asked === undefined || FunctionArn === asked.arn);
  return json(200, page('EventSourceMappings', mappings, call.query));
}

/** DeleteEventSourceMapping: 202, being deleted. */
export function deleteEventSource(call: Call): Answer {
  const id = part(call, 'UUID');
  for (const { attached } of functionsOf(call.state, call.region).values()) {
    const mapping = attached.eventSources.get(id);
    if (!attached.eventSources.delete(id)) continue;
    return json(202, { ...mapping, State: 'Deleting' });
  }
  throw notFound('The resource you requested does not exist.');
}

function target(call: Call, text: string): { fn: FunctionState; arn: string } {
  const { name, qualifier } = parseFunctionName(call.state, call.region, text);
  const fn = findFunction(call.state, call.region, name);
  return { fn, arn: qualifier === undefined ? fn.arn : `${fn.arn}:${qualifier}` };
}
