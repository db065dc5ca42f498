import { createSecrets } from '../aws/secrets.js';
import type { HealthCheck } from '../model/function.js';
import type { SecretRead } from '../model/ports.js';
import { DeployError } from '../errors.js';
import type { SpecFunction } from '../spec/desired.js';
import type { LoadedSpec } from '../spec/load.js';
import { collectReferences, complete, type References, valuesRead } from '../spec/references.js';
import type { Context } from './context.js';
import { awsOptions } from './session.js';

const PULL_REQUEST = 'secrets are not read in a pull request’s build.';

/**
 * The file with the values of its `${ssm:…}` and `${secretsmanager:…}` references, each asked for once in the region of the
 * functions that name it; without any, nothing is called. What AWS does not give stays unknown with the reason. A pull request's
 * build asks for nothing (semantics 33): its code is not trusted with secrets.
 *
 * @throws AWS_THROTTLED, AWS_UNREACHABLE, AWS_AMBIGUOUS, AWS_EXPIRED_CREDENTIALS
 */
export async function withSecrets(context: Context, spec: LoadedSpec): Promise<LoadedSpec> {
  const regionOf = ({ region }: SpecFunction): string | undefined => region ?? spec.region;
  const regions = [...new Set(spec.functions.map(regionOf))];
  const read = await Promise.all(
    regions.map(async (region) => {
      const functions = spec.functions.filter((one) => regionOf(one) === region);
      return [region, await readValues(context, region, collectReferences({ functions }))] as const;
    }),
  );
  const byRegion = new Map(read);
  const { redactor } = context.output;
  const functions = spec.functions.map((one) => {
    const values = byRegion.get(regionOf(one)) ?? new Map<string, SecretRead>();
    valuesRead(one, values).forEach((value) => redactor.learn(value));
    return complete(one, values);
  });
  functions.forEach((one) => redactor.learnDesired(one));
  return { ...spec, functions };
}

/** The file with every such reference unknown, and nothing asked. */
export function withoutSecrets({ output }: Context, spec: LoadedSpec, reason: string): LoadedSpec {
  const functions = spec.functions.map((one) =>
    complete(one, allUnknown(collectReferences({ functions: [one] }), reason)),
  );
  functions.forEach((one) => output.redactor.learnDesired(one));
  return { ...spec, functions };
}

function allUnknown({ parameters, secrets }: References, reason: string): ReadonlyMap<string, SecretRead> {
  const keys = [...parameters.map((name) => `ssm:${name}`), ...secrets.map((id) => `secretsmanager:${id}`)];
  return new Map(keys.map((key) => [key, { unknown: reason }]));
}

async function readValues(
  context: Context,
  region: string | undefined,
  { parameters, secrets }: References,
): Promise<ReadonlyMap<string, SecretRead>> {
  if (parameters.length + secrets.length === 0) return new Map();
  if (isPullRequest(context)) return allUnknown({ parameters, secrets }, PULL_REQUEST);
  const port = createSecrets(awsOptions(context, region));
  const [found, others] = await Promise.all([
    parameters.length === 0 ? new Map<string, SecretRead>() : port.getParameters(parameters),
    Promise.all(secrets.map(async (id) => [`secretsmanager:${id}`, await port.getSecret(id)] as const)),
  ]);
  return new Map([...[...found].map(([name, one]) => [`ssm:${name}`, one] as const), ...others]);
}

/**
 * Nothing is deployed with a variable, and nothing is checked with a payload, whose value is not known.
 *
 * @throws SECRET_UNKNOWN naming all of them
 */
export function requireSecrets({ functions }: Pick<LoadedSpec, 'functions'>): void {
  const unknown = functions.flatMap(({ name, unknownVariables = {}, aliases }) => [
    ...Object.entries(unknownVariables).map(([variable, reason]) => `environment.${variable} of ${name}: ${reason}`),
    ...aliases.flatMap((alias) => alias.healthChecks.flatMap((check) => unknownLeaves(check, `${name}:${alias.name}`))),
  ]);
  if (unknown.length === 0) return;
  throw new DeployError('SECRET_UNKNOWN', `${unknown.join(' ')} Nothing was changed.`, {
    fix: unknown.every((one) => one.endsWith(PULL_REQUEST))
      ? 'merge the pull request, and apply from a build of the branch.'
      : 'create what is missing, or allow this identity to read it.',
  });
}

function unknownLeaves({ payloadUnknown = {} }: HealthCheck, alias: string): string[] {
  return Object.entries(payloadUnknown).map(
    ([pointer, reason]) => `payload${pointer} of a health check of ${alias}: ${reason}`,
  );
}

/** @see https://buildkite.com/docs/pipelines/configure/environment-variables: `false` outside of pull requests */
function isPullRequest({ host }: Context): boolean {
  const { BUILDKITE_PULL_REQUEST: number } = host.env;
  return number !== undefined && number !== '' && number !== 'false';
}
