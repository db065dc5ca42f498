import { DeployError, isDeployError, type ExitCode } from '../errors.js';
import type { Version } from '../model/function.js';
import type { Operation, RecordStep } from '../model/plan.js';
import type { ErrorDocument, FunctionResult, OperationResult } from '../model/result.js';
import type { ApplyJob } from './job.js';
import type { Steps } from './steps.js';

/** How a run went, for {@link reportOf}. */
export interface RunState {
  readonly results: readonly OperationResult[];
  readonly notes: readonly string[];
  /** Steps that were never started. */
  readonly skipped: readonly Operation[];
  readonly failure: DeployError | undefined;
  readonly tookBack: boolean;
  /** Aliases that stand at a share on purpose. */
  readonly pending: readonly string[];
}

/** A step that only writes the record. */
export function isRecordStep(step: Operation): step is RecordStep {
  return 'record' in step;
}

/** Anything thrown, as an error that can be printed. */
export function asDeployError(error: unknown, subject: string): DeployError {
  if (isDeployError(error)) return error;
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : 'something that is no error was thrown';
  return new DeployError('INTERNAL', detail, {
    source: 'internal',
    subject,
    cause: error,
    fix: 'please report it, with the command you ran.',
  });
}

/** `succeeded`, or how it failed. */
export function resultOf({
  failure,
  tookBack,
}: Pick<RunState, 'failure' | 'tookBack'>): 'succeeded' | 'failed' | 'rolled_back' {
  if (failure === undefined) return 'succeeded';
  return tookBack && failure.exit !== 5 ? 'rolled_back' : 'failed';
}

/** The result document of one function. After a failure it says what was written and stays (semantics 30). */
export function reportOf(job: ApplyJob, steps: Steps, state: RunState): FunctionResult {
  const { desired, live } = job;
  const { failure, results } = state;
  return {
    name: desired.name,
    result: state.pending.length > 0 && !state.tookBack ? 'pending' : resultOf(state),
    version: steps.versions.released(),
    aliases: desired.aliases.map(({ name }) => ({
      name,
      version: steps.aliases.versionOf(name),
      previousVersion: live?.aliases.find((alias) => alias.name === name)?.version ?? null,
      ...weightsOf(steps.aliases.weightsOf(name)),
    })),
    operations: [
      ...results,
      ...state.skipped.map(
        (step) => ({ type: step.type, status: 'skipped', durationMs: 0, ...targetOf(step) }) as const,
      ),
    ],
    ...(failure === undefined ? {} : { error: documentOf(failure) }),
    notes: failure === undefined ? state.notes : [...state.notes, ...whatStays(job, steps)],
    exitCode: failure === undefined ? 0 : exitCodeOf(failure, steps),
  };
}

function weightsOf(weights: Readonly<Record<Version, number>>): { weights?: Readonly<Record<Version, number>> } {
  return Object.keys(weights).length === 0 ? {} : { weights };
}

/** A version or function that AWS could not start is a failed deployment, once this run had changed anything. */
function exitCodeOf(failure: DeployError, { landed, versions }: Steps): ExitCode {
  const wrote = landed.size > 0 || versions.publishedVersions().length > 0;
  return failure.code === 'UPDATE_FAILED' && wrote ? 4 : failure.exit;
}

function whatStays(
  { desired: { name, aliases } }: ApplyJob,
  { landed, versions, created, aliases: live }: Steps,
): string[] {
  const parts = [
    ...(landed.has('UpdateFunctionConfiguration') ? ['configuration'] : []),
    ...(landed.has('UpdateFunctionCode') ? ['code'] : []),
  ];
  const served = aliases.flatMap(({ name: alias }) => [live.versionOf(alias), ...Object.keys(live.weightsOf(alias))]);
  const idle = versions.publishedVersions().filter((version) => !served.includes(version));
  return [
    ...(landed.has('CreateFunction') ? [`function ${name} was created and stays.`] : []),
    ...(landed.has('TagResource') || landed.has('UntagResource')
      ? [`the tags of ${name} were changed and stay so.`]
      : []),
    ...(landed.has('PutFunctionCodeSigningConfig') || landed.has('DeleteFunctionCodeSigningConfig')
      ? [`the code signing configuration of ${name} was changed and stays so.`]
      : []),
    ...(parts.length === 0
      ? []
      : [`$LATEST of ${name} has the new ${parts.join(' and ')}: callers without an alias or version run it.`]),
    ...idle.map((version) => `version ${version} was published; no alias of the file serves it.`),
    ...created.map((alias) => `alias ${alias} was created and stays.`),
  ];
}

/** What a step is about, beside the function itself. */
export function targetOf(step: Operation): { target?: string } {
  if (isRecordStep(step)) return { target: `record ${step.record}` };
  if (step.type === 'PutObject') return { target: `s3://${step.bucket}/${step.key}` };
  if (step.type === 'CreateAlias' || step.type === 'UpdateAlias') return { target: step.alias };
  if (step.type !== 'Invoke') return {};
  return { target: 'alias' in step.target ? step.target.alias : `version for ${step.check.alias}` };
}

/** An error as machines and renderers read it. */
export function documentOf(error: DeployError): ErrorDocument {
  return {
    code: error.code,
    message: error.detail,
    ...(error.fix === undefined ? {} : { hint: error.fix }),
    ...(error.location === undefined ? {} : { location: error.location }),
  };
}
