import { dirname, extname, relative, resolve, sep } from 'node:path';
import { DeployError, type ExitCode } from '../errors.js';
import type { MigrationDocument } from '../model/migration.js';
import { FORMAT_VERSION } from '../model/plan.js';
import { renderDiagnostic } from '../render/errors.js';
import { migrationMarkdown, renderMigration, renderNotes } from '../render/migration.js';
import { directoryOf, repositoryRoot } from '../spec/find.js';
import { toDiagnostics } from '../spec/findings.js';
import { readBytes, refuseErrors } from '../spec/load.js';
import { migratePipeline } from '../spec/plugin/migrate.js';
import type { Context } from './context.js';
import { NewFiles } from './new-files.js';

/**
 * Writes the file and the new pipeline from one that uses the aws-lambda-deploy plugin, both or none. Calls nothing.
 *
 * @throws FILE_NOT_FOUND, FILE_UNREADABLE, NO_PLUGIN_STEP, what is wrong in the pipeline with all findings, FILE_EXISTS, FILE_NOT_WRITTEN
 */
export async function importPipeline(context: Context): Promise<ExitCode> {
  const { host, options, output } = context;
  const from = resolve(host.cwd, String(options['pipeline']));
  const file = resolve(host.cwd, String(options['out']));
  const pipeline = resolve(host.cwd, String(options['pipelineOut'] ?? besideName(from)));
  const shown = (path: string): string => relative(host.cwd, path);
  if (file === pipeline)
    throw new DeployError('USAGE', `--out and --pipeline-out both name ${shown(file)}.`, { fix: 'name two files.' });
  const bytes = await readBytes(from, shown(from), '--pipeline');
  const region = options.region === undefined ? {} : { region: options.region };
  const migration = migratePipeline(bytes, { shownAs: shown(from), ...region, ...(await placeOf(host.cwd, file)) });
  if (migration.status === 'no_plugin') throw noPlugin(shown(from), migration.plugins);
  const diagnostics = toDiagnostics(migration.findings, shown(from));
  refuseErrors(diagnostics, shown(from));
  if (migration.status === 'broken') throw new Error('a broken pipeline has findings');
  const files = await NewFiles.reserve([file, pipeline], options['force'] === true);
  await files.writeAll([
    [file, migration.file],
    [pipeline, migration.pipeline],
  ]);
  const { environments, functions, variables, notes } = migration;
  const document: MigrationDocument = {
    ...{ formatVersion: FORMAT_VERSION, command: 'import', from: shown(from), file: shown(file) },
    ...{ pipeline: shown(pipeline), environments, functions, variables, notes },
  };
  output.diagnostics(diagnostics.flatMap(renderDiagnostic));
  if (options.format === 'text') output.diagnostics(renderNotes(document));
  output.result(document, renderMigration(document), migrationMarkdown);
  return 0;
}

/** `pipeline.yml` → `pipeline.lambda-deploy.yml`, in the same folder. */
function besideName(from: string): string {
  const extension = extname(from);
  return `${from.slice(0, from.length - extension.length)}.lambda-deploy${extension || '.yml'}`;
}

/** A build works in the repository's root: paths of the plugin begin there, and so does the search for the file. */
async function placeOf(cwd: string, file: string): Promise<{ readonly toRoot: string; readonly config?: string }> {
  const root = (await repositoryRoot(cwd)) ?? cwd;
  const posix = (path: string): string => path.split(sep).join('/');
  const up = posix(relative(directoryOf(file), root));
  const isFound = dirname(file) === root && /[\\/]lambda\.deploy\.(?:ya?ml|json)$/.test(file);
  return { toRoot: up === '' ? '' : `${up}/`, ...(isFound ? {} : { config: posix(relative(root, file)) }) };
}

function noPlugin(shownAs: string, plugins: readonly string[]): DeployError {
  const seen = plugins.length === 0 ? 'It uses no plugins' : `Its plugins are ${plugins.join(', ')}`;
  return new DeployError('NO_PLUGIN_STEP', `${shownAs} has no step with the aws-lambda-deploy plugin. ${seen}.`, {
    fix: 'name the pipeline that deploys; one that is uploaded by a step of this one is a file of its own.',
  });
}
