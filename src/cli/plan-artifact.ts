import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DeployError, isDeployError } from '../errors.js';
import { artifactOf } from './build-artifact.js';
import type { Context } from './context.js';

/**
 * Sees that a plan file is there: what is not on disk comes from the build's artifacts. With `--plan-step` it always comes from
 * there, so that a file which an earlier build left behind is not taken for it.
 *
 * @throws BUILD_AGENT where the build has none, or gives none; USAGE for `--plan-step` without a build
 */
export async function fetchPlanFile({ build, host, options, output }: Context, file: string): Promise<void> {
  const step = options['planStep'] as string | undefined;
  if (build === undefined) {
    if (step === undefined) return;
    throw new DeployError('USAGE', '--plan-step names a step of a build, and this is no job of one.', {
      fix: 'leave it out, and have the plan file on disk.',
    });
  }
  if (step === undefined && (await isThere(resolve(host.cwd, file)))) return;
  const { path, directory } = artifactOf(host, file);
  output.progress([[`taking ${path} from the artifacts of ${step === undefined ? 'this build' : `step ${step}`}`]]);
  try {
    await build.agent.downloadArtifact(path, directory, step);
  } catch (error) {
    if (!isDeployError(error, 'BUILD_AGENT')) throw error;
    throw new DeployError('BUILD_AGENT', `the plan file ${file} cannot be had. ${error.detail} Nothing was changed.`, {
      subject: file,
      cause: error.cause,
      fix: 'see that a step of this build ran plan --out with this very path, and that --plan-step is its key.',
    });
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
