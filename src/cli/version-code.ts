import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApplyJob } from '../apply/job.js';
import { DeployError } from '../errors.js';
import type { FunctionRead, LambdaPort } from '../model/ports.js';

/**
 * A version's own code: its pinned image, or its archive, which is downloaded into a temporary file. The link to an archive is good
 * for ten minutes, so it is asked for when the code is needed. `close` deletes what was downloaded.
 *
 * Its functions throw AWS_UNREADABLE when AWS does not give the code, AWS_*, ARCHIVE_NOT_WRITTEN.
 */
export function codeOfVersion(
  lambda: LambdaPort,
  name: string,
  number: string,
): Required<Pick<ApplyJob, 'code' | 'archive'>> & { close(): Promise<void> } {
  let folder: string | undefined;
  const close = async (): Promise<void> => {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  };
  const download = async (read: FunctionRead | undefined): ReturnType<LambdaPort['download']> => {
    const location = read?.version.codeLocation;
    if (location === undefined) throw unreadable(name, number);
    folder ??= await mkdtemp(join(tmpdir(), 'lambda-deploy-'));
    return lambda.download(location, join(folder, 'function.zip'));
  };
  return {
    code: async () => {
      const read = await lambda.getFunction(name, number);
      if (read?.resolvedImageUri !== undefined) return { imageUri: read.resolvedImageUri };
      return { zip: await readFile((await download(read)).path) };
    },
    archive: async () => download(await lambda.getFunction(name, number)),
    close,
  };
}

function unreadable(name: string, number: string): DeployError {
  return new DeployError('AWS_UNREADABLE', `AWS does not give the code of version ${number} of ${name}.`, {
    source: 'aws',
    subject: name,
    fix: 'apply the file of that deployment to restore $LATEST.',
  });
}
