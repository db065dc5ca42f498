import { isDeployError } from '../../src/errors.js';

/** `CODE: detail` of the DeployError that the work ends with; throws when it ends otherwise. */
export async function refusal(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => new Error('it was accepted'),
    (reason: unknown) => reason,
  );
  if (!isDeployError(error)) throw error;
  return `${error.code}: ${error.detail}`;
}
