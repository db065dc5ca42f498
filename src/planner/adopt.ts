import { isUnreadable, type DesiredFunction, type LiveFunction } from '../model/function.js';
import type { DriftDifference, LeftOut } from '../model/drift.js';
import type { Json } from '../model/json.js';
import { diffContent } from './compare.js';
import { isDrift } from './drift.js';
import { contentOf } from './normalize.js';

/** One way to say a live value in the file: `undefined` removes what stands there. */
export interface Wording {
  /** Below the function. */
  readonly path: readonly string[];
  readonly value: Json | undefined;
}

/** A difference that the file can take over, with ways to say it, the plainest first. */
export interface Adoptable {
  readonly difference: DriftDifference;
  readonly wordings: readonly Wording[];
}

/**
 * What of a function's drift may be written into the file, and what may not, with the reason.
 *
 * @param clear live variables that may stand in a file for everybody to read, by name
 */
export function planAdoption(
  desired: DesiredFunction,
  live: LiveFunction,
  differences: readonly DriftDifference[],
  clear: Readonly<Record<string, string>>,
): { readonly adoptable: readonly Adoptable[]; readonly left: readonly LeftOut[] } {
  const all = differences.filter(isDrift).map((difference) => {
    const reason = reasonToLeave(desired, live, difference, clear);
    return reason === undefined
      ? { difference, wordings: wordingsOf(live, difference, clear) }
      : { difference, reason };
  });
  return {
    adoptable: all.flatMap((one) => ('wordings' in one ? [one as Adoptable] : [])),
    left: all.flatMap((one) =>
      'reason' in one && one.reason !== undefined ? [{ path: one.difference.path, reason: one.reason }] : [],
    ),
  };
}

/**
 * Aliases that serve a version without what the file took over, now or before, so that the next apply publishes one with it. What is in
 * no version (tags, descriptions) none lacks, nor one that was published with it by hand.
 *
 * @param adopted paths
 */
export function lackingAliases(
  { aliases }: DesiredFunction,
  { name, latest, versions, aliases: there }: LiveFunction,
  adopted: readonly string[],
): readonly string[] {
  const lacks = (alias: string): boolean => {
    const number = there.find((one) => one.name === alias)?.version;
    const served = versions.find(({ version }) => version === number);
    if (served === undefined) return false;
    const differences = diffContent(contentOf(served, name), contentOf(latest, name), 'version');
    return differences.some(({ path }) => adopted.includes(path));
  };
  return aliases.flatMap((alias) => (alias.version === undefined && lacks(alias.name) ? [alias.name] : []));
}

function reasonToLeave(
  desired: DesiredFunction,
  live: LiveFunction,
  { path, class: who, live: value }: DriftDifference,
  clear: Readonly<Record<string, string>>,
): string | undefined {
  if (who === 'conflict') return 'the file moved, too: decide there which value it shall be';
  if (path === 'function') return 'the function is gone: take it out of the file, or apply';
  if (path === '$LATEST') return 'which of its settings moved is not known';
  if (path === 'code') return 'code is no value of a file: build what is live, or apply';
  const [top = '', name = '', member] = path.split('.');
  if (top === 'aliases') return aliasReason(desired, name, member);
  if (top !== 'environment') return undefined;
  if (desired.environment === undefined)
    return 'the file does not manage `environment`, and one variable alone cannot be';
  const isHidden = isUnreadable(live.latest.environment) || !Object.hasOwn(clear, name);
  return value !== null && isHidden ? 'it may be a secret: write it as a reference' : undefined;
}

function aliasReason({ aliases }: DesiredFunction, name: string, member: string | undefined): string | undefined {
  if (member === undefined) return 'the alias is gone: take it out of the file, or apply';
  if (member === 'weights') return 'shares are no value of a file: promote or abort, or apply';
  const isPinned = aliases.some((alias) => alias.name === name && alias.version !== undefined);
  if (member === 'version' && !isPinned)
    return 'where it points is no value of a file: `lambda-deploy rollback --to` makes it a deployment, apply moves it back';
  return undefined;
}

function wordingsOf(
  live: LiveFunction,
  { path, live: value }: DriftDifference,
  clear: Readonly<Record<string, string>>,
): Wording[] {
  const [top = '', ...rest] = path.split('.');
  if (top === 'environment') {
    const name = rest.join('.');
    return [{ path: [top, name], value: value === null ? undefined : clear[name] }];
  }
  if (top === 'tags') {
    const key = path.slice('tags.'.length);
    if (value !== null) return [{ path: [top, key], value }];
    return [
      { path: [top, key], value: undefined },
      { path: [top, key], value: null },
    ];
  }
  if (top === 'aliases' && rest[1] === 'version') return [{ path: [top, ...rest], value: pinned(value) }];
  const whole = contentOf(live.latest, live.name).settings[top as keyof LiveFunction['latest']['settings']];
  return [
    ...(value === null ? [] : [{ path: [top, ...rest], value }]),
    // AWS's own default may have no value that the file takes: null stands for it, for a member together with its struct.
    { path: [top, ...rest], value: null },
    ...(rest.length === 0 || whole === undefined ? [] : [{ path: [top], value: null }]),
    { path: [top, ...rest], value: undefined },
  ];
}

/** A pinned number is a number in the file. */
function pinned(value: Json): Json {
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
}
