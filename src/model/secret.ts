const values = new WeakMap<Secret, string>();

/**
 * A value that must never be printed: prints, serialises and inspects as `(secret)`.
 * Every environment variable's value and every presigned link is one, whoever wrote it.
 * Two secrets are compared with {@link Secret.equals}, never with `===` or a deep comparison.
 */
export class Secret {
  constructor(value: string) {
    values.set(this, value);
  }

  /** Whether both hold the same text. Tells nothing else about either. */
  equals(other: Secret): boolean {
    return values.get(this) === values.get(other);
  }

  /** How much of Lambda's limit the value takes: bytes of its JSON, without the quotes. */
  get jsonBytes(): number {
    return new TextEncoder().encode(JSON.stringify(values.get(this))).length - 2;
  }

  toString(): string {
    return '(secret)';
  }

  toJSON(): string {
    return '(secret)';
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '(secret)';
  }
}

/**
 * The text inside. Only the AWS adapter (to send it), the redactor (to search for it) and `import` (to write what is no
 * secret into a file) may import this; the linter refuses it elsewhere.
 */
export function reveal(secret: Secret): string {
  return values.get(secret) ?? '';
}

/** One secret out of several, in their order. Tells nothing of any. */
export function joinSecrets(pieces: readonly Secret[]): Secret {
  return new Secret(pieces.map((piece) => values.get(piece) ?? '').join(''));
}

/**
 * The value at a key of a secret that is a JSON map: text as it is, anything else as JSON. `path`: the key itself, or keys
 * from the root joined by dots. `undefined` when the secret is no such map or has `null` or nothing there.
 */
export function memberOfSecret(secret: Secret, path: string): Secret | undefined {
  const root = parseJson(values.get(secret) ?? '');
  const found = memberOf(root, path) ?? path.split('.').reduce<unknown>(memberOf, root);
  if (found === undefined || found === null) return undefined;
  return new Secret(typeof found === 'string' ? found : JSON.stringify(found));
}

function memberOf(value: unknown, key: string): unknown {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isMap && Object.hasOwn(value, key) ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the text.
    return undefined;
  }
}
