import { parse, relative, resolve, sep } from 'node:path';
import type { Host } from './host.js';

/** Where the agent keeps a file of the working directory or of anywhere else, and the directory it comes back to by that path. */
export interface ArtifactPlace {
  /** As it is uploaded: relative to the working directory, absolute outside of it. */
  readonly from: string;
  /** As it is found again: the agent strips what makes a path absolute. */
  readonly path: string;
  readonly directory: string;
}

/** The artifact that a file is, or was. */
export function artifactOf({ cwd }: Pick<Host, 'cwd'>, file: string): ArtifactPlace {
  const whole = resolve(cwd, file);
  const inside = relative(cwd, whole);
  if (inside !== '..' && !inside.startsWith(`..${sep}`)) return { from: inside, path: inside, directory: cwd };
  const { root } = parse(whole);
  return { from: whole, path: whole.slice(root.length), directory: root };
}
