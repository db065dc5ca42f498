import { DeployError } from '../errors.js';
import { isUnreadable, LATEST, type LiveVersion, type Version } from '../model/function.js';
import type { PublishVersionStep, VersionRef } from '../model/plan.js';
import { unpredicted } from '../planner/compare.js';
import { contentOf, type Content } from '../planner/normalize.js';
import type { ApplyJob, ApplyPorts } from './job.js';
import type { Latest } from './latest.js';
import { liveChanged, mutate, retryWith } from './mutate.js';

/** How long an idle version may take to answer the invocation that wakes it, in seconds. */
const WAKE_SECONDS = 30;

/** An idle version is Pending while it wakes, which its first invocation only asks for: it may be asked this often, with pauses. */
const WAKE_ATTEMPTS = 10;
const WAKE_PAUSE_MS = 3_000;

/** What one run publishes, and which versions are known to be able to serve. */
export class Versions {
  private readonly published = new Map<'preserve' | 'release', Version>();
  private readonly ready = new Set<Version>();

  constructor(
    private readonly job: ApplyJob,
    private readonly ports: ApplyPorts,
  ) {}

  /** The version that carries the spec: published or re-used by this run; `null` when there is none. */
  released(): Version | null {
    const published = this.published.get('release');
    if (published !== undefined) return published;
    const used = this.job.plan.operations.flatMap((step) => {
      if (step.type === 'CreateAlias') return [step.version];
      return step.type === 'UpdateAlias' && step.settles === undefined
        ? [step.additional?.version ?? step.version]
        : [];
    });
    const numbers = used.flatMap((ref) => ('number' in ref ? [ref.number] : []));
    return numbers.find((version) => version !== LATEST) ?? null;
  }

  /** What this run published, whatever came of it. */
  publishedVersions(): Version[] {
    return [...this.published.values()];
  }

  resolve(ref: VersionRef): Version {
    if ('number' in ref) return ref.number;
    const version = this.published.get(ref.published);
    if (version === undefined) throw new Error(`nothing was published to ${ref.published}`);
    return version;
  }

  /**
   * Publishes `$LATEST` once: no version gets this content that another run has published since the plan, because that one is
   * taken. It is looked for once the RevisionId is known, which every later publish moves; so is it after a lost answer.
   * @throws LIVE_CHANGED; NEEDS_A_HUMAN when AWS gives no version above a Failed one (semantics 6); UPDATE_FAILED; AWS_*
   */
  async publish(step: PublishVersionStep, latest: Latest): Promise<{ status: 'done' | 'recovered'; version: Version }> {
    const { name } = this.job.desired;
    const content = latest.content;
    const floor = await this.floor(step, content);
    let version: Version | undefined;
    let isFound = false;
    const look = async (): Promise<boolean> => {
      version = await this.twin(content, floor);
      return (isFound = version !== undefined);
    };
    const status = await mutate({
      ...retryWith(this.ports, name),
      call: async () => {
        const revisionId = await latest.verify();
        if (await look()) return;
        const request = { description: step.description, codeSha256: step.codeSha256 };
        const publish = revisionId === undefined ? request : { ...request, revisionId };
        version = (await this.ports.lambda.publishVersion(name, publish)).version;
      },
      inspect: async () => {
        latest.touched();
        return (await look()) ? 'ours' : 'unchanged';
      },
    });
    // Publishing moves $LATEST's RevisionId.
    latest.touched();
    if (version === undefined || Number(version) <= Number(step.above ?? 0)) throw this.noNewVersion(step, version);
    this.published.set(step.purpose, version);
    await this.makeReady(version, content);
    return { status: isFound ? 'recovered' : status, version };
  }

  /** The newest version above this one with this content, without those that the plan saw and did not use. */
  private async twin(content: Content, floor: number): Promise<Version | undefined> {
    const { desired, live } = this.job;
    const versions = await this.ports.lambda.listVersions(desired.name);
    const fits = (one: LiveVersion): boolean =>
      unpredicted(content, contentOf(one, desired.name), [], 'version').length === 0;
    const isNew = ({ version }: LiveVersion): boolean =>
      Number(version) > floor && !live?.versions.some((seen) => seen.version === version);
    return versions.findLast((one) => isNew(one) && fits(one))?.version;
  }

  /**
   * The number that the published version must exceed: a Failed twin's, and, where AWS does not show the variables, every earlier
   * one's, since then the content alone does not prove a version to be this one.
   */
  private async floor(step: PublishVersionStep, content: Content): Promise<number> {
    const versions = isUnreadable(content.environment)
      ? await this.ports.lambda.listVersions(this.job.desired.name)
      : [];
    return Math.max(Number(step.above ?? 0), ...versions.map(({ version }) => Number(version)));
  }

  private noNewVersion(step: PublishVersionStep, version: Version | undefined): DeployError {
    const { name } = this.job.desired;
    const detail = `version ${step.above ?? ''} of ${name} is Failed, and publishing the same code again gave version ${version ?? '(none)'} instead of a new one.`;
    return new DeployError('NEEDS_A_HUMAN', detail, {
      source: 'aws',
      subject: name,
      fix: `delete the Failed version (aws lambda delete-function --function-name ${name} --qualifier ${step.above ?? ''}), then apply again.`,
    });
  }

  /**
   * The version behind a reference, able to serve and exactly what the plan saw (promise 1): that is the target only where the
   * version carries the spec, not where it is pinned, kept before a change, or differs in what is left to others.
   * @throws LIVE_CHANGED, UPDATE_FAILED, WAIT_TIMEOUT, AWS_*
   */
  async checked(ref: VersionRef): Promise<Version> {
    const version = this.resolve(ref);
    const seen = this.job.live?.versions.find((candidate) => candidate.version === version);
    await this.makeReady(version, seen === undefined ? undefined : contentOf(seen, this.job.desired.name));
    return version;
  }

  private async makeReady(version: Version, content: Content | undefined): Promise<void> {
    if (this.ready.has(version) || version === LATEST) return;
    const { name } = this.job.desired;
    const settle = (waitingFor: string): ReturnType<ApplyPorts['settle']> =>
      this.ports.settle(
        name,
        version,
        (seconds) => this.ports.emit({ type: 'waiting', function: name, waitingFor, seconds }),
        this.ports.signal,
      );
    let read = await settle(`version ${version} to become Active`);
    for (let attempt = 1; read.version.state === 'Inactive'; attempt += 1) {
      if (attempt > WAKE_ATTEMPTS) throw this.asleep(version);
      if (attempt > 1) await this.ports.clock.sleep(WAKE_PAUSE_MS, this.ports.signal);
      // An idle version's first invocation fails and wakes it; its answer means nothing.
      await this.ports.lambda.invoke(name, version, {}, WAKE_SECONDS).catch(() => undefined);
      read = await settle(`version ${version} to wake up`);
    }
    const paths = content === undefined ? [] : unpredicted(content, contentOf(read.version, name), [], 'version');
    if (paths.length > 0) throw liveChanged(name, `version ${version}`, paths);
    this.ready.add(version);
  }

  private asleep(version: Version): DeployError {
    const { name } = this.job.desired;
    const detail = `version ${version} of ${name} is idle (Inactive) and did not become Active after ${WAKE_ATTEMPTS} invocations.`;
    return new DeployError('WAIT_TIMEOUT', detail, {
      source: 'aws',
      subject: name,
      fix: `invoke it until it answers (aws lambda invoke --function-name ${name} --qualifier ${version} out.json), then run again.`,
    });
  }
}
