import type { ApplyEvent } from '../model/events.js';
import type { Operation } from '../model/plan.js';
import type { ApplyResult, FunctionResult } from '../model/result.js';
import { as, duration, type Line, type Span } from './text.js';

/** What an apply or a rollback did, for people. */
export function renderResult(result: ApplyResult): Line[] {
  return [...result.functions.flatMap(renderFunction), ...closing(result)];
}

/** What each command does, as a noun. */
export const COMMANDS = { apply: 'Apply', rollback: 'Rollback', promote: 'Promotion', abort: 'Abort' } as const;

function closing({ command, result, functions }: ApplyResult): Line[] {
  const what = COMMANDS[command];
  if (result === 'no_changes') {
    const isOfFile = command === 'apply';
    return [[as('good', 'Nothing to do.'), ...(isOfFile ? [' Live is as the file says.'] : [])]];
  }
  if (result === 'pending') {
    const next = 'lambda-deploy promote, or lambda-deploy abort';
    return [[as('warn', `${what} is pending: an alias stands at a share.`), ` Go on with ${next}.`]];
  }
  if (result === 'succeeded') return [[as('good', `${what} succeeded.`)]];
  return [[as('bad', result === 'rolled_back' ? `${what} ${takenBackText(functions)}.` : `${what} failed.`)]];
}

/** Whose aliases are back: named where another function's moved and stay. */
export function takenBackText(functions: readonly FunctionResult[]): string {
  const stays = functions.some(({ result }) => result === 'succeeded' || result === 'pending');
  const back = functions.filter(({ result }) => result === 'rolled_back').map(({ name }) => name);
  return `failed; the aliases ${stays ? `of ${back.join(', ')} ` : ''}are back where they were`;
}

function renderFunction(one: FunctionResult): Line[] {
  if (one.result === 'no_changes') return [];
  return [
    [...renderOutcome({ function: one.name, result: one.result }), ...served(one)],
    ...one.notes.map((note): Line => [as('warn', '  note: '), note]),
    ...(one.error === undefined ? [] : errorLines(one.error)),
  ];
}

/** `orders  rolled back` */
export function renderOutcome({
  function: name,
  result,
}: Pick<ApplyEvent & { type: 'ended' }, 'function' | 'result'>): Line {
  const role = result === 'succeeded' ? 'good' : result === 'pending' ? 'warn' : 'bad';
  return [as('title', name), '  ', as(role, result.replace('_', ' '))];
}

function served({ aliases }: FunctionResult): Span[] {
  return aliases.map((alias) => `  ${servedText(alias)}`);
}

/** `live: version 7 (was 6)` */
export function servedText({
  name,
  version,
  previousVersion,
  weights = {},
}: FunctionResult['aliases'][number]): string {
  if (version === null) return `${name}: (none)`;
  const shares = Object.entries(weights).map(([other, weight]) => `, ${Math.round(weight * 1000) / 10} % on ${other}`);
  if (shares.length > 0) return `${name}: version ${version}${shares.join('')}`;
  return version === previousVersion
    ? `${name}: version ${version}`
    : `${name}: version ${version} (was ${previousVersion ?? 'none'})`;
}

function errorLines({ code, message, hint }: NonNullable<FunctionResult['error']>): Line[] {
  return [
    [as('bad', `  error[${code}]`), ` ${message}`],
    ...(hint === undefined ? [] : [[as('dim', '  fix: '), hint]]),
  ];
}

/** One line of progress, or several for a log tail; a step is told when it ended. */
export function renderEvent(event: ApplyEvent, verbose: boolean): Line[] {
  const name = as('dim', `${event.function}: `);
  switch (event.type) {
    case 'step-started':
      return verbose ? [[name, `${event.index + 1}/${event.total} ${stepLabel(event.operation)} …`]] : [];
    case 'step-ended':
      return [[name, stepMark(event.status), ` ${stepLabel(event.operation)}`, ...detailAndTime(event)]];
    case 'waiting':
      return [[name, as('dim', `waiting for ${event.waitingFor} (${Math.round(event.seconds)} s)`)]];
    case 'retrying':
      return [[name, as('warn', `${event.reason}; trying again in ${Math.round(event.seconds * 10) / 10} s`)]];
    case 'taking-back':
      return [[name, as('warn', `taking alias ${event.alias} back to version ${event.version}`)]];
    case 'log-tail':
      return [
        [name, 'log tail of the failed invocation'],
        ...event.text
          .trimEnd()
          .split('\n')
          .map((line): Line => [as('dim', '  | '), line]),
      ];
    case 'ended':
      return [];
  }
}

const RECOVERED = 'its answer was lost, its effect was found';

function stepMark(status: string): Span {
  return status === 'failed'
    ? as('bad', 'failed')
    : as('good', status === 'recovered' ? `done (${RECOVERED})` : 'done');
}

/** How a step ended, where a mark beside it says whether it failed. */
export function renderStepEnd(event: StepEnded): Line {
  const recovered = event.status === 'recovered' ? [as('dim', ` (${RECOVERED})`)] : [];
  return [stepLabel(event.operation), ...recovered, ...detailAndTime(event)];
}

/** A step that has not ended: it always says for how long. */
export function renderUnderWay(name: string, operation: Operation, seconds: number): Line {
  return [as('dim', `${name}: `), stepLabel(operation), as('dim', ` is under way (${Math.floor(seconds)} s)`)];
}

type StepEnded = ApplyEvent & { readonly type: 'step-ended' };

function detailAndTime({ detail, durationMs }: StepEnded): Span[] {
  return [...(detail === undefined ? [] : [`: ${detail}`]), as('dim', `  ${duration(durationMs)}`)];
}

/** The call and what it is about, as short as it gets. */
export function stepLabel(operation: Operation): string {
  if ('record' in operation) return `${operation.type} (${operation.record} the record)`;
  if (operation.type === 'Invoke')
    return 'alias' in operation.target ? `Invoke ${operation.target.alias}` : 'Invoke the version by number';
  return operation.type;
}
