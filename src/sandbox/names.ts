import { AwsError, constraintErrors, functionNotFound, invalidParameter, notFound } from './errors.js';
import { type FunctionState, type SandboxState, type VersionState, functionsOf, settle } from './state.js';

/** A function as a caller wrote it, taken apart. */
export interface FunctionName {
  readonly name: string;
  /** A version, `$LATEST` or an alias. */
  readonly qualifier?: string;
}

/** The longest function name, in characters. @see https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html */
const MAX_NAME_LENGTH = 64;

const NAME_PATTERN =
  '(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?';
const PARTS =
  /^(?:arn:aws[a-zA-Z-]*:lambda:(?<region>[a-z0-9-]+):)?(?:(?<account>\d{12}):)?(?:function:)?(?<name>[a-zA-Z0-9-_]+)(?::(?<qualifier>\$LATEST|[a-zA-Z0-9-_]+))?$/;

/** The ARN's partition, which follows from the region. */
function partition(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}

/** The ARN of a function without a qualifier. */
export function functionArn(state: SandboxState, region: string, name: string): string {
  return `arn:${partition(region)}:lambda:${region}:${state.account}:function:${name}`;
}

/**
 * Accepts a name, a partial ARN or a full ARN, each with or without a qualifier.
 *
 * @throws AwsError ValidationException for anything else, ResourceNotFoundException for another region,
 * AccessDeniedException for another account.
 */
export function parseFunctionName(state: SandboxState, region: string, text: string): FunctionName {
  const parts = PARTS.exec(text)?.groups;
  if (parts?.name === undefined)
    throw constraintErrors([
      `Value '${text}' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: ${NAME_PATTERN}`,
    ]);
  if (parts.name.length > MAX_NAME_LENGTH)
    throw constraintErrors([
      `Value '${text}' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to ${MAX_NAME_LENGTH}`,
    ]);
  if (parts.region !== undefined && parts.region !== region)
    throw notFound(`Functions from '${parts.region}' are not reachable in this region ('${region}')`);
  if (parts.account !== undefined && parts.account !== state.account)
    throw new AwsError(403, 'AccessDeniedException', {
      Message: `The account ${state.account} is not authorized to perform this operation on resource: ${text}`,
    });
  return parts.qualifier === undefined ? { name: parts.name } : { name: parts.name, qualifier: parts.qualifier };
}

/** Joins the qualifier in the name with the one in the query; two different ones are an error, as in AWS. */
export function withQualifier(parsed: FunctionName, qualifier: string | undefined): FunctionName {
  if (qualifier === undefined) return parsed;
  if (parsed.qualifier !== undefined && parsed.qualifier !== qualifier)
    throw invalidParameter('The derived qualifier from the function name does not match the specified qualifier.');
  return { name: parsed.name, qualifier };
}

/** The function, with every transition that is due already settled. @throws AwsError ResourceNotFoundException */
export function findFunction(state: SandboxState, region: string, name: string): FunctionState {
  const fn = functionsOf(state, region).get(name);
  if (fn === undefined) throw functionNotFound(functionArn(state, region, name));
  settle(state, fn);
  return fn;
}

/** For operations that AWS allows on the function alone. @throws AwsError InvalidParameterValueException */
export function findUnqualified(state: SandboxState, region: string, text: string): FunctionState {
  const { name, qualifier } = parseFunctionName(state, region, text);
  if (qualifier !== undefined && qualifier !== '$LATEST')
    throw invalidParameter(
      'This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.',
    );
  return findFunction(state, region, name);
}

/** True for a published version's number. */
export function isVersionNumber(qualifier: string): boolean {
  return /^[0-9]+$/.test(qualifier);
}

/** `$LATEST` or a published version. @throws AwsError ResourceNotFoundException, naming the version */
export function findVersion(fn: FunctionState, version: string): VersionState {
  const found = version === '$LATEST' ? fn.latest : fn.versions.get(version);
  if (found === undefined) throw functionNotFound(`${fn.arn}:${version}`);
  return found;
}

/** The version that a qualifier leads to: a version, `$LATEST`, or an alias's primary version. Absent: `$LATEST`. */
export function resolveQualifier(fn: FunctionState, qualifier: string | undefined): VersionState {
  if (qualifier === undefined) return fn.latest;
  const alias = fn.aliases.get(qualifier);
  return findVersion(fn, alias === undefined ? qualifier : alias.functionVersion);
}
