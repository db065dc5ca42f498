import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareArchives } from '../code/compare.js';
import { isDeployError } from '../errors.js';
import type { LiveFunction, LiveVersion } from '../model/function.js';
import type { FileChange, FunctionDrift } from '../model/drift.js';
import type { LambdaPort } from '../model/ports.js';
import { isDrift } from '../planner/drift.js';

/** Files of one function that a result names; the rest is counted. */
const MAX_FILES = 1_000;

/**
 * The drift with the files in which live code and recorded code differ, where the code drifted: both archives are downloaded, and
 * deleted again. What cannot be had is a note, and the drift stays what it is.
 */
export async function withFiles(
  lambda: Pick<LambdaPort, 'getFunction' | 'download'>,
  live: LiveFunction | undefined,
  drift: FunctionDrift,
): Promise<FunctionDrift> {
  const code = drift.differences.find((one) => one.path === 'code' && isDrift(one));
  if (live === undefined || code === undefined) return drift;
  const noted = (why: string): FunctionDrift => ({
    ...drift,
    notes: [...drift.notes, `the code is not compared: ${why}`],
  });
  if (live.latest.packageType === 'Image') return noted('it is a container image');
  const recorded = live.versions.find(({ codeSha256 }) => codeSha256 === code.recorded);
  if (recorded === undefined) return noted('no version has the code that was recorded');
  const folder = await mkdtemp(join(tmpdir(), 'lambda-deploy-'));
  try {
    const before = await fetched(lambda, live, recorded, join(folder, 'recorded.zip'));
    const after = await fetched(lambda, live, live.latest, join(folder, 'live.zip'));
    if (before === undefined || after === undefined) return noted('AWS does not give both archives');
    return shortened(drift, await compareArchives(before, after));
  } catch (error) {
    if (!isDeployError(error)) throw error;
    return noted(error.detail);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The path of the archive that was asked for, and of no other. A link is good for ten minutes, so a fresh one is asked for. */
async function fetched(
  lambda: Pick<LambdaPort, 'getFunction' | 'download'>,
  { name }: LiveFunction,
  { version, codeSha256 }: LiveVersion,
  path: string,
): Promise<string | undefined> {
  const read = await lambda.getFunction(name, version);
  if (read?.version.codeLocation === undefined) return undefined;
  const { sha256 } = await lambda.download(read.version.codeLocation, path);
  return sha256 === codeSha256 ? path : undefined;
}

function shortened(drift: FunctionDrift, files: readonly FileChange[]): FunctionDrift {
  const omitted = Math.max(0, files.length - MAX_FILES);
  return { ...drift, files: files.slice(0, MAX_FILES), ...(omitted === 0 ? {} : { filesOmitted: omitted }) };
}
