import { isUnreadable, type DesiredFunction, type LiveFunction, type LiveVersion } from '../model/function.js';
import { reveal, type Secret } from '../model/secret.js';

/** Shorter values would blot out ordinary words, and Buildkite's redactor knows none under six either. */
const MIN_BYTES = 8;

/**
 * The second net (semantics 34): replaces every secret value it was told, also JSON-, base64- and URL-encoded, in whatever is
 * about to be written. The first net is that values are never put into a document at all.
 */
export class Redactor {
  private needles: readonly string[] = [];
  private readonly known = new Set<string>();
  private untold: readonly string[] = [];

  /** @param publicText what everybody may read already, the file's own text: a value that stands in it is no secret */
  constructor(private readonly publicText: string) {}

  learn(secret: Secret): void {
    const value = reveal(secret);
    this.learnText(value);
    // A key in PEM is logged and cut line by line.
    if (value.includes('\n')) value.split(/\r?\n/).forEach((line) => this.learnText(line));
  }

  private learnText(value: string): void {
    if (Buffer.byteLength(value) < MIN_BYTES || this.publicText.includes(value) || this.known.has(value)) return;
    this.known.add(value);
    this.untold = [...this.untold, value];
    // Longest first: a value that contains another one must not be left half shown.
    this.needles = [...new Set([...this.needles, ...formsOf(value)])].sort((left, right) => right.length - left.length);
  }

  learnDesired({ environment, aliases }: Pick<DesiredFunction, 'environment' | 'aliases'>): void {
    const checks = aliases.flatMap(({ healthChecks }) => healthChecks);
    [environment ?? {}, ...checks.map(({ payloadSecrets = {} }) => payloadSecrets)].forEach((secrets) =>
      Object.values(secrets).forEach((value) => this.learn(value)),
    );
  }

  learnLive(live: LiveFunction): void {
    [live.latest, ...live.versions].forEach((version) => this.learnVersion(version));
  }

  learnVersion({ environment, codeLocation }: LiveVersion): void {
    if (!isUnreadable(environment)) Object.values(environment).forEach((value) => this.learn(value));
    if (codeLocation !== undefined) this.learn(codeLocation);
  }

  /** The values that were learned since the last call of this: for another redactor, and for nothing else. */
  takeUntold(): readonly string[] {
    const values = this.untold;
    this.untold = [];
    return values;
  }

  redact(text: string): string {
    return this.needles.reduce((result, needle) => result.replaceAll(needle, '(secret)'), text);
  }
}

/** How a value is met: bare, in JSON and in JSON inside JSON (an error's message), in a URL, in base64 at any offset. */
function formsOf(value: string): string[] {
  const quoted = inJson(value);
  return [value, quoted, inJson(quoted), encodeURIComponent(value), ...inBase64(Buffer.from(value))];
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** The characters of base64 that this value alone decides, for each place it can have among groups of three bytes (`user:VALUE`). */
function inBase64(value: Buffer): string[] {
  return [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), value]).toString('base64');
    const whole = Math.floor(((before + value.length) * 8) / 6);
    return encoded.slice(Math.ceil((before * 8) / 6), whole);
  });
}
