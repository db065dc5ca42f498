import type { ApplyResult, ErrorDocument, FunctionResult } from '../model/result.js';
import { fitted, subjectText, type Part, type Subject } from './annotation.js';
import { block, code, details, strong, table, text } from './markdown.js';
import { COMMANDS, renderOutcome, servedText, takenBackText } from './result.js';
import { duration, plain, type Line } from './text.js';

/** What an alias has of its new version while a rollout goes on. */
export interface AliasShare {
  readonly alias: string;
  /** A fraction, 0 to 1. */
  readonly weight: number;
}

/** One function while a run goes on. */
export interface FunctionProgress {
  readonly name: string;
  readonly done: number;
  readonly total: number;
  /** The call it is at; absent: it waits for its turn, or is done. */
  readonly at?: string;
  readonly shares: readonly AliasShare[];
}

/** A run as it goes on. */
export interface ProgressDocument {
  readonly command: ApplyResult['command'];
  readonly subject: Subject;
  readonly functions: readonly FunctionProgress[];
}

/** What a run does now: of each function how far it is, and the share that the new version has. */
export function progressAnnotation({ command, subject, functions }: ProgressDocument): string {
  const head = `${COMMANDS[command]} of ${subjectText(subject)} is under way\n\n`;
  return fitted(head, functions.map(progressPart), '', 'The job’s log has all of them.');
}

function progressPart({ name, done, total, at, shares }: FunctionProgress): Part {
  const step = at === undefined ? '' : `: ${text(at)}`;
  const items = shares.map(({ alias, weight }) => `- ${code(alias)} ${shareText(weight)} on the new version\n`);
  return { short: `${strong(name)} ${done} of ${total} calls${step}\n\n${items.join('')}` };
}

const BAR_CHARACTERS = 20;

function shareText(weight: number): string {
  const filled = Math.round(weight * BAR_CHARACTERS);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_CHARACTERS - filled);
  return `${code(bar)} ${Math.round(weight * 1000) / 10} %`;
}

/** What came of a run: result, versions, what to do; its calls are folded away. */
export function resultAnnotation(result: ApplyResult, subject: Subject): string {
  const head = `${COMMANDS[result.command]} of ${subjectText(subject)}: ${outcomeText(result)}\n\n`;
  const changed = result.functions.filter((one) => one.result !== 'no_changes');
  const unchanged = result.functions.length - changed.length;
  const foot = unchanged === 0 || changed.length === 0 ? '' : `${unchanged} functions are as they were.\n`;
  return fitted(head, changed.map(resultPart), foot, 'The job’s log has the whole result.');
}

function outcomeText({ command, result, functions }: ApplyResult): string {
  if (functions.some(({ exitCode }) => exitCode === 5))
    return `${strong('a human is needed')}. An alias is not where it should be: the fix stands below.`;
  switch (result) {
    case 'no_changes':
      return command === 'apply' ? 'nothing to do, live is as the file says.' : 'nothing to do.';
    case 'succeeded':
      return `${strong('succeeded')}.`;
    case 'pending':
      return `${strong('waits at a share')}. Go on with ${code('lambda-deploy promote')}, or take it back with ${code('lambda-deploy abort')}.`;
    case 'rolled_back':
      return `${strong(takenBackText(functions))}. Nothing has to be put right in AWS: mend what failed, and ${command === 'apply' ? 'deploy again' : 'try again'}.`;
    case 'failed':
      return `${strong('failed')}. ${afterFailure(functions)}`;
  }
}

function afterFailure(functions: readonly FunctionResult[]): string {
  const has = (code: number): boolean => functions.some(({ exitCode }) => exitCode === code);
  if (has(4)) return 'The aliases are where they were: mend what failed, and deploy again.';
  if (has(3)) return 'Somebody changed AWS meanwhile: plan again.';
  return 'The error stands below.';
}

function resultPart(one: FunctionResult): Part {
  const shares = one.aliases.flatMap(({ name, weights = {} }) =>
    Object.entries(weights).map(
      ([version, weight]) => `${code(name)} ${shareText(weight)} on version ${text(version)}`,
    ),
  );
  const served = one.aliases.map((alias) => text(servedText(alias)));
  const items = [
    ...served,
    ...shares,
    ...one.notes.map(text),
    ...(one.error === undefined ? [] : errorItems(one.error)),
  ];
  const outcome = plain([renderOutcome({ function: '', result: one.result })]).trim();
  return {
    short: `${strong(one.name)} ${text(outcome)}\n\n${items.map((item) => `- ${item}\n`).join('')}`,
    ...(one.operations.length === 0 ? {} : { more: details('Its calls', callTable(one)) }),
  };
}

function callTable({ operations }: FunctionResult): string {
  const rows = operations.map(({ type, target = '', status, durationMs }) => [
    code(type),
    text(target),
    status === 'skipped' ? 'not made' : text(status),
    status === 'skipped' ? '' : duration(durationMs),
  ]);
  return table(['call', 'about', 'status', 'time'], rows);
}

/** An error as items of a list: what, and what to do. */
export function errorItems({ code: errorCode, message, hint }: ErrorDocument): string[] {
  return [`${code(errorCode)} ${text(message)}`, ...(hint === undefined ? [] : [`${strong('fix')}: ${text(hint)}`])];
}

/**
 * A command that ended with an error instead of a plan or a result.
 *
 * @param what the command, as a noun
 * @param lines the error as it is printed
 */
export function errorAnnotation(what: string, lines: readonly Line[], subject: Subject): string {
  const part = { short: block(lines) };
  return fitted(
    `${text(what)} of ${subjectText(subject)}: ${strong('error')}\n\n`,
    [part],
    '',
    'The job’s log has it.',
  );
}
