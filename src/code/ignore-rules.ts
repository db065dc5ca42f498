import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Refuse } from './source.js';
import { reasonOf } from './source.js';

/** The file at the top of a packed directory whose lines, gitignore's, say what stays out. */
export const IGNORE_FILE = '.lambdaignore';

/**
 * What never belongs to a function, and differs between two clones of one commit, so that the same source would give another
 * digest: version control's own files, the Finder's, and Python's caches, which hold the sources' modification times.
 * The first lines of every `.lambdaignore`: a later `!__pycache__/` takes one back.
 */
export const DEFAULT_RULES: readonly string[] = ['.git', '.hg', '.svn', '.DS_Store', '__pycache__/', IGNORE_FILE];

/** Whether a path, relative and with `/`, a folder's ending in `/`, stays out. What lies in a folder that stays out is never asked. */
export type IsIgnored = (path: string) => boolean;

/**
 * The rules of a directory. Letters count as written, on every machine.
 *
 * @throws DIR_INVALID: the ignore file cannot be read, or is not UTF-8.
 * @see https://git-scm.com/docs/gitignore
 */
export async function loadIgnoreRules(directory: string, refuse: Refuse): Promise<IsIgnored> {
  const text = await readText(join(directory, IGNORE_FILE), refuse);
  const { default: ignore } = await import('ignore');
  const rules = ignore({ ignorecase: false })
    .add([...DEFAULT_RULES])
    .add(text);
  return (path) => rules.ignores(path);
}

async function readText(path: string, refuse: Refuse): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (cause) {
    const reason = reasonOf(cause);
    if (reason === 'ENOENT') return '';
    const why = cause instanceof TypeError ? 'is not UTF-8' : `cannot be read (${reason})`;
    throw refuse('DIR_INVALID', `holds ${IGNORE_FILE}, which ${why}`, 'make it a readable text file in UTF-8.', cause);
  }
}
