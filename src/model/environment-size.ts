import { MAX_ENVIRONMENT_BYTES } from './limits.js';

/** One variable. */
export interface VariableSize {
  readonly name: string;
  /** Of the value as JSON, without its quotes. */
  readonly jsonBytes: number;
  /** True: the value is not the file's. */
  readonly live?: boolean;
}

/** The largest are what can be made smaller; a list of hundreds helps nobody. */
const SHOWN_VARIABLES = 10;

/**
 * What is wrong with variables that Lambda would refuse as too large, in words that follow their subject, and what to do;
 * `undefined` when they fit. AWS's own refusal repeats every value; this has names and sizes.
 */
export function tooLargeEnvironment(
  variables: readonly VariableSize[],
): { readonly what: string; readonly fix: string } | undefined {
  const sizes = variables
    .map(({ name, jsonBytes, live }) => ({ name, live, bytes: JSON.stringify(name).length + 3 + jsonBytes }))
    .sort((left, right) => right.bytes - left.bytes || (left.name < right.name ? -1 : 1));
  // Braces around, a comma between: AWS measures the map's JSON.
  const total = sizes.reduce((sum, { bytes }) => sum + bytes + 1, 1);
  if (total <= MAX_ENVIRONMENT_BYTES) return undefined;
  const shown = sizes
    .slice(0, SHOWN_VARIABLES)
    .map(({ name, live, bytes }) => `${name} ${bytes}${live === true ? ' (as it is live)' : ''}`);
  const more = sizes.length > SHOWN_VARIABLES ? ` and ${sizes.length - SHOWN_VARIABLES} smaller ones` : '';
  return {
    what: `${total} bytes; Lambda allows ${MAX_ENVIRONMENT_BYTES} for all variables with their names: ${shown.join(', ')}${more}.`,
    fix: `remove ${total - MAX_ENVIRONMENT_BYTES} bytes, or let the function itself read large values from a file or a parameter store.`,
  };
}
