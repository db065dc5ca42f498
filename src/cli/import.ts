import { relative, resolve } from 'node:path';
import type { ExitCode } from '../errors.js';
import type { LiveFunction } from '../model/function.js';
import type { ImportDocument, ImportedEntry } from '../model/import.js';
import { FORMAT_VERSION } from '../model/plan.js';
import { renderDiagnostic } from '../render/errors.js';
import { renderImport } from '../render/import.js';
import { directoryOf } from '../spec/find.js';
import { toImportFile } from '../spec/import.js';
import { checkText } from '../spec/load.js';
import type { Context } from './context.js';
import { importCode, type Save, namesOf, readFunctions, toEntry } from './import-read.js';
import { NewFiles } from './new-files.js';
import { Redactor } from './redact.js';
import { openSessions, type Session } from './session.js';

/** Writes the file from live functions, so that a plan of it finds nothing to do. Makes no mutating call. */
export async function importFunctions(context: Context): Promise<ExitCode> {
  const { args, host, options, output } = context;
  const names = namesOf(args);
  const file = resolve(host.cwd, String(options['out']));
  const region = options.region === undefined ? {} : { region: options.region };
  const session = await openSessions(context, { ...region, metadata: { store: 'tags' } })({});
  const found = await readFunctions(context, session, names);
  const { text, entries } = await writeFiles(context, session, file, found);
  // What stands in the file is no secret any more; what is not in it stays one.
  output.redactor = new Redactor(text);
  found.forEach((live) => output.redactor.learnLive(live));
  const shownAs = relative(host.cwd, file);
  output.diagnostics(checkText(text, shownAs).flatMap(renderDiagnostic));
  const document: ImportDocument = {
    formatVersion: FORMAT_VERSION,
    command: 'import',
    file: shownAs,
    functions: entries.map(({ name, code, variables, notes }) => ({
      name,
      ...(code !== undefined && 'zip' in code ? { archive: code.zip } : {}),
      withheld: variables?.withheld ?? [],
      notes,
    })),
  };
  output.result(document, renderImport(document));
  return 0;
}

/** All of them or none: what a failure leaves half done is removed. */
async function writeFiles(
  { options }: Context,
  session: Session,
  file: string,
  found: readonly LiveFunction[],
): Promise<{ readonly text: string; readonly entries: readonly ImportedEntry[] }> {
  const archiveOf = ({ name }: LiveFunction): string => resolve(directoryOf(file), `${name}.zip`);
  const downloads = options['download'] === true ? found.filter(({ latest }) => latest.packageType === 'Zip') : [];
  const files = await NewFiles.reserve([file, ...downloads.map(archiveOf)], options['force'] === true);
  try {
    const entries: ImportedEntry[] = [];
    // One after the other: links to archives are good for ten minutes.
    for (const live of found) {
      const save: Save = (fill) => files.write(archiveOf(live), fill);
      entries.push(toEntry(live, await importCode(session, live, downloads.includes(live) ? save : undefined)));
    }
    const [, , , region = '', account = ''] = found[0]?.arn.split(':') ?? [];
    const text = toImportFile({ region, account }, entries);
    await files.write(file, text);
    return { text, entries };
  } catch (error) {
    await files.discard();
    throw error;
  }
}
