import { DeployError } from '../errors.js';
import type { Pin } from '../planner/prune.js';
import { loadEnvironments } from '../spec/load.js';
import type { Context } from './context.js';
import { loadOptions } from './spec.js';

/**
 * The versions that the file pins, by the function's name, in all of its environments: an apply that has not run yet needs them.
 *
 * @throws what reading the other environments throws; UNSET_VARIABLE where a pin stands in a variable that is not set
 */
export async function readPins(context: Context): Promise<ReadonlyMap<string, readonly Pin[]>> {
  const { environment: _, ...options } = loadOptions(context);
  const found = new Map<string, Pin[]>();
  for (const { environment, functions } of await loadEnvironments({ ...options, keepUnset: true })) {
    for (const { name, aliases, unknownPaths } of functions) {
      requireKnown(name, unknownPaths);
      const pins = aliases.flatMap(({ name: alias, version }) =>
        version === undefined ? [] : [{ version, alias, ...(environment === undefined ? {} : { environment }) }],
      );
      found.set(name, [...(found.get(name) ?? []), ...pins]);
    }
  }
  return found;
}

/** A pin that nobody can read here is not one that is absent. */
function requireKnown(name: string, unknown: readonly string[] = []): void {
  const pin = unknown.find((path) => /^aliases\.[^.]+\.version$/.test(path));
  if (pin === undefined) return;
  const message = `${pin} of ${name} stands in a variable that is not set, so the version that it needs is not known. Nothing was called.`;
  throw new DeployError('UNSET_VARIABLE', message, {
    subject: name,
    fix: 'set the variable as the deploying job does.',
  });
}
