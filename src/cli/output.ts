import pc from 'picocolors';
import { plain, printable, type Line, type Role } from '../render/text.js';
import type { Host } from './host.js';
import type { Options } from './options.js';
import { Redactor } from './redact.js';

type Colors = ReturnType<typeof pc.createColors>;

/**
 * Where everything that people or machines read is written: results to stdout, progress and diagnostics to stderr. Redacts and
 * makes printable on the way, so that no caller has to.
 */
export class Output {
  redactor = new Redactor('');
  private readonly colorsOut: Colors;
  private readonly colorsErr: Colors;

  constructor(
    private readonly host: Host,
    readonly options: Pick<Options, 'format' | 'color' | 'quiet' | 'verbose'>,
  ) {
    this.colorsOut = pc.createColors(wantsColor(host, options.color, host.isTerminal.stdout));
    this.colorsErr = pc.createColors(wantsColor(host, options.color, host.isTerminal.stderr));
  }

  /** The result: the document as JSON, or its lines as text. */
  result(document: object, lines: readonly Line[]): void {
    const text =
      this.options.format === 'json' ? `${JSON.stringify(document, null, 2)}\n` : paint(lines, this.colorsOut);
    this.host.writeOut(this.redactor.redact(text));
  }

  /** Text that goes before the result; a JSON reader gets none. */
  preface(lines: readonly Line[]): void {
    if (this.options.format !== 'json') this.host.writeOut(this.redactor.redact(paint(lines, this.colorsOut)));
  }

  /** What goes on; `--quiet` hides it. */
  progress(lines: readonly Line[]): void {
    if (!this.options.quiet) this.diagnostics(lines);
  }

  /** What must be seen: errors and warnings. */
  diagnostics(lines: readonly Line[]): void {
    if (lines.length > 0) this.host.writeErr(this.redactor.redact(paint(lines, this.colorsErr)));
  }
}

/** @see https://no-color.org and https://force-color.org */
function wantsColor(host: Host, option: boolean, isTerminal: boolean): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = host.env;
  if (!option || (NO_COLOR !== undefined && NO_COLOR !== '')) return false;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return FORCE_COLOR !== '0';
  return isTerminal && TERM !== 'dumb';
}

function paint(lines: readonly Line[], colors: Colors): string {
  const brushes: Record<Role, (text: string) => string> = {
    title: colors.bold,
    add: colors.green,
    change: colors.yellow,
    remove: colors.red,
    good: colors.green,
    bad: colors.red,
    warn: colors.yellow,
    dim: colors.dim,
  };
  const painted = lines.map((line) =>
    line.map((span) => {
      if (typeof span === 'string') return printable(span);
      return { text: printable(span.text), role: span.role };
    }),
  );
  if (!colors.isColorSupported) return plain(painted);
  return plain(
    painted.map((line) => line.map((span) => (typeof span === 'string' ? span : brushes[span.role](span.text)))),
  );
}
