import type { Settings, Variables, Version } from './function.js';
import type { FORMAT_VERSION } from './plan.js';

/** Something about a live function that a file cannot say, or says in another way than expected. */
export interface ImportNote {
  /** As in a plan: `architectures`, `environment.NAME`, `aliases.live`. */
  readonly path: string;
  /** What it is and what to do, a sentence without a capital. Never the value of a variable. */
  readonly message: string;
}

/** An alias as a file says it. */
export interface ImportedAlias {
  readonly name: string;
  /** Absent: empty. */
  readonly description?: string;
  /** Absent: the alias serves what `$LATEST` is, and can follow the file. */
  readonly version?: Version;
}

/** A live function as a file says it: only what is not AWS's default. The code is apart. */
export interface ImportedFunction {
  readonly name: string;
  /** Structs have only the members that need saying. */
  readonly settings: Settings;
  /** Absent: there are none, or AWS does not show them. */
  readonly environment?: Variables;
  /** Absent: none. */
  readonly codeSigningConfigArn?: string;
  /** Without AWS's own and this tool's records. */
  readonly tags: Readonly<Record<string, string>>;
  readonly aliases: readonly ImportedAlias[];
  readonly notes: readonly ImportNote[];
}

/** The function as it is written: with its code, and its variables opened or withheld. */
export interface ImportedEntry extends Omit<ImportedFunction, 'environment'> {
  /** Absent: the file does not manage the code. */
  readonly code?: { readonly zip: string } | { readonly image: string };
  /** Absent: the file does not manage them. */
  readonly variables?: {
    /** May stand in a file. */
    readonly clear: Readonly<Record<string, string>>;
    /** Names whose values may be secrets: left to others. */
    readonly withheld: readonly string[];
  };
}

/** The result of `import`. */
export interface ImportDocument {
  readonly formatVersion: typeof FORMAT_VERSION;
  readonly command: 'import';
  /** The file that was written, seen from the working directory. */
  readonly file: string;
  readonly functions: readonly {
    readonly name: string;
    /** The archive that was written, seen from the file's folder. */
    readonly archive?: string;
    /** Variables whose values are not in the file. */
    readonly withheld: readonly string[];
    readonly notes: readonly ImportNote[];
  }[];
}
