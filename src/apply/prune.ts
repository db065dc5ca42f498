import { DeployError, isDeployError } from '../errors.js';
import type { LiveAlias, Version } from '../model/function.js';
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
  readonly lambda: Pick<LambdaPort, 'deleteVersion' | 'getFunction' | 'listAliases'>;
  readonly clock: Clock;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  /** Aborted: no further version is deleted. */
  readonly signal: AbortSignal;
  readonly onRetry: (version: Version, reason: string, seconds: number) => void;
  readonly onEnd: (result: DeleteVersionResult) => void;
}

/**
 * Deletes the versions of one function, one after the other. Before each the aliases are read again: one that an alias uses by now is
 * kept, and once traffic is split nothing more is deleted. A version that is gone already counts as deleted. Never throws for what
 * AWS answers; the first error ends it, and the rest is skipped.
 */
export async function prune(plan: FunctionPrune, ports: PrunePorts): Promise<FunctionPruneResult> {
  const { name, region, operations, skipped } = plan;
  const place = { name, ...(region === undefined ? {} : { region }), ...(skipped === undefined ? {} : { skipped }) };
  const done: DeleteVersionResult[] = [];
  const end = (result: DeleteVersionResult): void => {
    done.push(result);
    ports.onEnd(result);
  };
  for (const [index, operation] of operations.entries()) {
    try {
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

/** @throws INTERRUPTED before the call; DEPLOYMENT_RUNNING where traffic is split by now; AWS_* */
async function deleteOne(
  name: string,
  { type, version }: DeleteVersionOperation,
  ports: PrunePorts,
): Promise<DeleteVersionResult> {
  const { lambda, clock, random, signal } = ports;
  signal.throwIfAborted();
  const users = usersOf(version, await readAliases(name, lambda));
  if (users.length > 0) return kept(version, users);
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
      late = usersOf(version, (await lambda.listAliases(name)) ?? []);
      if (late.length > 0) return 'ours';
      return (await lambda.getFunction(name, version)) === undefined ? 'ours' : 'unchanged';
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

async function readAliases(name: string, lambda: Pick<LambdaPort, 'listAliases'>): Promise<readonly LiveAlias[]> {
  const aliases = (await lambda.listAliases(name)) ?? [];
  const split = aliases.find(({ weights }) => Object.keys(weights).length > 0);
  if (split === undefined) return aliases;
  throw new DeployError(
    'DEPLOYMENT_RUNNING',
    `a rollout of alias ${split.name} of ${name} has begun meanwhile. Nothing more is deleted.`,
    { subject: name, fix: 'wait until it is over, then run again.' },
  );
}

function usersOf(version: Version, aliases: readonly LiveAlias[]): string[] {
  return aliases.flatMap((alias) => (alias.version === version || version in alias.weights ? [alias.name] : []));
}

function kept(version: Version, aliases: readonly string[]): DeleteVersionResult {
  const reason = `alias ${aliases.join(', ')} points at it by now`;
  return { type: 'DeleteFunction', version, status: 'kept', reason };
}
