import { DeployError, type ExitCode } from '../errors.js';
import { MAX_MANAGED_POLICY_CHARACTERS, policyFor, type Policy, type PolicyFunction } from '../iam/policy.js';
import { trustFor } from '../iam/trust.js';
import type { Context } from './context.js';
import { policyFunctions } from './policy-functions.js';
import { loadSelected } from './spec.js';

const DISCLOSES =
  'note: lambda:GetFunction discloses the values of environment variables to whoever has this role; keep secrets in the role of apply.';
const OWN_KEY =
  'note: with kmsKeyArn GetFunction shows the variables only to whom the key allows kms:Decrypt. This role has it not: a plan, drift or status of a file with `environment` then ends with AWS_UNREADABLE, unless you add it.';
const NO_KEYS = 'note: a key of your own behind a parameter or a secret is not in the file: allow kms:Decrypt on it.';
const OLD_ROLES = 'note: a rollback to a version with another role needs iam:PassRole on that role too.';

/**
 * Prints the policy for a role that plans or applies this file, or the trust policy of such a role. JSON in every format; notes
 * go to stderr. Calls nothing.
 *
 * @throws USAGE, REGION_MISSING, what loading the file throws
 */
export async function iamPolicy(context: Context): Promise<ExitCode> {
  const { options, output } = context;
  const functions = policyFunctions(context, await loadSelected(context, { keepUnset: true }));
  const isPlan = options['for'] === 'plan';
  if (options['trust'] === true) return print(context, trust(context, functions, isPlan));
  const purpose = {
    for: isPlan ? 'plan' : 'apply',
    strict: options['strict'] === true,
    blame: options['blame'] === true,
    prune: options['prune'] === true,
  } as const;
  const policy = policyFor(functions, purpose);
  output.diagnostics(notesOn(functions, policy, isPlan).map((note) => [note]));
  return print(context, policy);
}

function print({ output }: Context, document: object): ExitCode {
  output.result(
    document,
    JSON.stringify(document, null, 2)
      .split('\n')
      .map((line) => [line]),
  );
  return 0;
}

function notesOn(functions: readonly PolicyFunction[], policy: Policy, isPlan: boolean): readonly string[] {
  const size = JSON.stringify(policy).length;
  const hasReferences = functions.some(({ parameters, secrets }) => parameters.length + secrets.length > 0);
  return [
    ...(isPlan ? [DISCLOSES] : []),
    ...(isPlan && functions.some(({ hidesVariables }) => hidesVariables) ? [OWN_KEY] : []),
    ...(!isPlan && hasReferences ? [NO_KEYS] : []),
    ...(!isPlan && functions.some(({ role }) => role !== undefined) ? [OLD_ROLES] : []),
    ...(functions.some(({ account }) => account === '*')
      ? ['note: the file names no account, so the ARNs have *: set `account`.']
      : []),
    ...(size > MAX_MANAGED_POLICY_CHARACTERS
      ? [
          `warning: the policy has ${size} characters; a managed policy takes ${MAX_MANAGED_POLICY_CHARACTERS}. Split it with --function, one policy for some of the functions each.`,
        ]
      : []),
  ];
}

/** A character that a pattern or the subject's own syntax takes for something else would open the role to others. */
const PART = /^[\w./-]+$/;

function trust({ options }: Context, functions: readonly PolicyFunction[], isPlan: boolean): object {
  const read = (name: string, absent?: string): string | undefined => {
    const value = options[name] === undefined ? absent : String(options[name]);
    if (value === undefined || PART.test(value)) return value;
    throw usage(
      `--${name} ${value} has characters that mean something else in a trust policy.`,
      'write it as Buildkite does.',
    );
  };
  const [organization, pipeline, branch] = [
    read('organization'),
    read('pipeline'),
    read('branch', isPlan ? undefined : 'main'),
  ];
  const given = Array.isArray(options['step']) ? options['step'].map(String) : isPlan ? [] : ['apply'];
  const steps = given.filter((step) => PART.test(step));
  const [first, ...others] = functions;
  if (organization === undefined || pipeline === undefined || steps.length < given.length || first === undefined)
    throw usage(
      '--trust needs the slugs of the organization and of the pipeline, and keys of steps.',
      'add --organization and --pipeline.',
    );
  if (first.account === '*' || others.some(({ account }) => account !== first.account))
    throw usage('a role lives in one account, and the file names none or several.', 'set `account` in the file.');
  const { account, region } = first;
  return trustFor({ account, region, organization, pipeline, ...(branch === undefined ? {} : { branch }), steps });
}

function usage(detail: string, fix: string): DeployError {
  return new DeployError('USAGE', detail, { fix });
}
