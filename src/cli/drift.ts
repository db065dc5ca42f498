import type { ExitCode } from '../errors.js';
import type { DriftDocument, FunctionDrift } from '../model/drift.js';
import { FORMAT_VERSION } from '../model/plan.js';
import { detectDrift } from '../planner/drift.js';
import { driftAnnotation } from '../render/drift-annotation.js';
import { driftMarkdown } from '../render/drift-markdown.js';
import { renderDrift } from '../render/drift.js';
import { adopt, type Found } from './adopt.js';
import { withBlame } from './blame.js';
import { scopeName, scopeOf } from './build-scope.js';
import type { Context } from './context.js';
import { withFiles } from './drift-code.js';
import { readDrift } from './drift-read.js';
import { publishable, publishAdopted, requirePublishable } from './publish-adopted.js';
import { openSessions, type Session } from './session.js';
import { loadSelected, select } from './spec.js';
import { withoutArchives } from './without-archives.js';

/**
 * Compares AWS with the last record and with the file. Needs no archive and no variable of a build, and makes no mutating call, but
 * for what `--publish` asks for. Exit 2 when somebody moved something in AWS.
 *
 * @throws USAGE, CONFIRMATION_REQUIRED before any call; as {@link publishAdopted}
 */
export async function drift(context: Context): Promise<ExitCode> {
  const { options } = context;
  requirePublishable(context);
  // Any alias's deployment may have written $LATEST last: all are read, and the option decides on what is told.
  context.output.group('Reading the file, AWS and the records');
  const spec = await loadSelected({ ...context, options: { ...options, alias: [] } }, { keepUnset: true });
  const scope = scopeOf(context, spec);
  context.build?.concerns(scope);
  const chosen = new Map(select(spec.functions, [], options.alias).map((one) => [one.key, one.aliases]));
  const desired = await withoutArchives({ ...spec, functions: spec.functions.filter(({ key }) => chosen.has(key)) });
  const sessions = openSessions(context, desired);
  const found = await Promise.all(
    desired.functions.map(async (one): Promise<Found & { session: Session }> => {
      const session = await sessions(one);
      const read = await readDrift(context, session, desired.account, one);
      const input = { ...read, aliases: (chosen.get(one.key) ?? []).map(({ name }) => name) };
      return { session, input, drift: detectDrift(input) };
    }),
  );
  const told: Found[] = [];
  // One after the other: archives are large, and CloudTrail takes two requests a second.
  for (const one of found) told.push({ input: one.input, drift: await toldMore(context, one) });
  const functions = options['adopt'] === true ? await adopt(context, spec, told) : told.map((one) => one.drift);
  const drifted = functions.some((one) => one.drifted);
  const document: DriftDocument = { formatVersion: FORMAT_VERSION, command: 'drift', drifted, functions };
  await context.build?.handOverSecrets();
  context.output.group('Drift', drifted ? 'open' : 'closed');
  const unpublished = options['publish'] === true ? publishable(document) : [];
  if (unpublished.length === 0) context.output.result(document, renderDrift(document), driftMarkdown);
  const body = context.output.toMarkdown({ document, scope }, (shown) => driftAnnotation(shown.document, shown.scope));
  await context.build?.annotate({ context: scopeName('drift', scope), style: drifted ? 'error' : 'success', body });
  const published = unpublished.length === 0 ? 0 : await publishAdopted(context, spec.file, document, unpublished);
  return published === 0 && drifted ? 2 : published;
}

/** With the files and the people that options ask for. */
async function toldMore(
  { host, options }: Context,
  { session, input, drift }: Found & { session: Session },
): Promise<FunctionDrift> {
  const listed = options['code'] === true ? await withFiles(session.lambda, input.live, drift) : drift;
  return options['blame'] === true ? withBlame(session.trail, host.clock, input, listed) : listed;
}
