import { DeployError } from '../errors.js';
import { LATEST, type Version } from '../model/function.js';
import { FORMAT_VERSION } from '../model/plan.js';
import type { DeployRecord, RecordResult } from '../model/record.js';
import { RECORD_ID, recordTime } from '../model/record-id.js';
import { JOB_TRY } from '../model/running.js';
import { arrange } from './record.js';

/**
 * The longest value of a tag, in characters.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html
 */
const MAX_VALUE_CHARACTERS = 256;

/** Changed when an older lambda-deploy would misread the value. */
const ENCODING = '1';

/** Characters kept of a digest and of a commit: enough to recognise, too few to fill the tag. */
const CODE_CHARACTERS = 8;
const DIGEST_CHARACTERS = 12;
const BUILD_CHARACTERS = 16;

/** A deploy's result in one letter; a rollback's is the capital. */
const LETTERS: Readonly<Record<RecordResult, string>> = {
  open: 'o',
  pending: 'p',
  succeeded: 's',
  failed: 'f',
  rolled_back: 'r',
};
const RESULTS = new Map(Object.entries(LETTERS).map(([result, letter]) => [letter, result as RecordResult]));

/** Four digits of base 36: 19 days, longer than any run. */
const MAX_SECONDS = 36 ** 4 - 1;

/** `$` is no character of a tag, and `-` no version. */
const LATEST_WORD = 'L';
const NOTHING = '-';

/** id and letter, version, previous version, code, seconds from start to finish in base 36, then details. */
const ENTRY =
  /^([0-9a-z]{12})([opsfrOPSFR]):(\d+|L|-):(\d+|L|-):([A-Za-z0-9+/=]{1,8}|-):([0-9a-z]{1,4}|-)((?::[a-z][^:]*)*)$/;

/**
 * On which records a detail stays: all; the newest and the newest that succeeded; these and the newest deploy that succeeded,
 * which a rollback may have taken back; these, all that were taken back, and those of which another detail asks for it; the newest
 * that has it; the newest, unless it succeeded and is no promotion; or the one that may still go on.
 */
type Kept = 'always' | 'recent' | 'deployed' | 'held' | 'written' | 'retried' | 'running';

/** On a record that was taken back, so that the rollback that says so need not be kept. */
const TAKEN_BACK = 'x';

/** Details by their letter. A rollback cannot be understood without what it left and restored. */
const DETAILS: readonly {
  readonly letter: string;
  readonly key:
    | 'planDigest'
    | 'restores'
    | 'leaves'
    | 'triedVersion'
    | 'specDigest'
    | 'latestDigest'
    | 'deadline'
    | 'job'
    | 'commit'
    | 'build';
  readonly kept: Kept;
  readonly form: RegExp;
  readonly characters?: number;
}[] = [
  { letter: 'r', key: 'restores', kept: 'always', form: RECORD_ID },
  { letter: 'l', key: 'leaves', kept: 'always', form: RECORD_ID },
  { letter: 't', key: 'triedVersion', kept: 'always', form: /^\d+$/ },
  { letter: 'p', key: 'planDigest', kept: 'retried', form: /^[0-9a-f]{12,64}$/, characters: DIGEST_CHARACTERS },
  { letter: 's', key: 'specDigest', kept: 'held', form: /^[0-9a-f]+$/, characters: DIGEST_CHARACTERS },
  { letter: 'c', key: 'commit', kept: 'deployed', form: /^[0-9a-zA-Z]+$/, characters: DIGEST_CHARACTERS },
  { letter: 'b', key: 'build', kept: 'recent', form: /^[\w.+/=@-]+$/, characters: BUILD_CHARACTERS },
  // Compared whole with the live function, so it travels whole: 64 hexadecimal digits as 44 of base 64.
  { letter: 'd', key: 'latestDigest', kept: 'written', form: /^[A-Za-z0-9+/]{43}=$/ },
  // Seconds after it began, in base 36.
  { letter: 'e', key: 'deadline', kept: 'running', form: /^[0-9a-z]{1,4}$/ },
  { letter: 'j', key: 'job', kept: 'running', form: JOB_TRY },
];

/**
 * The records of one alias as the value of a tag: at most 256 characters of AWS's set. Digests, commit and
 * build stay on the newest records only. What does not fit is left out, never the newest,
 * see {@link leastNeeded}.
 */
export function encode(records: readonly DeployRecord[]): string {
  const kept = [...arrange(records)];
  const recent = [kept[0], kept.find(({ result }) => result === 'succeeded')];
  const deployed = kept.find(({ action, result }) => action === 'deploy' && result === 'succeeded');
  const written = kept.find(({ latestDigest }) => latestDigest !== undefined);
  const running = runningOf(kept);
  const details = (record: DeployRecord): readonly Kept[] => [
    'always',
    ...(recent.includes(record) ? (['recent', 'deployed', 'held'] as const) : []),
    ...(record === deployed ? (['deployed', 'held'] as const) : []),
    ...(record.takenBack === true ? (['held'] as const) : []),
    ...(record === kept[0] && mayBeRetried(record) ? (['retried'] as const) : []),
    ...(record === written ? (['written', 'held'] as const) : []),
    ...(record === running ? (['running', 'held'] as const) : []),
  ];
  const text = (): string => [ENCODING, ...kept.map((record) => entryOf(record, details(record)))].join(' ');
  while (text().length > MAX_VALUE_CHARACTERS && kept.length > 1)
    kept.splice(leastNeeded(kept, deployed, [written, running]), 1);
  return text();
}

/**
 * What a full tag loses next, the oldest deployment of each kind, so that versions to go back to stay longest: what did not succeed,
 * unless it is asked for; a rollback, unless it is all that is known of the deployment it went to; what was taken back, but for the newest and the newest deployment,
 * which an apply is held against; then any other, never the newest.
 *
 * @param deployed the newest deployment that succeeded
 * @param asked what tells of `$LATEST`, and of the run that may still go on
 */
function leastNeeded(
  kept: readonly DeployRecord[],
  deployed: DeployRecord | undefined,
  asked: readonly (DeployRecord | undefined)[],
): number {
  const [newest] = kept;
  const deploymentId = ({ id, restores }: DeployRecord): string => restores ?? id;
  const older = kept.slice(1).reverse();
  // The marks of an older one would count again without the later that took them off.
  const firstRollback = older.find(({ action }) => action === 'rollback');
  const kinds: readonly ((record: DeployRecord) => boolean)[] = [
    (record) => record.result !== 'succeeded' && !asked.includes(record),
    (record) => record === firstRollback && kept.some(({ id }) => id === record.restores),
    (record) =>
      record.action === 'deploy' && record.takenBack === true && record !== deployed && record.id !== newest?.leaves,
  ];
  const least = kinds.map((isOf) => older.find(isOf)).find((record) => record !== undefined);
  const oldest = older
    .filter((record) => record.action === 'deploy' || record === firstRollback)
    .reduce((one, other) => (deploymentId(other) < deploymentId(one) ? other : one));
  return kept.indexOf(least ?? oldest);
}

function entryOf(record: DeployRecord, details: readonly Kept[]): string {
  const { id, action, result, version, previousVersion, codeSha256, startedAt, finishedAt } = record;
  const letter = action === 'rollback' ? LETTERS[result].toUpperCase() : LETTERS[result];
  const seconds = finishedAt === null ? undefined : Math.round((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000);
  const fields = [
    id + letter,
    wordOf(version),
    wordOf(previousVersion),
    codeSha256?.slice(0, CODE_CHARACTERS) || NOTHING,
    seconds === undefined ? NOTHING : Math.min(Math.max(0, seconds), MAX_SECONDS).toString(36),
  ];
  if (record.takenBack === true) fields.push(TAKEN_BACK);
  for (const { letter: mark, key, kept, form, characters } of DETAILS) {
    const word = packed(record, key, characters);
    // What does not have its form (a commit called HEAD~1) must not break the value that the record lives in.
    if (details.includes(kept) && form.test(word)) fields.push(mark + word);
  }
  return fields.join(':');
}

/** The value of a detail as a tag has it. */
function packed(record: DeployRecord, key: (typeof DETAILS)[number]['key'], characters?: number): string {
  const value = record[key] ?? '';
  if (key === 'latestDigest') return Buffer.from(value, 'hex').toString('base64');
  if (key !== 'deadline') return plain(value, characters);
  const seconds = Math.ceil((Date.parse(value) - recordTime(record.id)) / 1000);
  return Math.min(Math.max(0, seconds), MAX_SECONDS).toString(36);
}

/** The other way round. @param started milliseconds since the epoch */
function unpacked(key: (typeof DETAILS)[number]['key'], word: string, started: number): string {
  if (key === 'latestDigest') return Buffer.from(word, 'base64').toString('hex');
  return key === 'deadline' ? new Date(started + Number.parseInt(word, 36) * 1000).toISOString() : word;
}

/** Whether a job that runs again asks whose it was: of what succeeded only a promotion's, which says nothing of `$LATEST`. */
function mayBeRetried({ result, latestDigest }: DeployRecord): boolean {
  return result !== 'succeeded' || latestDigest === undefined;
}

/** The run that may still go on: see runningElsewhere. */
function runningOf(records: readonly DeployRecord[]): DeployRecord | undefined {
  const newest = records.find(({ result }) => result !== 'failed');
  return newest?.result === 'open' ? newest : undefined;
}

/** Only what a tag may have, without the characters that part entries and fields. */
function plain(value: string, characters?: number): string {
  return value.slice(0, characters).replace(/[^A-Za-z0-9+\-=._/@]/g, '_');
}

function wordOf(version: Version | null): string {
  return version === null ? NOTHING : version === LATEST ? LATEST_WORD : version;
}

function versionOf(word: string | undefined): Version | null {
  return word === undefined || word === NOTHING ? null : word === LATEST_WORD ? LATEST : word;
}

/**
 * What a tag tells of one alias's records, newest first. Anybody may write a tag: what cannot be understood is as if it were not
 * there, which at worst leaves a rollback to ask for `--to`.
 *
 * @throws RECORD_STORE when a newer lambda-deploy wrote it: overwriting would lose what it knows
 */
export function decode(value: string, functionName: string, alias: string | null): readonly DeployRecord[] {
  const [encoding, ...entries] = value.split(' ');
  if (/^\d+$/.test(encoding ?? '') && Number(encoding) > Number(ENCODING)) {
    const detail = `The record of ${alias ?? 'the function'} of ${functionName} has format ${encoding ?? ''}; this lambda-deploy reads ${ENCODING}.`;
    throw new DeployError('RECORD_STORE', detail, {
      subject: functionName,
      fix: 'use the lambda-deploy that wrote it, or a newer one.',
    });
  }
  if (encoding !== ENCODING) return [];
  return arrange(entries.flatMap((entry) => recordOf(entry, functionName, alias) ?? []));
}

function recordOf(entry: string, functionName: string, alias: string | null): DeployRecord | undefined {
  const [, id, letter, version, previous, code, seconds, details] = ENTRY.exec(entry) ?? [];
  const result = RESULTS.get(letter?.toLowerCase() ?? '');
  if (id === undefined || result === undefined || (result === 'open') !== (seconds === NOTHING)) return undefined;
  const started = recordTime(id);
  const finished = started + Number.parseInt(seconds ?? '', 36) * 1000;
  return {
    formatVersion: FORMAT_VERSION,
    id,
    action: letter === letter?.toLowerCase() ? 'deploy' : 'rollback',
    function: functionName,
    alias,
    result,
    version: versionOf(version),
    previousVersion: versionOf(previous),
    codeSha256: code === undefined || code === NOTHING ? null : code,
    startedAt: new Date(started).toISOString(),
    finishedAt: result === 'open' ? null : new Date(finished).toISOString(),
    ...detailsOf(details ?? '', started),
  };
}

function detailsOf(text: string, started: number): Partial<DeployRecord> {
  const found: Record<string, string> = {};
  let isTakenBack = false;
  for (const part of text.split(':')) {
    const word = part.slice(1);
    if (part === TAKEN_BACK) isTakenBack = true;
    const detail = DETAILS.find(({ letter, form }) => part.startsWith(letter) && form.test(word));
    if (detail === undefined) continue;
    found[detail.key] = unpacked(detail.key, word, started);
  }
  return isTakenBack ? { ...found, takenBack: true } : found;
}
