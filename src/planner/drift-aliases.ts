import { type DesiredAlias, type DesiredFunction, type LiveFunction } from '../model/function.js';
import type { DriftDifference } from '../model/drift.js';
import type { Json } from '../model/json.js';
import { literal } from '../model/reference.js';
import type { DeployRecord } from '../model/record.js';
import { diffContent, ownValue, sameVersionContent } from './compare.js';
import { compareLeaf } from './drift-classes.js';
import { at, hasFileMoved } from './drift-parts.js';
import { contentOf } from './normalize.js';
import { hasUnfinished, newestSettled } from './recorded.js';
import { isKnown, overlay } from './target.js';

/**
 * The declared aliases against their records and the file.
 *
 * @param records newest first, by alias
 * @param isLatestAccepted whether nobody moved `$LATEST` to what the file does not say
 */
export function aliasesDrift(
  desired: DesiredFunction,
  live: LiveFunction,
  records: ReadonlyMap<string | null, readonly DeployRecord[]>,
  isLatestAccepted: boolean,
): DriftDifference[] {
  return desired.aliases.flatMap((alias) => {
    const own = records.get(alias.name) ?? [];
    const all = aliasDrift(alias, own, live);
    if (!isLatestAccepted || alias.version !== undefined || !hasFileMoved(desired, newestSettled(own))) return all;
    return all.map((one) => (one.path === `aliases.${alias.name}.version` ? asServed(desired, live, one) : one));
  });
}

/**
 * Where somebody moved an alias to a version that is what the file has come to say: that is then where the file wants it. Without a
 * change of the file it stays drift, since nobody committed it.
 */
function asServed(desired: DesiredFunction, live: LiveFunction, difference: DriftDifference): DriftDifference {
  const served = live.versions.find(({ version }) => version === difference.live);
  if (served === undefined) return difference;
  const latest = contentOf(live.latest, live.name);
  const isLatest = sameVersionContent(contentOf(served, live.name), latest);
  const isWanted = diffContent(latest, overlay(desired, latest)).every(({ path }) => !isKnown(desired, path));
  return isLatest && isWanted ? { ...difference, desired: difference.live, class: 'pending' } : difference;
}

/** Where one alias points, how it splits its traffic and what it is described as. A run of ours that has not ended says nothing. */
function aliasDrift(desired: DesiredAlias, records: readonly DeployRecord[], live: LiveFunction): DriftDifference[] {
  // A run of ours that never ended may have moved it: that is nobody's edit.
  if (hasUnfinished(records)) return [];
  const path = `aliases.${desired.name}`;
  const found = live.aliases.find(({ name }) => name === desired.name);
  const settled = settledFor(found, records);
  const wanted = desired.version ?? null;
  const was = settled?.version ?? null;
  if (found === undefined) {
    const missing = { path, recorded: was, live: null, desired: wanted };
    return [{ ...missing, class: was === null ? 'pending' : 'drift' }];
  }
  const version = { path: `${path}.version`, recorded: was ?? undefined, live: found.version };
  const isMoved = was !== null && was !== found.version;
  return [
    ...(desired.version === undefined
      ? isMoved
        ? [{ ...version, recorded: was, desired: null, class: 'drift' as const }]
        : []
      : compareLeaf({ ...version, desired: desired.version })),
    ...weightDrift(`${path}.weights`, found, settled),
    ...compareLeaf({
      path: `${path}.description`,
      recorded: descriptionOf(settled, desired.name),
      live: found.description,
      desired: desired.description === null ? '' : desired.description,
    }),
  ];
}

type Alias = LiveFunction['aliases'][number];

/**
 * The newest record that settled. Who failed without moving the alias knows only where it stood before: where another run moved it
 * meanwhile, and it stands so, that one's record counts.
 */
function settledFor(found: Alias | undefined, records: readonly DeployRecord[]): DeployRecord | undefined {
  const settled = newestSettled(records);
  const hasMoved = ({ result, version, previousVersion }: DeployRecord): boolean =>
    result !== 'failed' || version !== previousVersion;
  if (settled === undefined || found === undefined || hasMoved(settled)) return settled;
  const mover = newestSettled(records.filter(hasMoved));
  return mover !== undefined && isLeftAt(found, mover) && !isLeftAt(found, settled) ? mover : settled;
}

/** Whether the alias stands where the record says that its run left it. */
function isLeftAt({ version, weights }: Alias, record: DeployRecord): boolean {
  const shares = Object.keys(weights);
  const isShared = record.result === 'pending' && record.triedVersion !== undefined;
  return record.version === version && (isShared ? shares.includes(record.triedVersion ?? '') : shares.length === 0);
}

function weightDrift(
  path: string,
  { weights, hasProvisionedConcurrency }: Alias,
  settled?: DeployRecord,
): DriftDifference[] {
  const tried = settled?.result === 'pending' ? settled.triedVersion : undefined;
  const isOurs = tried !== undefined && ownValue(weights, tried) !== undefined;
  const isNone = Object.keys(weights).length === 0;
  if (settled === undefined || isOurs || (isNone && tried === undefined)) return [];
  // A share is not in a record: only that there was one.
  const recorded = tried === undefined ? { recorded: {} } : { recorded: null, unknown: ['recorded'] as const };
  // Nobody can set both: these weights are Lambda's own, while it allocates for another version.
  const isAws = tried === undefined && hasProvisionedConcurrency === true;
  return [{ path, ...recorded, live: { ...weights }, desired: null, class: isAws ? 'aws' : 'drift' }];
}

function descriptionOf(settled: DeployRecord | undefined, alias: string): Json | undefined {
  if (settled?.result !== 'succeeded' || settled.spec === undefined) return undefined;
  const was = literal(at(settled.spec, ['aliases', alias, 'description']));
  return was === null ? '' : was;
}
