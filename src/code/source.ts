import { DeployError, type ErrorCode, type Location } from '../errors.js';
import { MAX_UNZIPPED_BYTES } from '../model/limits.js';
import { missingModule, type EntryPoint } from './entry-point.js';

/** Where code comes from, and what its messages name. */
export interface CodeSource {
  /** Absolute path of the archive or the directory. */
  readonly path: string;
  /** As the file names it; the subject of every message. */
  readonly source: string;
  /** Where `code.zip` or `code.dir` stands, for messages. */
  readonly location?: Location;
  /** Whose module must be inside; absent: not checked. */
  readonly entryPoint?: EntryPoint;
}

/** Makes the error that names the source: `why` continues the sentence that the source begins, `fix` is an imperative. */
export type Refuse = (code: ErrorCode, why: string, fix: string, cause?: unknown) => DeployError;

/** The {@link Refuse} of one source; what it makes is a finding in the file where the place is known. */
export function refuserOf({ source, location }: CodeSource): Refuse {
  return (code, why, fix, cause) => {
    const message = `${source} ${why}.`;
    const at = location === undefined ? {} : { location };
    const diagnostics = [{ severity: 'error', code, message, fix, ...at } as const];
    return new DeployError(code, message, { fix, subject: source, cause, diagnostics, ...at });
  };
}

/** What an archive holds or will hold. */
export interface Contents {
  /** Paths of files and links with `/`. */
  readonly names: ReadonlySet<string>;
  /** Of all entries together, in bytes. */
  readonly unzippedBytes: number;
}

/**
 * Refuses what Lambda would refuse, or would take and then fail at the first invocation.
 *
 * @throws ZIP_TOO_LARGE (unpacked); `invalid`, when the module of the handler is missing.
 */
export function checkContents(
  { names, unzippedBytes }: Contents,
  { entryPoint }: CodeSource,
  invalid: 'ZIP_INVALID' | 'DIR_INVALID',
  refuse: Refuse,
): void {
  const isDirectory = invalid === 'DIR_INVALID';
  if (unzippedBytes > MAX_UNZIPPED_BYTES)
    throw refuse(
      'ZIP_TOO_LARGE',
      `holds ${unzippedBytes} bytes unpacked; Lambda allows ${MAX_UNZIPPED_BYTES}`,
      isDirectory
        ? 'list what the function does not need in .lambdaignore.'
        : 'remove what the function does not need.',
    );
  const missing = entryPoint && missingModule(entryPoint, names);
  if (missing === undefined) return;
  throw refuse(
    invalid,
    `holds no ${missing}, which the handler ${entryPoint?.handler} needs; every invocation would fail`,
    `put it at the top of the ${isDirectory ? 'directory' : 'archive'}, correct \`handler\`, or name \`layers\` in ignoreChanges if a layer brings it.`,
  );
}

/** The system's name for why a call failed, such as `EACCES`; never a path or a stack. */
export function reasonOf(cause: unknown): string {
  return (cause as NodeJS.ErrnoException | undefined)?.code ?? 'unknown reason';
}

/** A path for a message: names may hold quotes, newlines and a terminal's colours. */
export function quoted(name: string): string {
  return JSON.stringify(name);
}
