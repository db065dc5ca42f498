/** Why a text is no JSON, or cannot be carried as it is. */
export interface JsonProblem {
  /** Where it begins, in characters from the start. */
  readonly offset: number;
  /** `number`: JSON, but a number in it would be sent as another one. */
  readonly kind: 'syntax' | 'number';
}

/** What may come next; `comma` stands for the closing bracket, too. */
type Want = 'value' | 'first value' | 'key' | 'first key' | 'colon' | 'comma' | 'end';

const SPACE = /[\t\n\r ]*/y;
const TOKEN =
  /[[\]{},:]|"[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[ !#-[\]-\uffff]*)*"|(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y;

/** The first place at which a text is no JSON (RFC 8259). The platform's own parser says where only for some mistakes. */
export function findJsonProblem(text: string): JsonProblem | undefined {
  const open: string[] = [];
  let want: Want = 'value';
  for (let offset = skipSpace(text, 0); offset < text.length;) {
    TOKEN.lastIndex = offset;
    const token = TOKEN.exec(text)?.[0];
    const next: Want | undefined = token === undefined ? undefined : wantAfter(token, want, open);
    if (token === undefined || next === undefined) return { offset, kind: 'syntax' };
    if (/^[-\d]/.test(token) && !isExact(Number(token))) return { offset, kind: 'number' };
    want = next;
    offset = skipSpace(text, offset + token.length);
  }
  return want === 'end' ? undefined : { offset: text.length, kind: 'syntax' };
}

/** Whether JSON carries a number without changing it. */
export function isExact(value: number): boolean {
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
}

function wantAfter(token: string, want: Want, open: string[]): Want | undefined {
  const [kind = ''] = token;
  const done = (): Want => (open.length === 0 ? 'end' : 'comma');
  if (kind === ']' || kind === '}') {
    const isEmpty = want === (kind === ']' ? 'first value' : 'first key');
    const fits = open.pop() === (kind === ']' ? '[' : '{');
    return fits && (isEmpty || want === 'comma') ? done() : undefined;
  }
  if (kind === ',') return want !== 'comma' ? undefined : open.at(-1) === '{' ? 'key' : 'value';
  if (kind === ':') return want === 'colon' ? 'value' : undefined;
  if (want === 'key' || want === 'first key') return kind === '"' ? 'colon' : undefined;
  if (want !== 'value' && want !== 'first value') return undefined;
  if (kind !== '[' && kind !== '{') return done();
  open.push(kind);
  return kind === '[' ? 'first value' : 'first key';
}

function skipSpace(text: string, offset: number): number {
  SPACE.lastIndex = offset;
  return offset + (SPACE.exec(text)?.[0].length ?? 0);
}
