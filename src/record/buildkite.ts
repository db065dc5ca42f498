import { createHash } from 'node:crypto';
import { DeployError, isDeployError } from '../errors.js';
import type { BuildAgentPort, RecordStore, RecordSubject } from '../model/ports.js';
import { FORMAT_VERSION } from '../model/plan.js';
import type { DeployRecord } from '../model/record.js';
import { RECORD_ID } from '../model/record-id.js';
import { foldersOf, isRecord, parseStored } from './check.js';
import { arrange } from './record.js';

/** A value of the meta-data has 100,000 bytes at most. @see https://buildkite.com/docs/pipelines/configure/build-meta-data */
const MAX_VALUE_BYTES = 100_000;

/** What a full value does without first, from its oldest record on. */
const BULKY = ['spec', 'operations', 'error', 'unversioned'] as const;

const MAX_KEY_CHARACTERS = 100;
const HASH_DIGITS = 16;

/** Where a build deploys to: functions of one name in two accounts or regions are two functions. */
export interface BuildPlace {
  readonly region: string;
  /** Asked where a function does not exist yet, and so has no ARN that says it. */
  readonly account: () => Promise<string>;
}

/**
 * Records in the meta-data of the build, one key an alias: they are there for the steps of this build, and for nobody after it. The
 * meta-data know no condition: a write reads before it, and of two jobs that write at once one may lose its record; give the steps that
 * deploy one concurrency group.
 *
 * Every method throws RECORD_STORE, also where the agent does not answer.
 */
export function buildkiteStore(agent: BuildAgentPort, place: BuildPlace): RecordStore {
  const list: RecordStore['list'] = async (live, alias) => {
    const key = await keyOf(place, live, alias);
    const text = await orUnusable(key, agent.getMetaData(key));
    return text === undefined ? [] : arrange(parse(key, text));
  };
  const writeOne = async (live: RecordSubject, alias: string | null, own: readonly DeployRecord[]): Promise<void> => {
    const key = await keyOf(place, live, alias);
    const bad = own.find(({ id }) => !RECORD_ID.test(id));
    if (bad !== undefined) throw unusable(key, 'cannot hold a record with such an id');
    // The new record of an id comes first and so replaces the known one.
    const all = arrange([...own, ...(await list(live, alias))]);
    await orUnusable(key, agent.setMetaData(key, fitted(all)));
  };
  const write: RecordStore['close'] = async (live, records) => {
    // Side by side, because a signal leaves seconds for all; each is tried, whatever becomes of the others.
    const aliases = [...new Set(records.map(({ alias }) => alias))];
    const written = await Promise.allSettled(
      aliases.map((alias) =>
        writeOne(
          live,
          alias,
          records.filter((record) => record.alias === alias),
        ),
      ),
    );
    const failed = written.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  };
  return {
    kind: 'buildkite',
    list,
    read: (_live, record) => Promise.resolve(record),
    open: write,
    close: write,
    tagsFor: () => ({}),
  };
}

/** Why there is no such store outside of a build. */
export function noBuild(): DeployError {
  const detail =
    'the file keeps its records in the meta-data of a build (metadata: buildkite), and this is no job of one.';
  return new DeployError('RECORD_STORE', detail, {
    fix: 'run it in a build, or keep records elsewhere (metadata: tags, s3://BUCKET/PREFIX or file:DIR).',
  });
}

async function keyOf({ region, account }: BuildPlace, live: RecordSubject, alias: string | null): Promise<string> {
  const names = foldersOf(live.name, alias);
  const owner = live.arn === '' ? await account() : (live.arn.split(':')[4] ?? '');
  const key = ['lambda-deploy:records', owner, region, ...names].join(':');
  if (key.length <= MAX_KEY_CHARACTERS) return key;
  const hash = createHash('sha256').update(key).digest('hex').slice(0, HASH_DIGITS);
  return `${key.slice(0, MAX_KEY_CHARACTERS - HASH_DIGITS - 1)}:${hash}`;
}

function parse(key: string, text: string): readonly DeployRecord[] {
  const value: unknown = parseStored(text, (why, fix) => unusable(key, why, undefined, fix));
  const records = (value as { readonly records?: unknown } | null)?.records;
  if (!Array.isArray(records) || !records.every(isRecord)) throw unusable(key, 'holds no deployment records');
  return records;
}

/** As many records as fit, the newest first: the oldest lose what is bulky, and then go. The newest stays. */
function fitted(records: readonly DeployRecord[]): string {
  const kept = [...records];
  let slimmed = 0;
  const text = (): string => {
    const shown = kept.map((record, at) => (at < kept.length - slimmed ? record : slim(record)));
    return JSON.stringify({ formatVersion: FORMAT_VERSION, records: shown });
  };
  const isFull = (): boolean => Buffer.byteLength(text()) > MAX_VALUE_BYTES;
  while (isFull() && slimmed < kept.length) slimmed += 1;
  while (isFull() && kept.length > 1) kept.pop();
  return text();
}

function slim(record: DeployRecord): DeployRecord {
  const entries = Object.entries(record).filter(([member]) => !BULKY.some((bulky) => bulky === member));
  return Object.fromEntries(entries) as unknown as DeployRecord;
}

async function orUnusable<T>(key: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!isDeployError(error, 'BUILD_AGENT')) throw error;
    throw unusable(key, `cannot be had. ${error.detail}`.replace(/\.$/, ''), error);
  }
}

function unusable(
  key: string,
  why: string,
  cause?: DeployError,
  fix = 'see that buildkite-agent works in this job, and that no other step writes this key.',
): DeployError {
  return new DeployError('RECORD_STORE', `the build’s meta-data ${key} ${why}.`, {
    subject: key,
    cause,
    fix,
  });
}
