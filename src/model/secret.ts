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
 * The text inside. Only the AWS adapter (to send it) and the redactor (to search for it) may import this; the linter
 * refuses it elsewhere.
 */
export function reveal(secret: Secret): string {
  return values.get(secret) ?? '';
}
