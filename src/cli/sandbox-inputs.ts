import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { DeployError } from '../errors.js';
import type { Host } from './host.js';

/**
 * What a file that an option names holds; `absent` when none is named.
 *
 * @throws USAGE with what `parse` objects to
 */
export async function parseOption<T>(
  { cwd }: Host,
  option: string,
  file: unknown,
  parse: (text: string) => T,
  absent: T,
): Promise<T> {
  if (typeof file !== 'string') return absent;
  try {
    return parse(await readFile(path.resolve(cwd, file), 'utf8'));
  } catch (error) {
    const why = error instanceof Error ? error.message : 'it cannot be read';
    throw new DeployError('USAGE', `--${option} ${file}: ${why}`, { fix: 'see specs/0007-sandbox.md for its format.' });
  }
}

/**
 * Folders by image, from `URI=DIR`.
 *
 * @throws USAGE for a pair that is none, or a folder that does not exist
 */
export async function parseImages({ cwd }: Host, given: unknown): Promise<Readonly<Record<string, string>>> {
  const images: Record<string, string> = {};
  for (const pair of Array.isArray(given) ? given.map(String) : []) {
    const at = pair.indexOf('=');
    const folder = path.resolve(cwd, pair.slice(at + 1));
    const isFolder = await stat(folder).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (at < 1 || !isFolder)
      throw new DeployError('USAGE', `--image ${pair} is not an image, = and an existing folder.`, {
        fix: 'write --image ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG=DIR.',
      });
    images[pair.slice(0, at)] = folder;
  }
  return images;
}
