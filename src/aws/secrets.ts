import type * as Manager from '@aws-sdk/client-secrets-manager';
import type * as Ssm from '@aws-sdk/client-ssm';
import pLimit from 'p-limit';
import { isDeployError, type DeployError } from '../errors.js';
import type { SecretRead, SecretsPort } from '../model/ports.js';
import { Secret } from '../model/secret.js';
import { clientConfig, READ_ATTEMPTS, READ_TIMEOUT_MS, send, type AwsOptions } from './client.js';

/** Names in one GetParameters. @see https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html */
const BATCH = 10;

/**
 * Calls side by side: GetParameters allows 40 a second in an account and region, and is not the only caller.
 * @see https://docs.aws.amazon.com/general/latest/gr/ssm.html
 */
const PARALLEL_CALLS = 4;

/**
 * AWS's definite answers that there is no value to be had: denied, absent, and what is refused for what was asked (an ill-formed
 * name, a secret marked for deletion, a key that is disabled). Anything else says nothing about the value and stays an error.
 */
const NO_VALUE = ['AWS_ACCESS_DENIED', 'AWS_NOT_FOUND', 'AWS_REFUSED'] as const;

/**
 * SSM Parameter Store and Secrets Manager through the SDK. Either client is loaded by the first call that needs it, so that a
 * file without references loads none.
 */
export function createSecrets(options: AwsOptions): SecretsPort {
  return new SdkSecrets(options);
}

class SdkSecrets implements SecretsPort {
  private ssm: Promise<{ sdk: typeof Ssm; client: Ssm.SSMClient }> | undefined;
  private manager: Promise<{ sdk: typeof Manager; client: Manager.SecretsManagerClient }> | undefined;

  constructor(private readonly options: AwsOptions) {}

  async getParameters(names: readonly string[]): Promise<ReadonlyMap<string, SecretRead>> {
    // AWS refuses a batch with the same name twice.
    const distinct = [...new Set(names)];
    const batches = Array.from({ length: Math.ceil(distinct.length / BATCH) }, (_, at) =>
      distinct.slice(at * BATCH, (at + 1) * BATCH),
    );
    const limit = pLimit(PARALLEL_CALLS);
    const reads = await Promise.all(batches.map((batch) => limit(() => this.batch(batch))));
    return new Map(reads.flat());
  }

  /** One name that is denied or ill-formed fails its whole batch: then each is asked alone. */
  private async batch(names: readonly string[]): Promise<readonly (readonly [string, SecretRead])[]> {
    try {
      const answer = await this.ask(names);
      return names.map((name) => [name, valueOf(name, answer)]);
    } catch (error) {
      if (!hasNoValue(error)) throw error;
      const [only, ...more] = names;
      if (only !== undefined && more.length === 0) return [[only, { unknown: reasonOf(error) }]];
    }
    const each: (readonly [string, SecretRead])[] = [];
    for (const name of names) each.push(...(await this.batch([name])));
    return each;
  }

  private async ask(names: readonly string[]): Promise<Ssm.GetParametersCommandOutput> {
    this.ssm ??= import('@aws-sdk/client-ssm').then((sdk) => {
      return { sdk, client: new sdk.SSMClient(clientConfig(this.options, READ_ATTEMPTS)) };
    });
    const { sdk, client } = await this.ssm;
    const ask = new sdk.GetParametersCommand({ Names: [...names], WithDecryption: true });
    return send(
      {
        operation: 'GetParameters',
        subject: names.length === 1 ? `parameter ${names[0]}` : `${names.length} parameters`,
        action: 'ssm:GetParameters',
        timeoutMs: READ_TIMEOUT_MS,
      },
      READ_ATTEMPTS,
      (limits) => client.send(ask, limits),
      this.options.stop,
    );
  }

  async getSecret(id: string): Promise<SecretRead> {
    this.manager ??= import('@aws-sdk/client-secrets-manager').then((sdk) => {
      return { sdk, client: new sdk.SecretsManagerClient(clientConfig(this.options, READ_ATTEMPTS)) };
    });
    const { sdk, client } = await this.manager;
    const ask = new sdk.GetSecretValueCommand({ SecretId: id });
    try {
      const answer = await send(
        {
          operation: 'GetSecretValue',
          subject: `secret ${id}`,
          action: 'secretsmanager:GetSecretValue',
          timeoutMs: READ_TIMEOUT_MS,
        },
        READ_ATTEMPTS,
        (limits) => client.send(ask, limits),
        this.options.stop,
      );
      if (answer.SecretString !== undefined) return { value: new Secret(answer.SecretString) };
      return { unknown: `secret ${id} is binary, and a variable is text.` };
    } catch (error) {
      if (!hasNoValue(error)) throw error;
      return { unknown: reasonOf(error) };
    }
  }
}

/** AWS answers by the parameter's own name (or its ARN when that was asked for), with the `:version` or `:label` apart. */
function valueOf(name: string, answer: Ssm.GetParametersCommandOutput): SecretRead {
  const found = answer.Parameters?.find(({ Name, ARN, Selector = '' }) =>
    [`${Name}${Selector}`, `${ARN}${Selector}`].includes(name),
  );
  if (found?.Value !== undefined) return { value: new Secret(found.Value) };
  return { unknown: `parameter ${name} does not exist in this account and region.` };
}

function hasNoValue(error: unknown): error is DeployError {
  return NO_VALUE.some((code) => isDeployError(error, code));
}

/** AWS's reason; where it speaks of the key without naming the action, with the permission that is missing. */
function reasonOf(error: DeployError): string {
  const isAboutKey = /\bKMS\b|decrypt/i.test(error.detail) && !error.detail.includes('kms:');
  return isAboutKey ? `${error.detail} (needs kms:Decrypt on its key)` : error.detail;
}
