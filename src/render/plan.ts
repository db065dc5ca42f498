import type { Difference, FunctionPlan, InvokeStep, Operation, PlanDocument } from '../model/plan.js';
import { as, columns, shortDigest, shownValue, type Line, type Role, type Span } from './text.js';

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
  if (!plan.changes) return [as('good', 'No changes.'), ' Live is as the file says.'];
  const { create, update, unchanged } = plan.summary;
  const parts = [
    ...(create > 0 ? [`${create} to create`] : []),
    ...(update > 0 ? [`${update} to ${plan.command === 'rollback' ? 'roll back' : 'update'}`] : []),
    ...(unchanged > 0 ? [`${unchanged} unchanged`] : []),
  ];
  return [
    as('title', plan.command === 'rollback' ? 'Rollback plan: ' : 'Plan: '),
    `${parts.join(', ')}.  `,
    as('dim', plan.digest),
  ];
}

function renderFunction(plan: FunctionPlan): Line[] {
  const also = plan.alsoGoesLive;
  return [
    [as('title', plan.name), '  ', as(plan.action === 'create' ? 'add' : 'change', plan.action)],
    ...columns(
      plan.differences.map((one) => differenceRow(one, plan.action === 'create')),
      '  ',
    ),
    ...(also.length === 0
      ? []
      : [[as('warn', '  also goes live'), ' (is on $LATEST, nobody manages it, a new version ships it)']]),
    ...columns(
      also.map((one) => differenceRow(one, false)),
      '    ',
    ),
    [as('dim', '  calls')],
    ...columns(plan.operations.map(operationRow), '    '),
    ...(plan.effects.length === 0 ? [] : [[as('dim', '  effect')]]),
    ...plan.effects.map((effect): Line => [`    ${effect}`]),
    ...(plan.unmanagedAliases.length === 0
      ? []
      : [[as('dim', `  left alone: alias ${plan.unmanagedAliases.join(', ')}`)]]),
  ];
}

function foreign({ unmanagedAliases }: FunctionPlan): Span[] {
  return unmanagedAliases.length === 0 ? [] : [as('dim', `  (left alone: alias ${unmanagedAliases.join(', ')})`)];
}

/** `bare`: every row would give the same reason, so none does. */
function differenceRow(difference: Difference, bare: boolean): Span[] {
  const { path, before, after } = difference;
  const role: Role = before === null ? 'add' : after === null ? 'remove' : 'change';
  const sign = { add: '+', remove: '-', change: '~' }[role as 'add' | 'remove' | 'change'];
  if (bare) return [as(role, sign), path, valueText(difference)];
  const drift = difference.drift === true ? 'drift: ' : '';
  const place = difference.on === '$LATEST' ? '' : `${difference.on}: `;
  return [
    as(role, sign),
    path,
    valueText(difference),
    as('dim', `${drift}${difference.reason.startsWith(difference.on) ? '' : place}${difference.reason}`),
  ];
}

function valueText({ path, before, after, sensitive }: Difference): string {
  if (sensitive === true) return before === null ? '(added)' : after === null ? '(removed)' : '(changed)';
  const show = (value: Difference['before']): string =>
    path === 'code' && typeof value === 'string' ? shortDigest(value) : shownValue(value);
  if (before === null) return show(after);
  return `${show(before)} → ${show(after)}`;
}

function operationRow(operation: Operation, index: number): Span[] {
  return [as('dim', `${index + 1}.`), operation.type, as('dim', detailOf(operation))];
}

function detailOf(operation: Operation): string {
  if (operation.type === 'Invoke') return `${operation.reason}${expectation(operation)}`;
  if (operation.type === 'CreateAlias' || operation.type === 'UpdateAlias')
    return `${operation.alias}: ${operation.reason}`;
  if ('tags' in operation && operation.type === 'TagResource')
    return `${Object.keys(operation.tags).join(', ')}: ${operation.reason}`;
  if (operation.type === 'UntagResource') return `${operation.keys.join(', ')}: ${operation.reason}`;
  return operation.reason;
}

function expectation({ check }: InvokeStep): string {
  const status = check.expect?.status;
  return ` (${status === undefined ? 'no error' : `status ${status}`}, within ${check.timeoutSeconds} s)`;
}
