/** A call that changed something, as CloudTrail has it. */
export interface TrailEvent {
  /** AWS's name of the operation, without the version that CloudTrail appends. */
  readonly operation: string;
  /** ISO 8601. */
  readonly at: string;
  /** The ARN of who called, or the name where there is none. */
  readonly who: string;
  /** The program that called, as it names itself; empty where it does not. */
  readonly userAgent: string;
  /** The function by its name, from whatever the call named it by; absent where the call names none. */
  readonly function?: string;
  /** For an alias. */
  readonly alias?: string;
  /** The members that the call named, in CloudTrail's spelling: `memorySize`. */
  readonly members: readonly string[];
}
