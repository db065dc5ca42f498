import { type Answer, type Call, json, part } from './call.js';
import { describe } from './configuration.js';
import { conflict, invalidParameter, staleRevision } from './errors.js';
import { findUnqualified } from './names.js';
import { page } from './paging.js';
import {
  ACTIVE,
  begin,
  type FunctionState,
  newRevision,
  PENDING,
  type SandboxState,
  timestamp,
  type VersionState,
} from './state.js';
import { given, optionalString } from './constraints.js';
import { checkConfiguration } from './validate.js';

/** Refuses a write to a function that changed since the caller looked, or that has not settled. */
export function checkWritable(fn: FunctionState, revisionId: string | undefined): void {
  if (revisionId !== undefined && revisionId !== fn.latest.revisionId) throw staleRevision();
  const { State: state, LastUpdateStatus: update } = fn.latest.status;
  if (state === 'Pending')
    throw conflict(
      'The operation cannot be performed at this time. The function is currently in the following state: Pending',
    );
  if (update === 'InProgress')
    throw conflict(`The operation cannot be performed at this time. An update is in progress for resource: ${fn.arn}`);
}

/**
 * Freezes `$LATEST` as the next version. While `$LATEST` has not settled, the version is Pending and settles with it;
 * otherwise it is Active at once (recorded: version_lifecycle). `$LATEST` gets a new RevisionId.
 */
export function publish(state: SandboxState, fn: FunctionState, description?: string): VersionState {
  const number = String(fn.nextVersion);
  const { content } = fn.latest;
  const config = structuredClone(content.config);
  if (description !== undefined && description !== '') config.Description = description;
  // https://docs.aws.amazon.com/lambda/latest/api/API_SnapStartResponse.html
  if (given(config, 'SnapStart.ApplyOn') === 'PublishedVersions')
    config.SnapStart = { ApplyOn: 'PublishedVersions', OptimizationStatus: 'On' };
  const version: VersionState = {
    version: number,
    revisionId: newRevision(),
    lastModified: timestamp(state),
    content: { code: content.code, config },
    status: ACTIVE,
  };
  if (fn.latest.pending !== undefined) begin(state, version, PENDING);
  fn.versions.set(number, version);
  fn.nextVersion += 1;
  fn.changedSincePublish = false;
  fn.latest.revisionId = newRevision();
  return version;
}

/**
 * PublishVersion. When nothing was updated since the last publish and that version still exists, it is answered again,
 * with 201 and its old description (recorded: publish_version_on_create).
 */
export function publishVersion(call: Call): Answer {
  const { body } = call;
  const description = optionalString(body, 'Description');
  checkConfiguration({ Description: description ?? null });
  const fn = findUnqualified(call.state, call.region, part(call, 'FunctionName'));
  checkWritable(fn, optionalString(body, 'RevisionId'));
  const expected = given(body, 'CodeSha256');
  const { codeSha256 } = fn.latest.content.code;
  if (expected !== undefined && expected !== '' && expected !== codeSha256)
    throw invalidParameter(
      `CodeSHA256 (${String(expected)}) is different from current CodeSHA256 in $LATEST (${codeSha256}). Please try again with the CodeSHA256 in $LATEST.`,
    );
  const last = fn.versions.get(String(fn.nextVersion - 1));
  const version = last !== undefined && !fn.changedSincePublish ? last : publish(call.state, fn, description);
  return json(201, describe(fn, version, { qualifier: version.version }));
}

/** ListVersionsByFunction: `$LATEST` first, then the oldest (recorded: version_lifecycle). */
export function listVersions(call: Call): Answer {
  const fn = findUnqualified(call.state, call.region, part(call, 'FunctionName'));
  const versions = [fn.latest, ...fn.versions.values()];
  const items = versions.map((version) => describe(fn, version, { qualifier: version.version, listing: true }));
  return json(200, page('Versions', items, call.query));
}
