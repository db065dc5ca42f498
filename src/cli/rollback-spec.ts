import { isDeployError } from '../errors.js';
import type { LoadedSpec } from '../spec/load.js';
import { checksOf, chooseOne } from './choose-alias.js';
import type { Context } from './context.js';
import { requireSecrets, withSecrets } from './secrets.js';
import { loadSelected } from './spec.js';

type Chosen = Parameters<typeof checksOf>[1];

/**
 * The one alias that goes back, and the file with that alone and with its secrets as they are now.
 *
 * @throws USAGE when it is not clear which alias, NO_ROLLBACK_TARGET when there is none; what loading and reading secrets throws
 */
export async function loadForRollback(
  context: Context,
): Promise<{ readonly chosen: Chosen; readonly checks: LoadedSpec }> {
  const spec = await loadLenient(context);
  const chosen = chooseOne(spec, 'A rollback');
  return { chosen, checks: await secretsNow(context, spec, chosen) };
}

/** A version brings its own configuration: what variables of a build stand for need not be known, but for the checks of the alias. */
async function loadLenient(context: Context): Promise<LoadedSpec> {
  const spec = withoutChecks(context, await loadSelected(context, { keepUnset: true }));
  const { one, alias } = chooseOne(spec, 'A rollback');
  const isUnset = one.unknownPaths?.some((path) => path.startsWith(`aliases.${alias.name}.`)) === true;
  return isUnset && context.options['skipCheck'] !== true ? loadSelected(context) : spec;
}

/** With `--skip-check` whoever calls answers for the target. */
function withoutChecks({ options }: Context, spec: LoadedSpec): LoadedSpec {
  if (options['skipCheck'] !== true) return spec;
  const functions = spec.functions.map((one) => ({
    ...one,
    aliases: one.aliases.map((alias) => ({ ...alias, healthChecks: [] })),
    templates: one.templates.filter((leaf) => !('alias' in leaf)),
  }));
  return { ...spec, functions };
}

/** The chosen alias with the secrets of its checks, and those of the variables, which its versions are compared with. */
async function secretsNow(context: Context, spec: LoadedSpec, chosen: Chosen): Promise<LoadedSpec> {
  const checks = checksOf(spec, chosen);
  const [own] = checks.functions;
  const variables = chosen.one.templates.filter((leaf) => 'variable' in leaf);
  if (own === undefined || variables.length === 0) return withSecrets(context, checks);
  try {
    return await withSecrets(context, {
      ...checks,
      functions: [{ ...own, templates: [...own.templates, ...variables] }],
    });
  } catch (error) {
    // That secrets cannot be read is no reason to stay with what is bad, unless the way back needs them.
    if (!isDeployError(error) || context.options['freshSecrets'] === true) throw error;
    return withSecrets(context, checks);
  }
}

/** Payloads of checks have to be known; variables are the version's own. @throws SECRET_UNKNOWN */
export function requirePayloads({ functions }: LoadedSpec): void {
  requireSecrets({ functions: functions.map(({ unknownVariables: _, ...rest }) => rest) });
}
