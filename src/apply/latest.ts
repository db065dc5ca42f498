import type { LiveVersion } from '../model/function.js';
import { unpredicted } from '../planner/compare.js';
import { contentOf, type Content } from '../planner/normalize.js';
import type { ApplyJob, ApplyPorts } from './job.js';
import { liveChanged, mutate, retryWith, type Finding } from './mutate.js';

/**
 * The run's view of `$LATEST`: what it must contain now, and the RevisionId under which that was checked. Every write goes
 * through {@link write}, so that no RevisionId is used whose content was not compared (semantics 10).
 */
export class Latest {
  private expected: Content;
  private revisionId: string | undefined;
  private stale = false;

  constructor(
    private readonly job: ApplyJob,
    private readonly ports: ApplyPorts,
    live: LiveVersion,
  ) {
    this.expected = contentOf(live, job.desired.name);
    this.revisionId = live.revisionId;
  }

  /** What `$LATEST` contains, as far as this run knows. */
  get content(): Content {
    return this.expected;
  }

  /** A call was made that moves the RevisionId: read again before the next write. */
  touched(): void {
    this.stale = true;
  }

  /** @throws LIVE_CHANGED when `$LATEST` is not what this run expects. */
  async verify(): Promise<string | undefined> {
    if (!this.stale) return this.revisionId;
    const live = await this.readSettled();
    const paths = unpredicted(this.expected, contentOf(live, this.job.desired.name), []);
    if (paths.length > 0) throw liveChanged(this.job.desired.name, '$LATEST', paths);
    this.adopt(live, this.expected);
    return this.revisionId;
  }

  /**
   * Sends one update, waits until it settled, and checks that `$LATEST` is then exactly as predicted.
   * `landed` is called as soon as AWS has the update, so that a wait that fails does not hide it.
   * @throws LIVE_CHANGED, UPDATE_FAILED, AWS_*
   */
  async write(
    predicted: Content,
    sentKeys: readonly string[],
    call: (revisionId: string | undefined) => Promise<LiveVersion>,
    landed: () => void,
  ): Promise<'done' | 'recovered'> {
    await this.verify();
    const before = this.expected;
    const status = await mutate({
      ...retryWith(this.ports, this.job.desired.name),
      call: async () => void (await call(this.revisionId)),
      inspect: async () => this.inspect(before, predicted, sentKeys),
    });
    landed();
    this.expected = predicted;
    this.stale = true;
    const live = await this.settled();
    const paths = unpredicted(predicted, contentOf(live, this.job.desired.name), sentKeys);
    if (paths.length > 0) throw liveChanged(this.job.desired.name, '$LATEST after the update', paths);
    this.adopt(live, contentOf(live, this.job.desired.name));
    return status;
  }

  /** What a lost answer meant. Where before and after are the same content, only a new RevisionId tells. */
  private async inspect(before: Content, predicted: Content, sentKeys: readonly string[]): Promise<Finding> {
    const live = await this.readSettled();
    const content = contentOf(live, this.job.desired.name);
    const redundant = unpredicted(predicted, before, []).length === 0;
    const moved = live.revisionId === undefined || live.revisionId !== this.revisionId;
    if (
      unpredicted(predicted, content, sentKeys).length === 0 &&
      live.lastUpdateStatus !== 'Failed' &&
      (!redundant || moved)
    )
      return 'ours';
    const paths = unpredicted(before, content, []);
    if (paths.length > 0) throw liveChanged(this.job.desired.name, '$LATEST', paths);
    this.adopt(live, before);
    return 'unchanged';
  }

  /** After a write of ours: a Failed update is an error. */
  private async settled(): Promise<LiveVersion> {
    const { name } = this.job.desired;
    const onWait = (seconds: number): void =>
      this.ports.emit({ type: 'waiting', function: name, waitingFor: 'the update of $LATEST to settle', seconds });
    return (await this.ports.settle(name, undefined, onWait, this.ports.signal)).version;
  }

  /** Before a write of ours: an update that Failed earlier is what the plan may be about to mend. */
  private async readSettled(): Promise<LiveVersion> {
    const read = await this.ports.lambda.getFunction(this.job.desired.name);
    if (read === undefined) throw liveChanged(this.job.desired.name, 'the function', ['it no longer exists']);
    const { lastUpdateStatus, state } = read.version;
    return lastUpdateStatus === 'InProgress' || state === 'Pending' ? this.settled() : read.version;
  }

  private adopt(live: LiveVersion, content: Content): void {
    this.expected = content;
    this.revisionId = live.revisionId;
    this.stale = false;
  }
}
