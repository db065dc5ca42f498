import { DeployError } from '../errors.js';
import type { DesiredFunction, LiveFunction, LiveVersion, Settings } from '../model/function.js';
import { FIELDS } from '../model/fields.js';
import type { Json } from '../model/json.js';
import type { Difference, Operation, UpdateFunctionCodeStep, VariableChange } from '../model/plan.js';
import { sending } from './code.js';
import { diffContent, diffEnvironment, type PathDifference } from './compare.js';
import type { Content } from './normalize.js';
import { isIgnored, isKnown, keepsLive } from './target.js';

/** What has to happen to `$LATEST`, and why. */
export interface LatestPlan {
  readonly differences: readonly Difference[];
  readonly operations: readonly Operation[];
}

/**
 * Compares live `$LATEST` with the target and makes the calls that bring it there, configuration before code.
 * A bad state (a failed last update, a failed function) is a difference of its own: what is managed is sent again (semantics 6).
 *
 * @param resendCode the same code must be sent again although it matches, because a Failed version has it
 * @throws UPDATE_FAILED when the live function is in a bad state and the file manages nothing that could be sent again
 * @throws CODE_REQUIRED when the architecture changes and the file names no code to send with it
 */
export function planLatest(
  desired: DesiredFunction,
  live: LiveFunction,
  current: Content,
  target: Content,
  resendCode: boolean,
): LatestPlan {
  const found = [
    ...diffContent(current, target).filter(({ path }) => isKnown(desired, path)),
    ...diffSourceKey(desired, live.latest),
  ];
  const bad = badState(live.latest);
  const differences = [
    ...found.map((difference): Difference => ({
      ...difference,
      on: '$LATEST',
      reason: '$LATEST is not as the file says',
    })),
    ...bad.map((difference): Difference => ({
      ...difference,
      on: '$LATEST',
      reason: `the last update did not succeed: ${reasonOf(live.latest)}`,
    })),
  ];
  const configuration = configurationStep(desired, current, target, found, bad.length > 0);
  const code = codeStep(desired, live.latest, target, found, bad.length > 0, resendCode);
  if (bad.length > 0 && configuration === undefined && code === undefined) {
    throw new DeployError(
      'UPDATE_FAILED',
      `$LATEST of ${desired.name} is in a bad state (${reasonOf(live.latest)}), and the file manages neither its configuration nor its code, so there is nothing to send again.`,
      {
        source: 'aws',
        subject: desired.name,
        fix: 'repair the function where it is managed, or name its code in the file.',
      },
    );
  }
  if (configuration === undefined && code === undefined && resendCode) throw needsCode(desired);
  return {
    differences,
    operations: inOrder(
      configuration,
      code,
      desired.code?.kind === 'zip' ? desired.code.zipBytes : undefined,
      live.latest.codeSize,
      found,
    ),
  };
}

function badState(latest: LiveVersion): PathDifference[] {
  const { lastUpdateStatus, state } = latest;
  const differences: PathDifference[] = [];
  if (lastUpdateStatus !== undefined && lastUpdateStatus !== 'Successful') {
    differences.push({ path: 'lastUpdateStatus', before: lastUpdateStatus, after: 'Successful' });
  }
  if (state === 'Failed') differences.push({ path: 'state', before: 'Failed', after: 'Active' });
  return differences;
}

function reasonOf(latest: LiveVersion): string {
  return latest.lastUpdateStatusReason ?? latest.stateReason ?? 'AWS gave no reason';
}

function configurationStep(
  desired: DesiredFunction,
  current: Content,
  target: Content,
  found: readonly PathDifference[],
  resend: boolean,
): Operation | undefined {
  const changed = new Set(found.map((difference) => difference.path.split('.')[0]));
  const settings: Record<string, Json> = {};
  for (const field of FIELDS) {
    if (field.sentWith !== 'configuration' || field.key === 'environment') continue;
    const managed = desired.settings[field.key] !== undefined && !isIgnored(desired, field.key);
    const value = target.settings[field.key];
    if (value !== undefined && (changed.has(field.key) || (resend && managed))) settings[field.key] = value;
  }
  const environment =
    changed.has('environment') || (resend && desired.environment !== undefined && !isIgnored(desired, 'environment'))
      ? variableChange(desired, current, target)
      : undefined;
  if (Object.keys(settings).length === 0 && environment === undefined) return undefined;
  const keys = [...Object.keys(settings), ...(environment === undefined ? [] : ['environment'])];
  return {
    type: 'UpdateFunctionConfiguration',
    reason: resend
      ? `send ${keys.join(', ')} again after the failed update`
      : `${keys.join(', ')} of $LATEST ${keys.length === 1 ? 'differs' : 'differ'}`,
    settings: settings as Settings,
    ...(environment === undefined ? {} : { environment }),
  };
}

/** Names of the target's variables by what happens to them. */
export function variableChange(
  desired: Pick<DesiredFunction, 'ignoreChanges' | 'unknownVariables'>,
  current: Content,
  target: Content,
): VariableChange {
  const differing = new Set(
    diffEnvironment(current.environment, target.environment).map((d) => d.path.slice('environment.'.length)),
  );
  const names = Object.keys(target.environment).sort();
  const ignored = (name: string): boolean => keepsLive(desired, `environment.${name}`);
  return {
    set: names.filter((name) => differing.has(name) && !ignored(name)),
    same: names.filter((name) => !differing.has(name) && !ignored(name)),
    keep: names.filter(ignored),
    remove: [...differing].filter((name) => !Object.hasOwn(target.environment, name)),
  };
}

/** The key that encrypts the archive is no part of a version's content: like a description it is compared with `$LATEST` alone. */
function diffSourceKey(desired: DesiredFunction, latest: LiveVersion): PathDifference[] {
  const before = latest.sourceKmsKeyArn ?? null;
  const after = desired.code?.kind === 'zip' ? desired.code.sourceKmsKeyArn : undefined;
  if (after === undefined || after === before || isIgnored(desired, SOURCE_KEY)) return [];
  return [{ path: SOURCE_KEY, before, after }];
}

const SOURCE_KEY = 'code.sourceKmsKeyArn';

function codeStep(
  desired: DesiredFunction,
  latest: LiveVersion,
  target: Content,
  found: readonly PathDifference[],
  bad: boolean,
  resendCode: boolean,
): UpdateFunctionCodeStep | undefined {
  const managed = desired.code !== undefined && !isIgnored(desired, 'code');
  const codeDiffers = found.some((difference) => difference.path === 'code');
  const architectures = found.some((difference) => difference.path === 'architectures');
  const key = found.some(({ path }) => path === SOURCE_KEY);
  if (!codeDiffers && !architectures && !key && !((bad || resendCode) && managed)) return undefined;
  if (desired.code === undefined) {
    throw new DeployError(
      'CODE_REQUIRED',
      `the architecture of ${desired.name} differs, and Lambda changes it only together with the code, which the file does not name.`,
      {
        subject: desired.name,
        fix: 'add code to the function.',
      },
    );
  }
  const parts = [
    ...(codeDiffers ? ['the code'] : []),
    ...(architectures ? ['architectures'] : []),
    ...(key ? [SOURCE_KEY] : []),
  ];
  const again = resendCode
    ? 'send the same code again: the version that has it is Failed'
    : 'send the code again after the failed update';
  return {
    type: 'UpdateFunctionCode',
    reason:
      parts.length === 0
        ? again
        : `${parts.join(' and ')} of $LATEST ${parts.length === 1 && !architectures ? 'differs' : 'differ'}`,
    codeSha256: target.codeSha256,
    ...sending(desired.code, latest),
    ...(desired.settings.architectures === undefined
      ? {}
      : { architectures: target.settings.architectures as readonly string[] }),
  };
}

/** Only an update makes the next publish a new version, and here none is due. */
function needsCode(desired: DesiredFunction): DeployError {
  const detail = `the version of ${desired.name} that has this content is Failed, and only sending the code again makes AWS publish another one, but the file does not name the code.`;
  return new DeployError('CODE_REQUIRED', detail, { subject: desired.name, fix: 'add code to the function.' });
}

/**
 * Configuration before code, unless layers grow and code shrinks: Lambda checks 250 MB over both together at each update, and more
 * layers on the old, larger code would be refused.
 *
 * @param zipBytes the new archive's size; `liveBytes`: the live one's
 * @see https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export function inOrder(
  configuration: Operation | undefined,
  code: UpdateFunctionCodeStep | undefined,
  zipBytes: number | undefined,
  liveBytes: number,
  found: readonly PathDifference[],
): Operation[] {
  const layers = found.find(({ path }) => path === 'layers');
  const layersGrow =
    layers !== undefined && (layers.after as readonly Json[]).length > (layers.before as readonly Json[]).length;
  if (
    configuration !== undefined &&
    code !== undefined &&
    layersGrow &&
    zipBytes !== undefined &&
    zipBytes < liveBytes
  ) {
    return [{ ...code, reason: `${code.reason}; first, because it shrinks and layers are added` }, configuration];
  }
  return [configuration, code].filter((step) => step !== undefined);
}
