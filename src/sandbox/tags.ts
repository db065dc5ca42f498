import type { Json } from '../model/json.js';
import { type Answer, type Call, json, part, stringMap } from './call.js';
import { constraintErrors, invalidParameter } from './errors.js';
import { findFunction, parseFunctionName } from './names.js';
import { type FunctionState, newRevision } from './state.js';
import { given } from './constraints.js';

// https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html
const MAX_TAGS = 50;
const MAX_KEY_LENGTH = 128;
const MAX_VALUE_LENGTH = 256;
const ALLOWED = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** What AWS refuses in tags that are to be set. @throws AwsError InvalidParameterValueException */
export function checkTags(tags: Readonly<Record<string, string>>): void {
  if (Object.keys(tags).length > MAX_TAGS) throw invalidParameter('Number of tags exceeds resource tag limit.');
  for (const [key, value] of Object.entries(tags)) {
    if (key.length < 1 || key.length > MAX_KEY_LENGTH)
      throw invalidParameter(`The tag key '${key}' must have 1 to ${MAX_KEY_LENGTH} characters.`);
    if (value.length > MAX_VALUE_LENGTH)
      throw invalidParameter(`The value of tag '${key}' must have at most ${MAX_VALUE_LENGTH} characters.`);
    if (/^aws:/i.test(key)) throw invalidParameter('aws: prefixed tag key names are not allowed for external use.');
    if (!ALLOWED.test(key) || !ALLOWED.test(value))
      throw invalidParameter(
        `The tag '${key}' has characters that are not allowed: letters, digits, spaces and _ . : / = + - @ are.`,
      );
  }
}

/** Tags hang on functions, and are asked for by ARN. */
function taggedFunction(call: Call): FunctionState {
  const arn = part(call, 'Resource');
  if (!arn.startsWith('arn:'))
    throw constraintErrors([
      `Value '${arn}' at 'resource' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:(function:[a-zA-Z0-9-_]+(:(\\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12})`,
    ]);
  const { name, qualifier } = parseFunctionName(call.state, call.region, arn);
  if (qualifier !== undefined)
    throw invalidParameter(
      'Tags on function aliases and versions are not supported. Please specify either a function name or an unqualified function ARN.',
    );
  return findFunction(call.state, call.region, name);
}

/** ListTags. */
export function listTags(call: Call): Answer {
  return json(200, { Tags: taggedFunction(call).tags });
}

/** TagResource: sets what it names. Moves `$LATEST`'s RevisionId (recorded: tag_lifecycle). */
export function tagResource(call: Call): Answer {
  const fn = taggedFunction(call);
  const asked: Json | undefined = given(call.body, 'Tags');
  if (asked === undefined)
    throw constraintErrors(["Value null at 'tags' failed to satisfy constraint: Member must not be null"]);
  const tags = { ...fn.tags, ...stringMap(asked) };
  checkTags(stringMap(asked));
  checkTags(tags);
  fn.tags = tags;
  fn.latest.revisionId = newRevision();
  return { status: 204 };
}

/** UntagResource: removes the keys it names, whether they are there or not. Moves `$LATEST`'s RevisionId. */
export function untagResource(call: Call): Answer {
  const fn = taggedFunction(call);
  const keys = new Set(call.query.getAll('tagKeys'));
  fn.tags = Object.fromEntries(Object.entries(fn.tags).filter(([key]) => !keys.has(key)));
  fn.latest.revisionId = newRevision();
  return { status: 204 };
}
