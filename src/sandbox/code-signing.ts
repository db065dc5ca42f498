import { type Answer, type Call, json, part } from './call.js';
import { brokenConstraints, requiredString } from './constraints.js';
import { constraintErrors, invalidParameter } from './errors.js';
import { findUnqualified } from './names.js';
import { newRevision } from './state.js';

/*
 * Code signing configurations are not resources here: any ARN that is one by its form counts as existing, and no archive is
 * checked for a signature. No recording shows these calls; what they answer is from the API's reference.
 * https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionCodeSigningConfig.html
 */

/** GetFunctionCodeSigningConfig: without the ARN when the function has none. */
export function getFunctionCodeSigningConfig(call: Call): Answer {
  const { name, codeSigningConfigArn } = find(call);
  if (codeSigningConfigArn === undefined) return json(200, {});
  return json(200, { CodeSigningConfigArn: codeSigningConfigArn, FunctionName: name });
}

/** PutFunctionCodeSigningConfig; not for images. */
export function putFunctionCodeSigningConfig(call: Call): Answer {
  const arn = requiredString(call.body, 'CodeSigningConfigArn');
  const problems = brokenConstraints({ CodeSigningConfigArn: arn });
  if (problems.length > 0) throw constraintErrors(problems);
  const fn = find(call);
  if (fn.latest.content.config.PackageType === 'Image') throw noSigningForImages();
  fn.codeSigningConfigArn = arn;
  // Not known of AWS; tags move it, so nobody may rely on the opposite.
  fn.latest.revisionId = newRevision();
  return json(200, { CodeSigningConfigArn: arn, FunctionName: fn.name });
}

/** DeleteFunctionCodeSigningConfig: also where there is none. */
export function deleteFunctionCodeSigningConfig(call: Call): Answer {
  const fn = find(call);
  delete fn.codeSigningConfigArn;
  fn.latest.revisionId = newRevision();
  return { status: 204 };
}

/** What is answered to a code signing configuration for a container image. */
export function noSigningForImages(): Error {
  return invalidParameter('Code signing is not supported for functions created with container images.');
}

function find(call: Call): ReturnType<typeof findUnqualified> {
  return findUnqualified(call.state, call.region, part(call, 'FunctionName'));
}
