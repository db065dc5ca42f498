import { DeployError, type ExitCode } from '../errors.js';
import type { DriftDocument, FunctionDrift } from '../model/drift.js';
import type { Operation, PlanDocument } from '../model/plan.js';
import { renderDrift } from '../render/drift.js';
import { renderResult } from '../render/result.js';
import { requireConfirmable } from './confirm.js';
import type { Context } from './context.js';
import { deploy } from './deploy.js';

/**
 * Refuses what `drift --publish` cannot be asked for, before any call.
 * @throws USAGE, CONFIRMATION_REQUIRED
 */
export function requirePublishable(context: Context): void {
  const { adopt, publish } = context.options;
  if (publish !== true) return;
  if (adopt !== true)
    throw new DeployError(
      'USAGE',
      '--publish is about what --adopt writes, and that is not given. Nothing was called.',
      {
        fix: 'add --adopt, or use `lambda-deploy apply` for what the file says already.',
      },
    );
  requireConfirmable(context);
}

/** Functions of which the file now says all that moved, but an alias serves a version without it. */
export function publishable({ functions }: DriftDocument): readonly FunctionDrift[] {
  return functions.filter(({ lacking = [], left = [] }) => lacking.length > 0 && left.length === 0);
}

/**
 * Publishes a version with what was adopted and moves the aliases there: `apply` of these functions from the file as it is now, with
 * its plan, its question, its checks and its rollout. The result is the drift's document with what came of it as `published`.
 *
 * @param config the file that the adoption wrote
 * @throws MORE_THAN_ADOPTED before any write where apply would do anything else; as {@link deploy}
 */
export function publishAdopted(
  context: Context,
  config: string,
  document: DriftDocument,
  functions: readonly FunctionDrift[],
): Promise<ExitCode> {
  const names = functions.map(({ name }) => name);
  context.output.preface([...renderDrift(document), []]);
  return deploy(
    { ...context, options: { ...context.options, config, function: names } },
    refuseMore,
    (output, published) => output.result({ ...document, published }, renderResult(published)),
  );
}

function refuseMore({ functions }: PlanDocument): void {
  for (const { name, operations } of functions) {
    const more = operations.filter((one) => !isPublishing(one)).map(({ type }) => type);
    if (more.length === 0) continue;
    const what = `apply would do more to ${name} than publish what was adopted: ${[...new Set(more)].join(', ')}.`;
    throw new DeployError('MORE_THAN_ADOPTED', `${what} The file has what was adopted; nothing was changed in AWS.`, {
      subject: name,
      fix: 'look at `lambda-deploy plan`, then `lambda-deploy apply`.',
    });
  }
}

function isPublishing(one: Operation): boolean {
  return one.type === 'TagResource' ? 'record' in one : PUBLISHING.has(one.type);
}

const PUBLISHING: ReadonlySet<Operation['type']> = new Set(['PublishVersion', 'Invoke', 'UpdateAlias']);
