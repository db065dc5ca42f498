import { escapeExpressions, isSecretName } from '../interpolate.js';

/** Where a text of the pipeline goes in the file. */
export interface Target {
  /** `environment` and `payload` take secrets; in the rest of the file such names are refused. */
  readonly place: 'environment' | 'payload' | 'other';
  /** The name of the variable of the function. */
  readonly variable?: string;
  /** Said where a variable is not set; for what is only shown. */
  readonly unset?: string;
}

/** A text in the words of the file, or why Buildkite itself would refuse it. */
export type Translated = { readonly text: string } | { readonly problem: string };

/** A part of a text: as it stands, or a variable with what Buildkite does to it. */
type Piece =
  | { readonly text: string }
  | {
      readonly name: string;
      readonly raw: string;
      readonly operator: '' | ':-' | '?' | 'other';
      readonly argument: string;
    };

/** What Buildkite knows at upload and what stands for it in the file. */
const CONFIG: Readonly<Record<string, 'region' | 'account'>> = {
  AWS_REGION: 'region',
  AWS_DEFAULT_REGION: 'region',
  AWS_ACCOUNT_ID: 'account',
};

/**
 * Translates what Buildkite's agent fills in when it uploads a pipeline into what the file resolves when it is loaded. What the file
 * has no words for (a part of a value, a default inside a default, a matrix) is left to Buildkite: the step hands the result over in a
 * variable of its own.
 * @see https://buildkite.com/docs/agent/cli/reference/pipeline#environment-variable-substitution
 */
export class Expressions {
  readonly #computed = new Map<string, string>();
  readonly #used = new Set<string>();
  readonly #needed = new Set<string>();

  /** @param knowsAccount whether the file says its account */
  constructor(private readonly knowsAccount: boolean) {}

  /** The variables that the steps have to hand over, with what Buildkite makes them from. */
  get computed(): ReadonlyMap<string, string> {
    return new Map([...this.#computed].map(([raw, name]) => [name, raw]));
  }

  /** The variables of the job that the file asks for, without those of {@link computed}. */
  get used(): readonly string[] {
    return [...this.#used];
  }

  /** Those without which the file cannot be loaded, {@link computed} ones too. */
  get needed(): readonly string[] {
    return [...this.#needed];
  }

  /** One text of the pipeline as a text of the file. */
  translate(text: string, target: Target): Translated {
    const parsed = parse(text);
    if ('problem' in parsed) return parsed;
    return {
      text: joined(parsed.pieces)
        .map((piece) => this.#written(piece, target))
        .join(''),
    };
  }

  #written(piece: Piece, target: Target): string {
    if ('text' in piece) return escapeExpressions(piece.text);
    const { name, operator, argument, raw } = piece;
    const isOpen = target.place !== 'other';
    const config = Object.hasOwn(CONFIG, name) ? CONFIG[name] : undefined;
    if (operator === '' && (config === 'region' || (config === 'account' && this.knowsAccount)))
      return `\${config:${config}}`;
    const isForeign = /^AWS_/.test(name) && !isSecretName(name.slice('AWS_'.length));
    if (operator === 'other' || argument.includes('${') || (!isOpen && isForeign))
      return this.#handedOver(name, raw, target);
    const isSecret = isOpen && (isSecretName(name) || isSecretName(target.variable ?? ''));
    this.#used.add(name);
    if (operator === ':-') return `\${${name}:-${argument}}`;
    if (target.unset === undefined) this.#needed.add(name);
    if (operator === '?') return `\${${name}:?${argument}}`;
    if (isSecret) return `\${secret:${name}}`;
    return target.unset === undefined ? `\${${name}}` : `\${${name}:-${target.unset}}`;
  }

  #handedOver(name: string, raw: string, target: Target): string {
    const known = this.#computed.get(raw);
    const own = known ?? this.#freeName(name);
    this.#computed.set(raw, own);
    if (target.unset === undefined) this.#needed.add(own);
    if (target.place !== 'other' && isSecretName(target.variable ?? '')) return `\${secret:${own}}`;
    return target.unset === undefined ? `\${${own}}` : `\${${own}:-${target.unset}}`;
  }

  #freeName(name: string): string {
    const base = `DEPLOY_${name.replace(/^(?:BUILDKITE|AWS)_/, '').toUpperCase()}`;
    // A name that looks like a secret's would be refused outside of `environment`.
    const plain = isSecretName(base) ? `${base}_PART` : base;
    const taken = new Set(this.#computed.values());
    for (let number = 1; ; number += 1) {
      const candidate = number === 1 ? plain : `${plain}_${number}`;
      if (!taken.has(candidate)) return candidate;
    }
  }
}

/** A dollar right before an expression would escape it in the file: the two are handed over together. */
function joined(pieces: readonly Piece[]): readonly Piece[] {
  return pieces.flatMap((piece, index): readonly Piece[] => {
    const next = pieces[index + 1];
    const before = pieces[index - 1];
    if ('text' in piece && piece.text.endsWith('$') && next !== undefined && !('text' in next))
      return piece.text === '$' ? [] : [{ text: piece.text.slice(0, -1) }];
    if (!('text' in piece) && before !== undefined && 'text' in before && before.text.endsWith('$'))
      return [{ ...piece, operator: 'other', raw: `$$${piece.raw}` }];
    return [piece];
  });
}

/** The grammar of Buildkite's interpolation, and `{{matrix}}`, which the server fills in. */
function parse(text: string): { readonly pieces: readonly Piece[] } | { readonly problem: string } {
  const pieces: Piece[] = [];
  let plain = '';
  let at = 0;
  const end = (): void => {
    if (plain !== '') pieces.push({ text: plain });
    plain = '';
  };
  while (at < text.length) {
    const rest = text.slice(at);
    const escaped = /^(?:\\\\|\\\$|\$\$|\$\(|\$$)/.exec(rest)?.[0];
    const matrix = /^\{\{\s*matrix(?:\.([A-Za-z0-9_]+))?\s*\}\}/.exec(rest);
    if (escaped !== undefined) plain += escaped === '\\$' || escaped === '$$' ? '$' : escaped;
    if (matrix !== null) {
      end();
      const name = matrix[1] === undefined ? 'MATRIX' : `MATRIX_${matrix[1].toUpperCase()}`;
      pieces.push({ name, raw: matrix[0], operator: 'other', argument: '' });
    }
    const taken = escaped ?? matrix?.[0];
    if (taken !== undefined) {
      at += taken.length;
      continue;
    }
    if (rest.startsWith('$')) {
      const found = expressionAt(rest);
      if ('problem' in found) return found;
      end();
      pieces.push(found);
      at += found.raw.length;
      continue;
    }
    plain += rest[0];
    at += 1;
  }
  end();
  return { pieces };
}

function expressionAt(rest: string): Extract<Piece, { name: string }> | { readonly problem: string } {
  const bare = /^\$([A-Za-z][A-Za-z0-9_]*)/.exec(rest);
  if (bare !== null) return { name: bare[1] ?? '', raw: bare[0], operator: '', argument: '' };
  const name = /^\$\{([A-Za-z][A-Za-z0-9_]*)/.exec(rest)?.[1];
  const close = closingBrace(rest);
  if (name === undefined || close === -1) {
    const shown = rest.slice(0, 20).split(/\s/, 1)[0] ?? '';
    return { problem: `Buildkite cannot read \`${shown}\`, and uploads no pipeline with it` };
  }
  const raw = rest.slice(0, close + 1);
  const [, operator = '', argument = ''] = /^(:-|\?|)(.*)$/s.exec(raw.slice(name.length + 2, -1)) ?? [];
  if (operator === '' && argument === '') return { name, raw, operator: '', argument };
  const isKnown = operator === ':-' || operator === '?';
  if (isKnown && !/[$\\{}]/.test(argument)) return { name, raw, operator, argument };
  if (isKnown || /^(?:-|:\s*-?\d|%|#)/.test(argument)) return { name, raw, operator: 'other', argument: '' };
  return { problem: `Buildkite cannot read \`${raw.slice(0, 40)}\`, and uploads no pipeline with it` };
}

/** The brace that ends an expression; those of expressions inside are passed over. */
function closingBrace(text: string): number {
  let depth = 0;
  for (let at = 1; at < text.length; at += 1) {
    if (text.startsWith('$$', at) || text.startsWith('\\$', at)) at += 1;
    else if (text.startsWith('${', at) || at === 1) depth += 1;
    else if (text[at] === '}') depth -= 1;
    if (depth === 0) return at;
  }
  return -1;
}
