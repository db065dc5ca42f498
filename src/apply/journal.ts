import { DeployError, isDeployError } from '../errors.js';
import { isUnreadable, type Version } from '../model/function.js';
import type { RecordSubject } from '../model/ports.js';
import type { DeployRecord } from '../model/record.js';
import { isEarlierTry, runningElsewhere, runningError } from '../model/running.js';
import type { ApplyJob, ApplyPorts } from './job.js';
import { mutate, readAnyway, retryWith } from './mutate.js';
import { closeRecords, openRecords, type Outcome } from './records.js';
import type { Steps } from './steps.js';

/** How often a closing tag is read again, and written again where another run wrote over it. */
const MAX_LOOKS = 3;

/**
 * The record of one run: opened before its first change, closed once whatever happened. A record written twice is the same
 * record, so a lost answer is simply repeated.
 */
export class Journal {
  private records: readonly DeployRecord[] = [];
  private isOpen = false;
  /** Whether a write got no answer, so that it may have taken effect. */
  private isLost = false;

  constructor(
    private readonly job: ApplyJob,
    private readonly ports: ApplyPorts,
    /** As read just before the first change: what others recorded since the plan is kept. */
    private known: readonly DeployRecord[] = job.known,
  ) {}

  /** Takes the records as they are now, so that writing ours loses nobody's. @throws RECORD_STORE, AWS_UNREADABLE */
  async refresh(subject: RecordSubject): Promise<void> {
    const lists = this.aliases().map((alias) => this.ports.records.list(subject, alias));
    this.known = (await Promise.all(lists)).flat();
  }

  /** What other runs have under way on these aliases, as it was read last. Of one that takes over: of its own spec, too. */
  running(): readonly DeployRecord[] {
    const { plan, meta, takesOver } = this.job;
    const [own] = this.records;
    const claim = {
      now: new Date(this.ports.clock.now()).toISOString(),
      specDigest: takesOver === true ? '' : plan.specDigest,
      ...(own === undefined ? {} : { id: own.id }),
      ...(meta.planDigest === undefined || takesOver === true ? {} : { planDigest: meta.planDigest }),
      ...(meta.origin.job === undefined || takesOver === true ? {} : { job: meta.origin.job }),
    };
    return this.aliases().flatMap((alias) => {
      const records = this.known.filter((record) => record.alias === alias);
      return runningElsewhere(records, claim) ?? [];
    });
  }

  /** What an earlier try of this very job has left open, as it was read last. */
  givenUp(): readonly DeployRecord[] {
    const claim = { now: new Date(this.ports.clock.now()).toISOString(), specDigest: '' };
    return this.aliases().flatMap((alias) => {
      const open = runningElsewhere(
        this.known.filter((record) => record.alias === alias),
        claim,
      );
      return open !== undefined && isEarlierTry(open.job, this.job.meta.origin.job) ? [open] : [];
    });
  }

  private aliases(): readonly (string | null)[] {
    const { aliases } = this.job.desired;
    return aliases.length === 0 ? [null] : aliases.map(({ name }) => name);
  }

  /** The tags with which CreateFunction opens the record; empty when the store is elsewhere, and then {@link open} has opened it. */
  tagsForCreate(): Readonly<Record<string, string>> {
    this.isOpen = true;
    return this.ports.records.tagsFor(this.records, this.known);
  }

  /** @throws DEPLOYMENT_RUNNING, RECORD_STORE, AWS_*: then nothing was changed, and what was opened, or may have been, needs closing */
  async open(): Promise<void> {
    const { live, desired, plan, archive } = this.job;
    const isUploading = plan.operations.some(({ type }) => type === 'PutObject');
    const uploadBytes = isUploading ? ((await archive?.())?.bytes ?? 0) : 0;
    this.records = openRecords(this.job, this.ports, uploadBytes);
    // A function that does not exist has no tags yet: its record travels with CreateFunction.
    if (live === undefined && this.ports.records.kind === 'tags') return;
    const subject = live ?? { name: desired.name, arn: '', tags: {} };
    try {
      await this.write('open', subject, this.records);
    } catch (error) {
      this.records = await this.leftOpen(subject);
      throw error;
    } finally {
      this.isOpen = this.records.length > 0;
    }
    if (live !== undefined && this.job.takesOver !== true) await this.lookAgain(live);
  }

  /**
   * What a failed opening has left open. S3 lets go by itself; the tags are one call; the others write alias by alias, and where
   * they cannot tell, any may be open.
   */
  private async leftOpen(subject: RecordSubject): Promise<readonly DeployRecord[]> {
    const { kind } = this.ports.records;
    if (kind === 's3') return [];
    if (kind === 'tags') return this.isLost ? this.records : [];
    try {
      await this.refresh(subject);
    } catch {
      return this.records;
    }
    return this.records.filter((own) => this.known.some(({ id, alias }) => id === own.id && alias === own.alias));
  }

  /**
   * Of two runs that opened their records in the same moment, neither of which saw the other's, the one that began first goes on,
   * unless its record was written over. A lock has decided that already.
   */
  private async lookAgain(live: RecordSubject): Promise<void> {
    const { kind } = this.ports.records;
    if (kind === 's3') return;
    await this.refresh(kind === 'tags' ? await this.read(live) : live);
    const isOurs = ({ id, alias }: DeployRecord, other: DeployRecord): boolean =>
      id === this.records[0]?.id && alias === other.alias;
    const other = this.running().find(
      (one) => one.id < (this.records[0]?.id ?? '') || !this.known.some((record) => isOurs(record, one)),
    );
    if (other !== undefined) throw runningError(other);
  }

  /**
   * The newer run that has given this version all traffic of an alias, or is about to: `undefined` where none is recorded, or the
   * records cannot be read.
   */
  async wonBy(alias: string, version: Version): Promise<DeployRecord | undefined> {
    const { live } = this.job;
    const [own] = this.records;
    if (live === undefined || own === undefined) return undefined;
    try {
      await this.refresh(this.ports.records.kind === 'tags' ? await this.read(live) : live);
    } catch {
      return undefined;
    }
    const now = new Date(this.ports.clock.now()).toISOString();
    return this.known.find(
      (other) =>
        other.alias === alias &&
        other.id > own.id &&
        (other.result === 'open'
          ? (other.deadline ?? '') > now
          : other.result === 'succeeded' && other.version === version),
    );
  }

  /** Whether a record was opened, or may have been. */
  get needsClosing(): boolean {
    return this.isOpen;
  }

  /** @throws RECORD_STORE, AWS_* */
  async close(steps: Steps, outcome: Outcome): Promise<void> {
    const subject = await this.subject();
    if (subject === undefined) return;
    const closed = closeRecords(this.records, this.job, steps, outcome, this.ports);
    await this.write('close', subject, closed);
    if (this.ports.records.kind === 'tags') await this.keep(subject, closed);
  }

  /** TagResource knows no condition: who closed in the same moment may have written over this run's entry. */
  private async keep(subject: RecordSubject, closed: readonly DeployRecord[]): Promise<void> {
    // A full tag may have no place for this entry, and what is left of it would be encoded otherwise: as written is right, too.
    let written = this.ports.records.tagsFor(closed, this.known);
    for (let look = 1; ; look += 1) {
      const now = await this.read(subject).catch(() => undefined);
      // What cannot be read was written all the same.
      if (now === undefined || isUnreadable(now.tags)) return;
      const { tags } = now;
      const isThere = (wanted: typeof written): boolean =>
        Object.entries(wanted).every(([key, value]) => tags[key] === value);
      if (isThere(written)) return;
      await this.refresh(now);
      written = this.ports.records.tagsFor(closed, this.known);
      if (isThere(written)) return;
      if (look === MAX_LOOKS) throw overwritten(this.job.desired.name);
      await this.write('close', now, closed);
    }
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
      const now = await this.read(live);
      await this.refresh(now);
      return now;
    } catch {
      // A record that lacks what others wrote meanwhile is better than one that stays open.
      return live;
    }
  }

  private async read(live: RecordSubject): Promise<RecordSubject> {
    const read = await readAnyway(() => this.ports.lambda.getFunction(live.name));
    return read === undefined ? live : { name: live.name, arn: read.arn, tags: read.tags };
  }

  private async write(what: 'open' | 'close', subject: RecordSubject, records: readonly DeployRecord[]): Promise<void> {
    await mutate({
      ...retryWith(this.ports, this.job.desired.name),
      // A stopped run still closes its record.
      signal: new AbortController().signal,
      call: async () => {
        try {
          await this.ports.records[what](subject, records, this.known, this.job.takesOver);
        } catch (error) {
          this.isLost ||= !isDeployError(error) || error.code === 'AWS_AMBIGUOUS';
          throw error;
        }
      },
      inspect: () => Promise.resolve('unchanged'),
    });
  }
}

function overwritten(name: string): DeployError {
  return new DeployError('RECORD_STORE', `other runs write over the deployment record of ${name} all the time.`, {
    subject: name,
    fix: 'let one run at a time deploy a function, or keep records in S3 (metadata: s3://BUCKET/PREFIX).',
  });
}
