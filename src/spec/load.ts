import { readFile, stat } from 'node:fs/promises';
import { basename, relative, resolve } from 'node:path';
import { DeployError, type Diagnostic } from '../errors.js';
import type { CodeRef, Desired, MetadataStore } from '../model/function.js';
import type { JsonObject } from '../model/json.js';
import { checkSchema } from './check.js';
import { toSpecFunction, type SpecFunction } from './desired.js';
import { specDigest } from './digest.js';
import { directoryOf, findFile, PACKAGE_KEY } from './find.js';
import { toDiagnostics, type Finding } from './findings.js';
import { refuseFuture } from './future.js';
import { interpolate } from './interpolate.js';
import { mergeDefaults } from './merge.js';
import { mapAt, nodeAt, textAt, type Node } from './node.js';
import { parseFile } from './parse.js';
import { renderDesired } from './render-desired.js';
import { checkRules } from './rules.js';

export interface LoadOptions {
  /** Where the search starts, absolute. */
  readonly cwd: string;
  /** `--config`: absolute or relative to `cwd`. Absent: search. */
  readonly config?: string;
  /** The process's environment. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** `--region`: wins over the file's. */
  readonly region?: string;
}

/** The file, resolved and checked; no archive has been read. */
export interface LoadedSpec {
  /** Absolute path of the file. */
  readonly file: string;
  /** Absolute; relative paths in the file start here. */
  readonly directory: string;
  /** The file's text: a value that stands in it is no secret of the environment's. */
  readonly text: string;
  /** `--region`, or the file's. */
  readonly region?: string;
  readonly account?: string;
  readonly metadata: MetadataStore;
  /** In file order. */
  readonly functions: readonly SpecFunction[];
  /** What `render` prints: after defaults and interpolation, secrets as references. */
  readonly rendered: JsonObject;
  readonly warnings: readonly Diagnostic[];
}

/**
 * Finds, reads and checks the file. Calls nothing and reads nothing else.
 *
 * @throws FILE_NOT_FOUND, FILE_UNREADABLE, or the code of the first error in the file, with all findings as `diagnostics`.
 */
export async function loadSpec(options: LoadOptions): Promise<LoadedSpec> {
  const file = await findFile(options.cwd, options.config);
  const shownAs = relative(options.cwd, file);
  const bytes = await readBytes(file, shownAs);
  const { root, findings } = readSpec(bytes, basename(file), options);
  const diagnostics = toDiagnostics(findings, shownAs);
  if (root === undefined || diagnostics.some(({ severity }) => severity === 'error'))
    throw refusal(diagnostics, shownAs);
  const directory = directoryOf(file);
  const region = options.region ?? textAt(root, 'region');
  const account = textAt(root, 'account');
  const functions = [...(mapAt(root, 'functions')?.entries ?? [])];
  return {
    file,
    directory,
    text: new TextDecoder().decode(bytes),
    ...(region === undefined ? {} : { region }),
    ...(account === undefined ? {} : { account }),
    metadata: toStore(textAt(root, 'metadata'), directory),
    functions: functions.flatMap(([key, { node }]) =>
      node.kind === 'map' ? [toSpecFunction(key, node, shownAs)] : [],
    ),
    rendered: renderDesired(root, region),
    warnings: diagnostics,
  };
}

/** The desired state, with the archives that were read; a function whose key is not in `codes` has no code. */
export function toDesired(spec: LoadedSpec, codes: ReadonlyMap<string, CodeRef>): Desired {
  const { file, region, account, metadata } = spec;
  return {
    file,
    ...(region === undefined ? {} : { region }),
    ...(account === undefined ? {} : { account }),
    metadata,
    functions: spec.functions.map(({ codePath: _, asWritten, ...rest }) => {
      const code = codes.get(rest.key);
      return { ...rest, ...(code === undefined ? {} : { code }), specDigest: specDigest(asWritten, code?.codeSha256) };
    }),
  };
}

/** Far more than people write by hand; the YAML library's search for duplicate keys takes seconds beyond it. */
const MAX_FILE_BYTES = 1_048_576;

async function readBytes(file: string, shownAs: string): Promise<Uint8Array> {
  const refuse = (why: string, fix: string, cause?: unknown): DeployError =>
    new DeployError('FILE_UNREADABLE', `${shownAs === '' ? file : shownAs} cannot be read: ${why}.`, { cause, fix });
  try {
    const about = await stat(file);
    if (about.isDirectory()) throw refuse('it is a folder', 'name a file.');
    // A pipe or a device may never end.
    if (!about.isFile()) throw refuse('it is no regular file', 'name a file.');
    if (about.size > MAX_FILE_BYTES)
      throw refuse(`it has ${about.size} bytes; ${MAX_FILE_BYTES} are the limit`, 'split it into several files.');
    return await readFile(file);
  } catch (cause) {
    if (cause instanceof DeployError) throw cause;
    const reason = (cause as NodeJS.ErrnoException).code;
    if (reason === 'ENOENT')
      throw new DeployError('FILE_NOT_FOUND', `There is no ${shownAs}.`, {
        cause,
        fix: 'check the path after --config.',
      });
    throw refuse(reason ?? 'unknown reason', 'name a file that can be read.', cause);
  }
}

function readSpec(
  bytes: Uint8Array,
  name: string,
  options: LoadOptions,
): { readonly root?: Node; readonly findings: readonly Finding[] } {
  const parsed = parseFile(bytes);
  if (!('root' in parsed)) return parsed;
  const written = name === 'package.json' ? nodeAt(parsed.root, PACKAGE_KEY) : parsed.root;
  if (written === undefined || (written.kind === 'scalar' && written.value === null))
    return { findings: [nothing(parsed.root, written === undefined)] };
  const present = refuseFuture(written);
  const resolved = interpolate(present.root, options);
  const checked = checkSchema(mergeDefaults(resolved.root));
  const findings = [...present.findings, ...resolved.findings, ...checkRules(checked.root), ...checked.findings];
  return { root: checked.root, findings };
}

function nothing(root: Node, isKeyMissing: boolean): Finding {
  return {
    code: 'SCHEMA',
    position: root.position,
    path: [],
    message: isKeyMissing ? `This package.json has no \`${PACKAGE_KEY}\`.` : 'The file is empty.',
    fix: 'write `version: 1` and `functions`.',
  };
}

function refusal(diagnostics: readonly Diagnostic[], shownAs: string): DeployError {
  const first = diagnostics.find(({ severity }) => severity === 'error');
  return new DeployError(first?.code ?? 'SCHEMA', first?.message ?? 'The file cannot be used.', {
    subject: shownAs,
    diagnostics,
    ...(first?.fix === undefined ? {} : { fix: first.fix }),
    ...(first?.location === undefined ? {} : { location: first.location }),
  });
}

function toStore(metadata: string | undefined, directory: string): MetadataStore {
  if (metadata === undefined || metadata === 'tags') return { store: 'tags' };
  return { store: 'file', directory: resolve(directory, metadata.slice('file:'.length)) };
}
