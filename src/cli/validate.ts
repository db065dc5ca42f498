import { FORMAT_VERSION } from '../model/plan.js';
import type { ExitCode } from '../errors.js';
import { as } from '../render/text.js';
import type { Context } from './context.js';
import { loadSelected } from './spec.js';

/** Checks the file and calls nothing: neither AWS nor the archives are touched. */
export async function validate(context: Context): Promise<ExitCode> {
  const spec = await loadSelected(context);
  const names = spec.functions.map(({ name }) => name);
  const document = {
    formatVersion: FORMAT_VERSION,
    command: 'validate',
    valid: true,
    file: spec.file,
    functions: names,
  };
  const count = names.length === 1 ? '1 function' : `${names.length} functions`;
  context.output.result(document, [[as('good', 'Valid.'), ` ${count}: ${names.join(', ')}`]]);
  return 0;
}
