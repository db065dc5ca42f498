import { exitCodeOf } from '../apply/apply.js';
import type { ExitCode } from '../errors.js';
import type { ApplyResult } from '../model/result.js';
import { COMMANDS, renderResult } from '../render/result.js';
import { tellResult } from './build-result.js';
import type { Scope } from './build-scope.js';
import type { Context } from './context.js';
import { execute, type Job } from './execute.js';
import type { Output } from './output.js';

/** Prints what came of a run. */
export type Print = (output: Output, result: ApplyResult) => void;

export const printResult: Print = (output, result) => output.result(result, renderResult(result));

/**
 * Carries plans out that were shown and agreed to, prints what came of it, and then tells the build, if this is one of its jobs.
 *
 * @throws TIME_TOO_SHORT before any write
 */
export async function conclude(
  context: Context,
  command: ApplyResult['command'],
  jobs: readonly Job[],
  scope: Scope,
  print: Print = printResult,
): Promise<ExitCode> {
  const { output } = context;
  output.group(COMMANDS[command], jobs.some(({ planned }) => planned.plan.action !== 'none') ? 'open' : 'closed');
  const result = await execute(context, command, jobs, scope);
  print(output, result);
  await tellResult(context, scope, result, jobs);
  return exitCodeOf(result);
}
