import { DeployError, type ExitCode } from '../errors.js';
import type { LiveAlias } from '../model/function.js';
import { FORMAT_VERSION } from '../model/plan.js';
import type { DeployRecord } from '../model/record.js';
import type { ApplyResult } from '../model/result.js';
import { standingOf } from '../planner/waiting.js';
import { assemblePlan } from './digest.js';
import type { Context } from './context.js';

/** The plan file whose rollout alone may be promoted, in hex; `undefined`: any. @throws USAGE for what is no digest */
export function expectedPlan({ options }: Pick<Context, 'options'>): string | undefined {
  const { expect } = options;
  if (typeof expect !== 'string') return undefined;
  if (/^sha256:[0-9a-f]{64}$/.test(expect)) return expect.slice('sha256:'.length);
  throw new DeployError('USAGE', `--expect is ${JSON.stringify(expect)}; it takes the digest of a plan file.`, {
    fix: 'give sha256: and 64 hexadecimal digits, as the plan has them.',
  });
}

/**
 * How the expected rollout stands: it waits, was promoted already, so that a retried job has nothing to do, or was moved by a
 * promotion that died, which the retry finishes.
 *
 * @param records of the alias, newest first
 * @throws PLAN_STALE where it is none of them
 */
export function expectedStanding(
  planDigest: string,
  name: string,
  alias: string,
  served: LiveAlias | undefined,
  records: readonly DeployRecord[],
): 'waits' | 'promoted' | 'moved' {
  const standing = standingOf(planDigest, served, records);
  if (standing !== 'neither') return standing;
  const [newest] = records;
  const since = newest === undefined ? 'it has no record' : `its newest record is ${describe(newest)}`;
  const detail = `the rollout of plan ${planDigest.slice(0, 12)} no longer waits on alias ${alias} of ${name}: ${since}. Nothing was changed.`;
  throw new DeployError('PLAN_STALE', detail, {
    subject: name,
    fix: 'look at `lambda-deploy status`; what waits now is promoted by the build that deployed it.',
  });
}

function describe({ id, result, build, planDigest }: DeployRecord): string {
  const by = build === undefined ? '' : ` of build ${build}`;
  return `${id}${by}, ${result}, ${planDigest ? `of plan ${planDigest.slice(0, 12)}` : 'of no known plan file'}`;
}

/** Says that there is nothing to do; the build keeps what the first promotion told it. */
export function alreadyPromoted({ options, output }: Context, name: string, alias: string): ExitCode {
  const nothing = [[`Nothing to do: the rollout on alias ${alias} of ${name} was promoted already.`]];
  const result: ApplyResult = {
    formatVersion: FORMAT_VERSION,
    command: 'promote',
    result: 'no_changes',
    functions: [],
  };
  output.result(options['planOnly'] === true ? assemblePlan('promote', [], []) : result, nothing);
  return 0;
}
