import { lstat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { DeployError } from '../errors.js';

/** The key in package.json that holds the file's content. */
export const PACKAGE_KEY = 'lambdaDeploy';

const PLACES = [
  'lambda.deploy.yaml',
  'lambda.deploy.yml',
  'lambda.deploy.json',
  '.config/lambda.deploy.yaml',
  'package.json',
];

/**
 * The part of cosmiconfig that only searches. Its public functions first load a meta-configuration (`.config/config.*`,
 * package.json's `cosmiconfig`) with JavaScript and TypeScript loaders that no option turns off, so that a pull request
 * could run code in the deployment job; this class does not. The version is pinned, and a test plants such files.
 */
interface CosmiconfigSearch {
  readonly Explorer: new (options: object) => { search(from: string): Promise<{ filepath: string } | null> };
}

/**
 * The absolute path of the file: `config` where it is given, otherwise the first place that exists from `cwd` up to the
 * repository's root (outside a repository: `cwd` only).
 *
 * @throws FILE_NOT_FOUND; FILE_UNREADABLE when a nearer file is there and cannot be read
 */
export async function findFile(cwd: string, config: string | undefined): Promise<string> {
  if (config !== undefined) return resolve(cwd, config);
  // Loaded here so that `--config` does not pay for it.
  // A CommonJS module: Node names its exports, a bundle has them under `default` only.
  const { default: search } = (await import('cosmiconfig/dist/Explorer.js')) as unknown as {
    default: CosmiconfigSearch;
  };
  const stopDir = (await repositoryRoot(cwd)) ?? cwd;
  const explorer = new search.Explorer({
    moduleName: 'lambda-deploy',
    packageProp: PACKAGE_KEY,
    searchPlaces: PLACES,
    searchStrategy: 'global',
    stopDir,
    // An empty file is this tool's to complain about; skipping it would find another one further up.
    ignoreEmptySearchPlaces: false,
    cache: false,
    transform: (result: unknown) => result,
    loaders: { default: recognize },
  });
  const found = await explorer.search(cwd);
  await refusePassedOver(cwd, stopDir, found?.filepath);
  if (found !== null) return found.filepath;
  const detail = `There is no ${PLACES[0]} in ${cwd}${stopDir === cwd ? '' : ` or above it, up to ${stopDir}`}.`;
  throw new DeployError('FILE_NOT_FOUND', detail, { fix: 'write one, or name yours with --config FILE.' });
}

/** cosmiconfig passes over a file that it may not read; one further up would then be deployed in its place. */
async function refusePassedOver(cwd: string, stopDir: string, found: string | undefined): Promise<void> {
  const last = found === undefined ? stopDir : dirname(found);
  for (let directory = cwd; ; directory = dirname(directory)) {
    for (const place of PLACES.filter((name) => name !== 'package.json')) {
      const path = join(directory, place);
      if (path === found) return;
      if (await isThere(path)) {
        throw new DeployError('FILE_UNREADABLE', `${path} is there, but cannot be read.`, {
          fix: 'make it readable, or name another file with --config FILE.',
        });
      }
    }
    if (directory === last || directory === dirname(directory)) return;
  }
}

/** The folder that relative paths start from: the file's own, for `.config/` its parent. */
export function directoryOf(file: string): string {
  const directory = dirname(file);
  return basename(directory) === '.config' ? dirname(directory) : directory;
}

/** cosmiconfig's loader: says whether a file is one of ours, and never what is in it. `null`: go on searching. */
function recognize(path: string, content: string): object | null {
  if (basename(path) !== 'package.json') return basename(path).startsWith('lambda.deploy.') ? {} : null;
  try {
    const json: unknown = JSON.parse(content);
    const hasKey = typeof json === 'object' && json !== null && Object.hasOwn(json, PACKAGE_KEY);
    return hasKey ? { [PACKAGE_KEY]: {} } : {};
  } catch {
    // Broken: if it speaks of us, the parser says where.
    return content.includes(`"${PACKAGE_KEY}"`) ? { [PACKAGE_KEY]: {} } : {};
  }
}

/** The nearest folder above with a `.git`; `undefined` outside of a repository. */
export async function repositoryRoot(from: string): Promise<string | undefined> {
  if (await isThere(join(from, '.git'))) return from;
  const parent = dirname(from);
  return parent === from ? undefined : repositoryRoot(parent);
}

/** Whether the name exists, be it a file, a folder or a link to nowhere. */
async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
