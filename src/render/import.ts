import type { ImportDocument } from '../model/import.js';
import { as, type Line } from './text.js';

/** What was written, what the file leaves out and why, and what to do next. */
export function renderImport({ file, functions }: ImportDocument): Line[] {
  const archives = functions.flatMap(({ archive }) => (archive === undefined ? [] : [archive]));
  const config = file === 'lambda.deploy.yaml' ? '' : ` --config ${file}`;
  return [
    [as('good', 'Wrote '), [file, ...archives].join(', '), `: ${functions.map(({ name }) => name).join(', ')}`],
    ...functions.flatMap(({ name, notes, withheld }): Line[] => [
      ...notes.map(({ path, message }): Line => [as('warn', `  ${name}: ${path}: `), message]),
      ...withheld.map((variable): Line => [
        as('warn', `  ${name}: environment.${variable}: `),
        'may be a secret: its value is not in the file, and left alone',
      ]),
    ]),
    [as('dim', `Next: lambda-deploy validate${config}, then lambda-deploy plan${config}.`)],
  ];
}
