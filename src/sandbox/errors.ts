import type { JsonObject } from '../model/json.js';

/** An answer of AWS's that is not a success: HTTP status, `x-amzn-ErrorType` and body, as they go over the wire. */
export class AwsError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly body: JsonObject,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(`${code}: ${String(body.message ?? body.Message ?? '')}`);
    this.name = 'AwsError';
  }
}

/** An error of the Lambda model: `Type` is `User` and the text is in `message`. */
export function userError(status: number, code: string, message: string): AwsError {
  return new AwsError(status, code, { Type: 'User', message });
}

/** An error that the gateway in front of Lambda gives: it has no `Type`. */
export function gatewayError(status: number, code: string, message: string): AwsError {
  return new AwsError(status, code, { message });
}

/** 404. The only error whose text is in `Message`, with a capital. */
export function notFound(message: string): AwsError {
  return new AwsError(404, 'ResourceNotFoundException', { Type: 'User', Message: message });
}

/** 404 for a function, a version or an alias that is asked for as one. */
export function functionNotFound(arn: string): AwsError {
  return notFound(`Function not found: ${arn}`);
}

/** 400 InvalidParameterValueException: the value is well formed and Lambda does not take it. */
export function invalidParameter(message: string): AwsError {
  return userError(400, 'InvalidParameterValueException', message);
}

/** 409 ResourceConflictException: it exists already, or something is in progress. */
export function conflict(message: string): AwsError {
  return userError(409, 'ResourceConflictException', message);
}

/** 412 PreconditionFailedException for a stale RevisionId. */
export function staleRevision(): AwsError {
  return userError(
    412,
    'PreconditionFailedException',
    'The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id',
  );
}

/** 400 ValidationException: one text for every broken constraint of a request, in the order in which they are given. */
export function constraintErrors(problems: readonly string[]): AwsError {
  const noun = problems.length === 1 ? 'error' : 'errors';
  return gatewayError(
    400,
    'ValidationException',
    `${problems.length} validation ${noun} detected: ${problems.join('; ')}`,
  );
}

/** 400 SerializationException: the body is not JSON, or a member has another type than the API's. */
export function serializationError(message: string): AwsError {
  return gatewayError(400, 'SerializationException', message);
}
