import { DeployError } from '../errors.js';
import {
  isUnreadable,
  LATEST,
  type CodeRef,
  type DesiredFunction,
  type LiveFunction,
  type LiveVersion,
  type ObjectPin,
} from '../model/function.js';
import type { Json, JsonObject } from '../model/json.js';
import { MAX_ZIP_BYTES } from '../model/limits.js';
import type { DeployRecord } from '../model/record.js';
import { planDeploy, type PlannedFunction } from '../planner/deploy.js';
import type { RollbackTarget } from '../planner/rollback-target.js';
import { loadSpec, toDesired, type LoadedSpec } from '../spec/load.js';
import type { Context } from './context.js';
import { uploadOf } from './objects.js';
import type { Wanted } from './rollback-job.js';
import { requireSecrets, withSecrets } from './secrets.js';
import { loadOptions } from './spec.js';
import { codeEdges, readState, type Session } from './session.js';
import { codeOfVersion } from './version-code.js';

/** A deployment whose version is gone, planned anew from its record. */
export interface Republished {
  readonly planned: PlannedFunction;
  readonly live: LiveFunction;
  readonly code: ReturnType<typeof codeOfVersion>;
}

/**
 * Plans to publish what a record says once more, because its version was deleted: the function as it was written then, with the
 * secrets and variables of today, and its code from wherever that still is.
 *
 * @throws VERSION_NOT_FOUND, UNSET_VARIABLE, SECRET_UNKNOWN, ZIP_TOO_LARGE, AWS_*, before anything is touched
 */
export async function republish(
  context: Context,
  session: Session,
  wanted: Wanted,
  live: LiveFunction,
  target: RollbackTarget,
): Promise<Republished> {
  const { one, alias, checks } = wanted;
  const record = target.record && (await session.records.read(live, target.record));
  if (record?.spec === undefined) throw gone(one.name, target.version, whyNoSpec(session, target));
  const found = await findCode(context, session, wanted, record, live);
  const { version: _, rollout: __, ...plain } = alias;
  const written = await loadWritten(context, checks, one, record.spec, found.ref);
  const [own] = toDesired(written, new Map([[one.key, found.ref]])).functions;
  if (own === undefined) throw new Error('a function was loaded');
  const tags = { ...tagsToRemove(live, target), ...own.tags };
  const desired = { ...own, tags, aliases: [plain], specDigest: record.specDigest ?? own.specDigest };
  const state = await readState(context, session, checks.account, desired);
  if (state.live === undefined) throw new Error('the function was read');
  const recordsInTags = session.records.kind === 'tags';
  const planned = planDeploy({ desired, live: state.live, records: [], recordsInTags });
  const message = `version ${target.version} of ${one.name} no longer exists: what its record says is deployed again, with the code ${found.from} and the secrets and variables of today.`;
  const warning = { code: 'VERSION_REPUBLISHED', function: one.name, message };
  return { planned: { ...planned, warnings: [warning, ...planned.warnings] }, live: state.live, code: found.code };
}

/** What only the deployment that is left had set goes, as it does where the version is still there. */
function tagsToRemove({ tags: live }: LiveFunction, { record, leaves }: RollbackTarget): DesiredFunction['tags'] {
  if (record?.unversioned?.tags === undefined || isUnreadable(live)) return {};
  return Object.fromEntries(Object.keys(leaves?.unversioned?.tags ?? {}).map((key) => [key, null]));
}

function whyNoSpec({ records }: Session, { record }: RollbackTarget): string {
  if (record === undefined) return 'no record says what it was';
  return records.kind === 'tags' ? 'records in tags do not keep what it was' : 'its record does not keep what it was';
}

/** The function as the record has it, in a file of its own; the code is known, and the alias is today's. */
async function loadWritten(
  context: Context,
  { file, environment, region }: LoadedSpec,
  one: DesiredFunction,
  spec: JsonObject,
  code: CodeRef,
): Promise<LoadedSpec> {
  const { aliases: _, versionDescription: __, ...rest } = spec;
  const source: Json = code.kind === 'image' ? { image: code.imageUri } : { zip: 'function.zip' };
  const own = { ...rest, name: one.name, ...(one.region === undefined ? {} : { region: one.region }), code: source };
  const whole = {
    version: 1,
    ...(region === undefined ? {} : { region }),
    functions: { [one.key]: own },
    ...(environment === undefined ? {} : { environments: { [environment]: {} } }),
  };
  const loaded = await loadSpec({ ...loadOptions(context), config: file, text: JSON.stringify(whole) });
  const known = await withSecrets(context, loaded);
  requireSecrets(known);
  return known;
}

interface FoundCode {
  readonly ref: CodeRef;
  /** Where it is, in a few words. */
  readonly from: string;
  readonly code: Republished['code'];
}

/** Code that is somewhere, and how it is sent. @throws VERSION_NOT_FOUND, ZIP_TOO_LARGE */
async function findCode(
  context: Context,
  session: Session,
  { one, bucket, checks }: Wanted,
  record: DeployRecord,
  live: LiveFunction,
): Promise<FoundCode> {
  const { name } = one;
  const codeSha256 = record.codeSha256 ?? '';
  const versions = [live.latest, ...(await session.lambda.listVersions(name))];
  const holder = versions.find((version) => codeSha256 !== '' && version.codeSha256 === codeSha256);
  if (holder !== undefined) return ofVersion(session, name, holder, bucket);
  const named = { codeSha256, source: record.code?.source ?? '' };
  const kept =
    record.code?.object === undefined
      ? await ofRegistry(codeEdges(context, one.region ?? checks.region), named)
      : await ofObject(session, record.code.object, codeSha256);
  if (kept === undefined) {
    const why = 'no other version, no object in S3 and no image that its record names has its code any more';
    throw gone(name, record.version ?? '', why);
  }
  return { ...kept, code: codeOfVersion(session.lambda, name, live.latest.version) };
}

async function ofVersion(
  { lambda, objects }: Session,
  name: string,
  { version, packageType, codeSha256, codeSize: zipBytes }: LiveVersion,
  bucket: string | undefined,
): Promise<FoundCode> {
  const code = codeOfVersion(lambda, name, version);
  const from = `of ${version === LATEST ? version : `version ${version}`}`;
  if (packageType === 'Image') {
    const imageUri = (await lambda.getFunction(name, version))?.resolvedImageUri ?? '';
    return { ref: { kind: 'image', source: imageUri, imageUri, codeSha256 }, from, code };
  }
  const ref = { kind: 'zip', source: `${from} of ${name}`, codeSha256, zipBytes, unzippedBytes: 0 } as const;
  if (zipBytes <= MAX_ZIP_BYTES) return { ref, from, code };
  if (bucket !== undefined) return { ref: { ...ref, object: await uploadOf(objects, bucket, codeSha256) }, from, code };
  const detail = `the code ${from} of ${name} has ${zipBytes} bytes; Lambda takes ${MAX_ZIP_BYTES} in a request, and more only from S3. Nothing was changed.`;
  throw new DeployError('ZIP_TOO_LARGE', detail, { subject: name, fix: 'set `code.bucket`, then run again.' });
}

/** Only its version, or a SHA-256 of the whole object, proves an object to be the one that was deployed. */
async function ofObject(
  { objects }: Session,
  object: ObjectPin,
  codeSha256: string,
): Promise<Omit<FoundCode, 'code'> | undefined> {
  const head = await objects.head(object.bucket, object.key, object.versionId);
  if (head === undefined || (object.versionId === undefined && head.sha256 !== codeSha256)) return undefined;
  const source = `s3://${object.bucket}/${object.key}`;
  const { etag: _, ...place } = object;
  // Without a version it has to be the same object still when Lambda takes it.
  const pin = object.versionId === undefined ? { ...place, etag: head.etag } : place;
  const ref = { source, codeSha256, zipBytes: head.bytes, unzippedBytes: 0, object: { ...pin, isThere: true } };
  return { ref: { kind: 'zip', ...ref }, from: `of ${source}` };
}

/** A tag that still stands for the image proves that it is there. */
async function ofRegistry(
  { resolveDigest }: ReturnType<typeof codeEdges>,
  { source, codeSha256 }: { readonly source: string; readonly codeSha256: string },
): Promise<Omit<FoundCode, 'code'> | undefined> {
  if (!IMAGE_DIGEST.test(codeSha256) || source === '') return undefined;
  const digest = await resolveDigest(source);
  if (digest !== `sha256:${codeSha256}`) return undefined;
  const imageUri = `${source.replace(/@.*$/, '').replace(/:[^/:]*$/, '')}@${digest}`;
  return { ref: { kind: 'image', source, imageUri, codeSha256 }, from: `of ${source}` };
}

/** A zip's is base64. */
const IMAGE_DIGEST = /^[0-9a-f]{64}$/;

/** The version is gone for good. */
function gone(name: string, version: string, why: string): DeployError {
  const detail = `version ${version} of ${name} no longer exists, and ${why}. Nothing was changed.`;
  const fix = 'choose another one with --to VERSION, or apply the commit of that deployment.';
  return new DeployError('VERSION_NOT_FOUND', detail, { subject: name, fix });
}
