import { FIELDS } from '../model/fields.js';
import { LATEST, type DesiredFunction, type LiveFunction } from '../model/function.js';
import type { DriftDifference } from '../model/drift.js';
import { isJsonObject, type Json } from '../model/json.js';
import type { DeployRecord } from '../model/record.js';
import { diffContent, ownValue, type PathDifference } from './compare.js';
import { classOf } from './drift-classes.js';
import { hasFileMoved } from './drift-parts.js';
import { contentOf, normalizeValue, settingField, type Content } from './normalize.js';
import { recordedFunction, snapshotOf } from './recorded.js';
import { isIgnored, isKnown, isManaged, isUnknown, overlay } from './target.js';

/** The digest of `$LATEST` that records keep, of a content. */
export type DigestOf = (content: Content) => string;

/** What is to be said of `$LATEST`. */
export interface LatestDrift {
  readonly differences: readonly DriftDifference[];
  readonly notes: readonly string[];
}

/** What the last deployment left in `$LATEST`, with the live value wherever that is not known. */
interface Left {
  readonly content: Content;
  readonly knows: (path: string) => boolean;
  /** Whether `$LATEST` moved in what is not known: else its digest would be the recorded one. `undefined`: nothing tells. */
  readonly hasMoved: boolean | undefined;
  /** What it is known from. */
  readonly by: 'version' | 'spec' | 'digest' | 'nothing';
  /** Why it is not known at all. Absent: it is. */
  readonly unknown?: string;
}

/**
 * `$LATEST` against the newest record that tells of it (semantics 25), path by path: what the file moved is pending, what somebody
 * moved in AWS is drift, both is a conflict.
 *
 * @param newest absent: nothing is recorded
 * @throws AWS_UNREADABLE when the file manages the variables and AWS does not show them
 */
export function latestDrift(
  desired: DesiredFunction,
  live: LiveFunction,
  newest: DeployRecord | undefined,
  digestOf: DigestOf | undefined,
): LatestDrift {
  const current = contentOf(live.latest, live.name);
  const left = leftBy(desired, live, newest, digestOf);
  const all = diffContent(left.content, current);
  const moved = all.filter(({ path }) => !isIgnored(desired, path) && path !== HIDDEN);
  const wanted = diffContent(current, overlay(desired, current)).filter(({ path }) => isKnown(desired, path));
  const asked = new Set(diffContent(left.content, overlay(desired, left.content)).map(({ path }) => path));
  const isUnseen = left.hasMoved === true;
  const differences = [
    ...patched(desired, live, newest),
    ...moved.map((one) => movedAt(desired, one, wanted, asked)),
    ...wanted
      .filter(({ path }) => moved.every((one) => one.path !== path))
      .map((one) => wantedAt(one, left.knows(one.path), isUnseen)),
  ];
  const notes = [
    ...(all.some(({ path }) => path === HIDDEN) ? [HIDDEN_VARIABLES] : []),
    ...(left.unknown === undefined ? [] : [`$LATEST is not compared: ${left.unknown}`]),
  ];
  if (!isUnseen || differences.some((one) => one.class === 'conflict')) return { differences, notes };
  if (left.by === 'version') return { differences: [...differences, ...movedDescription(desired, live)], notes };
  if (left.by === 'digest' && differences.length === 0 && isAdopted(desired, newest))
    return { differences, notes: [...notes, AS_THE_FILE] };
  const recorded = newest?.latestDigest ?? null;
  const whole: DriftDifference = {
    path: LATEST,
    recorded,
    live: digestOf?.(current) ?? null,
    desired: null,
    class: 'drift',
  };
  return { differences: [...differences, whole], notes };
}

/** AWS patches a runtime under the same name: of `$LATEST` at its next update, of a version when it rolls the patch out. */
function patched(desired: DesiredFunction, live: LiveFunction, newest: DeployRecord | undefined): DriftDifference[] {
  const snapshot = newest && snapshotOf(desired, live, newest);
  const [recorded, now] = [snapshot?.runtimeVersionArn, live.latest.runtimeVersionArn];
  if (recorded === undefined || now === undefined || recorded === now) return [];
  // Another runtime is somebody's edit, and has another patch level of its own.
  if (snapshot?.settings.runtime !== live.latest.settings.runtime) return [];
  return [{ path: 'runtimeVersion', recorded, live: now, desired: null, class: 'aws' }];
}

const HIDDEN = 'environment';
const HIDDEN_VARIABLES = 'the variables are not compared: AWS does not show them';

function leftBy(
  desired: DesiredFunction,
  live: LiveFunction,
  newest: DeployRecord | undefined,
  digestOf: DigestOf | undefined,
): Left {
  const current = contentOf(live.latest, live.name);
  const nothing: Left = { by: 'nothing', content: current, knows: () => false, hasMoved: undefined };
  if (newest === undefined) return nothing;
  const left = knownFrom(desired, live, newest, current) ?? nothing;
  const { latestDigest: was } = newest;
  if (was === undefined || digestOf === undefined)
    return left.by === 'nothing' ? { ...left, unknown: whyUnknown(newest) } : left;
  const succeeded = newest.result === 'succeeded';
  // After a success the version says more than the digest, which has no values; a run that failed may have left something else.
  const isAsLeft = digestOf(current) === was && (!succeeded || left.by === 'nothing');
  if (isAsLeft) return { by: 'digest', content: current, knows: () => true, hasMoved: false };
  // A run that failed may have left something else than the version that it tried: then only the paths tell.
  if (left.by === 'version' && !succeeded && newest.result !== 'pending') return left;
  const by = left.by === 'nothing' ? 'digest' : left.by;
  const hasMoved = digestOf(left.content) !== was;
  // What others own is in the digest, too, and is theirs to move.
  return { ...left, by, hasMoved: hasMoved && mayBeTheirs(desired, left, current) ? undefined : hasMoved };
}

/** Whether what moved may be what the file leaves to others. A version shows whether that moved; a digest has no values of variables. */
function mayBeTheirs(desired: DesiredFunction, left: Left, current: Content): boolean {
  if (left.by !== 'version') return desired.ignoreChanges.some((path) => !/^(tags|aliases)\./.test(path));
  return diffContent(left.content, current).some(
    ({ path, before, after, sensitive }) =>
      isIgnored(desired, path) && !(sensitive === true && before !== null && after !== null),
  );
}

/** What the version, or else the record's spec says. */
function knownFrom(
  desired: DesiredFunction,
  live: LiveFunction,
  newest: DeployRecord,
  current: Content,
): Left | undefined {
  const spec = newest.result === 'succeeded' ? newest.spec : undefined;
  const recorded = spec && recordedFunction(spec, { desired, code: newest.code?.codeSha256 });
  const snapshot = snapshotOf(desired, live, newest);
  if (snapshot !== undefined) {
    const knowsDescription = recorded?.settings.description !== undefined;
    const { description = '' } = (recorded === undefined ? current : overlay(recorded, current)).settings;
    const content = contentOf(snapshot, live.name);
    return {
      by: 'version',
      content: { ...content, settings: { ...content.settings, description } },
      knows: (path) => path !== 'description' || knowsDescription,
      hasMoved: undefined,
    };
  }
  if (recorded === undefined) return undefined;
  const knows = (path: string): boolean => isManaged(recorded, path);
  return { by: 'spec', content: overlay(recorded, current), knows, hasMoved: undefined };
}

function whyUnknown({ result }: DeployRecord): string {
  return result === 'succeeded'
    ? 'the last deployment left no version to compare with'
    : `the last deployment ${result.replace('_', ' ')} and left it unfinished`;
}

function movedAt(
  desired: DesiredFunction,
  { path, before, after, sensitive }: PathDifference,
  wanted: readonly PathDifference[],
  asked: ReadonlySet<string>,
): DriftDifference {
  const sides = { moved: true, wants: wanted.some((one) => one.path === path), asked: asked.has(path) };
  const unknown = isUnknown(desired, path);
  return {
    path,
    recorded: before,
    live: after,
    desired: desiredAt(desired, path),
    class: classOf({ ...sides, isManaged: isManaged(desired, path) }),
    ...(unknown ? { unknown: ['desired'] } : {}),
    ...(sensitive === true ? { sensitive } : {}),
  };
}

/** What the file moved. Where only a digest says that AWS moved too, it may have been this path. */
function wantedAt(
  { path, before, after, sensitive }: PathDifference,
  isRecorded: boolean,
  isUnseen: boolean,
): DriftDifference {
  return {
    path,
    recorded: isRecorded ? before : null,
    live: before,
    desired: after,
    class: !isRecorded && isUnseen ? 'conflict' : 'pending',
    ...(isRecorded ? {} : { unknown: ['recorded'] }),
    ...(sensitive === true ? { sensitive } : {}),
  };
}

/** Beside a version's content only the description is in the digest, and what it was is not known. */
function movedDescription(desired: DesiredFunction, live: LiveFunction): DriftDifference[] {
  const path = 'description';
  if (isIgnored(desired, path)) return [];
  const sides = { moved: true, wants: false, asked: false, isManaged: isManaged(desired, path) };
  const own = { path, recorded: null, live: live.latest.description, desired: desiredAt(desired, path) };
  return [{ ...own, class: classOf(sides), unknown: ['recorded'] }];
}

/** Whether the file has changed since, and says something that live then is. */
function isAdopted(desired: DesiredFunction, newest: DeployRecord | undefined): boolean {
  return (
    hasFileMoved(desired, newest) && (desired.code !== undefined || FIELDS.some(({ key }) => isManaged(desired, key)))
  );
}

const AS_THE_FILE = '$LATEST is not what the last deployment left, but it is what the file says now';

/** What the file says at a path; `null` where it says nothing or cannot tell. */
function desiredAt(desired: DesiredFunction, path: string): Json {
  if (!isManaged(desired, path)) return null;
  const [key = '', ...members] = path.split('.');
  if (key === 'code') return desired.code?.codeSha256 ?? null;
  if (key === 'environment')
    return ownValue(desired.environment ?? {}, members[0] ?? '') === undefined ? null : '(set)';
  const setting = desired.settings[key as keyof DesiredFunction['settings']];
  let value = normalizeValue(settingField(key), setting, desired.name);
  for (const member of members) value = isJsonObject(value) ? ownValue(value, member) : undefined;
  return value ?? null;
}
