import { nearestTo } from '../explain.js';
import type { Finding } from '../findings.js';
import { nodeAt, type Node, type Path, type Position, type ScalarNode } from '../node.js';
import type { Expressions, Target } from './expressions.js';
import type { Notes } from './notes.js';
import type { PluginUse } from './steps.js';
import { leaf, writtenText } from './tree.js';

/** Every option that version 1.0.0 of the plugin reads, those of its code too that its documentation does not name. */
export const OPTIONS = [
  ...['function-name', 'alias', 'mode', 'region', 'package-type', 'zip-file', 's3-bucket', 's3-key'],
  ...['s3-object-version', 'image-uri', 'image-config', 'environment', 'timeout', 'memory-size', 'runtime'],
  ...['handler', 'role', 'description', 'strategy', 'canary-weight', 'canary-type', 'canary-steps'],
  ...['canary-interval', 'canary-auto-promote', 'auto-rollback', 'health-check-enabled'],
  ...['health-check-timeout', 'health-check-payload', 'health-check-expected-status', 'health-check-error-threshold'],
] as const;

/** One of them. */
export type Option = (typeof OPTIONS)[number];

/** What the reading of a whole pipeline has in common. */
export interface Reading {
  readonly expressions: Expressions;
  readonly notes: Notes;
  readonly findings: Finding[];
}

/** The options of one mention of the plugin. An empty one counts as absent, as it does for the plugin. */
export class Options {
  readonly position: Position;

  constructor(
    private readonly use: PluginUse,
    readonly path: Path,
    private readonly reading: Reading,
  ) {
    this.position = use.position;
  }

  /** The option as it stands, `undefined` where it is absent or empty. */
  node(name: Option): Node | undefined {
    const node = nodeAt(this.use.options, name);
    return node?.kind === 'scalar' && writtenText(node) === undefined ? undefined : node;
  }

  /** Where it stands; where it is absent, the plugin's name does. */
  at(name: Option): Position {
    const entry = this.use.options?.entries.get(name);
    return entry?.node.kind === 'scalar' ? entry.node.position : (entry?.keyPosition ?? this.position);
  }

  has(name: Option): boolean {
    return this.node(name) !== undefined;
  }

  /** The text of an option with its expressions as they are in the pipeline; a map or a list is a finding. */
  raw(name: Option): string | undefined {
    const node = this.node(name);
    if (node === undefined) return undefined;
    const text = writtenText(node);
    if (text === undefined) this.refuse(name, 'is no text', 'write text.');
    return text;
  }

  /** The text of an option in the words of the file. */
  text(name: Option, target: Target = { place: 'other' }): ScalarNode | undefined {
    const raw = this.raw(name);
    return raw === undefined ? undefined : this.translated(raw, this.at(name), name, target);
  }

  /** A number, also one in quotes; any other text stays, for the schema to judge or an expression to become one. */
  number(name: Option): ScalarNode | undefined {
    const text = this.text(name);
    const isNumber = typeof text?.value === 'string' && /^-?\d+(?:\.\d+)?$/.test(text.value);
    return isNumber ? leaf(Number(text.value), text.position) : text;
  }

  /** A number that has to be known here. */
  plainNumber(name: Option, otherwise: number): number | undefined {
    const node = this.number(name);
    if (node === undefined) return otherwise;
    if (typeof node.value === 'number') return node.value;
    this.refuse(name, `is "${String(node.value).slice(0, 40)}"`, 'write a number.');
    return undefined;
  }

  /** True or false, also in quotes; `undefined`: absent, or neither, which is a finding. */
  flag(name: Option): boolean | undefined {
    const raw = this.raw(name)?.toLowerCase();
    if (raw === undefined) return undefined;
    if (raw === 'true' || raw === 'false') return raw === 'true';
    this.refuse(name, `is "${raw.slice(0, 40)}"; the plugin takes true and false`, 'write true or false.');
    return undefined;
  }

  /** One of the words that the plugin knows. */
  choice<Word extends string>(name: Option, words: readonly Word[], otherwise: Word | undefined): Word | undefined {
    const raw = this.raw(name);
    if (raw === undefined) return otherwise;
    const word = words.find((one) => one === raw);
    if (word !== undefined) return word;
    const near = nearestTo(raw, words);
    const says = `is "${raw.slice(0, 40)}"${near === undefined ? '' : `, did you mean ${near}?`}`;
    this.refuse(name, says, `write ${near ?? words.join(', ')}.`);
    return undefined;
  }

  /** A text of the pipeline in the words of the file. */
  translated(raw: string, position: Position, name: Option, target: Target): ScalarNode {
    const result = this.reading.expressions.translate(raw, target);
    if ('text' in result) return leaf(result.text, position);
    this.refuse(
      name,
      `has an expression: ${result.problem}`,
      'write $$ for a dollar, or mend the expression.',
      position,
    );
    // Reported here, it is not judged by the schema too.
    return { ...leaf('', position), interpolated: { written: raw, shown: '', whole: false, failed: true } };
  }

  /** A finding about an option. @param says follows its name */
  refuse(name: Option, says: string, fix: string, position = this.at(name)): void {
    const finding = {
      code: 'SCHEMA' as const,
      position,
      path: [...this.path, name],
      message: `\`${name}\` ${says}${says.endsWith('?') ? '' : '.'}`,
      fix,
    };
    this.reading.findings.push(finding);
  }

  /** Notes what the plugin does not know, with the word that was probably meant. */
  noteUnknown(key: string): void {
    for (const [name, { keyPosition }] of this.use.options?.entries ?? []) {
      if ((OPTIONS as readonly string[]).includes(name)) continue;
      const near = nearestTo(name, OPTIONS);
      this.reading.notes.add('UNKNOWN_OPTION', keyPosition, { key, option: name }, [name, near ?? '']);
    }
  }
}
