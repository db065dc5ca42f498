import type { ExitCode } from '../errors.js';
import { planAbort } from '../planner/promote.js';
import type { Context } from './context.js';
import { endRollout, type Ending } from './rollout.js';

/** How `abort` ends a rollout. */
export const ABORT: Ending = {
  command: 'abort',
  question: 'Take the rollout back?',
  plan: planAbort,
  endsAs: 'rolled_back',
};

/** Takes a rollout back: the alias's primary version has all traffic again. */
export function abort(context: Context): Promise<ExitCode> {
  return endRollout(context, ABORT);
}
