import { isUnreadable, type DesiredFunction, type LiveVersion, type Variables } from '../model/function.js';
import type { Warning } from '../model/plan.js';
import { ownValue } from './compare.js';

/** How a version's variables stand against the references that today's file has for them. */
export interface Frozen {
  /** Today's values of those that have another now. */
  readonly changed: Variables;
  /** Those that nothing can be said of, with the reason. */
  readonly unknown: Readonly<Record<string, string>>;
}

/**
 * A version keeps the secrets that were valid when it was published (semantics 23): which of them have changed since.
 *
 * @param references variables for which the file has a reference to a secret
 */
export function findFrozen(
  { environment, unknownVariables = {} }: Pick<DesiredFunction, 'environment' | 'unknownVariables'>,
  version: Pick<LiveVersion, 'environment'>,
  references: readonly string[],
): Frozen {
  const frozen = version.environment;
  if (isUnreadable(frozen))
    return { changed: {}, unknown: Object.fromEntries(references.map((one) => [one, frozen.unreadable])) };
  const own = references.filter((variable) => Object.hasOwn(frozen, variable));
  const unknown = own.flatMap((variable) => {
    const reason = ownValue(unknownVariables, variable);
    return reason === undefined ? [] : [[variable, reason] as const];
  });
  const changed = own.flatMap((variable) => {
    const [then, now] = [ownValue(frozen, variable), ownValue(environment ?? {}, variable)];
    return then === undefined || now === undefined || then.equals(now) ? [] : [[variable, now] as const];
  });
  return { changed: Object.fromEntries(changed), unknown: Object.fromEntries(unknown) };
}

/** What the reader of a rollback's plan should know of its secrets. @param isFresh `--fresh-secrets` was given */
export function frozenWarnings(
  { name, version }: { readonly name: string; readonly version: string },
  { changed, unknown }: Frozen,
  isFresh: boolean,
): Warning[] {
  const [old, doubtful] = [Object.keys(changed), Object.entries(unknown)];
  const warn = (message: string): Warning => ({ code: 'SECRETS_FROZEN', function: name, message });
  return [
    ...(old.length === 0 || isFresh
      ? []
      : [
          warn(
            `version ${version} of ${name} has ${old.join(', ')} as it was when it was published; the reference in the file stands for another value now. fix: where the old value is no longer valid, roll back with --fresh-secrets, which publishes the version again with today’s.`,
          ),
        ]),
    ...doubtful.map(([variable, reason]) =>
      warn(`whether ${variable} of version ${version} of ${name} is still valid is not known: ${reason}`),
    ),
  ];
}
