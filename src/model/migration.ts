import type { Location } from '../errors.js';
import type { FORMAT_VERSION } from './plan.js';

/** Something that the aws-lambda-deploy plugin did otherwise, or that the new files cannot say. */
export interface MigrationNote {
  /** One for each kind of note, for machines: `ENVIRONMENT_SET`. */
  readonly code: string;
  /** `warning`: read it before the first apply. */
  readonly severity: 'warning' | 'note';
  /** What was, and what is. Never the value of a variable. */
  readonly message: string;
  /** What to do, an imperative. */
  readonly fix: string;
  /** The function's name, as the file has it; absent: the pipeline as a whole. */
  readonly function?: string;
  /** The plugin's option; absent: none in particular. */
  readonly option?: string;
  /** In the old pipeline. */
  readonly location: Location;
}

/** A function of the new file. */
export interface MigratedFunction {
  /** Its key. */
  readonly name: string;
  readonly aliases: readonly string[];
}

/** The result of `import --pipeline`. */
export interface MigrationDocument {
  readonly formatVersion: typeof FORMAT_VERSION;
  readonly command: 'import';
  /** The pipeline that was read; like the other two seen from the working directory. */
  readonly from: string;
  /** The file that was written. */
  readonly file: string;
  /** The pipeline that was written. */
  readonly pipeline: string;
  /** Empty: the file has none. */
  readonly environments: readonly string[];
  readonly functions: readonly MigratedFunction[];
  /** Variables without which the file cannot be loaded. */
  readonly variables: readonly string[];
  /** Warnings first, then in the order of the old pipeline. */
  readonly notes: readonly MigrationNote[];
}
