import type { Difference, FunctionPlan, PlanDocument } from '../model/plan.js';
import { fitted, subjectText, type Part, type Subject } from './annotation.js';
import { block, code, details, link, strong, text } from './markdown.js';
import { isLong, planCounts, renderFunction, valueText } from './plan.js';

/** Differences that are named at once; the details have all. */
const SHOWN_DIFFERENCES = 6;
const SHOWN_WARNINGS = 10;

/**
 * A plan for a reviewer with ten seconds: of each function what changes, what callers notice, and the calls in their order. All
 * differences, values and reasons are folded away under it.
 *
 * @param artifact the plan file's path among the build's artifacts; absent: it is not there
 */
export function planAnnotation(plan: PlanDocument, subject: Subject, artifact?: string): string {
  const changed = plan.functions.filter(({ action }) => action !== 'none');
  const warnings = warningItems(plan);
  if (!plan.changes) {
    const isAllKnown = plan.warnings.every(({ code: one }) => one !== 'UNKNOWN_UNTIL_APPLY');
    const from = plan.liveState === undefined ? undefined : 'what the snapshot shows is as the file says';
    const why = from ?? (isAllKnown ? 'live is as the file says' : 'what is known of the file is live');
    return `${subjectText(subject)}: no changes, ${why}.\n${warnings === '' ? '' : `\n${warnings}`}`;
  }
  const head = `Plan for ${subjectText(subject)}: ${strong(planCounts(plan))}\n\n${warnings === '' ? '' : `${warnings}\n`}`;
  const file = artifact === undefined ? '' : `Plan file: ${link(artifact, `artifact://${artifact}`)} · `;
  const elsewhere = 'The job’s log has the whole plan.';
  return fitted(head, changed.map(partOf), `${file}${code(plan.digest)}\n`, elsewhere);
}

function warningItems({ warnings }: PlanDocument): string {
  const shown = warnings.slice(0, SHOWN_WARNINGS).map(({ message }) => text(message));
  const more = warnings.length - shown.length;
  return [...shown, ...(more > 0 ? [`${more} more warnings are in the job’s log`] : [])]
    .map((item) => `- ⚠️ ${item}\n`)
    .join('');
}

function partOf(plan: FunctionPlan): Part {
  const { name, region, action, differences, alsoGoesLive, effects, operations } = plan;
  const place = region === undefined ? '' : ` (${text(region)})`;
  const items = [
    ...(action === 'create' ? [] : named('changes', differences)),
    ...named('⚠️ also goes live, though nobody manages it', alsoGoesLive),
    ...effects.map((effect) => `- ${text(effect)}`),
    `- calls: ${calls(operations.map(({ type }) => type))}`,
  ];
  return {
    short: `${strong(name)}${place} ${action}\n\n${items.map((item) => `${item}\n`).join('')}`,
    more: details('Every difference and call, with its reason', block(renderFunction(plan))),
  };
}

function named(what: string, differences: readonly Difference[]): string[] {
  if (differences.length === 0) return [];
  const shown = differences.slice(0, SHOWN_DIFFERENCES).map(differenceText);
  const more = differences.length - shown.length;
  return [`- ${what}: ${[...shown, ...(more > 0 ? [`${more} more`] : [])].join(' · ')}`];
}

function differenceText(difference: Difference): string {
  const { path, drift } = difference;
  const value = isLong(difference) ? '' : ` ${text(valueText(difference))}`;
  return `${code(path)}${value}${drift === true ? ' (AWS was changed by hand)' : ''}`;
}

/** `UpdateFunctionConfiguration → PublishVersion → Invoke ×3`, in their order. */
function calls(types: readonly string[]): string {
  const runs: { readonly type: string; times: number }[] = [];
  for (const type of types) {
    const last = runs.at(-1);
    if (last?.type === type) last.times += 1;
    else runs.push({ type, times: 1 });
  }
  return runs.map(({ type, times }) => `${code(type)}${times > 1 ? ` ×${times}` : ''}`).join(' → ');
}
