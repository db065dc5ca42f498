import { readAccount } from '../aws/account.js';
import { createAlarms } from '../aws/alarms.js';
import { readAttached } from '../aws/attached.js';
import type { AwsOptions } from '../aws/client.js';
import { createImageRegistry } from '../aws/image-registry.js';
import { createLambda, type ConnectedLambda } from '../aws/lambda.js';
import { createDocuments } from '../aws/documents.js';
import { createObjectStore, type ObjectStoreOptions } from '../aws/object-store.js';
import { readLive, readVersions } from '../aws/read-live.js';
import { createTrail } from '../aws/trail.js';
import { versionUses, type ReadVersionUses } from '../aws/version-uses.js';
import { waitUntilSettled } from '../aws/wait.js';
import { DeployError, isDeployError } from '../errors.js';
import type { Attachment } from '../model/drift.js';
import { LATEST, type Desired, type DesiredFunction, type LiveFunction, type LiveVersion } from '../model/function.js';
import type { AlarmsPort, LambdaPort, ObjectStorePort, RecordStore, RecordSubject, TrailPort } from '../model/ports.js';
import type { DeployRecord } from '../model/record.js';
import { versionsNeeded } from '../planner/deploy.js';
import { MAX_WAIT_SECONDS } from '../planner/duration.js';
import { buildkiteStore, noBuild } from '../record/buildkite.js';
import { fileStore } from '../record/file.js';
import { s3Store } from '../record/s3.js';
import { tagsStore } from '../record/tags.js';
import type { CodeEdges } from './code.js';
import { VERSION, type Context } from './context.js';
import { regionOf } from './host.js';
import { ProgressLines } from './progress.js';

/** AWS and the records, as this run reaches them. */
export interface Session {
  readonly lambda: ConnectedLambda;
  readonly records: RecordStore;
  readonly alarms: AlarmsPort;
  /** S3 in the function's region; its client is loaded by the first call. */
  readonly objects: ObjectStorePort;
  readonly readAccount: () => Promise<string>;
  /** CloudTrail in the function's region, by its first call. */
  readonly trail: TrailPort;
  /** See {@link readAttached}. */
  readonly readAttached: (name: string, aliases: readonly string[]) => Promise<readonly Attachment[]>;
  /** See {@link versionUses}. */
  readonly readVersionUses: ReadVersionUses;
}

/** AWS for one function: its own region's where it has one, otherwise the file's. */
export type Sessions = (one: Pick<DesiredFunction, 'region'>) => Promise<Session>;

/** Opens each region once, when the first function asks for it. */
export function openSessions(context: Context, desired: Pick<Desired, 'region' | 'metadata'>): Sessions {
  const opened = new Map<string | undefined, Promise<Session>>();
  return ({ region }) => {
    const known = opened.get(region);
    const session = known ?? openSession(context, region === undefined ? desired : { ...desired, region });
    opened.set(region, session);
    return session;
  };
}

/** How every client of this run reaches AWS. @param region the file's or the function's; absent: the environment's */
export function awsOptions(
  { host, options }: Pick<Context, 'host' | 'options'>,
  region: string | undefined,
): AwsOptions {
  // The SDK itself reads AWS_REGION and the profile; the aws CLI also has AWS_DEFAULT_REGION.
  const chosen = region ?? regionOf(host);
  return {
    userAgent: `lambda-deploy/${VERSION}`,
    stop: host.signal,
    ...(chosen === undefined || chosen === '' ? {} : { region: chosen }),
    ...(options.endpointUrl === undefined ? {} : { endpoint: options.endpointUrl }),
    ...(options.profile === undefined ? {} : { profile: options.profile }),
  };
}

/** The registry and S3 for reading code; each client is loaded by the first function that needs it. */
export function codeEdges(context: Context, region: string | undefined): CodeEdges {
  return {
    resolveDigest: (image) => createImageRegistry(awsOptions(context, region)).resolveDigest(image),
    objects: (own) => openObjects(context, own),
  };
}

function openObjects(context: Pick<Context, 'host' | 'options'>, region: string | undefined): ObjectStorePort {
  return createObjectStore(objectOptions(context, region));
}

function objectOptions(context: Pick<Context, 'host' | 'options'>, region: string | undefined): ObjectStoreOptions {
  const { AWS_ENDPOINT_URL_S3: own, AWS_ENDPOINT_URL: every } = context.host.env;
  return { ...awsOptions(context, region), isOverridden: Boolean(own || every) };
}

/** @throws REGION_MISSING; RECORD_STORE for a build's records without a build */
async function openSession(
  { host, options, output, build }: Context,
  desired: Pick<Desired, 'region' | 'metadata'>,
): Promise<Session> {
  // An empty variable is as good as none, to the SDK too.
  const overridden =
    options.endpointUrl ?? (host.env['AWS_ENDPOINT_URL_LAMBDA'] || host.env['AWS_ENDPOINT_URL'] || undefined);
  if (overridden !== undefined) refuseBadEndpoint(overridden);
  const aws = awsOptions({ host, options }, desired.region);
  const lambda = await createLambda({
    ...aws,
    allowMissingRevisionId: overridden !== undefined,
    onNote: (note) => output.diagnostics(options.verbose ? [[note]] : []),
  });
  const { metadata } = desired;
  const account = () => readAccount({ ...aws, region: lambda.region });
  const openRecords = (): RecordStore => {
    if (metadata.store === 'tags') return tagsStore(lambda);
    if (metadata.store === 'file') return fileStore(metadata.directory);
    if (metadata.store === 'buildkite') {
      if (build === undefined) throw noBuild();
      return buildkiteStore(build.records, { region: lambda.region, account });
    }
    const documents = createDocuments(objectOptions({ host, options }, lambda.region), metadata.bucket);
    return s3Store(documents, { ...metadata, region: lambda.region, account }, () => host.clock.now());
  };
  return {
    lambda,
    records: openRecords(),
    alarms: createAlarms({ ...aws, region: lambda.region }),
    objects: openObjects({ host, options }, lambda.region),
    readAccount: account,
    trail: createTrail({ ...aws, region: lambda.region, ...trailEndpoint(host, options) }),
    readAttached: (name, aliases) => readAttached({ ...aws, region: lambda.region }, name, aliases),
    readVersionUses: versionUses({ ...aws, region: lambda.region }, host.clock),
  };
}

/** The variables that every client of AWS's takes, the service's own first; an option wins. */
function trailEndpoint({ env }: Context['host'], { endpointUrl }: Context['options']): Pick<AwsOptions, 'endpoint'> {
  const endpoint = endpointUrl ?? (env['AWS_ENDPOINT_URL_CLOUDTRAIL'] || env['AWS_ENDPOINT_URL'] || undefined);
  return endpoint === undefined ? {} : { endpoint };
}

/** The SDK would tell only at the first call, and as a connection that broke. */
function refuseBadEndpoint(endpoint: string): void {
  if (URL.canParse(endpoint) && /^https?:$/.test(new URL(endpoint).protocol)) return;
  throw new DeployError('USAGE', `the endpoint ${JSON.stringify(endpoint)} is no http or https URL.`, {
    fix: 'write it as http://HOST:PORT in --endpoint-url or AWS_ENDPOINT_URL, or unset it.',
  });
}

/** One function as AWS and the records have it. */
export interface FunctionState {
  readonly live: LiveFunction | undefined;
  /** By alias, in file order; `null` for a function without aliases. Newest first. */
  readonly records: ReadonlyMap<string | null, readonly DeployRecord[]>;
}

/**
 * Reads everything that a plan for this function needs, and tells the redactor what it saw.
 *
 * @throws WRONG_ACCOUNT before anything else is believed; AWS_*; RECORD_STORE
 */
export async function readState(
  context: Context,
  session: Session,
  account: string | undefined,
  desired: DesiredFunction,
): Promise<FunctionState> {
  const read = await readSettled(context, session, desired.name, wantOf(desired));
  await refuseWrongAccount(session, account, desired.name, read);
  const live = read === undefined ? undefined : await withVersions(session, desired, read);
  return withRecords(context, session, desired, live);
}

/**
 * The same without looking for versions to use again: no version is read but those that aliases serve.
 *
 * @throws as {@link readState}
 */
export const readServed: typeof readState = async (context, session, account, desired) => {
  const live = await readSettled(context, session, desired.name, wantOf(desired));
  await refuseWrongAccount(session, account, desired.name, live);
  return withRecords(context, session, desired, live);
};

/**
 * The same at this moment: an update in progress is not waited for either. For whoever only looks.
 *
 * @throws as {@link readState}
 */
export const readNow: typeof readState = async (context, session, account, desired) => {
  const live = await readLive(session.lambda, desired.name, wantOf(desired));
  await refuseWrongAccount(session, account, desired.name, live);
  return withRecords(context, session, desired, live);
};

function wantOf({ aliases, codeSigningConfigArn }: DesiredFunction): Parameters<typeof readLive>[2] {
  return { aliases: aliases.map(({ name }) => name), codeSigning: codeSigningConfigArn !== undefined };
}

async function withRecords(
  { output }: Context,
  session: Session,
  { name, aliases }: DesiredFunction,
  live: LiveFunction | undefined,
): Promise<FunctionState> {
  if (live !== undefined) output.redactor.learnLive(live);
  const subject = live ?? { name, arn: '', tags: {} };
  const keys = aliases.length === 0 ? [null] : aliases.map((alias) => alias.name);
  const lists = await Promise.all(keys.map((alias) => session.records.list(subject, alias)));
  return { live, records: new Map(keys.map((key, index) => [key, lists[index] ?? []])) };
}

/** Another run's next update may begin the moment that its last one has settled: how often it is waited for. */
const MAX_WAITS = 5;

/**
 * Another update in progress is waited for: what it leads to is what has to be planned from. One that failed is planned from, too.
 *
 * @throws AWS_CONFLICT when one update follows the other: sent again from the middle of one, the same content is published twice
 */
export async function readSettled(
  context: Context,
  session: Session,
  name: string,
  want: Parameters<typeof readLive>[2],
): Promise<LiveFunction | undefined> {
  for (let waits = 0; ; waits += 1) {
    const live = await readLive(session.lambda, name, want);
    const isSettling = live?.latest.lastUpdateStatus === 'InProgress' || live?.latest.state === 'Pending';
    if (!isSettling) return live;
    if (waits === MAX_WAITS) throw neverSettles(name);
    await waitForAnother(context, session, name);
  }
}

function neverSettles(name: string): DeployError {
  const detail = `function ${name} is updated all the time: ${MAX_WAITS} waits in a row ended in the middle of another update.`;
  return new DeployError('AWS_CONFLICT', detail, {
    source: 'aws',
    subject: name,
    fix: 'wait until the other deployment is done, then run again.',
  });
}

async function waitForAnother(context: Context, { lambda }: Session, name: string): Promise<void> {
  const { host, output } = context;
  const waitingFor = 'an update in progress to settle';
  output.progress([[`${name}: waiting for ${waitingFor}`]]);
  const progress = new ProgressLines(context);
  const onWait = (seconds: number): void => progress.tell(0, { type: 'waiting', function: name, waitingFor, seconds });
  try {
    const limits = { maxWaitSeconds: MAX_WAIT_SECONDS, onWait };
    await waitUntilSettled(lambda, host.clock, name, undefined, limits, host.signal);
  } catch (error) {
    if (!isDeployError(error, 'UPDATE_FAILED')) throw error;
  } finally {
    await progress.close();
  }
}

/**
 * The function as far as its records need it, by one GetFunction. `latest` is absent where it does not exist.
 *
 * @throws WRONG_ACCOUNT before anything else is believed; AWS_*
 */
export async function readSubject(
  context: Context,
  session: Session,
  account: string | undefined,
  name: string,
): Promise<{ readonly subject: RecordSubject; readonly latest?: LiveVersion }> {
  const read = await session.lambda.getFunction(name);
  await refuseWrongAccount(session, account, name, read);
  if (read === undefined) return { subject: { name, arn: '', tags: {} } };
  context.output.redactor.learnVersion(read.version);
  return { subject: { name, arn: read.arn, tags: read.tags }, latest: read.version };
}

async function refuseWrongAccount(
  session: Session,
  account: string | undefined,
  name: string,
  live: Pick<LiveFunction, 'arn'> | undefined,
): Promise<void> {
  if (account === undefined) return;
  const actual = live === undefined ? await session.readAccount() : live.arn.split(':')[4];
  if (actual === account) return;
  throw new DeployError(
    'WRONG_ACCOUNT',
    `the credentials belong to account ${actual ?? '(unknown)'}, the file is for ${account}. Nothing was changed.`,
    {
      subject: name,
      fix: 'use credentials of the right account (AWS_PROFILE, --profile), or correct `account` in the file.',
    },
  );
}

/** Adds pinned versions, and those that could be used again. */
async function withVersions({ lambda }: Session, desired: DesiredFunction, live: LiveFunction): Promise<LiveFunction> {
  const pinned = desired.aliases.flatMap(({ version }) =>
    version === undefined || version === LATEST ? [] : [version],
  );
  const missing = [...new Set(pinned)].filter((number) => !live.versions.some(({ version }) => version === number));
  const read = await Promise.all(missing.map((number) => lambda.getFunction(desired.name, number)));
  const known = {
    ...live,
    versions: [...live.versions, ...read.flatMap((one) => (one === undefined ? [] : [one.version]))],
  };
  const isCandidate = versionsNeeded(desired, known);
  if (isCandidate === undefined) return known;
  const [candidates, aliases] = await Promise.all([
    readVersions(lambda, desired.name, isCandidate, known.versions),
    withProvisionedConcurrency(lambda, desired, known.aliases),
  ]);
  const fresh = candidates.filter((one) => !known.versions.some(({ version }) => version === one.version));
  return { ...known, aliases, versions: [...known.versions, ...fresh] };
}

/** Weights do not go with provisioned concurrency, so an alias that is to be shifted by weights is asked for it, and no other. */
function withProvisionedConcurrency(
  lambda: LambdaPort,
  desired: DesiredFunction,
  live: LiveFunction['aliases'],
): Promise<LiveFunction['aliases']> {
  const weighted = desired.aliases.filter(({ rollout }) => (rollout?.steps.length ?? 0) > 0).map(({ name }) => name);
  return Promise.all(
    live.map(async (alias) =>
      weighted.includes(alias.name)
        ? { ...alias, hasProvisionedConcurrency: await lambda.hasProvisionedConcurrency(desired.name, alias.name) }
        : alias,
    ),
  );
}
