import { diffArrays } from 'diff';
import type { ObjectPin } from '../model/function.js';
import type { Json } from '../model/json.js';
import type { Difference, FunctionPlan, InvokeStep, Operation, PlanDocument } from '../model/plan.js';
import { as, columns, oneLine, shortDigest, shownValue, type Line, type Span } from './text.js';

/** A plan for people: what differs, what also goes live, the calls in order, what callers notice. */
export function renderPlan(plan: PlanDocument): Line[] {
  const changed = plan.functions.filter(({ action }) => action !== 'none');
  const unchanged = plan.functions.filter(({ action }) => action === 'none');
  return [
    ...changed.flatMap((one) => [...renderFunction(one), []]),
    ...unchanged.map((one): Line => [as('dim', `${one.name}  unchanged`), ...foreign(one)]),
    ...(unchanged.length > 0 ? [[]] : []),
    ...plan.warnings.map(({ message }): Line => [as('warn', 'warning: '), message]),
    ...(plan.warnings.length > 0 ? [[]] : []),
    summaryLine(plan),
  ];
}

function summaryLine(plan: PlanDocument): Line {
  if (!plan.changes) {
    if (plan.command === 'rollback') return [as('good', 'No changes.'), ' Live is as the target of this rollback.'];
    if (plan.liveState !== undefined)
      return [as('good', 'No changes.'), ' What the snapshot shows is as the file says; AWS was not asked.'];
    const isAllKnown = plan.warnings.every(({ code }) => code !== 'UNKNOWN_UNTIL_APPLY');
    return [
      as('good', 'No changes.'),
      isAllKnown ? ' Live is as the file says.' : ' What is known of the file is live.',
    ];
  }
  return [
    as('title', plan.command === 'rollback' ? 'Rollback plan: ' : 'Plan: '),
    `${planCounts(plan)}.  `,
    as('dim', plan.digest),
  ];
}

/** `1 to create, 2 to update, 3 unchanged` */
export function planCounts({ command, summary: { create, update, unchanged } }: PlanDocument): string {
  return [
    ...(create > 0 ? [`${create} to create`] : []),
    ...(update > 0 ? [`${update} to ${command === 'rollback' ? 'roll back' : 'update'}`] : []),
    ...(unchanged > 0 ? [`${unchanged} unchanged`] : []),
  ].join(', ');
}

/** One function of a plan that changes. */
export function renderFunction(plan: FunctionPlan): Line[] {
  const { alsoGoesLive, differences, effects, operations, unmanagedAliases } = plan;
  const isNew = plan.action === 'create';
  const heading = (text: string): Line => [as('dim', `  ${text}`)];
  return [
    [
      as('title', plan.name),
      plan.region === undefined ? '  ' : ` (${plan.region})  `,
      as(isNew ? 'add' : 'change', plan.action),
    ],
    ...differenceLines(differences, '  ', (one) => (isNew ? '' : remark(one))),
    ...(alsoGoesLive.length === 0 ? [] : [ALSO_GOES_LIVE]),
    ...differenceLines(alsoGoesLive, '    ', ({ on }) => on),
    ...(effects.length === 0 ? [] : [heading('effect')]),
    ...effects.map((effect): Line => [`    ${effect}`]),
    heading('calls'),
    ...columns(operationRows(operations), '    '),
    ...(unmanagedAliases.length === 0 ? [] : [heading(`left alone: alias ${unmanagedAliases.join(', ')}`)]),
  ];
}

const ALSO_GOES_LIVE: Line = [
  as('warn', '  also goes live'),
  ' (it is on $LATEST, nobody manages it, and a new version has it too)',
];

function foreign({ unmanagedAliases }: FunctionPlan): Span[] {
  return unmanagedAliases.length === 0 ? [] : [as('dim', `  (left alone: alias ${unmanagedAliases.join(', ')})`)];
}

/** One line a difference; lists and long values follow it element by element, whole, so that no change hides behind an ellipsis. */
function differenceLines(differences: readonly Difference[], indent: string, why: (one: Difference) => string): Line[] {
  const rows = columns(
    differences.map((one) => differenceRow(one, why(one))),
    indent,
  );
  return rows.flatMap((row, index) => [row, ...partLines(differences[index], `${indent}     `)]);
}

function differenceRow(difference: Difference, why: string): Span[] {
  const { path, before, after } = difference;
  const value = isLong(difference) ? '' : valueText(difference);
  const rest = why === '' ? [] : [as('dim', why)];
  if (before === null) return [as('add', '+'), path, value, ...rest];
  return [after === null ? as('remove', '-') : as('change', '~'), path, value, ...rest];
}

const MAX_INLINE_CHARACTERS = 60;

/** Whether a value is a list or too long for a line. */
export function isLong({ path, before, after, sensitive }: Difference): boolean {
  if (sensitive === true || path === 'code') return false;
  const filled = (value: Json): boolean => Array.isArray(value) && value.length > 0;
  return (
    filled(before) || filled(after) || [before, after].some((value) => oneLine(value).length > MAX_INLINE_CHARACTERS)
  );
}

function partLines(difference: Difference | undefined, indent: string): Line[] {
  if (difference === undefined || !isLong(difference)) return [];
  return diffArrays(elements(difference.before), elements(difference.after)).flatMap(({ value, added, removed }) =>
    value.map((element): Line => {
      if (added) return [indent, as('add', `+ ${element}`)];
      return [indent, removed ? as('remove', `- ${element}`) : as('dim', `  ${element}`)];
    }),
  );
}

function elements(value: Json): string[] {
  if (value === null) return [];
  return Array.isArray(value) ? value.map(oneLine) : [oneLine(value)];
}

/** What the path and the values do not say by themselves: that a difference of `$LATEST` is one needs no words. */
function remark({ drift, on, path, reason }: Difference): string {
  const obvious = (on === '$LATEST' && !path.endsWith('lastUpdateStatus') && path !== 'state') || on === 'function';
  return [...(drift === true ? ['drift: AWS was changed by hand'] : []), ...(obvious ? [] : [reason])].join('; ');
}

/** Before and after on one line; that it changed, where the values are withheld. */
export function valueText({ path, before, after, sensitive }: Difference): string {
  if (sensitive === true) return before === null ? '(added)' : after === null ? '(removed)' : '(changed)';
  const show = (value: Difference['before']): string =>
    path === 'code' && typeof value === 'string' ? shortDigest(value) : oneLine(value);
  if (before === null) return show(after);
  return `${show(before)} → ${show(after)}`;
}

/** A row a call. What a check expects stands where it is made first, so that a rollout of many shares can be read. */
function operationRows(operations: readonly Operation[]): Span[][] {
  const first = new Map<string, number>();
  return operations.map((operation, index) => {
    let detail = detailOf(operation);
    if (operation.type === 'Invoke') {
      const expected = expectation(operation);
      const known = first.get(`${operation.check.alias} ${expected}`);
      first.set(`${operation.check.alias} ${expected}`, known ?? index + 1);
      detail += known === undefined ? ` (${expected})` : ` (as in ${known})`;
    }
    return [as('dim', `${index + 1}.`), operation.type, as('dim', detail)];
  });
}

function detailOf(operation: Operation): string {
  if (operation.type === 'CreateAlias' || operation.type === 'UpdateAlias')
    return `${operation.alias}: ${operation.reason}`;
  if ('tags' in operation && operation.type === 'TagResource')
    return `${Object.keys(operation.tags).join(', ')}: ${operation.reason}`;
  if (operation.type === 'PutObject') return `s3://${operation.bucket}/${operation.key}: ${operation.reason}`;
  if (operation.type === 'UpdateFunctionCode' && operation.from !== undefined)
    return `${operation.reason}, from ${placeOf(operation.from)}`;
  if (operation.type === 'CreateFunction' && operation.from !== undefined)
    return `${operation.reason}, code from ${placeOf(operation.from)}`;
  if (operation.type === 'UntagResource') return `${operation.keys.join(', ')}: ${operation.reason}`;
  return operation.reason;
}

/** The version is what makes it this object. */
function placeOf({ bucket, key, versionId }: ObjectPin): string {
  return `s3://${bucket}/${key}${versionId === undefined ? '' : ` version ${versionId}`}`;
}

function expectation({ check }: InvokeStep): string {
  const { status, body, maxDurationMs } = check.expect ?? {};
  const wanted = [
    ...(status === undefined ? [] : [`status ${status}`]),
    ...(body === undefined ? [] : [`body ${shownValue(body)}`]),
    ...(maxDurationMs === undefined ? [] : [`at most ${maxDurationMs} ms`]),
  ];
  const tries = check.attempts === undefined ? [] : [`${check.attempts} attempts`];
  const event = check.payloadFile === undefined ? [] : [`event ${check.payloadFile.path}`];
  const what = wanted.length === 0 ? ['no error'] : wanted;
  return [...event, ...what, ...tries, `within ${check.timeoutSeconds} s`].join(', ');
}
