import { createSecrets } from '../aws/secrets.js';
import type { SecretRead } from '../model/ports.js';
import { DeployError } from '../errors.js';
import type { LoadedSpec } from '../spec/load.js';
import { collectReferences, resolveReferences } from '../spec/references.js';
import type { Context } from './context.js';
import { awsOptions } from './session.js';

/**
 * The file with the values of its `${ssm:…}` and `${secretsmanager:…}` references, each asked for once; without any, nothing is
 * called. What AWS does not give stays unknown with the reason. A pull request's build asks for nothing (semantics 33): its code
 * is not trusted with secrets.
 *
 * @throws AWS_THROTTLED, AWS_UNREACHABLE, AWS_AMBIGUOUS, AWS_EXPIRED_CREDENTIALS
 */
export async function withSecrets(context: Context, spec: LoadedSpec): Promise<LoadedSpec> {
  const { parameters, secrets } = collectReferences(spec);
  if (parameters.length + secrets.length === 0) return spec;
  const values = new Map<string, SecretRead>();
  if (isPullRequest(context)) {
    const unknown = 'secrets are not read in a pull request’s build.';
    parameters.forEach((name) => values.set(`ssm:${name}`, { unknown }));
    secrets.forEach((id) => values.set(`secretsmanager:${id}`, { unknown }));
  } else {
    const port = createSecrets(awsOptions(context, spec.region));
    const [read, found] = await Promise.all([
      parameters.length === 0 ? new Map<string, SecretRead>() : port.getParameters(parameters),
      Promise.all(secrets.map(async (id) => [id, await port.getSecret(id)] as const)),
    ]);
    read.forEach((one, name) => values.set(`ssm:${name}`, one));
    found.forEach(([id, one]) => values.set(`secretsmanager:${id}`, one));
  }
  values.forEach((read) => 'value' in read && context.output.redactor.learn(read.value));
  const resolved: LoadedSpec = resolveReferences(spec, values);
  resolved.functions.forEach((one) => context.output.redactor.learnDesired(one));
  return resolved;
}

/**
 * Nothing is deployed with a variable whose value is not known.
 *
 * @throws SECRET_UNKNOWN naming all of them
 */
export function requireSecrets({ functions }: Pick<LoadedSpec, 'functions'>): void {
  const unknown = functions.flatMap(({ name, unknownVariables = {} }) =>
    Object.entries(unknownVariables).map(([variable, reason]) => `environment.${variable} of ${name}: ${reason}`),
  );
  if (unknown.length === 0) return;
  throw new DeployError('SECRET_UNKNOWN', `${unknown.join(' ')} Nothing was changed.`, {
    fix: 'create what is missing, or allow this identity to read it.',
  });
}

/** @see https://buildkite.com/docs/pipelines/configure/environment-variables: `false` outside of pull requests */
function isPullRequest({ host }: Context): boolean {
  const { BUILDKITE_PULL_REQUEST: number } = host.env;
  return number !== undefined && number !== '' && number !== 'false';
}
