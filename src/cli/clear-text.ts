import type { Variables } from '../model/function.js';
import type { ImportedEntry } from '../model/import.js';
import { reveal } from '../model/secret.js';
import { mayBeSecret } from '../spec/advice.js';

/** A shorter value stands in others by chance. */
const TELLING_CHARACTERS = 8;

/**
 * Opens the live variables that may stand in a file for everybody to read; of the others only the names are given. A variable
 * that contains the value of a withheld one is withheld as well. The one place where values leave {@link Secret} to be written.
 */
export function openVariables(variables: Variables): NonNullable<ImportedEntry['variables']> {
  const values = Object.entries(variables).map(([name, secret]) => ({ name, value: reveal(secret) }));
  const withheld = new Set(values.filter(({ name, value }) => mayBeSecret(name, value)));
  const secrets = [...withheld].map(({ value }) => value).filter((value) => value.length >= TELLING_CHARACTERS);
  for (const one of values) if (secrets.some((secret) => one.value.includes(secret))) withheld.add(one);
  const clear = values.filter((one) => !withheld.has(one)).map(({ name, value }) => [name, value] as const);
  return { clear: Object.fromEntries(clear), withheld: [...withheld].map(({ name }) => name).sort() };
}
