import { createHash } from 'node:crypto';
import { DeployError } from '../errors.js';
import { isUnreadable, LATEST, type Settings, type Variables, type Version } from '../model/function.js';
import type {
  CreateAliasStep,
  CreateFunctionStep,
  InvokeStep,
  Operation,
  PublishVersionStep,
  UpdateAliasStep,
  UpdateFunctionCodeStep,
  UpdateFunctionConfigurationStep,
  VersionRef,
} from '../model/plan.js';
import { diffContent, sameVersionContent, unpredicted } from '../planner/compare.js';
import { contentOf, type Content } from '../planner/normalize.js';
import { Aliases, type Moved } from './aliases.js';
import { runCheck } from './check.js';
import type { ApplyJob, ApplyPorts } from './job.js';
import { Latest } from './latest.js';
import { liveChanged, mutate } from './mutate.js';

type Status = { readonly status: 'done' | 'recovered'; readonly detail?: string };

/** Carries out the steps of one function's plan, one AWS call each, and knows what has been done so far. */
export class Steps {
  readonly aliases: Aliases;
  /** Aliases that this run moved, in order; made ones are not in it. */
  readonly moved: Moved[] = [];
  readonly created: string[] = [];
  private latest: Latest | undefined;
  private readonly published = new Map<'preserve' | 'release', Version>();
  private readonly ready = new Set<Version>();

  constructor(
    private readonly job: ApplyJob,
    private readonly ports: ApplyPorts,
  ) {
    this.aliases = new Aliases(job.desired.name, ports, job.live?.aliases ?? []);
    if (job.live !== undefined) this.latest = new Latest(job, ports, job.live.latest);
  }

  /** The version that carries the spec: published or re-used by this run; `null` when there is none. */
  releasedVersion(): Version | null {
    const published = this.published.get('release');
    if (published !== undefined) return published;
    const refs = this.job.plan.operations.flatMap((step) =>
      step.type === 'UpdateAlias' && step.preserves !== true && 'number' in step.version ? [step.version.number] : [],
    );
    return refs.find((version) => version !== LATEST) ?? null;
  }

  /** What `$LATEST` contains, as far as this run knows; `undefined` before it exists. */
  latestContent(): Content | undefined {
    return this.latest?.content;
  }

  /** A call outside the steps (a tag) moved `$LATEST`'s RevisionId. */
  touched(): void {
    this.latest?.touched();
  }

  /** @throws DeployError; what was done before stays as it is */
  async run(step: Exclude<Operation, { record: string }>, openTags: Readonly<Record<string, string>>): Promise<Status> {
    switch (step.type) {
      case 'CreateFunction':
        return { status: await this.createFunction(step, openTags) };
      case 'UpdateFunctionConfiguration':
        return { status: await this.updateConfiguration(step) };
      case 'UpdateFunctionCode':
        return { status: await this.updateCode(step) };
      case 'PublishVersion':
        return this.publish(step);
      case 'Invoke':
        return { status: 'done', detail: await this.invoke(step) };
      case 'CreateAlias':
        return this.createAlias(step);
      case 'UpdateAlias':
        return this.updateAlias(step);
      case 'TagResource':
        return { status: await this.tag(() => this.ports.lambda.tagResource(this.arn(), step.tags)) };
      case 'UntagResource':
        return { status: await this.tag(() => this.ports.lambda.untagResource(this.arn(), step.keys)) };
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
  ): Promise<'done' | 'recovered'> {
    const zip = await this.checkedZip(step.codeSha256);
    const tags = { ...step.tags, ...openTags };
    const status = await mutate({
      ...this.retrying(),
      call: async () => {
        await this.ports.lambda.createFunction(this.name, {
          settings: step.settings,
          ...this.variables(step),
          zip,
          tags,
        });
      },
      inspect: async () => {
        const live = await this.ports.lambda.getFunction(this.name);
        if (live === undefined) return 'unchanged';
        const [mark, value] = Object.entries(openTags)[0] ?? [];
        const ours = mark === undefined || (!isUnreadable(live.tags) && live.tags[mark] === value);
        if (
          ours &&
          unpredicted(this.job.target, contentOf(live.version, this.name), Object.keys(step.settings)).length === 0
        )
          return 'ours';
        throw liveChanged(this.name, 'the function', ['somebody else created it']);
      },
    });
    const read = await this.settle(undefined, 'the function to become Active');
    const paths = unpredicted(this.job.target, contentOf(read.version, this.name), Object.keys(step.settings));
    if (paths.length > 0) throw liveChanged(this.name, 'the created function', paths);
    this.latest = new Latest(this.job, this.ports, read.version);
    return status;
  }

  private async updateConfiguration(step: UpdateFunctionConfigurationStep): Promise<'done' | 'recovered'> {
    const latest = this.requireLatest();
    const { target } = this.job;
    const predicted: Content = {
      ...latest.content,
      settings: { ...latest.content.settings, ...step.settings },
      ...(step.environment === undefined ? {} : { environment: target.environment }),
    };
    const keys = [...Object.keys(step.settings), ...(step.environment === undefined ? [] : ['environment'])];
    return latest.write(predicted, keys, (revisionId) =>
      this.ports.lambda.updateFunctionConfiguration(
        this.name,
        { settings: step.settings, ...this.variables(step) },
        revisionId,
      ),
    );
  }

  private async updateCode(step: UpdateFunctionCodeStep): Promise<'done' | 'recovered'> {
    const zip = await this.checkedZip(step.codeSha256);
    const latest = this.requireLatest();
    const { architectures } = step;
    const settings: Settings = {
      ...latest.content.settings,
      ...(architectures === undefined ? {} : { architectures }),
    };
    return latest.write({ ...latest.content, settings, codeSha256: step.codeSha256 }, ['architectures'], (revisionId) =>
      this.ports.lambda.updateFunctionCode(
        this.name,
        { zip, ...(architectures === undefined ? {} : { architectures }) },
        revisionId,
      ),
    );
  }

  private async publish(step: PublishVersionStep): Promise<Status> {
    const latest = this.requireLatest();
    const content = latest.content;
    let version: Version | undefined;
    const status = await mutate({
      ...this.retrying(),
      call: async () => {
        const revisionId = await latest.verify();
        const request = { description: step.description, codeSha256: step.codeSha256 };
        const answer = await this.ports.lambda.publishVersion(
          this.name,
          revisionId === undefined ? request : { ...request, revisionId },
        );
        version = answer.version;
      },
      inspect: async () => {
        latest.touched();
        const versions = await this.ports.lambda.listVersions(this.name);
        const ours = versions
          .filter(
            (candidate) =>
              sameVersionContent(contentOf(candidate, this.name), content) &&
              Number(candidate.version) > Number(step.above ?? 0),
          )
          .at(-1);
        version = ours?.version;
        return ours === undefined ? 'unchanged' : 'ours';
      },
    });
    latest.touched();
    if (version === undefined || Number(version) <= Number(step.above ?? 0)) throw this.noNewVersion(step, version);
    this.published.set(step.purpose, version);
    await this.makeReady(version, content);
    return { status, detail: `version ${version}` };
  }

  private noNewVersion(step: PublishVersionStep, version: Version | undefined): DeployError {
    const detail = `version ${step.above ?? ''} of ${this.name} is Failed, and publishing the same code again gave version ${version ?? '(none)'} instead of a new one.`;
    return new DeployError('NEEDS_A_HUMAN', detail, {
      source: 'aws',
      subject: this.name,
      fix: `delete the Failed version (aws lambda delete-function --function-name ${this.name} --qualifier ${step.above ?? ''}), then apply again.`,
    });
  }

  /**
   * Waits until a version can serve, and makes sure that it is exactly what was planned (promise 1). A version that the file
   * pins by number is taken as it is.
   */
  private async makeReady(version: Version, content: Content | undefined): Promise<void> {
    if (this.ready.has(version) || version === LATEST) return;
    let read = await this.settle(version, `version ${version} to become Active`);
    if (read.version.state === 'Inactive') {
      // An idle version's first invocation fails and wakes it; its answer means nothing.
      await this.ports.lambda.invoke(this.name, version, {}, 30).catch(() => undefined);
      read = await this.settle(version, `version ${version} to wake up`);
    }
    const paths =
      content === undefined
        ? []
        : diffContent(content, contentOf(read.version, this.name), 'version').map(({ path }) => path);
    if (paths.length > 0) throw liveChanged(this.name, `version ${version}`, paths);
    this.ready.add(version);
  }

  private async invoke(step: InvokeStep): Promise<string> {
    if ('alias' in step.target) {
      const version = this.aliases.versionOf(step.target.alias);
      if (version === null) throw new Error(`alias ${step.target.alias} is checked before it exists`);
      return runCheck(this.name, step.target.alias, version, step.check, this.ports);
    }
    const version = this.resolve(step.target);
    await this.makeReady(version, this.contentFor(version));
    return runCheck(this.name, version, version, step.check, this.ports);
  }

  private async createAlias(step: CreateAliasStep): Promise<Status> {
    const version = await this.checked(step.version);
    const status = await this.aliases.create(step.alias, version, step.description);
    this.created.push(step.alias);
    return { status, detail: `${step.alias} → ${version}` };
  }

  private async updateAlias(step: UpdateAliasStep): Promise<Status> {
    const before = { version: this.resolve(step.from.version), weights: step.from.weights };
    const version = before.version === this.resolve(step.version) ? before.version : await this.checked(step.version);
    const after = { version, weights: {} };
    const status = await this.aliases.move(
      step.alias,
      before,
      after,
      step.description === undefined ? {} : { description: step.description },
    );
    if (step.preserves !== true) this.moved.push({ alias: step.alias, before, after });
    return { status, detail: `${step.alias} ${before.version} → ${version}` };
  }

  /** The version behind a reference, able to serve. */
  private async checked(ref: VersionRef): Promise<Version> {
    const version = this.resolve(ref);
    await this.makeReady(version, this.contentFor(version));
    return version;
  }

  private contentFor(version: Version): Content | undefined {
    return this.job.desired.aliases.some((alias) => alias.version === version) ? undefined : this.job.target;
  }

  private resolve(ref: VersionRef): Version {
    if ('number' in ref) return ref.number;
    const version = this.published.get(ref.published);
    if (version === undefined) throw new Error(`nothing was published to ${ref.published}`);
    return version;
  }

  private async tag(call: () => Promise<void>): Promise<'done' | 'recovered'> {
    // Tags have no RevisionId; sending the same ones twice is the same as once.
    const status = await mutate({
      ...this.retrying(),
      call,
      inspect: async () => Promise.resolve('unchanged' as const),
    });
    this.touched();
    return status;
  }

  private async settle(qualifier: string | undefined, waitingFor: string): ReturnType<ApplyPorts['settle']> {
    const onWait = (seconds: number): void =>
      this.ports.emit({ type: 'waiting', function: this.name, waitingFor, seconds });
    return this.ports.settle(this.name, qualifier, onWait, this.ports.signal);
  }

  private variables(step: { readonly environment?: unknown }): { environment?: Variables } {
    const { environment } = this.job.target;
    return step.environment === undefined || isUnreadable(environment) ? {} : { environment };
  }

  private async checkedZip(codeSha256: string): Promise<Uint8Array> {
    const zip = await this.job.zip();
    if (createHash('sha256').update(zip).digest('base64') === codeSha256) return zip;
    throw new DeployError('CODE_CHANGED', `the archive of ${this.name} is not the one that was planned.`, {
      subject: this.name,
      fix: 'run plan again.',
    });
  }

  private requireLatest(): Latest {
    if (this.latest === undefined) throw new Error('the function does not exist yet');
    return this.latest;
  }

  private retrying(): Pick<Parameters<typeof mutate>[0], 'clock' | 'signal' | 'onRetry'> {
    const { clock, signal, emit } = this.ports;
    return {
      clock,
      signal,
      onRetry: (reason, seconds) => emit({ type: 'retrying', function: this.name, reason, seconds }),
    };
  }
}
