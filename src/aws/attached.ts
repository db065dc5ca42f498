import type * as Sdk from '@aws-sdk/client-lambda';
import { DeployError, isDeployError } from '../errors.js';
import type { Attachment } from '../model/drift.js';
import { isJsonObject, type Json, type JsonObject } from '../model/json.js';
import { clientConfig, READ_ATTEMPTS, READ_TIMEOUT_MS, send, type AwsOptions, type Limits } from './client.js';
import { present } from './mapping.js';
import { everyPage } from './pages.js';

/**
 * What hangs on a function and on its aliases and is in no configuration: URLs, permissions, event sources, how asynchronous
 * events are retried. Two calls for the function, and two for it and each alias; all but GetPolicy count among the fifteen a
 * second that an account has for everything else.
 *
 * @param aliases every alias that the function has
 * @throws AWS_ACCESS_DENIED naming the permission, AWS_*
 * @see https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export async function readAttached(
  options: AwsOptions,
  name: string,
  aliases: readonly string[],
): Promise<readonly Attachment[]> {
  return withReader(options, async (reader) => {
    const qualifiers = [undefined, ...aliases];
    const parts = await Promise.all([
      reader.urls(name),
      reader.invokeConfigs(name),
      ...qualifiers.flatMap((alias) => [reader.permissions(name, alias), reader.eventSources(name, alias)]),
    ]);
    return parts.flat();
  });
}

/** Lends a reader with a client of its own. @throws what `read` throws */
export async function withReader<T>(options: AwsOptions, read: (reader: Reader) => Promise<T>): Promise<T> {
  const sdk = await import('@aws-sdk/client-lambda');
  const client = new sdk.LambdaClient(clientConfig(options, READ_ATTEMPTS));
  try {
    return await read(new Reader(sdk, client, options.stop));
  } finally {
    client.destroy();
  }
}

/** Reads each part to its last page. Every method throws AWS_ACCESS_DENIED naming the permission, AWS_*. */
export class Reader {
  constructor(
    private readonly sdk: typeof Sdk,
    private readonly client: Sdk.LambdaClient,
    private readonly stop: AbortSignal | undefined,
  ) {}

  async urls(name: string): Promise<Attachment[]> {
    const all = await everyPage(async (marker) => {
      const input = { FunctionName: name, ...present({ Marker: marker }) };
      const page = await this.read('ListFunctionUrlConfigs', `function ${name}`, (limits) =>
        this.client.send(new this.sdk.ListFunctionUrlConfigsCommand(input), limits),
      );
      return { items: page.FunctionUrlConfigs ?? [], next: page.NextMarker };
    });
    return all.map(({ FunctionArn, FunctionUrl = '', AuthType = '' }) => {
      const value = { url: FunctionUrl, authType: AuthType };
      return { on: qualifierOf(FunctionArn), kind: 'url', value };
    });
  }

  async invokeConfigs(name: string): Promise<Attachment[]> {
    const all = await everyPage(async (marker) => {
      const input = { FunctionName: name, ...present({ Marker: marker }) };
      const page = await this.read('ListFunctionEventInvokeConfigs', `function ${name}`, (limits) =>
        this.client.send(new this.sdk.ListFunctionEventInvokeConfigsCommand(input), limits),
      );
      return { items: page.FunctionEventInvokeConfigs ?? [], next: page.NextMarker };
    });
    return all.map((one) => {
      const value = present({
        maximumRetryAttempts: one.MaximumRetryAttempts,
        maximumEventAgeInSeconds: one.MaximumEventAgeInSeconds,
        onSuccess: one.DestinationConfig?.OnSuccess?.Destination,
        onFailure: one.DestinationConfig?.OnFailure?.Destination,
      });
      return { on: qualifierOf(one.FunctionArn), kind: 'eventInvokeConfig', value: value as JsonObject };
    });
  }

  async permissions(name: string, alias: string | undefined): Promise<Attachment[]> {
    const input = { FunctionName: name, ...present({ Qualifier: alias }) };
    const answer = await this.read('GetPolicy', `function ${name}`, (limits) =>
      this.client.send(new this.sdk.GetPolicyCommand(input), limits),
    ).catch((error: unknown) => {
      // AWS has no empty policy.
      if (isDeployError(error, 'AWS_NOT_FOUND')) return undefined;
      throw error;
    });
    return statementsOf(name, answer?.Policy).map((statement, index) => ({
      on: alias ?? null,
      kind: 'permissions',
      id: typeof statement['Sid'] === 'string' ? statement['Sid'] : String(index),
      value: { principal: statement['Principal'] ?? null, action: statement['Action'] ?? null },
    }));
  }

  async eventSources(name: string, alias: string | undefined): Promise<Attachment[]> {
    const FunctionName = alias === undefined ? name : `${name}:${alias}`;
    const all = await this.mappings(`function ${name}`, { FunctionName });
    // Asked for the function, an endpoint may also list what hangs on its aliases.
    const own = all.filter(({ FunctionArn }) => qualifierOf(FunctionArn) === (alias ?? null));
    return own.map(({ UUID = '', EventSourceArn, State }) => ({
      on: alias ?? null,
      kind: 'eventSources',
      id: UUID,
      value: present({ eventSourceArn: EventSourceArn, state: State }) as JsonObject,
    }));
  }

  /** The ARN of every function, version and alias of the region that an event source calls; a page has a hundred of them. */
  async eventSourceTargets(): Promise<readonly string[]> {
    const all = await this.mappings('the event sources of the region', {});
    return all.map(({ FunctionArn = '' }) => FunctionArn);
  }

  /** The versions and aliases that have provisioned concurrency. */
  async provisioned(name: string): Promise<readonly string[]> {
    const all = await everyPage(async (marker) => {
      const input = { FunctionName: name, ...present({ Marker: marker }) };
      const page = await this.read('ListProvisionedConcurrencyConfigs', `function ${name}`, (limits) =>
        this.client.send(new this.sdk.ListProvisionedConcurrencyConfigsCommand(input), limits),
      );
      return { items: page.ProvisionedConcurrencyConfigs ?? [], next: page.NextMarker };
    });
    return all.flatMap(({ FunctionArn }) => qualifierOf(FunctionArn) ?? []);
  }

  private mappings(
    subject: string,
    of: { readonly FunctionName?: string },
  ): Promise<readonly Sdk.EventSourceMappingConfiguration[]> {
    return everyPage(async (marker) => {
      const input = { ...of, ...present({ Marker: marker }) };
      const page = await this.read('ListEventSourceMappings', subject, (limits) =>
        this.client.send(new this.sdk.ListEventSourceMappingsCommand(input), limits),
      );
      return { items: page.EventSourceMappings ?? [], next: page.NextMarker };
    });
  }

  private read<T>(operation: string, subject: string, run: (limits: Limits) => Promise<T>): Promise<T> {
    return send({ operation, subject, timeoutMs: READ_TIMEOUT_MS }, READ_ATTEMPTS, run, this.stop);
  }
}

/** The alias or version at the end of an ARN; `null`: the function itself. */
function qualifierOf(arn: string | undefined): string | null {
  const qualifier = arn?.split(':')[7];
  return qualifier === undefined || qualifier === '$LATEST' ? null : qualifier;
}

function statementsOf(name: string, policy: string | undefined): readonly JsonObject[] {
  if (policy === undefined) return [];
  let value: Json | undefined;
  try {
    value = JSON.parse(policy) as Json;
  } catch (cause) {
    const detail = `the policy of function ${name} is no JSON.`;
    throw new DeployError('AWS_REFUSED', detail, {
      cause,
      subject: name,
      fix: 'look at it with aws lambda get-policy.',
    });
  }
  const statements = isJsonObject(value) ? value['Statement'] : undefined;
  return Array.isArray(statements) ? statements.filter(isJsonObject) : [];
}
