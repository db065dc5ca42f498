import equal from 'fast-deep-equal';
import { formatPath, toJson, type MapNode, type Node, type Path } from '../node.js';
import type { Intent } from './intents.js';
import type { Notes } from './notes.js';
import { mapOf } from './tree.js';

/** Functions that can stand in one file together. */
export interface Bundle {
  /** The environment's name; absent where there is one bundle only. */
  readonly name?: string;
  /** Deployments, and rollbacks and promotions of what nothing here deploys. */
  readonly intents: readonly Intent[];
}

/** The bundles, and the deployment that each rollback and promotion goes with. */
export interface Bundled {
  readonly bundles: readonly Bundle[];
  readonly goesWith: ReadonlyMap<Intent, Intent>;
}

/**
 * One bundle where everything agrees. Where steps want one function in two ways, or deploy to several accounts: one for each alias if
 * that keeps them apart, else one for each step.
 */
export function toBundles(intents: readonly Intent[], notes: Notes): Bundled {
  const deploys = intents.filter(({ mode }) => mode === 'deploy');
  const bundles = bundlesOf(deploys, notes);
  const goesWith = new Map<Intent, Intent>();
  const alone: Intent[] = [];
  for (const [index, intent] of intents.entries()) {
    if (intent.mode === 'deploy') continue;
    const same = (other: Intent): boolean => other.mode === 'deploy' && isSameAlias(other, intent);
    const deploy = intents.slice(0, index).findLast(same) ?? intents.find(same);
    if (deploy !== undefined) goesWith.set(intent, deploy);
    else {
      alone.push(intent);
      const name = String(intent.name.value);
      notes.add('NO_DEPLOY_STEP', intent.position, { key: name }, [name, intent.aliasWord]);
    }
  }
  const home = (intent: Intent): Bundle | undefined =>
    bundles.find(({ name }) => name !== undefined && name === intent.aliases[0]) ?? bundles[0];
  return {
    goesWith,
    bundles: bundles.map((bundle) => ({
      ...bundle,
      intents: [...bundle.intents, ...alone.filter((intent) => home(intent) === bundle)],
    })),
  };
}

/** What tells two functions apart. */
export function identity({ name, region }: Intent): string {
  return JSON.stringify([name.value, region?.value]);
}

function bundlesOf(deploys: readonly Intent[], notes: Notes): readonly Bundle[] {
  const conflict = conflictOf(deploys);
  if (conflict === undefined) return [{ intents: deploys }];
  const ways = [
    groupBy(deploys, ({ aliases }) => aliases[0] ?? ''),
    groupBy(deploys, ({ step, aliases }) => slug(step.key ?? aliases[0] ?? '')),
  ];
  const apart = ways.find((groups) => [...groups.values()].every((group) => conflictOf(group) === undefined));
  const groups = apart ?? new Map(deploys.map((deploy, index) => [`step-${index + 1}`, [deploy]]));
  const bundles = [...groups].map(([name, own]) => ({ name: slug(name), intents: own }));
  const names = bundles.map(({ name }) => name).join(', ');
  const { position, name } = conflict.at;
  if (conflict.what === undefined) notes.add('ACCOUNTS', position, {}, [names]);
  else notes.add('ENVIRONMENTS', position, { key: String(name.value) }, [conflict.what, names]);
  return bundles;
}

/** What keeps steps out of one file: a difference in words, or without them, another account. */
interface Conflict {
  readonly at: Intent;
  readonly what?: string;
}

function conflictOf(deploys: readonly Intent[]): Conflict | undefined {
  for (const [one, ...others] of groupBy(deploys, identity).values())
    for (const [index, other] of others.entries()) {
      const [path] = one === undefined ? [] : differing(settingsNode(one), settingsNode(other));
      const name = String(other.name.value);
      if (path !== undefined) return { at: other, what: `${formatPath(path)} of ${name}` };
      const earlier = [one, ...others.slice(0, index)].filter((before) => before !== undefined);
      const twin = earlier.find(({ aliases }) => aliases.some((alias) => other.aliases.includes(alias)));
      if (twin !== undefined && !equal(jsonOf(twin.alias), jsonOf(other.alias)))
        return { at: other, what: `the alias ${other.aliasWord} of ${name}` };
    }
  const accounts = new Set(deploys.flatMap(({ account }) => account ?? []));
  const [first] = deploys;
  return accounts.size > 1 && first !== undefined ? { at: first } : undefined;
}

/** The settings of a deployment as one map. */
export function settingsNode({ position, settings }: Intent): MapNode {
  return mapOf(position, settings);
}

function differing(left: MapNode, right: MapNode): readonly Path[] {
  const keys = [...new Set([...left.entries.keys(), ...right.entries.keys()])];
  return keys.flatMap((key): readonly Path[] => {
    const [a, b] = [left.entries.get(key)?.node, right.entries.get(key)?.node];
    if (equal(jsonOf(a), jsonOf(b))) return [];
    const isDeep = key === 'environment' && a?.kind === 'map' && b?.kind === 'map';
    return isDeep ? differing(a, b).map((path) => [key, ...path]) : [[key]];
  });
}

function jsonOf(node: Node | undefined): unknown {
  return node === undefined ? undefined : toJson(node);
}

function isSameAlias(deploy: Intent, intent: Intent): boolean {
  const regions = [deploy.region?.value, intent.region?.value];
  const isSameRegion = regions.includes(undefined) || regions[0] === regions[1];
  const hasAliases = intent.aliases.every((name) => deploy.aliases.includes(name));
  return isSameRegion && hasAliases && deploy.name.value === intent.name.value;
}

/** Values by a key, in the order in which the keys came. */
export function groupBy<Value>(values: readonly Value[], key: (value: Value) => string): Map<string, Value[]> {
  const groups = new Map<string, Value[]>();
  for (const value of values) groups.set(key(value), [...(groups.get(key(value)) ?? []), value]);
  return groups;
}

/** How many characters a key of the file may have. */
const MAX_KEY = 64;

/** A name as a key of the file: expressions and other characters become dashes. */
export function slug(name: string): string {
  const plain = name.replace(/\$\{[^}]*\}/g, '-').replace(/[^A-Za-z0-9_]+/g, '-');
  return plain.replace(/^-+|-+$/g, '').slice(0, MAX_KEY) || 'function';
}
