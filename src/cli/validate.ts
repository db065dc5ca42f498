import { FORMAT_VERSION } from '../model/plan.js';
import type { ExitCode } from '../errors.js';
import { as, type Line } from '../render/text.js';
import type { Context } from './context.js';
import { loadEveryEnvironment } from './spec.js';

/** Checks the file, each of its environments, and calls nothing: neither AWS nor the archives are touched. */
export async function validate(context: Context): Promise<ExitCode> {
  const specs = await loadEveryEnvironment(context);
  const checked = specs.map(({ environment, functions }) => ({
    ...(environment === undefined ? {} : { environment }),
    functions: functions.map(({ name }) => name),
  }));
  const document = {
    formatVersion: FORMAT_VERSION,
    command: 'validate',
    valid: true,
    file: specs[0]?.file ?? '',
    functions: [...new Set(checked.flatMap(({ functions }) => functions))],
    ...(specs[0]?.environment === undefined ? {} : { environments: checked }),
  };
  context.output.result(
    document,
    checked.map(({ environment, functions }): Line => {
      const count = functions.length === 1 ? '1 function' : `${functions.length} functions`;
      const where = environment === undefined ? '' : `${environment}: `;
      return [as('good', 'Valid.'), ` ${where}${count}: ${functions.join(', ')}`];
    }),
  );
  return 0;
}
