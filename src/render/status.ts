import { LATEST } from '../model/function.js';
import type { AliasStatus, FunctionStatus, LastRecord, Marker, StatusDocument } from '../model/status.js';
import { code, strong, table, text } from './markdown.js';
import { as, columns, cut, lasted, type Line, type Role, type Span } from './text.js';

type Found = FunctionStatus & { readonly status: 'found' };

/** A longer alias has a line of its own, so that it does not push the rest out of the screen. */
const NAME_COLUMNS = 20;
const ACTOR_COLUMNS = 32;
const SHOWN_PATHS = 4;
const SHOWN_COMMIT = 8;

/** Functions for people, a few lines each, at most 100 columns for names of a usual length. */
export function renderStatus({ functions }: StatusDocument): Line[] {
  return functions.flatMap((one, index) => [...(index === 0 ? [] : [[]]), ...functionLines(one)]);
}

function functionLines(one: FunctionStatus): Line[] {
  const region = one.region === undefined ? '' : ` (${one.region})`;
  const head = (role: Role, state: string): Line => [as('title', one.name), `${region}  `, as(role, state)];
  if (one.status === 'unreadable') return [head('bad', 'cannot be read'), ...errorLines(one.error)];
  if (one.status === 'missing') return [head('warn', 'does not exist'), ...driftLines(one)];
  return [
    head(isGood(one) ? 'good' : 'bad', stateText(one)),
    ...(one.latest.reason === undefined ? [] : [[as('bad', `  ${one.latest.reason}`)]]),
    ...columns(one.aliases.flatMap(aliasRows), '  '),
    ...one.aliases.flatMap(({ name, weights, markers }) => markers.map((marker) => markerLine(marker, name, weights))),
    ...one.undeclaredAliases.map((alias): Line => [
      as('dim', `  not declared: alias ${alias.name} → ${place(alias.version, alias.weights)}`),
    ]),
    ...driftLines(one),
    ...errorLines(one.error),
  ];
}

function isGood({ latest: { state, lastUpdateStatus } }: Found): boolean {
  return [null, 'Active'].includes(state) && [null, 'Successful'].includes(lastUpdateStatus);
}

/** `Active`, `Active, last update Failed` */
function stateText({ latest: { state, lastUpdateStatus } }: Found): string {
  const update =
    lastUpdateStatus === null || lastUpdateStatus === 'Successful' ? [] : [`last update ${lastUpdateStatus}`];
  return [state ?? 'no state', ...update].join(', ');
}

function aliasRows({ name, version, weights, ageSeconds, lastRecord }: AliasStatus): Span[][] {
  const label = name ?? LATEST;
  const cells: Span[] = [
    version === null ? as('warn', 'does not exist') : name === null ? 'unpublished' : place(version, weights),
    ageSeconds === null ? '' : `since ${lasted(ageSeconds)}`,
    lastRecord === null ? as('dim', 'nothing recorded') : as(recordRole(lastRecord), recordText(lastRecord)),
  ];
  return cut(label, NAME_COLUMNS) === label ? [[label, ...cells]] : [[label], ['', ...cells]];
}

/** `version 3`, `version 3, 10% on 4` */
function place(version: string, weights: AliasStatus['weights']): string {
  const shares = Object.entries(weights).map(([other, weight]) => `, ${percent(weight)} on ${other}`);
  return `${version === LATEST ? LATEST : `version ${version}`}${shares.join('')}`;
}

function recordRole({ result }: LastRecord): Role {
  if (result === 'succeeded') return 'good';
  return result === 'open' || result === 'pending' ? 'warn' : 'bad';
}

/** `succeeded 2 h ago, build 42, 1a2b3c4d` */
function recordText({ action, result, ageSeconds, actor, build, commit }: LastRecord): string {
  const who = build === undefined ? actor : `build ${build}`;
  return [
    `${action === 'rollback' ? 'rollback ' : ''}${result.replace('_', ' ')} ${lasted(ageSeconds)} ago`,
    ...(who === undefined ? [] : [cut(who, ACTOR_COLUMNS)]),
    ...(commit === undefined ? [] : [commit.slice(0, SHOWN_COMMIT)]),
  ].join(', ');
}

function markerLine(marker: Marker, alias: string | null, weights: AliasStatus['weights']): Line {
  return [as(marker.kind === 'in_progress' ? 'dim' : 'warn', `  ${markerText(marker, alias, weights)}`)];
}

function markerText(marker: Marker, alias: string | null, weights: AliasStatus['weights']): string {
  const where = alias ?? LATEST;
  const shareOf = (version: string): string => {
    const weight = Object.hasOwn(weights, version) ? weights[version] : undefined;
    return `version ${version}${weight === undefined ? '' : ` with ${percent(weight)}`}`;
  };
  switch (marker.kind) {
    case 'in_progress':
      return `in progress: ${where}, a deployment since ${marker.startedAt}`;
    case 'waits':
      return `waits: ${where}, ${shareOf(marker.version)} since ${marker.startedAt}; promote or abort`;
    case 'abandoned':
      return marker.version === undefined
        ? `abandoned: ${where}, a deployment since ${marker.startedAt}; the next apply ends it`
        : `abandoned: ${where}, ${shareOf(marker.version)} since ${marker.startedAt}; promote or abort`;
    case 'held':
      return `held: ${where}, a rollback${marker.by === undefined ? '' : ` by ${cut(marker.by, ACTOR_COLUMNS)}`} took back ${
        marker.takenBack === null ? 'an unfinished run' : `version ${marker.takenBack}`
      }`;
  }
}

function driftLines({
  drift: { state, paths, pending, notes },
}: FunctionStatus & { status: 'found' | 'missing' }): Line[] {
  const line: Record<typeof state, Line> = {
    none: [as('dim', '  no drift')],
    unrecorded: [as('dim', '  drift: nothing recorded to compare with')],
    unknown: [as('bad', '  drift: unknown')],
    drifted: [as('bad', `  drift: ${some(paths)}`)],
  };
  return [
    line[state],
    ...(pending.length === 0 ? [] : [[as('change', `  pending: ${some(pending)}`)]]),
    ...notes.map((note): Line => [as('dim', `  note: ${note}`)]),
  ];
}

function some(paths: readonly string[]): string {
  const more = paths.length - SHOWN_PATHS;
  return [...paths.slice(0, SHOWN_PATHS), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

function errorLines(error: Found['error']): Line[] {
  if (error === undefined) return [];
  const fix = error.hint === undefined ? [] : [[as('dim', '  fix: '), error.hint]];
  return [[as('bad', `  error[${error.code}]`), ` ${error.message}`], ...fix];
}

function percent(weight: number): string {
  return `${Math.round(weight * 1000) / 10} %`;
}

/** The same as a table, for a comment or an annotation. */
export function statusMarkdown({ functions }: StatusDocument): string {
  const head = ['function', '$LATEST', 'alias', 'version', 'since', 'last record', 'notes'];
  return table(head.map(text), functions.flatMap(markdownRows));
}

function markdownRows(one: FunctionStatus): (readonly string[])[] {
  const name = `${strong(one.name)}${one.region === undefined ? '' : ` (${text(one.region)})`}`;
  if (one.status === 'unreadable') return [[name, text('cannot be read'), '', '', '', '', errorText(one.error)]];
  const drift = driftLines(one).map((line) =>
    text(line.map((span) => (typeof span === 'string' ? span : span.text)).join('')),
  );
  if (one.status === 'missing') return [[name, text('does not exist'), '', '', '', '', drift.join('; ')]];
  const { latest, aliases, undeclaredAliases, error } = one;
  const state = [stateText(one), ...(latest.reason === undefined ? [] : [latest.reason])].join(': ');
  const rows = aliases.map((alias): string[] => [
    code(alias.name ?? LATEST),
    text(
      alias.version === null
        ? 'does not exist'
        : alias.name === null
          ? 'unpublished'
          : place(alias.version, alias.weights),
    ),
    text(alias.ageSeconds === null ? '' : lasted(alias.ageSeconds)),
    text(alias.lastRecord === null ? 'nothing recorded' : recordText(alias.lastRecord)),
    alias.markers.map((marker) => text(markerText(marker, alias.name, alias.weights))).join('; '),
  ]);
  const foreign = undeclaredAliases.map((alias): string[] => [
    code(alias.name),
    text(place(alias.version, alias.weights)),
    '',
    '',
    text('not declared'),
  ]);
  const about = [...drift, ...(error === undefined ? [] : [errorText(error)])].join('; ');
  return [...rows, ...foreign].map(([alias = '', version = '', since = '', record = '', notes = ''], index) => [
    index === 0 ? name : '',
    index === 0 ? text(state) : '',
    alias,
    version,
    since,
    record,
    [notes, ...(index === 0 ? [about] : [])].filter((part) => part !== '').join('; '),
  ]);
}

function errorText({ code: name, message }: { readonly code: string; readonly message: string }): string {
  return `${code(name)} ${text(message)}`;
}
