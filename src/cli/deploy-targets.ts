import { relative } from 'node:path';
import type { DeployTarget } from '../model/pipeline.js';
import type { SpecFunction } from '../spec/desired.js';
import type { LoadedSpec } from '../spec/load.js';
import type { Context } from './context.js';
import { usage } from './step-options.js';

/**
 * What is planned and applied as one, in file order: each environment, and each region of its functions.
 *
 * @param specs one an environment
 * @param base the folder in which jobs run, absolute
 * @throws USAGE where an option could not tell functions of two regions apart
 */
export function deployTargets({ options }: Context, specs: readonly LoadedSpec[], base: string): DeployTarget[] {
  const bare = specs.flatMap((spec) => {
    const groups = byRegion(spec);
    const isPart = groups.size > 1 || options.function.length > 0;
    if (groups.size > 1) requireOwnKeys(groups);
    return [...groups].map(([region, functions]) => ({
      names: [spec.environment, groups.size > 1 ? (region ?? 'region') : undefined],
      ...(spec.environment === undefined ? {} : { environment: spec.environment }),
      ...(region === undefined ? {} : { region }),
      ...accountOf(spec, functions),
      chosenBy: chosenBy(options, spec, base),
      functions: isPart ? functions.map(({ key }) => key) : [],
      aliases: functions.flatMap(({ key, aliases }) => aliases.map(({ name }) => ({ function: key, alias: name }))),
    }));
  });
  const taken = new Set<string>();
  return bare.map(({ names, ...target }) => ({ ...target, prefix: bare.length === 1 ? '' : freePrefix(names, taken) }));
}

function byRegion({ region, functions }: LoadedSpec): Map<string | undefined, SpecFunction[]> {
  const groups = new Map<string | undefined, SpecFunction[]>();
  for (const one of functions) {
    const place = one.region ?? region;
    groups.set(place, [...(groups.get(place) ?? []), one]);
  }
  return groups;
}

/** Functions of one region are chosen by their keys, which must not be names of functions elsewhere. @throws USAGE */
function requireOwnKeys(groups: ReadonlyMap<string | undefined, readonly SpecFunction[]>): void {
  for (const own of groups.values())
    for (const { key } of own) {
      const others = [...groups.values()].filter((group) => group !== own).flat();
      const other = others.find(({ name }) => name === key);
      if (other !== undefined)
        throw usage(
          `--function ${key} is the key of one function and the name of ${other.key}, in another region.`,
          'give each a key that is no name.',
        );
    }
}

/** The file's, else that of the execution roles, which are of the function's own account. */
function accountOf({ account }: LoadedSpec, functions: readonly SpecFunction[]): Pick<DeployTarget, 'account'> {
  if (account !== undefined) return { account };
  const accounts = functions.map(({ settings: { role } }) =>
    typeof role === 'string' ? role.split(':')[4] : undefined,
  );
  const [first] = accounts;
  return first !== undefined && accounts.every((one) => one === first) ? { account: first } : {};
}

function chosenBy(options: Context['options'], { file, environment }: LoadedSpec, base: string): string[] {
  return [
    ...['--config', relative(base, file)],
    ...(environment === undefined ? [] : ['--environment', environment]),
    ...(options.region === undefined ? [] : ['--region', options.region]),
    ...options.alias.flatMap((alias) => ['--alias', alias]),
  ];
}

/** `production-`; an environment that is named like another with its region gets a number. */
function freePrefix(names: readonly (string | undefined)[], taken: Set<string>): string {
  const name = names.filter((part) => part !== undefined).join('-');
  const candidates = ['', ...Array.from(taken, (_, index) => `-${index + 2}`)].map((number) => `${name}${number}-`);
  const free = candidates.find((prefix) => !taken.has(prefix)) ?? `${name}-`;
  taken.add(free);
  return free;
}
