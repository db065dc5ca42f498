import {
  AddPermissionCommand,
  CreateAliasCommand,
  CreateFunctionUrlConfigCommand,
  DeleteAliasCommand,
  DeleteFunctionCommand,
  DeleteFunctionConcurrencyCommand,
  DeleteFunctionEventInvokeConfigCommand,
  DeleteFunctionUrlConfigCommand,
  DeleteProvisionedConcurrencyConfigCommand,
  GetAliasCommand,
  GetFunctionCommand,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  GetFunctionEventInvokeConfigCommand,
  GetFunctionUrlConfigCommand,
  GetPolicyCommand,
  GetProvisionedConcurrencyConfigCommand,
  ListAliasesCommand,
  ListFunctionEventInvokeConfigsCommand,
  ListFunctionsCommand,
  ListProvisionedConcurrencyConfigsCommand,
  ListTagsCommand,
  ListVersionsByFunctionCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  PutFunctionEventInvokeConfigCommand,
  PutProvisionedConcurrencyConfigCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  UpdateFunctionEventInvokeConfigCommand,
  UpdateFunctionUrlConfigCommand,
} from '@aws-sdk/client-lambda';
import type { Seed } from '../../../src/sandbox/server.js';
import { OTHER_ZIP, PYTHON_ZIP } from '../support.js';
import type { Absent } from './compare.js';
import { ARN, FUNCTION, type Tape } from './tape.js';

/** The calls behind one recording. */
export interface Scenario {
  readonly play: (tape: Tape) => Promise<unknown>;
  readonly absent?: Absent;
  /** What the recording's other services held. */
  readonly seed?: Seed;
}

const FunctionName = FUNCTION;
const NO_VARIABLES = { Environment: { Variables: {} } };
const publish = (input: object = {}) => new PublishVersionCommand({ FunctionName, ...input });
const configure = (input: object) => new UpdateFunctionConfigurationCommand({ FunctionName, ...input });
const upload = (input: object) => new UpdateFunctionCodeCommand({ FunctionName, ...input });
const versions = () => new ListVersionsByFunctionCommand({ FunctionName });
const remove = (Qualifier?: string) => new DeleteFunctionCommand({ FunctionName, Qualifier });

async function aliases(t: Tape): Promise<void> {
  await t.create('create_response', { Environment: { Variables: { testenv: 'staging' } } });
  t.wait();
  await t.send('publish_v1', publish());
  await t.send(null, configure({ Environment: { Variables: { testenv: 'prod' } } }));
  t.wait();
  await t.send('publish_v2', publish());
  const create = (Name: string, FunctionVersion: string, more: object = {}) =>
    new CreateAliasCommand({ FunctionName, Name, FunctionVersion, ...more });
  const get = (Name: string) => new GetAliasCommand({ FunctionName, Name });
  const list = (FunctionVersion?: string) => new ListAliasesCommand({ FunctionName, FunctionVersion });
  const Description = 'custom-alias';
  const RoutingConfig = { AdditionalVersionWeights: { '2': 0.2 } };
  await t.send('create_alias_1_1', create('aliasname1_1', '1', { Description, RoutingConfig }));
  await t.send('get_alias_1_1', get('aliasname1_1'));
  await t.get('get_function_alias_1_1', 'aliasname1_1');
  const byArn = (alias: string) => new GetFunctionCommand({ FunctionName: `${ARN}:${alias}` });
  await t.send('get_function_byarn_alias_1_1', byArn('aliasname1_1'));
  await t.get('get_function_alias_notfound_exc', 'aliasdoesnotexist');
  await t.send('get_function_alias_byarn_notfound_exc', byArn('aliasdoesnotexist'));
  await t.send('create_alias_1_2', create('aliasname1_2', '1', { Description }));
  await t.send('get_alias_1_2', get('aliasname1_2'));
  await t.send('create_alias_1_3', create('aliasname1_3', '1'));
  await t.send('get_alias_1_3', get('aliasname1_3'));
  await t.send('create_alias_2', create('aliasname2', '2', { Description }));
  await t.send('get_alias_2', get('aliasname2'));
  await t.send('list_aliases_for_fnname', list());
  const update = (Name: string, more: object) => new UpdateAliasCommand({ FunctionName, Name, ...more });
  const cleared = { RoutingConfig: { AdditionalVersionWeights: {} } };
  await t.send('update_alias_1_1', update('aliasname1_1', cleared));
  await t.send('get_alias_1_1_after_update', get('aliasname1_1'));
  await t.send('list_aliases_for_fnname_after_update', list());
  await t.send('update_alias_1_2', update('aliasname1_2', {}));
  await t.send('get_alias_1_2_after_update', get('aliasname1_2'));
  await t.send('list_aliases_for_fnname_after_update_2', list());
  await t.send('list_aliases_for_version', list('1'));
  await t.send('delete_alias_response', new DeleteAliasCommand({ FunctionName, Name: 'aliasname1_1' }));
  await t.send('list_aliases_for_fnname_afterdelete', list());
}

async function provisioned(t: Tape): Promise<void> {
  await t.create(null, { Handler: 'handler.handler', Timeout: 30, ...NO_VARIABLES });
  t.wait();
  await t.send('publish_version_result', publish());
  const alias = { FunctionName, Name: 'live' };
  await t.send('create_alias_result', new CreateAliasCommand({ ...alias, FunctionVersion: '1' }));
  const put = (Qualifier: string) =>
    new PutProvisionedConcurrencyConfigCommand({ FunctionName, Qualifier, ProvisionedConcurrentExecutions: 1 });
  const get = (Qualifier: string) => new GetProvisionedConcurrencyConfigCommand({ FunctionName, Qualifier });
  await t.send('put_provisioned_on_version', put('1'));
  await t.send('put_provisioned_on_alias_versionconflict', put('live'));
  const take = new DeleteProvisionedConcurrencyConfigCommand({ FunctionName, Qualifier: '1' });
  await t.send('delete_provisioned_version', take);
  await t.send('get_provisioned_version_postdelete', get('1'));
  await t.send('put_provisioned_on_alias', put('live'));
  await t.send('put_provisioned_on_version_conflict', put('1'));
  await t.send('delete_alias_result', new DeleteAliasCommand(alias));
  await t.send('get_provisioned_alias_postaliasdelete', get('live'));
  const list = new ListProvisionedConcurrencyConfigsCommand({ FunctionName });
  await t.send('list_response_postdeletes', list);
}

async function versionLifecycle(t: Tape): Promise<void> {
  await t.create('create_response', { Description: 'No version :(' });
  t.wait();
  await t.get('get_function_result');
  await t.send('list_versions_result', versions());
  await t.send('first_update_response', configure({ Description: 'First version :)' }));
  t.wait();
  await t.get('first_update_get_function');
  await t.send('first_publish_response', publish({ Description: 'First version description :)' }));
  await t.get('first_publish_get_function', '1');
  const ofVersion1 = new GetFunctionConfigurationCommand({ FunctionName, Qualifier: '1' });
  await t.send('first_publish_get_function_config', ofVersion1);
  await t.send('second_update_response', configure({ Description: 'Second version :))' }));
  t.wait();
  await t.get('first_publish_get_function_after_update', '1');
  await t.send('second_publish_response', publish());
  await t.send('third_publish_response', publish());
  await t.send('list_versions_result_after_third_publish', versions());
  await t.send(null, remove('1'));
  await t.send('list_versions_result_after_deletion_of_first_version', versions());
}

async function tags(t: Tape): Promise<void> {
  await t.create(null, { ...NO_VARIABLES, Handler: 'handler.handler', Timeout: 30, Tags: { key_a: 'value_a' } });
  t.wait();
  const list = new ListTagsCommand({ Resource: ARN });
  const tag = (Tags: Record<string, string>) => new TagResourceCommand({ Resource: ARN, Tags });
  const untag = (...TagKeys: string[]) => new UntagResourceCommand({ Resource: ARN, TagKeys });
  await t.send('list_tags_response_postfncreate', list);
  await t.get('get_fn_response_postfncreate');
  const more = { key_b: 'value_b', key_c: 'value_c', key_d: 'value_d', key_e: 'value_e' };
  await t.send('tag_resource_response', tag(more));
  await t.send('list_tags_response_postaddtags', list);
  await t.get('get_fn_response_postaddtags');
  await t.send('tag_resource_overwrite', tag({ key_c: 'value_x' }));
  await t.send('list_tags_response_overwrite', list);
  await t.get('get_fn_response_overwrite');
  await t.send(null, untag('key_c', 'key_d'));
  await t.send('list_tags_response_postuntag', list);
  await t.get('get_fn_response_postuntag');
  await t.send(null, untag('key_a', 'key_b', 'key_e'));
  await t.send('list_tags_response_postuntagall', list);
  await t.get('get_fn_response_postuntagall');
  await t.send(null, remove());
  await t.send('list_tags_postdelete', list);
}

async function functionLifecycle(t: Tape): Promise<void> {
  await t.create('create_response', { ...NO_VARIABLES, Handler: 'handler.handler', MemorySize: 256, Timeout: 5 });
  t.wait();
  await t.get('get_function_response');
  const changed = { Runtime: 'python3.11', Description: 'Changed-Description', MemorySize: 512, Timeout: 10 };
  await t.send('update_func_conf_response', configure({ ...changed, Environment: { Variables: { ENV_A: 'a' } } }));
  t.wait();
  await t.get('get_function_response_postupdate');
  await t.send('update_code_response', upload({ ZipFile: OTHER_ZIP }));
  t.wait();
  await t.get('get_function_response_postcodeupdate');
  await t.send('delete_response', remove());
  await t.send('delete_postdelete', remove());
}

async function revisions(t: Tape): Promise<void> {
  await t.create('create_function_response_rev1', { ...NO_VARIABLES, Timeout: 30 });
  t.wait();
  const revision = async (name: string) => {
    const { text } = await t.get(name);
    return (JSON.parse(text) as { Configuration: { RevisionId: string } }).Configuration.RevisionId;
  };
  const second = await revision('get_function_response_rev2');
  const code = { ZipFile: PYTHON_ZIP };
  await t.send('update_function_revision_exception', upload({ ...code, RevisionId: 'wrong' }));
  await t.send('update_function_code_response_rev3', upload({ ...code, RevisionId: second }));
  t.wait();
  const fourth = await revision('get_function_response_rev4');
  const change = { Runtime: 'python3.8' };
  await t.send('update_function_configuration_revision_exception', configure({ ...change, RevisionId: 'wrong' }));
  await t.send('update_function_configuration_response_rev5', configure({ ...change, RevisionId: fourth }));
  t.wait();
  await t.get('get_function_response_rev6');
}

async function vpc(t: Tape): Promise<void> {
  const network = (n: number) => ({ VpcConfig: { SubnetIds: [`subnet-${n}`], SecurityGroupIds: [`sg-${n}`] } });
  await t.create('create_response', {
    ...NO_VARIABLES,
    Handler: 'handler.handler',
    MemorySize: 256,
    Timeout: 5,
    ...network(1),
  });
  t.wait();
  await t.get('get_function_response');
  await t.send('update_vpcconfig_update_response', configure(network(2)));
  t.wait();
  await t.get('update_vpcconfig_get_function_response');
  const none = { VpcConfig: { SubnetIds: [], SecurityGroupIds: [] } };
  await t.send('delete_vpcconfig_update_response', configure(none));
  t.wait();
  await t.get('delete_vpcconfig_get_function_response');
}

async function createExceptions(t: Tape): Promise<void> {
  await t.create('invalid_role_arn_exc', { Role: 'r1' });
  await t.create('invalid_runtime_exc', { Runtime: 'non-existent-runtime' as never });
  await t.create('uppercase_runtime_exc', { Runtime: 'PYTHON3.9' as never });
  await t.create('multiple_architectures', { Architectures: ['x86_64', 'arm64'] });
  await t.create('uppercase_architecture', { Architectures: ['X86_64' as never] });
  await t.create('invalid_zip_exc', { Code: { ZipFile: Buffer.from('this is not a zipfile, just a random string') } });
}

async function publishOnCreate(t: Tape): Promise<void> {
  await t.create('create_response', { Publish: true });
  t.wait();
  await t.get('get_function_result');
  await t.get('get_function_version_result', '1');
  await t.get('get_function_latest_result', '$LATEST');
  await t.send('list_versions_result', versions());
  await t.send('repeated_publish_response', publish({ Description: 'another description' }));
  await t.send('list_versions_result_after_publish', versions());
}

async function redundantUpdates(t: Tape): Promise<void> {
  const input = { ...NO_VARIABLES, Handler: 'handler.handler', Timeout: 30, Description: 'Initial description' };
  await t.create('create_response', input);
  t.wait();
  const update = configure({ Description: '1st update description' });
  await t.send('first_update_result', update);
  t.wait();
  await t.send('get_fn_config_result', new GetFunctionConfigurationCommand({ FunctionName }));
  await t.get('get_fn_result');
  await t.send('redundant_update_result', configure({ Description: '1st update description' }));
  t.wait();
  await t.get('get_fn_result_after_redundant_update');
}

async function listFunctions(t: Tape): Promise<void> {
  const input = { ...NO_VARIABLES, Handler: 'handler.handler', Timeout: 30 };
  await t.create('create_response_1', { ...input, FunctionName: 'recorded-1', Publish: true });
  await t.create('create_response_2', { ...input, FunctionName: 'recorded-2', Code: { ZipFile: OTHER_ZIP } });
  const list = (FunctionVersion?: string) => new ListFunctionsCommand({ FunctionVersion: FunctionVersion as 'ALL' });
  await t.send('list_functions_invalid_functionversion', list('invalid'));
  t.wait();
  await t.send('list_all', list('ALL'));
  await t.send('list_default', list());
}

async function largeEnvironment(t: Tape): Promise<void> {
  const { Error: error } = t.recorded.failed_create_fn_result as { Error: { Message: string } };
  const Variables = JSON.parse(error.Message.slice(error.Message.indexOf('{'))) as Record<string, string>;
  await t.create('failed_create_fn_result', { Environment: { Variables } });
}

const REGISTRY = '111111111111.dkr.ecr.us-east-1.amazonaws.com';
const IMAGE = `${REGISTRY}/first:latest`;
const OTHER_IMAGE = `${REGISTRY}/second:latest`;

async function s3(t: Tape): Promise<void> {
  t.put('code', 'first.zip', PYTHON_ZIP);
  await t.create('create_response_s3', { Code: { S3Bucket: 'code', S3Key: 'first.zip' } });
  t.wait();
  await t.get('get-function-response');
  t.put('code', 'second.zip', OTHER_ZIP);
  await t.send('update-function-response', upload({ S3Bucket: 'code', S3Key: 'second.zip' }));
  await t.get('get-function-response-updated');
}

async function s3Errors(t: Tape): Promise<void> {
  const wrongBucket = { S3Bucket: 'nobody', S3Key: 'first.zip' };
  const wrongKey = { S3Bucket: 'code', S3Key: 'missing.zip' };
  await t.create('create-error-wrong-bucket', { Code: wrongBucket });
  await t.create('create-error-wrong-key', { Code: wrongKey });
  await t.create(null);
  t.wait();
  await t.send('update-error-wrong-bucket', upload(wrongBucket));
  await t.send('update-error-wrong-key', upload(wrongKey));
}

async function images(t: Tape): Promise<void> {
  await t.create('create-image-response', {
    PackageType: 'Image',
    Code: { ImageUri: IMAGE },
    Runtime: undefined,
    Handler: undefined,
    Environment: { Variables: { CUSTOM_ENV: 'test' } },
  });
  t.wait();
  const configuration = new GetFunctionConfigurationCommand({ FunctionName });
  await t.get('get-function-code-response');
  await t.send('get-function-config-response', configuration);
  await t.send('image-to-zipfile-error', upload({ ZipFile: OTHER_ZIP }));
  await t.send('update-function-code-response', upload({ ImageUri: OTHER_IMAGE }));
  t.wait();
  await t.get('get-function-code-response-after-update');
  await t.send('get-function-config-response-after-update', configuration);
}

/** Every recording that concerns the sandbox's operations, with its calls. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  alias_lifecycle: { play: aliases },
  create_lambda_exceptions: { play: createExceptions },
  delete_on_nonexisting_version: {
    play: async (t) => {
      await t.send('delete_function_response_non_existent', remove());
      await t.send('delete_function_response_non_existent_with_qualifier', remove('1'));
    },
  },
  function_concurrency: {
    play: async (t) => {
      await t.create(null);
      const put = (n: number) => new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: n });
      await t.send('put_function_concurrency_with_reserved_0', put(0));
      await t.send('put_function_concurrency_with_reserved_1', put(1));
      await t.send('get_function_concurrency', new GetFunctionConcurrencyCommand({ FunctionName }));
      await t.send('delete_response', new DeleteFunctionConcurrencyCommand({ FunctionName }));
      await t.send('get_function_concurrency_after_delete', new GetFunctionConcurrencyCommand({ FunctionName }));
    },
  },
  function_lifecycle: { play: functionLifecycle },
  function_revisions_basic: { play: revisions },
  lambda_code_location_s3: { play: s3, seed: { buckets: { code: {} } } },
  lambda_code_location_s3_errors: { play: s3Errors, seed: { buckets: { code: {} } } },
  lambda_image_crud: {
    play: images,
    seed: { images: { [IMAGE]: `sha256:${'a1'.repeat(32)}`, [OTHER_IMAGE]: `sha256:${'b2'.repeat(32)}` } },
  },
  lambda_code_location_zipfile: {
    play: async (t) => {
      await t.create('create-response-zip-file');
      t.wait();
      await t.get('get-function-response');
      await t.send('update-function-response', upload({ ZipFile: OTHER_ZIP }));
      await t.get('get-function-response-updated');
    },
  },
  lambda_concurrent_code_updates: {
    play: async (t) => {
      await t.create('create-function-response', { Handler: 'handler.handler' });
      t.wait();
      await t.send(null, upload({ ZipFile: OTHER_ZIP }));
      await t.send('update-during-in-progress-update-exc', upload({ ZipFile: PYTHON_ZIP }));
    },
  },
  lambda_provisioned_lifecycle: { play: provisioned },
  large_environment_variables_fails: { play: largeEnvironment },
  list_functions: { play: listFunctions },
  non_existent_alias_update: {
    play: async (t) => {
      await t.create('create_response', { Environment: { Variables: { testenv: 'staging' } } });
      await t.send('update_alias_response', new UpdateAliasCommand({ FunctionName, Name: 'non-existent' }));
    },
  },
  ops_on_nonexisting_fn_get_function: { play: (t) => t.get('not_found_exception') },
  ops_on_nonexisting_version_get_function: {
    play: async (t) => {
      await t.create(null);
      await t.get('version_not_found_exception', '1221');
    },
  },
  oversized_request_create_lambda: {
    // 53 MB are 70.7 MB in base64.
    play: (t) => t.create('invalid_param_exc', { Code: { ZipFile: new Uint8Array(53_000_000) } }),
  },
  publish_version_on_create: { play: publishOnCreate },
  publish_with_update: {
    play: async (t) => {
      await t.create('create_response');
      t.wait();
      await t.get('get_function_result');
      await t.send('update_function_code_result', upload({ ZipFile: OTHER_ZIP, Publish: true }));
      await t.get('get_function_version_result', '1');
      await t.get('get_function_latest_result', '$LATEST');
    },
  },
  publish_with_wrong_revisionid: {
    absent: ['LoggingConfig', 'RuntimeVersionConfig', 'SnapStart'],
    play: async (t) => {
      await t.create('create_response', { Runtime: 'python3.9' });
      t.wait();
      const { text } = await t.get('get_fn_response');
      const { Configuration } = JSON.parse(text) as { Configuration: { RevisionId: string } };
      await t.send('publish_wrong_revisionid_exc', publish({ RevisionId: 'wrong' }));
      await t.send('publish_result', publish({ RevisionId: Configuration.RevisionId }));
    },
  },
  redundant_updates: { play: redundantUpdates },
  snapstart_lifecycle_python3_12: {
    play: async (t) => {
      await t.create('create_function_response', { Handler: 'handler.handler', MemorySize: 1024, Timeout: 5 });
      t.wait();
      await t.get('get_function_response_latest');
      await t.send(null, publish({ Description: 'version1' }));
      await t.get('get_function_response_version_1', '1');
    },
  },
  tag_lifecycle: { play: tags },
  update_lambda_exceptions: {
    play: async (t) => {
      await t.create(null);
      t.wait();
      await t.send('invalid_role_arn_exc', configure({ Role: 'r1' }));
      await t.send('invalid_runtime_exc', configure({ Runtime: 'non-existent-runtime' }));
      await t.send('uppercase_runtime_exc', configure({ Runtime: 'PYTHON3.9' }));
    },
  },
  version_lifecycle: { play: versionLifecycle },
  vpc_config: { play: vpc },
  add_lambda_permission_aws: {
    play: async (t) => {
      await t.create('create_lambda', { Handler: 'handler.handler', Timeout: 30, ...NO_VARIABLES });
      const statement = { StatementId: 's3', Action: 'lambda:InvokeFunction', Principal: 's3.amazonaws.com' };
      const SourceArn = 'arn:aws:s3:::bucket';
      await t.send('add_permission', new AddPermissionCommand({ FunctionName, ...statement, SourceArn }));
      await t.send('get_policy', new GetPolicyCommand({ FunctionName }));
    },
  },
  lambda_eventinvokeconfig_lifecycle: { play: invokeConfigs },
  url_config_lifecycle: { play: urls },
};

async function urls(t: Tape): Promise<void> {
  await t.create(null);
  const create = () => new CreateFunctionUrlConfigCommand({ FunctionName, AuthType: 'NONE' });
  const get = () => new GetFunctionUrlConfigCommand({ FunctionName });
  await t.send('url_creation', create());
  await t.send('failed_duplication', create());
  await t.send('get_url_config', get());
  await t.send('updated_url_config', new UpdateFunctionUrlConfigCommand({ FunctionName, AuthType: 'AWS_IAM' }));
  await t.send(null, new DeleteFunctionUrlConfigCommand({ FunctionName }));
  await t.send('failed_getter', get());
}

async function invokeConfigs(t: Tape): Promise<void> {
  await t.create(null, { Handler: 'handler.handler', Timeout: 30, ...NO_VARIABLES });
  t.wait();
  const put = (more: object) => new PutFunctionEventInvokeConfigCommand({ FunctionName, ...more });
  const update = (more: object) => new UpdateFunctionEventInvokeConfigCommand({ FunctionName, ...more });
  const get = (Qualifier?: string) => new GetFunctionEventInvokeConfigCommand({ FunctionName, Qualifier });
  const list = () => new ListFunctionEventInvokeConfigsCommand({ FunctionName });
  await t.send('put_invokeconfig_retries_0', put({ MaximumRetryAttempts: 0 }));
  await t.send('put_invokeconfig_eventage_60', put({ MaximumEventAgeInSeconds: 60 }));
  await t.send('update_invokeconfig_eventage_nochange', update({ MaximumEventAgeInSeconds: 60 }));
  await t.send('update_invokeconfig_retries', update({ MaximumRetryAttempts: 1 }));
  await t.send('get_invokeconfig', get());
  await t.send('get_invokeconfig_latest', get('$LATEST'));
  await t.send('list_single_invokeconfig', list());
  await t.send('publish_version_result', publish());
  await t.send('get_invokeconfig_postpublish', get('1'));
  await t.send('put_published_invokeconfig', put({ Qualifier: '1', MaximumEventAgeInSeconds: 120 }));
  await t.send('get_published_invokeconfig', get('1'));
  await t.send(null, new DeleteFunctionEventInvokeConfigCommand({ FunctionName }));
  await t.send('list_paging_nolimit_postdelete', list());
}
