import pLimit from 'p-limit';
import type { ExitCode } from '../errors.js';
import { FORMAT_VERSION } from '../model/plan.js';
import type { ApplyResult, FunctionResult } from '../model/result.js';
import type { ApplyJob, ApplyPorts } from './job.js';
import { runFunction } from './run.js';

/** Functions that run side by side: AWS allows 15 control-plane calls a second in all, and one function makes about two. */
export const FUNCTIONS_AT_ONCE = 6;

/** Worst first (semantics 30). */
const SEVERITY: readonly ExitCode[] = [5, 4, 3, 1];

/**
 * Carries out a plan. Functions are independent: one that fails does not stop another. Never throws for a failed deployment;
 * the result says everything.
 */
export async function applyPlan(
  command: ApplyResult['command'],
  work: readonly { readonly job: ApplyJob; readonly ports: ApplyPorts }[],
): Promise<ApplyResult> {
  const limit = pLimit(FUNCTIONS_AT_ONCE);
  const functions = await Promise.all(work.map(({ job, ports }) => limit(() => runAndTell(job, ports))));
  return { formatVersion: FORMAT_VERSION, command, result: overall(functions), functions };
}

async function runAndTell(job: ApplyJob, ports: ApplyPorts): Promise<FunctionResult> {
  const result = await runFunction(job, ports);
  ports.emit({ type: 'ended', function: result.name, result: result.result });
  return result;
}

/** The exit code of several functions is the worst one's. */
export function exitCodeOf(result: ApplyResult): ExitCode {
  return SEVERITY.find((code) => result.functions.some(({ exitCode }) => exitCode === code)) ?? 0;
}

function overall(functions: readonly FunctionResult[]): ApplyResult['result'] {
  const order = ['failed', 'rolled_back', 'pending', 'succeeded'] as const;
  return order.find((result) => functions.some((one) => one.result === result)) ?? 'no_changes';
}
