import { createHash } from 'node:crypto';
import type { DocumentsPort, StoredDocument } from '../../src/model/ports.js';

/** One call as it arrives, and what a test makes of it. */
export interface Hooks {
  /** Before it has any effect; throws in place of it. */
  before?: (operation: keyof DocumentsPort, key: string) => Promise<void> | void;
  /** After its effect; throws in place of the answer. */
  after?: (operation: keyof DocumentsPort, key: string) => Promise<void> | void;
}

/** Keys in one answer of a listing. @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
const MAX_KEYS = 1000;

/** A bucket in memory, held to the contract of documents-contract.ts. Several may share the objects of one. */
export class MemoryDocuments implements DocumentsPort {
  /** As they were called, in the order of their effects. */
  readonly calls: (keyof DocumentsPort)[] = [];

  constructor(
    readonly objects: Map<string, StoredDocument> = new Map(),
    private readonly hooks: Hooks = {},
  ) {}

  list(prefix: string): Promise<readonly string[]> {
    const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
    return this.call('list', prefix, () =>
      [...this.objects.keys()]
        .filter((key) => key.startsWith(prefix))
        .sort(byBytes)
        .slice(0, MAX_KEYS),
    );
  }

  get(key: string): Promise<StoredDocument | undefined> {
    return this.call('get', key, () => this.objects.get(key));
  }

  put(key: string, text: string, over: string | null): Promise<boolean> {
    return this.call('put', key, () => {
      if ((this.objects.get(key)?.etag ?? null) !== over) return false;
      this.objects.set(key, { text, etag: `"${createHash('md5').update(text).digest('hex')}"` });
      return true;
    });
  }

  remove(key: string, etag: string): Promise<boolean> {
    return this.call('remove', key, () => this.objects.get(key)?.etag === etag && this.objects.delete(key));
  }

  private async call<T>(operation: keyof DocumentsPort, key: string, effect: () => T): Promise<T> {
    await this.hooks.before?.(operation, key);
    this.calls.push(operation);
    const answer = effect();
    await this.hooks.after?.(operation, key);
    return answer;
  }
}
