import type { RecordSubject } from '../model/ports.js';
import type { DeployRecord } from '../model/record.js';
import type { ApplyJob, ApplyPorts } from './job.js';
import { mutate, readAnyway, retryWith } from './mutate.js';
import { closeRecords, openRecords, type Outcome } from './records.js';
import type { Steps } from './steps.js';

/**
 * The record of one run: opened before its first change, closed once whatever happened. A record written twice is the same
 * record, so a lost answer is simply repeated.
 */
export class Journal {
  private records: readonly DeployRecord[] = [];
  private isOpen = false;

  constructor(
    private readonly job: ApplyJob,
    private readonly ports: ApplyPorts,
    /** As read just before the first change: what others recorded since the plan is kept. */
    private known: readonly DeployRecord[] = job.known,
  ) {}

  /** Takes the records as they are now, so that writing ours loses nobody's. @throws RECORD_STORE, AWS_UNREADABLE */
  async refresh(subject: RecordSubject): Promise<void> {
    const { aliases } = this.job.desired;
    const keys = aliases.length === 0 ? [null] : aliases.map(({ name }) => name);
    this.known = (await Promise.all(keys.map((alias) => this.ports.records.list(subject, alias)))).flat();
  }

  /** The tags with which CreateFunction opens the record; empty when the store is elsewhere, and then {@link open} has opened it. */
  tagsForCreate(): Readonly<Record<string, string>> {
    this.isOpen = true;
    return this.ports.records.tagsFor(this.records, this.known);
  }

  /** @throws RECORD_STORE, AWS_*: then nothing was changed */
  async open(): Promise<void> {
    this.records = openRecords(this.job, this.ports);
    const { live, desired } = this.job;
    // A function that does not exist has no tags yet: its record travels with CreateFunction.
    if (live === undefined && this.ports.records.kind === 'tags') return;
    await this.write('open', live ?? { name: desired.name, arn: '', tags: {} }, this.records);
    this.isOpen = true;
  }

  /** Whether a record was opened, or may have been. */
  get needsClosing(): boolean {
    return this.isOpen;
  }

  /** @throws RECORD_STORE, AWS_* */
  async close(steps: Steps, outcome: Outcome): Promise<void> {
    const subject = await this.subject();
    if (subject !== undefined)
      await this.write('close', subject, closeRecords(this.records, this.job, steps, outcome, this.ports));
  }

  /** `undefined`: the function that the record would live on was never made. */
  private async subject(): Promise<RecordSubject | undefined> {
    const { live, desired } = this.job;
    if (live !== undefined) return this.ports.records.kind === 'tags' ? this.asItIsNow(live) : live;
    const read = await readAnyway(() => this.ports.lambda.getFunction(desired.name));
    if (read !== undefined) return { name: desired.name, arn: read.arn, tags: read.tags };
    return this.ports.records.kind !== 'tags' ? { name: desired.name, arn: '', tags: {} } : undefined;
  }

  /** A tag is written whole and without a condition: a run that ended during this one has its record in the same tag. */
  private async asItIsNow(live: RecordSubject): Promise<RecordSubject> {
    try {
      const read = await readAnyway(() => this.ports.lambda.getFunction(live.name));
      if (read === undefined) return live;
      const now = { name: live.name, arn: read.arn, tags: read.tags };
      await this.refresh(now);
      return now;
    } catch {
      // A record that lacks what others wrote meanwhile is better than one that stays open.
      return live;
    }
  }

  private async write(what: 'open' | 'close', subject: RecordSubject, records: readonly DeployRecord[]): Promise<void> {
    await mutate({
      ...retryWith(this.ports, this.job.desired.name),
      // A stopped run still closes its record.
      signal: new AbortController().signal,
      call: () => this.ports.records[what](subject, records, this.known),
      inspect: () => Promise.resolve('unchanged'),
    });
  }
}
