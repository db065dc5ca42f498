import { DeployError, isDeployError } from '../errors.js';
import type { Version } from '../model/function.js';
import type { Operation, Watch } from '../model/plan.js';
import type { AlarmState } from '../model/ports.js';
import type { ApplyPorts } from './job.js';

/** Alarms are looked at this often; theirs are evaluated once in ten seconds at most. @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html */
const POLL_MS = 10_000;
/** How long after its end a watch may still wait for an answer of CloudWatch, in milliseconds. */
const GRACE_MS = 60_000;

/** CloudWatch's answers after which it is asked again. */
const ASK_AGAIN = ['AWS_THROTTLED', 'AWS_AMBIGUOUS', 'AWS_UNREACHABLE'] as const;

/** What is watched. */
export interface Watched {
  readonly functionName: string;
  readonly alias: string;
  /** The new version, whose invocations count. */
  readonly version: Version;
}

/**
 * Lets the time of a watch pass and ends it at once when an alarm goes off or the new version fails too often.
 *
 * @returns what the reader should know although it passed: alarms that never had data
 * @throws ALARM_RAISED, ALARM_NOT_FOUND, ERROR_RATE_EXCEEDED, UNWATCHED when CloudWatch does not answer by the end; AWS_*;
 *   the signal's reason
 */
export async function keepWatch(watched: Watched, watch: Watch, ports: ApplyPorts): Promise<string[]> {
  const { clock, signal } = ports;
  const started = clock.now();
  const end = started + watch.seconds * 1000;
  for (;;) {
    const seen = await look(watched, watch, started, ports);
    const now = clock.now();
    if (now >= end && 'notes' in seen) return seen.notes;
    if (now >= end + GRACE_MS && 'unanswered' in seen) throw unwatched(watched, seen.unanswered);
    ports.emit({
      type: 'waiting',
      function: watched.functionName,
      waitingFor: `${whatFor(watched, watch)}, ${Math.max(0, Math.ceil((end - now) / 1000))} s to go`,
      seconds: Math.round((now - started) / 1000),
    });
    await clock.sleep(now < end ? Math.min(POLL_MS, end - now) : POLL_MS, signal);
  }
}

type Seen = { readonly notes: string[] } | { readonly unanswered: string };

async function look(watched: Watched, watch: Watch, since: number, ports: ApplyPorts): Promise<Seen> {
  try {
    const states = await readAlarms(watch.alarms, ports);
    refuseRaised(watched, states);
    await refuseErrors(watched, watch, since, ports);
    return { notes: withoutData(states) };
  } catch (error) {
    if (ASK_AGAIN.some((code) => isDeployError(error, code))) return { unanswered: (error as DeployError).detail };
    throw error;
  }
}

/**
 * The alarms that the plan watches, before anything is changed: one that is raised already says nothing about the new version.
 *
 * @throws ALARM_RAISED (exit 3), ALARM_NOT_FOUND, AWS_*
 */
export async function refuseIfAlarmed(
  functionName: string,
  operations: readonly Operation[],
  ports: ApplyPorts,
): Promise<void> {
  const names = alarmsOf(operations);
  const states = await readAlarms(names, ports);
  const [raised] = raisedOf(states);
  if (raised === undefined) return;
  throw new DeployError(
    'ALARM_RAISED',
    `${describe(raised)} before ${functionName} was changed. Nothing was changed.`,
    {
      source: 'aws',
      subject: functionName,
      exit: 3,
      fix: 'wait until it is OK, or remove it from the rollout.',
    },
  );
}

/** Every alarm that these calls watch, once. */
export function alarmsOf(operations: readonly Operation[]): string[] {
  return [...new Set(operations.flatMap((step) => ('watch' in step ? (step.watch?.alarms ?? []) : [])))];
}

type States = ReadonlyMap<string, AlarmState>;

async function readAlarms(names: readonly string[], { alarms }: Pick<ApplyPorts, 'alarms'>): Promise<States> {
  if (names.length === 0) return new Map();
  const states = await alarms.describeAlarms(names);
  requireAll(names, states);
  return states;
}

/** @throws ALARM_NOT_FOUND naming every alarm that CloudWatch does not have */
export function requireAll(names: readonly string[], states: States): void {
  const missing = names.filter((name) => !states.has(name));
  if (missing.length === 0) return;
  const detail = `CloudWatch has no alarm ${missing.join(', ')} in this account and region.`;
  throw new DeployError('ALARM_NOT_FOUND', detail, {
    source: 'aws',
    fix: 'correct the names under `rollout.alarms`, or create the alarms.',
  });
}

function raisedOf(states: States): [string, AlarmState][] {
  return [...states].filter(([, { state }]) => state === 'ALARM');
}

function describe([name, { reason }]: [string, AlarmState]): string {
  return `alarm ${name} is in ALARM${reason === '' ? '' : ` (${reason})`}`;
}

function refuseRaised({ functionName, alias, version }: Watched, states: States): void {
  const [raised] = raisedOf(states);
  if (raised === undefined) return;
  const detail = `${describe(raised)} while alias ${alias} of ${functionName} shifted to version ${version}.`;
  throw new DeployError('ALARM_RAISED', detail, {
    source: 'aws',
    subject: functionName,
    fix: 'look at what the alarm shows, mend the function and apply again.',
  });
}

async function refuseErrors(
  { functionName, alias, version }: Watched,
  { errorRate }: Watch,
  since: number,
  { alarms, clock }: ApplyPorts,
): Promise<void> {
  if (errorRate === undefined) return;
  const { invocations, errors } = await alarms.countInvocations(functionName, alias, version, since, clock.now());
  const isEnough = invocations > 0 && invocations >= errorRate.minimumInvocations;
  if (!isEnough || errors / invocations <= errorRate.maximum) return;
  const detail = `${errors} of ${invocations} invocations of version ${version} behind alias ${alias} of ${functionName} failed; the file allows ${percentOf(errorRate.maximum)}.`;
  throw new DeployError('ERROR_RATE_EXCEEDED', detail, {
    source: 'aws',
    subject: functionName,
    fix: 'look at the logs of that version, mend the function and apply again.',
  });
}

function withoutData(states: States): string[] {
  const silent = [...states].flatMap(([name, { state }]) => (state === 'INSUFFICIENT_DATA' ? [name] : []));
  return silent.length === 0
    ? []
    : [`alarm ${silent.join(', ')} had no data (INSUFFICIENT_DATA), so it could not have gone off.`];
}

function unwatched({ functionName, alias }: Watched, why: string): DeployError {
  return new DeployError('UNWATCHED', `alias ${alias} of ${functionName} could not be watched to the end: ${why}`, {
    source: 'aws',
    subject: functionName,
    fix: 'apply again when CloudWatch answers.',
  });
}

function whatFor({ alias, version }: Watched, { alarms, errorRate }: Watch): string {
  const what = [
    ...(alarms.length > 0 ? [`alarm ${alarms.join(', ')}`] : []),
    ...(errorRate === undefined ? [] : ['the error rate']),
  ];
  return `version ${version} behind ${alias}${what.length === 0 ? '' : `, watching ${what.join(' and ')}`}`;
}

function percentOf(fraction: number): string {
  return `${Math.round(fraction * 1e6) / 1e4} %`;
}
