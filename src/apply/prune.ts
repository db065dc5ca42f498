import { DeployError, isDeployError } from '../errors.js';
import type { Version } from '../model/function.js';
import type { Clock, LambdaPort } from '../model/ports.js';
import type {
  DeleteVersionOperation,
  DeleteVersionResult,
  FunctionPrune,
  FunctionPruneResult,
} from '../model/prune.js';
import { mutate } from './mutate.js';
import { documentOf } from './report.js';

/** What the deletions of one function touch. */
export interface PrunePorts {
  readonly lambda: Pick<LambdaPort, 'deleteVersion' | 'getFunction'>;
  /** The plan from what is live and recorded now. */
  readonly planAgain: () => Promise<FunctionPrune>;
  readonly clock: Clock;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  /** Aborted: no further version is deleted. */
  readonly signal: AbortSignal;
  readonly onRetry: (version: Version, reason: string, seconds: number) => void;
  readonly onEnd: (result: DeleteVersionResult) => void;
}

/**
 * The least time from one deletion to the next: with the reads before it, ten of the fifteen calls a second that an account has.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
const PACE_MS = 200;

/**
 * Deletes the versions of one function, one after the other. Before each it is planned again: a version that is needed by now is
 * kept, and once a deployment is under way nothing more is deleted. A version that is gone already counts as deleted. Never throws
 * for what AWS answers; the first error ends it, and the rest is skipped.
 */
export async function prune(plan: FunctionPrune, ports: PrunePorts): Promise<FunctionPruneResult> {
  const { name, region, operations, skipped } = plan;
  const place = { name, ...(region === undefined ? {} : { region }), ...(skipped === undefined ? {} : { skipped }) };
  const done: DeleteVersionResult[] = [];
  const end = (result: DeleteVersionResult): void => {
    done.push(result);
    ports.onEnd(result);
  };
  let next = ports.clock.now();
  for (const [index, operation] of operations.entries()) {
    try {
      await ports.clock.sleep(Math.max(0, next - ports.clock.now()), ports.signal);
      next = ports.clock.now() + PACE_MS;
      end(await deleteOne(name, operation, ports));
    } catch (error) {
      if (!isDeployError(error)) throw error;
      const { type, version } = operation;
      const isStopped = error.code === 'INTERRUPTED' || error.code === 'DEPLOYMENT_RUNNING';
      end(isStopped ? skip(operation) : { type, version, status: 'failed' });
      done.push(...operations.slice(index + 1).map(skip));
      return { ...place, result: 'failed', operations: done, error: documentOf(error), exitCode: error.exit };
    }
  }
  const isChanged = done.some(({ status }) => status !== 'kept');
  return { ...place, result: isChanged ? 'succeeded' : 'no_changes', operations: done, exitCode: 0 };
}

function skip({ type, version }: DeleteVersionOperation): DeleteVersionResult {
  return { type, version, status: 'skipped' };
}

/** @throws INTERRUPTED before the call; DEPLOYMENT_RUNNING where a deployment is under way by now; AWS_* */
async function deleteOne(
  name: string,
  { type, version }: DeleteVersionOperation,
  ports: PrunePorts,
): Promise<DeleteVersionResult> {
  const { lambda, clock, random, signal } = ports;
  const early = await reasonsNow(name, version, ports);
  if (early.length > 0) return kept(version, early);
  let late: readonly string[] = [];
  const status = await mutate({
    clock,
    random,
    signal,
    call: async () => {
      // Lambda refuses a version that an alias uses with the same code as one that is busy.
      if (late.length > 0) return;
      await deleteOrGone(name, version, lambda);
    },
    inspect: async () => {
      if ((await lambda.getFunction(name, version)) === undefined) return 'ours';
      late = await reasonsNow(name, version, ports);
      return late.length > 0 ? 'ours' : 'unchanged';
    },
    onRetry: (reason, seconds) => ports.onRetry(version, reason, seconds),
  });
  return late.length > 0 ? kept(version, late) : { type, version, status };
}

async function deleteOrGone(name: string, version: Version, lambda: Pick<LambdaPort, 'deleteVersion'>): Promise<void> {
  try {
    await lambda.deleteVersion(name, version);
  } catch (error) {
    if (!isDeployError(error, 'AWS_NOT_FOUND')) throw error;
  }
}

/** Why the version is needed by now; none: it still may go. @throws DEPLOYMENT_RUNNING, AWS_*, RECORD_STORE */
async function reasonsNow(
  name: string,
  version: Version,
  { planAgain }: Pick<PrunePorts, 'planAgain'>,
): Promise<readonly string[]> {
  const { skipped, kept } = await planAgain();
  if (skipped === undefined) return kept.find((one) => one.version === version)?.reasons ?? [];
  throw new DeployError('DEPLOYMENT_RUNNING', `${skipped}. No version of ${name} is deleted any more.`, {
    subject: name,
    fix: 'wait until it is over, then run again.',
  });
}

function kept(version: Version, reasons: readonly string[]): DeleteVersionResult {
  return { type: 'DeleteFunction', version, status: 'kept', reason: `by now ${reasons.join('; ')}` };
}
