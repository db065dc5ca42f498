import { readFile, stat } from 'node:fs/promises';
import { basename, relative, resolve as resolvePath } from 'node:path';
import { DeployError, type Diagnostic } from '../errors.js';
import type { CodeRef, Desired, MetadataStore } from '../model/function.js';
import type { JsonObject } from '../model/json.js';
import { toSpecFunction, type SpecFunction } from './desired.js';
import { specDigest } from './digest.js';
import { checkChoice, environmentNames } from './environments.js';
import { directoryOf, findFile } from './find.js';
import { toDiagnostics, type Finding } from './findings.js';
import type { Feature } from './future.js';
import type { Scope } from './interpolate.js';
import { mapAt, nodeAt, textAt, type Node } from './node.js';
import { readPayloadFiles, type PayloadFiles } from './payload-files.js';
import { readWritten, resolveTree } from './read.js';
import { renderDesired } from './render-desired.js';

export interface LoadOptions {
  /** Where the search starts, absolute. */
  readonly cwd: string;
  /** `--config`: absolute or relative to `cwd`. Absent: search. */
  readonly config?: string;
  /** The file's text, instead of what is on the disk: from a plan file. With `config`, which then need not exist. */
  readonly text?: string;
  /** The texts of payload files by their names, as `text`. */
  readonly payloads?: Readonly<Record<string, string>>;
  /** The process's environment. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** `--region`: wins over the file's. */
  readonly region?: string;
  /** `--environment`: which of the file's environments. */
  readonly environment?: string;
  /** True: variables that are not set make their values unknown, for a command that deploys nothing. */
  readonly keepUnset?: boolean;
  /** What the caller can carry out; the default is what the commands can. */
  readonly allow?: readonly Feature[];
}

/** The file, resolved and checked; no archive has been read. */
export interface LoadedSpec {
  /** Absolute path of the file. */
  readonly file: string;
  /** Absolute; relative paths in the file start here. */
  readonly directory: string;
  /** The file's text: a value that stands in it is no secret of the environment's. */
  readonly text: string;
  /** The texts of the files that health checks name as their events, by that name. */
  readonly payloads: Readonly<Record<string, string>>;
  /** The variables that it asks for and that are no secrets; `null`: not set. */
  readonly variables: Readonly<Record<string, string | null>>;
  /** The names under `environments`; empty in a file without. */
  readonly environments: readonly string[];
  /** The one that this is; absent in a file without. */
  readonly environment?: string;
  /** `--region`, or the file's. */
  readonly region?: string;
  readonly account?: string;
  readonly metadata: MetadataStore;
  /** Whether an apply must prove that its commit is not older than the deployed one. */
  readonly requireAncestry: boolean;
  /** In file order. */
  readonly functions: readonly SpecFunction[];
  /** What `render` prints: after defaults and interpolation, secrets as references. */
  readonly rendered: JsonObject;
  readonly warnings: readonly Diagnostic[];
}

/**
 * Finds, reads and checks the file as the chosen environment wants it. Calls nothing, and reads nothing else but the
 * payload files of health checks.
 *
 * @throws FILE_NOT_FOUND, FILE_UNREADABLE, UNKNOWN_ENVIRONMENT, ENVIRONMENT_REQUIRED (the file has some and none is
 * chosen), or the code of the first error in the file, with all findings as `diagnostics`.
 */
export async function loadSpec(options: LoadOptions): Promise<LoadedSpec> {
  const source = await readSource(options);
  checkChoice(source.written, options.environment, source.shownAs);
  const used = new Map<string, boolean>();
  const onVariable = (name: string, isSecret: boolean): void =>
    void used.set(name, used.get(name) === true || isSecret);
  const tree = await resolve(source, { ...options, onVariable });
  const diagnostics = toDiagnostics([...source.findings, ...tree.findings], source.shownAs);
  refuseErrors(diagnostics, source.shownAs);
  const plain = [...used].flatMap(([name, isSecret]) => (isSecret ? [] : [[name, options.variables[name] ?? null]]));
  return toLoaded(source, tree, { ...options, used: Object.fromEntries(plain) }, diagnostics);
}

/**
 * The file as each of its environments wants it, in file order, all of them checked; the chosen one alone where one is
 * chosen, and the file itself where it has none. For commands that call nothing.
 *
 * @throws as {@link loadSpec}, but never ENVIRONMENT_REQUIRED
 */
export async function loadEnvironments(options: LoadOptions): Promise<readonly LoadedSpec[]> {
  const source = await readSource(options);
  const names = environmentNames(source.written);
  if (options.environment !== undefined || names.length === 0) return [await loadSpec(options)];
  const trees = await Promise.all(
    names.map(async (environment) => {
      const scope = { ...options, environment };
      return { scope, tree: await resolve(source, scope) };
    }),
  );
  const all = [...source.findings, ...trees.flatMap(({ tree }) => tree.findings)];
  const diagnostics = toDiagnostics(all, source.shownAs);
  refuseErrors(diagnostics, source.shownAs);
  // What is said of all of them is said once.
  return trees.map(({ scope, tree }, index) => toLoaded(source, tree, scope, index === 0 ? diagnostics : []));
}

interface Source {
  readonly file: string;
  /** Relative to where the user is, as messages name it. */
  readonly shownAs: string;
  readonly bytes: Uint8Array;
  readonly written: Node;
  readonly findings: readonly Finding[];
}

async function readSource(options: LoadOptions): Promise<Source> {
  const { cwd, config, text } = options;
  const file = text === undefined ? await findFile(cwd, config) : resolvePath(cwd, config ?? '');
  const shownAs = relative(cwd, file);
  const bytes = text === undefined ? await readBytes(file, shownAs) : new TextEncoder().encode(text);
  const read = readWritten(bytes, basename(file), options.allow);
  if ('root' in read) return { file, shownAs, bytes, written: read.root, findings: read.findings };
  throw refusal(toDiagnostics(read.findings, shownAs), shownAs);
}

/** The tree of one environment, and what stands in files beside the file. */
interface Resolved {
  readonly root: Node;
  readonly payloads: PayloadFiles;
  readonly findings: readonly Finding[];
}

async function resolve({ file, written }: Source, scope: LoadOptions & Pick<Scope, 'onVariable'>): Promise<Resolved> {
  const tree = resolveTree(written, scope);
  const payloads = await readPayloadFiles(tree.root, directoryOf(file), scope.payloads);
  return { root: tree.root, payloads: payloads.files, findings: [...tree.findings, ...payloads.findings] };
}

function toLoaded(
  { file, shownAs, bytes, written }: Source,
  { root, payloads }: Resolved,
  options: LoadOptions & { readonly used?: LoadedSpec['variables'] },
  warnings: readonly Diagnostic[],
): LoadedSpec {
  const directory = directoryOf(file);
  const region = options.region ?? textAt(root, 'region');
  const account = textAt(root, 'account');
  const functions = [...(mapAt(root, 'functions')?.entries ?? [])];
  return {
    file,
    directory,
    text: new TextDecoder().decode(bytes),
    payloads: Object.fromEntries([...payloads].map(([name, one]) => [name, one.text])),
    variables: options.used ?? {},
    environments: environmentNames(written),
    ...(options.environment === undefined ? {} : { environment: options.environment }),
    ...(region === undefined ? {} : { region }),
    ...(account === undefined ? {} : { account }),
    metadata: toStore(textAt(root, 'metadata'), directory),
    requireAncestry: flagAt(root, 'requireAncestry'),
    functions: functions.flatMap(([key, { node }]) =>
      node.kind === 'map' ? [toSpecFunction(key, node, shownAs, payloads)] : [],
    ),
    rendered: renderDesired(root, region),
    warnings,
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
    functions: spec.functions.map(({ codeSource: _, templates: __, secretParts: ___, ...rest }) => {
      const { asWritten } = rest;
      const code = codes.get(rest.key);
      return { ...rest, ...(code === undefined ? {} : { code }), specDigest: specDigest(asWritten, code?.codeSha256) };
    }),
  };
}

/**
 * Judges a file's text that is not on disk yet, as {@link loadSpec} will.
 *
 * @returns its warnings
 * @throws the code of the first error, with all findings as `diagnostics`
 */
export function checkText(text: string, shownAs: string): readonly Diagnostic[] {
  const read = readWritten(new TextEncoder().encode(text), basename(shownAs));
  const tree = 'root' in read ? resolveTree(read.root, { variables: {} }).findings : [];
  const diagnostics = toDiagnostics([...read.findings, ...tree], shownAs);
  refuseErrors(diagnostics, shownAs);
  return diagnostics;
}

/** Far more than people write by hand; the YAML library's search for duplicate keys takes seconds beyond it. */
const MAX_FILE_BYTES = 1_048_576;

/**
 * The bytes of a file that somebody wrote by hand, 1 MB at most.
 *
 * @param option how it was named, for whoever mistyped it
 * @throws FILE_NOT_FOUND, FILE_UNREADABLE
 */
export async function readBytes(file: string, shownAs: string, option = '--config'): Promise<Uint8Array> {
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
        fix: `check the path after ${option}.`,
      });
    throw refuse(reason ?? 'unknown reason', 'name a file that can be read.', cause);
  }
}

/** @throws the code of the first error, where there is one, with all findings */
export function refuseErrors(diagnostics: readonly Diagnostic[], shownAs: string): void {
  if (diagnostics.some(({ severity }) => severity === 'error')) throw refusal(diagnostics, shownAs);
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

function flagAt(root: Node, key: string): boolean {
  const node = nodeAt(root, key);
  return node?.kind === 'scalar' && node.value === true;
}

function toStore(metadata: string | undefined, directory: string): MetadataStore {
  if (metadata === undefined || metadata === 'tags') return { store: 'tags' };
  if (metadata === 'buildkite') return { store: 'buildkite' };
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)\/?(.*?)\/?$/.exec(metadata) ?? [];
  if (bucket !== undefined) return { store: 's3', bucket, prefix };
  return { store: 'file', directory: resolvePath(directory, metadata.slice('file:'.length)) };
}
