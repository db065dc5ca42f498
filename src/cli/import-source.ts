import { DeployError, type ExitCode } from '../errors.js';
import type { Context } from './context.js';

/**
 * `import` of one of its two sources.
 *
 * @throws USAGE where it is not clear which
 */
export async function importFrom(context: Context): Promise<ExitCode> {
  const { args, options } = context;
  const isPipeline = options['pipeline'] !== undefined;
  if (isPipeline && args.length > 0)
    throw usage(`import takes functions or --pipeline, not both: ${args.join(', ')}.`, 'leave out one of the two.');
  if (!isPipeline && args.length === 0)
    throw usage('import needs to know what to import.', 'name functions, or a pipeline with --pipeline FILE.');
  if (!isPipeline && options['pipelineOut'] !== undefined)
    throw usage('--pipeline-out goes with --pipeline.', 'name the pipeline that is read with --pipeline FILE.');
  if (isPipeline && options['download'] === true)
    throw usage('--download is for functions: a pipeline says where its code comes from.', 'leave it out.');
  return isPipeline
    ? (await import('./import-pipeline.js')).importPipeline(context)
    : (await import('./import.js')).importFunctions(context);
}

function usage(detail: string, fix: string): DeployError {
  return new DeployError('USAGE', detail, { fix });
}
