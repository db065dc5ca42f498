import { basename } from 'node:path';
import { literal } from '../model/reference.js';
import { PACKAGE_KEY } from './find.js';
import { nodeAt, scalarsOf, type Path } from './node.js';
import { readWritten } from './read.js';

/** A map of the file that may say something about a function: itself, an overlay's, or defaults. */
export type Place = Path;

/**
 * Where a value of a function may be written, the best first: where it stands now, at the function, at the function in the chosen
 * environment's overlay.
 *
 * @param path below the function
 * @returns `isReference`: what stands there is one, or has one in it
 */
export function placesOf(
  file: string,
  text: string,
  { key, environment }: { readonly key: string; readonly environment: string | undefined },
  path: readonly string[],
): { readonly places: readonly Place[]; readonly isReference: boolean } {
  const written = readWritten(new TextEncoder().encode(text), basename(file));
  const root = 'root' in written ? written.root : undefined;
  const overlay = environment === undefined ? [] : [['environments', environment]];
  const own: Place = ['functions', key];
  const inOverlay: readonly Place[] = overlay.map((above) => [...above, ...own]);
  // As they win over each other.
  const all: readonly Place[] = [...inOverlay, own, ...overlay.map((above) => [...above, 'defaults']), ['defaults']];
  const place = all.find((one) => nodeAt(root, ...one, ...path) !== undefined);
  const node = place && nodeAt(root, ...place, ...path);
  const others = [own, ...inOverlay].filter((one) => one !== place);
  return {
    places: [...(place === undefined ? [] : [place]), ...others],
    isReference: node !== undefined && [...scalarsOf(node)].some(([{ value }]) => literal(value) === undefined),
  };
}

/** A place and a path below it, from the top of the file. */
export function pathInFile(file: string, place: Place, path: readonly string[]): Path {
  return [...(basename(file) === 'package.json' ? [PACKAGE_KEY] : []), ...place, ...path];
}
