import pc from 'picocolors';
import { printable, printableJson } from '../model/printable.js';
import { as, elapsed, plain, type Line, type Role, type Span } from '../render/text.js';
import { block } from '../render/markdown.js';
import { isJob, type Host } from './host.js';
import type { Options } from './options.js';
import { Redactor } from './redact.js';

type Colors = ReturnType<typeof pc.createColors>;

const NO_COLORS = pc.createColors(false);

/**
 * Where everything that people or machines read is written: results to stdout, progress and diagnostics to stderr. Redacts and
 * makes printable on the way, so that no caller has to.
 */
export class Output {
  redactor = new Redactor('');
  private readonly colorsOut: Colors;
  private readonly colorsErr: Colors;
  private readonly startedAt: number;
  private readonly isJob: boolean;
  private hasGroup = false;

  constructor(
    private readonly host: Host,
    readonly options: Pick<Options, 'format' | 'color' | 'quiet' | 'verbose'>,
  ) {
    this.startedAt = host.clock.now();
    this.isJob = isJob(host);
    this.colorsOut = pc.createColors(wantsColor(host, options.color, host.isTerminal.stdout));
    this.colorsErr = pc.createColors(wantsColor(host, options.color, host.isTerminal.stderr));
  }

  /**
   * The result: the document as JSON, its lines as text, or as Markdown: what `toMarkdown` makes of the redacted document, else its
   * lines in a block.
   */
  result<D extends object>(document: D, lines: readonly Line[], toMarkdown?: (document: D) => string): void {
    const { format } = this.options;
    if (format === 'text') return this.host.writeOut(this.paint(lines, this.colorsOut));
    if (format === 'markdown' && toMarkdown === undefined) return this.markdown(block(this.cleaned(lines)));
    if (format === 'markdown' && toMarkdown !== undefined)
      return this.host.writeOut(this.toMarkdown(document, toMarkdown));
    this.host.writeOut(`${printableJson(this.json(document))}\n`);
  }

  /** A document as Markdown, for the result or for an annotation: redacted first, because what escapes it would hide a secret. */
  toMarkdown<D extends object>(document: D, toMarkdown: (document: D) => string): string {
    return this.cleanMarkdown(toMarkdown(JSON.parse(this.json(document)) as D));
  }

  /** Values only: a secret that is spelt like a key must not change the shape of the document. */
  private json(document: object): string {
    const redact = (_key: string, value: unknown): unknown =>
      typeof value === 'string' ? this.redactor.redact(value) : value;
    return JSON.stringify(document, redact, 2);
  }

  /** Text that goes before the result; a JSON reader gets none. */
  preface(lines: readonly Line[]): void {
    const { format } = this.options;
    if (format === 'text') this.host.writeOut(this.paint(lines, this.colorsOut));
    else if (format === 'markdown') this.markdown(`${block(this.cleaned(lines))}\n`);
  }

  private markdown(text: string): void {
    this.host.writeOut(this.cleanMarkdown(text));
  }

  private cleanMarkdown(text: string): string {
    return printable(this.redactor.redact(text), '');
  }

  private cleaned(lines: readonly Line[]): Line[] {
    return [[this.paint(lines, NO_COLORS)]];
  }

  /** What goes on, with the time since the command started; `--quiet` hides it. */
  progress(lines: readonly Line[]): void {
    if (this.options.quiet) return;
    const stamp = `[${elapsed(this.host.clock.now() - this.startedAt)}] `;
    this.diagnostics(lines.map((line, index) => [as('dim', index === 0 ? stamp : ' '.repeat(stamp.length)), ...line]));
  }

  /**
   * In a job of Buildkite's: a group of the log begins here. Elsewhere nothing.
   * @see https://buildkite.com/docs/pipelines/configure/managing-log-output
   */
  group(title: string, state: 'open' | 'closed' = 'closed'): void {
    if (!this.isJob || this.options.quiet) return;
    this.hasGroup = true;
    this.diagnostics([[`${state === 'open' ? '+++' : '---'} ${title}`]]);
  }

  /** Opens the group that the log is in, for a reader who looks for what went wrong. */
  openGroup(): void {
    if (this.hasGroup) this.diagnostics([['^^^ +++']]);
  }

  /** Text for the terminal that stderr is, redacted and in colour. */
  styled(lines: readonly Line[]): string {
    return this.paint(lines, this.colorsErr).trimEnd();
  }

  /** What must be seen: errors and warnings. */
  diagnostics(lines: readonly Line[]): void {
    if (lines.length > 0) this.host.writeErr(this.paint(lines, this.colorsErr));
  }

  /** Redacted before anything else is done to the text, which would break a secret up, and once more where it spans pieces. */
  private paint(lines: readonly Line[], colors: Colors): string {
    const clean = (text: string): string => printable(this.redactor.redact(text));
    return this.redactor.redact(plain(lines.map((line) => line.map((span) => brush(span, clean, colors)))));
  }
}

/** @see https://no-color.org and https://force-color.org */
function wantsColor(host: Host, option: boolean, isTerminal: boolean): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = host.env;
  if (!option || (NO_COLOR !== undefined && NO_COLOR !== '')) return false;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return FORCE_COLOR !== '0';
  return isTerminal && TERM !== 'dumb';
}

function brush(span: Span, clean: (text: string) => string, colors: Colors): string {
  if (typeof span === 'string') return clean(span);
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
  return brushes[span.role](clean(span.text));
}
