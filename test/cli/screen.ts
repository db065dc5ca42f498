/** A terminal that can be read: what was written, and what it shows. */
export interface Screen {
  readonly stream: NodeJS.WriteStream;
  /** Everything written, with its control sequences. */
  readonly raw: () => string;
  /** The lines that stand there now, without colours; trailing empty ones left out. */
  readonly lines: () => string[];
}

export function screen(columns = 100, rows = 40): Screen {
  let text = '';
  const stream = { isTTY: true, columns, rows, write: (chunk: string) => ((text += chunk), true) };
  return {
    stream: stream as unknown as NodeJS.WriteStream,
    raw: () => text,
    lines: () => show(text),
  };
}

const TOKEN = /\x1b\[([0-9;?]*)([A-Za-z])|[^]/g;

/** What a terminal without an edge shows of a text; knows the sequences that move the cursor up, to a column, and erase lines. */
export function show(text: string): string[] {
  const rows: string[] = [''];
  let [row, column] = [0, 0];
  for (const [token, count, command] of text.matchAll(TOKEN)) {
    const line = rows[row] ?? '';
    if (command === 'A') row = Math.max(0, row - Number(count || 1));
    else if (command === 'G') column = Number(count || 1) - 1;
    else if (command === 'K') rows[row] = count === '2' ? '' : line.slice(0, column);
    else if (command !== undefined) continue;
    else if (token === '\r') column = 0;
    else if (token === '\n') {
      row += 1;
      column = 0;
      rows[row] ??= '';
    } else {
      rows[row] = line.padEnd(column).slice(0, column) + token + line.slice(column + 1);
      column += 1;
    }
  }
  return rows.join('\n').trimEnd().split('\n');
}
