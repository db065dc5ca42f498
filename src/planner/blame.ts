import type { Blame, DriftDifference } from '../model/drift.js';
import type { TrailEvent } from '../model/trail.js';

/** What lambda-deploy calls itself in each request: what it did is nobody's edit. */
const OURS = 'lambda-deploy/';

/** The operations that move a path, by the pattern of the path. */
const MOVED_BY: readonly (readonly [path: RegExp, operations: readonly string[]])[] = [
  [/^function$/, ['DeleteFunction']],
  [/^(code|architectures)(\.|$)/, ['UpdateFunctionCode']],
  [/^tags\./, ['TagResource', 'UntagResource']],
  [/^reservedConcurrentExecutions$/, ['PutFunctionConcurrency', 'DeleteFunctionConcurrency']],
  [/^codeSigningConfigArn$/, ['PutFunctionCodeSigningConfig', 'DeleteFunctionCodeSigningConfig']],
  [/(^|\.)url$/, ['CreateFunctionUrlConfig', 'UpdateFunctionUrlConfig']],
  [/(^|\.)permissions\./, ['AddPermission']],
  [/(^|\.)eventSources\./, ['CreateEventSourceMapping', 'UpdateEventSourceMapping']],
  [/(^|\.)eventInvokeConfig$/, ['PutFunctionEventInvokeConfig', 'UpdateFunctionEventInvokeConfig']],
  [/^aliases\./, ['UpdateAlias', 'CreateAlias', 'DeleteAlias']],
  [/^\$LATEST$/, ['UpdateFunctionConfiguration', 'UpdateFunctionCode']],
  [/^/, ['UpdateFunctionConfiguration']],
];

/**
 * The newest call of somebody else that can have moved a path: rather one that names the member than one that does not. CloudTrail
 * does not tell values, so this is who to ask, and no proof.
 *
 * @param events of one function, newest first
 */
export function blameFor({ path }: DriftDifference, events: readonly TrailEvent[]): Blame | undefined {
  const operations = MOVED_BY.find(([pattern]) => pattern.test(path))?.[1] ?? [];
  const alias = /^aliases\.([^.]+)/.exec(path)?.[1];
  const fits = events.filter(
    (event) =>
      operations.includes(event.operation) &&
      !event.userAgent.includes(OURS) &&
      (alias === undefined || event.alias === undefined || event.alias === alias),
  );
  const [member = ''] = path.split('.');
  const { who, at, operation } = fits.find(({ members }) => members.includes(member)) ?? fits[0] ?? {};
  return who === undefined || at === undefined || operation === undefined ? undefined : { who, at, operation };
}
