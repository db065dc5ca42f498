import { DeployError } from '../errors.js';
import type { DesiredAlias, DesiredFunction } from '../model/function.js';
import type { SpecFunction } from '../spec/desired.js';
import type { LoadedSpec } from '../spec/load.js';

/** The file with this alias alone. A version brings its own variables: of the file's references only those of the alias's checks stay. */
export function checksOf(spec: LoadedSpec, { one, alias }: { one: SpecFunction; alias: DesiredAlias }): LoadedSpec {
  const templates = one.templates.filter((leaf) => 'alias' in leaf && leaf.alias === alias.name);
  return { ...spec, functions: [{ ...one, aliases: [alias], templates }] };
}

/**
 * A rollback, a promotion and an abort are one decision about one alias.
 *
 * @param what the decision, with its article
 * @throws USAGE when there are several, NO_ROLLBACK_TARGET when there is none
 */
export function chooseOne<One extends Pick<DesiredFunction, 'key' | 'aliases'>>(
  { functions }: { readonly functions: readonly One[] },
  what: string,
): { one: One; alias: DesiredAlias } {
  const choices = functions.flatMap((one) => one.aliases.map((alias) => ({ one, alias })));
  const [choice] = choices;
  if (choice !== undefined && choices.length === 1) return choice;
  const names = choices.map(({ one, alias }) => `${one.key}:${alias.name}`).join(', ');
  throw choice === undefined
    ? new DeployError(
        'NO_ROLLBACK_TARGET',
        'no chosen function has an alias, and without one nothing is published that could be gone back to.',
        { fix: 'give the function an alias, so that each deployment is a version.' },
      )
    : new DeployError('USAGE', `there are several aliases: ${names}. ${what} is one decision about one alias.`, {
        fix: 'name one with --function and --alias.',
      });
}
