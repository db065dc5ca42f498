import { resolve } from 'node:path';
import { isUnreadable, type DesiredFunction, type LiveFunction, type LiveVersion } from '../model/function.js';
import type { LiveState, SnapshotFunction, SnapshotVersion } from '../model/live-state.js';
import { FORMAT_VERSION } from '../model/plan.js';
import type { DeployRecord } from '../model/record.js';
import type { Secret } from '../model/secret.js';
import { RECORD_PREFIX } from '../planner/tags.js';
import { VERSION, type Context } from './context.js';
import { NewFiles } from './new-files.js';
import type { FunctionState, Session } from './session.js';

/** Older ones are seldom published again; the file must stay one that people can hand around. */
const MAX_LISTED_VERSIONS = 200;

/** One function, and what reads more of it. */
export interface Shot extends FunctionState {
  readonly desired: DesiredFunction;
  readonly session: Session;
}

/**
 * Writes what a plan needs of AWS: names and digests, no value of a variable, no link, no hash of a value (semantics 33). Whole or not
 * at all; a file that is there is replaced.
 *
 * @param account the file's, that AWS was asked to confirm
 * @throws FILE_NOT_WRITTEN, AWS_*
 */
export async function writeSnapshot(
  context: Context,
  path: string,
  about: { readonly environment?: string; readonly account?: string },
  shots: readonly Shot[],
): Promise<void> {
  const { environment, account } = about;
  const state: LiveState = {
    formatVersion: FORMAT_VERSION,
    kind: 'live-state',
    takenAt: new Date(context.host.clock.now()).toISOString(),
    toolVersion: VERSION,
    ...(environment === undefined ? {} : { environment }),
    functions: await Promise.all(shots.map((shot) => functionOf(context, shot, account))),
  };
  const to = resolve(context.host.cwd, path);
  const files = await NewFiles.reserve([to], true);
  await files.write(to, `${JSON.stringify(state, null, 2)}\n`);
}

async function functionOf(context: Context, shot: Shot, account: string | undefined): Promise<SnapshotFunction> {
  const { desired, session, live } = shot;
  const { name } = desired;
  const { region } = session.lambda;
  if (live === undefined) return { name, region, ...(account === undefined ? {} : { account }), exists: false };
  const [listed, aliases] = await Promise.all([
    session.lambda.listVersions(name),
    withProvisionedConcurrency(session, desired, live.aliases),
  ]);
  const versions = [...live.versions, ...unread(listed, live.versions)];
  // A reason is AWS's text, which may repeat what was sent.
  versions.forEach((version) => context.output.redactor.learnVersion(version));
  const withoutValues = valuesByNumber(context);
  return {
    name,
    region,
    account: live.arn.split(':')[4] ?? '',
    exists: true,
    arn: live.arn,
    latest: withoutValues(live.latest),
    aliases: aliases.map(({ revisionId: _, ...rest }) => rest),
    versions: versions.map(withoutValues),
    tags: isUnreadable(live.tags) ? live.tags : tagsOf(desired, live.tags),
    ...(live.codeSigningConfigArn === undefined ? {} : { codeSigningConfigArn: live.codeSigningConfigArn }),
    ...(live.reservedConcurrentExecutions === undefined
      ? {}
      : { reservedConcurrentExecutions: live.reservedConcurrentExecutions }),
    records: [...shot.records].map(([alias, records]) => ({ alias, records: records.map(brief) })),
  };
}

function unread(listed: readonly LiveVersion[], read: readonly LiveVersion[]): readonly LiveVersion[] {
  const known = new Set(read.map(({ version }) => version));
  return listed.filter(({ version }) => !known.has(version)).slice(-MAX_LISTED_VERSIONS);
}

/** As for a plan: only a weighted rollout has to know. */
function withProvisionedConcurrency(
  { lambda }: Session,
  { name, aliases }: DesiredFunction,
  live: LiveFunction['aliases'],
): Promise<LiveFunction['aliases']> {
  const weighted = aliases.filter(({ rollout }) => (rollout?.steps.length ?? 0) > 0).map((alias) => alias.name);
  return Promise.all(
    live.map(async (alias) =>
      weighted.includes(alias.name)
        ? { ...alias, hasProvisionedConcurrency: await lambda.hasProvisionedConcurrency(name, alias.name) }
        : alias,
    ),
  );
}

/** Numbers values in the order in which they are met, name by name. */
function valuesByNumber({ output }: Context): (version: LiveVersion) => SnapshotVersion {
  const met = new Map<string, Secret[]>();
  const numberOf = (name: string, value: Secret): number => {
    const values = met.get(name) ?? [];
    met.set(name, values);
    const at = values.findIndex((one) => one.equals(value));
    return at >= 0 ? at + 1 : values.push(value);
  };
  return ({ revisionId: _, codeLocation: __, environment, ...rest }) => {
    const { stateReason, lastUpdateStatusReason } = rest;
    return {
      ...rest,
      ...(stateReason === undefined ? {} : { stateReason: output.redactor.redact(stateReason) }),
      ...(lastUpdateStatusReason === undefined
        ? {}
        : { lastUpdateStatusReason: output.redactor.redact(lastUpdateStatusReason) }),
      variables: isUnreadable(environment)
        ? environment
        : Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, numberOf(name, value)])),
    };
  };
}

/** Values of those that the file names, and of those that hold records; of the others that they are there. */
function tagsOf({ tags }: DesiredFunction, live: Readonly<Record<string, string>>): Record<string, string | null> {
  const isNamed = (key: string): boolean => key.startsWith(RECORD_PREFIX) || Object.hasOwn(tags, key);
  return Object.fromEntries(Object.entries(live).map(([key, value]) => [key, isNamed(key) ? value : null]));
}

/** What decides of a record; its spec has values as they are written, its error what AWS or a handler said. */
function brief({ spec: _, operations: __, error, ...rest }: DeployRecord): DeployRecord {
  return { ...rest, ...(error === undefined ? {} : { error: { code: error.code, message: '' } }) };
}
