import type { MigrationDocument, MigrationNote } from '../model/migration.js';
import { code, strong, table, text } from './markdown.js';
import { as, type Line } from './text.js';

/** Everything that is different from the plugin, the warnings first. */
export function renderNotes({ notes }: Pick<MigrationDocument, 'notes'>): Line[] {
  return notes.flatMap((note): Line[] => [
    [as(note.severity === 'warning' ? 'warn' : 'dim', `${note.severity}[${note.code}]`), about(note)],
    [`  ${placeOf(note)}  ${note.message}`],
    [as('dim', '  do: '), note.fix],
  ]);
}

function about({ function: name, option }: MigrationNote): string {
  const words = [name, option].filter((word) => word !== undefined);
  return words.length === 0 ? '' : ` ${words.join(': ')}`;
}

function placeOf({ location: { file, line, column } }: MigrationNote): string {
  return `${file}:${line}:${column}`;
}

/** What was written, and what to do next. */
export function renderMigration(document: MigrationDocument): Line[] {
  const { file, pipeline, functions, environments, variables, notes, from } = document;
  const warnings = notes.filter(({ severity }) => severity === 'warning').length;
  const config = file === 'lambda.deploy.yaml' ? '' : ` --config ${file}`;
  const [environment] = environments;
  const chosen = environment === undefined ? '' : ` --environment ${environment}`;
  const given = variables.length === 0 ? '' : `, with ${variables.join(', ')} set`;
  return [
    [as('good', 'Wrote '), `${file}, ${pipeline}: ${functions.map(shownFunction).join(', ')}`],
    [`${count(notes.length, 'note')}, ${count(warnings, 'warning')} among them, on what the plugin did otherwise.`],
    [as('dim', `Next${given}: lambda-deploy validate${config}, then lambda-deploy plan${config}${chosen}.`)],
    [as('dim', `Once the plan is what you expect: mv ${pipeline} ${from}`)],
    [as('dim', 'Plans, approvals, rollbacks and drift as steps of their own: lambda-deploy pipeline')],
  ];
}

function shownFunction({ name, aliases }: MigrationDocument['functions'][number]): string {
  return `${name} (${aliases.join(', ')})`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

/** The same as Markdown, for a pull request that brings the migration. */
export function migrationMarkdown({ file, pipeline, from, notes }: MigrationDocument): string {
  const rows = notes.map((note) => [
    code(`${note.location.line}`),
    `${note.severity === 'warning' ? `${strong('warning')} ` : ''}${code(note.code)}`,
    text(about(note).trim()),
    text(note.message),
    text(note.fix),
  ]);
  const head = `${strong('From the aws-lambda-deploy plugin')}: ${code(from)} → ${code(file)}, ${code(pipeline)}\n`;
  return rows.length === 0 ? head : `${head}\n${table(['Line', 'Note', 'About', 'What', 'Do'], rows)}`;
}
