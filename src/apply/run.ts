import { DeployError, isDeployError, type ExitCode } from '../errors.js';
import type { LiveFunction } from '../model/function.js';
import type { Operation, RecordStep } from '../model/plan.js';
import type { DeployRecord } from '../model/record.js';
import type { ErrorDocument, FunctionResult, OperationResult, OperationStatus } from '../model/result.js';
import { unpredicted } from '../planner/compare.js';
import { contentOf } from '../planner/normalize.js';
import type { ApplyJob, ApplyPorts } from './job.js';
import { liveChanged, mutate } from './mutate.js';
import { closeRecords, openRecords } from './records.js';
import { Steps } from './steps.js';

/** Steps whose failure is the new version's or its traffic's: whatever this run moved goes back. */
const TRAFFIC_STEPS: readonly Operation['type'][] = ['PublishVersion', 'Invoke', 'CreateAlias', 'UpdateAlias'];

/**
 * Carries out one function's plan. Never throws: the result says what was done, what was put back, and the exit code.
 *
 * The live state is read once more before the first write; the record is opened before it and closed whatever happens; any
 * failure after traffic moved returns every alias of this run to exactly where it was.
 */
export async function runFunction(job: ApplyJob, ports: ApplyPorts): Promise<FunctionResult> {
  const { name } = job.desired;
  if (job.plan.operations.length === 0)
    return { name, result: 'no_changes', version: null, aliases: [], operations: [], notes: [], exitCode: 0 };
  return new Run(job, ports).execute();
}

function isRecordStep(step: Operation): step is RecordStep {
  return 'record' in step;
}

class Run {
  private readonly steps: Steps;
  private readonly results: OperationResult[] = [];
  private readonly notes: string[] = [];
  private records: readonly DeployRecord[] = [];
  private readonly started = new Set<Operation>();
  private opened = false;
  private failedStep: Operation | undefined;

  constructor(
    private readonly job: ApplyJob,
    private readonly ports: ApplyPorts,
  ) {
    this.steps = new Steps(job, ports);
  }

  async execute(): Promise<FunctionResult> {
    let failure: DeployError | undefined;
    try {
      await this.refuseIfChanged();
      this.records = openRecords(this.job, this.ports);
      await this.open();
      for (const step of this.job.plan.operations) if (!isRecordStep(step)) await this.step(step);
    } catch (error) {
      failure = await this.makeSafe(asDeployError(error, this.job.desired.name));
    }
    const result = this.resultOf(failure);
    await this.close(result, failure);
    return this.report(result, failure);
  }

  /** The plan was made from a state that may be minutes old: nothing is written over a change it did not see. */
  private async refuseIfChanged(): Promise<void> {
    const { live, desired } = this.job;
    if (live === undefined) return;
    const [read, aliases] = await Promise.all([
      this.ports.lambda.getFunction(desired.name),
      this.ports.lambda.listAliases(desired.name),
    ]);
    if (read === undefined || aliases === undefined)
      throw liveChanged(desired.name, 'the function', ['it no longer exists']);
    const sameRevision = live.latest.revisionId !== undefined && read.version.revisionId === live.latest.revisionId;
    const paths = sameRevision
      ? []
      : unpredicted(contentOf(live.latest, desired.name), contentOf(read.version, desired.name), []);
    if (paths.length > 0) throw liveChanged(desired.name, '$LATEST', paths);
    if (!sameRevision) this.steps.touched();
    for (const { name } of desired.aliases) {
      const [before, now] = [live.aliases, aliases].map((list) => list.find((alias) => alias.name === name));
      if (JSON.stringify([before?.version, before?.weights]) !== JSON.stringify([now?.version, now?.weights])) {
        throw liveChanged(desired.name, `alias ${name}`, [
          now === undefined ? 'it no longer exists' : `it serves version ${now.version}`,
        ]);
      }
    }
  }

  private async open(): Promise<void> {
    const { live, known } = this.job;
    if (live === undefined && this.ports.records.kind === 'tags') return; // travels in CreateFunction's Tags
    const step = this.job.plan.operations.find(isRecordStep);
    await this.timed(step, async () => {
      await this.writeRecords(this.records, known);
      return { status: 'done' };
    });
    this.opened = true;
  }

  private async step(step: Exclude<Operation, RecordStep>): Promise<void> {
    if (this.ports.signal.aborted)
      throw new DeployError('INTERRUPTED', `stopped before ${step.type}.`, { subject: this.job.desired.name });
    const tags = step.type === 'CreateFunction' ? this.ports.records.tagsFor(this.records, this.job.known) : {};
    await this.timed(step, () => this.steps.run(step, tags));
    if (step.type === 'CreateFunction') this.opened = true;
  }

  /** Whatever this run moved goes back, unless what failed is only the tidying of `$LATEST` after a rollback. */
  private async makeSafe(error: DeployError): Promise<DeployError> {
    const stopped = error.code === 'INTERRUPTED';
    if (
      this.steps.moved.length === 0 ||
      !(stopped || this.failedStep === undefined || TRAFFIC_STEPS.includes(this.failedStep.type))
    )
      return error;
    const kept: string[] = [];
    for (const moved of [...this.steps.moved].reverse()) {
      const alias = this.job.desired.aliases.find(({ name }) => name === moved.alias);
      if (alias?.autoRollback === false) {
        kept.push(moved.alias);
        continue;
      }
      try {
        await this.steps.aliases.takeBack(moved);
        this.notes.push(`alias ${moved.alias} is back on version ${moved.before.version}.`);
      } catch (second) {
        return asDeployError(second, this.job.desired.name);
      }
    }
    if (kept.length === 0)
      return new DeployError(error.code, error.detail, {
        source: error.source,
        subject: error.subject,
        fix: error.fix,
        cause: error,
        exit: error.exit === 3 ? 3 : 4,
      });
    return new DeployError(
      'NEEDS_A_HUMAN',
      `${error.detail} Alias ${kept.join(', ')} stays on the new version because autoRollback is false.`,
      {
        source: error.source,
        subject: this.job.desired.name,
        fix: `lambda-deploy rollback --function ${this.job.desired.name} --alias ${kept[0] ?? ''}`,
        cause: error,
      },
    );
  }

  private resultOf(failure: DeployError | undefined): 'succeeded' | 'failed' | 'rolled_back' {
    if (failure === undefined) return 'succeeded';
    return this.steps.moved.length > 0 && failure.exit === 4 ? 'rolled_back' : 'failed';
  }

  private async close(result: 'succeeded' | 'failed' | 'rolled_back', failure: DeployError | undefined): Promise<void> {
    if (!this.opened) return;
    const step = this.job.plan.operations.filter(isRecordStep).at(-1);
    const outcome = {
      result,
      operations: this.results,
      ...(failure === undefined ? {} : { error: { code: failure.code, message: failure.detail } }),
    };
    const closed = closeRecords(this.records, this.steps, outcome, this.ports);
    try {
      await this.timed(step, async () => {
        await this.writeRecords(closed, this.job.known);
        return { status: 'done' };
      });
    } catch (error) {
      this.notes.push(
        `the deployment record could not be closed (${asDeployError(error, this.job.desired.name).detail}); the deployment itself is as said here, and the next apply mends the record.`,
      );
    }
  }

  private async writeRecords(records: readonly DeployRecord[], known: readonly DeployRecord[]): Promise<void> {
    const subject = this.job.live ?? (await this.created());
    const { clock, emit } = this.ports;
    const name = this.job.desired.name;
    // The same record written twice is the same record, so a lost answer is simply repeated.
    await mutate({
      clock,
      signal: new AbortController().signal,
      call: () => this.ports.records.write(subject, records, known),
      inspect: () => Promise.resolve('unchanged'),
      onRetry: (reason, seconds) => emit({ type: 'retrying', function: name, reason, seconds }),
    });
    this.steps.touched();
  }

  private async created(): Promise<Pick<LiveFunction, 'name' | 'arn' | 'tags'>> {
    const { name } = this.job.desired;
    if (!this.opened) return { name, arn: '', tags: {} };
    const read = await this.ports.lambda.getFunction(name);
    if (read === undefined) throw liveChanged(name, 'the function', ['it no longer exists']);
    return { name, arn: read.arn, tags: read.tags };
  }

  private async timed(
    step: Operation | undefined,
    work: () => Promise<{ status: OperationStatus; detail?: string }>,
  ): Promise<void> {
    if (step === undefined) return void (await work());
    const { operations } = this.job.plan;
    const { clock, emit } = this.ports;
    const name = this.job.desired.name;
    const started = clock.now();
    this.started.add(step);
    emit({
      type: 'step-started',
      function: name,
      index: operations.indexOf(step),
      total: operations.length,
      operation: step,
    });
    const end = (status: OperationStatus, detail?: string): void => {
      const durationMs = clock.now() - started;
      this.results.push({ type: step.type, status, durationMs, ...targetOf(step) });
      emit({
        type: 'step-ended',
        function: name,
        operation: step,
        status,
        durationMs,
        ...(detail === undefined ? {} : { detail }),
      });
    };
    try {
      const { status, detail } = await work();
      end(status, detail);
    } catch (error) {
      this.failedStep = step;
      end('failed');
      throw error;
    }
  }

  private report(result: FunctionResult['result'], failure: DeployError | undefined): FunctionResult {
    const { desired, live } = this.job;
    const wrote = this.results.some(
      ({ type, status }) => status !== 'failed' && type !== 'Invoke' && type !== 'TagResource',
    );
    const latestChanged = this.results.some(
      ({ type, status }) => type.startsWith('UpdateFunction') && status !== 'failed',
    );
    if (failure !== undefined && latestChanged)
      this.notes.push(
        `$LATEST of ${desired.name} has the new ${this.changedParts()}: callers without an alias or version run it.`,
      );
    if (failure !== undefined)
      this.notes.push(...this.steps.created.map((alias) => `alias ${alias} was created and stays.`));
    const exitCode: ExitCode = failure === undefined ? 0 : failure.code === 'UPDATE_FAILED' && wrote ? 4 : failure.exit;
    return {
      name: desired.name,
      result,
      version: this.steps.releasedVersion(),
      aliases: desired.aliases.map(({ name }) => ({
        name,
        version: this.steps.aliases.versionOf(name),
        previousVersion: live?.aliases.find((alias) => alias.name === name)?.version ?? null,
      })),
      operations: [...this.results, ...this.skipped()],
      ...(failure === undefined ? {} : { error: documentOf(failure) }),
      notes: this.notes,
      exitCode,
    };
  }

  private changedParts(): string {
    const types = this.results.filter(({ status }) => status !== 'failed').map(({ type }) => type);
    const parts = [
      ...(types.includes('UpdateFunctionConfiguration') ? ['configuration'] : []),
      ...(types.includes('UpdateFunctionCode') ? ['code'] : []),
    ];
    return parts.join(' and ');
  }

  private skipped(): OperationResult[] {
    const rest = this.job.plan.operations.filter((step) => !isRecordStep(step) && !this.started.has(step));
    return rest.map((step) => ({ type: step.type, status: 'skipped', durationMs: 0, ...targetOf(step) }));
  }
}

function targetOf(step: Operation): { target?: string } {
  if (step.type === 'CreateAlias' || step.type === 'UpdateAlias') return { target: step.alias };
  if (step.type === 'Invoke')
    return { target: 'alias' in step.target ? step.target.alias : `version for ${step.check.alias}` };
  return 'record' in step ? { target: `record ${step.record}` } : {};
}

function asDeployError(error: unknown, subject: string): DeployError {
  if (isDeployError(error)) return error;
  return new DeployError('INTERNAL', error instanceof Error ? error.message : 'an unknown error', {
    source: 'internal',
    subject,
    cause: error,
  });
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
