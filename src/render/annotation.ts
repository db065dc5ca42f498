import { code, strong } from './markdown.js';

/**
 * An annotation may have 1 MiB of UTF-8. What makes text printable can make three bytes of one, so a third of it is filled at most.
 * @see https://buildkite.com/docs/agent/cli/reference/annotate
 */
export const MAX_BODY_BYTES = 349_525;

/** What an annotation is about. */
export interface Subject {
  /** Relative to the working directory. */
  readonly file: string;
  readonly environment?: string;
  /** What options narrow it down to: functions, aliases, a region; empty: the whole file. */
  readonly narrowed: readonly string[];
  /** Where neither the file nor an option says it: the region of the job's environment. */
  readonly region?: string;
}

/** A part of an annotation, Markdown; `more` is what can be missed. */
export interface Part {
  readonly short: string;
  readonly more?: string;
}

/** `**lambda.deploy.yaml**, environment **production**, region **eu-west-1**, only orders` */
export function subjectText({ file, environment, narrowed, region }: Subject): string {
  const where = environment === undefined ? '' : `, environment ${strong(environment)}`;
  const there = region === undefined ? '' : `, region ${strong(region)}`;
  const only = narrowed.length === 0 ? '' : `, only ${narrowed.map(code).join(', ')}`;
  return `${strong(file)}${where}${there}${only}`;
}

/**
 * As many parts as fit between head and foot: first what every part needs, then what can be missed, both in their order. What did
 * not fit is counted at the end.
 *
 * @param elsewhere where the rest can be read, a sentence of Markdown
 */
export function fitted(
  head: string,
  parts: readonly Part[],
  foot: string,
  elsewhere: string,
  limit = MAX_BODY_BYTES,
): string {
  const notice = (missing: number, cut: number): string =>
    missing + cut === 0 ? '' : `\n${leftOut(parts.length, missing, cut)} ${elsewhere}\n`;
  let left = limit - bytesOf(head) - bytesOf(foot) - bytesOf(notice(parts.length, parts.length));
  const take = (markdown: string): boolean => {
    const bytes = bytesOf(markdown) + 1;
    const fits = bytes <= left;
    if (fits) left -= bytes;
    return fits;
  };
  const shown = parts.filter(({ short }) => take(short));
  const whole = new Set(shown.filter(({ more }) => more === undefined || take(more)));
  const body = shown.map(
    (part) => `${part.short}\n${whole.has(part) && part.more !== undefined ? `${part.more}\n` : ''}`,
  );
  return `${head}${body.join('')}${foot}${notice(parts.length - shown.length, shown.length - whole.size)}`;
}

function leftOut(all: number, missing: number, cut: number): string {
  const parts = [
    ...(missing > 0 ? [`${missing} of ${all} functions`] : []),
    ...(cut > 0 ? [`the details of ${cut}`] : []),
  ];
  return `Not shown here, for want of room: ${parts.join(', ')}.`;
}

function bytesOf(markdown: string): number {
  return new TextEncoder().encode(markdown).length;
}
