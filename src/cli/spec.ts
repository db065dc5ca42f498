import picomatch from 'picomatch';
import { DeployError } from '../errors.js';
import { renderDiagnostic } from '../render/errors.js';
import { loadEnvironments, loadSpec, type LoadedSpec, type LoadOptions } from '../spec/load.js';
import type { Context } from './context.js';
import { Redactor } from './redact.js';

/**
 * Loads the file, tells its warnings, and keeps the functions and aliases that `--function` and `--alias` name.
 *
 * @throws what {@link loadSpec} throws; FUNCTION_NOT_IN_FILE when an option names nothing
 */
export async function loadSelected(context: Context, more: Pick<LoadOptions, 'keepUnset'> = {}): Promise<LoadedSpec> {
  const [spec] = prepare(context, [await loadSpec({ ...loadOptions(context), ...more })]);
  if (spec === undefined) throw new Error('a file was loaded');
  return spec;
}

/**
 * The same for every environment in turn where none is chosen; for commands that call nothing.
 *
 * @throws what {@link loadEnvironments} throws; FUNCTION_NOT_IN_FILE
 */
export async function loadEveryEnvironment(
  context: Context,
  more: Pick<LoadOptions, 'keepUnset'> = {},
): Promise<readonly LoadedSpec[]> {
  return prepare(context, await loadEnvironments({ ...loadOptions(context), ...more }));
}

/** What decides how the file of this run is read. */
export function loadOptions({ host, options }: Context): LoadOptions {
  return {
    cwd: host.cwd,
    variables: host.env,
    ...(options.config === undefined ? {} : { config: options.config }),
    ...(options.environment === undefined ? {} : { environment: options.environment }),
    ...(options.region === undefined ? {} : { region: options.region }),
  };
}

function prepare(context: Context, specs: readonly LoadedSpec[]): LoadedSpec[] {
  learnSpec(context, specs);
  const { options } = context;
  return specs.map((spec) => ({ ...spec, functions: select(spec.functions, options.function, options.alias) }));
}

/** Tells the redactor what in these files is secret, and the user what they should know of them. */
export function learnSpec({ output }: Context, specs: readonly LoadedSpec[]): void {
  output.redactor = new Redactor(specs[0]?.text ?? '');
  specs.forEach(({ functions }) =>
    functions.forEach((one) => {
      output.redactor.learnDesired(one);
      one.secretParts.forEach((part) => output.redactor.learn(part));
    }),
  );
  output.diagnostics(specs.flatMap(({ warnings }) => warnings.flatMap(renderDiagnostic)));
}

type Functions = LoadedSpec['functions'];

/** The functions and aliases that options name. @throws FUNCTION_NOT_IN_FILE when one names nothing */
export function select(functions: Functions, globs: readonly string[], aliases: readonly string[]): Functions {
  return selectAliases(selectFunctions(functions, globs), aliases);
}

function selectFunctions(functions: Functions, globs: readonly string[]): Functions {
  if (globs.length === 0) return functions;
  for (const glob of globs) {
    if (!functions.some(({ key, name }) => picomatch.isMatch(key, glob) || picomatch.isMatch(name, glob))) {
      const known = functions.map(({ key }) => key).join(', ');
      throw new DeployError('FUNCTION_NOT_IN_FILE', `--function ${glob} matches nothing; the file has ${known}.`, {
        fix: 'name one of these.',
      });
    }
  }
  return functions.filter(({ key, name }) =>
    globs.some((glob) => picomatch.isMatch(key, glob) || picomatch.isMatch(name, glob)),
  );
}

function selectAliases(functions: Functions, names: readonly string[]): Functions {
  for (const name of names) {
    if (!functions.some(({ aliases }) => aliases.some((alias) => alias.name === name))) {
      const known =
        [...new Set(functions.flatMap(({ aliases }) => aliases.map((alias) => alias.name)))].join(', ') || 'none';
      throw new DeployError(
        'FUNCTION_NOT_IN_FILE',
        `--alias ${name} is no alias of the chosen functions; they have ${known}.`,
        { fix: 'name one of these.' },
      );
    }
  }
  if (names.length === 0) return functions;
  const chosen = functions.map((one) => ({ ...one, aliases: one.aliases.filter(({ name }) => names.includes(name)) }));
  return chosen.filter(({ aliases }) => aliases.length > 0);
}
