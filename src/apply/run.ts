import { DeployError } from '../errors.js';
import type { Operation, RecordStep } from '../model/plan.js';
import type { DeployRecord } from '../model/record.js';
import type { FunctionResult, OperationResult, OperationStatus } from '../model/result.js';
import { runningError } from '../model/running.js';
import { unpredicted } from '../planner/compare.js';
import { contentOf } from '../planner/normalize.js';
import { describePlace, type AliasState, type Moved } from './aliases.js';
import { refuseChangedObjects } from './code.js';
import type { ApplyJob, ApplyPorts } from './job.js';
import { Journal } from './journal.js';
import { liveChanged } from './mutate.js';
import { asDeployError, isRecordStep, reportOf, resultOf, targetOf } from './report.js';
import { Steps, type StepStatus } from './steps.js';
import { refuseIfAlarmed } from './watch.js';

/** Steps whose failure is the new version's or its traffic's: whatever this run moved goes back. */
const TRAFFIC_STEPS: readonly Operation['type'][] = ['PublishVersion', 'Invoke', 'CreateAlias', 'UpdateAlias'];

/** What says that the version is not good, whatever moved. */
const UNFIT: ReadonlySet<string> = new Set(['HEALTH_CHECK_FAILED', 'ALARM_RAISED', 'ERROR_RATE_EXCEEDED', 'UNWATCHED']);

/**
 * Carries out one function's plan. Never throws: the result says what was done, what was put back, and the exit code.
 *
 * The live state is read once more before the first write; the record is opened before it and closed whatever happens; a
 * failure after traffic moved returns every alias of this run to exactly where it was.
 */
export async function runFunction(job: ApplyJob, ports: ApplyPorts): Promise<FunctionResult> {
  const { name } = job.desired;
  if (job.plan.action !== 'none') return new Run(job, ports).execute();
  return { name, result: 'no_changes', version: null, aliases: [], operations: [], notes: [], exitCode: 0 };
}

class Run {
  private readonly steps: Steps;
  private readonly journal: Journal;
  private readonly results: OperationResult[] = [];
  private readonly notes: string[] = [];
  private readonly started = new Set<Operation>();
  private failedStep: Operation | undefined;
  private tookBack = false;
  private readonly held: string[] = [];

  constructor(
    private readonly job: ApplyJob,
    private readonly ports: ApplyPorts,
  ) {
    this.steps = new Steps(job, ports);
    this.journal = new Journal(job, ports);
  }

  async execute(): Promise<FunctionResult> {
    const { operations } = this.job.plan;
    const failure = await this.attempt(async () => {
      await refuseChangedObjects(this.job, this.ports);
      await this.refuseIfChanged();
      await refuseIfAlarmed(this.job.desired.name, operations, this.ports);
      await this.open();
      for (const step of operations) if (!isRecordStep(step)) await this.step(step);
    });
    const outcome = failure === undefined ? undefined : await this.makeSafe(failure);
    await this.close(outcome);
    const skipped = operations.filter((step) => !isRecordStep(step) && !this.started.has(step));
    const { results, tookBack } = this;
    const notes = [...this.steps.notes, ...this.notes];
    const pending = this.pending(outcome);
    return reportOf(this.job, this.steps, { results, notes, skipped, failure: outcome, tookBack, pending });
  }

  private async attempt(work: () => Promise<void>): Promise<DeployError | undefined> {
    try {
      await work();
      return undefined;
    } catch (error) {
      return asDeployError(error, this.job.desired.name);
    }
  }

  /** The plan was made from a state that may be minutes old: nothing is written over a change it did not see. */
  private async refuseIfChanged(): Promise<void> {
    const { live, desired } = this.job;
    if (live === undefined) return;
    const { lambda } = this.ports;
    const [read, aliases] = await Promise.all([lambda.getFunction(desired.name), lambda.listAliases(desired.name)]);
    if (read === undefined || aliases === undefined)
      throw liveChanged(desired.name, 'the function', ['it no longer exists']);
    await this.journal.refresh({ name: live.name, arn: read.arn, tags: read.tags });
    this.refuseIfRunning(this.journal.running());
    const sameRevision = live.latest.revisionId !== undefined && read.version.revisionId === live.latest.revisionId;
    const before = contentOf(live.latest, desired.name);
    const paths = sameRevision ? [] : unpredicted(before, contentOf(read.version, desired.name), []);
    if (paths.length > 0) throw liveChanged(desired.name, '$LATEST', paths);
    if (!sameRevision) this.steps.touched();
    for (const { name } of desired.aliases) {
      const [then, now] = [live.aliases, aliases].map((list) => list.find((alias) => alias.name === name));
      if (JSON.stringify([then?.version, then?.weights]) === JSON.stringify([now?.version, now?.weights])) continue;
      const what = now === undefined ? 'it no longer exists' : `it serves version ${now.version}`;
      throw liveChanged(desired.name, `alias ${name}`, [what]);
    }
  }

  /** Another run's deployment is not written into, unless this one was told to take over from it: then it says from whom. */
  private refuseIfRunning(others: readonly DeployRecord[]): void {
    const [other] = others;
    if (other !== undefined && this.job.takesOver !== true) throw runningError(other);
    this.notes.push(...others.map(tookOver));
    if (this.job.takesOver !== true) this.notes.push(...this.journal.givenUp().map(triesAgain));
  }

  private async open(): Promise<void> {
    const step = this.job.plan.operations.find((one) => isRecordStep(one) && one.record === 'open');
    await this.timed(step, () => this.journal.open());
    this.steps.touched();
  }

  private async step(step: Exclude<Operation, RecordStep>): Promise<void> {
    const { signal } = this.ports;
    if (signal.aborted) throw signal.reason;
    const tags = step.type === 'CreateFunction' ? this.journal.tagsForCreate() : {};
    await this.timed(step, () => this.steps.run(step, tags));
  }

  /** Whatever this run moved goes back, unless what failed is only the tidying of `$LATEST` after a rollback. */
  private async makeSafe(error: DeployError): Promise<DeployError> {
    const isTraffic = this.failedStep === undefined || TRAFFIC_STEPS.includes(this.failedStep.type);
    const unfit = this.unfitAlias(error);
    if (!isTraffic || (this.steps.moved.length === 0 && unfit === undefined)) return error;
    const kept: string[] = [];
    let lost: DeployError | undefined;
    for (const moved of [...this.steps.moved].reverse()) {
      const alias = this.job.desired.aliases.find(({ name }) => name === moved.alias);
      if (this.isStopped(error) && alias?.rollout?.onCancel === 'hold' && isShare(moved.after)) {
        this.held.push(moved.alias);
        this.notes.push(
          `alias ${moved.alias} is held at ${describePlace(moved.after)}; the next apply goes on from there.`,
        );
        continue;
      }
      if (alias?.autoRollback === false) {
        kept.push(moved.alias);
        continue;
      }
      const { problem, winner } = await this.putBack(moved);
      if (problem !== undefined) return problem;
      if (winner !== undefined) {
        lost = lostTo(winner, error);
        continue;
      }
      this.tookBack = true;
      this.notes.push(`alias ${moved.alias} is back on version ${moved.before.version}.`);
    }
    if (kept.length > 0) return this.staysBecause(error, kept);
    if (lost !== undefined) return lost;
    return unfit === undefined ? tookBackBecause(error) : this.servesUnfit(error, unfit);
  }

  /** Puts an alias back, unless it is another run's by now: then it stays, and that run's record is answered. */
  private async putBack(moved: Moved): Promise<{ readonly problem?: DeployError; readonly winner?: DeployRecord }> {
    const first = await this.winnerOf(moved);
    if (first !== undefined) return { winner: first };
    const problem = await this.attempt(() => this.steps.aliases.takeBack(moved));
    if (problem === undefined) return {};
    // Only what the failed move read may have told.
    const winner = await this.winnerOf(moved);
    return winner === undefined ? { problem } : { winner };
  }

  /** The run that gave this one's new version all traffic of an alias, as a promotion of a rollout does that still goes on. */
  private async winnerOf({ alias, after }: Moved): Promise<DeployRecord | undefined> {
    const [share] = Object.keys(after.weights);
    const { aliases } = this.steps;
    const isPromoted =
      share !== undefined && aliases.versionOf(alias) === share && !isShare({ weights: aliases.weightsOf(alias) });
    return isPromoted ? this.journal.wonBy(alias, share) : undefined;
  }

  /** Aliases at a share: by the plan, or held because the run was stopped. */
  private pending(failure: DeployError | undefined): string[] {
    const names = this.job.desired.aliases.map(({ name }) => name);
    const isShared = (name: string): boolean => Object.keys(this.steps.aliases.weightsOf(name)).length > 0;
    return failure === undefined ? names.filter(isShared) : this.held;
  }

  private isStopped(error: DeployError): boolean {
    return this.ports.signal.aborted && error.code === 'INTERRUPTED';
  }

  /** The alias whose check failed although this run did not move it, so that there is nothing to take back. */
  private unfitAlias({ code }: DeployError): string | undefined {
    const step = this.failedStep;
    if (!UNFIT.has(code) || step?.type !== 'Invoke' || !('alias' in step.target)) return undefined;
    const { alias } = step.target;
    return this.steps.moved.some((moved) => moved.alias === alias) ? undefined : alias;
  }

  /** The alias that failed was not moved by this run: it was made by it, or moved by one that died before its check. */
  private servesUnfit(error: DeployError, alias: string): DeployError {
    const { name } = this.job.desired;
    const isNew = this.steps.created.includes(alias);
    const detail = `${withStop(error.detail)} Alias ${alias} serves it, and ${isNew ? 'before this run it did not exist' : 'an earlier run that did not finish moved it there'}.`;
    return new DeployError('NEEDS_A_HUMAN', detail, {
      source: error.source,
      subject: name,
      fix: isNew
        ? `mend the function and apply again, or: aws lambda delete-alias --function-name ${name} --name ${alias}${this.job.pasted?.aws ?? ''}`
        : this.goBack(alias),
      cause: error,
    });
  }

  /** A rollback that did not end well is finished by the next one, so that going elsewhere has to be said. */
  private goBack(alias: string): string {
    const { desired, meta, pasted } = this.job;
    const to = meta.action === 'rollback' ? ' --to VERSION' : '';
    return `lambda-deploy rollback --function ${desired.name} --alias ${alias}${pasted?.own ?? ''}${to}`;
  }

  private staysBecause(error: DeployError, aliases: readonly string[]): DeployError {
    const { name } = this.job.desired;
    const detail = `${withStop(error.detail)} Alias ${aliases.join(', ')} stays on the new version because autoRollback is false.`;
    return new DeployError('NEEDS_A_HUMAN', detail, {
      source: error.source,
      subject: name,
      fix: this.goBack(aliases[0] ?? ''),
      cause: error,
    });
  }

  private async close(failure: DeployError | undefined): Promise<void> {
    const step = this.job.plan.operations.find((one) => isRecordStep(one) && one.record === 'close');
    const result =
      failure === undefined ? (this.job.meta.endsAs ?? 'succeeded') : resultOf({ failure, tookBack: this.tookBack });
    const pending = this.pending(failure);
    const isPending = (alias: string): boolean => pending.includes(alias);
    const error =
      failure === undefined ? {} : { error: { code: failure.code, message: this.ports.redact(failure.detail) } };
    if (!this.journal.needsClosing) return;
    const problem = await this.attempt(() =>
      this.timed(step, () =>
        this.journal.close(this.steps, { result, isPending, operations: [...this.results], ...error }),
      ),
    );
    if (problem === undefined) return;
    this.notes.push(
      `the deployment record could not be closed: ${problem.detail} The deployment itself is as said here; the next apply starts a new record.`,
    );
  }

  /** Runs one step, tells when it starts and ends, and keeps how it ended. */
  private async timed(step: Operation | undefined, work: () => Promise<StepStatus | void>): Promise<void> {
    if (step === undefined) return void (await work());
    const { clock, emit } = this.ports;
    const { plan, desired } = this.job;
    const started = clock.now();
    this.started.add(step);
    emit({
      type: 'step-started',
      function: desired.name,
      index: plan.operations.indexOf(step),
      total: plan.operations.length,
      operation: step,
    });
    const end = (status: OperationStatus, detail: { detail?: string } = {}): void => {
      const durationMs = clock.now() - started;
      this.results.push({ type: step.type, status, durationMs, ...targetOf(step) });
      emit({ type: 'step-ended', function: desired.name, operation: step, status, durationMs, ...detail });
    };
    try {
      const { status, ...detail } = (await work()) ?? { status: 'done' };
      end(status, detail);
    } catch (error) {
      this.failedStep = step;
      end('failed');
      throw error;
    }
  }
}

function tookOver({ function: name, alias, build, actor, startedAt }: DeployRecord): string {
  const by = [build === undefined ? '' : ` of build ${build}`, actor === undefined ? '' : ` by ${actor}`].join('');
  return `this run took over ${alias === null ? '' : `alias ${alias} of `}${name} from a run${by} that began at ${startedAt} and had not ended. If that one still lives, it stops at its next change.`;
}

function triesAgain({ function: name, alias, startedAt }: DeployRecord): string {
  return `this try of the job goes on in place of an earlier one, which began with ${alias === null ? '' : `alias ${alias} of `}${name} at ${startedAt} and did not end. If that one still lives, it stops at its next change.`;
}

/** The rollout went on without this run: there is nothing to put back, and nobody to call. Exit 3. */
function lostTo({ alias, build, actor, startedAt, result }: DeployRecord, error: DeployError): DeployError {
  const by = [build === undefined ? '' : ` of build ${build}`, actor === undefined ? '' : ` by ${actor}`].join('');
  const state = result === 'open' ? 'and is not over' : 'and succeeded';
  const detail = `${withStop(error.detail)} Alias ${alias ?? ''} serves the new version with all traffic: another run${by} took the rollout over at ${startedAt}, ${state}. It stays so.`;
  const { source, subject } = error;
  const fix = 'run status to see what the alias serves; there is nothing to take back.';
  return new DeployError('LIVE_CHANGED', detail, { source, subject, fix, cause: error });
}

function isShare({ weights }: Pick<AliasState, 'weights'>): boolean {
  return Object.keys(weights).length > 0;
}

function withStop(text: string): string {
  return text.replace(/\.?$/, '.');
}

/** The same error, with the exit code that says: it failed, and the alias is back. */
function tookBackBecause(error: DeployError): DeployError {
  const { source, subject, fix } = error;
  return new DeployError(error.code, error.detail, {
    source,
    subject,
    fix,
    cause: error,
    exit: error.exit === 3 ? 3 : 4,
  });
}
