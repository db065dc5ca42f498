import { isUnreadable, type HealthCheck, type Settings, type Variables, type Version } from '../model/function.js';
import type {
  CreateFunctionStep,
  InvokeStep,
  Operation,
  Place,
  UpdateAliasStep,
  UpdateFunctionCodeStep,
  UpdateFunctionConfigurationStep,
} from '../model/plan.js';
import { unpredicted } from '../planner/compare.js';
import { contentOf, type Content } from '../planner/normalize.js';
import { Aliases, describePlace, type AliasState, type Moved } from './aliases.js';
import { runCheck } from './check.js';
import { changeCodeSigning } from './code-signing.js';
import { codeToSend, putArchive, refuseOtherCode } from './code.js';
import type { ApplyJob, ApplyPorts } from './job.js';
import { Latest } from './latest.js';
import { liveChanged, mutate, retryWith } from './mutate.js';
import { Versions } from './versions.js';
import { keepWatch } from './watch.js';

/** How a step ended, and what it led to in a few words. */
export interface StepStatus {
  readonly status: 'done' | 'recovered';
  readonly detail?: string;
}

/** Carries out the steps of one function's plan, one AWS call each, and knows what has been done so far. */
export class Steps {
  readonly aliases: Aliases;
  readonly versions: Versions;
  /** Aliases that this run moved, in order; made ones are in {@link created}. */
  readonly moved: Moved[] = [];
  readonly created: string[] = [];
  /** What watches found that did not end them. */
  readonly notes: string[] = [];
  /** Calls on the function that AWS has carried out or begun, also where the wait after them failed. */
  readonly landed = new Set<Operation['type']>();
  private latest: Latest | undefined;

  constructor(
    private readonly job: ApplyJob,
    private readonly ports: ApplyPorts,
  ) {
    this.aliases = new Aliases(job.desired.name, ports, job.live?.aliases ?? [], job.pasted?.aws);
    this.versions = new Versions(job, ports);
    if (job.live !== undefined) this.latest = new Latest(job, ports, job.live.latest);
  }

  /** What `$LATEST` contains, as far as this run knows; `undefined` before it exists. */
  latestContent(): Content | undefined {
    return this.latest?.content;
  }

  /** A call outside the steps (a tag) moved `$LATEST`'s RevisionId. */
  touched(): void {
    this.latest?.touched();
  }

  /**
   * One call and the wait that belongs to it, to the end of its watch.
   *
   * @param openTags the tags that carry the open record of a function which does not exist yet
   * @throws DeployError; what was done before stays as it is
   */
  async run(
    step: Exclude<Operation, { record: string }>,
    openTags: Readonly<Record<string, string>>,
  ): Promise<StepStatus> {
    const status = await this.call(step, openTags);
    if ('watch' in step && step.watch !== undefined) {
      const [alias, version] = this.watched(step);
      const watched = { functionName: this.name, alias, version };
      this.notes.push(...(await keepWatch(watched, step.watch, this.ports)));
    }
    return status;
  }

  private async call(
    step: Exclude<Operation, { record: string }>,
    openTags: Readonly<Record<string, string>>,
  ): Promise<StepStatus> {
    switch (step.type) {
      case 'PutObject':
        await putArchive(step, this.job, this.ports);
        this.landed.add(step.type);
        return { status: 'done', detail: `s3://${step.bucket}/${step.key}` };
      case 'CreateFunction':
        return this.createFunction(step, openTags);
      case 'PutFunctionCodeSigningConfig':
      case 'DeleteFunctionCodeSigningConfig': {
        const status = await changeCodeSigning(this.name, step, this.ports, () => this.landed.add(step.type));
        this.touched();
        return { status };
      }
      case 'UpdateFunctionConfiguration':
        return this.updateConfiguration(step);
      case 'UpdateFunctionCode':
        return this.updateCode(step);
      case 'PublishVersion': {
        const { status, version } = await this.versions.publish(step, this.requireLatest());
        return { status, detail: `version ${version}` };
      }
      case 'Invoke':
        return { status: 'done', detail: await this.invoke(step) };
      case 'CreateAlias': {
        const version = await this.versions.checked(step.version);
        const status = await this.aliases.create(step.alias, version, step.description);
        this.created.push(step.alias);
        return { status, detail: `${step.alias} → ${version}` };
      }
      case 'UpdateAlias':
        return this.updateAlias(step);
      case 'TagResource':
        return this.tag(step, () => this.ports.lambda.tagResource(this.arn(), step.tags));
      case 'UntagResource':
        return this.tag(step, () => this.ports.lambda.untagResource(this.arn(), step.keys));
    }
  }

  private get name(): string {
    return this.job.desired.name;
  }

  private arn(): string {
    if (this.job.live === undefined) throw new Error('the function has no ARN before it exists');
    return this.job.live.arn;
  }

  private async createFunction(
    step: CreateFunctionStep,
    openTags: Readonly<Record<string, string>>,
  ): Promise<StepStatus> {
    const change = await codeToSend(step, this.job);
    const unlike = (live: Parameters<typeof contentOf>[0]): string[] =>
      unpredicted(this.job.target, contentOf(live, this.name), Object.keys(step.settings));
    const status = await mutate({
      ...retryWith(this.ports, this.name),
      call: async () => {
        const tags = { ...step.tags, ...openTags };
        const signing =
          step.codeSigningConfigArn === undefined ? {} : { codeSigningConfigArn: step.codeSigningConfigArn };
        const create = { settings: step.settings, ...this.variables(step), ...change, tags, ...signing };
        const created = await this.ports.lambda.createFunction(this.name, create);
        this.landed.add(step.type);
        refuseOtherCode(created, step, this.name);
      },
      inspect: async () => {
        const live = await this.ports.lambda.getFunction(this.name);
        if (live === undefined) return 'unchanged';
        // The open record is this run's signature: nobody else's create carries it.
        const signed = Object.entries(openTags).every(
          ([key, value]) => !isUnreadable(live.tags) && live.tags[key] === value,
        );
        if (signed && unlike(live.version).length === 0) return 'ours';
        throw liveChanged(this.name, 'the function', ['somebody else created it']);
      },
    });
    this.landed.add(step.type);
    const waitingFor = 'the function to become Active';
    const onWait = (seconds: number): void =>
      this.ports.emit({ type: 'waiting', function: this.name, waitingFor, seconds });
    const read = await this.ports.settle(this.name, undefined, onWait, this.ports.signal);
    const paths = unlike(read.version);
    if (paths.length > 0) throw liveChanged(this.name, 'the created function', paths);
    this.latest = new Latest(this.job, this.ports, read.version);
    return { status };
  }

  private async updateConfiguration(step: UpdateFunctionConfigurationStep): Promise<StepStatus> {
    const latest = this.requireLatest();
    const { content } = latest;
    const sends = step.environment === undefined ? {} : { environment: this.job.target.environment };
    const predicted: Content = { ...content, settings: { ...content.settings, ...step.settings }, ...sends };
    const change = { settings: step.settings, ...this.variables(step) };
    const status = await latest.write(
      predicted,
      [...Object.keys(step.settings), ...Object.keys(sends)],
      (revisionId) => this.ports.lambda.updateFunctionConfiguration(this.name, change, revisionId),
      () => this.landed.add(step.type),
    );
    return { status };
  }

  private async updateCode(step: UpdateFunctionCodeStep): Promise<StepStatus> {
    const { type, architectures, codeSha256 } = step;
    const change = await codeToSend(step, this.job);
    const latest = this.requireLatest();
    const also = architectures === undefined ? {} : { architectures };
    const settings: Settings = { ...latest.content.settings, ...also };
    const status = await latest.write(
      { ...latest.content, settings, codeSha256 },
      Object.keys(also),
      async (revisionId) => {
        const answer = await this.ports.lambda.updateFunctionCode(this.name, { ...change, ...also }, revisionId);
        this.landed.add(type);
        refuseOtherCode(answer, step, this.name);
        return answer;
      },
      () => this.landed.add(type),
    );
    return { status };
  }

  private async invoke(step: InvokeStep): Promise<string> {
    const check = this.completed(step.check);
    if (!('alias' in step.target)) {
      const version = await this.versions.checked(step.target);
      return runCheck({ functionName: this.name, qualifier: version, expected: version }, check, this.ports);
    }
    const version = this.aliases.versionOf(step.target.alias);
    if (version === null) throw new Error(`alias ${step.target.alias} is checked before it exists`);
    return runCheck({ functionName: this.name, qualifier: step.target.alias, expected: version }, check, this.ports);
  }

  /** The plan has the references and the names of payload files, the desired function what they stand for. */
  private completed(check: InvokeStep['check']): HealthCheck {
    const alias = this.job.desired.aliases.find(({ name }) => name === check.alias);
    const { payload, payloadSecrets } = alias?.healthChecks[check.index] ?? {};
    return {
      ...check,
      ...(check.payloadFile === undefined || payload === undefined ? {} : { payload }),
      ...(payloadSecrets === undefined ? {} : { payloadSecrets }),
    };
  }

  private async updateAlias(step: UpdateAliasStep): Promise<StepStatus> {
    const before = this.stateOf(step.from);
    const isNew = before.version !== this.versions.resolve(step.version);
    if (isNew) await this.versions.checked(step.version);
    if (step.additional !== undefined) await this.versions.checked(step.additional.version);
    const after = this.stateOf(step);
    const text = step.description === undefined ? {} : { description: step.description };
    const status = await this.aliases.move(step.alias, before, after, text);
    if (step.settles === undefined) this.remember({ alias: step.alias, before, after });
    return { status, detail: `${step.alias} ${describePlace(before)} → ${describePlace(after)}` };
  }

  /** The alias whose traffic a step's watch is about, and the version that got it. */
  private watched(step: UpdateAliasStep | InvokeStep): [alias: string, version: Version] {
    if (step.type === 'UpdateAlias')
      return [step.alias, this.versions.resolve(step.additional?.version ?? step.version)];
    const { alias } = step.check;
    const version = this.aliases.versionOf(alias);
    if (version === null) throw new Error(`alias ${alias} is watched before it exists`);
    return [alias, version];
  }

  private stateOf({ version, additional }: Place): AliasState {
    const weights = additional === undefined ? {} : { [this.versions.resolve(additional.version)]: additional.weight };
    return { version: this.versions.resolve(version), weights };
  }

  /** An alias that moves share by share goes back in one call, to where it was before the first. */
  private remember({ alias, before, after }: Moved): void {
    const known = this.moved.findIndex((moved) => moved.alias === alias);
    const [first] = known < 0 ? [] : this.moved.splice(known, 1);
    this.moved.push({ alias, before: first?.before ?? before, after });
  }

  private async tag({ type }: Operation, call: () => Promise<void>): Promise<StepStatus> {
    // Tags have no RevisionId; sending the same ones twice is the same as once.
    const status = await mutate({
      ...retryWith(this.ports, this.name),
      call,
      inspect: () => Promise.resolve('unchanged'),
    });
    this.landed.add(type);
    this.touched();
    return { status };
  }

  private variables(step: { readonly environment?: unknown }): { environment?: Variables } {
    const { environment } = this.job.target;
    return step.environment === undefined || isUnreadable(environment) ? {} : { environment };
  }

  private requireLatest(): Latest {
    if (this.latest === undefined) throw new Error('the function does not exist yet');
    return this.latest;
  }
}
