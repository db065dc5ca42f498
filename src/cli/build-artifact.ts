import path, { type PlatformPath } from 'node:path';
import type { Host } from './host.js';

/** Where the agent keeps a file of the working directory or of anywhere else, and the directory it comes back to by that path. */
export interface ArtifactPlace {
  /** As it is uploaded: relative to the working directory, absolute outside of it. */
  readonly from: string;
  /** As it is found again: the agent strips what makes a path absolute. */
  readonly path: string;
  readonly directory: string;
}

/**
 * The artifact that a file is, or was. With `/` on every system: a backslash means a pattern to the agent, and the step that takes it
 * may run on another system.
 *
 * @param system how this system writes paths
 */
export function artifactOf({ cwd }: Pick<Host, 'cwd'>, file: string, system: PlatformPath = path): ArtifactPlace {
  const { isAbsolute, parse, relative, resolve, sep } = system;
  const slashed = (native: string): string => native.split(sep).join('/');
  const whole = resolve(cwd, file);
  // Absolute where it is on another drive.
  const inside = relative(cwd, whole);
  if (!isAbsolute(inside) && inside !== '..' && !inside.startsWith(`..${sep}`))
    return { from: slashed(inside), path: slashed(inside), directory: cwd };
  const { root } = parse(whole);
  return { from: slashed(whole), path: slashed(whole.slice(root.length)), directory: root };
}
