import { DeployError, isDeployError } from '../errors.js';
import { isUnreadable, type LiveFunction } from '../model/function.js';
import type { ImportedEntry, ImportNote } from '../model/import.js';
import { MAX_ZIP_BYTES } from '../model/limits.js';
import { describeLive } from '../planner/import.js';
import { openVariables } from './clear-text.js';
import type { Context } from './context.js';
import { readSettled, type Session } from './session.js';

/** How a name in a file and in AWS may be. @see https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html */
const FUNCTION_NAME = /^[a-zA-Z0-9-_]{1,64}$/;

/** The names, each once. @throws USAGE for what is no name: an ARN, a path */
export function namesOf(given: readonly string[]): readonly string[] {
  const bad = given.filter((name) => !FUNCTION_NAME.test(name));
  if (bad.length === 0) return [...new Set(given)];
  throw new DeployError('USAGE', `${bad.join(', ')}: no name of a function.`, {
    fix: 'give the name alone; region and account are those of --region and the credentials.',
  });
}

/**
 * Every function with the versions behind its aliases.
 *
 * @throws AWS_NOT_FOUND naming all that do not exist, AWS_*
 */
export async function readFunctions(
  context: Context,
  session: Session,
  names: readonly string[],
): Promise<readonly LiveFunction[]> {
  const found = await Promise.all(names.map((name) => readFunction(context, session, name)));
  const missing = names.filter((_, index) => found[index] === undefined);
  if (missing.length > 0) {
    const detail = `there is no function ${missing.join(', ')} in ${session.lambda.region}. Nothing was written.`;
    throw new DeployError('AWS_NOT_FOUND', detail, { source: 'aws', fix: 'check the names, --region and --profile.' });
  }
  return found.filter((live) => live !== undefined);
}

async function readFunction(context: Context, session: Session, name: string): Promise<LiveFunction | undefined> {
  const first = await readSettled(context, session, name, { aliases: [] });
  if (first === undefined) return undefined;
  const aliases = first.aliases.map((alias) => alias.name);
  const live = aliases.length === 0 ? first : await readSettled(context, session, name, { aliases });
  if (live === undefined) return undefined;
  context.output.redactor.learnLive(live);
  return withCodeSigning(session, live);
}

/** The code signing of an archive's function, beside what was read; a caller who may not read it leaves it alone. */
async function withCodeSigning({ lambda }: Session, live: LiveFunction): Promise<LiveFunction> {
  if (live.latest.packageType === 'Image') return live;
  try {
    const codeSigningConfigArn = await lambda.getFunctionCodeSigningConfig(live.name);
    return codeSigningConfigArn === undefined ? live : { ...live, codeSigningConfigArn };
  } catch (error) {
    if (isDeployError(error, 'AWS_ACCESS_DENIED') || isDeployError(error, 'AWS_REFUSED')) return live;
    throw error;
  }
}

/** What becomes of a function's code: an archive that was downloaded, the image that runs, or nothing. */
export interface ImportedCode {
  readonly code?: ImportedEntry['code'];
  readonly note?: ImportNote;
}

/** Keeps what `fill` writes into the file that it is given. */
export type Save = (fill: (path: string) => Promise<void>) => Promise<void>;

/**
 * The code of a function. An image is named by its digest; an archive is written only where `save` is given.
 *
 * @param save keeps the archive beside the file, as `NAME.zip`
 * @throws LIVE_CHANGED when it is not what was read before; AWS_*
 */
export async function importCode(
  { lambda }: Session,
  { name, latest }: LiveFunction,
  save: Save | undefined,
): Promise<ImportedCode> {
  const isImage = latest.packageType === 'Image';
  if (!isImage && save === undefined) {
    const message = 'not in the file and left alone: write `code: { zip: FILE }`, or import with --download';
    return { note: { path: 'code', message } };
  }
  // A presigned link that is fresh: downloads of many functions take longer than its ten minutes.
  const read = await lambda.getFunction(name);
  if (isImage && read?.resolvedImageUri?.endsWith(`@sha256:${latest.codeSha256}`) === true)
    return { code: { image: read.resolvedImageUri } };
  const location = read?.version.codeLocation;
  if (isImage || save === undefined || location === undefined)
    return { note: { path: 'code', message: 'not in the file and left alone: AWS does not show where it is' } };
  await save(async (path) => {
    const { sha256 } = await lambda.download(location, path);
    if (sha256 === latest.codeSha256) return;
    const detail = `the code of ${name} is not what it was a moment ago.`;
    throw new DeployError('LIVE_CHANGED', detail, { source: 'aws', subject: name, fix: 'run import again.' });
  });
  const code = { zip: `${name}.zip` };
  if (latest.codeSize <= MAX_ZIP_BYTES) return { code };
  const message = 'over 50 MB: add `bucket`, a bucket in the function’s region that the archive can go through';
  return { code, note: { path: 'code', message } };
}

/** The function as it will be written. */
export function toEntry(live: LiveFunction, { code, note }: ImportedCode): ImportedEntry {
  const { environment, settings, notes, ...rest } = describeLive(live);
  const { architectures, ...others } = settings;
  const needsCode = code === undefined && architectures !== undefined;
  const why = `not in the file and left alone: it is ${String(architectures)}, which only a file with the code can say`;
  return {
    ...rest,
    ...(code === undefined ? {} : { code }),
    settings: needsCode ? others : settings,
    ...(environment === undefined || isUnreadable(environment) ? {} : { variables: openVariables(environment) }),
    notes: [
      ...(note === undefined ? [] : [note]),
      ...(needsCode ? [{ path: 'architectures', message: why }] : []),
      ...notes,
    ],
  };
}
