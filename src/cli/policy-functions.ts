import { DeployError } from '../errors.js';
import type { PolicyFunction } from '../iam/policy.js';
import { isJsonObject, type Json } from '../model/json.js';
import type { SpecFunction } from '../spec/desired.js';
import type { LoadedSpec } from '../spec/load.js';
import { collectReferences } from '../spec/references.js';
import type { Context } from './context.js';
import { regionOf } from './host.js';
import { UPLOAD_PREFIX } from './objects.js';

/**
 * The file's functions as far as a policy is about them.
 *
 * @throws REGION_MISSING
 */
export function policyFunctions({ host }: Pick<Context, 'host'>, spec: LoadedSpec): readonly PolicyFunction[] {
  const fallback = spec.region ?? regionOf(host);
  return spec.functions.map((one) => {
    const region = one.region ?? fallback;
    if (region === undefined)
      throw new DeployError('REGION_MISSING', 'Neither the file nor the environment names a region.', {
        fix: 'set region in the file, or AWS_REGION.',
      });
    return { ...policyFunction(one, region, spec.account), ...recordsIn(spec) };
  });
}

function recordsIn({ metadata }: LoadedSpec): Pick<PolicyFunction, 'records'> {
  if (metadata.store !== 's3') return {};
  const { bucket, prefix } = metadata;
  return { records: { bucket, prefix: prefix === '' ? '' : `${prefix}/` } };
}

function policyFunction(one: SpecFunction, region: string, account: string | undefined): PolicyFunction {
  const { name, settings, aliases, codeSource: code, codeSigningConfigArn: signing } = one;
  const role = typeof settings.role === 'string' ? settings.role : undefined;
  const rollouts = aliases.map(({ rollout }) => rollout);
  const { parameters, secrets } = collectReferences({ functions: [one] });
  const upload = code?.uploadBucket;
  const instances = at(settings.capacityProviderConfig, 'lambdaManagedInstancesCapacityProviderConfig');
  const [provider] = textsOf(at(instances, 'capacityProviderArn'));
  return {
    name,
    region,
    // A role is of the function's own account.
    account: account ?? role?.split(':')[4] ?? '*',
    ...(role === undefined ? {} : { role }),
    hasAliases: aliases.length > 0,
    weightedAliases: aliases.flatMap((alias) => ((alias.rollout?.steps.length ?? 0) > 0 ? [alias.name] : [])),
    hasAlarms: rollouts.some((rollout) => (rollout?.alarms.length ?? 0) > 0),
    hasErrorRate: rollouts.some((rollout) => rollout?.errorRate !== undefined),
    hasVpc: settings.vpcConfig !== undefined,
    layers: list(settings.layers).map(String),
    ...(signing === undefined ? {} : { codeSigningConfigArn: signing }),
    hidesVariables: textsOf(settings.kmsKeyArn).length > 0 && one.environment !== undefined,
    keys: textsOf(settings.kmsKeyArn, code?.sourceKmsKeyArn, at(settings.durableConfig, 'kmsKeyArn')),
    accessPoints: list(settings.fileSystemConfigs)
      .flatMap((one) => textsOf(at(one, 'arn')))
      .filter((arn) => arn.split(':')[2] === 'elasticfilesystem'),
    ...(provider === undefined ? {} : { capacityProvider: provider }),
    ...(code?.kind === 's3' ? { object: { bucket: code.bucket, key: code.key } } : {}),
    ...(upload === undefined ? {} : { upload: { bucket: upload, prefix: UPLOAD_PREFIX } }),
    ...(code?.kind === 'image' ? { image: code.image } : {}),
    parameters,
    secrets,
  };
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function at(value: Json | undefined, member: string): Json | undefined {
  return isJsonObject(value) ? value[member] : undefined;
}

/** What is there and not empty: an empty one takes something away. */
function textsOf(...values: readonly (Json | undefined)[]): readonly string[] {
  return values.filter((value): value is string => typeof value === 'string' && value !== '');
}
