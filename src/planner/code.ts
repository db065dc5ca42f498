import type { CodeRef, LiveVersion, ObjectPin } from '../model/function.js';
import type { Operation, PutObjectStep, UpdateFunctionCodeStep } from '../model/plan.js';

/**
 * How a step sends this code: where Lambda takes it from, and the key that encrypts it. A key that the file does not name stays as
 * it is: sent without one, Lambda would go back to its own.
 */
export function sending(
  code: CodeRef | undefined,
  live?: Pick<LiveVersion, 'sourceKmsKeyArn'>,
): Pick<UpdateFunctionCodeStep, 'from' | 'sourceKmsKeyArn'> {
  if (code?.kind !== 'zip') return {};
  const key = code.sourceKmsKeyArn ?? live?.sourceKmsKeyArn;
  return {
    ...(code.object === undefined ? {} : { from: pinOf(code.object) }),
    ...(key === undefined ? {} : { sourceKmsKeyArn: key }),
  };
}

/** The upload that a step needs first: only where one of the steps sends code, and only where the object is not there yet. */
export function uploadsFor(
  operations: readonly Operation[],
  code: Pick<Extract<CodeRef, { kind: 'zip' }>, 'codeSha256' | 'zipBytes' | 'object'> | undefined,
): PutObjectStep[] {
  const { object } = code ?? {};
  const sends = operations.some(({ type }) => type === 'UpdateFunctionCode' || type === 'CreateFunction');
  if (code === undefined || object === undefined || object.isThere || !sends) return [];
  const { bucket, key } = object;
  const { codeSha256, zipBytes } = code;
  const reason = `the archive has ${zipBytes} bytes, too many for a request`;
  return [{ type: 'PutObject', reason, bucket, key, codeSha256, zipBytes }];
}

function pinOf({ isThere: _, ...pin }: ObjectPin & { readonly isThere: boolean }): ObjectPin {
  return pin;
}
