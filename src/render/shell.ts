/** Characters that no POSIX shell gives a meaning, nor `$` and `%` of others. */
const PLAIN = /^[\w@%+=:,./-]+$/;

/**
 * A word that a POSIX shell reads as exactly this text. Between a backslash and a `$` stand two quotes, which mean nothing to the
 * shell: buildkite-agent would take `\$` for an escaped `$`.
 */
export function shellWord(text: string): string {
  if (PLAIN.test(text)) return text;
  return `'${text.replaceAll("'", `'\\''`).replaceAll('\\$', `\\''$`)}'`;
}

/** A command line of words. */
export function commandLine(words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}
