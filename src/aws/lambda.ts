import type {
  AliasConfiguration,
  CreateFunctionCommandInput,
  FunctionCodeLocation,
  FunctionConfiguration,
  GetFunctionCommandOutput,
  UpdateFunctionCodeCommandInput,
  UpdateFunctionConfigurationCommandInput,
} from '@aws-sdk/client-lambda';
import { DeployError, isDeployError } from '../errors.js';
import { LATEST, type LiveAlias, type LiveFunction, type LiveVersion, type Version } from '../model/function.js';
import type { CodeChange, ConfigurationChange, FunctionRead, InvokeAnswer, LambdaPort } from '../model/ports.js';
import { reveal } from '../model/secret.js';
import { connect, READ_ATTEMPTS, READ_TIMEOUT_MS, send, WRITE_TIMEOUT_MS } from './client.js';
import type { AwsOptions, Clients, Limits } from './client.js';
import { secretsOf, toCode, upload } from './code-request.js';
import { credentialsEnd } from './credentials.js';
import { download } from './download.js';
import type { Call } from './errors.js';
import { fillPayload } from './payload.js';
import { present, toLiveAlias, toLiveVersion, toRequest, unqualified, unreadable } from './mapping.js';
import { everyPage } from './pages.js';

/** How {@link createLambda} reaches AWS. */
export interface LambdaOptions extends AwsOptions {
  /** True behind an endpoint override: such endpoints may have no lock tokens. False: their absence is an error. */
  readonly allowMissingRevisionId: boolean;
  /** Told once what the endpoint lacks, a sentence; for `-v`. */
  readonly onNote?: (note: string) => void;
}

/** Lambda in one region, as one identity. */
export interface ConnectedLambda extends LambdaPort {
  readonly region: string;
  /** See {@link credentialsEnd}. */
  readonly credentialsEnd: () => Promise<number | undefined>;
}

/** Pages of a listing are asked for at this size, the largest that ListVersionsByFunction gives. */
const PAGE_ITEMS = 50;

type Tags = LiveFunction['tags'];

/**
 * AWS Lambda through the SDK, with the region that was resolved. Reads are repeated by the SDK's standard retry, writes and
 * invocations never. Nothing is sent until the first call.
 *
 * @throws REGION_MISSING
 */
export async function createLambda(options: LambdaOptions): Promise<ConnectedLambda> {
  const clients = await connect(options);
  return Object.assign(new SdkLambda(clients, options), { credentialsEnd: () => credentialsEnd(clients) });
}

class SdkLambda implements LambdaPort {
  readonly region: string;
  private readonly noTags = new Map<string, { readonly revisionId: string; readonly tags: Tags }>();
  private noted = false;

  constructor(
    private readonly clients: Clients,
    private readonly options: LambdaOptions,
  ) {
    this.region = clients.region;
  }

  async getFunction(name: string, qualifier?: string): Promise<FunctionRead | undefined> {
    const { sdk, reads } = this.clients;
    const subject = qualifier === undefined ? `function ${name}` : `${qualifier} of function ${name}`;
    const answer = await absent(
      this.read('GetFunction', subject, (limits) =>
        reads.send(new sdk.GetFunctionCommand({ FunctionName: name, ...present({ Qualifier: qualifier }) }), limits),
      ),
    );
    if (answer === undefined) return undefined;
    const configuration = answer.Configuration ?? {};
    const version = this.version(configuration, subject, answer.Code);
    if (configuration.FunctionArn === undefined) throw noLambda(subject);
    const arn = unqualified(configuration.FunctionArn);
    const tags = await this.tagsOf(answer, name, arn, qualifier);
    const reserved = answer.Concurrency?.ReservedConcurrentExecutions;
    const more = { resolvedImageUri: answer.Code?.ResolvedImageUri, reservedConcurrentExecutions: reserved };
    return { version, arn, tags, ...present(more) };
  }

  /** A function without tags has no `Tags` in its answer ◉ tag_lifecycle; nor has one whose tags the caller may not read. */
  private async tagsOf(answer: GetFunctionCommandOutput, name: string, arn: string, qualifier?: string): Promise<Tags> {
    if (answer.TagsError !== undefined) return unreadable(answer.TagsError, 'lambda:ListTags');
    if (answer.Tags !== undefined) return answer.Tags;
    if (qualifier !== undefined) return { unreadable: `tags are read with the function, not with ${qualifier}` };
    const revisionId = answer.Configuration?.RevisionId;
    const before = this.noTags.get(name);
    // Tagging moves the RevisionId ◉ tag_lifecycle: while it stands, a poll need not spend the slow quota of ListTags again.
    if (before !== undefined && before.revisionId === revisionId) return before.tags;
    const tags = await this.listTags(name, arn);
    if (revisionId !== undefined) this.noTags.set(name, { revisionId, tags });
    return tags;
  }

  private async listTags(name: string, arn: string): Promise<Tags> {
    const { sdk, reads } = this.clients;
    try {
      const answer = await this.read('ListTags', `function ${name}`, (limits) =>
        reads.send(new sdk.ListTagsCommand({ Resource: arn }), limits),
      );
      return answer.Tags ?? {};
    } catch (error) {
      if (isDeployError(error, 'AWS_ACCESS_DENIED')) return { unreadable: error.detail };
      throw error;
    }
  }

  listAliases(name: string): Promise<readonly LiveAlias[] | undefined> {
    const { sdk, reads } = this.clients;
    const pages = everyPage((marker) =>
      this.read('ListAliases', `function ${name}`, async (limits) => {
        const input = { FunctionName: name, MaxItems: PAGE_ITEMS, ...present({ Marker: marker }) };
        const page = await reads.send(new sdk.ListAliasesCommand(input), limits);
        return { items: page.Aliases ?? [], next: page.NextMarker };
      }),
    );
    return absent(pages.then((aliases) => aliases.map((alias) => this.alias(alias, name))));
  }

  getAlias(name: string, alias: string): Promise<LiveAlias | undefined> {
    const { sdk, reads } = this.clients;
    const answer = this.read('GetAlias', `alias ${alias} of function ${name}`, (limits) =>
      reads.send(new sdk.GetAliasCommand({ FunctionName: name, Name: alias }), limits),
    );
    return absent(answer.then((found) => this.alias(found, name)));
  }

  async hasProvisionedConcurrency(name: string, alias: string): Promise<boolean> {
    const { sdk, reads } = this.clients;
    const input = { FunctionName: name, Qualifier: alias };
    // AWS answers 404 with an error of its own where there is none.
    const answer = await this.read('GetProvisionedConcurrencyConfig', `alias ${alias} of function ${name}`, (limits) =>
      reads.send(new sdk.GetProvisionedConcurrencyConfigCommand(input), limits).catch((error: unknown) => {
        if (error instanceof sdk.ProvisionedConcurrencyConfigNotFoundException) return undefined;
        throw error;
      }),
    );
    return answer !== undefined;
  }

  async listVersions(name: string): Promise<readonly LiveVersion[]> {
    const { sdk, reads } = this.clients;
    const versions = await everyPage((marker) =>
      this.read('ListVersionsByFunction', `function ${name}`, async (limits) => {
        const input = { FunctionName: name, MaxItems: PAGE_ITEMS, ...present({ Marker: marker }) };
        const page = await reads.send(new sdk.ListVersionsByFunctionCommand(input), limits);
        return { items: page.Versions ?? [], next: page.NextMarker };
      }),
    );
    return versions.filter(({ Version }) => Version !== LATEST).map((version) => toLiveVersion(version));
  }

  async createFunction(name: string, create: Parameters<LambdaPort['createFunction']>[1]): Promise<LiveVersion> {
    const { sdk, writes } = this.clients;
    const input = {
      FunctionName: name,
      PackageType: 'imageUri' in create.code ? 'Image' : 'Zip',
      Code: toCode(create),
      ...toRequest(create, ['configuration', 'code']),
      ...present({ CodeSigningConfigArn: create.codeSigningConfigArn }),
      // Tags need a permission of their own: a function without any is created without it.
      ...(Object.keys(create.tags).length === 0 ? {} : { Tags: create.tags }),
    };
    const answer = await this.write('CreateFunction', `function ${name}`, upload(create, create), (limits) =>
      writes.send(new sdk.CreateFunctionCommand(input as unknown as CreateFunctionCommandInput), limits),
    );
    return this.version(answer, `function ${name}`);
  }

  async updateFunctionConfiguration(
    name: string,
    change: ConfigurationChange,
    revisionId?: string,
  ): Promise<LiveVersion> {
    const { sdk, writes } = this.clients;
    const input = {
      FunctionName: name,
      ...toRequest(change, ['configuration']),
      ...present({ RevisionId: revisionId }),
    };
    const limits = { secrets: secretsOf(change) };
    const answer = await this.write('UpdateFunctionConfiguration', `function ${name}`, limits, (http) =>
      writes.send(new sdk.UpdateFunctionConfigurationCommand(input as UpdateFunctionConfigurationCommandInput), http),
    );
    return this.version(answer, `function ${name}`);
  }

  async updateFunctionCode(
    name: string,
    code: CodeChange & { readonly architectures?: readonly string[] },
    revisionId?: string,
  ): Promise<LiveVersion> {
    const { sdk, writes } = this.clients;
    const input = {
      FunctionName: name,
      ...toCode(code),
      ...present({ Architectures: code.architectures, RevisionId: revisionId }),
    };
    const answer = await this.write('UpdateFunctionCode', `function ${name}`, upload(code), (limits) =>
      writes.send(new sdk.UpdateFunctionCodeCommand(input as UpdateFunctionCodeCommandInput), limits),
    );
    return this.version(answer, `function ${name}`);
  }

  async getFunctionCodeSigningConfig(name: string): Promise<string | null | undefined> {
    const { sdk, reads } = this.clients;
    const answer = await absent(
      this.read('GetFunctionCodeSigningConfig', `function ${name}`, (limits) =>
        reads.send(new sdk.GetFunctionCodeSigningConfigCommand({ FunctionName: name }), limits),
      ),
    );
    return answer && (answer.CodeSigningConfigArn ?? null);
  }

  async putFunctionCodeSigningConfig(name: string, codeSigningConfigArn: string): Promise<void> {
    const { sdk, writes } = this.clients;
    const input = { FunctionName: name, CodeSigningConfigArn: codeSigningConfigArn };
    await this.write('PutFunctionCodeSigningConfig', `function ${name}`, {}, (limits) =>
      writes.send(new sdk.PutFunctionCodeSigningConfigCommand(input), limits),
    );
  }

  async deleteFunctionCodeSigningConfig(name: string): Promise<void> {
    const { sdk, writes } = this.clients;
    await this.write('DeleteFunctionCodeSigningConfig', `function ${name}`, {}, (limits) =>
      writes.send(new sdk.DeleteFunctionCodeSigningConfigCommand({ FunctionName: name }), limits),
    );
  }

  async publishVersion(
    name: string,
    publish: { readonly description: string; readonly codeSha256: string; readonly revisionId?: string },
  ): Promise<LiveVersion> {
    const { sdk, writes } = this.clients;
    const input = {
      FunctionName: name,
      Description: publish.description,
      CodeSha256: publish.codeSha256,
      ...present({ RevisionId: publish.revisionId }),
    };
    const answer = await this.write('PublishVersion', `function ${name}`, {}, (limits) =>
      writes.send(new sdk.PublishVersionCommand(input), limits),
    );
    return this.version(answer, `function ${name}`);
  }

  async deleteVersion(name: string, number: Version): Promise<void> {
    // Without a qualifier the same call deletes the function with everything in it.
    if (!/^[1-9]\d*$/.test(number)) throw new DeployError('INTERNAL', `${JSON.stringify(number)} is no version.`);
    const { sdk, writes } = this.clients;
    const command = new sdk.DeleteFunctionCommand({ FunctionName: name, Qualifier: number });
    await this.write('DeleteFunction', `version ${number} of ${name}`, {}, (limits) => writes.send(command, limits));
  }

  async createAlias(name: string, alias: { name: string; version: Version; description?: string }): Promise<LiveAlias> {
    const { sdk, writes } = this.clients;
    const input = {
      FunctionName: name,
      Name: alias.name,
      FunctionVersion: alias.version,
      ...present({ Description: alias.description }),
    };
    const answer = await this.write('CreateAlias', `alias ${alias.name} of function ${name}`, {}, (limits) =>
      writes.send(new sdk.CreateAliasCommand(input), limits),
    );
    return this.alias(answer, name);
  }

  async updateAlias(name: string, alias: Parameters<LambdaPort['updateAlias']>[1]): Promise<LiveAlias> {
    const { sdk, writes } = this.clients;
    const input = {
      FunctionName: name,
      Name: alias.name,
      FunctionVersion: alias.version,
      RoutingConfig: { AdditionalVersionWeights: alias.weights },
      ...present({ Description: alias.description, RevisionId: alias.revisionId }),
    };
    const answer = await this.write('UpdateAlias', `alias ${alias.name} of function ${name}`, {}, (limits) =>
      writes.send(new sdk.UpdateAliasCommand(input), limits),
    );
    return this.alias(answer, name);
  }

  async tagResource(arn: string, tags: Readonly<Record<string, string>>): Promise<void> {
    const { sdk, writes } = this.clients;
    await this.write('TagResource', arn, {}, (limits) =>
      writes.send(new sdk.TagResourceCommand({ Resource: arn, Tags: tags }), limits),
    );
  }

  async untagResource(arn: string, keys: readonly string[]): Promise<void> {
    const { sdk, writes } = this.clients;
    await this.write('UntagResource', arn, {}, (limits) =>
      writes.send(new sdk.UntagResourceCommand({ Resource: arn, TagKeys: [...keys] }), limits),
    );
  }

  async invoke(
    name: string,
    qualifier: string,
    { payload = {}, payloadSecrets = {} }: Parameters<LambdaPort['invoke']>[2],
    timeoutSeconds: number,
  ): Promise<InvokeAnswer> {
    const { sdk, writes } = this.clients;
    const input = {
      FunctionName: name,
      Qualifier: qualifier,
      InvocationType: 'RequestResponse',
      LogType: 'Tail',
      Payload: new TextEncoder().encode(JSON.stringify(fillPayload(payload, payloadSecrets))),
    } as const;
    // AWS's name of the permission has a word more than the operation.
    const secrets = Object.values(payloadSecrets).map(reveal);
    const call = { action: 'lambda:InvokeFunction', timeoutMs: timeoutSeconds * 1000, secrets };
    const answer = await send(
      { operation: 'Invoke', subject: `${qualifier} of function ${name}`, ...call },
      1,
      (limits) => writes.send(new sdk.InvokeCommand(input), limits),
      this.options.stop,
    );
    return {
      statusCode: answer.StatusCode ?? 0,
      payload: new TextDecoder().decode(answer.Payload),
      logTail: wholeLines(Buffer.from(answer.LogResult ?? '', 'base64')),
      ...present({ functionError: answer.FunctionError, executedVersion: answer.ExecutedVersion }),
    };
  }

  readonly download = download;

  private read<T>(operation: string, subject: string, run: (limits: Limits) => Promise<T>): Promise<T> {
    return send({ operation, subject, timeoutMs: READ_TIMEOUT_MS }, READ_ATTEMPTS, run, this.options.stop);
  }

  private write<T>(
    operation: string,
    subject: string,
    more: Partial<Call>,
    run: (limits: Limits) => Promise<T>,
  ): Promise<T> {
    return send({ operation, subject, timeoutMs: WRITE_TIMEOUT_MS, changes: true, ...more }, 1, run, this.options.stop);
  }

  private version(configuration: FunctionConfiguration, subject: string, code?: FunctionCodeLocation): LiveVersion {
    this.expectRevisionId(configuration.RevisionId, subject);
    return toLiveVersion(configuration, code);
  }

  private alias(alias: AliasConfiguration, name: string): LiveAlias {
    this.expectRevisionId(alias.RevisionId, `alias ${alias.Name ?? ''} of function ${name}`);
    return toLiveAlias(alias);
  }

  private expectRevisionId(revisionId: string | undefined, subject: string): void {
    if (revisionId !== undefined) return;
    if (!this.options.allowMissingRevisionId)
      throw new DeployError(
        'AWS_UNREADABLE',
        `AWS gave no RevisionId for ${subject}, so a foreign change would go unseen.`,
        {
          source: 'aws',
          subject,
        },
      );
    if (!this.noted) this.options.onNote?.('This endpoint gives no RevisionIds: writes go without this guard.');
    this.noted = true;
  }
}

/** The end of the log that Invoke gives, in bytes. @see https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
const LOG_TAIL_BYTES = 4096;

/** A full tail begins anywhere; the rest of a line, or of a secret in it, would be recognised by nobody. */
function wholeLines(tail: Buffer): string {
  const text = tail.toString('utf8');
  return tail.byteLength < LOG_TAIL_BYTES - 1 ? text : text.slice(text.indexOf('\n') + 1);
}

function noLambda(subject: string): DeployError {
  return new DeployError('AWS_REFUSED', `the answer for ${subject} names no function: this is no Lambda endpoint.`, {
    source: 'aws',
    subject,
    fix: 'check AWS_ENDPOINT_URL, --endpoint-url and the region.',
  });
}

/** Only ResourceNotFoundException means absent; every other failure stays one. */
async function absent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isDeployError(error, 'AWS_NOT_FOUND')) return undefined;
    throw error;
  }
}
