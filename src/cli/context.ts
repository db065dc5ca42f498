import type { Build } from './build.js';
import type { Host } from './host.js';
import type { Options } from './options.js';
import type { Output } from './output.js';

/** What a verb gets: the world, the options, and where to write. */
export interface Context {
  readonly host: Host;
  readonly options: Options & Readonly<Record<string, unknown>>;
  readonly output: Output;
  /** What stands after the verb beside the options. */
  readonly args: readonly string[];
  /** Absent: this is no job of a build. */
  readonly build?: Build;
}

declare const __VERSION__: string;

/** This tool's version, from package.json at build time. */
export const VERSION: string = typeof __VERSION__ === 'string' ? __VERSION__ : '0.0.0-source';
