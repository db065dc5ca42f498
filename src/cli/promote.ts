import type { ExitCode } from '../errors.js';
import { planPromote } from '../planner/promote.js';
import type { Context } from './context.js';
import { endRollout } from './rollout.js';

/** Gives the version that waits at a share of an alias all of its traffic; with `--step` the next share. */
export function promote(context: Context): Promise<ExitCode> {
  const step = context.options['step'] === true;
  const question = step ? 'Promote to the next share?' : 'Promote to all traffic?';
  return endRollout(context, { command: 'promote', question, plan: (input) => planPromote(input, step) });
}
