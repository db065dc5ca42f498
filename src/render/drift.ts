import equal from 'fast-deep-equal';
import type { DriftClass, DriftDifference, DriftDocument, FunctionDrift, OpenRollout } from '../model/drift.js';
import { LATEST } from '../model/function.js';
import type { Json } from '../model/json.js';
import { as, columns, shortDigest, shownValue, type Line, type Role, type Span } from './text.js';

/** Drift for people: what the record says, what AWS has, what the file says, and who moved. */
export function renderDrift(document: DriftDocument): Line[] {
  return [...document.functions.flatMap(functionLines), [], closing(document)];
}

function functionLines(one: FunctionDrift): Line[] {
  const { name, region, drifted, differences, rollouts, notes, adopted = [], left = [] } = one;
  const next = nextText(one);
  return [
    [as('title', name), region === undefined ? '  ' : ` (${region})  `, as(drifted ? 'bad' : 'good', stateOf(one))],
    ...columns(differences.map(driftRow), '  '),
    ...fileLines(one),
    ...rollouts.map((rollout): Line => [
      as(rollout.state === 'abandoned' ? 'warn' : 'dim', `  ${rolloutText(rollout)}`),
    ]),
    ...notes.map((note): Line => [as('dim', `  note: ${note}`)]),
    ...adopted.map((path): Line => [as('good', '  adopted: '), path]),
    ...(next === undefined ? [] : [[as('change', `  ${next}`)]]),
    ...left.map(({ path, reason }): Line => [as('bad', '  left: '), `${path}: ${reason}`]),
  ];
}

/** What one function comes to. */
export function stateOf({ drifted, adopted = [] }: FunctionDrift): string {
  if (drifted) return 'drifted';
  return adopted.length > 0 ? 'adopted' : 'no drift';
}

/** Whether nothing moved, but something is there that nobody declared, and counts. */
export function isOnlyUndeclared({ drifted, functions }: DriftDocument): boolean {
  const all = functions.flatMap(({ differences }) => differences.map((one) => one.class));
  return drifted && all.every((one) => one !== 'drift' && one !== 'conflict');
}

/** What all of it comes to, and what is next. */
export function closing(document: DriftDocument): Line {
  const { drifted, functions } = document;
  const all = functions.flatMap(({ differences }) => differences.map((one) => one.class));
  if (isOnlyUndeclared(document))
    return [as('bad', 'Undeclared.'), ' Nobody declared what is unmanaged: declare it, or remove it in AWS.'];
  if (drifted) return [as('bad', 'Drift found.'), ' `lambda-deploy plan` shows what apply would put right.'];
  const isAdopted = functions.some(({ adopted = [] }) => adopted.length > 0);
  const isLacking = functions.some(({ lacking = [] }) => lacking.length > 0);
  const done = isAdopted ? [as('good', 'Adopted.'), ' The file says what AWS has.'] : [as('good', 'No drift.')];
  if (isLacking) return [...done, ' `lambda-deploy apply` publishes what an alias’s version lacks.'];
  if (all.includes('pending')) return [...done, ' `lambda-deploy plan` shows what is pending.'];
  return isAdopted ? [...done, ' The next plan changes nothing of it.'] : done;
}

/** What the next apply does for what was adopted; `undefined`: nothing. */
export function nextText({ lacking = [] }: FunctionDrift): string | undefined {
  if (lacking.length === 0) return undefined;
  const [what, serve] = lacking.length === 1 ? ['alias', 'serves'] : ['aliases', 'serve'];
  return `next: ${what} ${lacking.join(', ')} ${serve} a version without it: \`lambda-deploy apply\` publishes one with it and moves there`;
}

const ROLES: Readonly<Record<DriftClass, Role>> = {
  drift: 'bad',
  conflict: 'bad',
  pending: 'change',
  unmanaged: 'dim',
  aws: 'dim',
};

function driftRow(difference: DriftDifference): Span[] {
  const { path, recorded, live, desired, unknown, sensitive, by, class: who } = difference;
  const isCode = path === 'code' || path === LATEST;
  const show = (value: Json): string => (isCode && typeof value === 'string' ? shortDigest(value) : shownValue(value));
  const side = (name: 'recorded' | 'desired', value: Json): string =>
    unknown?.includes(name) === true ? '(not known)' : show(value);
  const parts = {
    recorded: `recorded ${side('recorded', recorded)}`,
    live: `live ${show(live)}`,
    desired: `file ${side('desired', desired)}`,
  };
  const told: Readonly<Record<DriftClass, readonly string[]>> = {
    drift: [parts.recorded, parts.live],
    conflict: [parts.recorded, parts.live, parts.desired],
    pending: equal(live, desired) ? [parts.recorded, `live and file ${show(live)}`] : [parts.live, parts.desired],
    unmanaged: [parts.live],
    aws: [parts.recorded, parts.live],
  };
  const blamed = by === undefined ? [] : [as('dim', `by ${by.who}, ${by.at}, ${by.operation}`)];
  return [as(ROLES[who], who), path, sensitive === true ? changeOf(difference) : told[who].join(', '), ...blamed];
}

/** What happened to a value that is withheld. */
export function changeOf({ recorded, live, desired, class: who }: DriftDifference): string {
  const [before, after] = who === 'pending' ? [live, desired] : [recorded, live];
  return before === null ? '(added)' : after === null ? '(removed)' : '(changed)';
}

/** Files that are shown; JSON has more. */
const SHOWN_FILES = 20;

/** Files in which code differs, the first of them. */
export function fileLines({ files = [], filesOmitted = 0 }: FunctionDrift): Line[] {
  const rows = files.slice(0, SHOWN_FILES).map(({ path, change, bytesBefore, bytesAfter }): Span[] => {
    const sizes = [bytesBefore, bytesAfter].filter((bytes) => bytes !== null).map(String);
    const size = `${sizes.join(' → ')} bytes`;
    if (change === 'changed') return [as('change', '~'), path, size];
    return [change === 'added' ? as('add', '+') : as('remove', '-'), path, size];
  });
  const more = files.length - rows.length + filesOmitted;
  return [...columns(rows, '    '), ...(more > 0 ? [[as('dim', `    and ${more} more files`)]] : [])];
}

/** A rollout or run that is not over, and what ends one that was left. */
export function rolloutText({ alias, state, startedAt, version }: OpenRollout): string {
  const what = version === undefined ? 'a deployment' : `a rollout of version ${version}`;
  const where = alias === null ? '' : `alias ${alias}: `;
  const since = `${what} that started at ${startedAt}`;
  if (state === 'in_progress') return `in progress: ${where}${since}`;
  return `abandoned: ${where}${since}: ${version === undefined ? 'the next apply ends it' : 'promote or abort it'}`;
}
