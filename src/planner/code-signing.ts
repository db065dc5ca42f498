import { DeployError } from '../errors.js';
import type { DesiredFunction, LiveFunction } from '../model/function.js';
import type { Difference, Operation } from '../model/plan.js';

/** What has to happen to the function's code signing, and why; nothing where the file does not manage it. */
export interface CodeSigningPlan {
  readonly differences: readonly Difference[];
  readonly operations: readonly Operation[];
}

/**
 * Compares the code signing configuration, which belongs to the function and to none of its versions. AWS checks archives against
 * it when they are uploaded, so that its call comes before the code's.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html
 * @throws IMAGE_SETTING for a container image, which has no code signing
 */
export function planCodeSigning(desired: DesiredFunction, live: LiveFunction): CodeSigningPlan {
  const wanted = desired.codeSigningConfigArn;
  const from = live.codeSigningConfigArn ?? null;
  if (wanted === undefined || wanted === from) return { differences: [], operations: [] };
  if (live.latest.packageType === 'Image') throw notForImages(desired.name);
  const difference: Difference = {
    path: 'codeSigningConfigArn',
    on: 'function',
    before: from,
    after: wanted,
    reason: 'the code signing configuration is not as the file says',
  };
  return { differences: [difference], operations: stepOf(wanted, from) };
}

function stepOf(wanted: string | null, from: string | null): Operation[] {
  const before = 'archives are checked against it from now on, so it comes before the code';
  if (wanted !== null)
    return [{ type: 'PutFunctionCodeSigningConfig', reason: before, codeSigningConfigArn: wanted, from }];
  if (from === null) return [];
  return [{ type: 'DeleteFunctionCodeSigningConfig', reason: 'archives need no signature any more', from }];
}

function notForImages(name: string): DeployError {
  const detail = `${name} runs a container image, which has no code signing.`;
  return new DeployError('IMAGE_SETTING', detail, { subject: name, fix: 'remove `codeSigningConfigArn`.' });
}
