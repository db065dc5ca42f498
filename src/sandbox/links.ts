import { randomBytes } from 'node:crypto';
import type { Code } from './state.js';

/** AWS's links to code are good for ten minutes. @see https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html */
const LINK_MS = 600_000;
const PREFIX = '/_code/';

/** Unguessable links to archives that need no signature, as AWS's pre-signed ones. */
export class Links {
  private readonly issued = new Map<string, { readonly code: Code; readonly until: number }>();

  constructor(private readonly now: () => number) {}

  /** A path that serves the archive for ten minutes. */
  create(code: Code): string {
    for (const [path, { until }] of this.issued) {
      // Oldest first: the first that is still good ends the search.
      if (until > this.now()) break;
      this.issued.delete(path);
    }
    const path = `${PREFIX}${randomBytes(16).toString('hex')}`;
    this.issued.set(path, { code, until: this.now() + LINK_MS });
    return path;
  }

  /** The very bytes that were uploaded; `undefined` when the path is no link or has expired. */
  open(path: string): Uint8Array | undefined {
    const found = this.issued.get(path);
    return found !== undefined && found.until > this.now() ? found.code.zip : undefined;
  }
}
