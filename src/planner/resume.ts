import equal from 'fast-deep-equal';
import { canonicalJson, isJsonObject, type Json } from '../model/json.js';
import type { Difference, FunctionPlan, Operation, Place, UpdateAliasStep, VersionRef } from '../model/plan.js';

/**
 * Whether `fresh`, planned from what is live now, is what is left of `planned` after some of its first calls: every change that is
 * left is planned, in order, to the end, and nothing else. A version that was published meanwhile stands for the one that the
 * plan publishes; the call that takes a rollout over is the rest of a call that was made.
 */
export function isRestOf(fresh: FunctionPlan, planned: FunctionPlan): boolean {
  const left = bodyOf(fresh).filter((step) => !takesOver(step));
  const all = bodyOf(planned);
  const published = publishedAs(changesOf(left), changesOf(all));
  const shape = (step: Operation): string => shapeOf(step, published);
  const rest = changesOf(left).map(shape);
  const tail = changesOf(all).slice(changesOf(all).length - rest.length);
  const known = new Set(all.map(shape));
  return (
    rest.length <= changesOf(all).length && equal(rest, tail.map(shape)) && left.every((step) => known.has(shape(step)))
  );
}

/** What a reader has to look at when a plan no longer fits: differences that are there now and were not, and those that are gone. */
export function changedSince(fresh: FunctionPlan, planned: FunctionPlan): string[] {
  const key = ({ on, path }: Difference): string => (path.startsWith('aliases.') ? path : `${path} of ${on}`);
  const before = new Map(planned.differences.map((one) => [key(one), one]));
  const now = new Map(fresh.differences.map((one) => [key(one), one]));
  const moved = [...now].flatMap(([place, one]) => {
    const then = before.get(place);
    if (then === undefined) return [`${place} differs now (${change(one)})`];
    const isSame = equal([then.before, then.after], [one.before, one.after]);
    return isSame ? [] : [`${place}: the plan saw ${change(then)}, now it is ${change(one)}`];
  });
  const gone = [...before.keys()].filter((place) => !now.has(place)).map((place) => `${place} no longer differs`);
  return [...moved, ...gone];
}

function change({ before, after }: Difference): string {
  const text = (value: Json): string => (typeof value === 'string' ? value : canonicalJson(value));
  return `${text(before)} → ${text(after)}`;
}

function bodyOf({ operations }: FunctionPlan): Operation[] {
  return operations.filter((step) => !('record' in step));
}

function changesOf(steps: readonly Operation[]): Operation[] {
  return steps.filter(({ type }) => type !== 'Invoke');
}

function takesOver(step: Operation): boolean {
  return step.type === 'UpdateAlias' && step.description === undefined && equal(step.from, placeAfter(step));
}

function placeAfter({ version, additional }: UpdateAliasStep): Place {
  return { version, ...(additional === undefined ? {} : { additional }) };
}

/** Numbers that stand for what the plan publishes, by the last calls of both, which are the same ones. */
function publishedAs(left: readonly Operation[], all: readonly Operation[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  left.forEach((step, index) => {
    const twin = all[all.length - left.length + index];
    if (twin === undefined) return;
    const [mine, theirs] = [versionsIn(step), versionsIn(twin)];
    theirs.forEach((ref, place) => {
      const number = mine[place];
      if ('published' in ref && number !== undefined && 'number' in number) names.set(number.number, ref.published);
    });
  });
  return names;
}

function versionsIn(step: Operation): VersionRef[] {
  if (step.type === 'CreateAlias') return [step.version];
  if (step.type !== 'UpdateAlias') return [];
  return [
    step.from.version,
    step.version,
    ...[step.from.additional, step.additional].flatMap((one) => one?.version ?? []),
  ];
}

/** A call without the words for people, versions by the name that the plan gave them. */
function shapeOf(step: Operation, published: ReadonlyMap<string, string>): string {
  return canonicalJson(named({ ...step, reason: '' } as unknown as Json, published));
}

function named(value: Json, published: ReadonlyMap<string, string>): Json {
  if (Array.isArray(value)) return value.map((one) => named(one, published));
  if (!isJsonObject(value)) return value;
  const { number, published: name } = value;
  if (typeof name === 'string') return name;
  if (typeof number === 'string') return published.get(number) ?? number;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, named(member, published)]));
}
