import { DeployError } from '../errors.js';
import { describeHold, HOLD_FIX } from '../planner/hold.js';
import type { FunctionPlan } from '../model/plan.js';

/**
 * Ends an apply that would bring back what a rollback took back.
 *
 * @throws ALIAS_HELD, before any write
 */
export function refuseHolds(plans: readonly Pick<FunctionPlan, 'name' | 'holds' | 'releasesHold'>[]): void {
  const held = plans.flatMap(({ name, holds = [], releasesHold }) =>
    releasesHold === true ? [] : holds.map((hold) => ({ name, hold })),
  );
  const [first] = held;
  if (first === undefined) return;
  const detail = held.map(({ name, hold }) => describeHold(name, hold)).join(' ');
  throw new DeployError('ALIAS_HELD', `${detail} Nothing was changed.`, { subject: first.name, fix: HOLD_FIX });
}
