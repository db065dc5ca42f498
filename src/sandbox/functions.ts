import type { JsonObject } from '../model/json.js';
import { type Answer, type Call, json, part, queryValue, stringMap } from './call.js';
import { acceptCode, type PackageType } from './code.js';
import { noSigningForImages } from './code-signing.js';
import { applyMembers, defaultConfig, describe } from './configuration.js';
import { conflict, constraintErrors, invalidParameter } from './errors.js';
import {
  findFunction,
  findUnqualified,
  functionArn,
  parseFunctionName,
  resolveQualifier,
  withQualifier,
} from './names.js';
import { page } from './paging.js';
import {
  begin,
  type Code,
  type Config,
  functionsOf,
  type FunctionState,
  IN_PROGRESS,
  nothingAttached,
  PENDING,
  settle,
  type VersionState,
} from './state.js';
import { checkTags } from './tags.js';
import { given, oneOfText, optionalString, problem, requiredString } from './constraints.js';
import { checkConfiguration } from './validate.js';
import { checkWritable, publish } from './versions.js';

/** CreateFunction. The function is Pending until it settles; with Publish the answer says version 1. */
export async function createFunction(call: Call): Promise<Answer> {
  const { state, region, body } = call;
  const { name } = parseFunctionName(state, region, requiredString(body, 'FunctionName'));
  requiredString(body, 'Role');
  checkConfiguration(body);
  const tags = stringMap(given(body, 'Tags'));
  checkTags(tags);
  const packageType = optionalString(body, 'PackageType') === 'Image' ? 'Image' : 'Zip';
  const code = await acceptCode(state, (given(body, 'Code') ?? {}) as JsonObject, packageType);
  checkEntry(body, packageType);
  const functions = functionsOf(state, region);
  if (functions.has(name)) throw conflict(`Function already exist: ${name}`);
  const config = applyMembers(defaultConfig(name, packageType), body, name);
  const latest: VersionState = {
    version: '$LATEST',
    revisionId: '',
    lastModified: '',
    content: { config, code },
    status: PENDING,
  };
  begin(state, latest, PENDING);
  const fn: FunctionState = {
    name,
    region,
    arn: functionArn(state, region, name),
    latest,
    versions: new Map(),
    nextVersion: 1,
    changedSincePublish: true,
    aliases: new Map(),
    provisioned: new Map(),
    attached: nothingAttached(),
    tags,
  };
  const signing = optionalString(body, 'CodeSigningConfigArn');
  if (signing !== undefined) fn.codeSigningConfigArn = signing;
  functions.set(name, fn);
  // Recorded in publish_version_on_create: the version's number, but the function's own ARN.
  const shown = given(body, 'Publish') === true ? publish(state, fn) : latest;
  return json(201, describe(fn, shown));
}

/** An archive needs a runtime and a handler, an image has them inside. */
function checkEntry(body: JsonObject, packageType: PackageType): void {
  const has = (member: string): boolean => given(body, member) !== undefined;
  if (packageType === 'Image' && (has('Runtime') || has('Handler') || has('Layers')))
    throw invalidParameter(
      "Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image.",
    );
  if (packageType === 'Image' && has('CodeSigningConfigArn')) throw noSigningForImages();
  if (packageType === 'Zip' && !(has('Runtime') && has('Handler')))
    throw invalidParameter(
      'Runtime and Handler are mandatory parameters for functions created with deployment packages.',
    );
}

/** GetFunction: configuration, tags, reserved concurrency and a link to the archive. */
export function getFunction(call: Call): Answer {
  const { fn, version, qualifier } = asked(call);
  return json(200, {
    Configuration: describe(fn, version, { qualifier }),
    Code: codeLocation(call, version.content.code),
    ...(Object.keys(fn.tags).length === 0 ? {} : { Tags: fn.tags }),
    ...(fn.reservedConcurrency === undefined
      ? {}
      : { Concurrency: { ReservedConcurrentExecutions: fn.reservedConcurrency } }),
  });
}

function codeLocation(call: Call, code: Code): JsonObject {
  const key = code.kmsKeyArn === undefined ? {} : { SourceKMSKeyArn: code.kmsKeyArn };
  if (code.image === undefined) return { RepositoryType: 'S3', Location: call.link(code), ...key };
  const { uri, resolvedUri } = code.image;
  return { RepositoryType: 'ECR', ImageUri: uri, ResolvedImageUri: resolvedUri, ...key };
}

/** GetFunctionConfiguration. */
export function getFunctionConfiguration(call: Call): Answer {
  const { fn, version, qualifier } = asked(call);
  return json(200, describe(fn, version, { qualifier }));
}

function asked(call: Call): { fn: FunctionState; version: VersionState; qualifier: string | undefined } {
  const parsed = parseFunctionName(call.state, call.region, part(call, 'FunctionName'));
  const { name, qualifier } = withQualifier(parsed, queryValue(call, 'Qualifier'));
  const fn = findFunction(call.state, call.region, name);
  return { fn, version: resolveQualifier(fn, qualifier), qualifier };
}

/** ListFunctions, by name; with `FunctionVersion=ALL` every version too, under its qualified ARN. */
export function listFunctions(call: Call): Answer {
  const which = queryValue(call, 'FunctionVersion');
  if (which !== undefined && which !== 'ALL')
    throw constraintErrors([problem(which, 'functionVersion', oneOfText(['ALL']))]);
  const functions = [...functionsOf(call.state, call.region).values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const items = functions.flatMap((fn) => {
    settle(call.state, fn);
    if (which === undefined) return [describe(fn, fn.latest, { listing: true })];
    const versions = [fn.latest, ...fn.versions.values()];
    return versions.map((version) => describe(fn, version, { qualifier: version.version, listing: true }));
  });
  return json(200, page('Functions', items, call.query));
}

function update(call: Call, fn: FunctionState, config: Config, code: Code): void {
  const { latest } = fn;
  latest.serving ??= latest.content;
  latest.content = { config, code };
  // A redundant update counts too: nobody may rely on AWS to suppress a duplicate version.
  fn.changedSincePublish = true;
  begin(call.state, latest, IN_PROGRESS);
}

/** UpdateFunctionConfiguration: replaces the members that it names. */
export function updateFunctionConfiguration(call: Call): Answer {
  const { body } = call;
  checkConfiguration(body);
  const fn = findUnqualified(call.state, call.region, part(call, 'FunctionName'));
  checkWritable(fn, optionalString(body, 'RevisionId'));
  const { config, code } = fn.latest.content;
  const { Architectures: _withTheCode, ...members } = body;
  update(call, fn, applyMembers(config, members, fn.name), code);
  return json(200, describe(fn, fn.latest));
}

/**
 * UpdateFunctionCode, with Architectures, Publish and DryRun. With Publish the answer is the new version, which is
 * Pending while `$LATEST` is InProgress (recorded: publish_with_update).
 */
export async function updateFunctionCode(call: Call): Promise<Answer> {
  const { body } = call;
  checkConfiguration({ Architectures: given(body, 'Architectures') ?? null });
  const { content } = findUnqualified(call.state, call.region, part(call, 'FunctionName')).latest;
  const code = await acceptCode(call.state, body, content.config.PackageType === 'Image' ? 'Image' : 'Zip');
  // Looked up again: another request may have come while the archive was read.
  const fn = findUnqualified(call.state, call.region, part(call, 'FunctionName'));
  checkWritable(fn, optionalString(body, 'RevisionId'));
  const architectures = { Architectures: given(body, 'Architectures') ?? null };
  const config = applyMembers(fn.latest.content.config, architectures, fn.name);
  if (given(body, 'DryRun') === true) {
    const would: VersionState = { ...fn.latest, content: { config, code } };
    return json(200, describe(fn, would));
  }
  update(call, fn, config, code);
  if (given(body, 'Publish') !== true) return json(200, describe(fn, fn.latest));
  const version = publish(call.state, fn);
  return json(200, describe(fn, version, { qualifier: version.version }));
}

/** DeleteFunction: the function with everything, or one version that no alias uses. A version that is gone is fine. */
export function deleteFunction(call: Call): Answer {
  const parsed = parseFunctionName(call.state, call.region, part(call, 'FunctionName'));
  const { name, qualifier } = withQualifier(parsed, queryValue(call, 'Qualifier'));
  const fn = findFunction(call.state, call.region, name);
  if (qualifier === undefined) {
    functionsOf(call.state, call.region).delete(name);
    call.invoker.forget(fn.arn);
    return { status: 204 };
  }
  if (qualifier === '$LATEST')
    throw invalidParameter('$LATEST version cannot be deleted without deleting the function.');
  if (!/^[0-9]+$/.test(qualifier)) throw invalidParameter('Deletion of aliases is not currently supported.');
  const users = [...fn.aliases.values()].filter((a) => a.functionVersion === qualifier || qualifier in a.weights);
  if (users.length > 0)
    throw conflict(
      `Unable to delete version because the following aliases reference it: [${users.map((a) => a.name).join(', ')}]`,
    );
  fn.versions.delete(qualifier);
  fn.provisioned.delete(qualifier);
  call.invoker.forget(fn.arn, qualifier);
  return { status: 204 };
}
